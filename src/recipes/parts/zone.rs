//! A timestamp that gets or loses its zone. Its bytes stay, and the change is instant, where the session's zone is UTC; under any
//! other the table is written anew, and the values mean another moment. So the revision names the zone.

use crate::dialect::Dialect;
use crate::recipes::Case;
use crate::recipes::parts::body::Line;
use crate::sql::change::AlterAction;

/// What the wish depends on, as a question; `None` where it is about no zone, or says itself which.
#[must_use]
pub fn question(case: &Case<'_>) -> Option<String> {
    if case.dialect() != Dialect::Postgresql || case.catalog.setting("timezone").is_some() {
        return None;
    }
    let (table, AlterAction::AlterColumnType { column, data_type, using: None }) = case.statement()?.action()? else { return None };
    let from = &case.catalog.table(table)?.column(column)?.data_type.as_ref()?.name;
    let both = [from.as_str(), data_type.name.as_str()];
    let (with, without) = ("timestamp with time zone", "timestamp without time zone");
    let place = format!("{}.{column}", table.shown());
    match both {
        [one, other] if one == without && other == with => Some(format!("are the values of `{place}` in UTC? They are taken so")),
        [one, other] if one == with && other == without => Some(format!("shall `{place}` hold UTC from now on? It is written so")),
        _ => None,
    }
}

/// The lines under UTC, whatever the session has; behind them, until the transaction ends, the zone is the one that the session
/// began with.
pub(super) fn in_utc(lines: Vec<Line>) -> Vec<Line> {
    let mut all = vec![Line::execute("SET LOCAL timezone = 'UTC'")];
    all.extend(lines);
    all.push(Line::execute("SET LOCAL timezone TO DEFAULT"));
    all
}
