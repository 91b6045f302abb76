"""The models against the scratch database, and the revision files that Alembic writes of the difference."""

import os

import sqlalchemy
from alembic import autogenerate
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from . import fence, places


def compared(project):
    """What autogenerate would change, one item each, and the operations as Python."""
    context = _revision_context(project, None, True, "heads", False, None)
    enums = _run(project, context, True)
    items, code = [], []
    # Where nothing differs, `process_revision_directives` of many an env.py leaves no revision at all.
    generated = context.generated_revisions[-1:]
    for operations in generated[0].upgrade_ops_list if generated else []:
        for operation in _leaves(operations):
            items.extend(_items(operation))
        code.append(_code(operations))
    return {"items": items + enums, "code": "\n".join(part for part in code if part)}


def written(project, wire, question):
    """Has Alembic write one revision file; none is left behind when that fails."""
    wanted = question["mode"] == "autogenerate"
    context = _revision_context(
        project, question["message"], wanted, question.get("head") or "head", question.get("splice", False), question.get("rev_id")
    )
    asked = wanted or _asks_environment(project)
    enums = _run(project, context, wanted) if asked else []
    folders, files = [], []
    with _following(wire, folders, files):
        try:
            with fence.programs_allowed():
                scripts = [script for script in context.generate_scripts() if script is not None]
            if len(scripts) > 1:
                raise CommandError("one revision file was asked for, and `process_revision_directives` makes %d" % len(scripts))
            if not scripts:
                return {"file": None, "revision": None, "down_revisions": [], "items": [], "enums": enums}
        except BaseException:
            _remove(folders, files)
            raise
    script = scripts[0]
    items = [
        item
        for operations in (context.generated_revisions[-1].upgrade_ops_list if wanted else [])
        for operation in _leaves(operations)
        for item in _items(operation)
    ]
    down = script.down_revision
    return {
        "file": os.path.abspath(str(script.path)),
        "revision": script.revision,
        "down_revisions": [] if down is None else [down] if isinstance(down, str) else list(down),
        "items": items,
        "enums": enums,
    }


def _revision_context(project, message, wanted, head, splice, rev_id):
    words = {
        "message": message,
        "autogenerate": wanted,
        "sql": False,
        "head": head,
        "splice": splice,
        "branch_label": None,
        "version_path": None,
        "rev_id": rev_id,
        "depends_on": None,
    }
    return autogenerate.RevisionContext(project.config, project.script, words)


def _run(project, revision_context, wanted):
    """Runs autogenerate; gives what it does not compare and we do: the values of enum types."""
    enums = []

    def steps(heads, context):
        if wanted:
            revision_context.run_autogenerate(heads, context)
            enums.extend(_enum_items(context))
        else:
            revision_context.run_no_autogenerate(heads, context)
        return []

    options = {"template_args": revision_context.template_args, "revision_context": revision_context}
    project.config.cmd_opts.autogenerate = wanted
    try:
        project.run(steps, as_sql=False, **options)
    finally:
        project.config.cmd_opts.autogenerate = False
    return enums


def _enum_items(context):
    """Enum types of PostgreSQL whose values are others in the models than in the database."""
    if context.connection is None or context.connection.dialect.name != "postgresql":
        return []
    wanted = {}
    for table in _tables(context.opts.get("target_metadata")):
        for column in table.columns:
            kind = getattr(column.type, "item_type", column.type)
            if isinstance(kind, sqlalchemy.Enum) and getattr(kind, "native_enum", True) and kind.name and kind.enums:
                wanted[(kind.schema, kind.name)] = list(kind.enums)
    if not wanted:
        return []
    found = sqlalchemy.inspect(context.connection).get_enums("*")
    items = []
    for (schema, name), values in sorted(wanted.items(), key=str):
        labels = next((one["labels"] for one in found if one["name"] == name and (one["schema"] == schema or (schema is None and one["visible"]))), None)
        if labels is not None and list(labels) != values:
            items.append(_item("modify_enum", schema, None, name, before=", ".join(labels), after=", ".join(values)))
    return items


def _tables(metadata):
    collections = metadata if isinstance(metadata, (list, tuple)) else [metadata]
    return [table for one in collections if one is not None for table in one.tables.values()]


def _asks_environment(project):
    option = getattr(project.config, "get_alembic_option", project.config.get_main_option)  # 1.16 reads pyproject.toml too
    value = option("revision_environment")
    return str(value).strip().lower() in ("true", "yes", "on", "y", "t", "1")


class _following:
    """Follows which files and folders Alembic makes; says each before it is written."""

    def __init__(self, wire, folders, files):
        self._wire, self._folders, self._files = wire, folders, files
        self._template = ScriptDirectory._generate_template
        self._ensure = ScriptDirectory._ensure_directory

    def __enter__(self):
        template, ensure, wire, folders, files = self._template, self._ensure, self._wire, self._folders, self._files

        def generate(script, source, target, **words):
            path = os.path.abspath(str(target))
            if os.path.exists(path):
                raise CommandError("`%s` is there already" % path)
            files.append(path)
            wire.announce(path)
            return template(script, source, target, **words)

        def ensure_directory(script, path):
            missing = os.path.abspath(str(path))
            while not os.path.exists(missing):
                folders.append(missing)
                missing = os.path.dirname(missing)
            return ensure(script, path)

        ScriptDirectory._generate_template = generate
        ScriptDirectory._ensure_directory = ensure_directory

    def __exit__(self, *error):
        ScriptDirectory._generate_template = self._template
        ScriptDirectory._ensure_directory = self._ensure


def _remove(folders, files):
    for path in files:
        if os.path.exists(path):
            os.remove(path)
    for folder in sorted(set(folders), key=len, reverse=True):
        try:
            os.rmdir(folder)
        except OSError:
            pass


def _leaves(operations):
    for operation in operations.ops:
        if hasattr(operation, "ops"):
            yield from _leaves(operation)
        else:
            yield operation


def _code(operations):
    if not operations.ops:
        return ""
    try:
        return autogenerate.render_python_code(operations, render_as_batch=False)
    except Exception as error:
        return "# could not be written as Python: %s: %s" % (type(error).__name__, error)


def _items(operation):
    """A difference as data, of the tuples in which Alembic says it."""
    try:
        difference = operation.to_diff_tuple()
    except Exception:
        return [_item("other", words=repr(operation))]
    if isinstance(difference, list):
        return [_modified(one) for one in difference]
    return [_changed(difference)]


def _modified(difference):
    kind, schema, table, column, given, before, after = difference
    return _item(kind, schema, table, column, before=_words(before), after=_words(after))


def _changed(difference):
    kind, what = difference[0], difference[-1]
    if kind in ("add_column", "remove_column"):
        return _item(kind, difference[1], difference[2], what.name, after=_type_of(what), nullable=what.nullable)
    if kind in ("add_table", "remove_table"):
        return _item(kind, what.schema, what.name, columns=[{"name": column.name, "type": _type_of(column)} for column in what.columns])
    table = getattr(what, "table", None)
    columns = [{"name": getattr(column, "name", str(column)), "type": None} for column in getattr(what, "columns", None) or ()]
    name = getattr(what, "name", None)
    return _item(
        kind,
        getattr(table, "schema", getattr(what, "schema", None)),
        getattr(table, "name", None),
        str(name) if name is not None else None,
        columns=columns,
        words=_words(what),
    )


def _type_of(column):
    try:
        return str(column.type)
    except Exception:
        return repr(column.type)


def _words(value):
    if value is None or isinstance(value, (bool, int, str)):
        return value if isinstance(value, str) or value is None else str(value).lower() if isinstance(value, bool) else str(value)
    argument = getattr(value, "arg", None)
    if argument is not None:
        return str(argument)
    return repr(value) if type(value).__module__.startswith(("sqlalchemy", "alembic")) else str(value)


def _item(kind, schema=None, table=None, name=None, before=None, after=None, nullable=None, columns=None, words=None):
    return {
        "kind": kind,
        "schema": schema,
        "table": table,
        "name": name,
        "before": before,
        "after": after,
        "nullable": nullable,
        "columns": columns or [],
        "words": words,
    }
