//! Trouble in real databases and the ways back: each is made by the project's own Alembic on a database that plays a
//! configured environment, then the program is asked. Needs the Python environments of `tests/run`.

use std::path::Path;
use std::process::{Command, Output};

use alembic_gate::database::Connection;
use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bridge::environment;

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

/// A project with an environment `dev` whose database can be read.
pub struct Site {
    pub folder: TempDir,
    database: ScratchDatabase,
}

const ENV: &str = "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n\
from alembic import context\nfrom sqlalchemy import create_engine, pool\nfrom models import metadata\n\
url = os.environ.get('REAL_URL') or context.config.get_main_option('sqlalchemy.url')\n\
options = dict(target_metadata=metadata, transaction_per_migration=True)\n\
if context.is_offline_mode():\n    context.configure(url=url, literal_binds=True, **options)\n    with context.begin_transaction():\n        context.run_migrations()\n\
else:\n    with create_engine(url, poolclass=pool.NullPool).connect() as connection:\n        context.configure(connection=connection, **options)\n        with context.begin_transaction():\n            context.run_migrations()\n";

/// A revision: its id and its two bodies.
pub type Revision<'a> = (&'a str, &'a str, &'a str);

impl Site {
    /// None, with a word on stderr, where the server or Python is missing.
    pub fn of(dialect: Dialect, models: &str, revisions: &[Revision<'_>]) -> Option<Self> {
        let python = environment("python-new")?;
        let server = match dialect {
            Dialect::Postgresql => crate::bridge::postgresql()?,
            Dialect::Mariadb => crate::scratch::mariadb()?,
            _ => ScratchServer::start(Server::newest(Dialect::Sqlite), &crate::scratch::settings()).unwrap(),
        };
        let database = ScratchDatabase::create(&server).unwrap();
        let site = Self { folder: TempDir::new().unwrap(), database };
        let placeholder = match dialect {
            Dialect::Postgresql => "postgresql+psycopg://nobody@production.invalid/shop",
            Dialect::Mariadb => "mariadb+pymysql://nobody@production.invalid/shop",
            _ => "sqlite:///shop.db",
        };
        site.write("alembic.ini", &format!("[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {placeholder}\n"));
        site.write(
            "alembic-gate.toml",
            &format!(
                "[project]\npython = {:?}\n[environments.dev]\ntier = \"dev\"\nread_url_env = \"READ_URL\"\n",
                python.display().to_string()
            ),
        );
        site.write("models.py", models);
        site.write("migrations/env.py", ENV);
        site.write("migrations/script.py.mako", "\"\"\"${message}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\nbranch_labels = ${repr(branch_labels)}\ndepends_on = ${repr(depends_on)}\n\n\ndef upgrade():\n    ${upgrades if upgrades else 'pass'}\n\n\ndef downgrade():\n    ${downgrades if downgrades else 'pass'}\n");
        let mut parent = "None".to_owned();
        for (id, up, down) in revisions {
            site.revision(id, &parent, up, down);
            parent = format!("'{id}'");
        }
        Some(site)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes one revision file; `parent` as Python writes it.
    pub fn revision(&self, id: &str, parent: &str, up: &str, down: &str) {
        let body = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        self.write(
            &format!("migrations/versions/{id}.py"),
            &format!(
                "\"\"\"{id}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\ndown_revision = {parent}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
                body(up),
                body(down)
            ),
        );
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The project's own Alembic on the real database.
    pub fn alembic(&self, arguments: &[&str]) -> Output {
        let python = environment("python-new").unwrap().join("bin/python");
        let url = self.real().address().sqlalchemy_url(match self.database.server().server.dialect {
            Dialect::Postgresql => Some("psycopg"),
            _ => None,
        });
        Command::new(python).args(["-m", "alembic"]).args(arguments).current_dir(self.path()).env("REAL_URL", url).output().unwrap()
    }

    pub fn upgrade(&self, to: &str) {
        let output = self.alembic(&["upgrade", to]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn upgrade_fails(&self, to: &str) -> String {
        let output = self.alembic(&["upgrade", to]);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// A connection to the real database.
    pub fn real(&self) -> Connection {
        match self.database.server().server.dialect {
            Dialect::Sqlite => self.database.connect().unwrap(),
            _ => self.database.connect_admin().unwrap(),
        }
    }

    pub fn sql(&self, sql: &str) {
        self.real().execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub fn call(&self, tool: &str, arguments: &Value) -> Value {
        let url = self.real().address().sqlalchemy_url(None);
        let mut arguments = arguments.clone();
        arguments["project"] = json!(self.path().display().to_string());
        let output = Command::new(PROGRAM)
            .args(["call", tool, "--args", &arguments.to_string()])
            .current_dir(self.path())
            .env("READ_URL", url)
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }

    pub fn status(&self) -> Value {
        self.call("migration_status", &json!({}))
    }

    /// Runs what a plan says, as a person would; then asks again.
    pub fn follow(&self, plan: &Value) -> Value {
        for sql in plan["sql"].as_array().into_iter().flatten() {
            self.sql(sql.as_str().unwrap());
        }
        for command in plan["commands"].as_array().into_iter().flatten() {
            let words: Vec<&str> = command.as_str().unwrap().split(' ').collect();
            assert_eq!(words[0], "alembic");
            assert!(self.alembic(&words[1..]).status.success(), "{command}");
        }
        self.status()
    }
}

pub fn plan<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let found = answer["plans"].as_array().and_then(|plans| plans.iter().find(|plan| plan["name"] == name));
    found.unwrap_or_else(|| panic!("no plan `{name}`: {answer:#}"))
}

pub const SHOP: &str = "import sqlalchemy as sa\nmetadata = sa.MetaData()\n\
users = sa.Table('users', metadata, sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80), nullable=False))\n";

pub const USERS: Revision<'_> = (
    "r040",
    "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80), nullable=False))",
    "op.drop_table('users')",
);

/// Adds a column, builds an index outside of the transaction, then fails on any database.
pub const FAILS: Revision<'_> = (
    "r041",
    "op.add_column('users', sa.Column('phone', sa.String(20)))\n\
     with op.get_context().autocommit_block():\n    op.create_index('ix_users_phone', 'users', ['phone'], postgresql_concurrently=True)\n\
     op.execute('ALTER TABLE users ADD CONSTRAINT fk_users_team FOREIGN KEY (id) REFERENCES teams (id)')",
    "op.execute('ALTER TABLE users DROP CONSTRAINT fk_users_team')\n\
     with op.get_context().autocommit_block():\n    op.drop_index('ix_users_phone', 'users', postgresql_concurrently=True)\n\
     op.drop_column('users', 'phone')",
);

/// The third walk of the examples: everything it says of `migration_status`.
#[test]
fn the_walk_of_the_half_applied_migration() {
    let Some(site) = Site::of(Dialect::Postgresql, SHOP, &[USERS, FAILS]) else { return };
    site.upgrade("r040");
    site.sql("INSERT INTO users (id, email) VALUES (1, 'ada@example.org')");
    site.upgrade_fails("head");
    assert!(site.upgrade_fails("head").contains("DuplicateColumn"), "a retry fails at the first statement");
    let answer = site.status();
    assert_eq!(answer["recovery"], "half_applied", "S-151: {answer:#}");
    assert_eq!(answer["verdict"], "blocked");
    assert_eq!(answer["current_revision"], "r040", "S-152");
    assert_eq!(answer["applied_statements"], json!([1, 2]), "S-153: {answer:#}");
    assert_eq!(answer["half_applied"]["statements"].as_array().unwrap().len(), 3, "{answer:#}");
    assert_eq!(answer["drift"]["items"], json!([]), "all is explained: {answer:#}");
    let reverse: Vec<&str> = answer["reverse_sql"].as_array().unwrap().iter().map(|sql| sql.as_str().unwrap()).collect();
    assert_eq!(reverse, ["DROP INDEX CONCURRENTLY ix_users_phone", "ALTER TABLE users DROP COLUMN phone"], "S-154");
    assert_eq!(plan(&answer, "back")["proven"], true, "{answer:#}");
    assert!(plan(&answer, "forward")["mind"].to_string().contains("teams"), "what fails is named: {answer:#}");
    assert_eq!(answer["stamp"]["command"], Value::Null, "the pointer is right: {answer:#}");
    assert!(!answer.to_string().contains("alembic stamp"), "no stamp is offered");
    assert!(!answer.to_string().contains("upgrade head"), "S-158: nor an upgrade");
    assert!(answer["next"].as_array().unwrap().iter().all(|next| next["tool"] != "apply_migration" && next["tool"] != "review_sql"));
    let after = site.follow(plan(&answer, "back"));
    assert_eq!(after["recovery"], Value::Null, "{after:#}");
    assert_eq!(site.real().value("SELECT email FROM users").unwrap().as_deref(), Some("ada@example.org"));
}

#[test]
fn s_155_a_stamp_only_where_pointer_and_schema_disagree() {
    let good: Revision<'_> = (
        "r041",
        "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.create_index('ix_users_phone', 'users', ['phone'])",
        "op.drop_index('ix_users_phone', 'users')\nop.drop_column('users', 'phone')",
    );
    let later: Revision<'_> = ("r042", "op.add_column('users', sa.Column('fax', sa.String(20)))", "op.drop_column('users', 'fax')");
    for dialect in [Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite] {
        let Some(site) = Site::of(dialect, SHOP, &[USERS, good, later]) else { continue };
        site.upgrade("r041");
        // All of r041 is there and the pointer was put back: the one stamp that is right.
        assert!(site.alembic(&["stamp", "r040"]).status.success());
        let answer = site.status();
        assert_eq!(answer["stamp"]["command"], "alembic stamp r041", "{dialect:?}: {answer:#}");
        let after = site.follow(&json!({ "commands": plan(&answer, "stamp")["commands"] }));
        assert_eq!(after["current_revision"], "r041", "{after:#}");
        assert!(after["half_applied"].is_null(), "{after:#}");
        // Stamped past reality: only the way back to what is there.
        assert!(site.alembic(&["stamp", "r042"]).status.success());
        let past = site.status();
        assert_eq!(past["stamp"]["command"], "alembic stamp r041", "{dialect:?}: {past:#}");
        // Between two revisions: no stamp at all.
        assert!(site.alembic(&["stamp", "r041"]).status.success());
        site.sql(if dialect == Dialect::Mariadb { "DROP INDEX ix_users_phone ON users" } else { "DROP INDEX ix_users_phone" });
        let between = site.status();
        assert_eq!(between["recovery"], "half_applied", "{dialect:?}: {between:#}");
        assert_eq!(between["applied_statements"], json!([1]), "{dialect:?}: {between:#}");
        assert_eq!(between["stamp"]["command"], Value::Null, "{dialect:?}: {between:#}");
        let restored = site.follow(plan(&between, "forward"));
        assert!(restored["half_applied"].is_null(), "{dialect:?}: {restored:#}");
    }
}

/// Each DDL statement of MariaDB commits by itself; a batch operation of SQLite leaves its copy.
#[test]
fn s_151_to_s_154_what_is_left_depends_on_the_dialect() {
    let fails: Revision<'_> = (
        "r041",
        "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.create_index('ix_users_phone', 'users', ['phone'])\nop.create_index('uq_users_email', 'users', ['email'], unique=True)",
        "op.drop_index('uq_users_email', 'users')\nop.drop_index('ix_users_phone', 'users')\nop.drop_column('users', 'phone')",
    );
    for dialect in [Dialect::Mariadb, Dialect::Postgresql] {
        let Some(site) = Site::of(dialect, SHOP, &[USERS, fails]) else { continue };
        site.upgrade("r040");
        // The rows are what it stops on: an empty scratch database would not.
        site.sql("INSERT INTO users (id, email) VALUES (1, 'a@b.c'), (2, 'a@b.c')");
        site.upgrade_fails("head");
        let answer = site.status();
        if dialect == Dialect::Postgresql {
            assert!(answer["half_applied"].is_null(), "all was rolled back: {answer:#}");
            assert_eq!(answer["applied_statements"], json!([]));
            continue;
        }
        assert_eq!(answer["recovery"], "half_applied", "S-151: {answer:#}");
        assert_eq!(answer["current_revision"], "r040", "S-152");
        assert_eq!(answer["applied_statements"], json!([1, 2]), "S-153: {answer:#}");
        assert_eq!(answer["reverse_sql"].as_array().unwrap().len(), 2, "S-154: {answer:#}");
        let (forward, back) = (plan(&answer, "forward"), plan(&answer, "back"));
        assert_eq!((&forward["proven"], &back["proven"]), (&json!(true), &json!(true)), "{answer:#}");
        // S-156: the patch of the file applies, and the guarded file runs on the database as it is.
        site.sql("DELETE FROM users WHERE id = 2");
        site.write("guard.patch", forward["patch"].as_str().unwrap());
        let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(site.path()).output().unwrap();
        assert!(git(&["init", "-q"]).status.success());
        let checked = git(&["apply", "--check", "guard.patch"]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        assert!(git(&["apply", "guard.patch"]).status.success());
        site.upgrade("head");
        let mended = site.status();
        assert_eq!((&mended["current_revision"], &mended["applied_statements"]), (&json!("r041"), &json!([])), "{mended:#}");
    }
}

#[test]
fn an_invalid_index_is_what_a_failed_build_leaves() {
    let fails: Revision<'_> = (
        "r041",
        "with op.get_context().autocommit_block():\n    op.create_index('uq_users_email', 'users', ['email'], unique=True, postgresql_concurrently=True)",
        "with op.get_context().autocommit_block():\n    op.drop_index('uq_users_email', 'users', postgresql_concurrently=True)",
    );
    let Some(site) = Site::of(Dialect::Postgresql, SHOP, &[USERS, fails]) else { return };
    site.upgrade("r040");
    site.sql("INSERT INTO users (id, email) VALUES (1, 'a@b.c'), (2, 'a@b.c')");
    site.upgrade_fails("head");
    let answer = site.status();
    assert_eq!(answer["recovery"], "half_applied", "{answer:#}");
    assert_eq!(answer["applied_statements"], json!([]), "{answer:#}");
    assert_eq!(answer["reverse_sql"], json!(["DROP INDEX CONCURRENTLY public.uq_users_email"]), "{answer:#}");
    let after = site.follow(plan(&answer, "back"));
    assert!(after["half_applied"].is_null(), "{after:#}");
}

#[test]
fn s_143_to_s_149_drift_of_a_real_database() {
    let models = format!("{SHOP}sa.Table('teams', metadata, sa.Column('id', sa.Integer, primary_key=True))\n");
    let by_hand = |dialect: Dialect| -> Vec<&'static str> {
        let mut all = vec![
            "ALTER TABLE users ADD COLUMN nickname varchar(30)",
            "CREATE INDEX ix_users_nickname ON users (nickname)",
            "CREATE VIEW nicknames AS SELECT id, nickname FROM users",
        ];
        match dialect {
            Dialect::Postgresql => all.extend([
                "CREATE SEQUENCE tickets START WITH 5",
                "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
                "ALTER TABLE users ADD CONSTRAINT ck_users_id CHECK (id > 0)",
            ]),
            Dialect::Mariadb => all.extend([
                "CREATE SEQUENCE tickets START WITH 5",
                "CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW SET NEW.id = OLD.id",
            ]),
            _ => all.push("CREATE TRIGGER users_touch AFTER UPDATE ON users BEGIN SELECT 1; END"),
        }
        all
    };
    for dialect in [Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite] {
        let Some(site) = Site::of(dialect, &models, &[USERS]) else { continue };
        site.upgrade("head");
        by_hand(dialect).into_iter().for_each(|sql| site.sql(sql));
        let answer = site.status();
        assert_eq!(answer["recovery"], "drift", "S-143: {answer:#}");
        assert_eq!(answer["chain"]["heads"], json!(["r040"]), "S-144");
        assert_eq!(answer["current_revision"], "r040", "S-145");
        let items = answer["drift"]["items"].as_array().unwrap();
        let object = |part: &str| {
            items.iter().find(|item| item["object"].as_str().unwrap().contains(part)).unwrap_or_else(|| panic!("{part}: {answer:#}"))
        };
        for part in ["nickname", "ix_users_nickname", "nicknames", "users_touch"] {
            assert!(object(part)["database"].is_string(), "S-146: {answer:#}");
            assert_eq!(object(part)["source"], "hotfix", "S-147: {answer:#}");
        }
        assert_eq!(object("teams")["source"], "model_change", "S-147: {answer:#}");
        assert!(items.iter().all(|item| item["likely_cause"].is_string()), "S-132");
        // S-149: both alignments, each tried; the choice is people's.
        assert_eq!(plan(&answer, "formalise")["proven"], true, "{dialect:?}: {answer:#}");
        assert_eq!(plan(&answer, "align")["proven"], true, "{dialect:?}: {answer:#}");
        // S-148: the drafted revision runs where the database has it all, and where it has nothing, and back.
        let draft = &plan(&answer, "formalise")["revision"];
        site.revision("r041", "'r040'", draft["upgrade"].as_str().unwrap(), draft["downgrade"].as_str().unwrap());
        site.upgrade("head");
        let formal = site.status();
        let left: Vec<&Value> = formal["drift"]["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{formal:#}"))
            .iter()
            .filter(|item| item["source"] == "hotfix")
            .collect();
        assert!(left.is_empty(), "{dialect:?}: {formal:#}");
        let down = site.alembic(&["downgrade", "r040"]);
        assert!(down.status.success(), "{dialect:?}: {}", String::from_utf8_lossy(&down.stderr));
        site.upgrade("head");
        let again = site.status();
        assert!(again["drift"]["items"].as_array().unwrap().iter().all(|item| item["source"] != "hotfix"), "{dialect:?}: {again:#}");
    }
}

#[test]
fn two_heads_are_run_in_both_orders() {
    for (name, one, other, same) in [
        ("apart", "op.add_column('users', sa.Column('a', sa.Integer))", "op.add_column('users', sa.Column('b', sa.Integer))", true),
        (
            "against",
            "op.execute('DROP VIEW IF EXISTS v'); op.execute('CREATE VIEW v AS SELECT id FROM users')",
            "op.execute('DROP VIEW IF EXISTS v'); op.execute('CREATE VIEW v AS SELECT email FROM users')",
            false,
        ),
    ] {
        let Some(site) = Site::of(Dialect::Sqlite, SHOP, &[USERS]) else { return };
        site.revision("r041", "'r040'", one, "pass");
        site.revision("r042", "'r040'", other, "pass");
        let answer = site.status();
        assert_eq!(answer["recovery"], "multiple_heads", "{name}: {answer:#}");
        assert_eq!(answer["both_orders"]["same"], same, "{name}: {answer:#}");
        let merge = plan(&answer, "merge");
        assert!(merge["commands"][0].as_str().unwrap().starts_with("alembic merge"), "{name}: {answer:#}");
        assert_eq!(merge["proven"], same, "{name}");
        assert_eq!(merge["mind"].to_string().contains("they conflict"), !same, "{name}: {answer:#}");
    }
}

const MAPPED: &str = "import sqlalchemy as sa\nfrom sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\n\
class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n    email: Mapped[str] = mapped_column(sa.String(80))\n    kind: Mapped[str] = mapped_column(sa.String(10), server_default='user')\n    __mapper_args__ = {'polymorphic_on': 'kind', 'polymorphic_identity': 'user'}\n\n\n\
class Admin(User):\n    __tablename__ = 'admins'\n    id: Mapped[int] = mapped_column(sa.ForeignKey('users.id'), primary_key=True)\n    level: Mapped[int]\n    __mapper_args__ = {'polymorphic_identity': 'admin'}\n\n\nmetadata = Base.metadata\n";

#[test]
fn the_deployed_code_is_tried_on_the_new_schema() {
    let base: Revision<'_> = (
        "r040",
        "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80), nullable=False), sa.Column('kind', sa.String(10), server_default='user', nullable=False))\n\
         op.create_table('admins', sa.Column('id', sa.Integer, sa.ForeignKey('users.id'), primary_key=True), sa.Column('level', sa.Integer, nullable=False))",
        "op.drop_table('admins')\nop.drop_table('users')",
    );
    let change: Revision<'_> = (
        "r041",
        "op.drop_column('admins', 'level')\nop.add_column('users', sa.Column('phone', sa.String(20), nullable=False, server_default=''))\nop.alter_column('users', 'phone', server_default=None, existing_type=sa.String(20), existing_nullable=False)",
        "op.drop_column('users', 'phone')\nop.add_column('admins', sa.Column('level', sa.Integer, nullable=False, server_default='1'))",
    );
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let Some(site) = Site::of(dialect, MAPPED, &[base]) else { continue };
        let git =
            |arguments: &[&str]| assert!(Command::new("git").args(arguments).current_dir(site.path()).output().unwrap().status.success());
        git(&["init", "-q", "-b", "work"]);
        git(&["add", "-A"]);
        git(&["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "deployed"]);
        // The work tree: the new model and its revision.
        site.write(
            "models.py",
            &MAPPED
                .replace("    level: Mapped[int]\n", "")
                .replace("    kind:", "    phone: Mapped[str] = mapped_column(sa.String(20))\n    kind:"),
        );
        site.revision("r041", "'r040'", change.1, change.2);
        let answer = site.call("review_sql", &json!({ "from": "r040", "to": "r041", "deployed": "HEAD" }));
        let breaks = answer["deployed"]["breaks"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        let has = |class: &str, kind: &str, column: &str| {
            breaks.iter().any(|one| one["class"] == class && one["statement"] == kind && one["column"] == column)
        };
        assert!(has("Admin", "SELECT", "level"), "{dialect:?}: {answer:#}");
        assert!(has("Admin", "INSERT", "level") && has("Admin", "UPDATE", "level"), "{dialect:?}: {answer:#}");
        assert!(has("User", "INSERT", "phone"), "a NOT NULL column that the old code does not know: {answer:#}");
        assert!(!has("User", "SELECT", "phone"), "{answer:#}");
        let after = answer["deployed"]["breaks_after_downgrade"].as_array().unwrap();
        assert!(after.iter().any(|one| one["class"] == "User" && one["column"] == "phone"), "{dialect:?}: {answer:#}");
        assert!(
            answer["findings"].as_array().unwrap().iter().any(|one| one["rule"] == "breaks_running_release" && one["file"] == "models.py"),
            "{answer:#}"
        );
        // S-139 on the work tree: nothing names `level` any more; the other column is named by nobody either.
        assert!(answer["findings"].as_array().unwrap().iter().all(|one| one["rule"] != "dropped_column_in_use"), "{answer:#}");
        let wrong = site.call("review_sql", &json!({ "from": "r040", "to": "r041", "deployed": "no-such-ref" }));
        assert!(wrong["error"]["message"].as_str().unwrap().contains("no-such-ref"), "{wrong:#}");
    }
}

#[test]
fn s_139_code_that_still_names_a_dropped_column() {
    let drop: Revision<'_> = ("r041", "op.drop_column('users', 'email')", "op.add_column('users', sa.Column('email', sa.String(80)))");
    let Some(site) = Site::of(Dialect::Sqlite, SHOP, &[USERS, drop]) else { return };
    site.write("app/report.py", "def rows(db):\n    return db.execute('SELECT email FROM users')\n");
    let answer = site.call("review_sql", &json!({ "from": "r040", "to": "r041" }));
    let found: Vec<&Value> = answer["findings"].as_array().unwrap().iter().filter(|one| one["rule"] == "dropped_column_in_use").collect();
    assert_eq!(found.len(), 1, "{answer:#}");
    assert!(
        found[0]["what"].as_str().unwrap().contains("app/report.py:2") && found[0]["what"].as_str().unwrap().contains("models.py:3"),
        "{answer:#}"
    );
    assert_eq!(found[0]["severity"], "error");
}

#[test]
fn s_159_to_s_165_a_downgrade_that_fails_where_others_work() {
    let fails: Revision<'_> = (
        "r041",
        "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.execute('CREATE VIEW phones AS SELECT id, phone FROM users')",
        "op.drop_column('users', 'phone')",
    );
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let Some(site) = Site::of(dialect, SHOP, &[USERS, fails]) else { continue };
        let answer = site.call("test_rollback", &json!({ "from": "r040", "to": "r041", "applied_on": ["staging"] }));
        if dialect == Dialect::Postgresql {
            assert_eq!(answer["recovery"], "downgrade_failed", "S-159: {answer:#}");
            assert_eq!((&answer["failure"]["sqlstate"], answer["failure"]["line"].is_u64()), (&json!("2BP01"), true), "S-160: {answer:#}");
            assert!(!answer["failure"]["dependents"].as_array().unwrap().is_empty(), "S-161: {answer:#}");
        }
        let manual = &answer["manual_rollback"];
        assert_eq!((&manual["proven"], &manual["approval_required"]), (&json!(true), &json!(true)), "S-164: {dialect:?} {answer:#}");
        let steps: Vec<&str> = manual["steps"].as_array().unwrap().iter().map(|step| step["sql"].as_str().unwrap()).collect();
        assert!(steps[0].contains("DROP VIEW") && steps[1].contains("DROP COLUMN"), "dependents first: {answer:#}");
        let text = std::fs::read_to_string(site.path().join(manual["file"].as_str().unwrap())).unwrap();
        assert!(
            text.contains("DRAFT, not approved") && text.contains(steps[1]) && text.contains(manual["digest"].as_str().unwrap()),
            "S-165: {text}"
        );
        assert!(!answer.to_string().contains("downgrade base"));
        let plain = site.call("test_rollback", &json!({ "from": "r040", "to": "r041" }));
        assert!(plain["manual_rollback"].is_null(), "{plain:#}");
    }
}

/// S-157: what was tested before a revision stopped half way does not count any more.
#[test]
fn s_157_earlier_tests_lose_their_weight() {
    let Some(site) = Site::of(
        Dialect::Mariadb,
        SHOP,
        &[
            USERS,
            (
                "r041",
                "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.create_index('uq_users_email', 'users', ['email'], unique=True)",
                "op.drop_index('uq_users_email', 'users')\nop.drop_column('users', 'phone')",
            ),
        ],
    ) else {
        return;
    };
    site.upgrade("r040");
    let two = "INSERT INTO users (id, email) VALUES (1, 'a@b.c'), (2, 'b@b.c')";
    let tested = site.call("test_rollback", &json!({ "from": "r040", "to": "r041", "rows": 0, "seed_sql": two }));
    assert_eq!(tested["outcome"], "ok", "{tested:#}");
    assert_eq!(tested["state"]["rollback_tested"], true, "{tested:#}");
    site.sql("INSERT INTO users (id, email) VALUES (1, 'a@b.c'), (2, 'a@b.c')");
    site.upgrade_fails("head");
    let answer = site.status();
    assert_eq!(answer["recovery"], "half_applied", "{answer:#}");
    assert!(answer["notes"].to_string().contains("does not count any more"), "{answer:#}");
    let reviewed = site.call("review_sql", &json!({ "from": "r040", "to": "r041" }));
    assert_eq!(reviewed["state"]["rollback_tested"], false, "{reviewed:#}");
}

/// A batch operation of SQLite copies the table; where it stops, the copy stays and the next try fails on it.
#[test]
fn s_151_to_s_154_the_copy_that_a_batch_operation_left() {
    let batch: Revision<'_> = (
        "r041",
        "with op.batch_alter_table('users') as batch:\n    batch.add_column(sa.Column('phone', sa.String(20)))\n    batch.alter_column('email', nullable=True)",
        "with op.batch_alter_table('users') as batch:\n    batch.alter_column('email', nullable=False)\n    batch.drop_column('phone')",
    );
    let Some(site) = Site::of(Dialect::Sqlite, SHOP, &[USERS, batch]) else { return };
    site.upgrade("r040");
    site.sql("CREATE TABLE _alembic_tmp_users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(80), phone VARCHAR(20))");
    assert!(site.upgrade_fails("head").contains("_alembic_tmp_users"));
    let answer = site.status();
    assert_eq!(answer["recovery"], "half_applied", "S-151: {answer:#}");
    assert_eq!(answer["current_revision"], "r040", "S-152");
    assert_eq!(answer["applied_statements"], json!([]), "S-153: {answer:#}");
    assert_eq!(answer["reverse_sql"], json!(["DROP TABLE \"_alembic_tmp_users\""]), "S-154: {answer:#}");
    let after = site.follow(plan(&answer, "back"));
    assert!(after["half_applied"].is_null(), "{after:#}");
    site.upgrade("head");
}

#[test]
fn s_131_s_150_nothing_is_generated_while_a_database_drifts() {
    let models = SHOP.replace("nullable=False))\n", "nullable=False), sa.Column('phone', sa.String(20)))\n");
    let Some(site) = Site::of(Dialect::Sqlite, &models, &[USERS]) else { return };
    site.upgrade("head");
    site.sql("ALTER TABLE users ADD COLUMN nickname VARCHAR(30)");
    let wish = json!({ "migration_name": "add_users_phone" });
    let answer = site.call("generate_migration", &wish);
    assert_eq!((&answer["verdict"], &answer["file"]), (&json!("blocked"), &Value::Null), "{answer:#}");
    assert!(answer["summary"].as_str().unwrap().contains("users.nickname"), "{answer:#}");
    assert_eq!(answer["next"][0]["tool"], "migration_status", "{answer:#}");
    assert_eq!(
        std::fs::read_dir(site.path().join("migrations/versions"))
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "py"))
            .count(),
        1
    );
    // What is known and meant does not stand in the way.
    site.call("migration_status", &json!({ "record_drift": true }));
    let known = site.call("generate_migration", &wish);
    assert!(known["file"].is_string(), "{known:#}");
}

#[test]
fn a_migration_applied_by_hand_behind_open_gates_is_complete_where_its_schema_is_seen() {
    let phone: Revision<'_> =
        ("add_users_phone", "op.add_column('users', sa.Column('phone', sa.String(20)))", "op.drop_column('users', 'phone')");
    let models = SHOP.replace("nullable=False))\n", "nullable=False), sa.Column('phone', sa.String(20)))\n");
    let Some(site) = Site::of(Dialect::Sqlite, &models, &[USERS, phone]) else { return };
    site.upgrade("r040");
    let range = json!({ "from": "r040", "to": "add_users_phone" });
    let review = site.call("review_sql", &range);
    let trip = site.call("test_rollback", &range);
    assert_eq!(trip["rollback_tested"], true, "{trip:#}");
    site.upgrade("head");
    let asked = json!({ "migration_id": review["state"]["migration_id"], "environment": "dev" });
    let answer = site.call("migration_status", &asked);
    assert_eq!(answer["state"]["phase"], "COMPLETE", "{answer:#}");
}

/// Models of an asynchronous project are tried like others, and `test_rollback` takes the commit too.
#[test]
fn the_deployed_code_of_an_asynchronous_project_is_tried() {
    let models = format!(
        "from sqlalchemy.ext.asyncio import AsyncAttrs\n{}",
        MAPPED.replace("class Base(DeclarativeBase)", "class Base(AsyncAttrs, DeclarativeBase)")
    );
    let base: Revision<'_> = (
        "r040",
        "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80), nullable=False), sa.Column('kind', sa.String(10), server_default='user', nullable=False))\n\
         op.create_table('admins', sa.Column('id', sa.Integer, sa.ForeignKey('users.id'), primary_key=True), sa.Column('level', sa.Integer, nullable=False))",
        "op.drop_table('admins')\nop.drop_table('users')",
    );
    let Some(site) = Site::of(Dialect::Postgresql, &models, &[base]) else { return };
    let ini = std::fs::read_to_string(site.path().join("alembic.ini")).unwrap().replace("postgresql+psycopg:", "postgresql+asyncpg:");
    site.write("alembic.ini", &ini);
    site.write(
        "migrations/env.py",
        "import asyncio, os, sys\nsys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\nfrom alembic import context\nfrom sqlalchemy import pool\nfrom sqlalchemy.ext.asyncio import create_async_engine\nfrom models import metadata\n\n\n\
def run(connection):\n    context.configure(connection=connection, target_metadata=metadata)\n    with context.begin_transaction():\n        context.run_migrations()\n\n\n\
async def main():\n    engine = create_async_engine(context.config.get_main_option('sqlalchemy.url'), poolclass=pool.NullPool)\n    async with engine.connect() as connection:\n        await connection.run_sync(run)\n    await engine.dispose()\n\n\n\
if context.is_offline_mode():\n    context.configure(url=context.config.get_main_option('sqlalchemy.url'), literal_binds=True, target_metadata=metadata)\n    with context.begin_transaction():\n        context.run_migrations()\nelse:\n    asyncio.run(main())\n",
    );
    let git = |arguments: &[&str]| assert!(Command::new("git").args(arguments).current_dir(site.path()).output().unwrap().status.success());
    git(&["init", "-q", "-b", "work"]);
    git(&["add", "-A"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "deployed"]);
    site.write("models.py", &models.replace("    level: Mapped[int]\n", ""));
    site.revision("r041", "'r040'", "op.drop_column('admins', 'level')", "op.add_column('admins', sa.Column('level', sa.Integer))");
    let answer = site.call("test_rollback", &json!({ "from": "r040", "to": "r041", "deployed": "HEAD" }));
    let breaks = answer["deployed"]["breaks"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    assert!(breaks.iter().any(|one| one["class"] == "Admin" && one["column"] == "level"), "{answer:#}");
    assert_ne!(answer["verdict"], "pass", "{answer:#}");
}
