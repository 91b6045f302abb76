"""What each statement locked, rewrote, read and changed, asked on its own connection while its transaction is open."""

import time

# Weakest first: PostgreSQL 18 manual, 13.3.1.
MODES = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
]

# Neither has a percent sign: drivers take those for parameters.
# A server counts on through several transactions until it makes the counts known: only differences count.
_STOOD = """SELECT c.oid, n.nspname || '.' || c.relname, pg_catalog.pg_relation_filenode(c.oid),
pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.pg_stat_get_xact_tuples_returned(c.oid),
pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
+ pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND n.nspname <> 'alembic_gate' AND c.relname <> 'alembic_version'"""

_NOW = """SELECT l.relation, pg_catalog.string_agg(DISTINCT l.mode, ','), pg_catalog.pg_relation_filenode(l.relation),
pg_catalog.pg_stat_get_xact_numscans(l.relation), pg_catalog.pg_stat_get_xact_tuples_returned(l.relation),
pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation) + pg_catalog.pg_stat_get_xact_tuples_updated(l.relation)
+ pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation)
FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
GROUP BY l.relation"""

# What must be the first of its transaction, or ends it: no question of ours goes before or behind it.
_LEFT_ALONE = ("SET", "BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT", "RELEASE", "SAVEPOINT", "PREPARE", "RESET", "SHOW", "DISCARD")


class Trace:
    """One at a time, in the order of the statements."""

    def __init__(self, family, wire):
        self._is_here = family == "postgresql"
        self._wire = wire
        self.wanted = False
        self._transaction = None
        self._stood = {}
        self._last = {}
        self._open = []
        self._watching = False

    def begin(self, wanted):
        """Forgets what was seen before."""
        self.wanted = wanted and self._is_here
        self._transaction = None
        self._open = []
        self._watching = False

    def before(self, connection, statement, told):
        """Before a statement of a revision is sent."""
        if not self._concerns(statement, told):
            return
        told["began"] = time.perf_counter()
        number = told["transaction"]
        if number is None:
            if "CONCURRENTLY" in statement.upper():
                self._watching = True
                self._wire.watch({"before": statement})
            return
        if number != self._transaction:
            self.ended()
            self._transaction = number
            self._stood = {}
            self._last = {}
            for oid, name, node, scans, read, changed in self._rows(connection, _STOOD):
                self._stood[oid] = name
                self._last[oid] = {"mode": -1, "node": node, "scans": scans or 0, "read": read or 0, "changed": changed or 0}

    def after(self, connection, statement, told):
        """Behind it; what it did is written into `told`."""
        if self._watching:
            told["touched"] = self.stop_watching()
            return
        if not self._concerns(statement, told) or told["transaction"] is None:
            return
        told["touched"] = []
        self._open.append(told)
        for oid, modes, node, scans, read, changed in self._rows(connection, _NOW):
            if oid not in self._stood:
                continue
            name, was = self._stood[oid], self._last[oid]
            mode = max((MODES.index(mode) for mode in modes.split(",") if mode in MODES), default=-1)
            # Of a table that is gone the server counts nothing any more.
            now = {
                "mode": max(mode, was["mode"]),
                "node": node,
                "scans": was["scans"] if scans is None else scans,
                "read": was["read"] if read is None else read,
                "changed": was["changed"] if changed is None else changed,
            }
            self._last[oid] = now
            if now == was:
                continue
            told["touched"].append(
                {
                    "table": name,
                    "mode": MODES[now["mode"]] if now["mode"] >= 0 else None,
                    "taken": now["mode"] > was["mode"],
                    "rewrote": node is not None and was["node"] is not None and node != was["node"],
                    "scanned": now["scans"] > was["scans"],
                    "rows_read": max(0, now["read"] - was["read"]),
                    "rows_changed": max(0, now["changed"] - was["changed"]),
                }
            )

    def ended(self):
        """The transaction is over: so long were its locks held."""
        now = time.perf_counter()
        for told in self._open:
            told["held_milliseconds"] = round((now - told["began"]) * 1000, 3)
        self._open = []
        self._transaction = None

    def stop_watching(self):
        """What another session saw of a statement that commits on its own."""
        if not self._watching:
            return []
        self._watching = False
        return self._wire.watch({"after": True})

    def _concerns(self, statement, told):
        return self.wanted and told["source"] == "revision" and not statement.lstrip().upper().startswith(_LEFT_ALONE)

    def _rows(self, connection, sql):
        """Past SQLAlchemy, so that nothing of this is captured."""
        driver = connection.connection.dbapi_connection
        cursor = driver.cursor()
        try:
            cursor.execute(sql)
            return cursor.fetchall()
        finally:
            cursor.close()
