"""The end of a server in the middle of a round trip: gone within 0.4 s with all it has started; after SIGKILL the next start clears up.

usage: ends.py PROGRAM      on PostgreSQL where one is here, else on SQLite alone
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from wire import Stdio, environment, request

BOUND_S = 0.4
# A statement that lasts: the server sleeps, or counts for a minute.
LONG = {
    "postgresql": ("CREATE TABLE t (a int);", "SELECT pg_sleep(40);"),
    "sqlite": ("CREATE TABLE t (a int);", "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000000) SELECT count(*) FROM n;"),
}


def has_postgresql():
    folders = [folder for folder in os.environ.get("ALEMBIC_GATE_PG_BINS", "").split(":") if folder]
    folders += map(str, pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    return any(pathlib.Path(folder, "initdb").exists() for folder in folders) or shutil.which("initdb") is not None


def of_group(group, run):
    """Processes of the server's group, or that stand in its run folder or name it."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if fields[0] == "Z":
                continue
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = os.readlink(entry / "cwd")
        except OSError:
            continue
        if int(fields[2]) == group or str(run) in line or place.startswith(str(run)):
            found.append((int(entry.name), line))
    return found


def is_at_work(engine, group, run):
    if engine == "postgresql":  # A session says in its title what it is at.
        return any(" SELECT" in line for _, line in of_group(group, run))
    return any(run.rglob("*.db*")) or len([entry for entry in run.rglob("*") if entry.is_file()]) > 1


def ended(program, engine, end, place):
    run = pathlib.Path(place, "run")
    # The run folder of each test is its own: what lies there is this server's.
    with Stdio(program, home=place, env={"ALEMBIC_GATE_RUN": str(run)}) as server:
        setup, sql = LONG[engine]
        arguments = {"dialect": engine, "setup_sql": setup, "sql": sql, "downgrade_sql": "SELECT 1;"}
        server.send(request("tools/call", 5, name="test_rollback", arguments=arguments))
        begun = time.monotonic()
        while not (run.exists() and is_at_work(engine, server.child.pid, run)):
            assert time.monotonic() - begun < 60, f"the statement runs: {of_group(server.child.pid, run)}"
            time.sleep(0.01)
        time.sleep(0.1)
        assert server.child.poll() is None and server.lines.empty(), f"{engine}: the call is over before the end came: {server.lines.get()}"
        begun = time.monotonic()
        if end == "EOF":
            server.child.stdin.close()
        else:
            server.child.send_signal(getattr(signal, end))
        server.child.wait(30)
        took = time.monotonic() - begun
        while left := of_group(server.child.pid, run):
            assert time.monotonic() - begun < 10, f"{engine}, {end}: {left} live on"
            time.sleep(0.005)
        children = time.monotonic() - begun
    assert end == "SIGKILL" or took < BOUND_S, f"{engine}, {end}: gone after {took:.2f} s"
    assert end == "SIGKILL" or children < BOUND_S * 2, f"{engine}, {end}: its children gone after {children:.2f} s"
    if end == "SIGKILL":
        assert any(run.iterdir()), "what was killed could not clear up: else the next lines show nothing"
        quick = '{"dialect": "sqlite", "setup_sql": "CREATE TABLE t (a int);", "sql": "ALTER TABLE t ADD b int;", "downgrade_sql": "ALTER TABLE t DROP b;"}'
        following = subprocess.run([program, "call", "test_rollback", "--args", quick], capture_output=True, timeout=60, cwd=place, env=environment(place, {"ALEMBIC_GATE_RUN": str(run)}))
        assert following.returncode == 0, following.stdout
    folders = [entry for entry in run.iterdir() if entry.is_dir()]
    assert not folders, f"{engine}, {end}: {folders} are left"
    return took, children


def main(program):
    engines = ["postgresql", "sqlite"] if has_postgresql() else ["sqlite"]
    if engines == ["sqlite"]:
        print("SKIPPED: on PostgreSQL (none here; ALEMBIC_GATE_PG_BINS names the folder of one)")
    worst = {}
    for engine in engines:
        for end in ("EOF", "SIGINT", "SIGTERM", "SIGKILL"):
            # Short, since a socket's path may have 107 bytes; open to the account that a server of root runs as.
            parent = "/dev/shm" if os.path.isdir("/dev/shm") else None
            with tempfile.TemporaryDirectory(prefix="ag-ends-", dir=parent) as place:
                os.chmod(place, 0o711)
                took, children = ended(program, engine, end, place)
                worst[end] = max(worst.get(end, (0, 0)), (took, children))
    told = ", ".join(f"{end} {took * 1000:.0f} ms" for end, (took, _) in worst.items() if end != "SIGKILL")
    print(f"figure: in a round trip on {' and '.join(engines)}: {told}; after SIGKILL nothing is left behind the next start")


if __name__ == "__main__":
    main(*sys.argv[1:])
