#!/usr/bin/env python3
"""Runs each claim of knowledge_alembic.json with the Alembic of a given interpreter; says what differs.

usage: observe_alembic.py [--python PYTHON] [--server NAME=URL ...] [--only TEXT] [--show]
  --python   interpreter that has alembic, SQLAlchemy and the drivers; default: this one
  --server   SQLAlchemy URL on which databases may be made, for claims of that name: postgresql, mariadb
  --only     only claims whose id or sentence contains TEXT;  --show prints what came back
exit: 0 all claims hold, 1 some do not, 2 the claims could not be run. The last line of stdout is JSON:
  {"alembic", "sqlalchemy", "held", "failed", "skipped": {why: number}}

A claim is a project (layout, revisions, files), steps before, one command, and what is expected of it:
  ["alembic", ...]                       the command line, exit status as a shell sees it
  {"sql": "..."}                         a statement on the claim's database; its rows are printed, one a line, as JSON
  {"render": "DIALECT", "code": "op..."} the SQL of operations, without a database
  {"compare": {"database": "...", "models": "..."}}
                                         two bodies of `Table(...)`: what autogenerate sees between them
  {"python": "..."}                      a program in the project's folder
  {"write": "PATH", "text": "..."}       a file;  {"remove": "PATH"}
`needs`: a module without which the claim is not run. `expect`: exit, stdout_contains, stderr_contains, stdout_lacks, stderr_lacks, file_contains, file_lacks (of the revision
file written last), rows {query: [[...]]}. `alembic` and `sqlalchemy` of a claim are ranges such as ">=1.16,<1.19".

One warm worker a run forks a child for each step: Alembic is imported once.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))

REVISION = '''"""{id}"""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends_on!r}


def upgrade():
{upgrade}


{downgrade}
'''


# --- the worker: runs under the interpreter that is asked

def worker():
    import sqlalchemy
    import alembic
    import alembic.config  # noqa: F401 imported here, once, for all children
    import alembic.autogenerate  # noqa: F401
    import alembic.command  # noqa: F401

    import importlib.util
    modules = [name for name in ("greenlet", "psycopg", "psycopg2") if importlib.util.find_spec(name)]
    print(json.dumps({"alembic": alembic.__version__, "sqlalchemy": sqlalchemy.__version__, "modules": modules}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if child == 0:
            run_child(task)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"exit": os.waitstatus_to_exitcode(status)}), flush=True)


def run_child(task):
    """Never returns: leaves with the status that the command would have had."""
    status = 1
    try:
        os.chdir(task["folder"])
        os.environ.clear()
        os.environ.update(task["environ"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(task[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdout = os.fdopen(1, "w", buffering=1)
        sys.stderr = os.fdopen(2, "w", buffering=1)
        sys.path.insert(0, task["folder"])
        try:
            perform(task["step"])
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else int(left.code is not None)
        except BaseException:
            import traceback
            traceback.print_exc()
        # Alembic took hold of the stdout that stood when it was imported.
        for stream in (sys.__stdout__, sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status & 0xFF)


def perform(step):
    if isinstance(step, list):
        import alembic.config
        sys.argv = step
        alembic.config.main(argv=step[1:], prog="alembic")
    elif "sql" in step:
        print_rows(step["sql"], step.get("url"))
    elif "render" in step:
        render(step["render"], step["code"])
    elif "compare" in step:
        compare(step["compare"])
    elif "python" in step:
        exec(compile(step["python"], "claim.py", "exec"), {"__name__": "__main__"})
    else:
        raise ValueError(f"a step of no known kind: {step}")


def print_rows(sql, url=None):
    import sqlalchemy as sa
    engine = sa.create_engine(url or os.environ["DATABASE_URL"])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        result = connection.exec_driver_sql(sql)
        for row in result.fetchall() if result.returns_rows else []:
            print(json.dumps(list(row), default=str))


def render(dialect, code):
    import sqlalchemy as sa
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "literal_binds": True})
    exec(code, {"op": Operations(context), "sa": sa})


def compare(bodies):
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def tables(body):
        metadata = sa.MetaData()
        names = {**vars(sa), "sa": sa, "metadata": metadata, "Table": lambda name, *rest, **more: sa.Table(name, metadata, *rest, **more)}
        from sqlalchemy.dialects import mysql, postgresql
        names.update(mysql=mysql, postgresql=postgresql)
        exec(body, names)
        return metadata

    engine = sa.create_engine(os.environ["DATABASE_URL"])
    with engine.begin() as connection:
        tables(bodies["database"]).create_all(connection)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=bodies.get("options", {}))
        found = compare_metadata(context, tables(bodies["models"]))
    for difference in found:
        one = difference[0] if isinstance(difference, list) else difference
        print(one[0], *one[1:] if not isinstance(difference, list) else one[2:])
    if not found:
        print("no difference")


# --- the observer: lays out projects, judges answers

class Worker:
    def __init__(self, python):
        self.process = subprocess.Popen([python, os.path.abspath(__file__), "--worker"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.versions = json.loads(self.process.stdout.readline() or "{}")

    def run(self, folder, step, environ):
        names = {name: os.path.join(folder, "." + name) for name in ("stdout", "stderr")}
        self.process.stdin.write(json.dumps({"folder": folder, "step": step, "environ": environ, **names}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        for name, path in names.items():
            with open(path, encoding="utf-8", errors="replace") as text:
                answer[name] = text.read()
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def within(version, ranges):
    def numbers(text):
        return [int(part) for part in re.findall(r"\d+", text)][:3]
    compare_by = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    for part in filter(None, ranges.split(",")):
        sign, wanted = re.match(r"(>=|<)(.+)", part.strip()).groups()
        if not compare_by[sign](numbers(version), numbers(wanted)):
            return False
    return True


def indented(lines):
    lines = lines.split("\n") if isinstance(lines, str) else lines
    return "\n".join("    " + line for line in lines)


def revision_file(name, body):
    down = body.get("downgrade", "pass")
    return REVISION.format(
        id=name, down=tuple(body["down"]) if isinstance(body.get("down"), list) else body.get("down"),
        labels=body.get("labels"), depends_on=body.get("depends_on"), upgrade=indented(body.get("upgrade", "pass")),
        downgrade="" if down is None else "def downgrade():\n" + indented(down))


def write(folder, path, text):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def lay_out(folder, table, claim):
    files = dict(table["files"])
    files["migrations/env.py"] = files["migrations/env.py"].replace("# configure: more", claim.get("configure", ""))
    revisions = {**table["layouts"][claim.get("layout", "empty")], **claim.get("revisions", {})}
    for name, body in revisions.items():
        files[f"migrations/versions/{body.get('file', name)}.py"] = revision_file(body.get("id", name), body)
    files.update(claim.get("files", {}))
    os.makedirs(os.path.join(folder, "migrations/versions"), exist_ok=True)
    for path, text in files.items():
        if text is not None:
            write(folder, path, text)


def newest_revision(folder, before):
    versions = os.path.join(folder, "migrations/versions")
    new = [name for name in os.listdir(versions) if name.endswith(".py") and name not in before]
    if not new:
        return ""
    with open(os.path.join(versions, sorted(new)[-1]), encoding="utf-8") as file:
        return file.read()


def differences(expect, answer, written, rows):
    """Sentences on what is not as expected."""
    found = []
    if "exit" in expect and answer["exit"] != expect["exit"]:
        found.append(f"exit status {answer['exit']}, expected {expect['exit']}")
    texts = {"stdout": answer["stdout"], "stderr": answer["stderr"], "file": written}
    for name, text in texts.items():
        flat = " ".join(text.split())
        for wanted in listed(expect.get(name + "_contains")):
            if " ".join(wanted.split()) not in flat:
                found.append(f"{name} lacks {wanted!r}")
        for unwanted in listed(expect.get(name + "_lacks")):
            if " ".join(unwanted.split()) in flat:
                found.append(f"{name} contains {unwanted!r}")
    for query, wanted in expect.get("rows", {}).items():
        if rows[query] != wanted:
            found.append(f"{query} gives {rows[query]}, expected {wanted}")
    return found


def listed(value):
    return [] if value is None else [value] if isinstance(value, str) else value


class Databases:
    """A new database for each claim, dropped behind it."""

    def __init__(self, worker, servers, folder):
        self.worker, self.servers, self.folder = worker, servers, folder

    def make(self, kind, folder):
        if kind == "none":
            driver = "psycopg" if "psycopg" in self.worker.versions["modules"] else "psycopg2"
            return f"postgresql+{driver}://nobody@127.0.0.1:1/nothing", None
        if kind == "sqlite":
            return "sqlite:///" + os.path.join(folder, "claim.db"), None
        name = "claim_" + uuid.uuid4().hex[:12]
        self.admin(kind, "CREATE DATABASE " + name)
        server, _, query = self.servers[kind].partition("?")
        url = server.rsplit("/", 1)[0] + "/" + name + ("?" + query if query else "")
        return url, name

    def drop(self, kind, name):
        if name:
            self.admin(kind, "DROP DATABASE " + name + (" WITH (FORCE)" if kind == "postgresql" else ""))

    def admin(self, kind, sql):
        answer = self.worker.run(self.folder, {"sql": sql, "url": self.servers[kind]}, dict(os.environ))
        if answer["exit"]:
            sys.exit(f"the {kind} server refused `{sql}`: {answer['stderr'].strip().splitlines()[-1]}")


def observe(table, claim, worker, databases):
    """What came back, and how it differs from what the claim says."""
    kind = claim.get("database", "sqlite")
    with tempfile.TemporaryDirectory(prefix="claim-") as folder:
        lay_out(folder, table, claim)
        url, name = databases.make(kind, folder)
        environ = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "DATABASE_URL": url, "COLUMNS": "200", **claim.get("environ", {})}
        try:
            for step in claim.get("before", []):
                if isinstance(step, dict) and "write" in step:
                    write(folder, step["write"], step["text"])
                elif isinstance(step, dict) and "remove" in step:
                    os.remove(os.path.join(folder, step["remove"]))
                else:
                    answer = worker.run(folder, step, environ)
                    if answer["exit"] and not (isinstance(step, dict) and step.get("may_fail")) and not claim.get("before_may_fail"):
                        return answer, [f"the step {step} before it failed: {answer['stderr'].strip()[-600:]}"]
            files = set(os.listdir(os.path.join(folder, "migrations/versions")))
            answer = worker.run(folder, claim["command"], environ)
            rows = {}
            for query in claim["expect"].get("rows", {}):
                told = worker.run(folder, {"sql": query}, environ)
                rows[query] = [json.loads(line) for line in told["stdout"].splitlines()] if told["exit"] == 0 else told["stderr"].strip().splitlines()[-1:]
            answer["file"] = newest_revision(folder, files)
            return answer, differences(claim["expect"], answer, answer["file"], rows)
        finally:
            databases.drop(kind, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--server", action="append", default=[], metavar="NAME=URL")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        worker()
        return 0
    with open(os.path.join(HERE, "knowledge_alembic.json"), encoding="utf-8") as file:
        table = json.load(file)
    servers = dict(one.split("=", 1) for one in chosen.server)
    asked = Worker(chosen.python)
    if not asked.versions:
        print(f"{chosen.python} has no alembic", file=sys.stderr)
        return 2
    held, failed, skipped = 0, [], {}
    with tempfile.TemporaryDirectory(prefix="claims-") as folder:
        databases = Databases(asked, servers, folder)
        for claim in table["claims"]:
            if chosen.only and chosen.only not in claim["id"] + " " + claim["says"]:
                continue
            why = reason_to_skip(claim, asked.versions, servers)
            if why:
                skipped[why] = skipped.get(why, 0) + 1
                continue
            answer, found = observe(table, claim, asked, databases)
            if chosen.show:
                print(f"--- {claim['id']}: {claim['says']}\nexit {answer['exit']}\n{answer['stdout']}{ending(answer['stderr'])}{answer.get('file', '')}")
            if found:
                failed.append(claim["id"])
                print(f"NOT SO {claim['id']}: {claim['says']}")
                for sentence in found:
                    print("   ", sentence)
                print("    stderr ends:", answer["stderr"].strip()[-300:].replace("\n", "\n      "))
            else:
                held += 1
    asked.close()
    print(json.dumps({**asked.versions, "held": held, "failed": failed, "skipped": skipped}))
    return 1 if failed else 0


def ending(stderr):
    """What a reader needs of it: of a traceback the last lines."""
    lines = stderr.splitlines(keepends=True)
    return "".join(lines[-6:] if any(line.startswith("Traceback") for line in lines) else lines)


def reason_to_skip(claim, versions, servers):
    for name in ("alembic", "sqlalchemy"):
        if not within(versions[name], claim.get(name, "")):
            return f"{name} is {versions[name]}, not {claim[name]}"
    if claim.get("needs") and claim["needs"] not in versions["modules"]:
        return f"no module {claim['needs']}"
    kind = claim.get("database", "sqlite")
    if kind not in ("sqlite", "none") and kind not in servers:
        return f"no {kind} server given"
    return None


if __name__ == "__main__":
    sys.exit(main())
