#!/usr/bin/env python3
"""Runs the claims of the knowledge base (`knowledge_postgresql.json`, `knowledge_mariadb.json`) on real servers.

usage: observe_knowledge.py knowledge_postgresql.json HOST_OR_SOCKET_FOLDER ...    (user postgres, database knowledge is made anew)
       observe_knowledge.py knowledge_mariadb.json UNIX_SOCKET ...                 (user root, database knowledge is made anew)
       ONLY=REGEX ...      only claims whose id matches

Prints each claim that does not hold with what was seen; exit status 1 on any. The form of a claim is told in
`knowledge_claims.md` beside this file. Needs psycopg 3 and PyMySQL.
"""
import json, os, re, sys, threading, time

MODES = ["ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"]
IN_PG_LOCKS = {mode.title().replace(" ", "") + "Lock": mode for mode in MODES}
RELATIONS = """SELECT c.oid, n.nspname, c.relname, c.relkind::text, pg_relation_filenode(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind <> 't'"""
LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = %s AND locktype = 'relation' AND granted"
TABLES = "rpmvf"


def texts(value):
    return [value] if isinstance(value, str) else value


def as_text(value):
    if value is None or isinstance(value, str):
        return value
    return ("t" if value else "f") if isinstance(value, bool) else str(value)


class Postgresql:
    def __init__(self, place):
        import psycopg
        self.driver, self.place = psycopg, place
        with self.connect("postgres") as admin:
            admin.execute("DROP DATABASE IF EXISTS knowledge WITH (FORCE)" if admin.info.server_version >= 130000 else "DROP DATABASE IF EXISTS knowledge")
            admin.execute("CREATE DATABASE knowledge")
            self.major = admin.info.server_version // 10000
            self.name = "PostgreSQL " + admin.execute("SHOW server_version").fetchone()[0]

    def connect(self, database="knowledge"):
        session = self.driver.connect(host=self.place, user="postgres", dbname=database, autocommit=True)
        session.prepare_threshold = None
        return session

    def run(self, session, sql):
        """(sqlstate, whole message) of the first statement that fails, else (None, rows of the last one)."""
        rows = []
        for statement in texts(sql):
            try:
                cursor = session.execute(statement)
                while cursor.nextset():
                    pass
                rows = [[as_text(value) for value in row] for row in cursor.fetchall()] if cursor.description else []
            except self.driver.Error as error:
                hint = [text for text in (error.diag.message_detail, error.diag.message_hint) if text]
                return error.sqlstate, "\n".join([error.diag.message_primary or str(error), *hint])
        return None, rows

    def observe(self, base, claim):
        # A session of its own: what it read must not be counted as read by the claim.
        with self.connect() as builder:
            schemas = builder.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'").fetchall()
            builder.execute("SET client_min_messages = error; " + "".join(f'DROP SCHEMA "{name}" CASCADE; ' for (name,) in schemas) + "CREATE SCHEMA public")
            for statement in [*texts(base), *texts(claim.get("setup", []))]:
                state, message = self.run(builder, statement)
                if state and not statement.startswith("-- fails"):
                    return {"setup": f"{state}: {message}"}
        with self.connect() as session, self.connect() as other:
            session.execute("SET client_min_messages = debug1" if "notice" in claim["expect"] else "SET client_min_messages = warning")
            notices = []
            session.add_notice_handler(lambda notice: notices.append(notice.message_primary))
            if "held" in claim:
                other.execute("BEGIN")
                self.run(other, claim["held"])
            before = {row[0]: row[1:] for row in session.execute(RELATIONS).fetchall()}
            if not claim.get("autocommit"):
                session.execute("BEGIN")
            seen = {"sqlstate": None}
            state, result = self.run(session, claim["sql"])
            if state:
                seen |= {"sqlstate": state, "error": result}
            else:
                seen |= {"rows": result, "notice": notices}
                if not claim.get("autocommit"):
                    seen |= self.effects(session, before)
            if "held" in claim:
                other.execute("ROLLBACK")
            other.execute("SET lock_timeout = '60ms'")
            seen["other"] = [self.probe(other, probe["sql"]) for probe in claim["expect"].get("other", [])]
            seen["then"] = []
            for probe in claim["expect"].get("then", []):
                state, result = self.run(session, probe["sql"])
                seen["then"].append({"sqlstate": state, "error": result} if state else {"sqlstate": None, "rows": result})
            if not session.closed and session.info.transaction_status.name != "IDLE":
                session.execute("ROLLBACK")
            return seen

    def probe(self, other, sql):
        state, _ = self.run(other, sql)
        if other.info.transaction_status.name != "IDLE":
            other.execute("ROLLBACK")
        return state

    def effects(self, session, before):
        strongest = {}
        for relation, mode in session.execute(LOCKS, [session.info.backend_pid]).fetchall():
            if relation in before and (relation not in strongest or MODES.index(IN_PG_LOCKS[mode]) > MODES.index(strongest[relation])):
                strongest[relation] = IN_PG_LOCKS[mode]
        after = {row[0]: row[1:] for row in session.execute(RELATIONS).fetchall()}
        rewritten = sorted(before[oid][1] for oid in before if oid in after and before[oid][3] != after[oid][3])
        kinds = {before[oid][1]: before[oid][2] for oid in before}
        read = session.execute("SELECT relid, relname FROM pg_stat_xact_all_tables WHERE schemaname !~ '^pg_' AND seq_tup_read >= 900").fetchall()
        return {
            "locks": {before[oid][1]: mode for oid, mode in strongest.items() if before[oid][2] in TABLES},
            "index_locks": {before[oid][1]: mode for oid, mode in strongest.items() if before[oid][2] in "iI"},
            "rewrites": [name for name in rewritten if kinds[name] in TABLES],
            "rebuilds": [name for name in rewritten if kinds[name] == "i"],
            "scans": sorted(name for relation, name in read if relation in before),
        }


class Mariadb:
    def __init__(self, place):
        import pymysql
        self.driver, self.place = pymysql, place
        with self.connect(None) as admin, admin.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            version = cursor.fetchone()[0]
            self.major, self.name = int(version.split(".")[0]), "MariaDB " + version.split("-")[0]

    def connect(self, database="knowledge"):
        return self.driver.connect(unix_socket=self.place, user="root", database=database, autocommit=True)

    def run(self, session, sql):
        rows = []
        for statement in texts(sql):
            try:
                with session.cursor() as cursor:
                    cursor.execute(statement)
                    rows = [[as_text(value) for value in row] for row in cursor.fetchall()]
            except self.driver.Error as error:
                return error.args[0], error.args[1]
        return None, rows

    def observe(self, base, claim):
        with self.connect(None) as admin:
            self.run(admin, ["DROP DATABASE IF EXISTS knowledge", "CREATE DATABASE knowledge CHARACTER SET utf8mb4"])
        with self.connect() as session, self.connect() as other:
            for statement in [*texts(base), *texts(claim.get("setup", []))]:
                state, message = self.run(session, statement)
                if state and not statement.startswith("-- fails"):
                    return {"setup": f"{state}: {message}"}
            if "held" in claim:
                self.run(other, ["BEGIN", *texts(claim["held"])])
            state, result = self.run(session, claim["sql"])
            seen = {"errno": state} | ({"error": result} if state else {"rows": result})
            if "held" in claim:
                self.run(other, "ROLLBACK")
            seen["then"] = []
            for probe in claim["expect"].get("then", []):
                state, result = self.run(session, probe["sql"])
                seen["then"].append({"errno": state, "error": result} if state else {"errno": None, "rows": result})
            return seen


def differences(expect, seen):
    """Names of what is expected and was not seen."""
    if "setup" in seen:
        return ["setup"]
    wrong = []
    state = "errno" if "errno" in seen else "sqlstate"
    if expect.get(state) != seen[state]:
        wrong.append(state)
    for name, value in expect.items():
        if name == "error":
            holds = all(part in seen.get("error", "") for part in texts(value))
        elif name == "notice":
            holds = any(value in text for text in seen.get("notice", []))
        elif name == "other":
            holds = [probe.get("sqlstate") for probe in value] == seen["other"]
        elif name == "index_locks":
            holds = value.items() <= seen.get("index_locks", {}).items()
        elif name == "then":
            holds = not any(differences({key: item for key, item in probe.items() if key != "sql"}, got) for probe, got in zip(value, seen["then"]))
        else:
            holds = value == seen.get(name)
        if not holds and name not in wrong:
            wrong.append(name)
    return wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    table = json.load(open(sys.argv[1], encoding="utf-8"))
    only, failed = os.environ.get("ONLY", ""), 0
    for place in sys.argv[2:]:
        server = (Mariadb if "mariadb" in sys.argv[1] else Postgresql)(place)
        count, started = 0, time.time()
        for claim in table["claims"]:
            low, high = claim.get("from", 0), claim.get("until", 999)
            if not re.search(only, claim["id"]) or not low <= server.major <= high:
                continue
            count += 1
            seen = server.observe(table["base"], claim)
            wrong = differences(claim["expect"], seen)
            if wrong:
                failed += 1
                print(f"{server.name}: {claim['id']}: {claim['claim']}\n   differs in {wrong}: seen {json.dumps({key: seen.get(key) for key in [*wrong, 'error']}, ensure_ascii=False)}")
        print(f"{server.name}: {count} claims in {time.time() - started:.0f} s")
    print(f"{failed} do not hold")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
