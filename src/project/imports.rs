//! Whose module an import is: Python's own, a library's, or the application's.

use std::collections::BTreeSet;

use crate::project::revision::Import;

/// Whose a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Python's own.
    Standard,
    /// Alembic, SQLAlchemy, and what belongs to databases.
    Database,
    /// The application's, whose code changes after the revision was written.
    Application,
    /// Some other library.
    Library,
}

/// Python 3.14's own modules, those with an underscore in front left out.
/// Source: `sys.stdlib_module_names`.
const STANDARD: &str = "\
abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect \
builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall \
concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm \
decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput \
fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq \
hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 \
linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt \
multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib \
pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd \
py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy \
sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd \
sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau \
symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit \
tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata \
unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp \
zipfile zipimport zlib zoneinfo \
distutils imp asyncore asynchat smtpd cgi cgitb crypt telnetlib uu xdrlib nntplib pipes msilib";

/// Libraries that speak to databases, or help Alembic: they do not change with the application.
const DATABASE: &[&str] = &[
    "MySQLdb",
    "advanced_alchemy",
    "aiomysql",
    "aiosqlite",
    "alembic",
    "alembic_postgresql_enum",
    "alembic_utils",
    "asyncpg",
    "citext",
    "clickhouse_sqlalchemy",
    "cx_Oracle",
    "geoalchemy2",
    "mysql",
    "oracledb",
    "pgvector",
    "psycopg",
    "psycopg2",
    "pymysql",
    "pyodbc",
    "sqlalchemy",
    "sqlalchemy_utils",
    "sqlmodel",
    "sqlparse",
];

/// Words of a module's path behind which models stand.
const MODELS: &[&str] = &["db_models", "entities", "entity", "model", "models", "orm", "schema", "schemas", "tables"];

/// Names that models are known by.
const MODEL_NAMES: &[&str] = &["Base", "metadata", "target_metadata", "SQLModel"];

/// Whose module this is; `own` are the packages of the application.
#[must_use]
pub fn owner(import: &Import, own: &BTreeSet<String>) -> Owner {
    let first = import.module.split('.').next().unwrap_or_default();
    if import.level > 0 || own.contains(first) {
        Owner::Application
    } else if first == "__future__" || STANDARD.split_whitespace().any(|name| name == first) {
        Owner::Standard
    } else if DATABASE.contains(&first) {
        Owner::Database
    } else {
        Owner::Library
    }
}

/// True for what the application says of its tables: its models, or their metadata.
#[must_use]
pub fn is_models(import: &Import, own: &BTreeSet<String>) -> bool {
    let is_named_so = || import.module.split('.').chain(import.names.iter().map(String::as_str)).any(|word| MODELS.contains(&word));
    let takes_them = || import.names.iter().any(|name| MODEL_NAMES.contains(&name.as_str()));
    match owner(import, own) {
        Owner::Application => is_named_so() || takes_them(),
        // Where nobody could look at the folder, a library with models is most likely the application.
        Owner::Library => own.is_empty() && is_named_so(),
        Owner::Standard | Owner::Database => false,
    }
}
