"""An exception as data: what failed, where in the project's own code, with which statement, in one plain sentence."""

import os
import traceback

from . import places

MAX_MESSAGE = 2000
_MYSQL_DRIVERS = ("pymysql", "MySQLdb", "aiomysql", "asyncmy")

# What an error of offline mode says of the line that made it.
_OFFLINE_WORDS = (
    (("LostParameters",), "it hands parameters to the connection, which offline mode drops"),
    (("NoInspectionAvailable",), "it inspects the database"),
    (("has no attribute 'fetch", "has no attribute 'scalar", "has no attribute 'first'", "has no attribute 'all'", "'NoneType' object is not iterable", "has no attribute 'mappings'", "'NoneType' object is not subscriptable", "has no attribute 'one'"), "it reads rows back"),
    (("has no attribute 'rowcount'",), "it asks how many rows were changed"),
    (("MockConnection",), "it opens a session of its own on the connection"),
    (("live database connection", "This operation cannot proceed in --sql mode"), "it recreates a table from what the database says of it"),
)


def described(error, last_error=None, step=None, offline=False):
    """Class, SQLSTATE, message, file, line, statement and sentence of an error."""
    original = getattr(error, "orig", None) or error
    file, line = places.in_traceback(error) or (None, None)
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    statement = None
    if last_error is not None and last_error[0] in (original, error):
        statement = last_error[1]
        if file is None:
            file, line = last_error[2]
    message = _message(original)
    failure = {
        "kind": type(original).__name__,
        "module": type(original).__module__,
        "sqlstate": _sqlstate(original),
        "message": message,
        "detail": _detail(original),
        "file": file,
        "line": line,
        "revision": step.revision if step else None,
        "direction": step.direction if step else None,
        "statement": statement,
        "trace": "".join(traceback.format_exception(type(error), error, error.__traceback__))[-4000:],
    }
    failure["sentence"] = _sentence(failure, offline)
    return failure


def plain(kind, sentence, step=None, file=None, line=None):
    """A failure that no exception tells of."""
    return {
        "kind": kind,
        "module": "alembic_gate",
        "sqlstate": None,
        "message": sentence,
        "detail": None,
        "file": file,
        "line": line,
        "revision": step.revision if step else None,
        "direction": step.direction if step else None,
        "statement": None,
        "trace": "",
        "sentence": sentence,
    }


def _message(error):
    if isinstance(error, SystemExit):
        return "it ended the program with exit code %s" % (error.code,) if isinstance(error.code, int) else "it ended the program: %s" % error.code
    if isinstance(error, OSError) and type(error).__module__.startswith("alembic_gate") and error.strerror:
        return error.strerror
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error) or type(error).__name__
    return text.strip()[:MAX_MESSAGE]


def _sqlstate(error):
    arguments = getattr(error, "args", ())
    if type(error).__module__.startswith(_MYSQL_DRIVERS) and arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    for holder in (error, getattr(error, "__cause__", None)):
        for name in ("sqlstate", "pgcode", "sqlite_errorname"):
            value = getattr(holder, name, None)
            if isinstance(value, str):
                return value
    return None


def _detail(error):
    diagnosis = getattr(error, "diag", None)
    detail = getattr(diagnosis, "message_detail", None) or getattr(getattr(error, "__cause__", None), "detail", None)
    return detail[:MAX_MESSAGE] if isinstance(detail, str) else None


def _sentence(failure, offline):
    place = "`%s` line %s" % (os.path.basename(failure["file"]), failure["line"]) if failure["file"] else "Alembic"
    first = failure["message"].splitlines()[0]
    if failure["kind"] in ("SystemExit", "NotScratch"):
        return "%s: %s" % (place, first)
    if not offline:
        return "%s failed: %s: %s" % (place, failure["kind"], first)
    searched = "%s %s" % (failure["kind"], failure["message"])
    why = next((words for marks, words in _OFFLINE_WORDS if any(mark in searched for mark in marks)), None)
    told = "%s: %s" % (failure["kind"], first)
    return "%s cannot run without a database: %s (%s)" % (place, why, told) if why else "%s failed offline: %s" % (place, told)
