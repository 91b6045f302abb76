//! # A stored generated column on MariaDB
//!
//! A virtual one is instant and can be indexed: take it unless the value must be stored. A stored one copies the table while writes wait.
//!
//! ## Why
//! `ADD COLUMN … GENERATED ALWAYS AS (…) STORED` is refused in place (1845) and copies the table with `LOCK=SHARED`: reads go on, writes
//! wait (MariaDB 10.11, measured). `VIRTUAL` is `ALGORITHM=INSTANT`, and an index on it `NOCOPY` with `LOCK=NONE`.
//!
//! ## Do
//! 1. Expand: a plain column, in an instant, and triggers that compute it with each write.
//! 2. Backfill, a data revision in ranges of the key.
//!
//! ```plan mariadb 10.11
//! CREATE TABLE orders (id bigint PRIMARY KEY, net decimal(10,2) NOT NULL, seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
//! -- rows
//! INSERT INTO orders (id, net, seen) SELECT seq, seq, '2020-01-02 03:04:05' FROM seq_1_to_6000;
//! -- wish
//! ALTER TABLE orders ADD COLUMN gross decimal(12,2) GENERATED ALWAYS AS (net * 1.2) STORED
//! -- gives
//! add_orders_gross, backfill_orders_gross
//! -- old code
//! INSERT INTO orders (id, net) VALUES (20001, 5);
//! UPDATE orders SET net = 7 WHERE id = 1;
//! ```
//! ```plan mariadb
//! CREATE TABLE orders (id bigint PRIMARY KEY, net decimal(10,2) NOT NULL);
//! -- rows
//! INSERT INTO orders (id, net) SELECT seq, seq FROM seq_1_to_50;
//! -- wish
//! {"kind": "add_column", "table": "orders", "column": "gross", "type": "decimal(12,2)", "generated": "net * 1.2"}
//! -- gives
//! add_orders_gross
//! -- old code
//! INSERT INTO orders (id, net) VALUES (20001, 5);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::loops::{Filling, SILENCE, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::written_out;
use crate::recipes::parts::standing::with_column;
use crate::recipes::parts::written::{add_column, drop_column, exact};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, Name};

/// What it mends.
pub const MENDS: &[&str] = &["online_ddl_copy"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::AddColumn { column, .. }) = case.statement()?.action()? else { return None };
    let (_, expression) = column.generated.as_ref()?;
    let text = exact(expression)?.to_owned();
    let known = case.catalog.table(table)?;
    let own = quoted(dialect, &column.name);
    let mut computed = text.clone();
    for other in known.columns.iter().filter(|other| expression.words.contains(&other.name)) {
        let word = quoted(dialect, &other.name);
        computed = with_column(&computed, &word, &format!("NEW.{word}"));
    }
    let plain = Column { generated: None, not_null: false, constraints: Vec::new(), ..column.clone() };
    let silent = format!("COALESCE(@{}, '') = 'off'", SILENCE.replace('.', "_"));
    let mut made = vec![written_out(case, add_column(dialect, table, &plain)?)];
    let mut gone = Vec::new();
    for event in ["INSERT", "UPDATE"] {
        let name = fitting(&format!("{}_{}_compute_{}", table.name, column.name, event.to_lowercase()));
        let trigger = relation(dialect, &Name { schema: table.schema.clone(), name });
        let written = relation(dialect, table);
        made.push(Line::execute(format!(
            "CREATE TRIGGER {trigger} BEFORE {event} ON {written} FOR EACH ROW SET NEW.{own} = IF({silent}, NEW.{own}, {computed})"
        )));
        gone.push(Line::execute(format!("DROP TRIGGER {trigger}")).allowing("drop_object", "it only computed the column that goes"));
    }
    gone.push(drop_column(dialect, table, &column.name));
    let filling = |assignment: String, open: String| Filling { table: table.clone(), assignment, open, is_silent: true, must_end: false, asks_fill: false };
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("add_{}_{}", table.name, column.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "a plain column is added in an instant; the triggers compute it with each write, as a generated one would be".to_owned(),
        upgrade: Body::inside(made),
        downgrade: Body::inside(gone),
        deploy: "running code does not notice; map it as read-only in the model".to_owned(),
    });
    found.steps.push(Step {
        name: snake(&format!("backfill_{}_{}", table.name, column.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows from before the triggers are computed in ranges of the key, each in its own transaction".to_owned(),
        upgrade: filled(case, &filling(format!("{own} = {text}"), format!("{own} IS NULL AND ({text}) IS NOT NULL"))),
        downgrade: filled(case, &filling(format!("{own} = NULL"), format!("{own} IS NOT NULL"))),
        deploy: "behind the first".to_owned(),
    });
    found.notes.push(format!(
        "`VIRTUAL` instead of STORED is one instant revision, and an index on it is built while others write: take it unless `{}` must be stored",
        column.name
    ));
    found.notes.push("the model says a plain column; `sa.Computed` would make autogenerate report a difference".to_owned());
    Some(found)
}
