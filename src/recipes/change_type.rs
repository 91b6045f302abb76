//! # A column gets another type while code runs
//!
//! A type change that only widens is instant and needs no recipe. Any other goes through a second column of the new type.
//!
//! ## Why
//! `ALTER COLUMN … TYPE` writes the table anew (or reads it) under ACCESS EXCLUSIVE, with all indexes: reads and writes wait. Free
//! are, for example, `varchar(50)` to `varchar(100)` or `text`, and `numeric(10,2)` to `numeric(12,2)`; `timestamp` to `timestamptz`
//! too, where the session's zone is UTC: the plan's revision says so, and asks whether the values are.
//!
//! ## Do
//! 1. Expand: a column of the new type, and a trigger that keeps it equal. Values that do not fit become NULL there, old code goes on.
//! 2. Backfill, a data revision in ranges of the key.
//! 3. Prepare: indexes, constraints and NOT NULL on the new column, without a long lock.
//! 4. Switch: without `using` it stops if a value would change. Then the names are exchanged in one short transaction; from then on a trigger keeps the old column, for the way back.
//! 5. Contract: the old column goes, a release later; indexes get their names back.
//!
//! Views, triggers and policies that hang on the column are dropped and made anew in the transaction that changes it, or switches.
//!
//! ```plan postgresql
//! CREATE TABLE files (id bigint PRIMARY KEY, meta json);
//! -- rows
//! INSERT INTO files SELECT n, '{"a": 1}' FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "files", "column": "meta", "type": "jsonb"}
//! -- gives
//! add_files_meta_new, backfill_files_meta_new, switch_files_meta, drop_files_meta_old
//! -- old code
//! UPDATE files SET meta = '{"b": 2}' WHERE id = 1;
//! ```
//! ```plan postgresql
//! CREATE TABLE files (id bigint PRIMARY KEY, meta json);
//! CREATE VIEW described AS SELECT id, meta FROM files WHERE meta IS NOT NULL;
//! CREATE VIEW counted AS SELECT count(*) AS n FROM described;
//! CREATE POLICY with_meta ON files USING (meta IS NOT NULL);
//! -- rows
//! INSERT INTO files SELECT n, '{"a": 1}' FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "files", "column": "meta", "type": "jsonb"}
//! -- gives
//! add_files_meta_new, backfill_files_meta_new, switch_files_meta, drop_files_meta_old
//! -- old code
//! SELECT n FROM counted;
//! UPDATE files SET meta = '{"b": 2}' WHERE id = 1;
//! ```
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, amount integer NOT NULL DEFAULT 0, note text, CONSTRAINT amount_positive CHECK (amount >= 0));
//! CREATE INDEX ix_orders_amount ON orders (amount);
//! -- rows
//! INSERT INTO orders SELECT n, n * 3, 'x' FROM generate_series(1, 7000) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "orders", "column": "amount", "type": "numeric(12,2)"}
//! -- gives
//! add_orders_amount_new, backfill_orders_amount_new, prepare_orders_amount_new, switch_orders_amount, drop_orders_amount_old
//! -- old code
//! INSERT INTO orders (id, amount) VALUES (20001, 5);
//! INSERT INTO orders (id) VALUES (20002);
//! UPDATE orders SET amount = amount + 1 WHERE id = 1;
//! SELECT id, amount FROM orders WHERE amount > 5;
//! -- new code
//! INSERT INTO orders (id, amount) VALUES (20003, 5.25);
//! ```
//! ```plan postgresql loses
//! CREATE TABLE orders (id bigint PRIMARY KEY, code text);
//! -- rows
//! INSERT INTO orders SELECT n, 'A-' || n FROM generate_series(1, 60) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "orders", "column": "code", "type": "integer", "using": "nullif(regexp_replace(code, '[^0-9]', '', 'g'), '')::integer"}
//! -- gives
//! add_orders_code_new, backfill_orders_code_new, switch_orders_code, drop_orders_code_old
//! -- old code
//! SELECT id, code FROM orders;
//! ```
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, code text);
//! CREATE INDEX ix_orders_code ON orders (code);
//! -- rows
//! INSERT INTO orders SELECT n, CASE WHEN n % 3 > 0 THEN n::text END FROM generate_series(1, 60) AS n;
//! -- wish
//! ALTER TABLE orders ALTER COLUMN code TYPE integer
//! -- gives
//! add_orders_code_new, backfill_orders_code_new, prepare_orders_code_new, switch_orders_code, drop_orders_code_old
//! -- old code
//! INSERT INTO orders (id, code) VALUES (20001, '17');
//! ```
//! ```plan postgresql
//! CREATE TABLE visits (id bigint PRIMARY KEY, seen_at timestamp NOT NULL);
//! -- rows
//! INSERT INTO visits SELECT n, timestamp '2024-01-01' + n * interval '1 hour' FROM generate_series(1, 60) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "visits", "column": "seen_at", "type": "timestamptz"}
//! -- gives
//! change_visits_seen_at_to_timestamp_with_time_zone
//! -- old code
//! INSERT INTO visits (id, seen_at) VALUES (20001, '2024-01-01');
//! SELECT id FROM visits WHERE seen_at > '2024-01-01';
//! ```
//! With an index on it, which would be built anew:
//!
//! ```plan postgresql
//! CREATE TABLE visits (id bigint PRIMARY KEY, seen_at timestamp);
//! CREATE INDEX ix_visits_seen_at ON visits (seen_at);
//! -- rows
//! INSERT INTO visits SELECT n, timestamp '2024-01-01' + n * interval '1 hour' FROM generate_series(1, 60) AS n;
//! -- wish
//! {"kind": "alter_column_type", "table": "visits", "column": "seen_at", "type": "timestamptz"}
//! -- gives
//! add_visits_seen_at_new, backfill_visits_seen_at_new, prepare_visits_seen_at_new, switch_visits_seen_at, drop_visits_seen_at_old
//! -- old code
//! SET timezone = 'Asia/Tokyo';
//! INSERT INTO visits (id, seen_at) VALUES (20001, '2024-01-01');
//! UPDATE visits SET seen_at = '2024-02-01' WHERE id = 1;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::standing::{Onto, equal_or_raise, not_null, standing, with_column};
use crate::recipes::parts::sync::Sync;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::zone;
use crate::recipes::parts::written::{add_column, drop_column, drop_index, exact, has_no_equality, type_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, ConstraintKind, DataType, Name};

/// What it mends.
pub const MENDS: &[&str] = &["type_change_rewrite", "type_change_scan", "type_change_loss", "will_fail"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// All that the revisions are made of.
struct Change<'a> {
    case: &'a Case<'a>,
    table: &'a Name,
    column: &'a Column,
    /// The column beside it, and the one it becomes.
    new: String,
    old: String,
    /// The old value as one of the new type, and the way back, over a row.
    forth: String,
    back: String,
    is_using: bool,
    data_type: &'a DataType,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let (table, AlterAction::AlterColumnType { column: name, data_type, using }) = case.statement()?.action()? else { return None };
    let refused = case.effect.is_some_and(|effect| effect.fails.iter().any(|failure| failure.code != "42804" && failure.when == crate::effects::When::Always));
    let known = case.catalog.table(table)?;
    let column = known.column(name)?;
    let is_key = column.generated.is_some() || column.identity.is_some() || known.primary_key().is_some_and(|key| key.contains(name));
    let is_pointed_at = case.catalog.foreign_keys_to(table).iter().any(|(_, one)| one.reference().is_some_and(|reference| reference.columns.contains(name)));
    if refused || is_key || is_pointed_at || known.generated_from(name).next().is_some() || known.partition_by.is_some() {
        return None;
    }
    let own = quoted(case.dialect(), name);
    let (old_type, new_type) = (type_text(case.dialect(), column.data_type.as_ref()?), type_text(case.dialect(), data_type));
    // Trigger and backfill run in sessions of any zone: the cast names one.
    let zone = zone::question(case);
    let (forth, back) = match (using, &zone) {
        (Some(using), _) => (exact(using)?.to_owned(), format!("{own}::{old_type}")),
        (None, Some(_)) => (format!("({own} AT TIME ZONE 'UTC')::{new_type}"), format!("({own} AT TIME ZONE 'UTC')::{old_type}")),
        (None, None) => (format!("{own}::{new_type}"), format!("{own}::{old_type}")),
    };
    let change = Change {
        case,
        table,
        column,
        new: format!("{name}_new"),
        old: format!("{name}_old"),
        forth,
        back,
        is_using: using.is_some(),
        data_type,
    };
    if known.column(&change.new).is_some() || known.column(&change.old).is_some() {
        return None;
    }
    let mut found = Found { questions: zone.into_iter().collect(), ..Found::default() };
    found.questions.extend(change.doubt().map(|query| {
        format!("does every value of `{}.{name}` fit {new_type}? One that does not stops the plan: this has to run, and to count none: {query}", table.shown())
    }));
    found.steps.push(change.expanded()?);
    found.steps.push(change.copied());
    found.steps.extend(change.prepared()?);
    found.steps.push(change.switched()?);
    found.steps.push(change.contracted()?);
    found.ask_about_switch(case, table, name, using.is_some());
    if case.catalog.table(table)?.primary_key().is_none() {
        found.notes.push("the table has no primary key: the backfill reads it again for each batch".to_owned());
    }
    Some(found)
}

impl Change<'_> {
    fn q(&self, name: &str) -> String {
        quoted(self.case.dialect(), name)
    }

    fn written(&self) -> String {
        relation(self.case.dialect(), self.table)
    }

    /// An expression over the column, read from another place.
    fn over(&self, text: &str, place: &str) -> String {
        with_column(text, &self.q(&self.column.name), place)
    }

    fn types(&self) -> [Option<&DataType>; 2] {
        [self.column.data_type.as_ref(), Some(self.data_type)]
    }

    /// An expression whose values can be compared: two documents by what they hold, other types without equality as text.
    fn comparable(&self, expression: &str) -> String {
        let is_any = |wanted: fn(&DataType) -> bool| self.types().into_iter().flatten().any(wanted);
        let is_document = is_any(|one| one.dimensions == 0 && one.name == "json");
        match (is_document, is_any(has_no_equality)) {
            (true, _) => format!("({expression})::jsonb"),
            (false, true) => format!("({expression})::text"),
            (false, false) => expression.to_owned(),
        }
    }

    /// Does every stored value fit the new type? With the query that counts those that do not; None where each does.
    fn doubt(&self) -> Option<String> {
        let is_in_doubt = self.case.effect.is_some_and(|effect| !effect.fails.is_empty() || effect.loss > crate::effects::Loss::None);
        if !is_in_doubt || self.is_using {
            return None;
        }
        let own = self.q(&self.column.name);
        Some(format!(
            "SELECT count(*) FROM {} WHERE {} IS DISTINCT FROM {}",
            self.written(),
            self.comparable(&format!("({})::{}", self.forth, self.old_type())),
            self.comparable(&own)
        ))
    }

    /// The head of a way up that a value which does not fit stops.
    fn granted(&self) -> Body {
        match self.doubt() {
            Some(_) => Body::granting("every stored value fits the new type: they were looked at before this is applied"),
            None => Body::default(),
        }
    }

    fn old_type(&self) -> String {
        self.column.data_type.as_ref().map(|one| type_text(self.case.dialect(), one)).unwrap_or_default()
    }

    /// Old code's column beside the new one.
    fn before(&self) -> Sync {
        let sync = Sync::equal(self.table, &self.column.name, &self.new).of(&self.types());
        let forth = self.over(&self.forth, &format!("NEW.{}", self.q(&self.column.name)));
        let back = self.over(&self.back, &format!("NEW.{}", self.q(&self.new)));
        Sync { forth: Some(forth), back: Some(back), ..sync }
    }

    /// The new column under the name, the old one beside it.
    fn behind(&self) -> Sync {
        let sync = Sync::equal(self.table, &self.old, &self.column.name).of(&self.types());
        let forth = self.over(&self.forth, &format!("NEW.{}", self.q(&self.old)));
        let back = self.over(&self.back, &format!("NEW.{}", self.q(&self.column.name)));
        Sync { forth: Some(forth), back: Some(back), ..sync }
    }

    fn onto(&self) -> Onto<'_> {
        Onto { from: &self.column.name, to: &self.new, keeps_names: false }
    }

    fn expanded(&self) -> Option<Step> {
        let dialect = self.case.dialect();
        let new = Column {
            name: self.new.clone(),
            data_type: Some(self.data_type.clone()),
            not_null: false,
            default: None,
            constraints: Vec::new(),
            ..self.column.clone()
        };
        let mut up = vec![add_column(dialect, self.table, &new)?];
        up.extend(self.before().made(Dialect::Postgresql));
        let mut down = self.before().gone(Dialect::Postgresql);
        down.push(drop_column(dialect, self.table, &self.new));
        Some(Step {
            name: snake(&format!("add_{}_{}", self.table.name, self.new)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "a column of the new type stands beside the old one; the trigger keeps it equal with every write".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body::inside(down),
            deploy: "run it first: running code does not notice".to_owned(),
        })
    }

    fn copied(&self) -> Step {
        let (own, new) = (self.q(&self.column.name), self.q(&self.new));
        let value = self.over(&self.forth, &own);
        // Silent: the trigger would write a value that was converted and converted back over the one that stands.
        let filling = |assignment: String, open: String, must_end: bool| Filling {
            table: self.table.clone(),
            assignment,
            open,
            is_silent: true,
            must_end,
            asks_fill: false,
        };
        let up = filling(format!("{new} = {value}"), format!("{new} IS NULL AND ({value}) IS NOT NULL"), true);
        let down = filling(format!("{new} = NULL"), format!("{new} IS NOT NULL AND {} IS NOT DISTINCT FROM {}", self.comparable(&new), self.comparable(&format!("({value})"))), false);
        Step {
            name: snake(&format!("backfill_{}_{}", self.table.name, self.new)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the trigger are converted in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: self.granted().then(filled(self.case, &up)),
            downgrade: filled(self.case, &down),
            deploy: "any time behind the first; a value that cannot be converted stops it with its error: mend the row".to_owned(),
        }
    }

    /// What stands on the column, on the new one; none where nothing does.
    fn prepared(&self) -> Option<Option<Step>> {
        let dialect = self.case.dialect();
        let known = self.case.catalog.table(self.table)?;
        let name = &self.column.name;
        let mut up = Vec::new();
        up.extend(standing(self.case, self.table, self.onto())?);
        let mut down = Vec::new();
        if self.column.not_null {
            up.extend(not_null(self.case, self.table, &self.new));
            down.push(Line::execute(format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", self.written(), self.q(&self.new))));
        }
        for constraint in known.constraints_on(name).filter(|one| !matches!(one.kind, ConstraintKind::NotNull { .. })) {
            let own = self.onto().name(&constraint_name_of(self.table, constraint));
            down.push(Line::execute(format!("ALTER TABLE {} DROP CONSTRAINT {}", self.written(), self.q(&own))));
        }
        for state in known.indexes_on(name).filter(|state| state.constraint.is_none()) {
            down.push(drop_index(dialect, self.table, &self.onto().name(state.index.name.as_deref()?), false));
        }
        if down.is_empty() {
            return Some(None);
        }
        Some(Some(Step {
            name: snake(&format!("prepare_{}_{}", self.table.name, self.new)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "what stands on the old column is made on the new one without a long lock".to_owned(),
            upgrade: Body(up),
            downgrade: Body::inside(down),
            deploy: "behind the backfill".to_owned(),
        }))
    }

    fn renamed(&self, from: &str, to: &str) -> Line {
        Line::execute(format!("ALTER TABLE {} RENAME COLUMN {} TO {}", self.written(), self.q(from), self.q(to)))
            .allowing("rename", "both columns hold the same values, and the name is taken over in the same transaction")
    }

    fn switched(&self) -> Option<Step> {
        let name = &self.column.name;
        let written = self.written();
        let alter = |column: &str, what: &str| Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {} {what}", self.q(column)));
        let default = match &self.column.default {
            Some(default) => Some(exact(default)?.to_owned()),
            None => None,
        };
        let mut proof = Vec::new();
        if !self.is_using {
            let back = self.over(&self.back, &self.q(&self.new));
            proof.push(Part::Outside(vec![equal_or_raise(self.case, self.table, &self.comparable(&format!("({back})")), &self.comparable(&self.q(name)))]));
        }
        let mut up = self.before().gone(Dialect::Postgresql);
        up.extend([self.renamed(name, &self.old), self.renamed(&self.new, name)]);
        if let Some(default) = &default {
            up.extend([
                alter(name, &format!("SET DEFAULT {default}")),
                alter(&self.old, "DROP DEFAULT").allowing("drop_default_of_required_column", "the column under the name has it now"),
            ]);
        }
        if self.column.not_null {
            up.push(alter(&self.old, "DROP NOT NULL"));
        }
        up.extend(self.behind().made(Dialect::Postgresql));
        let mut down = self.behind().gone(Dialect::Postgresql);
        if let Some(default) = &default {
            down.extend([
                alter(&self.old, &format!("SET DEFAULT {default}")),
                alter(name, "DROP DEFAULT").allowing("drop_default_of_required_column", "the column under the name has it again"),
            ]);
        }
        down.extend([self.renamed(name, &self.new), self.renamed(&self.old, name)]);
        down.extend(self.before().made(Dialect::Postgresql));
        let mut back = vec![Part::Inside(down)];
        if self.column.not_null {
            back.extend(not_null(self.case, self.table, name));
        }
        Some(Step {
            name: snake(&format!("switch_{}_{name}", self.table.name)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "the names are exchanged in one short transaction: only the catalogue changes; the old column is kept up to date for the way back".to_owned(),
            upgrade: self.granted().then(Body(proof)).then(Body::inside(up)),
            downgrade: Body(back),
            deploy: format!("`{name}` has the new type from here on: code that runs must take both types; prepared statements fail once and are planned anew"),
        })
    }

    fn contracted(&self) -> Option<Step> {
        let dialect = self.case.dialect();
        let known = self.case.catalog.table(self.table)?;
        let name = &self.column.name;
        let written = self.written();
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        for constraint in known.constraints_on(name).filter(|one| !matches!(one.kind, ConstraintKind::NotNull { .. })) {
            let own = constraint_name_of(self.table, constraint);
            let (a, b) = (self.q(&self.onto().name(&own)), self.q(&own));
            forth.push(Line::execute(format!("ALTER TABLE {written} RENAME CONSTRAINT {a} TO {b}")));
            back.push(Line::execute(format!("ALTER TABLE {written} RENAME CONSTRAINT {b} TO {a}")));
        }
        for state in known.indexes_on(name).filter(|state| state.constraint.is_none()) {
            let own = state.index.name.clone()?;
            let moved = self.onto().name(&own);
            let at = |one: &str| relation(dialect, &Name { schema: self.table.schema.clone(), name: one.to_owned() });
            forth.push(Line::execute(format!("ALTER INDEX {} RENAME TO {}", at(&moved), self.q(&own))));
            back.push(Line::execute(format!("ALTER INDEX {} RENAME TO {}", at(&own), self.q(&moved))));
        }
        let mut up = self.behind().gone(Dialect::Postgresql);
        up.push(drop_column(dialect, self.table, &self.old).allowing("drop_column", format!("its values stand in {name}, in the new type")));
        up.extend(forth);
        back.push(add_column(dialect, self.table, &Column { name: self.old.clone(), not_null: false, default: None, constraints: Vec::new(), ..self.column.clone() })?);
        back.extend(self.behind().made(Dialect::Postgresql));
        let mut down = vec![Part::Inside(back)];
        let value = self.over(&self.back, &self.q(name));
        let fill = Filling {
            table: self.table.clone(),
            assignment: format!("{} = {value}", self.q(&self.old)),
            open: format!("{} IS NULL AND {} IS NOT NULL", self.q(&self.old), self.q(name)),
            is_silent: true,
            must_end: true,
            asks_fill: false,
        };
        down.extend(filled(self.case, &fill).0);
        down.extend(standing(self.case, self.table, Onto { from: name, to: &self.old, keeps_names: true })?);
        Some(Step {
            name: snake(&format!("drop_{}_{}", self.table.name, self.old)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "the old column goes; indexes and constraints get their names back".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body(down),
            deploy: "a release later, when nobody needs the old type any more: what did not fit it is NULL there".to_owned(),
        })
    }
}
