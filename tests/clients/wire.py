"""The plainest clients there are: a server over standard input, a server over HTTP, and a project for them. Standard library only."""

import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import tempfile
import threading

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tests/clients", "version": "1"},
}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "tests/clients", "version": "1"}}
RISK = {"name": "classify_risk", "arguments": {"sql": "DROP TABLE users"}}


def request(method, number=1, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}


def environment(home, more=None):
    """As little as a client gives: nothing of ours is left but where the engines are."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "ALEMBIC_GATE_PG_BINS", "ALEMBIC_GATE_MARIADBD") if name in os.environ}
    return {**kept, "HOME": str(home), "XDG_STATE_HOME": f"{home}/state", "XDG_CACHE_HOME": f"{home}/cache", **(more or {})}


class Stdio:
    """Each line that the server writes is kept: one that is no JSON is a failure wherever it comes."""

    def __init__(self, program, *arguments, home, env=None, folder=None):
        self.log = tempfile.TemporaryFile()
        command = [program, "serve", *map(str, arguments)]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self.log, env=environment(home, env), cwd=folder or home, start_new_session=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait(10)

    def send(self, message):
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.child.stdin.write(line + b"\n")
        self.child.stdin.flush()

    def receive(self, seconds=60):
        line = self.lines.get(timeout=seconds)
        assert line is not None, "the server has closed its output"
        return json.loads(line)

    def ask(self, message, seconds=60):
        """The answer to a request, whatever comes before it."""
        self.send(message)
        while True:
            answer = self.receive(seconds)
            if "method" not in answer:
                return answer

    def call(self, tool, seconds=60, **arguments):
        return self.ask(request("tools/call", name=tool, arguments=arguments), seconds)["result"]

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode()


class Web:
    """A server on the loopback; a request is a connection."""

    def __init__(self, program, *arguments, home, env=None):
        self.log = open(pathlib.Path(home) / "web.log", "w+b", buffering=0)
        command = [program, "serve", "--http", "127.0.0.1:0", *map(str, arguments)]
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=environment(home, env), cwd=home)
        for _ in range(200):
            found = re.search(rb"http://127\.0\.0\.1:(\d+)/mcp", self._bytes())
            if found:
                break
            try:
                self.child.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        assert found, self._bytes()
        self.port = int(found[1])

    def _bytes(self):
        return pathlib.Path(self.log.name).read_bytes()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(10)

    def logged(self):
        return self._bytes().decode()

    def send(self, method, path, headers, body=b""):
        """Status, headers in small letters, body; each header once or, given as a list, several times."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {"Host": "localhost", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
        for name, value in {**given, "Content-Length": str(len(body))}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        try:
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # A server that refuses does not read to the end.
        answer = connection.getresponse()
        told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return told

    def post(self, message, **headers):
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.send("POST", "/mcp", {name.replace("_", "-"): value for name, value in headers.items()}, body)

    def call(self, tool, token=None, **arguments):
        headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        status, _, body = self.send("POST", "/mcp", headers, json.dumps(request("tools/call", name=tool, arguments=arguments)).encode())
        assert status == 200, (status, body)
        return json.loads(body)["result"]


ENV_PY = '''
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
'''
MAKO = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''
REVISION = '''"""{id}"""
from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = {parent!r}
branch_labels = None
depends_on = None


def upgrade():
    {up}


def downgrade():
    {down}
'''
USERS = ("create_users", 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False))', 'op.drop_table("users")')
EMAIL = ("add_user_email", 'op.add_column("users", sa.Column("email", sa.String(80)))', 'op.drop_column("users", "email")')


def has_alembic(python):
    return bool(python) and subprocess.run([python, "-c", "import alembic, sqlalchemy"], capture_output=True, timeout=60).returncode == 0


class Shop:
    """A project of two revisions on SQLite; its `staging` stands behind the first."""

    def __init__(self, folder, python):
        self.folder, self.python = pathlib.Path(folder), python
        self.database = self.folder / "staging.db"
        settings = f'[project]\npython = "{python}"\n[environments.staging]\ntier = "staging"\nurl_env = "STAGING_URL"\nread_url_env = "STAGING_URL"\nserver = {{ dialect = "sqlite", version = "3.40" }}\n'
        files = {"alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = sqlite:///%(here)s/staging.db\n", "alembic-gate.toml": settings}
        files |= {"migrations/env.py": ENV_PY, "migrations/script.py.mako": MAKO}
        parent = None
        for name, up, down in (USERS, EMAIL):
            files[f"migrations/versions/{name}.py"] = REVISION.format(id=name, parent=parent, up=up, down=down)
            parent = name
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.begin_anew()

    def begin_anew(self):
        self.database.unlink(missing_ok=True)
        shutil.rmtree(self.folder / ".alembic-gate", ignore_errors=True)
        self.alembic("upgrade", USERS[0])

    def alembic(self, *words):
        subprocess.run([self.python, "-m", "alembic", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    @property
    def variables(self):
        return {"STAGING_URL": f"sqlite:///{self.database}"}
