"""What SQLAlchemy alone asks of a column: an Enum that the database keeps as plain text takes no other words."""

import functools

import sqlalchemy
from alembic.ddl.impl import DefaultImpl
from sqlalchemy import event
from sqlalchemy.types import TypeDecorator

# Batch mode builds a table under this name, and renames it.
COPY = "_alembic_tmp_"

_known = {}


def listen():
    """Notes the words of each Enum column that is made from now on."""
    event.listen(sqlalchemy.Table, "after_create", _created)
    original = DefaultImpl.add_column

    @functools.wraps(original)
    def add_column(impl, table_name, column, *arguments, **named):
        done = original(impl, table_name, column, *arguments, **named)
        _note(named.get("schema") or (arguments[0] if arguments else None), str(table_name), column)
        return done

    DefaultImpl.add_column = add_column


def known():
    """All of them: schema (none where none is named), table, column, words."""
    return [{"schema": schema, "table": table, "column": column, "words": words} for (schema, table, column), words in _known.items()]


def _created(table, connection, **named):
    name = table.name[len(COPY) :] if table.name.startswith(COPY) else table.name
    for column in table.columns:
        _note(table.schema, name, column)


def _note(schema, table, column):
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    words = [word for word in kind.enums if isinstance(word, str)] if isinstance(kind, sqlalchemy.Enum) else []
    if words:
        _known[(schema, table, column.name)] = words
