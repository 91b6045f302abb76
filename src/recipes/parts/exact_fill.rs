//! Rows that get a value while what they had is kept aside, so that the way back returns exactly.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::Case;
use crate::recipes::parts::archive::{created, insert_end, insert_word};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::loops::{Filling, filled, kept_clocks, written};
use crate::recipes::parts::written::{columns, comparable, same};
use crate::sql::change::{Column, Name};

/// A loop with its way back.
pub struct Exact {
    /// What each row had is kept, then it is written, in ranges of the key.
    pub up: Body,
    /// Each row gets back what it had, if it still has what was written.
    pub down: Body,
    /// Where it is kept.
    pub before: Name,
}

/// `assigned` into the open rows of a column that stands; `None`: the table has no primary key, or the column is of it.
#[must_use]
pub fn exact_fill(case: &Case<'_>, table: &Name, column: &Column, assigned: &str, filling: &Filling) -> Option<Exact> {
    let dialect = case.dialect();
    let known = case.catalog.table(table)?;
    let key = known.primary_key().filter(|key| !key.is_empty() && !key.contains(&column.name))?;
    let before = Name { schema: table.schema.clone(), name: fitting(&format!("{}_{}_before", table.name, column.name)) };
    let (kept, here, own) = (relation(dialect, &before), relation(dialect, table), quoted(dialect, &column.name));
    let list = columns(dialect, key);
    let clocks = kept_clocks(case, table, &filling.assignment, "");
    let set = format!("UPDATE {here} SET {}{clocks}", filling.assignment);
    let writes = if dialect == Dialect::Postgresql {
        // One statement: nobody changes a row between the look at it and the write.
        let names = |with: &dyn Fn(usize, &String) -> String, between: &str| {
            key.iter().enumerate().map(|(n, name)| with(n, name)).collect::<Vec<_>>().join(between)
        };
        let aliases = names(&|n, _| format!("k{n}"), ", ");
        let joined = names(&|n, name| format!("{here}.{} = kept.k{n}", quoted(dialect, name)), " AND ");
        let touched = names(&|_, name| format!("{0} = excluded.{0}", quoted(dialect, name)), ", ");
        vec![(
            format!("WITH kept ({aliases}) AS (INSERT INTO {kept} SELECT {list}, {own} FROM {here}"),
            format!(
                " FOR UPDATE ON CONFLICT ({list}) DO UPDATE SET {touched} RETURNING {list}) {set} FROM kept WHERE {joined} AND {}",
                range(dialect, key)
            ),
        )]
    } else {
        let copy = format!("{} INTO {kept} SELECT {list}, {own} FROM {here}", insert_word(dialect));
        vec![(copy, insert_end(dialect).to_owned()), (set, String::new())]
    };
    let comparable = |text: &str| comparable(dialect, column.data_type.as_ref(), text);
    let is_kept =
        key.iter().map(|name| quoted(dialect, name)).map(|name| format!("b.{name} = {here}.{name}")).collect::<Vec<_>>().join(" AND ");
    let still = if is_computed_anew(assigned) || filling.asks_fill {
        String::new()
    } else {
        format!(" AND {}", same(dialect, &comparable(&own), &comparable(assigned)))
    };
    let back = Filling {
        assignment: format!("{own} = (SELECT b.{own} FROM {kept} AS b WHERE {is_kept})"),
        open: format!("EXISTS (SELECT 1 FROM {kept} AS b WHERE {is_kept}){still}"),
        must_end: false,
        asks_fill: false,
        ..filling.clone()
    };
    let gone = Line::execute(format!("DROP TABLE {kept}")).allowing("drop_table", format!("what it kept stands in {} again", table.name));
    Some(Exact {
        up: Body::inside(vec![created(case, table, &before, key, Some(column))?]).then(written(case, filling, &writes)?),
        down: filled(case, &back).then(Body::inside(vec![gone])),
        before,
    })
}

/// The range of the batch, over the table that is written.
fn range(dialect: Dialect, key: &[String]) -> String {
    let bound = |prefix: &str| (0..key.len()).map(|n| format!(":{prefix}{n}")).collect::<Vec<_>>().join(", ");
    let own = columns(dialect, key);
    if key.len() == 1 {
        format!("{own} >= {} AND {own} <= {}", bound("a"), bound("z"))
    } else {
        // Of several columns the first bounds the range for the planner too.
        let first = key.first().map(|name| quoted(dialect, name)).unwrap_or_default();
        format!("{first} >= :a0 AND {first} <= :z0 AND ({own}) >= ({}) AND ({own}) <= ({})", bound("a"), bound("z"))
    }
}

/// Another value each time: what was written cannot be told from it later.
fn is_computed_anew(assigned: &str) -> bool {
    let text = assigned.to_lowercase();
    ["random", "uuid", "now", "current_", "clock_timestamp", "nextval", "rand("].iter().any(|word| text.contains(word))
}
