//! Five walks over MCP as an agent takes them: plan, write the files, review, classify, test, apply with apply off. Each is of another kind:
//! recipe, dialect, trouble. Six calls and eight thousand tokens are enough, and whoever lost everything after any of them goes on.

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call};
use crate::deploy_cases::{Revision, engines_of};
use crate::lifecycle_whole::TEMPLATE;
use crate::mcp_client::Client;

/// Eight thousand tokens of four characters, for a plan of up to two revisions.
const MOST: usize = 32_000;
/// A plan of three or four revisions has twenty statements and more either way, and bodies to write.
const MOST_OF_MANY: usize = 42_000;
/// Another type where each statement commits: five revisions.
const MOST_OF_FIVE: usize = 52_000;
/// The key of a table that others refer to: five revisions, sixty statements.
const MOST_OF_ALL: usize = 88_000;

pub const BASE: &str = "create_shop";

/// A project whose first revision makes these tables, an environment that is there, and rows in it.
pub fn site(dialect: Dialect, tables: &[&str], rows: &str) -> Option<Site> {
    let server = engines_of(dialect).pop()?;
    let up = tables.iter().map(|sql| format!("op.execute({sql:?})")).collect::<Vec<_>>().join("\n");
    let base: Revision<'_> = (BASE, &up, "op.execute('SELECT 1')");
    let site = Site::new(&server, &[base]);
    let toml = std::fs::read_to_string(site.shop.path().join("alembic-gate.toml")).unwrap();
    let readable =
        toml.replacen("url_env = \"SHOP_STAGING_URL\"", "url_env = \"SHOP_STAGING_URL\"\nread_url_env = \"SHOP_STAGING_URL\"", 1);
    site.shop.write("alembic-gate.toml", &readable);
    site.shop.bring_to(BASE);
    if !rows.is_empty() {
        site.shop.connect().execute(rows).unwrap();
    }
    Some(site)
}

/// Writes the revisions of a plan behind the base, as an agent copies them.
pub fn write(site: &Site, plan: &Value) -> Vec<String> {
    let mut below = format!("'{BASE}'");
    let mut names = Vec::new();
    for one in plan["revisions"].as_array().unwrap() {
        let name = one["name"].as_str().unwrap();
        let body = |part: &str| {
            one[part]
                .as_str()
                .unwrap()
                .lines()
                .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") })
                .collect::<String>()
        };
        let text = format!(
            "\"\"\"{}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = '{name}'\ndown_revision = {below}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
            name.replace('_', " "),
            body("upgrade"),
            body("downgrade")
        );
        site.shop.write(&format!("migrations/versions/{name}.py"), &text);
        below = format!("'{name}'");
        names.push(name.to_owned());
    }
    names
}

/// A client that knows nothing goes on from the block, from the disk, from neither.
fn resumed(site: &Site, last: &Value) {
    let mut fresh = site.client(false);
    let state = &last["state"];
    for way in [json!({ "state_block": last["state_block"] }), json!({ "migration_id": state["migration_id"] }), json!({})] {
        let status = call(&mut fresh, "migration_status", way.clone());
        for field in ["phase", "migration_name", "sql_reviewed", "rollback_tested"] {
            assert_eq!(state[field], status["state"][field], "{field} ({way}): {status:#}");
        }
    }
}

/// What was answered: plan, review, risk, trip, apply.
struct Walk {
    plan: Value,
    review: Value,
    risk: Value,
    trip: Value,
    apply: Value,
}

/// `seed`: rows of the agent's own, where a plan wants more of them than that they are there. `most`: characters of all answers.
fn walk(site: &Site, wish: Value, seed: &str, most: usize) -> Walk {
    let mut agent = site.client(false);
    let mut spent = 0;
    let mut ask = |agent: &mut Client, tool: &str, arguments: Value| {
        let answer = call(agent, tool, arguments);
        assert!(answer.to_string().chars().count() <= 20_000, "{tool}: {answer:#}");
        spent += answer.to_string().chars().count();
        println!("{tool}: {} characters", answer.to_string().chars().count());
        answer
    };
    let mut plan = ask(&mut agent, "plan_migration", wish);
    assert!(["pass", "warn"].contains(&plan["verdict"].as_str().unwrap()), "{plan:#}");
    // What was cut off is fetched by the call that the answer names.
    let mut last = plan.clone();
    while !last["truncated"].is_null() {
        last = ask(&mut agent, "plan_migration", last["truncated"]["args"].clone());
        let more = last["revisions"].as_array().unwrap().clone();
        plan["revisions"].as_array_mut().unwrap().extend(more);
    }
    resumed(site, &plan);
    write(site, &plan);
    let range = json!({ "from": BASE, "migration_id": plan["state"]["migration_id"] });
    let review = ask(&mut agent, "review_sql", range.clone());
    assert!(["pass", "warn"].contains(&review["verdict"].as_str().unwrap()), "{review:#}");
    resumed(site, &review);
    let risk = ask(&mut agent, "classify_risk", json!({ "from": BASE }));
    let mut asked = range;
    if !seed.is_empty() {
        asked["seed_sql"] = json!(seed);
    }
    let trip = ask(&mut agent, "test_rollback", asked);
    resumed(site, &trip);
    let apply = ask(&mut agent, "apply_migration", json!({ "environment": "staging" }));
    assert_eq!((&apply["verdict"], &apply["applied"]), (&json!("blocked"), &json!(false)), "{apply:#}");
    assert!(apply["reasons"].to_string().contains("apply_disabled"), "{apply:#}");
    println!("{spent} characters in five answers");
    assert!(spent <= most, "{spent} characters");
    assert_eq!(site.shop.version().as_deref(), Some(BASE), "nothing was applied");
    Walk { plan, review, risk, trip, apply }
}

fn names(plan: &Value) -> Vec<&str> {
    plan["revisions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn returned(walk: &Walk) {
    assert!(["ok", "order_changed"].contains(&walk.trip["outcome"].as_str().unwrap()), "{:#}", walk.trip);
    assert_eq!(walk.trip["state"]["rollback_tested"], true, "{:#}", walk.trip);
    assert_eq!(walk.review["state"]["sql_reviewed"], true, "{:#}", walk.review);
    assert!(!walk.apply["commands"].as_array().unwrap().is_empty(), "{:#}", walk.apply);
}

#[test]
fn walk_4_a_column_gets_another_name_on_postgresql() {
    let tables = ["CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80) NOT NULL)", "CREATE INDEX ix_users_name ON users (name)"];
    let Some(site) = site(Dialect::Postgresql, &tables, "INSERT INTO users VALUES (1, 'ada')") else { return };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name" }], "table_stats": { "users": { "rows": 2e6, "bytes": 1.4e9 } } }),
        "",
        MOST_OF_MANY,
    );
    assert_eq!(names(&walk.plan), ["add_users_full_name", "backfill_users_full_name", "enforce_users_full_name", "drop_users_name"]);
    returned(&walk);
}

#[test]
fn walk_5_a_column_that_code_still_names_goes() {
    let tables = ["CREATE TABLE users (id bigint PRIMARY KEY, name text, phone text)"];
    let Some(site) = site(Dialect::Postgresql, &tables, "INSERT INTO users VALUES (1, 'ada', '1')") else { return };
    site.shop.write("app/report.py", "QUERY = 'SELECT phone FROM users'\n");
    let mut agent = site.client(false);
    let wish = json!({ "changes": [{ "kind": "drop_column", "table": "users", "column": "phone" }] });
    let plan = call(&mut agent, "plan_migration", wish.clone());
    assert!(plan["notes"].to_string().contains("app/report.py:1"), "{plan:#}");
    write(&site, &plan);
    let review = call(&mut agent, "review_sql", json!({ "from": BASE }));
    assert_eq!(review["verdict"], "blocked", "{review:#}");
    assert!(review["findings"].to_string().contains("dropped_column_in_use"), "{review:#}");
    // The agent takes it out of the code, and begins anew.
    site.shop.write("app/report.py", "QUERY = 'SELECT name FROM users'\n");
    for name in names(&plan) {
        std::fs::remove_file(site.shop.path().join(format!("migrations/versions/{name}.py"))).unwrap();
    }
    let walk = walk(&site, wish, "", MOST);
    assert_eq!(walk.risk["data_loss_risk"], "high", "{:#}", walk.risk);
    returned(&walk);
}

#[test]
fn walk_6_columns_move_to_a_table_of_their_own() {
    let tables = ["CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, street varchar(80), city text)"];
    let Some(site) = site(Dialect::Postgresql, &tables, "INSERT INTO users VALUES (1, 'ada', 'a', 'b')") else { return };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "split_table", "table": "users", "into": "addresses", "columns": ["street", "city"] }], "table_stats": { "users": { "rows": 2e6, "bytes": 1.4e9 } } }),
        "",
        MOST_OF_MANY,
    );
    assert_eq!(names(&walk.plan), ["split_users_into_addresses", "backfill_addresses_from_users", "drop_users_street_city"]);
    returned(&walk);
}

#[test]
fn walk_7_a_value_of_an_enum_goes() {
    let tables = [
        "CREATE TYPE status AS ENUM ('new', 'paid', 'void')",
        "CREATE TABLE orders (id bigint PRIMARY KEY, state status NOT NULL DEFAULT 'new')",
    ];
    let Some(site) = site(Dialect::Postgresql, &tables, "INSERT INTO orders VALUES (1, 'void')") else { return };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "remove_enum_value", "type": "status", "value": "void", "replacement": "paid" }] }),
        "",
        MOST_OF_MANY,
    );
    assert_eq!(names(&walk.plan), ["archive_status_void", "move_status_void_to_paid", "remove_status_value_void"]);
    returned(&walk);
}

#[test]
fn walk_8_a_foreign_key_on_sqlite() {
    let tables = ["CREATE TABLE customers (id INTEGER PRIMARY KEY)", "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER)"];
    let Some(site) = site(Dialect::Sqlite, &tables, "INSERT INTO customers VALUES (1); INSERT INTO orders VALUES (1, 1)") else { return };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "add_constraint", "table": "orders", "columns": ["customer_id"], "references": "customers(id)" }] }),
        "INSERT INTO customers VALUES (1), (2); INSERT INTO orders VALUES (1, 1), (2, NULL)",
        MOST,
    );
    assert_eq!(names(&walk.plan), ["add_orders_customer_id_foreign_key"]);
    assert!(walk.plan["revisions"][0]["upgrade"].as_str().unwrap().contains("batch_alter_table"), "{:#}", walk.plan);
    returned(&walk);
}

#[test]
fn walk_9_another_type_on_mariadb() {
    let tables = ["CREATE TABLE orders (id bigint PRIMARY KEY, amount int NOT NULL DEFAULT 0, KEY ix_orders_amount (amount))"];
    let Some(site) = site(Dialect::Mariadb, &tables, "INSERT INTO orders VALUES (1, 5)") else { return };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "alter_column_type", "table": "orders", "column": "amount", "type": "decimal(12,2)" }], "table_stats": { "orders": { "rows": 8e6, "bytes": 6e9 } } }),
        "",
        MOST_OF_FIVE,
    );
    assert_eq!(names(&walk.plan).len(), 5, "{:#}", walk.plan);
    returned(&walk);
}

#[test]
fn walk_10_keys_run_out_on_postgresql() {
    let tables = [
        "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL)",
        "CREATE TABLE orders (id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id))",
        "CREATE INDEX ix_orders_user_id ON orders (user_id)",
    ];
    let Some(site) = site(Dialect::Postgresql, &tables, "INSERT INTO users (name) VALUES ('ada'); INSERT INTO orders (user_id) VALUES (1)")
    else {
        return;
    };
    let walk = walk(
        &site,
        json!({ "changes": [{ "kind": "alter_column_type", "table": "users", "column": "id", "type": "bigint" }], "table_stats": { "users": { "rows": 2e9, "bytes": 1.4e11 }, "orders": { "rows": 3e9, "bytes": 2e11 } } }),
        "",
        MOST_OF_ALL,
    );
    assert!(names(&walk.plan).len() >= 3, "{:#}", walk.plan);
    returned(&walk);
}

#[test]
fn a_revision_of_a_plan_on_record_is_made_by_its_name() {
    let tables = ["CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, street varchar(80), city text)"];
    let Some(site) = site(Dialect::Postgresql, &tables, "") else { return };
    site.shop.write("migrations/script.py.mako", TEMPLATE);
    let wish = json!({ "changes": [{ "kind": "split_table", "table": "users", "into": "addresses", "columns": ["street", "city"] }] });
    let plan = call(&mut site.client(false), "plan_migration", wish);
    let id = plan["state"]["migration_id"].clone();
    // An agent that knows the id alone: the bodies are on record.
    let mut fresh = site.client(false);
    let status = call(&mut fresh, "migration_status", json!({ "migration_id": id }));
    let next = &status["next"][0];
    assert_eq!(next["tool"], "generate_migration", "{status:#}");
    assert_eq!(next["args"]["step"], json!({ "name": "split_users_into_addresses" }), "{next:#}");
    let made = call(&mut fresh, "generate_migration", next["args"].clone());
    let text = std::fs::read_to_string(site.shop.path().join(made["file"].as_str().unwrap())).unwrap();
    for part in ["upgrade", "downgrade"] {
        for line in plan["revisions"][0][part].as_str().unwrap().lines() {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
    // The others as well, though the migration has begun; and no other.
    let second = json!({
        "mode": "step",
        "migration_name": "fill_addresses",
        "step": { "name": plan["revisions"][1]["name"] },
        "migration_id": made["state"]["migration_id"],
    });
    assert_eq!(call(&mut fresh, "generate_migration", second)["differs_from_intent"], json!([]));
    let unknown = json!({ "mode": "step", "step": { "name": "drop_all_tables" }, "migration_id": id });
    let mut refusal = |arguments: Value| fresh.call("generate_migration", arguments)["structuredContent"].clone();
    let refused = refusal(unknown);
    assert_eq!(refused["verdict"], "failed");
    assert!(refused["error"]["message"].as_str().unwrap().contains("split_users_into_addresses"), "{refused:#}");
    let half = json!({ "mode": "step", "step": { "name": "split_users_into_addresses", "upgrade": "pass" } });
    assert_eq!(refusal(half)["verdict"], "failed");
}
