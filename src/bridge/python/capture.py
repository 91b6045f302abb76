"""Each statement as it is sent: which revision, which line of it, in which transaction, with which parameters."""

import sys
import time

from . import places
from .literal import with_literals

MAX_STATEMENTS = 20000


class Step:
    """One revision on its way up or down."""

    def __init__(self, revision, direction, file):
        self.revision = revision
        self.direction = direction
        self.file = file


class Capture:
    """What is remembered of a run. One at a time: `current` is it."""

    def __init__(self, family):
        self.family = family
        self.wanted = False
        self.step = None
        self.statements = []
        self.last_error = None
        self.unseen = []
        self.trace = None

    def begin(self, wanted, traced=False):
        """Forgets what was captured before."""
        self.wanted = wanted
        self.trace.begin(wanted and traced)
        self.step = None
        self.statements = []
        self.last_error = None
        self.unseen = []

    def is_full(self):
        """Whether no more statements are remembered."""
        return len(self.statements) >= MAX_STATEMENTS

    def taken(self):
        """What was captured since the last call."""
        statements, self.statements = self.statements, []
        return statements


def listen(capture):
    """Watches all engines."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def before(connection, cursor, statement, parameters, context, many):
        capture.running = None
        if not capture.wanted or capture.is_full():
            return
        file, line, source = _origin(capture.step)
        capture.running = {
            "revision": capture.step.revision if capture.step else None,
            "direction": capture.step.direction if capture.step else None,
            "sql": _readable(connection.dialect, statement, parameters, capture.family),
            "source": source,
            "file": file,
            "line": line,
            "transaction": _transaction(connection, cursor, statement, capture.family),
            "times": len(parameters) if many and isinstance(parameters, (list, tuple)) else 1,
            "rows": None,
            "milliseconds": None,
            "bound": bool(parameters),
        }
        capture.statements.append(capture.running)
        capture.trace.before(connection, statement, capture.running)
        capture.started = time.perf_counter()

    def after(connection, cursor, statement, parameters, context, many):
        if capture.running is not None:
            capture.running["milliseconds"] = round((time.perf_counter() - capture.started) * 1000, 3)
            rows = getattr(cursor, "rowcount", None)
            capture.running["rows"] = rows if isinstance(rows, int) and rows >= 0 else None
            capture.trace.after(connection, statement, capture.running)

    def error(context):
        capture.trace.stop_watching()
        statement = context.statement
        if statement is not None:
            dialect = context.connection.dialect if context.connection is not None else context.engine.dialect
            statement = _readable(dialect, statement, context.parameters, capture.family)
        capture.last_error = (context.original_exception, statement, _origin(capture.step)[:2])

    def begin(connection):
        connection.info["alembic_gate_transaction"] = next(_numbers)

    def end(connection):
        capture.trace.ended()
        connection.info.pop("alembic_gate_transaction", None)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "handle_error", error)
    event.listen(Engine, "begin", begin)
    event.listen(Engine, "commit", end)
    event.listen(Engine, "rollback", end)
    _notice_raw_cursors(capture)


def _readable(dialect, statement, parameters, family):
    """The statement with its first set of parameters; as it is where they cannot be written."""
    if isinstance(parameters, (list, tuple)) and parameters and isinstance(parameters[0], (dict, list, tuple)):
        parameters = parameters[0]
    try:
        return with_literals(statement, parameters, dialect.paramstyle, family)
    except Exception:
        return statement


def _count():
    number = 0
    while True:
        number += 1
        yield number


_numbers = _count()


def next_transaction(connection):
    """Says that the driver has committed below SQLAlchemy: what follows is another transaction."""
    if "alembic_gate_transaction" in connection.info:
        connection.info["alembic_gate_transaction"] = next(_numbers)


def _transaction(connection, cursor, statement, family):
    """The number of the transaction that a statement runs in; None where it is a transaction of its own."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return None
    if family == "sqlite" and not _in_sqlite_transaction(cursor, statement):
        return None
    return connection.info.get("alembic_gate_transaction")


def _in_sqlite_transaction(cursor, statement):
    """Python's driver opens a transaction only before a statement that writes rows."""
    driver = getattr(cursor, "connection", None)
    if driver is None or not hasattr(driver, "in_transaction"):
        return True
    return driver.in_transaction or statement.lstrip()[:7].upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))


def _origin(step):
    """File, line and source of the statement that is being sent: from the sender outwards, up to the revision."""
    own, reflects = None, False
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if step is not None and file == step.file:
            return file, frame.f_lineno, "reflection" if reflects else "revision"
        if file.endswith(_MIGRATION) and frame.f_code.co_name in _BOOKKEEPING:
            if own is None:
                return None, None, "alembic"
            break
        reflects = reflects or file.endswith(_REFLECTION)
        if own is None and places.is_own(file):
            own = file, frame.f_lineno
        frame = frame.f_back
    file, line = own or (None, None)
    return file, line, "reflection" if reflects else "env"


_REFLECTION = "sqlalchemy/engine/reflection.py"
_MIGRATION = "alembic/runtime/migration.py"
_BOOKKEEPING = {"update_to_step", "_ensure_version_table", "get_current_heads", "_has_version_table", "run_migrations"}


def _notice_raw_cursors(capture):
    """A cursor taken past SQLAlchemy sends what cannot be seen here; the line that takes it is said."""
    from sqlalchemy.pool import base

    original = base._ConnectionFairy.cursor

    def cursor(self, *arguments, **named):
        if capture.step is not None and capture.wanted:
            file = sys._getframe(1).f_code.co_filename
            if places.is_own(file):
                place = {"file": file, "line": sys._getframe(1).f_lineno}
                if place not in capture.unseen:
                    capture.unseen.append(place)
        return original(self, *arguments, **named)

    base._ConnectionFairy.cursor = cursor
