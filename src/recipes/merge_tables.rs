//! # The rows of a table move into another one
//!
//! Both stand side by side until each row is proven to stand in the other; then the table is set aside, not dropped.
//!
//! ## Why
//! `INSERT … SELECT` and `DROP TABLE` in one deploy lose each write in between, and nothing says whether all rows arrived.
//!
//! ## Do
//! 1. Expand: it stops if a key stands in both tables. Triggers carry writes over: inserts to the one that stays, changes in both directions.
//! 2. Backfill, a data revision in ranges of the key.
//! 3. Deploy code that uses the table that stays.
//! 4. Contract: count and digest of the rows are compared, and it stops where they differ. The table gets another name; drop it a release later.
//!
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, note text, state text DEFAULT 'open');
//! CREATE TABLE old_orders (id bigint PRIMARY KEY, note text);
//! -- rows
//! INSERT INTO orders SELECT n, 'new ' || n FROM generate_series(1, 50) AS n;
//! INSERT INTO old_orders SELECT n, 'old ' || n FROM generate_series(1001, 7000) AS n;
//! -- wish
//! {"kind": "merge_tables", "table": "old_orders", "into": "orders"}
//! -- gives
//! sync_old_orders_into_orders, backfill_orders_from_old_orders, set_old_orders_aside
//! -- old code
//! INSERT INTO old_orders (id, note) VALUES (20001, 'x');
//! UPDATE old_orders SET note = 'y' WHERE id = 20001;
//! DELETE FROM old_orders WHERE id = 1002;
//! -- new code
//! UPDATE orders SET note = 'z' WHERE id = 20001;
//! DELETE FROM orders WHERE id = 1001;
//! INSERT INTO orders (id, note) VALUES (20002, 'new');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::loops::{Filling, SILENCE, copied, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::wish::Wish;
use crate::recipes::parts::written::{columns, comparable};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::Name;

/// What it mends.
pub const MENDS: &[&str] = &["merge_tables"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

const PG: Dialect = Dialect::Postgresql;

/// All that the revisions are made of.
struct Merged<'a> {
    case: &'a Case<'a>,
    from: &'a Name,
    into: &'a Name,
    key: Vec<String>,
    /// The columns of the table that goes, all of them in the one that stays.
    all: Vec<String>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let Wish::MergeTables(wish) = case.wish else { return None };
    let (from, into) = (case.catalog.table(&wish.from)?, case.catalog.table(&wish.into)?);
    let key = from.primary_key()?.to_vec();
    let all: Vec<String> = from.columns.iter().map(|column| column.name.clone()).collect();
    let is_plain = from.columns.iter().all(|column| column.generated.is_none() && into.column(&column.name).is_some_and(|other| other.generated.is_none()));
    if into.primary_key()? != key || !is_plain || all.len() == key.len() || from.partition_by.is_some() {
        return None;
    }
    let merged = Merged { case, from: &wish.from, into: &wish.into, key, all };
    let mut found = Found { steps: vec![merged.synced(), merged.filled()?, merged.set_aside()], ..Found::default() };
    for (other, _) in case.catalog.foreign_keys_to(&wish.from) {
        found.questions.push(format!("`{}` points at `{}`: point it at `{}` before the last revision", other.shown(), wish.from.shown(), wish.into.shown()));
    }
    found.notes.push(format!("until the last revision code that reads `{}` does not see the rows that new code inserts into `{}`", wish.from.shown(), wish.into.shown()));
    Some(found)
}

fn q(name: &str) -> String {
    quoted(PG, name)
}

impl Merged<'_> {
    fn paths(&self) -> (String, String) {
        (relation(PG, self.from), relation(PG, self.into))
    }

    fn aside(&self) -> Name {
        Name { schema: self.from.schema.clone(), name: fitting(&format!("{}_merged", self.from.name)) }
    }

    fn same_key(&self, left: &str, right: &str) -> String {
        self.key.iter().map(|name| q(name)).map(|name| format!("{left}.{name} = {right}.{name}")).collect::<Vec<_>>().join(" AND ")
    }

    /// Each column that is not of the key through a template, with words between them.
    fn each(&self, between: &str, one: impl Fn(&str) -> String) -> String {
        self.all.iter().filter(|name| !self.key.contains(name)).map(|name| one(&q(name))).collect::<Vec<_>>().join(between)
    }

    /// A column that is not of the key has other values on both sides.
    fn differences(&self, one: &str, other: &str) -> String {
        let known = self.case.catalog.table(self.from);
        let differ = |name: &String| {
            let data_type = known.and_then(|known| known.column(name)).and_then(|column| column.data_type.as_ref());
            let at = |place: &str| comparable(PG, data_type, &format!("{place}.{}", q(name)));
            format!("{} IS DISTINCT FROM {}", at(one), at(other))
        };
        self.all.iter().filter(|name| !self.key.contains(name)).map(differ).collect::<Vec<_>>().join(" OR ")
    }

    fn function(&self, on: &Name) -> Name {
        let words = if on == self.from { format!("{}_into_{}_sync", self.from.name, self.into.name) } else { format!("{}_back_to_{}_sync", self.into.name, self.from.name) };
        Name { schema: self.from.schema.clone(), name: fitting(&words) }
    }

    fn trigger(&self, on: &Name, insert: &str, other: &str) -> Vec<Line> {
        let function = self.function(on);
        let written = relation(PG, &function);
        let set = self.each(", ", |name| format!("{name} = NEW.{name}"));
        let differs = self.differences("t", "NEW");
        let (same_old, same_new) = (self.same_key("t", "OLD"), self.same_key("t", "NEW"));
        let event = if insert.is_empty() { "UPDATE OR DELETE" } else { "INSERT OR UPDATE OR DELETE" };
        vec![
            Line::execute(format!(
                "CREATE OR REPLACE FUNCTION {written}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  IF current_setting('{SILENCE}', true) = 'off' THEN\n    RETURN NULL;\n  END IF;\n  IF TG_OP = 'DELETE' THEN\n    DELETE FROM {other} AS t WHERE {same_old};\n    RETURN NULL;\n  END IF;\n{insert}  UPDATE {other} AS t SET {set} WHERE {same_new} AND ({differs});\n  RETURN NULL;\nEND\n$$"
            )),
            Line::execute(format!("CREATE TRIGGER {} AFTER {event} ON {} FOR EACH ROW EXECUTE FUNCTION {written}()", q(&function.name), relation(PG, on))),
        ]
    }

    fn made(&self) -> Vec<Line> {
        let (from, into) = self.paths();
        let values = self.all.iter().map(|name| format!("NEW.{}", q(name))).collect::<Vec<_>>().join(", ");
        let insert = format!("  INSERT INTO {into} ({}) VALUES ({values}) ON CONFLICT DO NOTHING;\n", columns(PG, &self.all));
        let mut lines = self.trigger(self.from, &insert, &into);
        lines.extend(self.trigger(self.into, "", &from));
        lines
    }

    fn gone(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for on in [self.from, self.into] {
            let function = self.function(on);
            lines.push(Line::execute(format!("DROP TRIGGER {} ON {}", q(&function.name), relation(PG, on))));
            lines.push(Line::execute(format!("DROP FUNCTION {}()", relation(PG, &function))).allowing("drop_object", "only the trigger that goes with it called it"));
        }
        lines
    }

    fn synced(&self) -> Step {
        let (from, into) = self.paths();
        let both = format!("SELECT 1 FROM {from} AS f JOIN {into} AS t ON {}", self.same_key("f", "t"));
        let words = format!("a key stands in both {} and {}: give one of the rows another", self.from.name, self.into.name).replace(['\'', '%'], "");
        let disjoint = Line::execute(format!("DO $$ BEGIN IF EXISTS ({both}) THEN RAISE EXCEPTION '{words}'; END IF; END $$"));
        Step {
            name: snake(&format!("sync_{}_into_{}", self.from.name, self.into.name)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "it stops if a key stands in both tables; then triggers carry each write over, so that no row is missed while they are copied".to_owned(),
            upgrade: Body(vec![Part::Outside(vec![disjoint]), Part::Inside(self.made())]),
            downgrade: Body::inside(self.gone()),
            deploy: "run it first: running code does not notice; keys of new rows must come from one sequence from here on".to_owned(),
        }
    }

    fn filled(&self) -> Option<Step> {
        let (from, into) = self.paths();
        let list = columns(PG, &self.all);
        let filling = Filling {
            table: self.from.clone(),
            assignment: String::new(),
            open: format!("NOT EXISTS (SELECT 1 FROM {into} AS t WHERE {})", self.same_key("t", &q(&self.from.name))),
            is_silent: true,
            must_end: true,
            asks_fill: false,
        };
        let back = vec![
            Line::execute(format!("SELECT set_config('{SILENCE}', 'off', true)")),
            Line::execute(format!("DELETE FROM {into} AS t USING {from} AS f WHERE {}", self.same_key("f", "t"))).allowing("unbounded_write", format!("each of these rows stands in {}", self.from.name)),
            Line::execute(format!("SELECT set_config('{SILENCE}', '', true)")),
        ];
        Some(Step {
            name: snake(&format!("backfill_{}_from_{}", self.into.name, self.from.name)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the triggers are copied in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: copied(self.case, &filling, &format!("INSERT INTO {into} ({list}) SELECT {list} FROM {from}"), " FOR SHARE ON CONFLICT DO NOTHING")?,
            downgrade: Body::inside(back),
            deploy: format!("any time behind the first; behind it deploy the code that uses `{}` only", self.into.shown()),
        })
    }

    /// Count and digest of the rows in both tables; raises where they differ.
    fn conserved(&self) -> Line {
        let (from, into) = self.paths();
        let own = |prefix: &str| self.all.iter().map(|name| format!("{prefix}.{}", q(name))).collect::<Vec<_>>().join(", ");
        let sum = |prefix: &str, tables: String, to: &str| {
            format!("  SELECT count(*) AS rows, sum(hashtextextended(ROW({})::text, 0)::numeric) AS digest INTO {to} FROM {tables};\n", own(prefix))
        };
        Line::execute(format!(
            "DO $$\nDECLARE\n  a record;\n  b record;\nBEGIN\n{}{}  IF a IS DISTINCT FROM b THEN\n    RAISE EXCEPTION 'rows of {} differ in {}: % (digest %) and % (digest %)', a.rows, a.digest, b.rows, b.digest;\n  END IF;\nEND $$",
            sum("f", format!("{from} AS f"), "a"),
            sum("t", format!("{into} AS t JOIN {from} AS f ON {}", self.same_key("f", "t")), "b"),
            self.from.name.replace(['\'', '%'], ""),
            self.into.name.replace(['\'', '%'], "")
        ))
    }

    fn set_aside(&self) -> Step {
        let (from, into) = self.paths();
        let aside = relation(PG, &self.aside());
        let rename = |from: &str, to: &str| Line::execute(format!("ALTER TABLE {from} RENAME TO {}", q(to)));
        let mut up = self.gone();
        up.push(rename(&from, &self.aside().name).allowing("rename", "no running code uses it, and its rows were compared in this revision"));
        let mut back = vec![rename(&aside, &self.from.name).allowing("rename", "it gets its own name back")];
        back.extend(self.made());
        let table = q(&self.from.name);
        let same = self.same_key("t", &table);
        // What new code changed in the meantime comes back too.
        let fill = Filling {
            table: self.from.clone(),
            assignment: self.each(", ", |name| format!("{name} = (SELECT t.{name} FROM {into} AS t WHERE {same})")),
            open: format!("EXISTS (SELECT 1 FROM {into} AS t WHERE {same} AND ({}))", self.differences("t", &table)),
            is_silent: true,
            must_end: true,
            asks_fill: false,
        };
        Step {
            name: snake(&format!("set_{}_aside", self.from.name)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "before anything is locked, count and digest of its rows in both tables are compared, and it stops where they differ; then it gets another name, with all its rows".to_owned(),
            upgrade: Body(vec![Part::Outside(vec![self.conserved()]), Part::Inside(up)]),
            downgrade: Body(vec![Part::Inside(back)]).then(filled(self.case, &fill)),
            deploy: format!("after the code that does not use `{}` is deployed everywhere; plan `drop_table` of `{}` a release later", self.from.shown(), self.aside().shown()),
        }
    }
}
