//! The mends of the rules as a revision takes them (`fix_alembic`): Alembic itself renders them, the review accepts what it
//! rendered, and where the schema before is given they run and lead to the schema that was wanted.
//!
//! In a mend a line `# revision 2` begins the next revision. All of them stand in one project, each as a chain of its own.

use std::fmt::Write as _;

use alembic_gate::bridge::{Bridge, BridgeSettings, Direction};
use alembic_gate::database::Connection;
use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::finding::{Finding, Severity};
use alembic_gate::rules::RULES;
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::snapshot::{SchemaSnapshot, diff};
use alembic_gate::workshop::target;
use tempfile::TempDir;

use crate::bridge::{postgresql, project, python};
use crate::rule_pages::{examples, findings, has_facts, versions};
use crate::scratch::mariadb;

/// A bad statement, and the mend that its finding has.
struct Mend {
    rule: &'static str,
    server: Server,
    setup: String,
    sql: String,
    fix: String,
}

impl Mend {
    /// The bodies of its revisions, in order.
    fn bodies(&self) -> Vec<String> {
        let mut bodies = vec![String::new()];
        for line in self.fix.lines() {
            if line.starts_with("# revision ") && bodies.last().is_some_and(|body| !body.is_empty()) {
                bodies.push(String::new());
            }
            let body = bodies.last_mut().unwrap();
            writeln!(body, "    {line}").unwrap();
        }
        bodies
    }
}

fn mends_of(rule: &'static str, setup: &str, sql: &str, server: Server) -> Vec<Mend> {
    let of_rule = |found: &Finding| found.rule == rule;
    let fixes = findings(setup, sql, server).into_iter().filter(of_rule).filter_map(|found| found.fix_alembic);
    fixes.map(|fix| Mend { rule, server, setup: setup.to_owned(), sql: sql.to_owned(), fix }).collect()
}

/// All mends of the pages, on the oldest, a middle and the newest version.
fn mends_of_pages() -> Vec<Mend> {
    let mut found: Vec<Mend> = Vec::new();
    for rule in RULES {
        for example in examples(rule).iter().filter(|example| example.is_bad && has_facts(example.server.dialect)) {
            for server in versions(example.server) {
                for mend in mends_of(rule.name, &example.setup, &example.sql, server) {
                    if !found.iter().any(|known| (&known.fix, &known.setup) == (&mend.fix, &mend.setup)) {
                        found.push(mend);
                    }
                }
            }
        }
    }
    found
}

/// A project that holds the mends: revision `m4_1` is the second of the fifth.
fn project_of(mends: &[&Mend], dialect: Dialect) -> TempDir {
    let folder = project(None);
    let driver = match dialect {
        Dialect::Mariadb => "mysql+pymysql",
        Dialect::Sqlite => "sqlite",
        _ => "postgresql+psycopg",
    };
    let ini = folder.path().join("alembic.ini");
    let text = std::fs::read_to_string(&ini).unwrap().replace("postgresql+psycopg:", &format!("{driver}:")).replace(":5432", "");
    std::fs::write(&ini, text).unwrap();
    let env = folder.path().join("migrations/env.py");
    let text = std::fs::read_to_string(&env).unwrap().replace("target_metadata=metadata", "transaction_per_migration=True");
    std::fs::write(&env, text).unwrap();
    let versions = folder.path().join("migrations/versions");
    std::fs::remove_dir_all(&versions).unwrap();
    std::fs::create_dir(&versions).unwrap();
    for (n, mend) in mends.iter().enumerate() {
        for (step, body) in mend.bodies().iter().enumerate() {
            let parent = if step == 0 { "None".to_owned() } else { format!("'m{n}_{}'", step - 1) };
            let text = format!(
                "\"\"\"mend\"\"\"\nimport sqlalchemy as sa\nfrom alembic import op\nrevision = 'm{n}_{step}'\ndown_revision = {parent}\n\n\ndef upgrade():\n{body}\n\n\ndef downgrade():\n    pass\n"
            );
            std::fs::write(versions.join(format!("m{n}_{step}.py")), text).unwrap();
        }
    }
    folder
}

fn server_of(dialect: Dialect) -> Option<ScratchServer> {
    match dialect {
        Dialect::Postgresql => postgresql(),
        Dialect::Mariadb => mariadb(),
        _ => None,
    }
}

/// What is wrong with a mend as Alembic renders it.
fn wrong(mend: &Mend, sql: &str) -> Option<String> {
    let after: Vec<String> = findings(&mend.setup, sql, mend.server)
        .into_iter()
        // What is validated was added by the statement in front of the bad one.
        .filter(|again| again.severity > Severity::Notice && !(again.rule == "will_fail" && mend.rule == "validate_in_same_transaction"))
        .map(|again| format!("{}: {} ({})", again.rule, again.what, again.why))
        .collect();
    (!after.is_empty()).then(|| format!("{} on {}:\n{}\n{sql}\n  {}", mend.rule, mend.server, mend.fix, after.join("\n  ")))
}

#[test]
fn each_mend_is_rendered_by_alembic_and_accepted() {
    let Some(python) = python("python-new") else { return };
    let all = mends_of_pages();
    let mut faults = Vec::new();
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let mends: Vec<&Mend> = all.iter().filter(|mend| mend.server.dialect == dialect).collect();
        let Some(server) = server_of(dialect).filter(|_| !mends.is_empty()) else { continue };
        let (folder, scratch) = (project_of(&mends, dialect), ScratchDatabase::create(&server).unwrap());
        let settings = BridgeSettings::plain(folder.path(), dialect, vec![target(&scratch)]);
        let (mut bridge, _) = Bridge::start(python.clone(), settings).unwrap();
        for (n, mend) in mends.iter().enumerate() {
            let rendered = bridge.render(Direction::Up, "base", &format!("m{n}_{}", mend.bodies().len() - 1)).unwrap();
            match rendered.sql {
                Some(sql) => faults.extend(wrong(mend, &sql)),
                None => faults.push(format!("{}: {}\n{:?}", mend.rule, mend.fix, rendered.failure)),
            }
        }
        println!("{dialect:?}: {} mends", mends.len());
        assert!(dialect != Dialect::Postgresql || mends.len() > 20, "{} mends only", mends.len());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

const BOOKS: &str = "CREATE SCHEMA lib; CREATE TABLE shelves (id bigint PRIMARY KEY, room text);
CREATE TABLE lib.rooms (id bigint PRIMARY KEY);
CREATE TABLE books (id bigint NOT NULL, isbn text NOT NULL, note text, tags text[], shelf bigint, pages int);
CREATE TABLE lib.copies (id bigint PRIMARY KEY, room bigint, state text);
CREATE TABLE \"Odd\" (\"Id\" bigint, \"order\" text);
CREATE INDEX ix_books_pages ON books (pages);
CREATE INDEX ix_copies_state ON lib.copies (state);";

/// Statements with all that may stand in them: what a mend left out would be another schema.
const WITH_DETAILS: &[(&str, &str)] = &[
    ("index_without_concurrently", "CREATE INDEX ix ON books (note)"),
    ("index_without_concurrently", "CREATE INDEX ON books (note)"),
    ("index_without_concurrently", "CREATE UNIQUE INDEX ix ON books (isbn) NULLS NOT DISTINCT"),
    ("index_without_concurrently", "CREATE INDEX ix ON books (note) WHERE note <> ':pages'"),
    ("index_without_concurrently", "CREATE INDEX ix ON books USING gin (tags)"),
    ("index_without_concurrently", "CREATE INDEX ix ON books (note DESC NULLS LAST, isbn)"),
    ("index_without_concurrently", "CREATE INDEX ix ON books (note text_pattern_ops)"),
    ("index_without_concurrently", "CREATE INDEX ix ON books (lower(note), id)"),
    ("index_without_concurrently", "CREATE INDEX ix ON books (isbn) INCLUDE (id) WITH (fillfactor = 70)"),
    ("index_without_concurrently", "CREATE INDEX ix ON lib.copies (room)"),
    ("index_without_concurrently", "CREATE INDEX \"Ix\" ON \"Odd\" (\"Id\", \"order\")"),
    ("constraint_without_not_valid", "ALTER TABLE books ADD CONSTRAINT fk FOREIGN KEY (shelf) REFERENCES shelves (id)"),
    ("constraint_without_not_valid", "ALTER TABLE books ADD FOREIGN KEY (shelf) REFERENCES shelves"),
    ("constraint_without_not_valid", "ALTER TABLE books ADD CONSTRAINT fk FOREIGN KEY(shelf) REFERENCES shelves (id) ON DELETE CASCADE"),
    (
        "constraint_without_not_valid",
        "ALTER TABLE books ADD CONSTRAINT fk FOREIGN KEY (shelf) REFERENCES shelves (id) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
    ),
    ("constraint_without_not_valid", "ALTER TABLE lib.copies ADD CONSTRAINT fk FOREIGN KEY (room) REFERENCES lib.rooms (id) MATCH FULL"),
    ("constraint_without_not_valid", "ALTER TABLE lib.copies ADD CONSTRAINT fk FOREIGN KEY (room) REFERENCES lib.rooms (id)"),
    ("constraint_without_not_valid", "ALTER TABLE lib.copies ADD CONSTRAINT fk FOREIGN KEY (room) REFERENCES shelves (id)"),
    ("constraint_without_not_valid", "ALTER TABLE books ADD CONSTRAINT ck CHECK (pages > 0)"),
    ("constraint_without_not_valid", "ALTER TABLE books ADD CHECK (pages > 0) NO INHERIT"),
    (
        "constraint_without_not_valid",
        "ALTER TABLE books ADD CONSTRAINT ck CHECK (note LIKE 'a%' AND note <> ':pages' AND note::text <> '\\x')",
    ),
    ("constraint_without_not_valid", "ALTER TABLE lib.copies ADD CONSTRAINT \"Ck\" CHECK (state IN ('new', 'it''s old'))"),
    ("key_without_using_index", "ALTER TABLE books ADD CONSTRAINT books_isbn UNIQUE (isbn)"),
    ("key_without_using_index", "ALTER TABLE books ADD UNIQUE (isbn, note)"),
    ("key_without_using_index", "ALTER TABLE books ADD CONSTRAINT books_note UNIQUE NULLS NOT DISTINCT (note)"),
    ("key_without_using_index", "ALTER TABLE books ADD PRIMARY KEY (id)"),
    ("key_without_using_index", "ALTER TABLE lib.copies ADD CONSTRAINT copies_room UNIQUE (room)"),
    ("key_without_using_index", "ALTER TABLE \"Odd\" ADD CONSTRAINT \"Odd_order\" UNIQUE (\"order\")"),
    ("set_not_null_scan", "ALTER TABLE books ALTER COLUMN note SET NOT NULL"),
    ("set_not_null_scan", "ALTER TABLE \"Odd\" ALTER COLUMN \"order\" SET NOT NULL"),
    ("set_not_null_scan", "ALTER TABLE lib.copies ALTER COLUMN room SET NOT NULL"),
    ("drop_index_without_concurrently", "DROP INDEX ix_books_pages"),
    ("drop_index_without_concurrently", "DROP INDEX IF EXISTS ix_books_pages, ix_books_never"),
    ("drop_index_without_concurrently", "DROP INDEX lib.ix_copies_state"),
];

fn at_setup(server: &ScratchServer, setup: &str) -> (ScratchDatabase, Connection) {
    let database = ScratchDatabase::create(server).unwrap();
    // The role of migrations owns what it changes.
    database.connect().unwrap().execute(setup).unwrap();
    let admin = database.connect_admin().unwrap();
    (database, admin)
}

#[test]
fn a_mend_leads_to_the_schema_that_was_wanted() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let mends: Vec<Mend> = WITH_DETAILS
        .iter()
        .map(|(rule, sql)| {
            let mut mends = mends_of(rule, BOOKS, sql, server.server);
            assert_eq!(mends.len(), 1, "{rule} has no mend for `{sql}`: {:?}", findings(BOOKS, sql, server.server));
            mends.remove(0)
        })
        .collect();
    let folder = project_of(&mends.iter().collect::<Vec<_>>(), Dialect::Postgresql);
    let mut warm: Option<Bridge> = None;
    let mut faults = Vec::new();
    for (n, mend) in mends.iter().enumerate() {
        let (plain, mut wanted) = at_setup(&server, BOOKS);
        plain.connect().unwrap().execute(&mend.sql).unwrap();
        let (mended, mut reached) = at_setup(&server, BOOKS);
        let bridge = match &mut warm {
            Some(bridge) => {
                bridge.point_at(vec![target(&mended)]).unwrap();
                bridge
            }
            none => {
                let settings = BridgeSettings::plain(folder.path(), Dialect::Postgresql, vec![target(&mended)]);
                none.insert(Bridge::start(python.clone(), settings).unwrap().0)
            }
        };
        let executed = bridge.execute(Direction::Up, "base", &format!("m{n}_{}", mend.bodies().len() - 1)).unwrap();
        if let Some(failure) = executed.failure {
            faults.push(format!("{}\n{}\n{}", mend.sql, mend.fix, failure.sentence));
            continue;
        }
        reached.execute("DROP TABLE alembic_version").unwrap();
        let differences = diff(&SchemaSnapshot::take(&mut wanted).unwrap(), &SchemaSnapshot::take(&mut reached).unwrap()).differences;
        if !differences.is_empty() {
            let said: Vec<String> = differences.iter().map(ToString::to_string).collect();
            faults.push(format!("{}\n{}\n  {}", mend.sql, mend.fix, said.join("\n  ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
