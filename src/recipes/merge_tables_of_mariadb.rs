//! # The rows of a table move into another one on MariaDB
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
//! 4. Contract: the rows are compared, and it stops where one differs. The table gets another name; drop it a release later.
//!
//! Two tables with AUTO_INCREMENT count each for itself: a number that both give stops the insert (1062), and nothing is lost.
//!
//! ```plan mariadb
//! CREATE TABLE orders (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, note varchar(60) COLLATE utf8mb4_unicode_ci, state varchar(10) DEFAULT 'open', seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) DEFAULT CHARSET=utf8mb4;
//! CREATE TABLE old_orders (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, note varchar(60)) DEFAULT CHARSET=latin1;
//! -- rows
//! INSERT INTO orders (id, note, seen) SELECT seq, CONCAT('new ', seq), '2020-01-02 03:04:05' FROM seq_1_to_50;
//! INSERT INTO old_orders SELECT seq, CONCAT('old ', seq) FROM seq_1001_to_7000;
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
use crate::recipes::parts::guarded::{Guarded, any_differs, none_or_raise, same_key};
use crate::recipes::parts::loops::{Filling, copied, filled, kept_clocks, removed};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::wish::Wish;
use crate::recipes::parts::written::columns;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{Column, Name};

/// What it mends.
pub const MENDS: &[&str] = &["merge_tables"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// All that the revisions are made of.
struct Merged<'a> {
    case: &'a Case<'a>,
    dialect: Dialect,
    from: &'a Name,
    into: &'a Name,
    key: Vec<String>,
    /// The columns of the table that goes, all of them in the one that stays.
    all: Vec<String>,
    /// Those that are not of the key.
    values: Vec<&'a Column>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let Wish::MergeTables(wish) = case.wish else { return None };
    let (from, into) = (case.catalog.table(&wish.from)?, case.catalog.table(&wish.into)?);
    let key = from.primary_key()?.to_vec();
    let is_plain = from.columns.iter().all(|column| column.generated.is_none() && into.column(&column.name).is_some_and(|other| other.generated.is_none()));
    let values: Vec<&Column> = from.columns.iter().filter(|column| !key.contains(&column.name)).collect();
    if into.primary_key()? != key || !is_plain || values.is_empty() || from.partition_by.is_some() {
        return None;
    }
    let count_alone = [from, into].iter().all(|table| table.columns.iter().any(|column| column.auto_increment));
    let all = from.columns.iter().map(|column| column.name.clone()).collect();
    let merged = Merged { case, dialect: case.dialect(), from: &wish.from, into: &wish.into, key, all, values };
    let mut found = Found { steps: vec![merged.synced(), merged.filled()?, merged.set_aside()], ..Found::default() };
    for (other, _) in case.catalog.foreign_keys_to(&wish.from) {
        found.questions.push(format!("`{}` points at `{}`: point it at `{}` before the last revision", other.shown(), wish.from.shown(), wish.into.shown()));
    }
    if count_alone {
        found.questions.push(format!(
            "`{0}` and `{1}` number their rows each for itself: let `{0}` count on from a number that `{1}` does not reach (ALTER TABLE … AUTO_INCREMENT), or its inserts fail with 1062",
            wish.from.shown(),
            wish.into.shown()
        ));
    }
    found.notes.push(format!("until the last revision code that reads `{}` does not see the rows that new code inserts into `{}`", wish.from.shown(), wish.into.shown()));
    Some(found)
}

impl Merged<'_> {
    fn q(&self, name: &str) -> String {
        quoted(self.dialect, name)
    }

    fn paths(&self) -> (String, String) {
        (relation(self.dialect, self.from), relation(self.dialect, self.into))
    }

    fn aside(&self) -> Name {
        Name { schema: self.from.schema.clone(), name: fitting(&format!("{}_merged", self.from.name)) }
    }

    fn same(&self, one: &str, other: &str) -> String {
        same_key(self.dialect, &self.key, one, other)
    }

    fn differs(&self, one: &str, other: &str) -> String {
        any_differs(self.dialect, &self.values, one, other)
    }

    fn each(&self, one: impl Fn(&str) -> String) -> String {
        self.values.iter().map(|column| one(&self.q(&column.name))).collect::<Vec<_>>().join(", ")
    }

    fn triggers(&self) -> Vec<Guarded> {
        let (from, into) = self.paths();
        let values = self.all.iter().map(|name| format!("NEW.{}", self.q(name))).collect::<Vec<_>>().join(", ");
        let set = self.each(|name| format!("{name} = NEW.{name}"));
        let update = |name: &Name, table: &str| {
            format!("UPDATE {table} SET {set}{} WHERE {};", kept_clocks(self.case, name, &set, ""), self.same(&format!("{table}."), "NEW."))
        };
        let delete = |table: &str| format!("DELETE FROM {table} WHERE {};", self.same(&format!("{table}."), "OLD."));
        let (forth, back) = (format!("{}_into_{}", self.from.name, self.into.name), format!("{}_back_to_{}", self.into.name, self.from.name));
        vec![
            Guarded::new(&forth, self.from, "INSERT", format!("INSERT INTO {into} ({}) VALUES ({values});", columns(self.dialect, &self.all))),
            Guarded::new(&forth, self.from, "UPDATE", update(self.into, &into)),
            Guarded::new(&forth, self.from, "DELETE", delete(&into)),
            Guarded::new(&back, self.into, "UPDATE", update(self.from, &from)),
            Guarded::new(&back, self.into, "DELETE", delete(&from)),
        ]
    }

    fn made(&self) -> Vec<Line> {
        self.triggers().iter().map(|trigger| trigger.made(self.dialect)).collect()
    }

    fn gone(&self) -> Vec<Line> {
        self.triggers().iter().map(|trigger| trigger.gone(self.dialect)).collect()
    }

    fn synced(&self) -> Step {
        let (from, into) = self.paths();
        let both = format!("SELECT count(*) FROM {from} AS f JOIN {into} AS t ON {}", self.same("f.", "t."));
        let disjoint = none_or_raise(&both, &format!("keys stand in both {} and {}: give the rows of one others", self.from.name, self.into.name), None);
        Step {
            name: snake(&format!("sync_{}_into_{}", self.from.name, self.into.name)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "it stops if a key stands in both tables; then triggers carry each write over, so that no row is missed while they are copied".to_owned(),
            upgrade: Body(vec![Part::Inside(vec![disjoint]), Part::Inside(self.made())]),
            downgrade: Body::inside(self.gone()),
            deploy: "run it first: running code does not notice; keys of new rows must not meet from here on".to_owned(),
        }
    }

    fn silent(&self, table: &Name, assignment: String, open: String) -> Filling {
        Filling { table: table.clone(), assignment, open, is_silent: true, must_end: true, asks_fill: false }
    }

    fn filled(&self) -> Option<Step> {
        let (from, into) = self.paths();
        let list = columns(self.dialect, &self.all);
        let open = format!("NOT EXISTS (SELECT 1 FROM {into} AS t WHERE {})", self.same("t.", &format!("{from}.")));
        let came = format!("EXISTS (SELECT 1 FROM {from} AS f WHERE {})", self.same("f.", &format!("{into}.")));
        Some(Step {
            name: snake(&format!("backfill_{}_from_{}", self.into.name, self.from.name)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the triggers are copied in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: copied(self.case, &self.silent(self.from, String::new(), open), &format!("INSERT INTO {into} ({list}) SELECT {list} FROM {from}"), "")?,
            downgrade: removed(self.case, &self.silent(self.into, String::new(), came), &self.key),
            deploy: format!("any time behind the first; behind it deploy the code that uses `{}` only", self.into.shown()),
        })
    }

    fn set_aside(&self) -> Step {
        let (from, into) = self.paths();
        let aside = relation(self.dialect, &self.aside());
        let missing = self.key.first().map(|name| format!("t.{} IS NULL OR ", self.q(name))).unwrap_or_default();
        let select = format!("SELECT count(*) FROM {from} AS f LEFT JOIN {into} AS t ON {} WHERE {missing}{}", self.same("t.", "f."), self.differs("f.", "t."));
        let proof = none_or_raise(&select, &format!("rows of {} are missing or differ in {}: run the backfill again", self.from.name, self.into.name), None);
        let rename = |from: &str, to: &str| Line::execute(format!("RENAME TABLE {from} TO {to}"));
        let mut up = self.gone();
        up.push(rename(&from, &aside).allowing("rename", "no running code uses it, and its rows were compared in this revision"));
        let mut back = vec![rename(&aside, &from).allowing("rename", "it gets its own name back")];
        back.extend(self.made());
        let here = format!("{from}.");
        let same = self.same("t.", &here);
        // What new code changed in the meantime comes back too.
        let fill = self.silent(
            self.from,
            self.each(|name| format!("{name} = (SELECT t.{name} FROM {into} AS t WHERE {same})")),
            format!("EXISTS (SELECT 1 FROM {into} AS t WHERE {same} AND ({}))", self.differs("t.", &here)),
        );
        Step {
            name: snake(&format!("set_{}_aside", self.from.name)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "each row is compared with the one in the table that stays, and it stops where one is missing or differs; then the table gets another name, with all its rows".to_owned(),
            upgrade: Body(vec![Part::Inside(vec![proof]), Part::Inside(up)]),
            downgrade: Body::inside(back).then(filled(self.case, &fill)),
            deploy: format!("after the code that does not use `{}` is deployed everywhere; plan `drop_table` of `{}` a release later", self.from.shown(), self.aside().shown()),
        }
    }
}
