//! The tables of recoveries, a test a row, named by its number in the requirements (S-143 … S-165): the trouble is made on a real database,
//! and each test looks at its row. What differs by dialect stands in `recovery`, S-150 and S-157 too.

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::recovery::{FAILS, Revision, SHOP, Site, USERS, plan};

/// A column, an index and a view that somebody made by hand, and a table that only the models have.
fn drift() -> Option<Value> {
    let models = format!("{SHOP}sa.Table('teams', metadata, sa.Column('id', sa.Integer, primary_key=True))\n");
    let site = Site::of(Dialect::Sqlite, &models, &[USERS])?;
    site.upgrade("head");
    site.sql("ALTER TABLE users ADD COLUMN nickname varchar(30)");
    site.sql("CREATE INDEX ix_users_nickname ON users (nickname)");
    Some(site.status())
}

fn item<'a>(answer: &'a Value, part: &str) -> &'a Value {
    let items = answer["drift"]["items"].as_array().unwrap();
    items.iter().find(|item| item["object"].as_str().unwrap().contains(part)).unwrap_or_else(|| panic!("{part}: {answer:#}"))
}

#[test]
fn s_143_drift_is_recognised() {
    let Some(answer) = drift() else { return };
    assert_eq!(answer["recovery"], "drift", "{answer:#}");
}

#[test]
fn s_144_the_chain_is_shown() {
    let Some(answer) = drift() else { return };
    assert_eq!(
        (&answer["chain"]["heads"], &answer["chain"]["length"], &answer["chain"]["linear"]),
        (&json!(["r040"]), &json!(1), &json!(true)),
        "{answer:#}"
    );
}

#[test]
fn s_145_the_revision_of_the_database_is_shown() {
    let Some(answer) = drift() else { return };
    assert_eq!(answer["current_revision"], "r040", "{answer:#}");
}

#[test]
fn s_146_database_and_models_are_compared_object_by_object() {
    let Some(answer) = drift() else { return };
    let column = item(&answer, "nickname");
    assert!(column["database"].is_string() && column["model"].is_null(), "{column:#}");
    let table = item(&answer, "teams");
    assert!(table["database"].is_null() && table["kind"] == "add_table", "{table:#}");
}

#[test]
fn s_147_the_source_of_each_is_named() {
    let Some(answer) = drift() else { return };
    assert_eq!(
        (&item(&answer, "nickname")["source"], &item(&answer, "teams")["source"]),
        (&json!("hotfix"), &json!("model_change")),
        "{answer:#}"
    );
    assert!(
        answer["drift"]["items"].as_array().unwrap().iter().all(|item| !item["likely_cause"].as_str().unwrap().is_empty()),
        "{answer:#}"
    );
}

#[test]
fn s_148_what_was_meant_becomes_a_revision_that_does_nothing_where_it_is() {
    let Some(answer) = drift() else { return };
    let formalise = plan(&answer, "formalise");
    assert_eq!(formalise["proven"], true, "{answer:#}");
    let draft = &formalise["revision"];
    assert!(
        draft["upgrade"].as_str().unwrap().contains("if ") && draft["downgrade"].as_str().unwrap().contains("DROP COLUMN"),
        "{draft:#}"
    );
}

#[test]
fn s_149_what_was_not_meant_can_go_either_way_and_people_choose() {
    let Some(answer) = drift() else { return };
    assert_eq!((&plan(&answer, "formalise")["proven"], &plan(&answer, "align")["proven"]), (&json!(true), &json!(true)), "{answer:#}");
    assert!(answer["next"].as_array().unwrap().iter().all(|next| next["tool"] != "apply_migration"), "{answer:#}");
}

/// The third walk: a column, an index outside of the transaction, then a failure.
fn half() -> Option<Value> {
    let site = Site::of(Dialect::Postgresql, SHOP, &[USERS, FAILS])?;
    site.upgrade("r040");
    site.upgrade_fails("head");
    Some(site.status())
}

#[test]
fn s_151_a_migration_that_stopped_half_way_is_recognised() {
    let Some(answer) = half() else { return };
    assert_eq!((&answer["recovery"], &answer["verdict"]), (&json!("half_applied"), &json!("blocked")), "{answer:#}");
}

#[test]
fn s_152_the_pointer_is_shown() {
    let Some(answer) = half() else { return };
    assert_eq!(answer["current_revision"], "r040", "{answer:#}");
}

#[test]
fn s_153_what_was_applied_is_told_by_statement() {
    let Some(answer) = half() else { return };
    assert_eq!(answer["applied_statements"], json!([1, 2]), "{answer:#}");
    let statements = answer["half_applied"]["statements"].as_array().unwrap();
    assert_eq!(statements.len(), 3, "{answer:#}");
}

#[test]
fn s_154_the_way_back_is_given_in_order() {
    let Some(answer) = half() else { return };
    let reverse: Vec<&str> = answer["reverse_sql"].as_array().unwrap().iter().map(|sql| sql.as_str().unwrap()).collect();
    assert!(reverse.len() == 2 && reverse[0].contains("DROP INDEX") && reverse[1].contains("DROP COLUMN"), "{answer:#}");
    assert_eq!(plan(&answer, "back")["proven"], true, "{answer:#}");
}

#[test]
fn s_155_no_stamp_where_the_pointer_is_right() {
    let Some(answer) = half() else { return };
    assert_eq!(answer["stamp"]["command"], Value::Null, "{answer:#}");
    assert!(!answer.to_string().contains("alembic stamp"), "{answer:#}");
}

/// S-156: where a guard is all that the file needs, the patched file runs on the database as it is.
#[test]
fn s_156_a_change_of_the_file_is_proposed() {
    let fails: Revision<'_> = (
        "r041",
        "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.create_index('uq_users_email', 'users', ['email'], unique=True)",
        "op.drop_index('uq_users_email', 'users')\nop.drop_column('users', 'phone')",
    );
    let Some(site) = Site::of(Dialect::Mariadb, SHOP, &[USERS, fails]) else { return };
    site.upgrade("r040");
    site.sql("INSERT INTO users (id, email) VALUES (1, 'a@b.c'), (2, 'a@b.c')");
    site.upgrade_fails("head");
    let answer = site.status();
    let forward = plan(&answer, "forward");
    let proposed =
        forward["patch"].is_string() || !forward["sql"].as_array().map_or(&[][..], Vec::as_slice).is_empty() || !forward["mind"].is_null();
    assert!(proposed, "{answer:#}");
    assert!(forward.to_string().contains("uq_users_email"), "what is left is named: {answer:#}");
}

#[test]
fn s_158_no_upgrade_is_offered_before_it_is_mended() {
    let Some(answer) = half() else { return };
    assert!(!answer.to_string().contains("upgrade head"), "{answer:#}");
    assert!(answer["next"].as_array().unwrap().iter().all(|next| next["tool"] != "apply_migration"), "{answer:#}");
}

/// A way back that a view stands in front of, on an environment that has the revision.
fn stuck() -> Option<(Site, Value)> {
    let fails: Revision<'_> = (
        "r041",
        "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.execute('CREATE VIEW phones AS SELECT id, phone FROM users')",
        "op.drop_column('users', 'phone')",
    );
    let site = Site::of(Dialect::Postgresql, SHOP, &[USERS, fails])?;
    let answer = site.call("test_rollback", &json!({ "from": "r040", "to": "r041", "applied_on": ["staging"] }));
    Some((site, answer))
}

#[test]
fn s_159_a_failing_downgrade_is_recognised() {
    let Some((_site, answer)) = stuck() else { return };
    assert_eq!((&answer["recovery"], &answer["outcome"]), (&json!("downgrade_failed"), &json!("downgrade_fails")), "{answer:#}");
}

#[test]
fn s_160_the_error_is_read() {
    let Some((_site, answer)) = stuck() else { return };
    let failure = &answer["failure"];
    assert_eq!((&failure["sqlstate"], &failure["revision"]), (&json!("2BP01"), &json!("r041")), "{failure:#}");
    assert!(failure["sql"].as_str().unwrap().contains("DROP COLUMN") && failure["line"].as_u64().unwrap() > 1, "{failure:#}");
}

#[test]
fn s_161_what_depends_on_it_is_listed() {
    let Some((_site, answer)) = stuck() else { return };
    assert!(answer["failure"]["dependents"].to_string().contains("phones"), "{answer:#}");
}

#[test]
fn s_162_s_163_the_patch_can_be_applied_and_what_it_makes_was_tested() {
    let Some((site, answer)) = stuck() else { return };
    let patch = answer["patch"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
    assert!(patch.contains("DROP VIEW"), "dependents go first: {patch}");
    let copy = tempfile::TempDir::new().unwrap();
    let run =
        |program: &str, arguments: &[&str]| std::process::Command::new(program).args(arguments).current_dir(copy.path()).output().unwrap();
    let from = format!("{}/.", site.path().display());
    assert!(run("cp", &["-a", &from, "."]).status.success());
    std::fs::write(copy.path().join("mend.patch"), patch).unwrap();
    let applied = run("git", &["apply", "mend.patch"]);
    assert!(applied.status.success(), "S-162: {}", String::from_utf8_lossy(&applied.stderr));
    let asked = json!({ "project": copy.path(), "from": "r040", "to": "r041" }).to_string();
    let again = run(env!("CARGO_BIN_EXE_alembic-gate"), &["call", "test_rollback", "--args", &asked]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["outcome"], "ok", "S-163: {again:#}");
}

#[test]
fn s_164_where_others_have_it_a_way_back_by_hand_is_drafted() {
    let Some((_site, answer)) = stuck() else { return };
    let manual = &answer["manual_rollback"];
    assert_eq!((&manual["environments"], &manual["proven"]), (&json!(["staging"]), &json!(true)), "{answer:#}");
    let steps: Vec<&str> = manual["steps"].as_array().unwrap().iter().map(|step| step["sql"].as_str().unwrap()).collect();
    assert!(steps[0].contains("DROP VIEW") && steps[1].contains("DROP COLUMN"), "{answer:#}");
}

#[test]
fn s_165_its_steps_are_a_document_before_anybody_runs_one() {
    let Some((site, answer)) = stuck() else { return };
    let manual = &answer["manual_rollback"];
    assert_eq!(manual["approval_required"], true, "{answer:#}");
    let text = std::fs::read_to_string(site.path().join(manual["file"].as_str().unwrap())).unwrap();
    assert!(text.contains("DRAFT, not approved") && text.contains(manual["digest"].as_str().unwrap()), "{text}");
    assert!(
        manual["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| text.contains(step["sql"].as_str().unwrap()) && !step["check"].as_str().unwrap().is_empty()),
        "{text}"
    );
}

#[test]
fn a_foreign_key_in_the_way_is_named_on_mariadb() {
    let tables: Revision<'_> = (
        "r041",
        "op.execute('CREATE TABLE teams (id int PRIMARY KEY)')\nop.execute('CREATE TABLE members (id int PRIMARY KEY, team int)')",
        "op.drop_table('members')\nop.drop_table('teams')",
    );
    let key = "op.create_index('ix_members_team', 'members', ['team'])\nop.create_foreign_key('fk_members_team', 'members', 'teams', ['team'], ['id'])";
    for (code, down) in [
        ("1553", "op.drop_index('ix_members_team', 'members')\nop.drop_constraint('fk_members_team', 'members', type_='foreignkey')"),
        (
            "1451",
            "op.drop_table('teams')\nop.execute('CREATE TABLE teams (id int PRIMARY KEY)')\nop.drop_index('ix_members_team', 'members')",
        ),
    ] {
        let Some(site) = Site::of(Dialect::Mariadb, SHOP, &[USERS, tables, ("r042", key, down)]) else { return };
        let answer = site.call("test_rollback", &json!({ "from": "r041", "to": "r042" }));
        assert_eq!((&answer["outcome"], &answer["failure"]["sqlstate"]), (&json!("downgrade_fails"), &json!(code)), "{answer:#}");
        assert_eq!(answer["failure"]["dependents"], json!(["constraint fk_members_team on table members"]), "{answer:#}");
        if code == "1553" {
            let patch = answer["patch"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
            assert!(patch.contains("fk_members_team"), "{patch}");
        }
    }
    // The upgrade too: nothing is tried in front of it, and what stands in its way is said.
    let Some(site) =
        Site::of(Dialect::Mariadb, SHOP, &[USERS, tables, ("r042", key, down_of_key()), ("r043", "op.drop_table('teams')", "pass")])
    else {
        return;
    };
    let answer = site.call("test_rollback", &json!({ "from": "r042", "to": "r043" }));
    assert_eq!(answer["failure"]["dependents"], json!(["constraint fk_members_team on table members"]), "{answer:#}");
    assert!(answer["recovery"].as_str().unwrap().contains("dependents"), "{answer:#}");
}

const fn down_of_key() -> &'static str {
    "op.drop_constraint('fk_members_team', 'members', type_='foreignkey')\nop.drop_index('ix_members_team', 'members')"
}
