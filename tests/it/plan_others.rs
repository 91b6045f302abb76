//! `plan_migration` on MariaDB and SQLite: what their naive DDL means, what they refuse, and the way round it.

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::plan_migration;
use serde_json::{Value, json};

const SHOP: &str = "CREATE TABLE users (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x', nick varchar(40));
CREATE TABLE orders (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id int unsigned NOT NULL, status varchar(20), CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id), KEY ix_orders_status (status));
CREATE TABLE audit (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id int);
CREATE TABLE items (order_id int unsigned NOT NULL, line int NOT NULL, sku int NOT NULL, PRIMARY KEY (order_id, line));";

fn planned(dialect: &str, setup: &str, wish: Value) -> Value {
    let mut arguments = json!({ "dialect": dialect, "setup_sql": setup });
    arguments.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let settings = Settings::default();
    Value::Object((plan_migration::TOOL.call)(arguments, &Call::local(&settings)).output)
}

fn shop(wish: Value) -> Value {
    planned("mariadb", SHOP, wish)
}

fn names(output: &Value) -> Vec<&str> {
    output["revisions"].as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap()).collect()
}

fn upgrade(output: &Value) -> &str {
    output["revisions"][0]["upgrade"].as_str().unwrap_or_else(|| panic!("{output:#}"))
}

#[test]
fn modify_and_change_are_read_for_what_they_change() {
    let required = shop(json!({ "sql": "ALTER TABLE users MODIFY nick varchar(40) NOT NULL" }));
    assert_eq!(names(&required), ["enforce_users_nick_not_null"], "{required:#}");
    assert!(required["open_questions"][0].as_str().unwrap().contains("fill"), "{required:#}");
    let renamed = shop(json!({ "sql": "ALTER TABLE users CHANGE COLUMN nick nickname varchar(40)" }));
    assert_eq!(names(&renamed), ["add_users_nickname", "backfill_users_nickname", "drop_users_nick"], "{renamed:#}");
    // Two things at once are not taken for one.
    let both = shop(json!({ "sql": "ALTER TABLE users CHANGE COLUMN nick nickname varchar(90)" }));
    assert_eq!(both["reasons"], json!(["no_safe_plan"]), "{both:#}");
}

#[test]
fn the_clauses_stand_where_mariadb_takes_them() {
    let dropped = shop(json!({ "changes": [{ "kind": "drop_index", "table": "orders", "name": "ix_orders_status" }] }));
    assert!(upgrade(&dropped).contains("ALTER TABLE orders DROP INDEX ix_orders_status, ALGORITHM="), "{dropped:#}");
}

#[test]
fn a_column_comes_back_where_it_stood() {
    let dropped = shop(json!({ "changes": [{ "kind": "drop_column", "table": "users", "column": "name" }] }));
    let last = dropped["revisions"].as_array().unwrap().last().unwrap()["downgrade"].as_str().unwrap();
    assert!(last.contains("AFTER id"), "{last}");
}

#[test]
fn a_primary_key_is_exchanged_in_one_statement() {
    let key = shop(json!({ "sql": "ALTER TABLE items DROP PRIMARY KEY, ADD PRIMARY KEY (order_id, sku, line)" }));
    assert!(upgrade(&key).contains("ALGORITHM=INPLACE, LOCK=NONE"), "{key:#}");
    assert!(key["revisions"][0]["downgrade"].as_str().unwrap().contains("DROP PRIMARY KEY, ADD PRIMARY KEY (order_id, line)"), "{key:#}");
    let second = shop(json!({ "sql": "ALTER TABLE items ADD PRIMARY KEY (sku)" }));
    assert!(second["summary"].as_str().unwrap().contains("DROP PRIMARY KEY, ADD PRIMARY KEY (sku)"), "{second:#}");
}

#[test]
fn what_a_foreign_key_forbids_names_the_changes_in_front() {
    for (wish, word) in [
        (json!({ "kind": "drop_table", "table": "users" }), "fk_orders_user"),
        (json!({ "kind": "drop_index", "table": "orders", "name": "fk_orders_user" }), "create_index"),
        (json!({ "kind": "add_constraint", "table": "audit", "columns": ["order_id"], "references": "orders(id)" }), "alter_column_type"),
    ] {
        let output = shop(json!({ "changes": [wish] }));
        assert_eq!(output["reasons"], json!(["impossible"]), "{output:#}");
        let summary = output["summary"].as_str().unwrap();
        assert!(summary.contains(word) && summary.contains("in one call"), "{summary}");
        // What is named is taken.
        let front: Vec<Value> = summary
            .split(['[', ']', ';'])
            .flat_map(|part| part.find('{').and_then(|from| part.rfind('}').map(|to| &part[from..=to])))
            .filter_map(|text| serde_json::from_str(text).ok())
            .take(1)
            .collect();
        let changes: Vec<Value> = front.into_iter().chain([wish.clone()]).collect();
        assert_eq!(changes.len(), 2, "{summary}");
        let together = shop(json!({ "changes": changes }));
        assert_eq!(together["reasons"], json!([]), "{wish}: {together:#}");
        assert!(names(&together).len() > 1, "{together:#}");
    }
}

#[test]
fn a_foreign_key_may_go() {
    let gone = shop(json!({ "changes": [{ "kind": "drop_constraint", "table": "orders", "name": "fk_orders_user" }] }));
    assert_eq!(names(&gone), ["drop_fk_orders_user"], "{gone:#}");
    assert!(gone["revisions"][0]["downgrade"].as_str().unwrap().contains("FOREIGN KEY (user_id)"), "{gone:#}");
}

#[test]
fn what_waits_is_offered_with_the_application_stopped() {
    let sql = "CREATE FULLTEXT INDEX ft_users_name ON users (name)";
    let refused = shop(json!({ "sql": sql }));
    assert!(refused["summary"].as_str().unwrap().contains("zero_downtime: false"), "{refused:#}");
    let stopped = shop(json!({ "sql": sql, "zero_downtime": false }));
    assert_eq!(names(&stopped).len(), 1, "{stopped:#}");
}

#[test]
fn a_key_type_is_no_zero_downtime_change_on_mariadb() {
    let setup =
        SHOP.replace("sku int NOT NULL, PRIMARY KEY", "sku int NOT NULL, FOREIGN KEY (order_id) REFERENCES orders (id), PRIMARY KEY");
    let wish = json!([{ "kind": "change_key_type", "table": "orders", "column": "id", "type": "bigint unsigned" }]);
    let waits = planned("mariadb", &setup, json!({ "changes": wish }));
    assert_eq!(waits["verdict"], "blocked", "{waits:#}");
    assert!(waits["notes"].to_string().contains("zero_downtime: false"), "{waits:#}");
    let stopped = planned("mariadb", &setup, json!({ "changes": wish, "zero_downtime": false }));
    assert!(stopped["verdict"] != "blocked" && names(&stopped).len() == 5, "{stopped:#}");
}

#[test]
fn a_backfill_is_no_change_of_the_row() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, a int, seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
        CREATE TABLE log (id int); CREATE TRIGGER t_log AFTER UPDATE ON t FOR EACH ROW INSERT INTO log VALUES (NEW.id)";
    let output = planned("mariadb", setup, json!({ "changes": [{ "kind": "backfill", "table": "t", "column": "a", "value": 1 }] }));
    assert!(upgrade(&output).contains("SET a = 1, seen = seen WHERE"), "{output:#}");
    assert!(output["notes"].to_string().contains("t_log"), "{output:#}");
}

#[test]
fn sqlite_says_what_it_cannot_and_what_it_has_already() {
    let setup = "CREATE TABLE users (id INTEGER PRIMARY KEY, net INTEGER, gross INTEGER AS (net * 2));
        CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)";
    for (wish, reason, word) in [
        (json!({ "kind": "change_key_type", "table": "orders", "column": "id", "type": "bigint" }), "already_made", "64 bits"),
        (json!({ "kind": "drop_column", "table": "users", "column": "net" }), "impossible", "`drop_column` of `gross`"),
        (json!({ "kind": "add_constraint", "table": "orders", "columns": ["user_id"], "primary_key": true }), "impossible", "unique"),
        (json!({ "kind": "drop_table", "table": "users" }), "impossible", "fk_orders_user"),
    ] {
        let output = planned("sqlite", setup, json!({ "changes": [wish] }));
        assert_eq!(output["reasons"], json!([reason]), "{wish}: {output:#}");
        assert!(output["summary"].as_str().unwrap().contains(word), "{wish}: {output:#}");
    }
}

#[test]
fn sqlite_adds_a_column_with_its_foreign_key_in_an_instant() {
    let setup = "CREATE TABLE users (id INTEGER PRIMARY KEY); CREATE TABLE orders (id INTEGER PRIMARY KEY)";
    let wish = json!({ "kind": "add_column", "table": "orders", "column": "user_id", "type": "INTEGER", "references": "users(id)" });
    let output = planned("sqlite", setup, json!({ "changes": [wish] }));
    assert_eq!(names(&output), ["add_orders_user_id"], "{output:#}");
    assert!(upgrade(&output).contains("CONSTRAINT fk_orders_user_id REFERENCES users(id)"), "{output:#}");
}

#[test]
fn a_value_of_a_column_comes_and_goes_by_its_name() {
    let setup = "CREATE TABLE users (id int PRIMARY KEY, state enum('new','active','gone') NOT NULL DEFAULT 'new')";
    let ask = |dialect: &str, setup: &str, rest: Value| {
        let mut change = json!({ "table": "users", "column": "state" });
        change.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        planned(dialect, setup, json!({ "changes": [change] }))
    };
    let added = ask("mariadb", setup, json!({ "kind": "add_enum_value", "value": "banned" }));
    assert_eq!(names(&added).len(), 1, "at the end it is instant: {added:#}");
    assert!(upgrade(&added).contains("enum('new','active','gone','banned') NOT NULL DEFAULT 'new'"), "{added:#}");
    let removed = ask("mariadb", setup, json!({ "kind": "remove_enum_value", "value": "gone", "replacement": "new" }));
    assert_eq!(names(&removed)[0], "backfill_users_state", "rows come first: {removed:#}");
    let asked = ask("mariadb", setup, json!({ "kind": "remove_enum_value", "value": "gone" }));
    assert!(asked["open_questions"].to_string().contains("replacement"), "{asked:#}");
    let naive = planned("mariadb", setup, json!({ "sql": "ALTER TABLE users MODIFY state enum('new','active') NOT NULL DEFAULT 'new'" }));
    assert!(naive["open_questions"].to_string().contains("that have gone"), "{naive:#}");
    let there = ask("mariadb", setup, json!({ "kind": "add_enum_value", "value": "gone" }));
    assert_eq!(there["reasons"], json!(["already_made"]), "{there:#}");
    let near = ask("mariadb", setup, json!({ "kind": "add_enum_value", "value": "x", "after": "old" }));
    assert!(near["summary"].as_str().unwrap().contains("new, active, gone"), "{near:#}");
    let checked = "CREATE TABLE users (id INTEGER PRIMARY KEY, state TEXT, CONSTRAINT ck_state CHECK (state IN ('new', 'it''s')))";
    let wider = ask("sqlite", checked, json!({ "kind": "add_enum_value", "value": "gone" }));
    assert!(wider["revisions"].to_string().contains("'new', 'it''s', 'gone'"), "{wider:#}");
}
