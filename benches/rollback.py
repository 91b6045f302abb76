#!/usr/bin/env python3
"""The second `test_rollback` beside the naive cycle of the `alembic` command, in one run on one machine: CPU seconds.

`python3 benches/rollback.py PYTHON BIN [TURNS]`: the interpreter of an environment with Alembic and psycopg, and the folder
of PostgreSQL's programs (`initdb`, `postgres`). The chain has 400 revisions and makes 120 tables with indexes, constraints,
functions, triggers, enums and views. The naive cycle is what a person runs on an empty database: `upgrade head`,
`downgrade -1`, `upgrade head`, `current`; it compares nothing. Ours compares every object, and in the second figure
12,000 rows. CPU is that of the client and of its PostgreSQL server, read from /proc.
"""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# As `alembic init` writes it, both ways.
ENV = """
from alembic import context
import sqlalchemy as sa

url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()
else:
    with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
TICKS = os.sysconf("SC_CLK_TCK")


def chain(folder, url):
    """Writes the project: 120 tables, then changes to them, 400 revisions in all."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = .\nsqlalchemy.url = %s\n" % url)
    for number in range(400):
        table = "t%03d" % (number % 120)
        up, down = step(number, table)
        below = "r%03d" % (number - 1) if number else None
        text = '"""step %d"""\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "r%03d"\ndown_revision = %r\n' % (number, number, below)
        text += "\n\ndef upgrade():\n%s\n\n\ndef downgrade():\n%s\n" % (body(up), body(down))
        (folder / "versions" / ("r%03d_step.py" % number)).write_text(text)


def body(lines):
    return "\n".join("    " + line for line in lines)


def step(number, table):
    """One revision: what it does, and how it is taken back."""
    turn = number // 120
    if turn == 0:
        columns = "".join(", sa.Column('c%d', sa.%s)" % (at, kind) for at, kind in enumerate(["String(80)", "Integer", "Text", "Boolean", "DateTime", "Numeric(12, 2)", "BigInteger", "Date"]))
        parent = ", sa.Column('parent_id', sa.Integer, sa.ForeignKey('t%03d.id'))" % (number - 1) if number else ""
        up = ["op.create_table('%s', sa.Column('id', sa.Integer, primary_key=True)%s%s)" % (table, columns, parent)]
        return up + ["op.create_index('ix_%s_c0', '%s', ['c0'])" % (table, table)], ["op.drop_table('%s')" % table]
    if turn == 1:
        function = "CREATE FUNCTION f_%s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$" % table
        trigger = "CREATE TRIGGER tr BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION f_%s()" % (table, table)
        return ["op.execute(%r)" % function, "op.execute(%r)" % trigger], ["op.execute('DROP TRIGGER tr ON %s')" % table, "op.execute('DROP FUNCTION f_%s()')" % table]
    if turn == 2:
        return ["op.add_column('%s', sa.Column('d', sa.Integer, server_default='1'))" % table, "op.create_index('ix_%s_d', '%s', ['d', 'c1'])" % (table, table)], ["op.drop_index('ix_%s_d')" % table, "op.drop_column('%s', 'd')" % table]
    return ["op.create_check_constraint('ck_%s', '%s', 'd >= -2147483648')" % (table, table)], ["op.drop_constraint('ck_%s', '%s')" % (table, table)]


def cpu_of(pids):
    """CPU seconds of processes and of their ended children."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return total / TICKS


def below(pid):
    """A process and all that descend from it."""
    found, parents = [pid], {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        parents.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(text.split(" ", 1)[0]))
    for one in found:
        found.extend(parents.get(one, []))
    return found


def naive(python, bins, folder):
    """CPU seconds of the cycle on a server of its own, its start left out."""
    account = pwd.getpwnam("postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name)
    drop = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="ag") as home:
        os.chown(home, account.pw_uid, account.pw_gid)
        data = os.path.join(home, "data")
        subprocess.run([bins / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"], check=True, capture_output=True, cwd=home, **drop)
        quick = [word for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "unix_socket_directories=" + home, "autovacuum=off") for word in ("-c", setting)]
        server = subprocess.Popen([bins / "postgres", "-D", data, *quick], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, **drop)
        try:
            url = "postgresql+psycopg://postgres@/postgres?host=" + home
            chain(folder, url)
            while subprocess.run([python, "-c", "import psycopg; psycopg.connect('host=%s user=postgres')" % home], capture_output=True).returncode:
                pass
            before, began = cpu_of([server.pid]) + children(), time.monotonic()
            for command in (["upgrade", "head"], ["downgrade", "-1"], ["upgrade", "head"], ["current"]):
                subprocess.run([python, "-m", "alembic", *command], cwd=folder, check=True, capture_output=True)
            # Backends that have ended are counted with the server that started them.
            return cpu_of([server.pid]) + children() - before, time.monotonic() - began
        finally:
            server.terminate()
            server.wait()


def children():
    times = os.times()
    return times.children_user + times.children_system


class Server:
    """`alembic-gate serve`, spoken to over its pipes."""

    def __init__(self, project, bins):
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/alembic-gate"
        env = {**os.environ, "ALEMBIC_GATE_PG_BINS": str(bins)}
        self.process = subprocess.Popen([target, "serve", "--project", project], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        self.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("alembic-gate ended")
            told = json.loads(line)
            if told.get("id") == 1:
                return told["result"]

    def test(self, rows):
        began, before = time.monotonic(), cpu_of(below(self.process.pid))
        answer = self.ask("tools/call", {"name": "test_rollback", "arguments": {"from": "r398", "to": "r399", "dialect": "postgresql", "rows": rows}})["structuredContent"]
        told = cpu_of(below(self.process.pid)) - before, time.monotonic() - began
        if answer.get("outcome") != "ok":
            raise SystemExit("it did not come back: %s %s" % (answer["summary"], answer.get("error")))
        return told


def main():
    python, bins = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    turns = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    subprocess.run(["cargo", "build", "-q", "--release", "--locked"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="ag") as temporary:
        os.chmod(temporary, 0o755)
        cpu, seconds = naive(python, bins, pathlib.Path(temporary) / "naive")
        print("naive cycle of `alembic`: %.2f CPU s, %.2f s" % (cpu, seconds))
        project = pathlib.Path(temporary) / "ours"
        chain(project, "postgresql+psycopg://app@production.invalid/shop")
        (project / "alembic-gate.toml").write_text('[project]\npython = "%s"\n' % python)
        server = Server(project, bins)
        try:
            for rows, words in ((0, "schema only"), (100, "12,000 rows")):
                first = server.test(rows)
                best = min(server.test(rows) for _ in range(turns))
                print("first test_rollback, %s: %.2f CPU s, %.2f s" % (words, *first))
                print("second test_rollback, %s: %.2f CPU s, %.2f s: ratio %.2f" % (words, *best, best[0] / cpu))
        finally:
            server.process.stdin.close()
            server.process.wait()
    shutil.rmtree(temporary, ignore_errors=True)


main()
