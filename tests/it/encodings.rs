//! What production writes text in: scratch databases write it too, and what was tested in another is no proof.

use alembic_gate::dialect::{Dialect, Encoding, Server, ServerVersion};
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback::{self, Input};
use serde_json::{Value, json};

use crate::apply::{Site, apply, prove, reasons};
use crate::deploy_cases::{EMAIL, USERS};
use crate::scratch::{servers, settings};

fn tried(dialect: Dialect, (setup, up, down): (&str, &str, &str), production: Value) -> Value {
    let input = Input {
        dialect: Some(dialect),
        setup_sql: Some(setup.to_owned()),
        sql: Some(up.to_owned()),
        downgrade_sql: Some(down.to_owned()),
        rows: Some(10),
        production: (!production.is_null()).then(|| serde_json::from_value(production).unwrap()),
        ..Input::default()
    };
    Value::Object(test_rollback::run(&input, &Call::local(&Settings::default()), None).output)
}

fn has(dialect: Dialect) -> bool {
    servers().iter().any(|server| server.server.dialect == dialect)
}

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, a varchar(20) NOT NULL)";

#[test]
fn text_that_production_cannot_write_is_found_where_it_is_said_what_it_writes() {
    let euro = (T, "ALTER TABLE t ADD COLUMN c text DEFAULT '€'", "ALTER TABLE t DROP COLUMN c");
    if has(Dialect::Postgresql) {
        let plain = tried(Dialect::Postgresql, euro, Value::Null);
        assert_eq!((&plain["outcome"], &plain["engine"]["charset"]), (&json!("ok"), &json!("UTF8")), "{plain:#}");
        let latin = tried(Dialect::Postgresql, euro, json!({ "dialect": "postgresql", "charset": "latin-1" }));
        assert_eq!(latin["engine"]["charset"], "LATIN1", "{latin:#}");
        assert_eq!((&latin["outcome"], &latin["failure"]["sqlstate"]), (&json!("upgrade_fails"), &json!("22P05")), "{latin:#}");
        let unknown = tried(Dialect::Postgresql, euro, json!({ "dialect": "postgresql", "charset": "klingon" }));
        assert_eq!(unknown["error"]["code"], "scratch", "{unknown:#}");
        assert!(unknown["error"]["hint"].as_str().unwrap().contains("`charset`"), "{unknown:#}");
        let strange = tried(Dialect::Postgresql, euro, json!({ "dialect": "postgresql", "charset": "x'; DROP DATABASE y; --" }));
        assert!(strange["error"]["message"].as_str().unwrap().contains("no name of a character set"), "{strange:#}");
    }
    if has(Dialect::Mariadb) {
        let plain = tried(Dialect::Mariadb, euro, Value::Null);
        assert_eq!((&plain["outcome"], &plain["engine"]["charset"]), (&json!("ok"), &json!("utf8mb4")), "{plain:#}");
        let said = json!({ "dialect": "mariadb", "charset": "latin2", "collation": "latin2_bin" });
        let latin = tried(Dialect::Mariadb, euro, said);
        assert_eq!((&latin["engine"]["charset"], &latin["engine"]["collation"]), (&json!("latin2"), &json!("latin2_bin")), "{latin:#}");
        assert_eq!((&latin["outcome"], &latin["parity"]["ok"]), (&json!("upgrade_fails"), &json!(true)), "{latin:#}");
    }
}

/// Rows hold letters of all that the column can write, so that a smaller character set is found out.
#[test]
fn a_conversion_that_loses_letters_fails_on_made_up_rows_and_one_that_widens_does_not() {
    if !has(Dialect::Mariadb) {
        return;
    }
    let to = |charset: &str| format!("ALTER TABLE t CONVERT TO CHARACTER SET {charset}");
    for (from, into, outcome) in [
        ("utf8mb4", "latin1", "upgrade_fails"),
        ("utf8mb4", "utf8mb3", "upgrade_fails"),
        ("utf8mb3", "latin1", "upgrade_fails"),
        ("utf8mb3", "utf8mb4", "ok"),
        ("latin1", "utf8mb4", "ok"),
        ("cp1251", "utf8mb4", "ok"),
        ("ascii", "utf8mb4", "ok"),
    ] {
        let table = format!("CREATE TABLE t (id int PRIMARY KEY, a varchar(20) NOT NULL) CHARACTER SET {from}");
        let answer = tried(Dialect::Mariadb, (&table, &to(into), &to(from)), Value::Null);
        assert_eq!(answer["outcome"], outcome, "{from} to {into}: {answer:#}");
    }
}

#[test]
fn a_template_of_one_character_set_is_none_of_another() {
    for server in servers().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let names = if server.server.dialect == Dialect::Postgresql { ["UTF8", "LATIN2"] } else { ["utf8mb4", "latin2"] };
        let found = names.map(|name| {
            let encoding = Encoding { charset: Some(name.to_owned()), collation: None };
            let server = server.clone().writing(encoding).unwrap();
            let template = ScratchDatabase::create(&server).unwrap().keep_as_template("the same digest").unwrap();
            let database = ScratchDatabase::from_template(&server, &template).unwrap();
            // As each database of ours: the role of migrations owns it, and may make what stays inside.
            database.connect().unwrap().execute("CREATE TABLE t (a int)").unwrap();
            database.connect_admin().unwrap().encoding().unwrap().charset.unwrap()
        });
        assert_eq!(found, names);
    }
}

/// S-025: parity counts what text is written in, where somebody says it.
#[test]
fn s_025_an_environment_that_writes_otherwise_than_was_tested_is_refused() {
    let version = ServerVersion::new(18, 0);
    let Ok(server) = ScratchServer::start(Server { dialect: Dialect::Postgresql, version }, &settings()) else { return };
    let latin = Encoding { charset: Some("LATIN1".to_owned()), collation: None };
    let site = Site::new(&server.clone().writing(latin).unwrap(), &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let toml = std::fs::read_to_string(site.shop.path().join("alembic-gate.toml")).unwrap();
    let said = |charset: &str| {
        let server = format!("server = {{ dialect = \"postgresql\", version = \"{}\"{charset} }}", server.server.version);
        site.shop.write("alembic-gate.toml", &format!("{toml}{server}\n"));
    };
    said(", charset = \"UTF8\"");
    let dump = site.shop.dump();
    let mut client = site.client(true);
    prove(&mut client, "create_users");
    let answer = apply(&mut client, "staging");
    assert_eq!(reasons(&answer), ["parity_missing"], "{answer:#}");
    assert!(answer["mend"].as_str().unwrap().contains("LATIN1") && site.shop.dump() == dump, "{answer:#}");
    said(", charset = \"LATIN1\"");
    let answer = apply(&mut client, "staging");
    assert!(reasons(&answer).contains(&"rollback_not_tested"), "what was tested in UTF8 is no proof: {answer:#}");
    prove(&mut client, "create_users");
    let answer = apply(&mut client, "staging");
    assert_eq!((&answer["applied"], site.shop.version().as_deref()), (&json!(true), Some("add_user_email")), "{answer:#}");

    let site =
        Site::new(&server.clone().writing(Encoding { charset: Some("LATIN1".to_owned()), collation: None }).unwrap(), &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let mut client = site.client(true);
    prove(&mut client, "create_users");
    let answer = apply(&mut client, "staging");
    assert_eq!(answer["applied"], true, "{answer:#}");
    assert!(answer["notes"].to_string().contains("LATIN1"), "where nobody says it, it is noted: {answer:#}");
}
