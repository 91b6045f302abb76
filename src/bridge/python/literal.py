"""A statement with its parameters written as literals: for people and for review, never to be sent."""

import datetime
import decimal
import enum
import json
import re
import uuid

MAX_TEXT = 2000

_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/"
_PLACES = {
    "qmark": re.compile(_QUOTED + r"|(\?)", re.S),
    "numeric": re.compile(_QUOTED + r"|:(\d+)", re.S),
    "numeric_dollar": re.compile(_QUOTED + r"|\$(\d+)", re.S),
    "named": re.compile(_QUOTED + r"|::\w+|(?<!:):(\w+)", re.S),
    "pyformat": re.compile(r"%%|%\((\w+)\)s", re.S),
    "format": re.compile(r"%%|(%s)", re.S),
}


def with_literals(statement, parameters, style, family):
    """The statement with literals in place of its placeholders, as the driver's parameter style marks them."""
    places = _PLACES.get(style)
    if not parameters or places is None:
        return statement
    values = parameters if isinstance(parameters, dict) else list(parameters)
    position = iter(range(len(values)))

    def value_at(match):
        if match.group(0) == "%%":
            return "%"
        name = match.group(1)
        if name is None:
            return match.group(0)
        try:
            if style in ("qmark", "format"):
                return literal(values[next(position)], family)
            if style in ("numeric", "numeric_dollar") and not isinstance(values, dict):
                return literal(values[int(name) - 1], family)
            return literal(values[name], family)
        except (KeyError, IndexError, StopIteration):
            return match.group(0)

    return places.sub(value_at, statement)


def literal(value, family):
    """One value as the dialect writes it."""
    if isinstance(value, enum.Enum):
        value = value.name
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return ("true" if value else "false") if family == "postgresql" else str(int(value))
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        digits = bytes(value)[:MAX_TEXT].hex()
        return "'\\x%s'" % digits if family == "postgresql" else "X'%s'" % digits
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return _quoted(value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat(), family)
    if isinstance(value, (datetime.timedelta, uuid.UUID)):
        return _quoted(str(value), family)
    if isinstance(value, (list, tuple)) and family == "postgresql":
        return "ARRAY[%s]" % ", ".join(literal(one, family) for one in value)
    if isinstance(value, (dict, list, tuple)):
        return _quoted(json.dumps(value, default=str), family)
    wrapped = getattr(value, "obj", getattr(value, "adapted", None))  # psycopg's Jsonb, psycopg2's Json
    if wrapped is not None and not isinstance(value, str):
        return _quoted(json.dumps(wrapped, default=str), family)
    return _quoted(str(value), family)


def _quoted(text, family):
    if family == "mysql":
        text = text.replace("\\", "\\\\")
    return "'%s'" % text.replace("'", "''")
