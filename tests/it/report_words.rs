//! The two reports against `tests/reports/*.md`, word for word: `{…}` is a value, everything else stands as it is there.

use std::collections::BTreeMap;
use std::path::Path;

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call, prove};
use crate::deploy_cases::{EMAIL, Revision, USERS, engines_of};
use crate::mcp_client::Client;

const ORDERS: Revision<'static> =
    ("create_orders", "op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('orders')");

/// The values of a report by the names that the template gives them; a line that has other words is told.
fn values(template: &str, report: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(template);
    let template = std::fs::read_to_string(path).unwrap();
    assert_eq!(template.lines().count(), report.lines().count(), "{report}");
    let mut found = BTreeMap::new();
    for (wanted, line) in template.lines().zip(report.lines()) {
        let mut rest = line;
        let mut parts = wanted.split('{');
        let head = parts.next().unwrap();
        rest = rest.strip_prefix(head).unwrap_or_else(|| panic!("`{line}` is not `{wanted}`"));
        for part in parts {
            let (name, words) = part.split_once('}').unwrap();
            let end = if words.is_empty() { rest.len() } else { rest.find(words).unwrap_or_else(|| panic!("`{line}` is not `{wanted}`")) };
            found.insert(name.to_owned(), rest[..end].to_owned());
            rest = &rest[end + words.len()..];
        }
        assert_eq!(rest, "", "`{line}` is not `{wanted}`");
    }
    found
}

fn page(client: &mut Client, id: &str, page: &str) -> String {
    let answer = client.ask("resources/read", json!({ "uri": format!("migration://{id}/{page}") }));
    answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

fn shown<'a>(found: &'a BTreeMap<String, String>, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| found[*name].as_str()).collect()
}

const BOXES: [&str; 9] = ["reviewed", "reviewed_back", "no_drop", "no_loss", "twice", "tested", "restored", "signed", "approved"];

#[test]
fn s_107_to_s_124_both_reports_have_the_words_of_their_templates_and_boxes_by_evidence() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, ORDERS, EMAIL]);
    let mut client = site.client(false);
    let reviewed = call(&mut client, "review_sql", json!({ "from": "create_orders" }));
    let id = reviewed["state"]["migration_id"].as_str().unwrap().to_owned();
    let first = values("review.md", &page(&mut client, &id, "review.md"));
    assert_eq!(
        shown(&first, &["name", "revision", "type", "tables", "loss"]),
        ["add_user_email", "add_user_email", "ADD COLUMN", "users", "None"]
    );
    assert!(["None", "Seconds"].contains(&first["lock"].as_str()), "{first:?}");
    assert_eq!(shown(&first, &["who", "where"]), ["[name]", "[dev / staging / production]"]);
    // What a review alone can show, and nothing of a test or of a person.
    assert_eq!(shown(&first, &BOXES)[1..], ["x", "x", "x", " ", " ", " ", " ", " "], "{first:?}");
    prove(&mut client, "create_orders");
    let tested = values("review.md", &page(&mut client, &id, "review.md"));
    assert_eq!(shown(&tested, &BOXES)[1..], ["x", "x", "x", "x", "x", "x", " ", " "], "{tested:?}");
    let rollback = values("rollback.md", &page(&mut client, &id, "rollback.md"));
    assert_eq!(shown(&rollback, &["before", "after", "back"]), ["create_orders", "add_user_email", "create_orders"], "{rollback:?}");
    assert_eq!(rollback["digest"], rollback["same_digest"]);
    assert_eq!(rollback["intent"], "no intended change was declared", "nobody planned it, so nothing is said to match");
    assert!(rollback["date"].len() == 10 && rollback["tables"].parse::<u32>().is_ok(), "{rollback:?}");
    // A name stands there when a person's approval is on record, and only for what was approved.
    let asked = call(&mut client, "apply_migration", json!({ "environment": "production" }));
    let digest = asked["approval_required"]["digest"].as_str().unwrap().to_owned();
    let said = site.approve(&id, "production", &digest);
    assert!(said.contains("level L2"), "{said}");
    let signed = values("review.md", &page(&mut client, &id, "review.md"));
    assert_eq!(shown(&signed, &["signed", "approved", "where"]), ["x", "x", "production"], "{signed:?}");
    assert!(signed["who"].ends_with(" (L2)"), "{signed:?}");
    let claimed: Value = client.call("review_sql", json!({ "reviewed_by": "the owner" }));
    assert_eq!(claimed["structuredContent"]["error"]["code"], "bad_arguments", "no argument signs: {claimed:#}");
}
