//! What stands around a plan: sizes of a database that can be read, code that still names what goes, and whether the code that runs today
//! survives each revision.

use std::process::Command;

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::recovery::{SHOP, Site, USERS};

fn index(site: &Site, table: &str, column: &str) -> Value {
    site.call("plan_migration", &json!({ "changes": [{ "kind": "create_index", "table": table, "columns": [column] }] }))
}

#[test]
fn u_56_s_061_sizes_come_from_a_database_that_can_be_read() {
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let Some(site) = Site::of(dialect, SHOP, &[USERS]) else { continue };
        site.upgrade("head");
        let small = index(&site, "users", "email");
        if dialect == Dialect::Postgresql {
            assert!(
                small["open_questions"].to_string().contains("how large is `users`"),
                "a small copy says nothing of production: {small:#}"
            );
        }
        let rows = match dialect {
            Dialect::Postgresql => {
                "INSERT INTO users (id, email) SELECT n, 'user ' || n FROM generate_series(1, 30000) AS n; ANALYZE users"
            }
            _ => "INSERT INTO users (id, email) SELECT seq, CONCAT('user ', seq) FROM seq_1_to_30000; ANALYZE TABLE users",
        };
        site.sql(rows);
        let large = index(&site, "users", "email");
        assert!(!large["open_questions"].to_string().contains("how large"), "{dialect:?}: {large:#}");
        assert!(large["assumed"].to_string().contains("as the database of `dev` counts them"), "{dialect:?}: {large:#}");
        let said = json!({ "changes": [{ "kind": "create_index", "table": "users", "columns": ["email"] }], "table_stats": { "users": { "rows": 10, "bytes": 8192 } } });
        let given = site.call("plan_migration", &said);
        assert!(!given.to_string().contains("concurrently=True"), "what was given counts first: {given:#}");
        assert_eq!(site.real().value("SELECT count(*) FROM users").unwrap().as_deref(), Some("30000"));
    }
}

const MAPPED: &str = "import sqlalchemy as sa\nfrom sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\n\
class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n    email: Mapped[str] = mapped_column(sa.String(80))\n\n\nmetadata = Base.metadata\n";

fn committed(dialect: Dialect) -> Option<Site> {
    let site = Site::of(dialect, MAPPED, &[USERS])?;
    let git = |arguments: &[&str]| assert!(Command::new("git").args(arguments).current_dir(site.path()).output().unwrap().status.success());
    git(&["init", "-q", "-b", "work"]);
    git(&["add", "-A"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "deployed"]);
    Some(site)
}

/// The classes of the deployed commit that fail behind each revision.
fn broken(answer: &Value) -> Vec<(&str, usize)> {
    let revisions = answer["deployed"]["revisions"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    revisions.iter().map(|one| (one["name"].as_str().unwrap(), one["breaks"].as_array().unwrap().len())).collect()
}

#[test]
fn the_code_that_runs_survives_a_plan_until_its_contract() {
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let Some(site) = committed(dialect) else { continue };
        let wish = json!({ "changes": [{ "kind": "rename_column", "table": "users", "column": "email", "new_name": "mail" }], "deployed": "HEAD" });
        let answer = site.call("plan_migration", &wish);
        let found = broken(&answer);
        let (last, before) = found.split_last().unwrap();
        assert!(before.len() == 3 && before.iter().all(|(_, breaks)| *breaks == 0), "{dialect:?}: {answer:#}");
        assert!(last.0 == "drop_users_email" && last.1 > 0, "{dialect:?}: {answer:#}");
        assert_ne!(answer["verdict"], "blocked", "{answer:#}");
        assert!(answer["notes"].to_string().contains("works until `drop_users_email`"), "{answer:#}");
        assert!(answer["notes"].to_string().contains("models.py"), "the place is named: {answer:#}");
        let files = std::fs::read_dir(site.path().join("migrations/versions"))
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "py"));
        assert_eq!(files.count(), 1, "nothing was written into the project");
    }
}

#[test]
fn what_one_revision_breaks_is_told_with_class_and_column() {
    let Some(site) = committed(Dialect::Sqlite) else { return };
    let ask = |changes: Value, deployed: &str| site.call("plan_migration", &json!({ "changes": changes, "deployed": deployed }));
    let added = ask(json!([{ "kind": "add_column", "table": "users", "column": "fax", "type": "VARCHAR(20)" }]), "HEAD");
    assert_eq!(broken(&added), [("add_users_fax", 0)], "{added:#}");
    let renamed = ask(json!([{ "kind": "rename_column", "table": "users", "column": "email", "new_name": "mail" }]), "HEAD");
    let first = &renamed["deployed"]["revisions"][0]["breaks"][0];
    assert_eq!((&first["class"], &first["column"], &first["file"]), (&json!("User"), &json!("email"), &json!("models.py")), "{renamed:#}");
    let unknown = ask(json!([{ "kind": "drop_column", "table": "users", "column": "email" }]), "no-such-ref");
    assert!(unknown["error"]["message"].as_str().unwrap().contains("no-such-ref"), "{unknown:#}");
}
