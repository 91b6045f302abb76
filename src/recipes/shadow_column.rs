//! # A column gets another type on MariaDB while code runs
//!
//! What MariaDB cannot change in place goes through a second column of the new type.
//!
//! ## Why
//! `MODIFY COLUMN` with another type copies the table: nobody writes meanwhile (`ALGORITHM=COPY`, `LOCK=SHARED`). In place are, for example, a
//! longer `varchar` on the same side of 256 bytes, and a new value at the end of an `enum`.
//!
//! ## Do
//! 1. Expand: a column of the new type (INSTANT), and triggers that keep it equal. Values that do not fit become NULL there, old code goes on.
//! 2. Backfill, a data revision in ranges of the key.
//! 3. Prepare: indexes and NOT NULL on the new column, in place.
//! 4. Switch: it stops if a value would change. Then the names are exchanged under `LOCK TABLES … WRITE`, an instant, since MariaDB commits
//!    each statement on its own; from then on triggers keep the old column, for the way back.
//! 5. Contract: the old column goes, a release later; indexes get their names back.
//!
//! ```plan mariadb
//! CREATE TABLE orders (id bigint PRIMARY KEY, amount int NOT NULL DEFAULT 0, note varchar(20), KEY ix_orders_amount (amount));
//! -- rows
//! INSERT INTO orders SELECT seq, seq * 3, 'x' FROM seq_1_to_7000;
//! -- wish
//! {"kind": "alter_column_type", "table": "orders", "column": "amount", "type": "decimal(12,2)"}
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
//! ```plan mariadb
//! CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) DEFAULT CHARSET=latin1;
//! -- rows
//! INSERT INTO orders (id, code, seen) SELECT seq, IF(seq % 3 > 0, seq, NULL), '2020-01-02 03:04:05' FROM seq_1_to_60;
//! -- wish
//! ALTER TABLE orders MODIFY COLUMN code bigint
//! -- gives
//! add_orders_code_new, backfill_orders_code_new, switch_orders_code, drop_orders_code_old
//! -- old code
//! INSERT INTO orders (id, code) VALUES (20001, '17');
//! INSERT INTO orders (id, code) VALUES (20002, NULL);
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, nick varchar(40) COLLATE utf8mb4_unicode_ci) DEFAULT CHARSET=utf8mb4;
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('Nick ', seq) FROM seq_1_to_60;
//! -- wish
//! {"kind": "alter_column_type", "table": "users", "column": "nick", "type": "varchar(100)"}
//! -- gives
//! add_users_nick_new, backfill_users_nick_new, switch_users_nick, drop_users_nick_old
//! -- old code
//! UPDATE users SET nick = 'nick 1' WHERE id = 1;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::standing::{Onto, equal_or_raise, standing};
use crate::recipes::parts::sync::Sync;
use crate::recipes::parts::undo::in_its_place;
use crate::recipes::parts::written::{add_column, drop_index, exact, type_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, ConstraintKind, DataType, Name};

/// What it mends.
pub const MENDS: &[&str] = &["online_ddl_copy", "type_change_rewrite", "type_change_loss", "may_fail_on_rows"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// All that the revisions are made of.
struct Shadow<'a> {
    case: &'a Case<'a>,
    table: &'a Name,
    column: &'a Column,
    /// The column beside it, and the one it becomes.
    new: String,
    old: String,
    data_type: &'a DataType,
    /// An expression of the caller's over the old value.
    using: Option<&'a str>,
}

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let (table, action) = case.statement()?.action()?;
    let known = case.catalog.table(table)?;
    let (name, data_type, using) = match action {
        AlterAction::AlterColumnType { column, data_type, using } => (column, data_type, using.as_ref()),
        // Only the type is another: all else stands as it stood.
        AlterAction::ChangeColumn { from, column, .. } if *from == column.name => {
            let old = known.column(from)?;
            let same = old.not_null == column.not_null && old.default.as_ref().map(|one| &one.text) == column.default.as_ref().map(|one| &one.text);
            (from, column.data_type.as_ref().filter(|_| same)?, None)
        }
        _ => return None,
    };
    let column = known.column(name)?;
    let in_key = known.primary_key().is_some_and(|key| key.contains(name));
    let is_held = known.constraints_on(name).any(|one| !matches!(one.kind, ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. }));
    let is_pointed_at = case.catalog.foreign_keys_to(table).iter().any(|(_, one)| one.reference().is_some_and(|reference| reference.columns.contains(name)));
    let too_old = case.is_version_known && !case.server.version.at_least(10, 6);
    if column.generated.is_some() || column.auto_increment || in_key || is_held || is_pointed_at || too_old || known.generated_from(name).next().is_some() {
        return None;
    }
    // What `MODIFY` would lose is lost here too.
    modified(case.dialect(), column, column.not_null)?;
    let using = match using {
        Some(using) => Some(exact(using)?),
        None => None,
    };
    let shadow = Shadow { case, table, column, new: format!("{name}_new"), old: format!("{name}_old"), data_type, using };
    if known.column(&shadow.new).is_some() || known.column(&shadow.old).is_some() {
        return None;
    }
    let mut found = Found::default();
    if shadow.is_in_doubt() {
        found.questions.push(format!(
            "does every value of `{}.{name}` fit {}? One that does not stops the plan: look before it is applied",
            table.shown(),
            type_text(case.dialect(), data_type)
        ));
    }
    found.steps.push(shadow.expanded()?);
    found.steps.push(shadow.copied());
    found.steps.extend(shadow.prepared()?);
    found.steps.push(shadow.switched()?);
    found.steps.push(shadow.contracted()?);
    found.ask_about_switch(case, table, name, using.is_some());
    ask_about_values(&mut found, &shadow);
    found.notes.push("each statement of MariaDB commits by itself: a revision that stops half way is mended with `migration_status`".to_owned());
    Some(found)
}

/// An `ENUM` that takes fewer values than before, or has new ones in the middle of its list.
fn ask_about_values(found: &mut Found, shadow: &Shadow<'_>) {
    let Some(old) = shadow.column.data_type.as_ref().filter(|old| old.name == "enum" && shadow.data_type.name == "enum") else { return };
    let gone: Vec<&str> = old.arguments.iter().filter(|value| !shadow.data_type.arguments.contains(value)).map(String::as_str).collect();
    let place = format!("`{}.{}`", shadow.table.shown(), shadow.column.name);
    if gone.is_empty() {
        found.notes.push(format!("new values at the end of the list of {place} cost nothing: one instant revision"));
    } else {
        found.questions.push(format!(
            "which value do rows of {place} get that have {}? One such row stops the plan: `remove_enum_value` with `replacement` fills them first",
            gone.join(", ")
        ));
    }
}

impl Shadow<'_> {
    fn q(&self, name: &str) -> String {
        quoted(self.case.dialect(), name)
    }

    fn written(&self) -> String {
        relation(self.case.dialect(), self.table)
    }

    /// The new value, over the old one as it is read at some place.
    fn forth(&self, place: &str) -> String {
        self.using.map_or_else(|| place.to_owned(), |using| crate::recipes::parts::standing::with_column(using, &self.q(&self.column.name), place))
    }

    fn sync(&self, old: &str, new: &str) -> Sync {
        let forth = self.forth(&format!("NEW.{}", self.q(old)));
        Sync { forth: Some(forth), back: Some(format!("NEW.{}", self.q(new))), ..Sync::equal(self.table, old, new) }
    }

    /// Old code's column beside the new one.
    fn before(&self) -> Sync {
        self.sync(&self.column.name, &self.new)
    }

    /// The new column under the name, the old one beside it.
    fn behind(&self) -> Sync {
        self.sync(&self.old, &self.column.name)
    }

    fn onto(&self) -> Onto<'_> {
        Onto { from: &self.column.name, to: &self.new, keeps_names: false }
    }

    fn beside(&self) -> Column {
        let data_type = Some(self.data_type.clone());
        Column { name: self.new.clone(), data_type, not_null: false, default: None, position: None, constraints: Vec::new(), ..self.column.clone() }
    }

    fn expanded(&self) -> Option<Step> {
        let dialect = self.case.dialect();
        let mut up = vec![written_out(self.case, add_column(dialect, self.table, &self.beside())?)];
        up.extend(self.before().made(dialect));
        let mut down = self.before().gone(dialect);
        down.push(in_place(self.case, self.table, &format!("DROP COLUMN {}", self.q(&self.new))));
        Some(Step {
            name: snake(&format!("add_{}_{}", self.table.name, self.new)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: "a column of the new type stands beside the old one; triggers keep it equal with every write".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body::inside(down),
            deploy: "run it first: running code does not notice".to_owned(),
        })
    }

    fn filling(&self, assignment: String, open: String, must_end: bool) -> Filling {
        Filling { table: self.table.clone(), assignment, open, is_silent: true, must_end, asks_fill: false }
    }

    fn copied(&self) -> Step {
        let (own, new) = (self.q(&self.column.name), self.q(&self.new));
        let value = self.forth(&own);
        let up = self.filling(format!("{new} = {value}"), format!("{new} IS NULL AND ({value}) IS NOT NULL"), true);
        let down = self.filling(format!("{new} = NULL"), format!("{new} IS NOT NULL AND NOT ({})", self.changed(&new, &own)), false);
        Step {
            name: snake(&format!("backfill_{}_{}", self.table.name, self.new)),
            concern: Concern::Data,
            stage: Stage::Backfill,
            why: "rows from before the triggers are converted in ranges of the key, each in its own transaction; it can be run again".to_owned(),
            upgrade: self.granted().then(filled(self.case, &up)),
            downgrade: filled(self.case, &down),
            deploy: "any time behind the first; a value that cannot be converted stops it with its error: mend the row".to_owned(),
        }
    }

    /// Some value may not fit the new type.
    fn is_in_doubt(&self) -> bool {
        let is_stopped = |effect: &crate::effects::Effect| !effect.fails.is_empty() || effect.loss > crate::effects::Loss::None;
        self.using.is_none() && self.case.effect.is_some_and(is_stopped)
    }

    /// The head of a way up that a value which does not fit stops.
    fn granted(&self) -> Body {
        if self.is_in_doubt() {
            Body::granting("every stored value fits the new type: they were looked at before this is applied")
        } else {
            Body::default()
        }
    }

    /// The new value is another than the old one, compared as the old one is.
    fn changed(&self, new: &str, old: &str) -> String {
        let [one, other] = self.compared([new, old]);
        format!("NOT ({one} <=> {other})")
    }

    /// Both values as they are compared: a text would be compared as a number else, by a collation that takes `a` for `A`, or not at all
    /// where the two have collations of their own (1267).
    fn compared(&self, places: [&str; 2]) -> [String; 2] {
        let is_text = self.column.data_type.as_ref().is_some_and(|one| ["char", "text", "enum", "set"].iter().any(|word| one.name.contains(word)));
        places.map(|place| if is_text { format!("CAST(CONVERT({place} USING utf8mb4) AS BINARY)") } else { place.to_owned() })
    }

    /// What stands on the column, on the new one; none where nothing does.
    fn prepared(&self) -> Option<Option<Step>> {
        let dialect = self.case.dialect();
        let known = self.case.catalog.table(self.table)?;
        let mut up = standing(self.case, self.table, self.onto())?;
        let mut down = Vec::new();
        if self.column.not_null {
            // One rebuild for both: behind the switch code may leave the old column out.
            let both = |required: bool| Some(format!("{}, {}", modified(dialect, &self.beside(), required)?, modified(dialect, self.column, !required)?));
            up.push(Part::Inside(vec![in_place(self.case, self.table, &both(true)?)]));
            down.push(in_place(self.case, self.table, &both(false)?));
        }
        for state in known.indexes_on(&self.column.name).filter(|state| state.constraint.is_none()) {
            down.push(drop_index(dialect, self.table, &self.onto().name(state.index.name.as_deref()?), false));
        }
        if down.is_empty() {
            return Some(None);
        }
        Some(Some(Step {
            name: snake(&format!("prepare_{}_{}", self.table.name, self.new)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "what stands on the old column is made on the new one in place, while others read and write".to_owned(),
            upgrade: Body(up),
            downgrade: Body::inside(down),
            deploy: "behind the backfill".to_owned(),
        }))
    }

    /// The names exchanged under a lock, and triggers that fit them.
    fn exchanged(&self, gone: &Sync, made: &Sync, names: [&str; 3], defaults: Option<[&str; 2]>) -> Vec<Line> {
        let dialect = self.case.dialect();
        let written = self.written();
        let [from, aside, beside] = names.map(|name| self.q(name));
        let mut lines = vec![Line::execute(format!("LOCK TABLES {written} WRITE"))];
        lines.extend(gone.gone(dialect));
        let rename = format!("ALTER TABLE {written} RENAME COLUMN {from} TO {aside}, RENAME COLUMN {beside} TO {from}, ALGORITHM=INSTANT");
        lines.push(Line::execute(rename).allowing("rename", "both columns hold the same values, and nobody gets in between: the table is locked"));
        if let Some([set, dropped]) = defaults {
            let alter = format!("ALTER TABLE {written} ALTER COLUMN {from} {set}, ALTER COLUMN {aside} {dropped}");
            lines.push(Line::execute(alter).allowing("drop_default_of_required_column", "the column under the name has it now"));
        }
        lines.extend(made.made(dialect));
        lines.push(Line::execute("UNLOCK TABLES"));
        lines
    }

    fn switched(&self) -> Option<Step> {
        let name = &self.column.name;
        let default = match &self.column.default {
            Some(default) => Some(format!("SET DEFAULT {}", exact(default)?)),
            None => None,
        };
        let defaults = default.as_deref().map(|set| [set, "DROP DEFAULT"]);
        let mut proof = Vec::new();
        if self.using.is_none() {
            let [one, other] = self.compared([&self.q(&self.new), &self.q(name)]);
            proof.push(Part::Inside(vec![equal_or_raise(self.case, self.table, &one, &other)]));
        }
        let up = self.exchanged(&self.before(), &self.behind(), [name, &self.old, &self.new], defaults);
        let down = self.exchanged(&self.behind(), &self.before(), [name, &self.new, &self.old], defaults);
        Some(Step {
            name: snake(&format!("switch_{}_{name}", self.table.name)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "the names are exchanged under a lock of an instant: only the catalogue changes; the old column is kept up to date for the way back".to_owned(),
            upgrade: self.granted().then(Body(proof)).then(Body::inside(up)),
            downgrade: Body::inside(down),
            deploy: format!("`{name}` has the new type from here on: code that runs must take both types"),
        })
    }

    fn contracted(&self) -> Option<Step> {
        let dialect = self.case.dialect();
        let known = self.case.catalog.table(self.table)?;
        let name = &self.column.name;
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        for state in known.indexes_on(name).filter(|state| state.constraint.is_none()) {
            let own = state.index.name.clone()?;
            let (a, b) = (self.q(&self.onto().name(&own)), self.q(&own));
            forth.push(Line::execute(format!("ALTER TABLE {} RENAME INDEX {a} TO {b}", self.written())));
            back.push(Line::execute(format!("ALTER TABLE {} RENAME INDEX {b} TO {a}", self.written())));
        }
        let mut up = self.behind().gone(dialect);
        let drop = in_place(self.case, self.table, &format!("DROP COLUMN {}", self.q(&self.old)));
        up.push(drop.allowing("drop_column", format!("its values stand in {name}, in the new type")));
        up.extend(forth);
        let again = Column { name: self.old.clone(), not_null: false, default: None, position: None, constraints: Vec::new(), ..self.column.clone() };
        back.push(written_out(self.case, in_its_place(dialect, known, name, add_column(dialect, self.table, &again)?)));
        back.extend(self.behind().made(dialect));
        let mut down = vec![Part::Inside(back)];
        let (own, old) = (self.q(name), self.q(&self.old));
        down.extend(filled(self.case, &self.filling(format!("{old} = {own}"), format!("{old} IS NULL AND {own} IS NOT NULL"), true)).0);
        down.extend(standing(self.case, self.table, Onto { from: name, to: &self.old, keeps_names: true })?);
        Some(Step {
            name: snake(&format!("drop_{}_{}", self.table.name, self.old)),
            concern: Concern::Schema,
            stage: Stage::Contract,
            why: "the old column goes; indexes get their names back".to_owned(),
            upgrade: Body::inside(up),
            downgrade: Body(down),
            deploy: "a release later, when nobody needs the old type any more: what did not fit it is NULL there".to_owned(),
        })
    }
}
