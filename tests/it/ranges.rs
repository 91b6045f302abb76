//! Ranges of real projects: SQL rendered by Alembic or taken down while it runs, findings in the files, and the tools
//! around it. Needs the Python environments of `tests/run`; the parts on PostgreSQL need its programs.

use std::path::Path;

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::SqlInput;
use alembic_gate::tools::{classify_risk, generate_migration, migration_status, review_sql, test_rollback};
use serde_json::Value;
use tempfile::TempDir;

use crate::bridge::environment;

/// A project with these revisions, on SQLite or PostgreSQL, in a folder of its own.
pub fn project(url: &str, revisions: &[(&str, &str)]) -> Option<TempDir> {
    let python = environment("python-new")?;
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("alembic.ini", &format!("[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {url}\n"));
    write("alembic-gate.toml", &format!("[project]\npython = {:?}\n", python.display().to_string()));
    write(
        "models.py",
        "import sqlalchemy as sa\nmetadata = sa.MetaData()\nsa.Table('authors', metadata, sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(50), nullable=False), sa.Column('email', sa.String(80)))\n",
    );
    write(
        "migrations/env.py",
        "import sys, os\nsys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\nfrom alembic import context\nfrom sqlalchemy import create_engine, pool\nfrom models import metadata\nurl = context.config.get_main_option('sqlalchemy.url')\n\
         if context.is_offline_mode():\n    context.configure(url=url, literal_binds=True, target_metadata=metadata)\n    with context.begin_transaction():\n        context.run_migrations()\n\
         else:\n    with create_engine(url, poolclass=pool.NullPool).connect() as connection:\n        context.configure(connection=connection, target_metadata=metadata)\n        with context.begin_transaction():\n            context.run_migrations()\n",
    );
    write(
        "migrations/script.py.mako",
        "\"\"\"${message}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n${imports if imports else ''}\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\nbranch_labels = ${repr(branch_labels)}\ndepends_on = ${repr(depends_on)}\n\n\ndef upgrade():\n    ${upgrades if upgrades else 'pass'}\n\n\ndef downgrade():\n    ${downgrades if downgrades else 'pass'}\n",
    );
    let mut parent = "None".to_owned();
    for (id, body) in revisions {
        let text = format!(
            "\"\"\"{id}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\ndown_revision = {parent}\nbranch_labels = None\ndepends_on = None\n\n\n{body}\n"
        );
        write(&format!("migrations/versions/{id}.py"), &text);
        parent = format!("'{id}'");
    }
    Some(folder)
}

pub const AUTHORS: (&str, &str) = (
    "create_authors",
    "def upgrade():\n    op.create_table('authors', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(50), nullable=False))\n\n\ndef downgrade():\n    op.drop_table('authors')",
);
pub const INDEX: (&str, &str) = (
    "add_authors_name_index",
    "def upgrade():\n    op.create_index('ix_authors_name', 'authors', ['name'])\n\n\ndef downgrade():\n    op.drop_index('ix_authors_name', 'authors')",
);
const INSPECTS: (&str, &str) = (
    "drop_authors_name",
    "def upgrade():\n    columns = sa.inspect(op.get_bind()).get_columns('authors')\n    if len(columns) > 1:\n        op.drop_column('authors', 'name')\n\n\ndef downgrade():\n    op.add_column('authors', sa.Column('name', sa.String(50), nullable=False, server_default=''))\n    with op.batch_alter_table('authors') as batch:\n        batch.alter_column('name', server_default=None)",
);

pub const PG: &str = "postgresql+psycopg://nobody@production.invalid/shop";

pub fn has_postgresql() -> bool {
    use alembic_gate::dialect::{Dialect, Server};
    let found =
        alembic_gate::scratch::find_binaries(Server::newest(Dialect::Postgresql), &alembic_gate::scratch::Settings::from_environment(None));
    if found.is_err() {
        eprintln!("SKIPPED: no programs of PostgreSQL (`tests/run` brings them)");
    }
    found.is_ok()
}

fn asked(folder: &Path) -> SqlInput {
    SqlInput { project: Some(folder.display().to_string()), ..SqlInput::default() }
}

fn reviewed(input: &SqlInput) -> Value {
    let settings = Settings::default();
    Value::Object(review_sql::run(input, Default::default(), &Call::local(&settings), None).output)
}

#[test]
fn s_077_a_range_is_rendered_offline_and_points_into_the_files() {
    let Some(folder) = project(PG, &[AUTHORS, INDEX]) else { return };
    let output = reviewed(&asked(folder.path()));
    assert_eq!(output["rendered_by"], "alembic_offline", "{output:#}");
    assert_eq!(output["range"]["from"], "create_authors");
    let statement = &output["statements"][0];
    assert_eq!(statement["kind"], "create_index", "{output:#}");
    assert_eq!((statement["file"].as_str(), statement["line"].as_u64()), (Some("migrations/versions/add_authors_name_index.py"), Some(12)));
    assert_eq!(statement["revision"], "add_authors_name_index");
    assert_eq!(output["statements"].as_array().unwrap().len(), 1, "the version table is no part of the migration: {output:#}");
    let finding = output["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "index_without_concurrently").unwrap();
    assert_eq!(finding["line"], 12);
    assert_eq!(output["verdict"], "blocked");
    let back = &output["downgrade"]["statements"][0];
    assert_eq!(
        (back["file"].as_str(), back["line"].as_u64()),
        (Some("migrations/versions/add_authors_name_index.py"), Some(16)),
        "{output:#}"
    );
    let all = reviewed(&SqlInput { from: Some("base".to_owned()), ..asked(folder.path()) });
    assert_eq!(all["statements"].as_array().unwrap().len(), 2);
    assert!(all["findings"].as_array().unwrap().iter().all(|one| one["rule"] != "index_without_concurrently"), "the table is new: {all:#}");
}

#[test]
fn an_allowance_in_the_file_counts_for_the_statement() {
    let body = INDEX.1.replace(
        "    op.create_index",
        "    # alembic-gate: allow index_without_concurrently because the table has forty rows\n    op.create_index",
    );
    let Some(folder) = project(PG, &[AUTHORS, ("add_authors_name_index", &body)]) else { return };
    let output = reviewed(&asked(folder.path()));
    assert_ne!(output["verdict"], "blocked", "{output:#}");
}

#[test]
fn s_076_what_cannot_be_rendered_is_run_on_a_scratch_database() {
    if !has_postgresql() {
        return;
    }
    let Some(folder) = project(PG, &[AUTHORS, INSPECTS]) else { return };
    let output = reviewed(&asked(folder.path()));
    assert_eq!(output["rendered_by"], "scratch_execution", "{output:#}");
    let notes = output["notes"].to_string();
    assert!(notes.contains("drop_authors_name.py` line 12"), "{notes}");
    let drop = output["statements"].as_array().unwrap().iter().find(|one| one["kind"] == "alter_table").unwrap();
    assert_eq!((drop["loss"].as_str(), drop["line"].as_u64()), (Some("high"), Some(14)), "{output:#}");
    let settings = Settings::default();
    let risk = Value::Object(classify_risk::run(&asked(folder.path()), Default::default(), &Call::local(&settings), None).output);
    assert_eq!(risk["data_loss_risk"], "high");
}

#[test]
fn s_090_rows_that_do_not_come_back_are_counted() {
    for (url, dialect) in [("sqlite:///production.db", "sqlite"), (PG, "postgresql")] {
        if dialect == "postgresql" && !has_postgresql() {
            continue;
        }
        let Some(folder) = project(url, &[AUTHORS, INSPECTS]) else { return };
        let input = test_rollback::Input {
            project: Some(folder.path().display().to_string()),
            from: Some("base".to_owned()),
            rows: Some(20),
            ..Default::default()
        };
        let settings = Settings::default();
        let output = Value::Object(test_rollback::run(&input, &Call::local(&settings), None).output);
        assert_eq!(
            (output["outcome"].as_str(), output["rollback_tested"].as_bool()),
            (Some("data_lost"), Some(false)),
            "{dialect}: {output:#}"
        );
        let lost = output["data_diff"].as_array().unwrap().iter().find(|one| one["column"] == "name").unwrap();
        assert_eq!(
            (lost["table"].as_str(), lost["lost"].as_u64(), lost["rows"].as_u64()),
            (Some("authors"), Some(20), Some(20)),
            "{output:#}"
        );
        assert_eq!(output["outcomes"][1]["outcome"], "ok", "{output:#}");
        assert!(!folder.path().join("production.db").exists(), "the configured database was not touched");
    }
}

#[test]
fn status_and_generation_see_what_the_models_say() {
    let Some(folder) = project("sqlite:///production.db", &[AUTHORS]) else { return };
    let path = Some(folder.path().display().to_string());
    let settings = Settings::default();
    let call = Call::local(&settings);
    let status =
        Value::Object(migration_status::run(&migration_status::Input { project: path.clone(), ..Default::default() }, &call, None).output);
    assert_eq!(status["chain"]["heads"], serde_json::json!(["create_authors"]), "{status:#}");
    assert_eq!(status["drift"]["items"][0]["object"], "authors.email", "{status:#}");
    let input =
        generate_migration::Input { migration_name: Some("add_authors_email".to_owned()), project: path.clone(), ..Default::default() };
    let made = Value::Object(generate_migration::run(&input, &call, None).output);
    let file = made["file"].as_str().unwrap_or_else(|| panic!("{made:#}"));
    assert_eq!(made["operations"][0]["kind"], "add_column", "{made:#}");
    assert!(std::fs::read_to_string(folder.path().join(file)).unwrap().contains("op.add_column('authors'"));
    let after =
        Value::Object(migration_status::run(&migration_status::Input { project: path.clone(), ..Default::default() }, &call, None).output);
    assert_eq!(after["drift"]["items"], serde_json::json!([]), "{after:#}");
    let vague = generate_migration::Input { migration_name: Some("update".to_owned()), project: path, ..Default::default() };
    let refused = generate_migration::run(&vague, &call, None);
    assert!(refused.is_error);
    assert_eq!(
        std::fs::read_dir(folder.path().join("migrations/versions"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().is_file())
            .count(),
        2
    );
    assert!(!folder.path().join("production.db").exists());
}
