#!/usr/bin/env python3
"""How fast PostgreSQL scans, builds an index and rewrites: the rates behind `lock_duration_ms` (src/risk.rs).

usage: rates.py DSN [ROWS]     needs psycopg 3 and a throw-away server; makes and drops the table `rates_t`
Prints MB/s of table size for each kind of work, the median of three runs.
"""
import statistics
import sys
import time

import psycopg

JOBS = [
    ("scan", "ALTER TABLE rates_t ADD CONSTRAINT c CHECK (a >= 0)", "ALTER TABLE rates_t DROP CONSTRAINT c"),
    ("scan for NOT NULL", "ALTER TABLE rates_t ALTER COLUMN a SET NOT NULL", "ALTER TABLE rates_t ALTER COLUMN a DROP NOT NULL"),
    ("index build, integer", "CREATE INDEX rates_i ON rates_t (a)", "DROP INDEX rates_i"),
    ("index build, text", "CREATE INDEX rates_i ON rates_t (c)", "DROP INDEX rates_i"),
    ("rewrite with one index", "ALTER TABLE rates_t ALTER COLUMN b TYPE bigint", "ALTER TABLE rates_t ALTER COLUMN b TYPE int"),
]


def main():
    dsn, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute("DROP TABLE IF EXISTS rates_t")
        server.execute("CREATE TABLE rates_t (id bigint PRIMARY KEY, a int, b int, c text, filler text)")
        server.execute("INSERT INTO rates_t SELECT g, (g::bigint * 7919) %% 1000003, g, md5(g::text), repeat('x', 160) FROM generate_series(1, %s) g", (rows,))
        server.execute("VACUUM ANALYZE rates_t")
        size = server.execute("SELECT pg_relation_size('rates_t')").fetchone()[0]
        print(server.execute("SHOW server_version").fetchone()[0], f"{rows} rows, {size / 1e6:.0f} MB")
        for name, work, undo in JOBS:
            seconds = []
            for _ in range(3):
                begun = time.perf_counter()
                server.execute(work)
                seconds.append(time.perf_counter() - begun)
                server.execute(undo)
            print(f"{name:24} {size / 1e6 / statistics.median(seconds):7.0f} MB/s")
        server.execute("DROP TABLE rates_t")


if __name__ == "__main__":
    main()
