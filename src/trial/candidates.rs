//! Texts of a revision that might lead back: each is tried before anybody is told of it.

use crate::dialect::Dialect;
use crate::lifecycle::evidence::Outcome;
use crate::snapshot::{Object, SchemaSnapshot, diff};
use crate::trial::mend::{drop_of, restoring};
use crate::trial::patch::Text;
use crate::trial::{Failure, Trip};

/// Texts with another `downgrade()`, the likeliest first; or why there is none, in a sentence.
pub(super) fn candidates(trip: &Trip, text: &Text<'_>, dialect: Dialect) -> Result<Vec<String>, String> {
    let schemas = &trip.schemas;
    match trip.outcome {
        Outcome::Ok | Outcome::OrderChanged => Ok(Vec::new()),
        Outcome::UpgradeFails => Err("it is the upgrade that fails: what it shall do instead is the author's to say".to_owned()),
        Outcome::DeclaredIrreversible => Err("its author says that there is no way back".to_owned()),
        Outcome::DataLost => Err("values that are gone cannot be derived from anything: keep them aside in upgrade()".to_owned()),
        Outcome::NoDowngrade => {
            let differences = diff(&schemas.before, &schemas.upgraded).differences;
            let last = restoring(&differences, &schemas.before, &schemas.upgraded, dialect)?;
            Ok(text.with(None, &[], &last).into_iter().collect())
        }
        Outcome::DowngradeFails => match &trip.failure {
            Some(failure) => of_failure(failure, text, &schemas.before, &schemas.upgraded),
            None => Ok(Vec::new()),
        },
        Outcome::ReupgradeFails | Outcome::NotRestored | Outcome::SecondUpgradeDiffers => {
            let Some(back) = &schemas.back else { return Ok(Vec::new()) };
            let differences = diff(&schemas.before, back).differences;
            let last = restoring(&differences, &schemas.before, back, dialect)?;
            if last.is_empty() {
                return Err("the schema is as before: what differs lies in rows".to_owned());
            }
            Ok(text.with(None, &[], &last).into_iter().collect())
        }
    }
}

fn of_failure(failure: &Failure, text: &Text<'_>, before: &SchemaSnapshot, upgraded: &SchemaSnapshot) -> Result<Vec<String>, String> {
    let is_about_rows = failure.sqlstate.as_deref().is_some_and(|code| {
        code.starts_with("22") && code != "22023"
            || code.starts_with("23")
            || matches!(code, "1406" | "1265" | "1264" | "1062" | "1048" | "1138" | "1366")
    });
    if is_about_rows || failure.message.contains("constraint failed") {
        return Err("rows that stand do not fit the old shape: what becomes of them (mapped, cut, refused) is a decision, to be written in front of this line".to_owned());
    }
    let mut found = Vec::new();
    let drops: Option<Vec<String>> = failure.dependents.iter().map(|dependent| drop_of(dependent)).collect();
    if let Some(drops) = drops.filter(|drops| !drops.is_empty()) {
        found.extend(text.with(failure.line, &drops, &[]));
    }
    let Some(line) = failure.line else { return Ok(found) };
    found.extend(renamed(text, line, before, upgraded));
    found.extend(text.swapped(line));
    found.extend(text.moved_to_end(line));
    if found.is_empty() {
        return Err("what would mend it cannot be derived from the error".to_owned());
    }
    Ok(found)
}

/// A constraint or index that the upgrade made, in place of a name that is not there, or of none.
fn renamed(text: &Text<'_>, line: u32, before: &SchemaSnapshot, upgraded: &SchemaSnapshot) -> Vec<String> {
    let said = text.line(line);
    let is_new = |object: &&Object| {
        matches!(object.kind.as_str(), "constraint" | "index") && !before.objects.contains_key(&format!("{} {}", object.kind, object.name))
    };
    let names = upgraded.objects.values().filter(is_new).filter_map(|object| {
        let bare = object.name.rsplit('.').next()?.trim_end_matches(" (check)").trim_matches('"');
        Some(object.attributes.get("own_name").map_or(bare, |name| name.trim_matches('"')).to_owned())
    });
    let written = said.split_once("(\"").or_else(|| said.split_once("('"));
    let old = match written.and_then(|(_, rest)| rest.split(['"', '\'']).next()) {
        _ if said.contains("(None") => "None".to_owned(),
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => return Vec::new(),
    };
    let names: Vec<String> = names.filter(|name| *name != old).take(3).collect();
    let new = |name: &String| if old == "None" { format!("\"{name}\"") } else { name.clone() };
    names.iter().filter_map(|name| text.replaced(line, &old, &new(name))).collect()
}
