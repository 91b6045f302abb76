#!/usr/bin/env python3
"""The bridge beside five runs of the `alembic` command, in one run on one machine: CPU seconds and milliseconds.

`python3 benches/bridge.py PYTHON [SOCKET_FOLDER]`: the interpreter of an environment with Alembic and psycopg, and the
socket folder of a PostgreSQL server on which the user `postgres` may make databases; without it a SQLite file is used.
Each side is run five times, in turn; medians are printed. The five things: current, history, heads, check, and the
offline SQL of a range.
"""

import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TURNS = 5
COMMANDS = (["current"], ["history"], ["heads"], ["check"], ["upgrade", "base:b2", "--sql"])
DATABASE = "amscratch_00000000be7c"


def measured(run):
    """CPU seconds of the processes that `run` starts, and its own seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    told = run()
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds, told


def main():
    python, sockets = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    subprocess.run(["cargo", "build", "-q", "--example", "five"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "project"
        shutil.copytree(ROOT / "tests/projects/env_base", folder)
        scratch = "%s:%s" % (sockets, DATABASE) if sockets else str(folder / "scratch.db")
        url = "postgresql+psycopg://postgres@/%s?host=%s" % (DATABASE, sockets) if sockets else "sqlite:///" + scratch
        ini = folder / "alembic.ini"
        ini.write_text(ini.read_text().replace("postgresql+psycopg://app:secret@production.invalid:5432/shop", url))
        alembic = [python, "-m", "alembic"]
        if sockets:
            sql = "import psycopg; c = psycopg.connect('host=%s user=postgres', autocommit=True); c.execute('%%s DATABASE %s')" % (
                sockets,
                DATABASE,
            )
            subprocess.run([python, "-c", sql % "CREATE"], check=True)
        try:
            subprocess.run(alembic + ["upgrade", "head"], cwd=folder, check=True, capture_output=True)
            compare(alembic, folder, [target / "debug/examples/five", python, folder, scratch])
        finally:
            if sockets:
                subprocess.run([python, "-c", sql % "DROP"], check=True)


def compare(alembic, folder, five):
    def commands():
        for command in COMMANDS:
            subprocess.run(alembic + command, cwd=folder, capture_output=True)

    def bridge():
        told = subprocess.run(five, env={**os.environ, "COLD_ONLY": "1"}, check=True, capture_output=True)
        return json.loads(told.stdout)

    turns = [(measured(commands), measured(bridge)) for _ in range(TURNS)]
    theirs, ours = (statistics.median(turn[side][0] for turn in turns) for side in (0, 1))
    print("five `alembic` commands: %.2f CPU s, %.2f s" % (theirs, statistics.median(turn[0][1] for turn in turns)))
    print("one bridge, started anew: %.2f CPU s, %.2f s" % (ours, statistics.median(turn[1][1] for turn in turns)))
    print("ratio of CPU: %.2f" % (ours / theirs))
    warm = json.loads(subprocess.run(five, check=True, capture_output=True).stdout)
    print("warm, milliseconds: " + ", ".join("%s %.1f" % pair for pair in zip(warm["names"], warm["warm"])))


main()
