//! An apply that does not come to its end, on real servers: a lock that another holds, a second runner, a connection that is
//! cut, and we ourselves killed. After each of them the answer and `migration_status` say exactly what is true.

use std::time::{Duration, Instant};

use alembic_gate::database::Connection;
use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call, prove};
use crate::deploy_cases::{Revision, USERS, engines_of};
use crate::mcp_client::Client;

const ORDERS: Revision<'static> =
    ("create_orders", "op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('orders')");
const TWO: Revision<'static> = (
    "add_two",
    "op.add_column('users', sa.Column('a', sa.Integer))\nop.add_column('orders', sa.Column('b', sa.Integer))",
    "op.drop_column('orders', 'b')\nop.drop_column('users', 'a')",
);

/// A server, and how it is asked and told things.
struct Ground {
    site: Site,
    is_postgresql: bool,
}

impl Ground {
    /// A session that reads a table and does not end: whoever changes the table waits for it.
    fn hold(&self, table: &str) -> Connection {
        let mut other = self.site.shop.connect();
        let begin = if self.is_postgresql { "BEGIN" } else { "SET autocommit = 0" };
        other.execute(&format!("{begin}; SELECT * FROM {table}")).unwrap();
        other
    }

    /// The session that waits for a lock, as soon as there is one.
    fn waiting(&self) -> String {
        let sql = if self.is_postgresql {
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        } else {
            "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%' AND db = DATABASE()"
        };
        let mut watch = self.site.shop.database.connect_admin().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Some(session) = watch.value(sql).unwrap() {
                return session;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nobody waits");
    }

    fn cut(&self, session: &str) {
        let sql = if self.is_postgresql { format!("SELECT pg_terminate_backend({session})") } else { format!("KILL {session}") };
        self.site.shop.database.connect_admin().unwrap().rows(&sql).unwrap();
    }

    fn status(&self, client: &mut Client) -> Value {
        call(client, "migration_status", json!({}))
    }

    /// Nothing of it stands, and it is said so.
    fn says_nothing_stands(&self, client: &mut Client, because: &str) {
        let status = self.status(client);
        assert_eq!((&status["current_revision"], &status["recovery"]), (&json!("create_orders"), &Value::Null), "{status:#}");
        assert_eq!(status["applied_statements"], json!([]), "{status:#}");
        let last = status["state"]["last_action"].as_str().unwrap();
        assert!(last.starts_with("applying to staging stopped") && last.contains(because), "{because}: {last}");
        assert_ne!(status["state"]["phase"], "COMPLETE");
        assert_eq!(self.site.shop.version().as_deref(), Some("create_orders"));
    }
}

fn send(client: &mut Client, lock_timeout_ms: u64) {
    let arguments = json!({ "environment": "staging", "lock_timeout_ms": lock_timeout_ms, "lock_tries": 1 });
    let params = json!({ "name": "apply_migration", "arguments": arguments });
    client.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }).to_string());
}

fn answer(client: &mut Client) -> Value {
    let line = client.receive();
    assert_eq!(line["id"], 7, "{line:#}");
    line["result"]["structuredContent"].clone()
}

/// It failed, and nothing of it is committed.
fn failed_without_a_trace(answer: &Value, because: &str) {
    assert_eq!((&answer["verdict"], &answer["applied"]), (&json!("failed"), &json!(false)), "{answer:#}");
    let summary = answer["summary"].as_str().unwrap();
    assert!(summary.contains(because) && summary.contains("it is at create_orders"), "{because}: {summary}");
    assert_eq!(answer["statements"]["committed"], json!([]), "{answer:#}");
}

fn walk(ground: &Ground) {
    let Ground { site, is_postgresql } = ground;
    let mut first = site.client(true);
    prove(&mut first, "create_orders");
    let before = site.shop.dump();

    // Somebody else has the lock, and keeps it.
    let mut other = ground.hold("users");
    send(&mut first, 50);
    failed_without_a_trace(&answer(&mut first), "no lock");
    assert!(site.ledger().contains("\"kind\":\"apply_stopped\"") && site.ledger().contains("\"standing\":[]"));
    ground.says_nothing_stands(&mut first, "no lock");

    // One waits; a second runner does nothing; then the connection of the first is cut.
    send(&mut first, 60_000);
    let session = ground.waiting();
    let mut second = site.client(true);
    send(&mut second, 50);
    let kept_out = answer(&mut second);
    assert_eq!((&kept_out["applied"], site.shop.version().as_deref()), (&json!(false), Some("create_orders")), "{kept_out:#}");
    // Behind somebody who waits to change a table, PostgreSQL 17 and later do not even show its expressions.
    let why = ["another", "somebody is changing it right now"];
    assert!(why.iter().any(|why| kept_out["summary"].as_str().unwrap().contains(why)), "{kept_out:#}");
    assert_eq!(ground.status(&mut second)["current_revision"], "create_orders");
    ground.cut(&session);
    let lost = answer(&mut first);
    assert_eq!((&lost["verdict"], &lost["statements"]["committed"]), (&json!("failed"), &json!([])), "{lost:#}");
    assert_eq!(lost["statements"]["unknown"], if *is_postgresql { json!([]) } else { json!([1]) }, "{lost:#}");
    assert_eq!(lost["after"]["revision"], "create_orders", "{lost:#}");
    ground.says_nothing_stands(&mut first, "");
    assert!(site.shop.dump() == before);
    other.execute("ROLLBACK").unwrap();

    // We ourselves are killed while the second statement waits.
    let mut other = ground.hold("orders");
    send(&mut second, 60_000);
    let session = ground.waiting();
    second.child.kill().unwrap();
    second.wait();
    ground.cut(&session);
    other.execute("ROLLBACK").unwrap();
    assert_eq!(site.shop.version().as_deref(), Some("create_orders"));
    let status = ground.status(&mut first);
    if *is_postgresql {
        assert_eq!((&status["recovery"], &status["applied_statements"]), (&Value::Null, &json!([])), "{status:#}");
        send(&mut first, 3_000);
        let applied = answer(&mut first);
        assert_eq!(applied["applied"], true, "nothing was left, so it goes through: {applied:#}");
        let status = ground.status(&mut first);
        assert_eq!((&status["state"]["phase"], &status["current_revision"]), (&json!("COMPLETE"), &json!("add_two")), "{status:#}");
    } else {
        assert_eq!((&status["recovery"], &status["applied_statements"]), (&json!("half_applied"), &json!([1])), "{status:#}");
        assert!(status["notes"].to_string().contains("does not count any more"), "{status:#}");
        send(&mut first, 3_000);
        let refused = answer(&mut first);
        let reasons = refused["reasons"].to_string();
        assert!(reasons.contains("state_dirty") && reasons.contains("rollback_not_tested"), "{refused:#}");
        assert_eq!(refused["statements"]["committed"], json!([1]), "{refused:#}");
    }
}

#[test]
fn s_094_what_breaks_an_apply_is_told_as_it_is_on_postgresql() {
    let Some(server) = engines_of(Dialect::Postgresql).pop() else { return };
    let site = Site::new(&server, &[USERS, ORDERS, TWO]).readable();
    site.shop.bring_to("create_orders");
    walk(&Ground { site, is_postgresql: true });
}

#[test]
fn s_094_what_breaks_an_apply_is_told_as_it_is_on_mariadb() {
    let Some(server) = engines_of(Dialect::Mariadb).pop() else { return };
    let site = Site::new(&server, &[USERS, ORDERS, TWO]).readable();
    site.shop.bring_to("create_orders");
    walk(&Ground { site, is_postgresql: false });
}

/// The gate of who applies and the word of who looks for trouble come from one comparison.
#[test]
fn who_applies_and_who_looks_for_trouble_see_the_same() {
    // What is done by hand, how it is undone, and whether it is the chain's business.
    let damages = [
        ("a table of others", "CREATE TABLE reports (id INTEGER PRIMARY KEY)", "DROP TABLE reports", false),
        ("an index by hand", "CREATE INDEX by_hand ON orders (id)", "DROP INDEX by_hand", true),
        ("half of it", "ALTER TABLE users ADD COLUMN a INTEGER", "ALTER TABLE users DROP COLUMN a", true),
        ("a table that is missing", "DROP TABLE orders", "", true),
    ];
    for dialect in [Dialect::Postgresql, Dialect::Mariadb] {
        let Some(server) = engines_of(dialect).pop() else { continue };
        let site = Site::new(&server, &[USERS, ORDERS, TWO]).readable();
        site.shop.bring_to("create_orders");
        let mut client = site.client(false);
        for (what, damage, undo, is_dirty) in damages {
            site.shop.connect().execute(damage).unwrap();
            let status = call(&mut client, "migration_status", json!({}));
            let refused = call(&mut client, "apply_migration", json!({ "environment": "staging", "from": "create_orders" }));
            let by_hand = status["drift"]["items"].as_array().into_iter().flatten().any(|item| item["source"] == "hotfix");
            let is_half = status["recovery"] == "half_applied";
            assert_eq!(refused["reasons"].to_string().contains("state_dirty"), is_dirty, "{dialect:?} {what}: {refused:#}");
            assert!(by_hand || is_half, "{dialect:?} {what}: {status:#}");
            // What is missing is the recorded revision itself: the pointer is ahead of the schema.
            assert_eq!(is_half, ["half of it", "a table that is missing"].contains(&what), "{dialect:?} {what}: {status:#}");
            if what == "half of it" {
                assert_eq!((&status["applied_statements"], &refused["statements"]["committed"]), (&json!([1]), &json!([1])), "{refused:#}");
            }
            let undo = if dialect == Dialect::Mariadb && undo.starts_with("DROP INDEX") { "DROP INDEX by_hand ON orders" } else { undo };
            if !undo.is_empty() {
                site.shop.connect().execute(undo).unwrap();
            }
        }
    }
}
