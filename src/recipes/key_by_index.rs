//! # A unique constraint or primary key by an index that stands
//!
//! Build the unique index concurrently, then make it the constraint with `USING INDEX`: an instant.
//!
//! ## Why
//! `ADD UNIQUE` and `ADD PRIMARY KEY` build their index under ACCESS EXCLUSIVE: reads and writes wait. A primary key over a column
//! that may be NULL also reads all rows.
//!
//! ## Do
//! 1. `CREATE UNIQUE INDEX CONCURRENTLY`, behind the leftover of a failed build. Duplicates stop it: mend them first.
//! 2. `ADD CONSTRAINT … USING INDEX`, a revision of its own. For a primary key make the columns NOT NULL before (recipe
//!    `required_column`).
//!
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, email text);
//! -- rows
//! INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 50) AS n;
//! -- wish
//! {"kind": "add_constraint", "table": "users", "columns": ["email"], "unique": true}
//! -- gives
//! build_uq_users_email, add_uq_users_email
//! -- old code
//! INSERT INTO users VALUES (901, 'x');
//! ```
//! ```plan postgresql
//! CREATE TABLE tags (id bigint NOT NULL, name text);
//! -- rows
//! INSERT INTO tags SELECT n, 'u' || n FROM generate_series(1, 50) AS n;
//! -- wish
//! ALTER TABLE tags ADD CONSTRAINT tags_pkey PRIMARY KEY (id);
//! -- gives
//! build_tags_pkey, add_tags_pkey
//! -- old code
//! INSERT INTO tags VALUES (901, 'x');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::big_index::concurrently;
use crate::recipes::parts::body::{Body, Line};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::drop_index;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, ConstraintKind, Index, IndexKey};

/// What it mends.
pub const MENDS: &[&str] = &["key_without_using_index"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::AddConstraint(constraint)) = case.statement()?.action()? else { return None };
    let (columns, word) = match &constraint.kind {
        ConstraintKind::Unique { columns, using_index: None } => (columns, "UNIQUE"),
        ConstraintKind::PrimaryKey { columns, using_index: None } => (columns, "PRIMARY KEY"),
        _ => return None,
    };
    if constraint.deferrable || case.catalog.table(table).is_some_and(|known| known.partition_by.is_some()) {
        return None;
    }
    let known = case.catalog.table(table);
    let nullable: Vec<&String> = columns.iter().filter(|column| known.is_some_and(|known| !known.is_not_null(column))).collect();
    let name = constraint_name_of(table, constraint);
    let (written, own) = (relation(dialect, table), quoted(dialect, &name));
    let index = Index { unique: true, keys: columns.iter().cloned().map(IndexKey::Column).collect(), ..Index::default() };
    let mut found = Found::default();
    if word == "PRIMARY KEY" && !nullable.is_empty() {
        let names = nullable.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        found.notes.push(format!("{names} may be NULL: plan `set_not_null` first, else the primary key reads all rows under ACCESS EXCLUSIVE"));
        return None;
    }
    found.steps.push(Step {
        name: snake(&format!("build_{name}")),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "the unique index is built CONCURRENTLY: reads and writes go on".to_owned(),
        upgrade: Body::outside(concurrently(case, table, &name, &index)?),
        downgrade: Body::outside(vec![drop_index(dialect, table, &name, true)]),
        deploy: format!("count the duplicates of ({}) first: they stop the build with 23505", columns.join(", ")),
    });
    found.steps.push(Step {
        name: snake(&format!("add_{name}")),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the index becomes the constraint: ACCESS EXCLUSIVE for an instant, nothing is read".to_owned(),
        upgrade: Body::inside(vec![Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {own} {word} USING INDEX {own}"))]),
        downgrade: Body::inside(vec![Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {own}"))])
            .then(Body::outside(concurrently(case, table, &name, &index)?)),
        deploy: "after the index is built and valid (`pg_index.indisvalid`)".to_owned(),
    });
    Some(found)
}
