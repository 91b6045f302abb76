"""Whatever env.py does, no connection leaves for anything but a scratch database.

Four fences in the process, each for what the one before lets through: engines are redirected; so are pools with
creators of their own; drivers that are called directly refuse other targets; and an audit hook watches sockets, SQLite
files, programs and the entry points of C libraries. What C code does on its own only the namespaces of `process` stop.
"""

import contextlib
import errno
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import socket
import sys
import threading

from . import places
from .scratch import NotScratch, Scratch, connection_to, said, target_of

ACTIVE = ["environment", "redirect", "pool_creators", "driver_connect", "audit_hook", "token"]

SCRATCH = Scratch()
ATTEMPTS = []
MAX_ATTEMPTS = 50
_programs = threading.local()


def refuse(what, target, code=errno.ENETUNREACH):
    """Notes an attempt to leave, and ends it."""
    note(what, target, places.caller())
    raise NotScratch(code, "refused: %s: %s; only the scratch database may be reached" % (what, target))


def note(what, target, where, outcome="refused"):
    """Remembers what env.py tried to reach, for the answer."""
    file, line = where or (None, None)
    attempt = {"what": what, "target": str(target)[:200], "outcome": outcome, "file": file, "line": line}
    if len(ATTEMPTS) < MAX_ATTEMPTS and attempt not in ATTEMPTS:
        ATTEMPTS.append(attempt)


# Engines and pools


def redirect_engines():
    """Sends each engine, whatever its address, to the scratch database that stands for that address."""
    from sqlalchemy import event, exc
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    def connect(dialect, record, arguments, named):
        return _redirected(dialect, target_of(dialect.name if dialect.name != "mariadb" else "mysql", arguments, named), named)

    def checkout(connection, record, proxy):
        if record.info.get("alembic_gate_generation") != SCRATCH.generation:
            raise exc.DisconnectionError("the scratch database has changed")

    def remember(connection, record):
        record.info["alembic_gate_generation"] = SCRATCH.generation

    event.listen(Engine, "do_connect", connect)
    event.listen(Pool, "connect", remember)
    event.listen(Pool, "checkout", checkout)
    original = Pool._should_wrap_creator

    @functools.wraps(original)
    def wrap_creator(pool, creator):
        if getattr(creator, "__module__", "") == "sqlalchemy.engine.create":
            return original(pool, creator)
        plain = original(pool, creator)

        def redirected(record):
            if not hasattr(pool._dialect, "create_connect_args"):
                return plain(record)  # a pool without an engine: its driver refuses
            return _redirected(pool._dialect, _target_of_creator(pool._dialect.name, creator), {})

        return redirected

    Pool._should_wrap_creator = wrap_creator


def _redirected(dialect, target, named):
    family = "mysql" if dialect.name == "mariadb" else dialect.name
    if SCRATCH.family and family != SCRATCH.family:
        where = places.caller()
        note("engine", said(target), where)
        raise NotScratch(
            "`env.py` opens %s, and the scratch database is %s; name the project's own server, or set the variable that"
            " holds its address in `[project] env`" % (said(target), SCRATCH.family)
        )
    database = SCRATCH.database_for(target)
    note("engine", said(target), places.caller(), "redirected")
    return connection_to(dialect, database, named)


def _target_of_creator(family, creator):
    """A creator says nothing of where it leads: each place in the code, with what it has caught, is a target."""
    code = getattr(creator, "__code__", None)
    if code is None:
        return (family, "a creator", None, repr(type(creator)))
    caught = [cell.cell_contents for cell in creator.__closure__ or ()]
    words = [word for word in caught if isinstance(word, (str, int))]
    return (family, "a creator", None, "%s:%d %d" % (code.co_filename, code.co_firstlineno, hash(tuple(words))))


# Drivers called directly

SQLITE_ATTACH, SQLITE_OK, SQLITE_DENY = 24, 0, 1

def guard_drivers():
    """Has each driver, as soon as it is imported, refuse targets that are not ours."""
    sys.meta_path.insert(0, _Guarding())
    for name in list(GUARDS):
        if name in sys.modules:
            GUARDS[name](sys.modules[name])


class _Guarding(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        guard = GUARDS.get(name)
        if guard is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        load = spec.loader.exec_module

        def load_and_guard(module):
            load(module)
            guard(module)

        spec.loader.exec_module = load_and_guard
        return spec


def _words(named, *names):
    return next((named[name] for name in names if named.get(name)), None)


def _check_postgresql(what, conninfo, named):
    """libpq's own arguments: host, port, user and database must be ours, and nothing may name another place."""
    try:
        given = dict(_parsed(conninfo), **{name: value for name, value in named.items() if value is not None})
    except ValueError:
        refuse(what, "an address that is not understood")
    host, name = str(given.get("host") or ""), _words(given, "dbname", "database")
    path = "%s/.s.PGSQL.%s" % (host, given.get("port") or 5432)
    if given.get("hostaddr") or given.get("service") or not SCRATCH.is_ours(path, name):
        refuse(what, said(target_of("postgresql", (), given)))


def _parsed(conninfo):
    """A connection string of libpq as a map; both of its forms."""
    if isinstance(conninfo, bytes):
        conninfo = conninfo.decode()
    if not conninfo:
        return {}
    if "psycopg2" in sys.modules and hasattr(sys.modules["psycopg2"], "extensions"):
        parse = sys.modules["psycopg2"].extensions.parse_dsn
    else:
        from psycopg.conninfo import conninfo_to_dict as parse
    try:
        return parse(conninfo)
    except Exception as error:
        raise ValueError(str(error)) from error


def _check_mysql(what, named):
    socket_path, name = _words(named, "unix_socket"), _words(named, "database", "db")
    if not socket_path or not SCRATCH.is_ours(socket_path, name):
        refuse(what, said(target_of("mysql", (), named)))


def _guard_psycopg2(module):
    def guarded(original):
        @functools.wraps(original)
        def connect(dsn=None, *arguments, **named):
            _check_postgresql("psycopg2.connect", dsn, {name: value for name, value in named.items() if name in _LIBPQ_WORDS})
            return original(dsn, *arguments, **named)

        return connect

    module.connect = guarded(module.connect)
    module._connect = guarded(module._connect)
    module._psycopg._connect = module._connect


_LIBPQ_WORDS = ("host", "hostaddr", "port", "user", "dbname", "database", "service")


def _guard_psycopg_generators(module):
    original = module.connect

    @functools.wraps(original)
    def connect(conninfo, *arguments, **named):
        _check_postgresql("psycopg.connect", conninfo, {})
        return original(conninfo, *arguments, **named)

    module.connect = connect


def _guard_psycopg_pq(module):
    unguarded = module.PGconn

    class PGconn(unguarded):
        @classmethod
        def connect(cls, conninfo):
            _check_postgresql("PGconn.connect", conninfo, {})
            return unguarded.connect(conninfo)

        @classmethod
        def connect_start(cls, conninfo):
            _check_postgresql("PGconn.connect_start", conninfo, {})
            return unguarded.connect_start(conninfo)

    PGconn.__qualname__, PGconn.__module__ = unguarded.__qualname__, unguarded.__module__
    module.PGconn = PGconn


def _guard_asyncpg(module):
    original = getattr(module, "_connect_addr", None)
    if original is None:
        return

    @functools.wraps(original)
    async def connect(*, addr, params, **named):
        if not isinstance(addr, str) or not SCRATCH.is_ours(addr, params.database):
            host = addr if isinstance(addr, str) else addr[0]
            refuse("asyncpg.connect", said(("postgresql", host, None, params.database)))
        return await original(addr=addr, params=params, **named)

    module._connect_addr = connect


def _guard_pymysql(module):
    original = module.Connection.connect

    @functools.wraps(original)
    def connect(self, *arguments, **named):
        database = self.db.decode() if isinstance(self.db, bytes) else self.db
        _check_mysql("pymysql.connect", {"unix_socket": self.unix_socket, "host": self.host, "database": database})
        return original(self, *arguments, **named)

    module.Connection.connect = connect


def _guard_aiomysql(module):
    original = module.Connection._connect

    @functools.wraps(original)
    async def connect(self, *arguments, **named):
        _check_mysql("aiomysql.connect", {"unix_socket": self._unix_socket, "host": self._host, "database": self._db})
        return await original(self, *arguments, **named)

    module.Connection._connect = connect


def _guard_mysqldb(module):
    original = module.Connection.__init__

    @functools.wraps(original)
    def __init__(self, *arguments, **named):
        words = dict(zip(("host", "user", "password", "database"), arguments), **named)
        if "read_default_file" in words or "read_default_group" in words:
            refuse("MySQLdb.connect", "an address in an option file")
        _check_mysql("MySQLdb.connect", words)
        original(self, *arguments, **named)

    module.Connection.__init__ = __init__


def _guard_function(name, check):
    def guard(module):
        original = module.connect

        @functools.wraps(original)
        def connect(*arguments, **named):
            check("%s.connect" % name, named)
            return original(*arguments, **named)

        module.connect = connect

    return guard


def _check_nothing(what, named):
    refuse(what, "a server that this driver names")


def _guard_sqlite(module):
    """A file is refused by the audit hook; here no other file may be attached to the one that was opened."""
    original = module.connect

    def decide(action, name, *rest):
        if action != SQLITE_ATTACH:
            return SQLITE_OK
        # A file that is bound as a parameter is not said here: None is refused too.
        if name is not None and (_is_memory(name) or _sqlite_path(name) in SCRATCH.files()):
            return SQLITE_OK
        note("ATTACH", "the SQLite file `%s`" % name, places.caller())
        return SQLITE_DENY

    @functools.wraps(original)
    def connect(*arguments, **named):
        connection = original(*arguments, **named)
        connection.set_authorizer(decide)
        return connection

    module.connect = connect


GUARDS = {
    "sqlite3.dbapi2": _guard_sqlite,
    "psycopg2": _guard_psycopg2,
    "psycopg.generators": _guard_psycopg_generators,
    "psycopg.pq": _guard_psycopg_pq,
    "asyncpg.connect_utils": _guard_asyncpg,
    "pymysql.connections": _guard_pymysql,
    "aiomysql.connection": _guard_aiomysql,
    "MySQLdb.connections": _guard_mysqldb,
    "mysql.connector": _guard_function("mysql.connector", _check_mysql),
    "mariadb": _guard_function("mariadb", _check_mysql),
    "pyodbc": _guard_function("pyodbc", _check_nothing),
    "pymssql": _guard_function("pymssql", _check_nothing),
    "oracledb": _guard_function("oracledb", _check_nothing),
    "cx_Oracle": _guard_function("cx_Oracle", _check_nothing),
    "duckdb": _guard_function("duckdb", _check_nothing),
}


# The audit hook

C_CONNECTS = frozenset(
    "PQconnectdb PQconnectdbParams PQconnectStart PQconnectStartParams PQsetdbLogin PQreset PQresetStart PQping"
    " PQpingParams mysql_real_connect mysql_connect mysql_real_connect_start connect sendto sqlite3_open sqlite3_open_v2".split()
)


def watch():
    """Adds the audit hook. It cannot be taken away again."""
    sys.addaudithook(_heard)


@contextlib.contextmanager
def programs_allowed():
    """Lets the formatters run that the project names as hooks of its revision files."""
    _programs.allowed = True
    try:
        yield
    finally:
        _programs.allowed = False


def _heard(event, arguments):
    watcher = _WATCHERS.get(event)
    if watcher is not None:
        watcher(event, arguments)


def _on_connect(event, arguments):
    address = arguments[1]
    if isinstance(address, (str, bytes)):
        path = os.fsdecode(address)
        if os.path.realpath(path) in {os.path.realpath(own) for own in SCRATCH.sockets()}:
            return
        refuse("a connection", "the socket `%s`" % path)
    refuse("a connection", ":".join(str(part) for part in address[:2]) if isinstance(address, tuple) else address)


def _on_send(event, arguments):
    if arguments[1] is not None:
        _on_connect(event, arguments)


def _on_name(event, arguments):
    host = arguments[0]
    host = host.decode(errors="replace") if isinstance(host, bytes) else host
    if host in (None, "", "localhost", socket.gethostname()) or _is_number(host):
        return
    note("a look-up", host, places.caller())
    raise socket.gaierror(socket.EAI_NONAME, "refused: names of other machines are not looked up here")


def _is_number(host):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, str(host))
            return True
        except OSError:
            pass
    return False


def _on_sqlite(event, arguments):
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else str(arguments[0])
    if not _is_memory(path) and _sqlite_path(path) not in SCRATCH.files():
        refuse("sqlite3.connect", "the SQLite file `%s`" % path, errno.EACCES)


def _is_memory(path):
    return path in ("", ":memory:") or path.startswith("file::memory:") or "mode=memory" in path.partition("?")[2].split("&")


def _sqlite_path(path):
    if path.startswith("file:"):
        path = path[len("file:") :].partition("?")[0]
        path = "/" + path.lstrip("/") if path.startswith("//") else path
    return os.path.realpath(path)


def _on_program(event, arguments):
    if getattr(_programs, "allowed", False) or places.called_from(os.path.join("ctypes", "util.py")):
        return
    program = arguments[0] if arguments else event
    if isinstance(program, (list, tuple)):
        program = program[0]
    refuse("starting a program", "`%s`" % (os.fsdecode(program) if isinstance(program, (str, bytes)) else program or event), errno.EPERM)


def _on_fork(event, arguments):
    if not getattr(_programs, "allowed", False):
        refuse("a second process", "`%s`" % event, errno.EPERM)


def _on_symbol(event, arguments):
    if arguments[1] in C_CONNECTS and not places.called_from(os.path.join("psycopg", "pq", "_pq_ctypes.py")):
        refuse("a C library's own connection", "`%s`" % arguments[1])


_WATCHERS = {
    "socket.connect": _on_connect,
    "socket.sendto": _on_send,
    "socket.sendmsg": _on_send,
    "socket.getaddrinfo": _on_name,
    "socket.gethostbyname": _on_name,
    "socket.gethostbyaddr": _on_name,
    "sqlite3.connect": _on_sqlite,
    "subprocess.Popen": _on_program,
    "os.system": _on_program,
    "os.exec": _on_program,
    "os.posix_spawn": _on_program,
    "os.spawn": _on_program,
    "os.startfile": _on_program,
    "os.fork": _on_fork,
    "os.forkpty": _on_fork,
    "ctypes.dlsym": _on_symbol,
}
