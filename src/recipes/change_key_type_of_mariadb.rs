//! # A key gets another type on MariaDB, with the columns that point at it
//!
//! `int` ids that run out become `bigint`, and so do the columns of the foreign keys that point at them.
//!
//! ## Why
//! While a foreign key stands, the server changes neither the type of the key (1833) nor of the column that points at it (1832), with the
//! checks off too. A type of another width is no change in place (1846): the table is copied with `LOCK=SHARED`, reads go on, writes
//! wait. A column that counts by itself cannot be made beside the key either: AUTO_INCREMENT is given to a column by a copy alone
//! (MariaDB 10.11, all measured).
//!
//! ## Do
//! 1. Drop the foreign keys, in an instant: from here to the fourth revision nothing keeps orphans out.
//! 2. Widen the columns that point at the key, then the key, each table in a revision of its own.
//! 3. Add the foreign keys in place, with the checks of the session off, when no orphans are counted; count them once more behind it.
//!
//! Run it while the application is stopped, or while nothing writes; the copy takes as long as a rebuild. A table too large for that is
//! copied by gh-ost or pt-online-schema-change in the place of its revision, between the first and the fourth.
//!
//! ```plan mariadb 10.11
//! CREATE TABLE orders (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, note varchar(40)) DEFAULT CHARSET=utf8mb4;
//! CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, order_id int unsigned NOT NULL, CONSTRAINT fk_items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE);
//! CREATE TABLE tagged (order_id int unsigned NOT NULL, tag varchar(20) NOT NULL, PRIMARY KEY (order_id, tag), CONSTRAINT fk_tagged_order FOREIGN KEY (order_id) REFERENCES orders (id));
//! -- rows
//! INSERT INTO orders (id, note) SELECT seq, CONCAT('order ', seq) FROM seq_1_to_600;
//! INSERT INTO items SELECT seq, 1 + seq % 600 FROM seq_1_to_700;
//! INSERT INTO tagged SELECT seq, 'new' FROM seq_1_to_30;
//! -- wish
//! {"changes": [{"kind": "change_key_type", "table": "orders", "column": "id", "type": "bigint unsigned"}], "zero_downtime": false}
//! -- gives
//! drop_keys_to_orders, widen_items_order_id, widen_tagged_order_id, widen_orders_id, add_keys_to_orders, check_keys_to_orders
//! -- old code
//! INSERT INTO orders (note) VALUES ('old');
//! INSERT INTO items (id, order_id) VALUES (20001, 600);
//! DELETE FROM orders WHERE id = 300;
//! -- new code
//! INSERT INTO orders (id, note) VALUES (5000000000, 'wide');
//! INSERT INTO items (id, order_id) VALUES (20002, 5000000000);
//! ```
//! ```plan mariadb 10.11
//! CREATE TABLE people (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, boss int, CONSTRAINT fk_people_boss FOREIGN KEY (boss) REFERENCES people (id));
//! -- rows
//! INSERT INTO people (id, boss) SELECT seq, NULL FROM seq_1_to_40;
//! UPDATE people SET boss = 1 WHERE id > 1;
//! -- wish
//! {"changes": [{"kind": "change_key_type", "table": "people", "column": "id", "type": "bigint"}], "table_stats": {"people": {"rows": 40, "bytes": 16384}}}
//! -- gives
//! drop_keys_to_people, widen_people_id, add_keys_to_people, check_keys_to_people
//! -- old code
//! INSERT INTO people (boss) VALUES (1);
//! -- new code
//! INSERT INTO people (id, boss) VALUES (3000000000, 1);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::modified;
use crate::recipes::parts::orphans::orphans_or_raise;
use crate::recipes::parts::standing::unchecked_foreign_key;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::{constraint_text, type_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, Constraint, ConstraintKind, DataType, Name, Reference};

/// What it mends.
pub const MENDS: &[&str] = &["will_fail"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// A foreign key to the key.
struct Pointer {
    table: Name,
    name: String,
    constraint: Constraint,
    columns: Vec<String>,
    reference: Reference,
}

/// All that the revisions are made of.
struct Widened<'a> {
    case: &'a Case<'a>,
    table: &'a Name,
    wide: &'a DataType,
    /// The columns that get the type, by table: those that point at the key first, the key's own table last.
    moved: Vec<(Name, Vec<&'a Column>)>,
    pointers: Vec<Pointer>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let (table, AlterAction::AlterColumnType { column: key, data_type: wide, using: None }) = case.statement()?.action()? else { return None };
    let plan = gathered(case, table, key, wide)?;
    let mut steps = vec![plan.freed()?];
    for (table, columns) in &plan.moved {
        steps.push(plan.widened(table, columns)?);
    }
    steps.push(plan.bound()?);
    steps.push(plan.counted()?);
    let mut found = Found { steps, ..Found::default() };
    let places: Vec<String> = plan.moved.iter().flat_map(|(table, columns)| columns.iter().map(move |column| format!("`{}.{}`", table.shown(), column.name))).collect();
    found.notes.push(format!(
        "{} become {}; ids without a foreign key (JSON, columns named …_id) and 32-bit variables in clients are yours to find",
        places.join(", "),
        type_text(case.dialect(), wide)
    ));
    found.notes.push(
        "each table is copied while reads go on and writes to it wait (ALGORITHM=COPY, LOCK=SHARED; in place it is refused, 1846): run it with the application stopped (`zero_downtime: false`), or copy a large table with gh-ost or pt-online-schema-change in the place of its revision".to_owned(),
    );
    Some(found)
}

/// Reads what points at the key; none where nothing does, or something hangs on it that cannot be moved so.
fn gathered<'a>(case: &'a Case<'a>, table: &'a Name, key: &'a str, wide: &'a DataType) -> Option<Widened<'a>> {
    let known = case.catalog.table(table)?;
    let own = known.column(key)?;
    let mut moved: Vec<(Name, Vec<&Column>)> = Vec::new();
    let mut here = vec![own];
    let mut pointers = Vec::new();
    for (other, constraint) in case.catalog.foreign_keys_to(table) {
        let other = if case.catalog.key(&other) == case.catalog.key(table) { table.clone() } else { other };
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let referred = if reference.columns.is_empty() { known.primary_key()? } else { reference.columns.as_slice() };
        let Some((column, _)) = columns.iter().zip(referred).find(|(_, target)| *target == key) else { continue };
        let column = case.catalog.table(&other)?.column(column)?;
        if other == *table {
            here.push(column);
        } else if let Some((_, columns)) = moved.iter_mut().find(|(name, _)| *name == other) {
            columns.push(column);
        } else {
            moved.push((other.clone(), vec![column]));
        }
        let name = constraint_name_of(&other, &constraint);
        pointers.push(Pointer { table: other, name, columns: columns.clone(), reference: reference.clone(), constraint });
    }
    let is_held = |columns: &Vec<&Column>| columns.iter().any(|column| column.generated.is_some());
    // What points at a column that points here would stop it in its turn.
    let is_chained = moved.iter().any(|(other, columns)| {
        case.catalog.foreign_keys_to(other).iter().any(|(_, one)| {
            one.reference().is_some_and(|reference| columns.iter().any(|column| reference.columns.contains(&column.name)))
        })
    });
    if pointers.is_empty() || is_chained || is_held(&here) || moved.iter().any(|(_, columns)| is_held(columns)) {
        return None;
    }
    moved.push((table.clone(), here));
    Some(Widened { case, table, wide, moved, pointers })
}

impl Widened<'_> {
    fn step(&self, name: &str, stage: Stage, why: &str, bodies: [Body; 2], deploy: &str) -> Step {
        let [upgrade, downgrade] = bodies;
        Step { name: snake(name), concern: Concern::Schema, stage, why: why.to_owned(), upgrade, downgrade, deploy: deploy.to_owned() }
    }

    /// The foreign keys gone.
    fn gone(&self) -> Vec<Line> {
        let dialect = self.case.dialect();
        let drop = |pointer: &Pointer| {
            Line::execute(format!("ALTER TABLE {} DROP FOREIGN KEY {}", relation(dialect, &pointer.table), quoted(dialect, &pointer.name)))
                .allowing("drop_constraint", "it comes back in this plan, when the types are equal again")
        };
        self.pointers.iter().map(drop).collect()
    }

    /// The foreign keys made in place, when no row is in the way.
    fn made(&self) -> Option<Vec<Part>> {
        let mut parts = vec![Part::Inside(self.orphans("mend them first")?)];
        for pointer in &self.pointers {
            let text = constraint_text(self.case.dialect(), &pointer.name, &pointer.constraint)?;
            parts.push(Part::Inside(vec![unchecked_foreign_key(self.case, &pointer.table, &text)]));
        }
        Some(parts)
    }

    fn orphans(&self, why: &str) -> Option<Vec<Line>> {
        self.pointers.iter().map(|pointer| orphans_or_raise(self.case, &pointer.table, &pointer.columns, &pointer.reference, why)).collect()
    }

    fn freed(&self) -> Option<Step> {
        let name = format!("drop_keys_to_{}", self.table.name);
        let why = "while a foreign key stands, the server changes the type on neither side of it (1832, 1833)";
        let bodies = [Body::inside(self.gone()), Body(self.made()?)];
        Some(self.step(&name, Stage::Expand, why, bodies, "from here until the keys stand again nothing keeps orphans out: stop what deletes or moves rows"))
    }

    /// The columns of one table, in one copy.
    fn widened(&self, table: &Name, columns: &[&Column]) -> Option<Step> {
        let dialect = self.case.dialect();
        let alter = |is_wide: bool| {
            let mut parts = Vec::new();
            for column in columns {
                let data_type = if is_wide { Some(self.wide.clone()) } else { column.data_type.clone() };
                parts.push(modified(dialect, &Column { data_type, ..(*column).clone() }, column.not_null)?);
            }
            let line = Line::execute(format!("ALTER TABLE {} {}, ALGORITHM=COPY, LOCK=SHARED", relation(dialect, table), parts.join(", ")));
            Some(if self.case.is_stopped { line.allowing("online_ddl_copy", "the application is stopped for this deploy") } else { line })
        };
        let name = format!("widen_{}_{}", table.name, columns.first()?.name);
        let bodies = [Body::inside(vec![alter(true)?]), Body::inside(vec![alter(false)?])];
        let why = "the table is copied once: reads go on, writes to it wait; in place the server refuses another width (1846)";
        Some(self.step(&name, Stage::Switch, why, bodies, "while nothing writes to the table; the copy needs its space once more. The way back is open until an id is beyond the old type"))
    }

    fn bound(&self) -> Option<Step> {
        let name = format!("add_keys_to_{}", self.table.name);
        let why = "orphans are counted, then the keys are added in place with the checks of this session off: they hold for new rows at once";
        let bodies = [Body(self.made()?), Body::inside(self.gone())];
        Some(self.step(&name, Stage::Switch, why, bodies, "as soon as the types are equal: what was stopped may start again behind it"))
    }

    fn counted(&self) -> Option<Step> {
        let name = format!("check_keys_to_{}", self.table.name);
        let why = "rows that came in between the count and the keys were not looked at by the server: they are counted here, and nothing is changed";
        let bodies = [Body::inside(self.orphans("mend them, then run it again")?), Body::default()];
        Some(self.step(&name, Stage::Contract, why, bodies, "right behind the one in front"))
    }
}
