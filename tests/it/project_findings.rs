//! What is said of whole projects: the findings of the chain and of each revision, their mends, what comments allow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use alembic_gate::config::Config;
use alembic_gate::finding::{Finding, Severity};
use alembic_gate::judge::judge_project;
use alembic_gate::project::ini::FILE_TEMPLATE;
use alembic_gate::project::{Downgrades, Expectations, Heads, Project, SourceFile};
use alembic_gate::workspace::open_folder;

use crate::project_chain::{folder, opened};

/// The rules that find something in a project of `tests/projects`, with its own `alembic-gate.toml`.
fn rules_in(name: &str) -> Vec<&'static str> {
    let workspace = opened(name);
    let config = Config::found_from(&folder(name)).unwrap();
    // What git knows of this repository is not the project's.
    let expected = Expectations { published: None, ..workspace.expectations(&config) };
    let mut rules: Vec<&str> = judge_project(&workspace.project, &expected, &BTreeMap::new()).iter().map(|found| found.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn each_project_shows_what_it_is_named_after() {
    for (name, rules) in [
        ("linear", &[][..]),
        ("merge", &[]),
        ("labelled_heads", &[]),
        ("async_env", &[]),
        ("multidb", &[]),
        ("batch_sqlite", &[]),
        ("pyproject_only", &[]),
        ("no_ini", &[]),
        ("two_heads", &["multiple_heads"]),
        ("syntax_error", &["unreadable_revision"]),
        ("conflict", &["merge_conflict"]),
        ("duplicate_id", &["duplicate_revision"]),
        ("cycle", &["revision_cycle"]),
        ("missing_parent", &["missing_parent"]),
        ("empty_downgrade", &["empty_downgrade"]),
        ("raising_downgrade", &["empty_downgrade"]),
        ("missing_downgrade", &["empty_downgrade"]),
        ("mixed", &["schema_and_data_mixed"]),
        ("bad_name", &["name_not_descriptive"]),
        ("secret", &["secret_in_revision"]),
        ("own_models", &["imports_application_models", "cannot_render_offline", "empty_downgrade"]),
        ("reserved_id", &["reserved_revision_id"]),
    ] {
        assert_eq!(rules_in(name), rules, "{name}");
    }
}

fn judged(files: &[(&str, &str)], expected: &Expectations) -> Vec<Finding> {
    let files: Vec<SourceFile> =
        files.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), text: Ok((*text).to_owned()) }).collect();
    judge_project(&Project::of(FILE_TEMPLATE, BTreeSet::new(), &files), expected, &BTreeMap::new())
}

fn revision(id: &str, parent: Option<&str>, more: &str) -> String {
    let parent = parent.map_or("None".to_owned(), |parent| format!("'{parent}'"));
    format!("\"\"\"drop title index {id}x\"\"\"\nfrom alembic import op\nrevision = '{id}'\ndown_revision = {parent}\n{more}\n")
}

const WORKS: &str =
    "def upgrade():\n    op.drop_index('ix_title')\n\ndef downgrade():\n    op.create_index('ix_title', 'books', ['title'])\n";

#[test]
fn s_049_names_are_told_apart() {
    // Source: the skill's own examples, messages of real histories, and what tools and people write in a hurry.
    let good = [
        "add_user_email_index",
        "drop_legacy_sessions_table",
        "add isbn to books",
        "create authors",
        "rename book.title to name",
        "make users.email not null",
        "backfill order totals",
        "widen customer name to 200 characters",
        "split address from users",
        "add fk from orders to customers",
        "convert price to numeric",
        "AddTenantToInvoices",
        "unique constraint on email",
        "drop unused tokens",
        "ajouter les clés étrangères",
        "テーブルに列を追加",
        "v2 api tokens",
        "JIRA-123 add order status",
        "oauth2 clients",
        "enable row security for tenants",
        "store avatars in s3",
    ];
    let bad = [
        "migration_2024_01_15",
        "update",
        "changes",
        "fix",
        "new migration",
        "migration1",
        "auto",
        "autogenerate",
        "wip",
        "test",
        "add column",
        "add_table",
        "update models",
        "2024-01-15",
        "a1b2c3d4e5f6",
        "",
        "v1.3.0.a",
        "migration 001",
        "some changes",
        "schema update",
        "tmp",
        "more fixes",
        "revision 42",
        "alter table",
        "PR 1234",
    ];
    let flagged = |message: &str| {
        let text = revision("b2c3d4e5f6a1", Some("a1b2c3d4e5f6"), "def upgrade():\n    op.execute('SELECT 1')\n").replacen(
            "drop title index b2c3d4e5f6a1x",
            message,
            1,
        );
        judged(&[("b2c3d4e5f6a1_.py", &text)], &Expectations::default()).iter().any(|found| found.rule == "name_not_descriptive")
    };
    let wrong: Vec<&str> =
        good.iter().copied().filter(|name| flagged(name)).chain(bad.iter().copied().filter(|name| !flagged(name))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_plain_word_counts_where_it_is_a_name() {
    let body = "def upgrade():\n    op.add_column('message', sa.Column('created_by', sa.Text()))\n\ndef downgrade():\n    op.drop_column('message', 'created_by')\n";
    for (message, count) in
        [("add_created_by", 0), ("add column to message", 0), ("add column", 1), ("update message", 1), ("update table", 1)]
    {
        let text = revision("b1", Some("a1"), body).replacen("drop title index b1x", message, 1);
        let found = judged(&[("a1.py", &revision("a1", None, WORKS)), ("b1.py", &text)], &Expectations::default());
        assert_eq!(found.len(), count, "{message}: {found:?}");
    }
}

#[test]
fn a_name_that_says_the_opposite_is_found() {
    let text = revision("a1", None, WORKS).replacen("drop title index a1x", "add title index", 1);
    let found = judged(&[("a1.py", &text)], &Expectations::default());
    assert!(found.iter().any(|found| found.rule == "name_not_descriptive" && found.why.contains("opposite")), "{found:?}");
}

#[test]
fn an_allowance_needs_a_reason_and_its_place() {
    let text = |comment: &str| {
        revision("a1", None, &format!("def upgrade():\n    op.drop_index('ix_title')\n\n{comment}def downgrade():\n    pass\n"))
    };
    let allowed = |comment: &str| {
        let found = judged(&[("a1.py", &text(comment))], &Expectations::default());
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(found.rule, "empty_downgrade");
        (found.allowed.clone(), found.mend.contains("has no reason"))
    };
    assert_eq!(allowed(""), (None, false));
    assert_eq!(allowed("# alembic-gate: allow empty_downgrade because nobody goes back\n"), (Some("nobody goes back".to_owned()), false));
    assert_eq!(allowed("# alembic-gate: allow empty_downgrade\n"), (None, true));
    assert_eq!(allowed("# alembic-gate: allow drop_table because it is another\n"), (None, false));
    assert_eq!(allowed("# alembic-gate: allow empty_downgrade because it is far away\n\n"), (None, false));
    let stacked = "# alembic-gate: allow empty_downgrade because nobody goes back\n# alembic-gate: allow will_fail because it may\n";
    assert_eq!(allowed(stacked).0.as_deref(), Some("nobody goes back"));
}

#[test]
fn a_string_that_looks_like_a_comment_allows_nothing() {
    let text = revision(
        "a1",
        None,
        "def upgrade():\n    op.drop_index('ix_title')\n\nX = '''\n# alembic-gate: allow empty_downgrade because it is a string\n'''\ndef downgrade():\n    pass\n",
    );
    let found = judged(&[("a1.py", &text)], &Expectations::default());
    assert_eq!(found[0].allowed, None);
}

#[test]
fn downgrades_weigh_as_the_project_says() {
    let text = revision("a1", None, "def upgrade():\n    op.drop_index('ix_title')\n");
    let severity = |downgrades| {
        judged(&[("a1.py", &text)], &Expectations { downgrades, ..Expectations::default() })
            .iter()
            .map(|found| found.severity)
            .collect::<Vec<_>>()
    };
    assert_eq!(severity(None), [Severity::Warning]);
    assert_eq!(severity(Some(Downgrades::Required)), [Severity::Error]);
    assert!(severity(Some(Downgrades::None)).is_empty());
}

#[test]
fn expected_heads_are_counted_or_named() {
    let labelled = |id: &str, label: &str| revision(id, Some("a1"), &format!("branch_labels = '{label}'\n{WORKS}"));
    let base = revision("a1", None, WORKS);
    let (expand, contract) = (labelled("b1", "expand"), labelled("c1", "contract"));
    let files = [("a1.py", base.as_str()), ("b1.py", &expand), ("c1.py", &contract)];
    let said = |heads| {
        let found = judged(&files, &Expectations { heads, ..Expectations::default() });
        found.iter().map(|found| (found.rule, found.severity, found.mend.clone())).collect::<Vec<_>>()
    };
    let labels = |names: &[&str]| Some(Heads::Labels(names.iter().map(|name| (*name).to_owned()).collect()));
    let undeclared = said(None);
    assert_eq!((undeclared[0].0, undeclared[0].1), ("multiple_heads", Severity::Warning));
    assert!(undeclared[0].2.contains("heads = [\"contract\", \"expand\"]"));
    assert!(said(Some(Heads::Count(2))).is_empty());
    assert_eq!(said(Some(Heads::Count(1)))[0].1, Severity::Error);
    assert!(said(labels(&["expand", "contract"])).is_empty());
    assert_eq!(said(labels(&["expand"])).len(), 1, "contract is on no declared branch");
    assert_eq!(said(labels(&["expand", "contract", "third"])).len(), 1, "third has no head");
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .expect("git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with the base on `main`; `on_main` and `on_branch` are written after it.
fn repository(on_main: &[&str], on_branch: &[&str]) -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let versions = root.join("app/migrations/versions");
    std::fs::create_dir_all(&versions).unwrap();
    std::fs::write(root.join("app/alembic.ini"), "[alembic]\nscript_location = migrations\n").unwrap();
    let write = |id: &str, parent: Option<&str>| std::fs::write(versions.join(format!("{id}.py")), revision(id, parent, WORKS)).unwrap();
    write("a1", None);
    on_main.iter().for_each(|id| write(id, Some("a1")));
    git(root, &["init", "-q"]);
    git(root, &["add", "-A"]);
    git(root, &["commit", "-qm", "base"]);
    git(root, &["checkout", "-qb", "feature"]);
    on_branch.iter().for_each(|id| write(id, Some("a1")));
    temporary
}

fn mend_of(repository: &tempfile::TempDir) -> Finding {
    let workspace = open_folder(&repository.path().join("app")).unwrap();
    let expected = workspace.expectations(&Config::default());
    assert!(expected.published.is_some());
    let mut found = judge_project(&workspace.project, &expected, &BTreeMap::new());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn the_unpublished_head_is_re_pointed() {
    // Whichever id comes first in the alphabet, and whether the new file is committed or not.
    for (published, new) in [("b1", "c1"), ("c1", "b1")] {
        let repository = repository(&[published], &[new]);
        for _ in 0..2 {
            let found = mend_of(&repository);
            assert_eq!((found.rule, found.severity), ("multiple_heads", Severity::Error));
            assert_eq!(found.file.as_deref(), Some(format!("migrations/versions/{new}.py").as_str()));
            assert_eq!(found.fix_alembic.as_deref(), Some(format!("down_revision = \"{published}\"").as_str()));
            git(repository.path(), &["add", "-A"]);
            git(repository.path(), &["commit", "--allow-empty", "-qm", "feature"]);
        }
    }
}

#[test]
fn published_heads_are_merged_and_never_re_pointed() {
    let found = mend_of(&repository(&["b1", "c1"], &[]));
    assert!(found.mend.contains("alembic merge -m \"merge b1 and c1\" b1 c1"), "{}", found.mend);
    assert_eq!(found.fix_alembic, None);
}

#[test]
fn without_git_both_mends_are_said() {
    let base = revision("a1", None, WORKS);
    let (left, right) = (revision("b1", Some("a1"), WORKS), revision("c1", Some("a1"), WORKS));
    let found = judged(&[("a1.py", &base), ("b1.py", &left), ("c1.py", &right)], &Expectations::default());
    assert!(found[0].mend.contains("alembic merge") && found[0].mend.contains("git could not say"), "{}", found[0].mend);
}

#[test]
fn a_secret_of_a_revision_stands_in_no_finding() {
    for (line, secret) in [
        ("PASSWORD = 'correct-horse'", "correct-horse"),
        ("op.execute(\"ALTER ROLE app PASSWORD 'correct-horse'\")", "correct-horse"),
        ("connect(password='correct-horse')", "correct-horse"),
        ("rows = [{'api_key': 'correct-horse'}]", "correct-horse"),
        ("url = f'postgresql://app:correct-horse@{host}/app'", "correct-horse"),
        ("op.execute('''\nUPDATE t SET k = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'\n''')", "ghp_abc"),
        ("op.get_bind().execute(\"SELECT dblink('postgresql://a:correct-horse@h/d')\").fetchall()", "correct-horse"),
        ("raise RuntimeError(\"password='correct-horse'\")", "correct-horse"),
    ] {
        let body: String = line.lines().map(|line| format!("    {line}\n")).collect();
        let text = revision("a1", None, &format!("def upgrade():\n{body}\ndef downgrade():\n{body}"));
        let found = judged(&[("a1.py", &text)], &Expectations::default());
        assert!(found.iter().any(|found| found.rule == "secret_in_revision"), "{line}: {found:?}");
        assert!(!serde_json::to_string(&found).unwrap().contains(secret), "{line}: {found:?}");
    }
    for line in [
        "password = os.environ['PASSWORD']",
        "op.add_column('users', sa.Column('password', sa.Text()))",
        "connect(password=None)",
        "token = ''",
    ] {
        let text = revision("a1", None, &format!("def upgrade():\n    {line}\n"));
        let found = judged(&[("a1.py", &text)], &Expectations::default());
        assert!(!found.iter().any(|found| found.rule == "secret_in_revision"), "{line}: {found:?}");
    }
}

#[test]
fn only_the_range_is_judged_one_by_one() {
    let (base, next) = (
        revision("a1", None, "def upgrade():\n    op.drop_index('x')\n"),
        revision("b1", Some("a1"), "def upgrade():\n    op.drop_index('y')\n"),
    );
    let range = Some(BTreeSet::from(["b1".to_owned()]));
    let found = judged(&[("a1.py", &base), ("b1.py", &next)], &Expectations { range, ..Expectations::default() });
    assert_eq!(found.iter().map(|found| found.revision.as_deref()).collect::<Vec<_>>(), [Some("b1")]);
}
