"""What can be asked."""

import builtins
import io
import os
import platform
import sys

import alembic
import sqlalchemy
from alembic.runtime.migration import MigrationStep
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from . import capture, comparison, enums, failure, fence, models, places, process, trace
from .project import NeverAsked, Project, Watch
from .scratch import text_of_or_empty

MAX_ROWS = 10000


class Mismatch(Exception):
    """The scratch database does not stand where a range begins."""


class Questions:
    """Answers questions on one project."""

    def __init__(self, settings, namespaces, wire, scratch_url):
        self.settings = settings
        self.namespaces = namespaces
        self.wire = wire
        self.capture = capture.Capture(fence.SCRATCH.family)
        self.capture.trace = trace.Trace(fence.SCRATCH.family, wire)
        self.walking = None
        capture.listen(self.capture)
        enums.listen()
        places.own([settings["folder"]])
        self.watch = Watch(settings)
        self.project = Project(settings, scratch_url, self.capture)
        self.watch.look()

    def answer(self, question):
        """Answers one question, whatever happens."""
        changed = self.watch.changed()
        if changed:
            self.wire.stale(changed)
            return
        del fence.ATTEMPTS[:]
        del self.project.notes[:]
        self.capture.begin(False)
        try:
            answer = getattr(self, question["ask"])(question)
        except BaseException as error:
            failed = self._failure(error)
            self.watch.look(self._env_file())
            self.wire.fail(failed)
        else:
            self.watch.look(self._env_file())
            if answer is not None:
                self.wire.answer(answer)

    # Questions

    def hello(self, question):
        """Versions, places and fences."""
        script = self.project.script
        return {
            "python": platform.python_version(),
            "executable": sys.executable,
            "alembic": alembic.__version__,
            "sqlalchemy": sqlalchemy.__version__,
            "script_location": os.path.abspath(str(script.dir)),
            "version_locations": self.project.version_locations(),
            "plugins": self._plugins(),
            "fences": self._fences(),
            "notes": list(self.project.notes),
        }

    def point_at(self, question):
        """Names other scratch databases."""
        fence.SCRATCH.point_at(self.settings["dialect"], question["scratch"])
        process.reveal(fence.SCRATCH.sockets())
        self.project.prepare(text_of_or_empty(question["scratch"], 0), any(one.get("prepared") for one in question["scratch"][:1]))
        return {}

    def prepared(self, question):
        """What the hook did in the scratch database before the first revision."""
        return {"statements": self.project.prepared}

    def seed(self, question):
        """Rows of the hook, for a database at a revision."""
        return {"called": self.project.seed(question["revision"])}

    def history(self, question):
        """All revisions, heads first."""
        script = self.project.script
        heads = set(script.get_heads())
        return {
            "heads": sorted(heads),
            "revisions": [
                {
                    "revision": revision.revision,
                    "down_revisions": list(_tuple(revision.down_revision)),
                    "depends_on": list(_tuple(revision.dependencies)),
                    "branch_labels": sorted(revision.branch_labels),
                    "message": revision.doc,
                    "file": revision.path,
                    "is_head": revision.revision in heads,
                }
                for revision in script.walk_revisions()
            ],
        }

    def heads(self, question):
        """The ids of the heads."""
        return {"heads": sorted(self.project.script.get_heads())}

    def current(self, question):
        """Where each scratch database stands."""
        databases = []

        def steps(heads, context):
            databases.append(sorted(heads))
            return []

        self.project.run(steps, dont_mutate=True)
        return self._about({"databases": databases})

    def render(self, question):
        """Alembic's offline text for a range, or why there is none."""
        script, lower, upper = self.project.script, question["from"], question["to"]
        up = question["direction"] == "up"
        if up:
            start, end, steps = self._start_of(lower), upper, lambda heads, context: script._upgrade_revs(upper, heads)
        else:
            start, end, steps = self._start_of(upper), lower, lambda heads, context: script._downgrade_revs(lower, heads)
        output = _Text(self.capture)
        self.project.offline_output = output
        self.capture.step = None

        def tagged(heads, context):
            for step in steps(heads, context):
                self.capture.step = self._step(step)
                yield step
            self.capture.step = None

        try:
            with _no_files(self.project.env_file(), output):
                self.project.run(tagged, as_sql=True, starting_rev=start, destination_rev=end)
        except BaseException as error:
            if self.capture.step is None and isinstance(error, (CommandError, RevisionError)):
                raise  # there is no such range
            return self._about({"sql": None, "pieces": [], "failure": self._failure(error, offline=True)})
        return self._about({"sql": output.text(), "pieces": output.pieces, "failure": None})

    def execute(self, question):
        """Runs exactly the revisions of a range on the scratch databases; stops at the first error."""
        script, lower, upper = self.project.script, question["from"], question["to"]
        up = question["direction"] == "up"
        starting = self._heads_of(lower if up else upper)

        def range_of(heads):
            return script._upgrade_revs(upper, heads) if up else script._downgrade_revs(lower, heads)

        wanted = [step.revision.revision for step in range_of(starting)]
        done = []

        def steps(heads, context):
            found = list(range_of(heads))
            if {step.revision.revision for step in found} != set(wanted):
                stands = ", ".join(heads) or "base"
                raise Mismatch("the scratch database is at %s, the range begins at %s" % (stands, ", ".join(starting) or "base"))
            for step in found:
                yield self._begun(step, done)
                self._committed(context, done)

        return self._run_steps(steps, done, question.get("capture", True))

    def step(self, question):
        """Runs one revision one way, in a run of env.py of its own."""
        done = []

        def steps(heads, context):
            step = self._migration_step(question["revision"], question["direction"])
            yield self._begun(step, done)
            self._committed(context, done)

        return self._run_steps(steps, done, question.get("capture", True), question.get("trace", False))

    def override(self, question):
        """Gives a revision another text than its file has, or its own again."""
        revision = self.project.script.get_revision(question["revision"])
        if revision is None:
            raise Mismatch("there is no revision `%s`" % question["revision"])
        module, text = revision.module, question["text"]
        if text is None:
            with open(module.__file__, encoding="utf-8") as file:
                text = file.read()
        code = compile(text, module.__file__, "exec", dont_inherit=True)
        for name in ("upgrade", "downgrade"):
            module.__dict__.pop(name, None)
        exec(code, module.__dict__)
        return {}

    def begin_walk(self, question):
        """Runs env.py once and keeps it open: the steps come as questions, until `end_walk`."""
        done = []
        told = False

        def steps(heads, context):
            nonlocal told
            if told:
                raise Mismatch("`env.py` runs its migrations on several databases: a walk can be made of single steps only")
            told = True
            self.wire.answer(self._about({"heads": sorted(heads)}))
            while True:
                asked = self.wire.next_question()
                self.capture.begin(asked.get("capture", True))
                del fence.ATTEMPTS[:]
                if asked["ask"] == "end_walk":
                    self.walking = "ended"
                    return
                try:
                    if asked["ask"] == "query":
                        answer = self._rows(context.connection, asked["sql"])
                        _commit(context.connection)
                        self.wire.answer(answer)
                        continue
                    step = self._migration_step(asked["revision"], asked["direction"])
                except Exception as error:
                    self.wire.fail(self._failure(error))
                    continue
                yield self._begun(step, done)
                self._committed(context, done)
                self.wire.answer(self._executed(done, None))

        self.walking = "open"
        try:
            self._own_transactions(steps)
        except BaseException as error:
            if not told or self.walking == "ended":
                raise
            self.wire.answer(self._executed(done, self._failure(error)))
            return None
        if self.walking != "ended":
            self.wire.answer(self._executed(done, self._swallowed()))
            return None
        return self._about({})

    def end_walk(self, question):
        """A walk that an error has ended already."""
        return self._about({})

    def compare(self, question):
        """What autogenerate would change on the scratch database."""
        return self._about(comparison.compared(self.project))

    def revision(self, question):
        """Has Alembic write one revision file."""
        return self._about(comparison.written(self.project, self.wire, question))

    def enums(self, question):
        """The words of the Enum columns that were made here."""
        return {"columns": enums.known()}

    def use_models(self, question):
        """Which statements of the mapped classes the scratch database takes."""
        return self._about(models.used(self.project))

    def query(self, question):
        """Runs one statement on the scratch database through the project's own driver."""
        answers = []

        def steps(heads, context):
            if len(answers) == question.get("database", 0):
                rows = self._rows(context.connection, question["sql"])
                _commit(context.connection)
                answers.append(rows)
            else:
                answers.append(None)
            return []

        self.project.run(steps, dont_mutate=True)
        return answers[question.get("database", 0)]

    # Steps

    def _heads_of(self, name):
        if name == "base":
            return ()
        return tuple(revision.revision for revision in self.project.script.get_revisions(name))

    def _start_of(self, name):
        """Where offline mode begins: a name, or a list where the name means several heads."""
        heads = list(self._heads_of(name))
        return heads if len(heads) > 1 else name

    def _migration_step(self, name, direction):
        script = self.project.script
        revision = script.get_revision(name)
        if revision is None:
            raise Mismatch("there is no revision `%s`" % name)
        make = MigrationStep.upgrade_from_script if direction == "up" else MigrationStep.downgrade_from_script
        return make(script.revision_map, revision)

    def _step(self, step):
        revision = step.revision
        module = sys.modules.get(revision.module.__name__, revision.module)
        return capture.Step(revision.revision, "up" if step.is_upgrade else "down", module.__file__)

    def _begun(self, step, done):
        self.capture.step = self._step(step)
        return step

    def _committed(self, context, done):
        """A step is committed as the command line would have done, also inside a transaction of env.py's own."""
        _commit(context.connection)
        self.capture.trace.ended()
        done.append({"revision": self.capture.step.revision, "direction": self.capture.step.direction})
        self.capture.step = None

    def _own_transactions(self, steps):
        self.project.own_transactions = True
        try:
            return self.project.run(steps)
        finally:
            self.project.own_transactions = False

    def _run_steps(self, steps, done, wanted, traced=False):
        self.capture.begin(wanted, traced)
        ended = []

        def watched(heads, context):
            yield from steps(heads, context)
            ended.append(True)

        try:
            databases = self._own_transactions(watched)
        except BaseException as error:
            if self.capture.step is None and not done:
                raise  # env.py did not get as far as the first revision
            return self._executed(done, self._failure(error))
        return self._executed(done, None if len(ended) == databases else self._swallowed())

    def _executed(self, done, failed):
        if self.capture.is_full():
            self.project.notes.append("only the first %d statements are told" % capture.MAX_STATEMENTS)
        answer = self._about({"done": list(done), "statements": self.capture.taken(), "failure": failed, "unseen": self.capture.unseen})
        del done[:]
        return answer

    def _swallowed(self):
        step = self.capture.step
        if self.capture.last_error is not None:
            described = failure.described(self.capture.last_error[0], self.capture.last_error, step)
            described["sentence"] = "`env.py` went on after an error: " + described["sentence"]
            return described
        return failure.plain("Unfinished", "`env.py` ended before its migrations did", step)

    def _rows(self, connection, sql):
        result = connection.exec_driver_sql(sql)
        if not result.returns_rows:
            return {"columns": [], "rows": [], "truncated": False}
        rows = result.fetchmany(MAX_ROWS + 1)
        return {
            "columns": list(result.keys()),
            "rows": [[_plain(value) for value in row] for row in rows[:MAX_ROWS]],
            "truncated": len(rows) > MAX_ROWS,
        }

    # What every answer says

    def _about(self, answer):
        self.watch.look(self._env_file())  # before the caller can change a file
        answer["attempts"] = list(fence.ATTEMPTS)
        answer["notes"] = list(self.project.notes)
        answer["databases_wanted"] = fence.SCRATCH.wanted()
        answer["env"] = dict(self.project.env_settings)
        return answer

    def _failure(self, error, offline=False):
        described = failure.described(error, self.capture.last_error, self.capture.step, offline)
        if isinstance(error, (CommandError, Mismatch, NeverAsked)) and self.capture.step is None:
            described["sentence"] = str(error)
        described["attempts"] = list(fence.ATTEMPTS)
        described["databases_wanted"] = fence.SCRATCH.wanted()
        return described

    def _env_file(self):
        try:
            return self.project.env_file()
        except BaseException:
            return None

    def _plugins(self):
        loaded = getattr(getattr(alembic, "runtime", None), "plugins", None)
        return sorted(getattr(loaded, "_all_plugins", {}) or {})

    def _fences(self):
        active = list(fence.ACTIVE) + [name for name, stands in self.namespaces.items() if stands]
        open_ways = {"network_namespace": "native_code_network", "hidden_sockets": "native_code_sockets"}
        return {"active": active, "not_closed": [way for name, way in open_ways.items() if not self.namespaces[name]]}


class _Text(io.StringIO):
    """Offline text in pieces: each knows the revision and the line that it comes from."""

    def __init__(self, watching):
        super().__init__()
        self._capture = watching
        self.pieces = []

    def write(self, text):
        if text.strip():
            step = self._capture.step
            file, line, source = capture._origin(step)
            self.pieces.append(
                {
                    "revision": step.revision if step else None,
                    "direction": step.direction if step else None,
                    "sql": text.strip(),
                    "source": source,
                    "file": file,
                    "line": line,
                }
            )
        return super().write(text)

    def text(self):
        """All of it."""
        return self.getvalue()


class _no_files:
    """While offline text is made, what env.py opens for writing is our buffer: no file comes into the project."""

    def __init__(self, env_file, output):
        self._env_file = os.path.realpath(env_file)
        self._output = output
        self._original = builtins.open

    def __enter__(self):
        original, env_file, output = self._original, self._env_file, self._output

        def opened(file, mode="r", *arguments, **named):
            writes = isinstance(mode, str) and set(mode) & set("wax+") and "b" not in mode
            if writes and os.path.realpath(sys._getframe(1).f_code.co_filename) == env_file:
                return _Kept(output)
            return original(file, mode, *arguments, **named)

        builtins.open = opened

    def __exit__(self, *error):
        builtins.open = self._original


class _Kept:
    """A file that is not closed when env.py closes it."""

    def __init__(self, output):
        self._output = output

    def __getattr__(self, name):
        return getattr(self._output, name)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def _commit(connection):
    """Commits below SQLAlchemy: its own transaction, if env.py has opened one around all, stays as it is."""
    driver = connection.connection
    driver = getattr(driver, "dbapi_connection", None) or driver
    driver.commit()
    capture.next_transaction(connection)


def _tuple(value):
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)
