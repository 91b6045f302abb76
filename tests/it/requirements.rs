//! Requirements on what is said of SQL and of a chain, each test named after the rows that it shows. Nothing here needs a
//! server; those with a project need the Python of `tests/run`, which renders their SQL.

use std::path::Path;
use std::process::Command;

use alembic_gate::tools::TOOLS;
use alembic_gate::tools::call::{Call, Settings};
use serde_json::{Value, json};

use crate::mcp_client::PROGRAM;
use crate::ranges::{AUTHORS, PG, project};

/// `users` with rows, an index on the way, a large table.
const BEFORE: &str = "CREATE TABLE users (id integer PRIMARY KEY, name varchar(50) NOT NULL, note text, age integer); \
     CREATE TABLE orders (id bigint PRIMARY KEY, status varchar(20));";

/// A tool's output, cut nowhere that an answer is not.
pub fn ask(tool: &str, arguments: Value) -> Value {
    let settings = Settings::default();
    let found = alembic_gate::tools::tool(tool).unwrap();
    Value::Object((found.call)(arguments, &Call::local(&settings)).output)
}

fn asked(dialect: &str, sql: &str) -> Value {
    json!({
        "sql": sql, "setup_sql": BEFORE, "dialect": dialect, "detail": "full",
        "table_stats": { "orders": { "rows": 8_000_000, "bytes": 6_000_000_000_u64 } },
    })
}

fn classified(dialect: &str, sql: &str) -> Value {
    ask("classify_risk", asked(dialect, sql))
}

fn reviewed(dialect: &str, sql: &str) -> Value {
    ask("review_sql", asked(dialect, sql))
}

pub fn reviewed_project(folder: &Path, from: &str) -> Value {
    ask("review_sql", json!({ "project": folder.display().to_string(), "from": from, "detail": "full" }))
}

fn status(project: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(project);
    ask("migration_status", json!({ "project": folder.display().to_string(), "detail": "full" }))
}

fn findings<'a>(answer: &'a Value, rule: &str) -> Vec<&'a Value> {
    answer["findings"].as_array().unwrap_or_else(|| panic!("{answer:#}")).iter().filter(|one| one["rule"] == rule).collect()
}

/// The first finding of a rule, which says what, why and what to do, with a page behind it.
fn explained<'a>(answer: &'a Value, rule: &str) -> &'a Value {
    let found = findings(answer, rule).into_iter().next().unwrap_or_else(|| panic!("no {rule}: {answer:#}"));
    for part in ["what", "why", "do"] {
        assert!(found[part].as_str().is_some_and(|text| text.len() > 10), "{part} of {rule}: {found:#}");
    }
    assert!(found["cite"].as_array().is_some_and(|cites| !cites.is_empty()), "{rule}: {found:#}");
    found
}

/// A project of two revisions, the second with this body, rendered for PostgreSQL.
fn changed(id: &str, up: &str, down: &str) -> Option<tempfile::TempDir> {
    let indented = |body: &str| body.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let body = format!("def upgrade():\n{}\n\ndef downgrade():\n{}", indented(up), indented(down));
    project(PG, &[AUTHORS, (id, &body)])
}

fn search(query: &str) -> Value {
    ask("search_knowledge", json!({ "query": query }))
}

#[test]
fn s_003_creating_reviewing_and_applying_each_have_an_entry() {
    for tool in ["plan_migration", "generate_migration", "review_sql", "apply_migration"] {
        assert!(TOOLS.iter().any(|known| known.name == tool), "{tool}");
        let help = Command::new(PROGRAM).args([&tool.replace('_', "-"), "--help"]).output().unwrap();
        assert!(help.status.success(), "{tool}: {}", String::from_utf8_lossy(&help.stderr));
    }
}

#[test]
fn s_005_commands_of_ef_core_lead_to_those_of_alembic() {
    for (query, command) in [
        ("dotnet ef migrations script equivalent", "alembic upgrade"),
        ("dotnet ef migrations add", "alembic revision"),
        ("dotnet ef database update", "alembic upgrade"),
    ] {
        let answer = search(query);
        let hit = &answer["hits"][0];
        assert!(hit["source"].is_string() && answer["in_scope"] == true, "{query}: {answer:#}");
        assert!(answer["hits"].to_string().contains(command), "{query} → {command}: {answer:#}");
    }
}

#[test]
fn s_007_dependencies_are_pinned_and_their_licences_and_sources_closed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let deny: toml::Table = std::fs::read_to_string(root.join("deny.toml")).unwrap().parse().unwrap();
    for closed in ["unknown-registry", "unknown-git"] {
        assert_eq!(deny["sources"][closed].as_str(), Some("deny"), "{closed}");
    }
    assert!(deny["licenses"]["allow"].as_array().is_some_and(|allowed| !allowed.is_empty()));
    assert!(root.join("Cargo.lock").is_file());
    let checks = std::fs::read_to_string(root.join("tests/run")).unwrap();
    assert!(checks.contains("cargo deny check") && checks.contains("--locked"), "the checks do not look at dependencies");
}

#[test]
fn s_008_what_is_not_proven_reversible_is_called_so() {
    for sql in ["SELECT weird_fn()", "CALL mend_all()", "DO $$ BEGIN EXECUTE pick(); END $$", "FROBNICATE users"] {
        let answer = classified("postgresql", sql);
        assert_eq!(answer["reversible"], "unknown", "{sql}: {answer:#}");
        let reviewed = reviewed("postgresql", sql);
        assert_ne!(reviewed["verdict"], "pass", "{sql}: {reviewed:#}");
    }
    assert_eq!(classified("postgresql", "ALTER TABLE users ADD COLUMN mail text")["reversible"], "yes");
    assert_eq!(classified("postgresql", "DROP TABLE users")["reversible"], "shape_only");
}

#[test]
fn s_019_nobody_is_told_that_a_backup_was_made() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<std::path::PathBuf> = vec![root.join("README.md"), root.join("SECURITY.md")];
    for pattern in ["src/**/*.rs", "prompts/*.md", "knowledge/*.md", "plugin/**/*.md"] {
        texts.extend(glob::glob(&format!("{}/{pattern}", root.display())).unwrap().flatten());
    }
    let subjects = ["we", "alembic-gate", "the server", "the tool", "this product", "it"];
    let verbs = ["make", "makes", "take", "takes", "create", "creates", "keep", "keeps", "made", "took", "created"];
    let mut wrong: Vec<String> = Vec::new();
    for subject in subjects {
        for verb in verbs {
            wrong.extend(["a backup", "backups", "the backup"].map(|what| format!(" {subject} {verb} {what}")));
        }
    }
    let claims = |text: &str| -> Option<String> {
        let words: Vec<String> = text.to_lowercase().replace('`', " ").split_whitespace().map(str::to_owned).collect();
        let flat = format!(" {}", words.join(" "));
        wrong.iter().find(|claim| flat.contains(claim.as_str())).cloned()
    };
    assert_eq!(claims("Before it applies, alembic-gate\nmakes a backup.").as_deref(), Some(" alembic-gate makes a backup"), "it notices");
    for path in &texts {
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(claims(&text), None, "{}", path.display());
    }
    assert!(texts.len() > 100, "{}", texts.len());
    let asked = search("make a backup before a risky migration");
    assert!(asked["hits"].to_string().contains("backup-restore"), "{asked:#}");
}

#[test]
fn s_021_drops_narrowings_and_not_null_have_the_loss_that_the_server_makes_of_them() {
    for (dialect, sql, loss) in [
        ("postgresql", "ALTER TABLE users DROP COLUMN note", "high"),
        ("mariadb", "ALTER TABLE users DROP COLUMN note", "high"),
        ("sqlite", "ALTER TABLE users DROP COLUMN note", "high"),
        ("postgresql", "ALTER TABLE users ALTER COLUMN name TYPE varchar(10) USING left(name, 10)", "medium"),
        ("postgresql", "ALTER TABLE users ALTER COLUMN age SET NOT NULL", "none"),
    ] {
        let answer = classified(dialect, sql);
        assert_eq!(answer["data_loss_risk"], loss, "{dialect} {sql}: {answer:#}");
    }
    // MariaDB refuses in its strict mode, which is its default, and fills silently without it.
    for (dialect, sql, code) in [
        ("postgresql", "ALTER TABLE users ALTER COLUMN name TYPE varchar(10)", "22001"),
        ("postgresql", "ALTER TABLE users ALTER COLUMN age SET NOT NULL", "23502"),
        ("mariadb", "ALTER TABLE users MODIFY age integer NOT NULL", "1265"),
    ] {
        let answer = reviewed(dialect, sql);
        assert!(answer["statements"][0]["fails"].to_string().contains(code), "{sql}: {answer:#}");
        let verdict = if dialect == "mariadb" { "warn" } else { "blocked" };
        assert_eq!(answer["verdict"], verdict, "{sql}: {answer:#}");
    }
}

/// Each drop of a column, each change of a type, each NOT NULL without a default: by `op` and by raw SQL.
#[test]
fn s_022_drops_types_and_not_null_are_flagged_however_they_are_written() {
    let back = "pass";
    for (id, by_op, by_sql) in [
        ("drop_authors_name", "op.drop_column('authors', 'name')", "ALTER TABLE authors DROP COLUMN name"),
        (
            "change_authors_name_type",
            "op.alter_column('authors', 'name', type_=sa.Integer, postgresql_using='name::integer')",
            "ALTER TABLE authors ALTER COLUMN name TYPE integer USING name::integer",
        ),
        (
            "require_authors_age",
            "op.add_column('authors', sa.Column('age', sa.Integer, nullable=False))",
            "ALTER TABLE authors ADD COLUMN age integer NOT NULL",
        ),
    ] {
        let quoted = format!("op.execute(\"{by_sql}\")");
        for body in [by_op, quoted.as_str()] {
            let Some(folder) = changed(id, body, back) else { return };
            let answer = reviewed_project(folder.path(), "create_authors");
            let flagged = |one: &&Value| one["statement"] == 1 && ["error", "warning"].contains(&one["severity"].as_str().unwrap());
            assert!(answer["findings"].as_array().unwrap().iter().any(|one| flagged(&one)), "{body}: {answer:#}");
        }
        let before = "CREATE TABLE authors (id integer PRIMARY KEY, name varchar(50) NOT NULL);";
        let raw = ask("review_sql", json!({ "sql": by_sql, "setup_sql": before, "dialect": "postgresql" }));
        assert_eq!(raw["verdict"], "blocked", "{by_sql}: {raw:#}");
    }
}

#[test]
fn s_024_s_134_an_empty_downgrade_is_named_explained_and_mended() {
    for down in ["pass", "raise NotImplementedError('no way back')"] {
        let Some(folder) = changed("add_authors_email", "op.add_column('authors', sa.Column('email', sa.String(80)))", down) else {
            return;
        };
        let answer = reviewed_project(folder.path(), "create_authors");
        let found = explained(&answer, "empty_downgrade");
        assert!(found["what"].to_string().to_lowercase().contains("one-way") || found["why"].to_string().contains("one-way"), "{found:#}");
        assert!(found["file"].as_str().unwrap().ends_with("add_authors_email.py"));
    }
}

#[test]
fn s_027_guards_are_advised_where_they_help_and_not_where_they_hide() {
    let hidden = reviewed("postgresql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_orders_status ON orders (status)");
    assert!(hidden["findings"].to_string().contains("INVALID"), "{hidden:#}");
    let bare = reviewed("postgresql", "DROP TABLE missing_one");
    assert!(bare["findings"].to_string().contains("missing_one"), "{bare:#}");
    let guarded = reviewed("postgresql", "ALTER TABLE users ADD COLUMN IF NOT EXISTS mail text");
    assert_ne!(guarded["verdict"], "blocked", "{guarded:#}");
}

#[test]
fn s_028_the_checklist_speaks_of_a_second_run() {
    for sql in
        ["ALTER TABLE users ADD COLUMN mail text", "ALTER TABLE users ADD COLUMN IF NOT EXISTS mail text", "UPDATE users SET age = age + 1"]
    {
        let answer = reviewed("postgresql", sql);
        let item = &answer["checklist"]["idempotent"];
        assert!(item["evidence"].as_str().is_some_and(|text| !text.is_empty()), "{sql}: {item}");
    }
    let twice = reviewed("postgresql", "UPDATE users SET age = age + 1");
    assert_ne!(twice["checklist"]["idempotent"]["ok"], true, "{twice:#}");
}

#[test]
fn s_029_s_031_s_141_a_large_index_names_its_lock_its_page_and_the_block_outside_of_a_transaction() {
    let answer = reviewed("postgresql", "CREATE INDEX ix_orders_status ON orders (status)");
    let lock = &answer["statements"][0]["locks"][0];
    assert_eq!(
        (&lock["mode"], &lock["blocks_reads"], &lock["blocks_writes"]),
        (&json!("SHARE"), &json!(false), &json!(true)),
        "{answer:#}"
    );
    let found = explained(&answer, "index_without_concurrently");
    assert!(found["cite"].as_array().unwrap().iter().any(|cite| cite.as_str().unwrap().starts_with("pg-ddl-locks#")), "{found:#}");
    assert!(found.to_string().contains("autocommit_block"), "{found:#}");
    for (dialect, sql, page) in [
        ("mariadb", "ALTER TABLE orders MODIFY status integer", "mysql-online-ddl#"),
        ("mysql", "ALTER TABLE orders MODIFY status integer", "mysql-online-ddl#"),
        ("sqlite", "ALTER TABLE orders DROP COLUMN status", "sqlite-alter#"),
    ] {
        let answer = reviewed(dialect, sql);
        assert!(
            answer["statements"][0]["cite"].to_string().contains(page) || answer["findings"].to_string().contains(page),
            "{dialect}: {answer:#}"
        );
    }
}

#[test]
fn s_032_s_033_s_138_two_heads_are_seen_before_an_upgrade_fails_and_mended() {
    let answer = status("two_heads");
    assert_eq!((&answer["chain"]["linear"], answer["chain"]["heads"].as_array().unwrap().len()), (&json!(false), 2), "{answer:#}");
    let found = explained(&answer, "multiple_heads");
    let mend = found["do"].as_str().unwrap();
    assert!(mend.contains("merge") || mend.contains("down_revision"), "{found:#}");
    assert_eq!(answer["recovery"], "multiple_heads");
    assert_eq!(status("linear")["chain"]["linear"], true);
}

#[test]
fn s_043_s_136_how_sqlite_differs_is_said_for_the_operations_at_hand() {
    let python = project(
        "sqlite:///shop.db",
        &[
            AUTHORS,
            (
                "add_authors_bio",
                "def upgrade():\n    op.add_column('authors', sa.Column('bio', sa.Text))\n    op.execute('ALTER TABLE authors ADD COLUMN age VARCHAR(3)')\n\n\ndef downgrade():\n    op.drop_column('authors', 'age')\n    op.drop_column('authors', 'bio')",
            ),
        ],
    );
    let Some(folder) = python else { return };
    let toml = folder.path().join("alembic-gate.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(
        &toml,
        format!("{text}[environments.production]\ntier = \"production\"\nserver = {{ dialect = \"postgresql\", version = \"16\" }}\n"),
    )
    .unwrap();
    let answer = ask(
        "review_sql",
        json!({ "project": folder.path().display().to_string(), "from": "create_authors", "dialect": "sqlite", "detail": "full" }),
    );
    let found = explained(&answer, "sqlite_parity");
    assert!(found.to_string().contains("PostgreSQL"), "{found:#}");
}

#[test]
fn s_045_s_046_s_135_schema_and_rows_in_one_file_are_named_and_why() {
    let up =
        "op.add_column('authors', sa.Column('email', sa.String(80)))\nop.execute(\"UPDATE authors SET email = name || '@example.org'\")";
    let Some(folder) = changed("add_authors_email", up, "op.drop_column('authors', 'email')") else { return };
    let answer = reviewed_project(folder.path(), "create_authors");
    let found = explained(&answer, "schema_and_data_mixed");
    assert!(found["why"].to_string().contains("back"), "why the way back gets harder: {found:#}");
    assert_eq!(answer["checklist"]["one_concern"]["ok"], false);
    let Some(folder) = changed("fill_authors_name", "op.execute(\"UPDATE authors SET name = 'x' WHERE name = ''\")", "pass") else {
        return;
    };
    assert_eq!(findings(&reviewed_project(folder.path(), "create_authors"), "schema_and_data_mixed"), Vec::<&Value>::new());
}

#[test]
fn s_048_s_100_s_137_a_name_that_says_when_is_named_in_the_review() {
    let Some(folder) = changed(
        "migration_2024_01_15",
        "op.add_column('authors', sa.Column('email', sa.String(80)))",
        "op.drop_column('authors', 'email')",
    ) else {
        return;
    };
    let answer = reviewed_project(folder.path(), "create_authors");
    explained(&answer, "name_not_descriptive");
    assert_eq!(answer["checklist"]["names_describe"]["ok"], false, "{answer:#}");
}

#[test]
fn s_101_four_levels_of_loss_are_the_four_words_of_the_block() {
    let seen: Vec<(Value, Value)> = [
        "ALTER TABLE users ADD COLUMN mail text",
        "CREATE INDEX i ON users (name); DROP INDEX i",
        "ALTER TABLE users DROP CONSTRAINT users_pkey",
        "UPDATE users SET note = ''",
        "DROP TABLE users",
    ]
    .iter()
    .map(|sql| {
        let answer = classified("postgresql", sql);
        (answer["data_loss_risk"].clone(), json!(sql))
    })
    .collect();
    let words: Vec<&str> = seen.iter().map(|(word, _)| word.as_str().unwrap()).collect();
    assert_eq!(words, ["none", "none", "low", "medium", "high"], "{seen:?}");
}

#[test]
fn s_140_a_required_column_without_a_default_has_a_mend_in_three_steps() {
    let answer = reviewed("postgresql", "ALTER TABLE users ADD COLUMN phone varchar(20) NOT NULL");
    let found = explained(&answer, "not_null_without_default");
    let text = found.to_string().to_lowercase();
    for step in ["add it nullable", "fill it in batches", "set not null"] {
        assert!(text.contains(step), "{step}: {found:#}");
    }
}
