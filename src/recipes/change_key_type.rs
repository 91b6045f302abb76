//! # A key gets a wider type while code runs
//!
//! `integer` ids that run out become `bigint`, with the sequence behind them and the foreign keys that point at them.
//!
//! ## Why
//! `ALTER COLUMN id TYPE bigint` writes the table and all its indexes anew under ACCESS EXCLUSIVE, and the sequence of a `serial` stays
//! an integer one: inserts fail at 2,147,483,647 all the same (2200H). Columns that point at the key end at the same number.
//!
//! ## Do
//! 1. Expand: a wide column beside the key and beside each column that points at it; triggers keep them equal.
//! 2. Backfill, a data revision in ranges of the key.
//! 3. Prepare: unique indexes, indexes, NOT NULL and foreign keys on the wide columns, without a long lock.
//! 4. Switch: one short transaction exchanges the names, the primary key, the foreign keys and the sequence.
//! 5. Contract: the narrow columns go, a release later. Until then the way back is open, as long as no id is beyond the narrow type.
//!
//! ```plan postgresql
//! CREATE TABLE orders (id serial PRIMARY KEY, note text);
//! CREATE TABLE items (id bigint PRIMARY KEY, order_id integer NOT NULL, CONSTRAINT fk_items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE);
//! CREATE INDEX ix_items_order_id ON items (order_id);
//! CREATE TABLE tagged (order_id integer REFERENCES orders (id), tag text, PRIMARY KEY (order_id, tag));
//! -- rows
//! INSERT INTO orders (note) SELECT 'order ' || n FROM generate_series(1, 6000) AS n;
//! INSERT INTO items SELECT n, 1 + n % 6000 FROM generate_series(1, 7000) AS n;
//! INSERT INTO tagged SELECT n, 'new' FROM generate_series(1, 30) AS n;
//! -- wish
//! ALTER TABLE orders ALTER COLUMN id TYPE bigint
//! -- gives
//! add_orders_id_new, backfill_orders_id_new, prepare_orders_id_new, switch_orders_id, drop_orders_id_old
//! -- old code
//! INSERT INTO orders (note) VALUES ('old');
//! INSERT INTO items (id, order_id) VALUES (20001, 6001);
//! INSERT INTO tagged (order_id, tag) VALUES (7, 'paid');
//! DELETE FROM orders WHERE id = 6001;
//! -- new code
//! INSERT INTO orders (id, note) VALUES (3000000000, 'wide');
//! INSERT INTO items (id, order_id) VALUES (20002, 3000000000);
//! ```

use crate::dialect::Dialect;
use crate::recipes::parts::body::{Body, Line, Part, fitting, quoted};
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::standing::{Onto, concurrent, not_null, one, standing_of};
use crate::recipes::parts::sync::Sync;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::{add_column, drop_column, drop_index, exact, literal, relation, type_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::catalog::{constraint_uses, index_uses};
use crate::sql::change::{AlterAction, Column, Constraint, ConstraintKind, DataType, Index, IndexKey, Name, Reference};

/// What it mends.
pub const MENDS: &[&str] = &["type_change_rewrite"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

const PG: Dialect = Dialect::Postgresql;
/// Integer types, the narrowest first.
const WIDTHS: &[&str] = &["smallint", "integer", "bigint"];

/// Names on the narrow column, and what they are called on the wide one.
type Pairs = Vec<(String, String)>;

/// A column that gets the wide type.
struct Moved {
    table: Name,
    column: Column,
}

/// A foreign key to the key.
struct Pointer {
    table: Name,
    name: String,
    column: String,
    constraint: Constraint,
    /// Its column is narrow too.
    is_moved: bool,
}

/// A primary key with a column that moves.
struct Primary {
    table: Name,
    name: String,
    columns: Vec<String>,
}

/// Which of the two columns an index or a key is made on.
#[derive(Clone, Copy)]
enum Side {
    /// Beside the key, before the switch.
    New,
    /// Beside the key, behind the switch.
    Old,
}

/// All that the revisions are made of.
struct Widened<'a> {
    case: &'a Case<'a>,
    table: &'a Name,
    key: &'a str,
    wide: &'a DataType,
    moved: Vec<Moved>,
    pointers: Vec<Pointer>,
    primaries: Vec<Primary>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let (table, AlterAction::AlterColumnType { column: key, data_type: wide, using: None }) = case.statement()?.action()? else { return None };
    let plan = gathered(case, table, key, wide)?;
    let mut found = Found { steps: vec![plan.expanded()?, plan.copied(), plan.prepared()?, plan.switched()?, plan.contracted()?], ..Found::default() };
    for moved in &plan.moved {
        for view in case.catalog.views_on_column(&moved.table, &moved.column.name) {
            found.questions.push(format!(
                "the view `{}` reads `{}.{}`: make it anew in the revision that switches",
                view.shown(),
                moved.table.shown(),
                moved.column.name
            ));
        }
    }
    let places: Vec<String> = plan.moved.iter().map(|moved| format!("`{}.{}`", moved.table.shown(), moved.column.name)).collect();
    found.notes.push(format!(
        "{} become {}; ids without a foreign key (arrays, JSON, columns named …_id) and 32-bit variables in clients are yours to find",
        places.join(", "),
        type_text(PG, wide)
    ));
    Some(found)
}

/// Reads what hangs on the key; none where it is no primary key of integers, or something hangs on it that cannot be moved so.
fn gathered<'a>(case: &'a Case<'a>, table: &'a Name, key: &'a str, wide: &'a DataType) -> Option<Widened<'a>> {
    let known = case.catalog.table(table)?;
    let width = |data_type: &DataType| WIDTHS.iter().position(|name| *name == data_type.name && data_type.dimensions == 0);
    let column = known.column(key)?;
    let target = width(wide)?;
    if width(column.data_type.as_ref()?)? >= target || !known.primary_key()?.iter().any(|one| one == key) {
        return None;
    }
    let mut moved = vec![Moved { table: table.clone(), column: column.clone() }];
    let mut pointers = Vec::new();
    for (other, constraint) in case.catalog.foreign_keys_to(table) {
        let other = if case.catalog.key(&other) == case.catalog.key(table) { table.clone() } else { other };
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let [own] = columns.as_slice() else { return None };
        if !(reference.columns.is_empty() || reference.columns.iter().all(|one| one == key)) {
            continue;
        }
        let column = case.catalog.table(&other)?.column(own)?;
        let is_moved = width(column.data_type.as_ref()?)? < target;
        if is_moved && !moved.iter().any(|one| one.table == other && one.column.name == *own) {
            moved.push(Moved { table: other.clone(), column: column.clone() });
        }
        let name = constraint_name_of(&other, &constraint);
        pointers.push(Pointer { table: other, name, column: own.clone(), constraint, is_moved });
    }
    if moved.iter().any(|one| is_shared(case, one, &moved)) {
        return None;
    }
    let mut primaries: Vec<Primary> = Vec::new();
    for one in &moved {
        let known = case.catalog.table(&one.table)?;
        let name = &one.column.name;
        let taken = [new_of(name), old_of(name)].iter().any(|beside| known.column(beside).is_some());
        if taken || one.column.identity.is_some() || one.column.generated.is_some() || known.partition_by.is_some() || known.partition_of.is_some() || known.generated_from(name).next().is_some() {
            return None;
        }
        let constraint = known.constraints_on(name).find(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }));
        if let Some(constraint) = constraint
            && !primaries.iter().any(|primary| primary.table == one.table)
        {
            if one.table != *table && !case.catalog.foreign_keys_to(&one.table).is_empty() {
                return None;
            }
            let ConstraintKind::PrimaryKey { columns, .. } = &constraint.kind else { return None };
            primaries.push(Primary { table: one.table.clone(), name: constraint_name_of(&one.table, constraint), columns: columns.clone() });
        }
    }
    Some(Widened { case, table, key, wide, moved, pointers, primaries })
}

/// An index or constraint besides the primary key has another column in it that moves too.
fn is_shared(case: &Case<'_>, one: &Moved, moved: &[Moved]) -> bool {
    let Some(known) = case.catalog.table(&one.table) else { return true };
    let others = || moved.iter().filter(|other| other.table == one.table && other.column.name != one.column.name).map(|other| other.column.name.as_str());
    let by_index = known
        .indexes_on(&one.column.name)
        .filter(|state| state.constraint.is_none())
        .any(|state| others().any(|other| index_uses(&state.index, other)));
    let by_constraint = known
        .constraints_on(&one.column.name)
        .filter(|constraint| !matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }))
        .any(|constraint| others().any(|other| constraint_uses(constraint, other)));
    by_index || by_constraint
}

fn new_of(column: &str) -> String {
    format!("{column}_new")
}

fn old_of(column: &str) -> String {
    format!("{column}_old")
}

fn beside(name: &str, side: Side) -> String {
    match side {
        Side::New => new_of(name),
        Side::Old => old_of(name),
    }
}

fn alter(table: &Name, what: &str) -> Line {
    Line::execute(format!("ALTER TABLE {} {what}", relation(PG, table)))
}

fn q(name: &str) -> String {
    quoted(PG, name)
}

impl Moved {
    fn name(&self) -> &str {
        &self.column.name
    }

    /// The narrow column has the name, the wide one stands beside it.
    fn before(&self) -> Sync {
        Sync::equal(&self.table, self.name(), &new_of(self.name()))
    }

    /// The wide column has the name; what the narrow one cannot hold is NULL there.
    fn behind(&self) -> Option<Sync> {
        let narrow = type_text(PG, self.column.data_type.as_ref()?);
        let back = format!("NEW.{}::{narrow}", q(self.name()));
        let forth = format!("NEW.{}", q(&old_of(self.name())));
        Some(Sync { forth: Some(forth), back: Some(back), ..Sync::equal(&self.table, &old_of(self.name()), self.name()) })
    }

    fn onto(&self) -> Onto<'_> {
        Onto { from: self.name(), to: self.name(), keeps_names: false }
    }

    fn plain(&self, name: String, data_type: DataType) -> Column {
        Column { name, data_type: Some(DataType { serial: false, ..data_type }), not_null: false, default: None, identity: None, constraints: Vec::new(), ..self.column.clone() }
    }

    fn renamed(&self, from: &str, to: &str) -> Line {
        alter(&self.table, &format!("RENAME COLUMN {} TO {}", q(from), q(to)))
            .allowing("rename", "both columns hold the same values, and the name is taken over in the same transaction")
    }

    /// The sequence, identity or default goes from one column to the other; `narrow`: on the way back.
    fn numbers(&self, from: &str, to: &str, data_type: &DataType) -> Option<Vec<Line>> {
        let column = |name: &str, what: &str| alter(&self.table, &format!("ALTER COLUMN {} {what}", q(name)));
        let because = "the column that takes the name over has it, in the same transaction";
        let sequence = |name: &str| Name { schema: self.table.schema.clone(), name: fitting(&format!("{}_{name}_seq", self.table.name)) };
        let own = self.column.data_type.as_ref()?;
        if let Some(always) = self.column.identity {
            let place = |name: &str| format!("pg_get_serial_sequence({}, {})", literal(&relation(PG, &self.table)), literal(name));
            return Some(vec![
                column(to, if always { "ADD GENERATED ALWAYS AS IDENTITY" } else { "ADD GENERATED BY DEFAULT AS IDENTITY" }),
                Line::execute(format!("SELECT setval({}, pg_sequence_last_value({}::regclass))", place(to), place(from))),
                column(from, "DROP IDENTITY").allowing("drop_identity", because),
                Line::execute(format!("ALTER SEQUENCE {} RENAME TO {}", relation(PG, &sequence(to)), q(&sequence(self.name()).name))),
            ]);
        }
        let (default, owned) = match (&self.column.default, own.serial) {
            (None, true) => (format!("nextval({}::regclass)", literal(&relation(PG, &sequence(self.name())))), Some(sequence(self.name()))),
            (Some(default), _) => (exact(default)?.to_owned(), None),
            (None, false) => return Some(Vec::new()),
        };
        let mut lines = vec![
            column(to, &format!("SET DEFAULT {default}")),
            column(from, "DROP DEFAULT").allowing("drop_default_of_required_column", because),
        ];
        if let Some(owned) = owned {
            let written = relation(PG, &owned);
            lines.push(Line::execute(format!("ALTER SEQUENCE {written} OWNED BY {}.{}", relation(PG, &self.table), q(to))));
            lines.push(Line::execute(format!("ALTER SEQUENCE {written} AS {}", type_text(PG, &DataType { serial: false, ..data_type.clone() }))));
        }
        Some(lines)
    }
}

impl Widened<'_> {
    fn of(&self, table: &Name) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |moved| moved.table == *table)
    }

    /// The unique index that a primary key is made of, in the end.
    fn index_of(primary: &Primary, side: Side) -> String {
        fitting(&beside(&primary.name, side))
    }

    fn unique(&self, primary: &Primary, side: Side) -> Option<Part> {
        let columns = primary.columns.iter().map(|name| {
            if self.of(&primary.table).any(|moved| moved.name() == name) { beside(name, side) } else { name.clone() }
        });
        let index = Index { unique: true, keys: columns.map(IndexKey::Column).collect(), ..Index::default() };
        concurrent(self.case, &primary.table, &Self::index_of(primary, side), &index).map(Part::Outside)
    }

    /// The foreign key to the column of that side.
    fn pointing(&self, pointer: &Pointer, side: Side) -> Option<Vec<Part>> {
        let ConstraintKind::ForeignKey { reference, .. } = &pointer.constraint.kind else { return None };
        let own = if pointer.is_moved { beside(&pointer.column, side) } else { pointer.column.clone() };
        let reference = Reference { columns: vec![beside(self.key, side)], ..reference.clone() };
        let kind = ConstraintKind::ForeignKey { columns: vec![own], reference };
        let name = match side {
            Side::New => fitting(&new_of(&pointer.name)),
            Side::Old => pointer.name.clone(),
        };
        one(self.case, &pointer.table, &Constraint { kind, ..pointer.constraint.clone() }, &name)
    }

    /// What stands on a column besides its primary key and its pointer at the key.
    fn standing(&self, moved: &Moved, to: &str, keeps_names: bool) -> Option<Vec<Part>> {
        let onto = Onto { from: moved.name(), to, keeps_names };
        standing_of(self.case, &moved.table, onto, &|constraint| self.is_own(moved, constraint))
    }

    fn is_own(&self, moved: &Moved, constraint: &Constraint) -> bool {
        let name = constraint_name_of(&moved.table, constraint);
        let points = self.pointers.iter().any(|pointer| pointer.table == moved.table && pointer.name == name);
        !points && !matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. })
    }

    /// The names of the constraints and indexes that `standing` makes: on the column, and on the new one.
    fn names(&self, moved: &Moved) -> Option<(Pairs, Pairs)> {
        let known = self.case.catalog.table(&moved.table)?;
        let new = new_of(moved.name());
        let onto = Onto { to: &new, ..moved.onto() };
        let own = known.constraints_on(moved.name()).filter(|one| self.is_own(moved, one)).map(|one| constraint_name_of(&moved.table, one));
        let constraints = own.map(|name| (name.clone(), onto.name(&name))).collect();
        let mut indexes = Vec::new();
        for state in known.indexes_on(moved.name()).filter(|state| state.constraint.is_none()) {
            let name = state.index.name.clone()?;
            indexes.push((name.clone(), onto.name(&name)));
        }
        Some((constraints, indexes))
    }

    fn named(&self, word: &str, side: Option<Side>) -> String {
        let column = side.map_or_else(|| self.key.to_owned(), |side| beside(self.key, side));
        snake(&format!("{word}_{}_{column}", self.table.name))
    }

    fn expanded(&self) -> Option<Step> {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for moved in &self.moved {
            up.push(add_column(PG, &moved.table, &moved.plain(new_of(moved.name()), self.wide.clone()))?);
            up.extend(moved.before().made(Dialect::Postgresql));
            down.extend(moved.before().gone(Dialect::Postgresql));
            down.push(drop_column(PG, &moved.table, &new_of(moved.name())));
        }
        Some(Step {
            name: self.named("add", Some(Side::New)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "a wide column stands beside the key and beside each column that points at it; triggers keep them equal with every write".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body::inside(down),
            deploy: "run it first: running code does not notice".to_owned(),
        })
    }

    fn filling(moved: &Moved, assignment: String, open: String, must_end: bool) -> Filling {
        Filling { table: moved.table.clone(), assignment, open, is_silent: true, must_end, asks_fill: false }
    }

    fn copied(&self) -> Step {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for moved in &self.moved {
            let (own, new) = (q(moved.name()), q(&new_of(moved.name())));
            up.extend(filled(self.case, &Self::filling(moved, format!("{new} = {own}"), format!("{new} IS NULL AND {own} IS NOT NULL"), true)).0);
            down.extend(filled(self.case, &Self::filling(moved, format!("{new} = NULL"), format!("{new} IS NOT NULL"), false)).0);
        }
        Step {
            name: self.named("backfill", Some(Side::New)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the triggers are copied in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: Body(up),
            downgrade: Body(down),
            deploy: "any time behind the first; while it runs nobody waits longer than for one range".to_owned(),
        }
    }

    fn prepared(&self) -> Option<Step> {
        let mut up = Vec::new();
        for primary in &self.primaries {
            up.push(self.unique(primary, Side::New)?);
        }
        let mut down = Vec::new();
        for pointer in &self.pointers {
            down.push(alter(&pointer.table, &format!("DROP CONSTRAINT {}", q(&fitting(&new_of(&pointer.name))))));
        }
        for moved in &self.moved {
            let new = new_of(moved.name());
            up.extend(self.standing(moved, &new, false)?);
            if moved.column.not_null || self.primaries.iter().any(|one| one.table == moved.table && one.columns.iter().any(|name| name == moved.name())) {
                up.extend(not_null(self.case, &moved.table, &new));
                down.push(alter(&moved.table, &format!("ALTER COLUMN {} DROP NOT NULL", q(&new))));
            }
            let (constraints, indexes) = self.names(moved)?;
            down.extend(constraints.iter().map(|(_, new)| alter(&moved.table, &format!("DROP CONSTRAINT {}", q(new)))));
            down.extend(indexes.iter().map(|(_, new)| drop_index(PG, &moved.table, new, false)));
        }
        for pointer in &self.pointers {
            up.extend(self.pointing(pointer, Side::New)?);
        }
        down.extend(self.primaries.iter().map(|primary| drop_index(PG, &primary.table, &Self::index_of(primary, Side::New), false)));
        Some(Step {
            name: self.named("prepare", Some(Side::New)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "what stands on the narrow columns is made on the wide ones without a long lock, the foreign keys too".to_owned(),
            upgrade: Body(up),
            downgrade: Body::inside(down),
            deploy: "behind the backfill".to_owned(),
        })
    }

    /// Each primary key is made anew of the index of that side.
    fn keyed(&self, side: Side) -> Vec<Line> {
        let mut lines = Vec::new();
        for primary in &self.primaries {
            let name = q(&primary.name);
            let index = q(&Self::index_of(primary, side));
            lines.push(
                alter(&primary.table, &format!("DROP CONSTRAINT {name}")).allowing("drop_unique", "the next statement makes it anew, of an index that stands"),
            );
            lines.push(alter(&primary.table, &format!("ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {index}")));
        }
        lines
    }

    fn switched(&self) -> Option<Step> {
        let mut up: Vec<Line> = self.moved.iter().flat_map(|moved| moved.before().gone(Dialect::Postgresql)).collect();
        up.extend(self.pointers.iter().map(|pointer| {
            alter(&pointer.table, &format!("DROP CONSTRAINT {}", q(&pointer.name)))
        }));
        up.extend(self.keyed(Side::New));
        let mut down = Vec::new();
        for moved in &self.moved {
            down.extend(moved.behind()?.gone(Dialect::Postgresql));
        }
        down.extend(self.pointers.iter().map(|pointer| alter(&pointer.table, &format!("DROP CONSTRAINT {}", q(&fitting(&new_of(&pointer.name)))))));
        down.extend(self.keyed(Side::Old));
        let mut first = Vec::new();
        for primary in &self.primaries {
            first.push(self.unique(primary, Side::Old)?);
        }
        for moved in &self.moved {
            let (own, new, old) = (moved.name(), new_of(moved.name()), old_of(moved.name()));
            up.extend(moved.numbers(own, &new, self.wide)?);
            up.extend([moved.renamed(own, &old), moved.renamed(&new, own)]);
            down.extend(moved.numbers(own, &old, moved.column.data_type.as_ref()?)?);
            down.extend([moved.renamed(own, &new), moved.renamed(&old, own)]);
            let is_primary = self.primaries.iter().any(|one| one.table == moved.table && one.columns.iter().any(|name| name == own));
            if moved.column.not_null || is_primary {
                up.push(alter(&moved.table, &format!("ALTER COLUMN {} DROP NOT NULL", q(&old))));
                first.extend(not_null(self.case, &moved.table, &old));
            }
            up.extend(moved.behind()?.made(Dialect::Postgresql));
            down.extend(moved.before().made(Dialect::Postgresql));
        }
        for pointer in &self.pointers {
            first.extend(self.pointing(pointer, Side::Old)?);
        }
        first.push(Part::Inside(down));
        for primary in &self.primaries {
            first.push(self.unique(primary, Side::New)?);
        }
        for pointer in &self.pointers {
            first.extend(self.pointing(pointer, Side::New)?);
        }
        let key = self.key;
        Some(Step {
            name: self.named("switch", None),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "one short transaction exchanges names, primary keys, foreign keys and the sequence: only the catalogue changes".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body(first),
            deploy: format!("code that runs goes on: `{key}` keeps its name; prepared statements fail once and are planned anew; code must hold ids in 64 bits from here on"),
        })
    }

    fn contracted(&self) -> Option<Step> {
        let (mut up, mut back, mut fills) = (Vec::new(), Vec::new(), Vec::new());
        let mut forth = Vec::new();
        for moved in &self.moved {
            let (own, old) = (moved.name(), old_of(moved.name()));
            up.extend(moved.behind()?.gone(Dialect::Postgresql));
            up.push(drop_column(PG, &moved.table, &old).allowing("drop_column", format!("each of its values stands in {own}")));
            let (constraints, indexes) = self.names(moved)?;
            for (name, new) in &constraints {
                forth.push(alter(&moved.table, &format!("RENAME CONSTRAINT {} TO {}", q(new), q(name))));
                back.push(alter(&moved.table, &format!("RENAME CONSTRAINT {} TO {}", q(name), q(new))));
            }
            for (name, new) in &indexes {
                let at = |one: &str| relation(PG, &Name { schema: moved.table.schema.clone(), name: one.to_owned() });
                forth.push(Line::execute(format!("ALTER INDEX {} RENAME TO {}", at(new), q(name))));
                back.push(Line::execute(format!("ALTER INDEX {} RENAME TO {}", at(name), q(new))));
            }
            back.push(add_column(PG, &moved.table, &moved.plain(old.clone(), moved.column.data_type.clone()?))?);
            back.extend(moved.behind()?.made(Dialect::Postgresql));
            let (wide, narrow) = (q(own), q(&old));
            fills.extend(filled(self.case, &Self::filling(moved, format!("{narrow} = {wide}"), format!("{narrow} IS NULL AND {wide} IS NOT NULL"), true)).0);
            fills.extend(self.standing(moved, &old, true)?);
        }
        for pointer in &self.pointers {
            let (name, new) = (q(&pointer.name), q(&fitting(&new_of(&pointer.name))));
            forth.push(alter(&pointer.table, &format!("RENAME CONSTRAINT {new} TO {name}")));
            back.push(alter(&pointer.table, &format!("RENAME CONSTRAINT {name} TO {new}")));
        }
        up.extend(forth);
        Some(Step {
            name: self.named("drop", Some(Side::Old)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "the narrow columns go; indexes and foreign keys get their names back".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body(vec![Part::Inside(back)]).then(Body(fills)),
            deploy: "a release later; from the first id beyond the narrow type on there is no way back, and the way back says so".to_owned(),
        })
    }
}
