//! The demonstration: a new user's first command.

use std::process::{Command, Output};

use crate::bridge::{environment, postgresql};

fn demo(python: &str) -> Output {
    let cache = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_alembic-gate")).args(["demo", "--python", python]).env("TMPDIR", cache.path()).output().unwrap()
}

#[test]
fn it_leads_from_plan_to_complete_and_leaves_a_one_way_door_shut() {
    let Some(python) = environment("python-new").filter(|_| postgresql().is_some()) else { return };
    let told = demo(&python.join("bin/python").display().to_string());
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{text}");
    let mut rest = text.as_ref();
    for word in [
        "Apache Airflow",
        "key_without_using_index",
        "1 PLAN",
        "postgresql_concurrently=True",
        "2 GENERATE",
        "pass: wrote migrations/versions/",
        "3 REVIEW_SQL",
        "sql_reviewed true · rollback_tested false",
        "4 TEST_ROLLBACK",
        "SHARE UPDATE EXCLUSIVE on public.orders",
        "sql_reviewed true · rollback_tested true",
        "5 APPLY",
        "is applied to `staging`",
        "the way back: alembic downgrade 0002",
        "6 COMPLETE",
        "phase COMPLETE",
        "7 A one-way door",
        "data_lost",
        "users.nickname",
        "was not applied to `staging`, nothing was sent",
        "closed loss_confirmed_and_backed_up",
    ] {
        let at = rest.find(word).unwrap_or_else(|| panic!("`{word}` is not told, or not here:\n{text}"));
        rest = &rest[at..];
    }
}

#[test]
fn what_is_missing_is_said_with_the_mend() {
    let told = demo("/nowhere/python");
    let text = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(2), "{text}");
    assert!(text.contains("Apache Airflow") && text.contains("cannot be shown here") && text.contains("do: "), "{text}");
}
