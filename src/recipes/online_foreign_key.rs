//! # A foreign key on MySQL or MariaDB without a copy of the table
//!
//! Added with the session's checks off it is in place and holds for new rows at once; the old rows are looked at afterwards.
//!
//! ## Why
//! `ADD FOREIGN KEY` copies the table while writes wait, on MySQL and on MariaDB up to 11.1. With `foreign_key_checks = 0` it is in
//! place (`LOCK=NONE`), and lets orphans that stand stay without a word: nobody looks at them later unless you do.
//!
//! ## Do
//! 1. Expand: count the orphans and mend them; then add the key with the checks off for this one statement, and on again whatever happens.
//! 2. Contract: count the orphans that are left; the revision stops if there is one, and can be run again.
//!
//! ```plan mariadb 10.11
//! CREATE TABLE customers (id bigint PRIMARY KEY);
//! CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, total int);
//! -- rows
//! INSERT INTO customers SELECT seq FROM seq_1_to_20;
//! INSERT INTO orders SELECT seq, seq, seq FROM seq_1_to_20;
//! -- wish
//! {"kind": "add_constraint", "table": "orders", "columns": ["customer_id"], "references": "customers(id)", "on_delete": "CASCADE"}
//! -- gives
//! add_fk_orders_customer_id, check_fk_orders_customer_id
//! -- old code
//! INSERT INTO orders VALUES (901, 1, 5);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::orphans::orphans_or_raise;
use crate::recipes::parts::standing::unchecked_foreign_key;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::{self, constraint_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, ConstraintKind};

/// What it mends.
pub const MENDS: &[&str] = &["online_ddl_copy"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::AddConstraint(constraint)) = case.statement()?.action()? else { return None };
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
    let name = constraint_name_of(table, constraint);
    let (written, own) = (relation(dialect, table), quoted(dialect, &name));
    let stop = |why: &str| orphans_or_raise(case, table, columns, reference, why);
    let mut up = vec![stop("mend them first")?];
    let mut back = format!("ALTER TABLE {written} DROP FOREIGN KEY {own}");
    let mut index = String::new();
    if !case.catalog.table(table).is_some_and(|known| known.has_index_on(columns)) {
        // Else the server makes one itself, and leaves it there on the way back.
        let name = quoted(dialect, &fitting(&format!("ix_{}_{}", table.name, columns.join("_"))));
        index = format!("INDEX {name} ({}), ADD ", written::columns(dialect, columns));
        back.push_str(&format!(", DROP INDEX {name}"));
    }
    up.push(unchecked_foreign_key(case, table, &format!("{index}{}", constraint_text(dialect, &name, constraint)?)));
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("add_{name}")),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "added in place, with the checks of this session off for the one statement: reads and writes go on, and it holds for new rows at once".to_owned(),
        upgrade: Body::inside(up),
        downgrade: Body::inside(vec![Line::execute(back)]),
        deploy: "after all running code writes only rows that fit, and the orphans are mended".to_owned(),
    });
    found.steps.push(Step {
        name: snake(&format!("check_{name}")),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "rows that came in between the count and the key were not looked at by the server: they are counted here, and nothing is changed".to_owned(),
        upgrade: Body::inside(vec![stop("mend them, then run it again")?]),
        downgrade: Body::default(),
        deploy: "right behind the first".to_owned(),
    });
    Some(found)
}
