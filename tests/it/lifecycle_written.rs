//! What a person approves besides a migration: the way back that was written down for them. Only exactly that text counts, and
//! what is approved must still stand.

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call, prove, reasons};
use crate::deploy_cases::{EMAIL, Revision, USERS, engines_of};

/// Its downgrade does not come back: the view is in the way.
const STUCK: Revision<'static> = (
    "add_phone",
    "op.add_column('users', sa.Column('phone', sa.String(20)))\nop.execute('CREATE VIEW phones AS SELECT id, phone FROM users')",
    "op.drop_column('users', 'phone')",
);

fn way(client: &mut crate::mcp_client::Client, id: &str) -> Value {
    call(client, "migration_status", json!({ "migration_id": id, "trouble": "schema" }))["way_back"].clone()
}

#[test]
fn s_164_s_165_u_75_a_way_back_by_hand_counts_when_a_person_approved_that_text() {
    let Some(server) = engines_of(Dialect::Postgresql).pop() else { return };
    let site = Site::new(&server, &[USERS, STUCK]);
    let mut client = site.client(false);
    let arguments = json!({ "from": "create_users", "applied_on": ["staging"], "rows": 3 });
    let drafted = call(&mut client, "test_rollback", arguments.clone());
    let id = drafted["state"]["migration_id"].as_str().unwrap().to_owned();
    let manual = &drafted["manual_rollback"];
    assert_eq!((&manual["approval_required"], &manual["approved_by"]), (&json!(true), &json!([])), "{drafted:#}");
    let waits = way(&mut client, &id);
    assert_eq!((&waits["do"], &waits["document"]), (&json!("written_first"), &manual["file"]), "{waits:#}");
    assert!(waits["how"].as_str().unwrap().contains("--manual-rollback"), "{waits:#}");
    // People fill in who runs it; that text is what they approve.
    let file = site.shop.path().join(manual["file"].as_str().unwrap());
    let filled = std::fs::read_to_string(&file).unwrap().replacen("Who runs it, when: ____", "Who runs it, when: ada, on Monday", 1);
    std::fs::write(&file, &filled).unwrap();
    let again = call(&mut client, "test_rollback", arguments.clone());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), filled, "what people wrote stays");
    let digest = again["manual_rollback"]["digest"].as_str().unwrap().to_owned();
    assert_ne!(json!(digest), manual["digest"]);
    // The digest of the draft is that of another text.
    let refused = site.approve_with(&id, "staging", manual["digest"].as_str().unwrap(), "--manual-rollback");
    assert!(refused.contains("nothing is approved"), "{refused}");
    let said = site.approve_with(&id, "staging", &digest, "--manual-rollback");
    for part in ["Who runs it, when: ada", "DROP VIEW", "level L2", &digest[..8]] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let open = way(&mut client, &id);
    assert_eq!(
        (&open["do"], open["approved_by"][0].as_str().unwrap().ends_with("(L2) for staging")),
        (&json!("by_hand"), true),
        "{open:#}"
    );
    let known = call(&mut client, "test_rollback", arguments);
    assert_eq!(known["manual_rollback"]["approval_required"], false, "{known:#}");
    // It opens no gate, and one byte more is another document.
    let gates = call(&mut client, "apply_migration", json!({ "environment": "staging", "migration_id": id }));
    assert!(reasons(&gates).contains(&"rollback_not_tested"), "{gates:#}");
    std::fs::write(&file, filled.replacen("DROP VIEW", "DROP  VIEW", 1)).unwrap();
    assert_eq!(way(&mut client, &id)["do"], "written_first");
    // An environment that was renamed takes nothing along.
    std::fs::write(&file, &filled).unwrap();
    assert_eq!(way(&mut client, &id)["do"], "by_hand");
    let toml = std::fs::read_to_string(site.shop.path().join("alembic-gate.toml")).unwrap();
    site.shop.write("alembic-gate.toml", &toml.replacen("SHOP_STAGING_URL", "SHOP_PRODUCTION_URL", 1));
    assert_eq!(way(&mut client, &id)["do"], "written_first");
}

#[test]
fn without_a_document_nothing_is_approved() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    let mut client = site.client(false);
    prove(&mut client, "create_users");
    let id = call(&mut client, "migration_status", json!({}))["state"]["migration_id"].as_str().unwrap().to_owned();
    let said = site.approve_with(&id, "staging", "00000000", "--manual-rollback");
    assert!(said.contains("no way back by hand is written down") && said.contains("applied_on"), "{said}");
}

/// What was reviewed and what stands are two things after one byte: the person is told, and approves nothing.
#[test]
fn what_changed_since_its_review_is_not_approved() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    let mut client = site.client(false);
    prove(&mut client, "create_users");
    let asked = call(&mut client, "apply_migration", json!({ "environment": "production" }));
    let (id, digest) = (asked["state"]["migration_id"].as_str().unwrap(), asked["approval_required"]["digest"].as_str().unwrap());
    let file = site.shop.path().join("migrations/versions/add_user_email.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("sa.String(80)", "sa.String(81)")).unwrap();
    let stale = site.approve(id, "production", digest);
    assert!(stale.contains("is not what stands now: the revision file changed") && stale.contains("call `review_sql`"), "{stale}");
    assert!(!site.ledger().contains("\"kind\":\"approved\""));
    std::fs::write(&file, text).unwrap();
    let said = site.approve(id, "production", digest);
    assert!(said.contains("level L2") && site.ledger().contains("\"kind\":\"approved\""), "{said}");
}
