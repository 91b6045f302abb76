"""What the mapped classes ask of a database: INSERT, SELECT and UPDATE of each, run and taken back."""

import datetime
import decimal
import enum
import gc
import inspect
import re
import sys
import uuid

import sqlalchemy
from sqlalchemy import exc

# What rows are refused for, not statements: unique, foreign key, check (PostgreSQL's SQLSTATE, MySQL's numbers).
OF_ROWS = {"23503", "23505", "23514", "23P01", "1062", "1452", "1451", "3819", "4025"}


def used(project):
    """Runs the statements of all classes on the (first) scratch database; nothing of it stays."""
    answers = []

    def steps(heads, context):
        if not answers:
            answers.append(_used(context.connection, context.opts.get("target_metadata"), project.notes))
        return []

    project.run(steps, dont_mutate=True)
    return answers[0]


def _used(connection, metadata, notes):
    classes = []
    for mapper in _mappers(notes):
        classes.append(_class(connection, mapper))
    mapped = {table for one in classes for table in one["tables"]}
    collections = metadata if isinstance(metadata, (list, tuple)) else [metadata] if metadata is not None else []
    for collection in collections:
        for table in collection.sorted_tables:
            if table.fullname not in mapped:
                statements = _writes(connection, table)
                statements.insert(0, _tried(connection, "SELECT", table, sqlalchemy.select(table).limit(1)))
                classes.append({"name": table.fullname, "file": None, "line": None, "tables": [table.fullname], "statements": statements})
    return {"classes": classes}


def _mappers(notes):
    if "sqlalchemy.orm" not in sys.modules:
        return []
    from sqlalchemy.orm import Mapper, configure_mappers

    try:
        configure_mappers()
    except Exception as error:
        notes.append("the mappers could not be configured: %s: %s" % (type(error).__name__, error))
    found = [one for one in gc.get_objects() if isinstance(one, Mapper) and getattr(one, "local_table", None) is not None]
    return sorted(found, key=lambda mapper: (mapper.class_.__module__, mapper.class_.__qualname__))


def _class(connection, mapper):
    described = {"name": mapper.class_.__qualname__, "file": None, "line": None, "statements": []}
    try:
        described["file"] = inspect.getsourcefile(mapper.class_)
        described["line"] = inspect.getsourcelines(mapper.class_)[1]
    except (OSError, TypeError):
        pass
    tables = [table for table in mapper.tables if isinstance(table, sqlalchemy.Table)]
    described["tables"] = [table.fullname for table in tables]
    try:
        selected = sqlalchemy.select(*[column for column in mapper.columns]).select_from(mapper.selectable).limit(1)
    except Exception:
        selected = sqlalchemy.select(mapper.local_table).limit(1)
    described["statements"].append(_tried(connection, "SELECT", mapper.local_table, selected))
    for table in tables:
        described["statements"].extend(_writes(connection, table))
    return described


def _writes(connection, table):
    values = {column.name: _value(column) for column in table.columns if _is_written(table, column)}
    required = {name: value for name, value in values.items() if _is_required(table.columns[name])}
    keys = [column for column in table.primary_key.columns]
    statements = [_tried(connection, "INSERT", table, table.insert().values(values))]
    if len(required) < len(values):
        statements.append(_tried(connection, "INSERT", table, table.insert().values(required) if required else table.insert()))
    changed = {name: value for name, value in values.items() if not table.columns[name].primary_key}
    if changed:
        update = table.update().values(changed)
        for column in keys:
            update = update.where(column == _value(column))
        statements.append(_tried(connection, "UPDATE", table, update))
    return statements


def _is_written(table, column):
    identity = getattr(column, "identity", None)
    if getattr(column, "computed", None) is not None or (identity is not None and identity.always):
        return False
    return column is not getattr(table, "autoincrement_column", None)


def _is_required(column):
    """What the application gives in any case: no default of the server, and NULL for what it does not know."""
    return column.server_default is None


def _value(column):
    kind = column.type
    try:
        choices = getattr(kind, "enums", None)
        if choices:
            chosen = getattr(kind, "enum_class", None)
            return list(chosen)[0] if chosen is not None else choices[0]
        python = kind.python_type
    except Exception:
        return None
    if isinstance(python, type) and issubclass(python, enum.Enum):
        return list(python)[0]
    if python is str:
        return "x" * min(getattr(kind, "length", None) or 1, 4000)
    now = datetime.datetime(2020, 1, 1)
    samples = {
        bool: False,
        int: 1,
        float: 1.0,
        decimal.Decimal: decimal.Decimal(1),
        bytes: b"x",
        datetime.datetime: now,
        datetime.date: now.date(),
        datetime.time: now.time(),
        datetime.timedelta: datetime.timedelta(seconds=1),
        uuid.UUID: uuid.UUID(int=1),
        dict: {},
        list: [],
    }
    return samples.get(python)


def _tried(connection, kind, table, statement):
    """Runs a statement in a savepoint that is taken back; what only rows are refused for counts as run."""
    answer = {"kind": kind, "table": getattr(table, "fullname", str(table)), "ok": True, "code": None, "message": None, "column": None}
    try:
        answer["sql"] = str(statement.compile(dialect=connection.dialect))
    except Exception as error:
        return dict(answer, sql="", ok=False, message="%s: %s" % (type(error).__name__, error))
    savepoint = connection.begin_nested()
    try:
        result = connection.execute(statement)
        if result.returns_rows:
            result.fetchall()
    except exc.DBAPIError as error:
        code = _code(error.orig)
        message = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        if code not in OF_ROWS and not re.search(r"(UNIQUE|FOREIGN KEY|CHECK) constraint failed", message):
            answer.update(ok=False, code=code, message=message, column=_column(error.orig, message, table))
    except Exception as error:
        answer.update(ok=False, message="%s: %s" % (type(error).__name__, error))
    finally:
        try:
            savepoint.rollback()
        except Exception:
            pass
    return answer


def _code(error):
    first = error.args[0] if getattr(error, "args", None) else None
    if isinstance(first, int):
        return str(first)  # MySQL: its SQLSTATE does not tell NULL from a duplicate
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def _column(error, message, table):
    """The column that the server names."""
    named = getattr(getattr(error, "diag", None), "column_name", None)
    if named:
        return named
    patterns = (
        r'column "?([\w.]+)"?',
        r"[Uu]nknown column '([\w.]+)'",
        r"Field '(\w+)' doesn't have a default",
        r"Column '(\w+)'",
        r"column '(\w+)'",
        r"no such column: ([\w.]+)",
        r"has no column named (\w+)",
        r"NOT NULL constraint failed: ([\w.]+)",
    )
    for pattern in patterns:
        found = re.search(pattern, message)
        if found:
            return found.group(1).rpartition(".")[2]
    return None
