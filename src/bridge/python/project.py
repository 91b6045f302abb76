"""The Alembic project: its configuration, its chain of revisions, and one run of its env.py."""

import argparse
import copy
import functools
import inspect
import io
import os
import sys
import threading
from importlib.machinery import SourceFileLoader

import alembic.util
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from . import places
from .fence import SCRATCH

LOCK_FILES = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "requirements.txt", "pyproject.toml", "setup.cfg", ".env")


class Project:
    """What is read once and kept warm. `run` is one run of env.py."""

    def __init__(self, settings, scratch_url, capture):
        self.settings = settings
        self.prepared = []
        self._capture = capture
        self.folder = settings["folder"]
        self.config = _config(settings)
        self.notes = []
        self.offline_output = None
        self.offline_url = None
        self.own_transactions = False
        self.env_settings = {}
        self._script = None
        self._fingerprint = None
        self._prepared_url = None
        self._scratch_url = scratch_url
        names = {"config": self.config, "scratch_url": scratch_url}
        self._hook = _run_hook(settings["hook"], names) if settings["hook"] else {}
        self._as_given = copy.deepcopy(self.config.file_config)
        self._attributes = dict(self.config.attributes)
        _keep_revision_modules()
        _survive_logging(self.notes)
        _refuse_lost_parameters()
        self._adapt_configure()
        self.prepare(scratch_url, any(one.get("prepared") for one in settings["scratch"][:1]))

    def prepare(self, scratch_url, is_done=False):
        """Calls `prepare(scratch_url)` of the hook, once for each database: what it needs before the first revision."""
        self._scratch_url = scratch_url
        if is_done:
            self._prepared_url = scratch_url
            self.prepared = []
            return
        if not scratch_url or scratch_url == self._prepared_url or not callable(self._hook.get("prepare")):
            return
        self._prepared_url = scratch_url
        self._capture.begin(True)
        try:
            self._call("prepare", scratch_url)
        finally:
            self.prepared = self._capture.taken()
            self._capture.begin(False)

    def seed(self, revision):
        """Calls `seed(scratch_url, revision)` of the hook: rows for a database that stands there. True where there is one."""
        is_there = bool(self._scratch_url) and callable(self._hook.get("seed"))
        if is_there:
            self._call("seed", self._scratch_url, revision)
        return is_there

    def _call(self, name, *given):
        SCRATCH.preparing = True
        try:
            self._hook[name](*given)
        finally:
            SCRATCH.preparing = False

    @property
    def script(self):
        """The chain; read again when a revision file has come, gone or changed."""
        fingerprint = self._revision_files() if self._script is not None else None
        if self._script is None or fingerprint != self._fingerprint:
            self._script = ScriptDirectory.from_config(self.config)
            sys.path[:] = dict.fromkeys(sys.path)
            places.own([self._script.dir, *_locations(self._script), self.folder])
            self._fingerprint = self._revision_files()
        return self._script

    def version_locations(self):
        """The folders of the revision files."""
        return [os.path.abspath(folder) for folder in _locations(self.script)]

    def env_file(self):
        """The path of env.py."""
        return os.path.join(os.path.abspath(str(self.script.dir)), "env.py")

    def run(self, steps, **options):
        """Runs env.py once; `steps(heads, context)` says what to do. An env.py that never asks for it is an error."""
        asked = []

        def function(heads, context):
            asked.append(context)
            return steps(heads, context)

        self.config.file_config = copy.deepcopy(self._as_given)
        self.config.attributes.clear()
        self.config.attributes.update(self._attributes)
        script = self.script

        def once():
            with EnvironmentContext(self.config, script, fn=function, **options):
                script.run_env()

        _runner(self.settings["runner"])(once)
        if not asked:
            raise NeverAsked("`env.py` ended without calling `context.run_migrations()`")
        return len(asked)

    def _revision_files(self):
        stamps = []
        for folder in _locations(self._script):
            recursive = getattr(self._script, "recursive_version_locations", False)
            for base, folders, files in os.walk(folder):
                stamps.extend(stamp(os.path.join(base, file)) for file in sorted(files) if file.endswith((".py", ".pyc")))
                if not recursive:
                    folders.clear()
        return stamps

    def _adapt_configure(self):
        original = EnvironmentContext.configure
        signature = inspect.signature(original)
        project = self

        @functools.wraps(original)
        def configure(context, *arguments, **named):
            given = signature.bind(context, *arguments, **named)
            words = dict(given.arguments)
            words.update(words.pop("kw", {}))
            words.pop("self", None)
            project.env_settings = {
                "transaction_per_migration": bool(words.get("transaction_per_migration", False)),
                "metadata": _table_names(words.get("target_metadata")),
                "version_table": words.get("version_table") or "alembic_version",
                "version_table_schema": words.get("version_table_schema"),
                "offline": bool(context.is_offline_mode()),
                "compare_type": bool(words.get("compare_type", True)),
                "compare_server_default": bool(words.get("compare_server_default", False)),
                "filters": [name for name in ("include_object", "include_name") if words.get(name) is not None],
                "plugins": [str(plugin) for plugin in words.get("autogenerate_plugins") or ()],
            }
            if context.is_offline_mode():
                project._adapt_offline(words)
            elif project.own_transactions:
                words["transaction_per_migration"] = True
            return original(context, **words)

        EnvironmentContext.configure = configure

    def _adapt_offline(self, words):
        """Offline text goes to us, never to a file, in the dialect of the scratch database, with literals."""
        words["output_buffer"] = self.offline_output
        words.setdefault("literal_binds", True)
        if words.get("connection") is None:
            words["dialect_name"] = self._offline_dialect(words)
            words["url"] = None
            words["dialect_opts"] = {"paramstyle": "named", **(words.get("dialect_opts") or {})}

    def _offline_dialect(self, words):
        from sqlalchemy.engine import make_url

        family = self.settings["dialect"]
        try:
            name = make_url(words["url"]).drivername if words.get("url") else words.get("dialect_name") or family
        except Exception:
            name = family
        backend = name.partition("+")[0]
        same = backend in (family, "postgresql" if family == "postgres" else family) or {backend, family} <= {"mysql", "mariadb"}
        return name if same else family


class NeverAsked(Exception):
    """env.py did not run what it was asked to run."""


def stamp(path):
    """Path, time and size of a file: what says that it has changed."""
    try:
        status = os.stat(path)
    except OSError:
        return (path, None, None)
    return (path, status.st_mtime_ns, status.st_size)


class Watch:
    """The files that this process has in memory: when one changes, a new process is needed."""

    def __init__(self, settings):
        self._stamps = {}
        self._read = {}
        self._folders = {}
        self._modules = set()
        named = [settings["ini"], settings["hook"]] + [os.path.join(settings["folder"], name) for name in LOCK_FILES]
        named += [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
        for path in named:
            if path:
                self._stamps[path] = stamp(path)
        self._stamp_what_is_read()

    def _stamp_what_is_read(self):
        """A file is stamped before it is read: a change while it is imported is a change too."""
        original, read = SourceFileLoader.path_stats, self._read

        @functools.wraps(original)
        def path_stats(loader, path):
            read.setdefault(path, stamp(path))
            return original(loader, path)

        SourceFileLoader.path_stats = path_stats

    def look(self, env_file=None):
        """Takes in what was imported since."""
        if env_file and env_file in self._read:
            self._stamps.setdefault(env_file, self._read[env_file])
        for name, module in list(sys.modules.items()):
            if name in self._modules:
                continue
            self._modules.add(name)
            file = getattr(module, "__file__", None)
            if not file or file.startswith("<") or places.is_library(file) or places.is_library(os.path.realpath(file)):
                continue
            self._stamps.setdefault(file, self._read.get(file) or stamp(file))
            if os.path.basename(file) == "__init__.py":
                folder = os.path.dirname(file)
                self._folders[folder] = _python_files(folder)

    def changed(self):
        """The files that are not as they were."""
        changed = [path for path, before in self._stamps.items() if stamp(path) != before]
        return changed + [folder for folder, before in self._folders.items() if _python_files(folder) != before]


def _python_files(folder):
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError:
        return None


def _locations(script):
    locations = getattr(script, "_version_locations", None)
    if locations is None:
        return [str(folder) for folder in script.version_locations or [os.path.join(str(script.dir), "versions")]]
    return [str(folder) for folder in locations]


def _config(settings):
    options = argparse.Namespace(x=None, config=None, name=settings["section"], raiseerr=True, autogenerate=False, sql=False, cmd=None)
    words = {"ini_section": settings["section"], "cmd_opts": options, "stdout": sys.stderr}
    toml = os.path.join(settings["folder"], "pyproject.toml")
    if "toml_file" in inspect.signature(Config.__init__).parameters and os.path.exists(toml):
        words["toml_file"] = toml
    return Config(settings["ini"], **words)


def _run_hook(path, names):
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    names = {"__name__": "alembic_gate_hook", "__file__": path, **names}
    exec(code, names)
    return names


def _runner(name):
    if name == "plain":
        return lambda function: function()
    return _in_worker_thread


def _in_worker_thread(function):
    """A thread that knows of an event loop where AnyIO is installed: some env.py hand their work back to one."""
    outcome = []

    def work():
        try:
            function()
        except BaseException as error:
            outcome.append(error)

    try:
        import anyio
        import anyio.to_thread
    except ImportError:
        thread = threading.Thread(target=work, name="env.py")
        thread.start()
        thread.join()
    else:

        async def main():
            await anyio.to_thread.run_sync(work)

        anyio.run(main)
    if outcome:
        raise outcome[0]


def _keep_revision_modules():
    """A revision file is run again only when it has changed; env.py is run each time, as Alembic does."""
    original, kept = alembic.util.load_python_file, {}

    @functools.wraps(original)
    def load(folder, name):
        path = os.path.join(str(folder), str(name))
        if os.path.basename(path) == "env.py":
            return original(folder, name)
        now = stamp(path)
        if path not in kept or kept[path][0] != now:
            kept[path] = (now, original(folder, name))
        return kept[path][1]

    alembic.util.load_python_file = load


def _survive_logging(notes):
    """How the project logs is no reason not to answer: an error there becomes a note."""
    import logging.config

    def surviving(original):
        @functools.wraps(original)
        def configure(*arguments, **named):
            try:
                return original(*arguments, **named)
            except Exception as error:
                place = places.caller()
                where = "`%s` line %d: " % (os.path.basename(place[0]), place[1]) if place else ""
                sentence = "%slogging could not be set up: %s: %s" % (where, type(error).__name__, error)
                if sentence not in notes:
                    notes.append(sentence)

        return configure

    logging.config.fileConfig = surviving(logging.config.fileConfig)
    logging.config.dictConfig = surviving(logging.config.dictConfig)


class LostParameters(Exception):
    """Offline mode writes NULL for parameters that are handed to the connection: such text is wrong, not only incomplete."""


def _refuse_lost_parameters():
    from alembic.runtime.migration import MigrationContext

    original = MigrationContext._stdout_connection

    @functools.wraps(original)
    def connection(context, given):
        mock = original(context, given)
        execute = mock.execute

        def checked(construct, *many, **named):
            if any(many[:1]) or named.get("parameters") or set(named) - {"parameters", "execution_options"}:
                raise LostParameters("offline mode would write NULL for the parameters of this statement")
            return execute(construct, *many, **named)

        mock.execute = checked
        return mock

    MigrationContext._stdout_connection = connection


def _table_names(metadata):
    """The tables that env.py hands to the comparison; None where it hands none."""
    if metadata is None:
        return None
    collections = metadata if isinstance(metadata, (list, tuple)) else [metadata]
    return sorted({name for one in collections for name in getattr(one, "tables", {})})
