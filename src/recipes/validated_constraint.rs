//! # A foreign key or check that is added first and proven later
//!
//! Add it `NOT VALID`, then `VALIDATE` it: nobody waits while the rows are read.
//!
//! ## Why
//! Added at once, a check reads all rows under ACCESS EXCLUSIVE, a foreign key under SHARE ROW EXCLUSIVE on both tables. `NOT VALID`
//! takes the same lock for an instant and holds for new rows at once; `VALIDATE` reads under SHARE UPDATE EXCLUSIVE.
//!
//! ## Do
//! Two revisions, the second outside of a transaction, since the lock of the first is held until its transaction ends. Between them mend the rows that do not fit.
//! A foreign key wants an index on its own columns too.
//!
//! ```plan postgresql
//! CREATE TABLE customers (id bigint PRIMARY KEY);
//! CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, total int);
//! -- rows
//! INSERT INTO customers SELECT n FROM generate_series(1, 20) AS n;
//! INSERT INTO orders SELECT n, n, n FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "add_constraint", "table": "orders", "columns": ["customer_id"], "references": "customers(id)", "on_delete": "CASCADE"}
//! -- gives
//! add_fk_orders_customer_id, validate_fk_orders_customer_id
//! -- old code
//! INSERT INTO orders VALUES (901, 1, 5);
//! ```
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, total int);
//! -- rows
//! INSERT INTO orders SELECT n, n FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "add_constraint", "table": "orders", "name": "total_positive", "check": "total >= 0"}
//! -- gives
//! add_total_positive, validate_total_positive
//! -- old code
//! INSERT INTO orders VALUES (901, 5);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::constraint_text;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, ConstraintKind};

/// What it mends.
pub const MENDS: &[&str] = &["constraint_without_not_valid", "add_column_checked", "validate_in_same_transaction"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::AddConstraint(constraint)) = case.statement()?.action()? else { return None };
    let is_foreign_key = matches!(constraint.kind, ConstraintKind::ForeignKey { .. });
    if !is_foreign_key && !matches!(constraint.kind, ConstraintKind::Check(_) | ConstraintKind::NotNull { .. }) {
        return None;
    }
    let is_partitioned = case.catalog.table(table).is_some_and(|known| known.partition_by.is_some());
    if is_partitioned && is_foreign_key && !case.server.is_postgresql_from(18) {
        return None;
    }
    let name = constraint_name_of(table, constraint);
    let (written, own) = (relation(dialect, table), quoted(dialect, &name));
    let add = format!("ALTER TABLE {written} ADD {} NOT VALID", constraint_text(dialect, &name, constraint)?);
    let drop = format!("ALTER TABLE {written} DROP CONSTRAINT {own}");
    let mut found = Found::default();
    if let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind
        && !case.catalog.table(table).is_some_and(|known| known.has_index_on(columns))
    {
        found.notes.push(format!(
            "`{}` has no index that begins with ({}): deletes in `{}` read it as a whole; plan `create_index` too",
            table.shown(),
            columns.join(", "),
            reference.table.shown()
        ));
    }
    found.steps.push(Step {
        name: snake(&format!("add_{name}")),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "NOT VALID: it holds for new rows at once and reads none of the old".to_owned(),
        upgrade: Body::inside(vec![Line::execute(add.clone())]),
        downgrade: Body::inside(vec![Line::execute(drop.clone())]),
        deploy: "after all running code writes only rows that fit".to_owned(),
    });
    found.steps.push(Step {
        name: snake(&format!("validate_{name}")),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the rows are read under SHARE UPDATE EXCLUSIVE while others read and write".to_owned(),
        upgrade: Body::outside(vec![Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {own}"))]),
        // There is no way to make it unproven again but to add it anew.
        downgrade: Body::inside(vec![Line::execute(drop), Line::execute(add)]),
        deploy: "after the rows that do not fit were mended: count them first".to_owned(),
    });
    Some(found)
}
