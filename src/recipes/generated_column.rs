//! # A generated column on a large table
//!
//! A stored one writes the table anew. From PostgreSQL 18 on a virtual one is instant; before, a column that a trigger computes says the same.
//!
//! ## Why
//! `ADD COLUMN … GENERATED ALWAYS AS (…) STORED` rewrites the table under ACCESS EXCLUSIVE, in every version.
//!
//! ## Do
//! 1. Expand: a plain column, and a trigger that computes it with each write.
//! 2. Backfill, a data revision in ranges of the key.
//!
//! Is it only for a search? An index over the expression needs no column. Is it only for reading? PostgreSQL 18: `VIRTUAL`.
//!
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, net integer NOT NULL);
//! -- rows
//! INSERT INTO orders SELECT n, n FROM generate_series(1, 6000) AS n;
//! -- wish
//! {"kind": "add_column", "table": "orders", "column": "gross", "type": "numeric", "generated": "net * 1.2"}
//! -- gives
//! add_orders_gross, backfill_orders_gross
//! -- old code
//! INSERT INTO orders (id, net) VALUES (20001, 5);
//! UPDATE orders SET net = 7 WHERE id = 1;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::standing::with_column;
use crate::recipes::parts::written::{add_column, drop_column, exact};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, Name};

/// What it mends.
pub const MENDS: &[&str] = &["add_column_rewrite"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::AddColumn { column, .. }) = case.statement()?.action()? else { return None };
    let (_, expression) = column.generated.as_ref()?;
    let text = exact(expression)?.to_owned();
    let known = case.catalog.table(table)?;
    let name = &column.name;
    let own = quoted(dialect, name);
    let mut computed = text.clone();
    for other in known.columns.iter().filter(|other| expression.words.contains(&other.name)) {
        let word = quoted(dialect, &other.name);
        computed = with_column(&computed, &word, &format!("NEW.{word}"));
    }
    let function = relation(dialect, &Name { schema: table.schema.clone(), name: fitting(&format!("{}_{name}_compute", table.name)) });
    let trigger = quoted(dialect, &fitting(&format!("{}_{name}_compute", table.name)));
    let written = relation(dialect, table);
    let plain = Column { generated: None, not_null: false, constraints: Vec::new(), ..column.clone() };
    let made = vec![
        add_column(dialect, table, &plain)?,
        Line::execute(format!(
            "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  IF current_setting('{}', true) = 'off' THEN\n    RETURN NEW;\n  END IF;\n  NEW.{own} := {computed};\n  RETURN NEW;\nEND\n$$",
            crate::recipes::parts::loops::SILENCE
        )),
        Line::execute(format!("CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {written} FOR EACH ROW EXECUTE FUNCTION {function}()")),
    ];
    let gone = vec![
        Line::execute(format!("DROP TRIGGER {trigger} ON {written}")),
        Line::execute(format!("DROP FUNCTION {function}()")).allowing("drop_object", "only the trigger that goes with it called it"),
        drop_column(dialect, table, name),
    ];
    let filling = |assignment: String, open: String, is_silent: bool| Filling { table: table.clone(), assignment, open, is_silent, must_end: false, asks_fill: false };
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("add_{}_{name}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "a plain column is added in an instant; the trigger computes it with each write, as a generated one would be".to_owned(),
        upgrade: Body::inside(made),
        downgrade: Body::inside(gone),
        deploy: "running code does not notice; map it as read-only in the model".to_owned(),
    });
    found.steps.push(Step {
        name: snake(&format!("backfill_{}_{name}", table.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows from before the trigger are computed in ranges of the key, each in its own transaction".to_owned(),
        upgrade: filled(case, &filling(format!("{own} = {text}"), format!("{own} IS NULL AND ({text}) IS NOT NULL"), false)),
        downgrade: filled(case, &filling(format!("{own} = NULL"), format!("{own} IS NOT DISTINCT FROM ({text}) AND {own} IS NOT NULL"), true)),
        deploy: "behind the first".to_owned(),
    });
    found.notes.push("the model says a plain column; `sa.Computed` would make autogenerate report a difference".to_owned());
    if case.server.is_postgresql_from(18) {
        found.notes.push(format!("PostgreSQL 18: `GENERATED ALWAYS AS ({text}) VIRTUAL` is instant, if it need not be indexed: give it as `sql`"));
    }
    Some(found)
}
