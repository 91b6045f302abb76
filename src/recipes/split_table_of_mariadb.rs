//! # Columns of a table move to a table of their own on MariaDB
//!
//! The new table stands beside the columns, row by row under the same key, until each value is proven to stand there; then the columns go.
//!
//! ## Why
//! `INSERT … SELECT` and `DROP COLUMN` in one deploy lose each write in between, break every running process that names the columns
//! (1054), and nothing says whether all values arrived.
//!
//! ## Do
//! 1. Expand: the new table, empty, and triggers that carry each write over in both directions. Columns that must have a value need not
//!    any more (rebuilt in place, `LOCK=NONE`), since new code leaves them out.
//! 2. Backfill, a data revision in ranges of the key. The keys it copied are kept aside, for the way back.
//! 3. Deploy code that uses the new table.
//! 4. Contract: the values are compared row by row, and it stops where one differs. Then the columns go; the way back fills them again.
//!
//! A row whose values are all NULL or the defaults has none in the new table until the backfill or the last revision copies it. While the
//! triggers stand, a statement that reads one of the two tables and writes the other fails (1442).
//!
//! ```plan mariadb
//! CREATE TABLE users (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(40) NOT NULL, street varchar(80), city varchar(40) COLLATE utf8mb4_unicode_ci, seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY ix_users_city (city)) DEFAULT CHARSET=utf8mb4;
//! -- rows
//! INSERT INTO users (id, name, street, city, seen) SELECT seq, CONCAT('user ', seq), IF(seq % 3 > 0, CONCAT('street ', seq), NULL), IF(seq % 2 > 0, 'town', NULL), '2020-01-02 03:04:05' FROM seq_1_to_6000;
//! -- wish
//! {"kind": "split_table", "table": "users", "into": "addresses", "columns": ["street", "city"]}
//! -- gives
//! split_users_into_addresses, backfill_addresses_from_users, drop_users_street_city
//! -- old code
//! INSERT INTO users (id, name, street) VALUES (20001, 'old', 'x');
//! UPDATE users SET city = 'y' WHERE id = 6;
//! UPDATE users SET city = 'Town' WHERE id = 1;
//! UPDATE users SET street = NULL, city = NULL WHERE id = 7;
//! DELETE FROM users WHERE id = 2;
//! SELECT id, name, street, city FROM users WHERE id = 20001;
//! -- new code
//! INSERT INTO users (id, name) VALUES (20002, 'new');
//! INSERT INTO addresses (id, city) VALUES (20002, 'z');
//! UPDATE addresses SET street = 'w' WHERE id = 20001;
//! DELETE FROM addresses WHERE id = 3;
//! ```
//! ```plan mariadb
//! CREATE TABLE orders (shop int NOT NULL, number int NOT NULL, state varchar(10) NOT NULL DEFAULT 'new', weight int NOT NULL, PRIMARY KEY (shop, number));
//! -- rows
//! INSERT INTO orders SELECT 1 + seq % 3, seq, 'sent', seq FROM seq_1_to_60;
//! -- wish
//! {"kind": "split_table", "table": "orders", "into": "parcels", "columns": ["state", "weight"]}
//! -- gives
//! split_orders_into_parcels, backfill_parcels_from_orders, drop_orders_state_weight
//! -- old code
//! INSERT INTO orders (shop, number, weight) VALUES (1, 9001, 5);
//! UPDATE orders SET state = 'gone' WHERE shop = 1 AND number = 9001;
//! -- new code
//! INSERT INTO orders (shop, number) VALUES (1, 9002);
//! INSERT INTO parcels (shop, number, weight) VALUES (1, 9002, 7);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::guarded::{Guarded, any_differs, none_or_raise, same_key};
use crate::recipes::parts::loops::{Filling, filled, kept_clocks, removed, written};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::standing::concurrent;
use crate::recipes::parts::undo::in_its_place;
use crate::recipes::parts::wish::Wish;
use crate::recipes::parts::written::{add_column, column_text, columns, create_index, exact, table_options};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::catalog::{IndexState, Table, index_uses};
use crate::sql::change::{Column, ConstraintKind, Name};

/// What it mends.
pub const MENDS: &[&str] = &["split_table"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// All that the revisions are made of.
struct Divided<'a> {
    case: &'a Case<'a>,
    dialect: Dialect,
    from: &'a Name,
    into: &'a Name,
    known: &'a Table,
    key: Vec<String>,
    /// The columns that move, in the order of the table.
    moved: Vec<&'a Column>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let Wish::SplitTable(wish) = case.wish else { return None };
    let known = case.catalog.table(&wish.table)?;
    let key = known.primary_key()?.to_vec();
    let moved: Vec<&Column> = known.columns.iter().filter(|column| wish.columns.contains(&column.name)).collect();
    let is_pointed_at = case.catalog.foreign_keys_to(&wish.table).iter().any(|(_, one)| {
        one.reference().is_some_and(|reference| reference.columns.iter().any(|name| wish.columns.contains(name)))
    });
    let stays_alone = |column: &&Column| {
        let is_held = known.constraints_on(&column.name).any(|one| !matches!(one.kind, ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. }));
        column.generated.is_none() && !column.auto_increment && !is_held && known.generated_from(&column.name).next().is_none()
    };
    let divided = Divided { case, dialect: case.dialect(), from: &wish.table, into: &wish.into, known, key, moved };
    if !divided.moved.iter().all(stays_alone) || is_pointed_at || known.partition_by.is_some() || divided.indexes().any(|state| !divided.is_within(state)) {
        return None;
    }
    let mut found = Found { steps: vec![divided.expanded()?, divided.filled()?, divided.contracted()?], ..Found::default() };
    for column in &divided.moved {
        for view in case.catalog.views_on_column(&wish.table, &column.name) {
            found.questions.push(format!("the view `{}` reads `{}.{}`: make it anew over `{}` before the last revision", view.shown(), wish.table.shown(), column.name, wish.into.shown()));
        }
    }
    found.notes.push(format!(
        "`{}` only says which rows the backfill copied, for its way back: plan `drop_table` of it a release later",
        divided.copies().shown()
    ));
    found.notes.push(format!("until the last revision a statement that reads `{}` and writes `{}` fails, and the other way round (1442): read first, then write", wish.table.shown(), wish.into.shown()));
    Some(found)
}

impl Divided<'_> {
    fn q(&self, name: &str) -> String {
        quoted(self.dialect, name)
    }

    fn paths(&self) -> (String, String) {
        (relation(self.dialect, self.from), relation(self.dialect, self.into))
    }

    fn copies(&self) -> Name {
        Name { schema: self.into.schema.clone(), name: fitting(&format!("{}_copied", self.into.name)) }
    }

    fn all(&self) -> String {
        self.key.iter().chain(self.moved.iter().map(|column| &column.name)).map(|name| self.q(name)).collect::<Vec<_>>().join(", ")
    }

    /// Each column that moves through a template, with words between them.
    fn each(&self, between: &str, one: impl Fn(&str) -> String) -> String {
        self.moved.iter().map(|column| one(&self.q(&column.name))).collect::<Vec<_>>().join(between)
    }

    fn differs(&self, one: &str, other: &str) -> String {
        any_differs(self.dialect, &self.moved, one, other)
    }

    fn same(&self, one: &str, other: &str) -> String {
        same_key(self.dialect, &self.key, one, other)
    }

    /// What must have a value has one; where nothing must, anything has.
    fn present(&self, place: &str) -> String {
        let asked = |required: bool| self.moved.iter().filter(move |column| column.not_null == required).map(|column| format!("{place}{} IS NOT NULL", self.q(&column.name))).collect::<Vec<_>>();
        let required = asked(true);
        let words = if required.is_empty() { asked(false).join(" OR ") } else { required.join(" AND ") };
        format!("({words})")
    }

    /// A new row says something that it would not have by itself.
    fn is_told(&self) -> Option<String> {
        let mut told = Vec::new();
        for column in &self.moved {
            let own = format!("NEW.{}", self.q(&column.name));
            told.push(match &column.default {
                Some(default) => format!("NOT ({own} <=> {})", exact(default)?),
                None => format!("{own} IS NOT NULL"),
            });
        }
        Some(format!("{} AND ({})", self.present("NEW."), told.join(" OR ")))
    }

    fn indexes(&self) -> impl Iterator<Item = &IndexState> {
        let moves = |state: &IndexState| self.moved.iter().any(|column| index_uses(&state.index, &column.name));
        self.known.indexes.iter().filter(move |state| state.constraint.is_none() && moves(state))
    }

    /// All that the index covers stands in the new table.
    fn is_within(&self, state: &IndexState) -> bool {
        let is_there = |name: &String| self.key.contains(name) || self.moved.iter().any(|column| column.name == *name);
        let named = state.index.plain_columns();
        named.len() == state.index.keys.len() && named.iter().all(is_there)
    }

    fn triggers(&self) -> Option<Vec<Guarded>> {
        let (from, into) = self.paths();
        let values = self.key.iter().chain(self.moved.iter().map(|column| &column.name)).map(|name| format!("NEW.{}", self.q(name))).collect::<Vec<_>>().join(", ");
        let set = self.each(", ", |name| format!("{name} = NEW.{name}"));
        let none = self.each(", ", |name| format!("{name} = NULL"));
        let clocks = kept_clocks(self.case, self.from, &set, "");
        let upsert = format!("INSERT INTO {into} ({}) VALUES ({values}) ON DUPLICATE KEY UPDATE {set};", self.all());
        let there = format!("UPDATE {into} SET {set} WHERE {};", self.same(&format!("{into}."), "NEW."));
        let back = format!("UPDATE {from} SET {set}{clocks} WHERE {};", self.same(&format!("{from}."), "NEW."));
        let changed = self.differs("NEW.", "OLD.");
        let (forth, home) = (format!("{}_into_{}", self.from.name, self.into.name), format!("{}_back_to_{}", self.into.name, self.from.name));
        Some(vec![
            Guarded::new(&forth, self.from, "INSERT", format!("IF {} THEN {upsert} END IF;", self.is_told()?)),
            Guarded::new(&forth, self.from, "UPDATE", format!("IF {changed} THEN IF {} THEN {upsert} ELSE {there} END IF; END IF;", self.present("NEW."))),
            Guarded::new(&home, self.into, "INSERT", back.clone()),
            Guarded::new(&home, self.into, "UPDATE", back),
            Guarded::new(&home, self.into, "DELETE", format!("UPDATE {from} SET {none}{clocks} WHERE {};", self.same(&format!("{from}."), "OLD."))),
        ])
    }

    fn made(&self) -> Option<Vec<Line>> {
        Some(self.triggers()?.iter().map(|trigger| trigger.made(self.dialect)).collect())
    }

    fn gone(&self) -> Option<Vec<Line>> {
        Some(self.triggers()?.iter().map(|trigger| trigger.gone(self.dialect)).collect())
    }

    /// The new table with its indexes.
    fn table(&self) -> Option<Vec<Line>> {
        let (from, into) = self.paths();
        let key = columns(self.dialect, &self.key);
        let mut parts = Vec::new();
        for name in &self.key {
            let plain = Column { auto_increment: false, default: None, not_null: true, position: None, ..self.known.column(name)?.clone() };
            parts.push(column_text(self.dialect, &plain)?);
        }
        for column in &self.moved {
            parts.push(column_text(self.dialect, column)?);
        }
        parts.push(format!("PRIMARY KEY ({key})"));
        parts.push(format!("FOREIGN KEY ({key}) REFERENCES {from} ({key}) ON DELETE CASCADE ON UPDATE CASCADE"));
        let options = table_options(self.dialect, self.known);
        let mut lines = vec![Line::execute(format!("CREATE TABLE {into} ({}){options}", parts.join(", ")))];
        for state in self.indexes() {
            let own = state.index.name.as_deref()?;
            let renamed = own.replacen(&self.from.name, &self.into.name, 1);
            let name = fitting(&if renamed == own { format!("{own}_{}", self.into.name) } else { renamed });
            lines.push(create_index(self.dialect, self.into, &name, &state.index, false)?);
        }
        Some(lines)
    }

    /// `MODIFY` of the columns that must have a value, in one rebuild; none where none must.
    fn demanded(&self, required: bool) -> Option<Vec<Line>> {
        let mut parts = Vec::new();
        for column in self.moved.iter().filter(|column| column.not_null) {
            parts.push(modified(self.dialect, column, required)?);
        }
        Some(if parts.is_empty() { Vec::new() } else { vec![in_place(self.case, self.from, &parts.join(", "))] })
    }

    fn expanded(&self) -> Option<Step> {
        let mut up = self.table()?;
        up.extend(self.demanded(false)?);
        up.extend(self.made()?);
        let mut down = self.gone()?;
        let drop = Line::execute(format!("DROP TABLE {}", self.paths().1));
        down.push(drop.allowing("drop_table", format!("each of its values stands in {} too", self.from.name)));
        down.extend(self.demanded(true)?);
        Some(Step {
            name: snake(&format!("split_{}_into_{}", self.from.name, self.into.name)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "the new table is empty, so nobody waits for it; triggers carry each write over, so that no row is missed while they are copied".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body::inside(down),
            deploy: "run it first: running code does not notice".to_owned(),
        })
    }

    fn silent(table: &Name, assignment: String, open: String) -> Filling {
        Filling { table: table.clone(), assignment, open, is_silent: true, must_end: true, asks_fill: false }
    }

    /// Rows that have no counterpart, into the new table in ranges of the key; their keys aside where the way back needs them.
    fn copied(&self, keeps_keys: bool) -> Option<Body> {
        let (from, into) = self.paths();
        let open = format!("{} AND NOT EXISTS (SELECT 1 FROM {into} AS t WHERE {})", self.present(""), self.same("t.", &format!("{from}.")));
        let mut writes = Vec::new();
        if keeps_keys {
            writes.push((format!("INSERT IGNORE INTO {} SELECT {} FROM {from}", relation(self.dialect, &self.copies()), columns(self.dialect, &self.key)), String::new()));
        }
        writes.push((format!("INSERT INTO {into} ({0}) SELECT {0} FROM {from}", self.all()), String::new()));
        written(self.case, &Self::silent(self.from, String::new(), open), &writes)
    }

    fn filled(&self) -> Option<Step> {
        let copies = relation(self.dialect, &self.copies());
        let key = columns(self.dialect, &self.key);
        // From a query: what the upgrade fills itself is nobody else's to fill.
        let made = Line::execute(format!("CREATE TABLE IF NOT EXISTS {copies} (PRIMARY KEY ({key})) AS SELECT {key} FROM {} WHERE 1 = 0", self.paths().0));
        let copied_there = format!("EXISTS (SELECT 1 FROM {copies} AS c WHERE {})", self.same("c.", &format!("{}.", self.paths().1)));
        let back = removed(self.case, &Self::silent(self.into, String::new(), copied_there), &self.key);
        let gone = Line::execute(format!("DROP TABLE {copies}")).allowing("drop_table", format!("it only says which rows of {} were copied", self.into.name));
        Some(Step {
            name: snake(&format!("backfill_{}_from_{}", self.into.name, self.from.name)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the triggers are copied in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: Body::inside(vec![made]).then(self.copied(true)?),
            downgrade: back.then(Body::inside(vec![gone])),
            deploy: format!("any time behind the first; behind it deploy the code that uses `{}` and names none of the columns in `{}`", self.into.shown(), self.from.shown()),
        })
    }

    fn contracted(&self) -> Option<Step> {
        let (from, into) = self.paths();
        let has_default = self.moved.iter().any(|column| column.default.is_some());
        // Rows that came with the defaults alone had no counterpart: they get it before anything is compared.
        let copied = if has_default { self.copied(false)? } else { Body::default() };
        let select = format!("SELECT count(*) FROM {from} AS f LEFT JOIN {into} AS t ON {} WHERE {}", self.same("t.", "f."), self.differs("f.", "t."));
        let proof = none_or_raise(&select, &format!("rows of {} have other values in {}: mend them first", self.from.name, self.into.name), None);
        let drop = self.each(", ", |name| format!("DROP COLUMN {name}"));
        let because = format!("each value stands in {}: they were compared in this revision", self.into.name);
        let mut up = self.gone()?;
        up.push(written_out(self.case, Line::execute(format!("ALTER TABLE {from} {drop}"))).allowing("drop_column", &because));
        let mut again = Vec::new();
        for column in &self.moved {
            let plain = Column { not_null: false, default: None, position: None, constraints: Vec::new(), ..(*column).clone() };
            again.push(written_out(self.case, in_its_place(self.dialect, self.known, &column.name, add_column(self.dialect, self.from, &plain)?)));
            if let Some(default) = &column.default {
                again.push(Line::execute(format!("ALTER TABLE {from} ALTER COLUMN {} SET DEFAULT {}", self.q(&column.name), exact(default)?)));
            }
        }
        again.extend(self.made()?);
        let here = format!("{from}.");
        let same = self.same("t.", &here);
        let fill = Self::silent(
            self.from,
            self.each(", ", |name| format!("{name} = (SELECT t.{name} FROM {into} AS t WHERE {same})")),
            format!("EXISTS (SELECT 1 FROM {into} AS t WHERE {same} AND ({}))", self.differs("t.", &here)),
        );
        let mut back = Body::inside(again).then(filled(self.case, &fill));
        for state in self.indexes() {
            back.0.push(Part::Inside(concurrent(self.case, self.from, state.index.name.as_deref()?, &state.index)?));
        }
        let names = self.moved.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join("_");
        Some(Step {
            name: snake(&format!("drop_{}_{names}", self.from.name)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "the values of each row are compared first, and it stops where one differs; then the columns go".to_owned(),
            upgrade: copied.then(Body(vec![Part::Inside(vec![proof]), Part::Inside(up)])),
            downgrade: back,
            deploy: format!("only when the last process that names one of the columns in `{}` is gone; a release after the code that uses `{}`", self.from.shown(), self.into.shown()),
        })
    }
}
