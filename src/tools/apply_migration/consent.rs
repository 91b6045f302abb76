//! The last word before anything is sent: where a client shows forms, the person behind it is asked.
//!
//! What comes back is of level L1 and is recorded as that: a client without a person can fill a form in too. So a yes opens no
//! gate; it is asked for only where all are open. A no stops everything.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lifecycle::approval::{Approval, Way};
use crate::lifecycle::ledger::Event;
use crate::store::Happening;
use crate::tools::answer::clipped;
use crate::tools::call::Call;
use crate::tools::migration::Migration;
use crate::tools::question::{Field, FieldKind, Question, Reply};

use super::look::Look;

/// A name is a few words.
const LONGEST_NAME: usize = 80;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The client shows no forms, or nobody looked: the gates alone decide.
    NotAsked,
    /// Yes, after so long.
    Given(Duration),
    /// No.
    Refused,
    /// The client asks and calls again.
    Later,
}

/// Asks, and writes a yes down.
pub fn asked(migration: &mut Migration, look: &Look, call: &Call<'_>) -> Consent {
    let Some(question) = question(migration, look) else { return Consent::NotAsked };
    let begun = Instant::now();
    let filled = match call.ask(question) {
        Reply::Filled(filled) => filled,
        Reply::Declined => return Consent::Refused,
        Reply::Later => return Consent::Later,
        Reply::Nobody => return Consent::NotAsked,
    };
    if filled.get("confirmed") != Some(&Value::Bool(true)) {
        return Consent::Refused;
    }
    let text = |name: &str| filled.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let target = migration.target(&look.environment, None, None);
    let Some(now) = &migration.now else { return Consent::NotAsked };
    let approval = Approval {
        environment: target.environment,
        environment_digest: target.definition,
        digest: now.approval_digest(),
        loss: now.judged.loss,
        lost: now.judged.lost.clone(),
        backup: text("backup"),
        approver: text("name").map_or_else(|| "somebody at the client".to_owned(), |name| clipped(&name, LONGEST_NAME)),
        way: Way::Elicited,
    };
    migration.add(&[Happening::Event(Event::Approved { approval: Box::new(approval) })]);
    Consent::Given(begun.elapsed())
}

/// Complete on its own: the person may see nothing else.
fn question(migration: &Migration, look: &Look) -> Option<Question> {
    let (now, range, plan) = (migration.now.as_ref()?, look.range.as_ref()?, look.plan.as_ref().ok()?);
    let lost = if now.judged.lost.is_empty() { String::new() } else { format!(" ({})", clipped(&now.judged.lost.join("; "), 300)) };
    let message = format!(
        "Apply `{}` to `{}`? It goes from {} to {} in {} statements. Data loss: {}{lost}. Digest {}.",
        migration.id,
        look.environment,
        range.from,
        range.to,
        plan.steps().count(),
        now.judged.loss.word(),
        now.approval_digest().short()
    );
    let field = |name, title: &str, kind, is_required| Field { name, title: title.to_owned(), kind, is_required };
    let fields = vec![
        field("confirmed", "Apply it now", FieldKind::YesNo, true),
        field("name", "Your name, for the record", FieldKind::Text, false),
        field("backup", "Which backup there is, of when", FieldKind::Text, false),
    ];
    Some(Question { message, fields })
}
