//! What a text says a change does, and what autogenerate does not see: pure questions.

use alembic_gate::bridge::EnvSettings;
use alembic_gate::dialect::Dialect;
use alembic_gate::intent::{Deed, Doing, Intent, beside};
use alembic_gate::workshop::autogenerate::unseen;

fn deed(doing: Doing, what: &str, table: &str, name: Option<&str>) -> Deed {
    Deed::new(doing, what, table, name)
}

fn said_against(said: &str, deeds: &[Deed]) -> usize {
    beside(&[Intent::of(said).unwrap()], deeds).unwrap().len()
}

#[test]
fn a_drop_that_nobody_speaks_of_is_beside_the_intent() {
    let column = deed(Doing::Add, "column", "users", Some("email"));
    let gone = deed(Doing::Drop, "table", "payments", None);
    assert_eq!(said_against("add_user_email", &[column.clone(), gone.clone()]), 1);
    assert_eq!(said_against("add user email", std::slice::from_ref(&column)), 0);
    assert_eq!(said_against("drop legacy payments table", std::slice::from_ref(&gone)), 0);
    assert_eq!(said_against("drop legacy payments table", &[gone, deed(Doing::Drop, "column", "users", Some("phone"))]), 1);
    assert_eq!(said_against("dropped unused columns of invoices", &[deed(Doing::Drop, "column", "invoices", Some("note"))]), 0);
}

#[test]
fn what_replaces_may_drop_and_parts_go_with_the_whole() {
    let gone = deed(Doing::Drop, "column", "users", Some("name"));
    let comes = deed(Doing::Add, "column", "users", Some("full_name"));
    assert_eq!(said_against("Rename users.name", &[gone, comes]), 0);
    let table = deed(Doing::Drop, "table", "sessions", None);
    let index = deed(Doing::Drop, "index", "sessions", Some("ix_sessions_user"));
    assert_eq!(said_against("remove sessions", &[index, table]), 0);
}

#[test]
fn a_text_that_says_nothing_decides_nothing() {
    for said in ["", "update", "fix", "2024-01-15", "wip"] {
        assert_eq!(Intent::of(said), None, "{said}");
    }
    assert!(beside(&[], &[]).is_err());
}

fn env() -> EnvSettings {
    EnvSettings { metadata: Some(vec!["users".to_owned()]), compare_type: true, ..EnvSettings::default() }
}

fn says(alembic: &str, dialect: Dialect, env: &EnvSettings, words: &str) -> bool {
    unseen(alembic, dialect, env).iter().any(|line| line.contains(words))
}

#[test]
fn s_073_compare_type_off_is_said_and_on_is_not() {
    let off = EnvSettings { compare_type: false, ..env() };
    assert!(says("1.20.1", Dialect::Postgresql, &off, "compare_type=False"));
    assert!(!says("1.20.1", Dialect::Postgresql, &env(), "compare_type"));
}

#[test]
fn s_071_it_differs_by_version_and_env_py() {
    for (version, is_unseen) in [("1.18.4", true), ("1.19.1", false), ("1.20.1", true)] {
        assert_eq!(says(version, Dialect::Postgresql, &env(), "named CHECK"), is_unseen, "{version}");
    }
    let plugin = EnvSettings { plugins: vec!["alembic.ext.checkconstraint_byname".to_owned()], ..env() };
    assert!(!says("1.20.1", Dialect::Postgresql, &plugin, "named CHECK"));
    for (version, is_unseen) in [("1.18.4", true), ("1.18.5", false), ("1.20.1", false)] {
        assert_eq!(says(version, Dialect::Mariadb, &env(), "values of ENUM"), is_unseen, "{version}");
    }
    let defaults = EnvSettings { compare_server_default: true, ..env() };
    assert!(!says("1.20.1", Dialect::Postgresql, &defaults, "server defaults"));
    let filtered = EnvSettings { filters: vec!["include_object".to_owned()], ..env() };
    assert!(says("1.20.1", Dialect::Postgresql, &filtered, "`include_object`"));
}

#[test]
fn s_072_s_074_and_s_075_views_indexes_and_sequences_are_named() {
    for words in ["views, functions, triggers", "of an index", "integer sequence"] {
        assert!(says("1.20.1", Dialect::Postgresql, &env(), words), "{words}");
    }
}
