"""The scratch databases: how each is reached, and how a connection proves that it is one."""

import os
import re

FAMILIES = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}

# Arguments of a connection that the project may keep. Where it goes, as whom and with which secret is never among them.
KEPT_ARGUMENTS = frozenset(
    """options server_settings charset use_unicode init_command sql_mode client_flag cursorclass cursor_factory conv
    connection_factory connection_class row_factory autocommit prepare_threshold statement_cache_size
    prepared_statement_cache_size prepared_statement_name_func max_cached_statement_lifetime command_timeout
    connect_timeout timeout application_name client_encoding detect_types isolation_level check_same_thread
    cached_statements factory context""".split()
)


class NotScratch(OSError):
    """Something wants a database that is none of ours. An OSError, since libraries die of others."""


class Scratch:
    """The databases that may be reached, the first for the first database that env.py opens, and so on."""

    def __init__(self):
        self.databases = []
        self.family = None
        self.generation = 0
        self.preparing = False  # the hook is at work: its connection takes no place from those of env.py
        self._ours = {}
        self._numbers = {}

    def point_at(self, dialect, databases):
        """Names the databases. Targets that were met before keep their numbers."""
        self.family = FAMILIES.get(dialect, dialect)
        self.databases = databases
        self.generation += 1
        self._ours.update({_key_of(database): number for number, database in enumerate(databases)})

    def sockets(self):
        """The paths of the sockets of our servers."""
        return {_socket_of(database) for database in self.databases if database["dialect"] != "sqlite"}

    def files(self):
        """The files of our databases."""
        return {os.path.realpath(database["file"]) for database in self.databases if database["dialect"] == "sqlite"}

    def is_ours(self, socket, name):
        """Whether a database of this name behind this socket is one of ours."""
        return any(
            database["dialect"] != "sqlite" and os.path.realpath(_socket_of(database)) == os.path.realpath(socket) and database["database"] == name
            for database in self.databases
        )

    def database_for(self, target):
        """The database that stands for a target of env.py: each target gets one of its own, in the order they are met."""
        if self.preparing and target in self._ours:
            return self.databases[min(self._ours[target], len(self.databases) - 1)]
        number = self._numbers.get(target, self._ours.get(target, _number_of_stand_in(target)))
        if number is None:
            taken = set(self._numbers.values())
            number = next(free for free in range(len(taken) + 1) if free not in taken)
        self._numbers[target] = number
        if not self.databases:
            raise NotScratch("`env.py` opens %s, and no scratch database was given" % said(target))
        if number >= len(self.databases):
            raise NotScratch(
                "`env.py` opens a database number %d (%s), and %d scratch database%s given"
                % (number + 1, said(target), len(self.databases), " was" if len(self.databases) == 1 else "s were")
            )
        return self.databases[number]

    def wanted(self):
        """How many databases env.py has wanted so far, those among them for which there was none of ours."""
        return max(self._numbers.values(), default=-1) + 1


def url_of(database, driver=None):
    """The address as SQLAlchemy writes it."""
    from sqlalchemy.engine import URL

    family = FAMILIES[database["dialect"]]
    name = family + "+" + driver if driver else family
    if family == "sqlite":
        return URL.create(name, database=database["file"])
    if family == "mysql":
        where = {"unix_socket": database["socket"]}
    elif driver == "pg8000":
        where = {"unix_sock": _socket_of(database)}
    else:
        where = {"host": database["socket_dir"], "port": str(database["port"])}
    return URL.create(name, database["user"], database.get("password"), database=database["database"], query=where)


def text_of(database, driver=None):
    """The address as text, for variables and ini files: without the `%2F` that the latter would take for their own.

    Without the password of a dev server too: what connects there is given it, what is printed or written is not.
    """
    return url_of({**database, "password": None}, driver).render_as_string().replace("%2F", "/")


def text_of_or_empty(databases, number):
    """The address of the database with this number as text; empty where there is none."""
    return text_of(databases[number]) if number < len(databases) else ""


STAND_IN = "alembic_gate_scratch_"
PLACEHOLDER = re.compile(r"\{scratch_url(?:_(\d+))?(?:\+(\w+))?\}")


def filled_in(value, dialect, databases):
    """A variable with its placeholders replaced: `{scratch_url}`, `{scratch_url_2}`, `{scratch_url+asyncpg}`.

    Where no database is named yet, a stand-in of the right kind stands there: many a project reads its dialect from the
    address. What connects to it gets the database that was named by then.
    """

    def address(match):
        number = int(match.group(1) or 1) - 1
        if 0 <= number < len(databases):
            return text_of(databases[number], match.group(2))
        return _stand_in(dialect, number, match.group(2))

    return PLACEHOLDER.sub(address, value)


def _stand_in(dialect, number, driver):
    family = FAMILIES.get(dialect, dialect)
    name = family + "+" + driver if driver else family
    if family == "sqlite":
        return "%s:///%s%d" % (name, STAND_IN, number + 1)
    return "%s://scratch@localhost/%s%d" % (name, STAND_IN, number + 1)


def _number_of_stand_in(target):
    name = os.path.basename(str(target[3] or ""))
    count = name[len(STAND_IN) :] if name.startswith(STAND_IN) else ""
    return int(count) - 1 if count.isdigit() and int(count) > 0 else None


def target_of(family, arguments, named):
    """What env.py wants to reach: (family, host, port, database), without user and secret."""
    if family == "sqlite":
        path = arguments[0] if arguments else named.get("database", "")
        return (family, None, None, _file_key(os.fspath(path)))
    socket = named.get("unix_socket") or named.get("unix_sock")
    host = socket or named.get("host") or named.get("hostaddr") or named.get("service") or "localhost"
    host = host if isinstance(host, str) else str(host)
    if host == "127.0.0.1":
        host = "localhost"
    port = str(named.get("port") or DEFAULT_PORTS.get(family, ""))
    name = named.get("dbname") or named.get("database") or named.get("db") or (str(arguments[0]) if arguments else "")
    return (family, host, port if not socket else None, name)


def said(target):
    """A target in words; nothing secret is in it."""
    family, host, port, name = target
    if family == "sqlite":
        return "the SQLite file `%s`" % name
    return "%s database `%s` on `%s`" % (family, name, host)


def connection_to(dialect, database, named):
    """Opens a connection of the project's own driver to one of our databases, and makes sure where it leads."""
    arguments, ours = dialect.create_connect_args(url_of(database, dialect.driver))
    kept = {name: value for name, value in named.items() if name in KEPT_ARGUMENTS}
    connection = dialect.connect(*arguments, **{**kept, **ours})
    try:
        _prove(connection, database)
    except BaseException:
        connection.close()
        raise
    return connection


def _prove(connection, database):
    """Asks the connection which database it is, before its first statement: there is one right answer."""
    proof = database.get("proof")
    if not proof:
        return
    cursor = connection.cursor()
    try:
        cursor.execute(proof["sql"])
        found = ["" if value is None else str(value) for value in cursor.fetchone() or ()]
    finally:
        cursor.close()
    connection.rollback()
    if found != proof["expected"]:
        name = database.get("database") or database["file"]
        raise NotScratch("`%s` does not carry this run's mark: it is not the scratch database that was named" % name)


def _socket_of(database):
    if database["dialect"] == "postgresql":
        return "%s/.s.PGSQL.%d" % (database["socket_dir"], database["port"])
    return database["socket"]


def _key_of(database):
    family = FAMILIES[database["dialect"]]
    if family == "sqlite":
        return (family, None, None, _file_key(database["file"]))
    if family == "mysql":
        return (family, database["socket"], None, database["database"])
    return (family, database["socket_dir"], str(database["port"]), database["database"])


def _file_key(path):
    if path in ("", ":memory:") or path.startswith("file:") or isinstance(path, bytes):
        return path
    return os.path.realpath(path)
