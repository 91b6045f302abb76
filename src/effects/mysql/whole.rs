//! An `ALTER TABLE` while its actions are looked through, and what they ask of it.

use crate::dialect::Dialect;
use crate::effects::fact::LockMode;
use crate::effects::mysql::{fails_on_rows, has_old_rows, is_on, is_strict, known, loses};
use crate::effects::{Effect, Loss, Place, When};
use crate::sql::catalog::Table;
use crate::sql::change::{AlterAction, AlterTable, ConstraintKind, Generated, Name};

/// An `ALTER TABLE` while it is looked through.
pub struct Alter<'a, 'p> {
    /// What it does, so far.
    pub effect: &'a mut Effect,
    /// The statement.
    pub alter: &'p AlterTable,
    /// Where it runs.
    pub place: &'p Place<'p>,
    /// The table, if it is known.
    pub table: Option<&'p Table>,
    /// `IF EXISTS` behind one of its actions.
    pub lenient: bool,
    /// Situations met, one or more for each action.
    pub parts: Vec<&'static str>,
}

impl<'p> Alter<'_, 'p> {
    /// The table's name.
    pub const fn name(&self) -> &'p Name {
        &self.alter.table
    }

    /// Notes a situation.
    pub fn part(&mut self, situation: &'static str) {
        self.parts.push(situation);
    }

    /// The server refuses it, whatever the rows are.
    pub fn refuse(&mut self, code: &'static str, why: impl Into<String>) {
        self.effect.fail(code, When::Always, why);
    }

    /// The server refuses it if the rows are in the way.
    pub fn refuse_on_rows(&mut self, code: &'static str, why: impl Into<String>) {
        fails_on_rows(self.effect, code, self.name(), why, self.place);
    }

    /// Notes a loss.
    pub fn lose(&mut self, loss: Loss, why: impl Into<String>) {
        loses(self.effect, self.name(), loss, why, self.place);
    }

    /// Values that do not fit: an error in strict mode, else they are changed.
    pub fn misfit(&mut self, code: &'static str, why: &str) {
        if self.is_strict() {
            self.refuse_on_rows(code, format!("{why} in `{}`", self.name()));
        } else if has_old_rows(self.name(), self.place) {
            self.lose(Loss::Medium, format!("{why} in `{}`: without strict mode they are cut or replaced", self.name()));
        }
    }

    /// Strict mode, and no `IGNORE`.
    pub fn is_strict(&self) -> bool {
        is_strict(self.place) && !self.alter.ignore
    }

    /// The dialect is MariaDB.
    pub fn is_mariadb(&self) -> bool {
        self.place.server.dialect == Dialect::Mariadb
    }

    /// MySQL 8 and newer, with its own numbers for foreign keys.
    pub fn is_new_mysql(&self) -> bool {
        !self.is_mariadb() && self.place.server.version.major >= 8
    }

    /// A setting that is on unless the script turned it off.
    pub fn is_on(&self, setting: &str) -> bool {
        is_on(setting, self.place)
    }

    /// The table with all its columns, when the whole schema is known.
    pub fn known(&self) -> Option<&'p Table> {
        known(self.name(), self.place)
    }

    /// One of the statement's own actions makes this column.
    pub fn adds(&self, column: &str) -> bool {
        self.alter.actions.iter().any(|action| match action {
            AlterAction::AddColumn { column: added, .. } => added.name.eq_ignore_ascii_case(column),
            AlterAction::RenameColumn { to, .. } => to.eq_ignore_ascii_case(column),
            AlterAction::ChangeColumn { from, column: changed, .. } => {
                changed.name.eq_ignore_ascii_case(column) && !from.eq_ignore_ascii_case(column)
            }
            _ => false,
        })
    }

    /// True when a column is known not to be there.
    pub fn lacks(&self, column: &str) -> bool {
        self.known().is_some_and(|table| table.column(column).is_none()) && !self.adds(column)
    }

    /// The table has an index of this kind.
    pub fn has_special(&self, special: &str) -> bool {
        self.table.is_some_and(|table| table.indexes.iter().any(|state| state.index.special.as_deref() == Some(special)))
    }

    /// An option of the table, as it was set last.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.table.and_then(|table| table.options.get(name)).map(String::as_str)
    }

    /// `ROW_FORMAT=x`.
    pub fn row_format(&self) -> Option<&str> {
        self.option("row_format")
    }

    /// Rows are kept compressed.
    pub fn is_compressed(&self) -> bool {
        self.row_format() == Some("compressed") || self.option("key_block_size").is_some_and(|size| size != "0")
    }

    /// A virtual column has an index.
    pub fn has_virtual_index(&self) -> bool {
        self.table.is_some_and(|table| {
            table
                .columns
                .iter()
                .any(|column| matches!(column.generated, Some((Generated::Virtual, _))) && table.indexes_on(&column.name).next().is_some())
        })
    }

    /// The server that keeps the rows is not InnoDB: every change of the columns copies them.
    pub fn is_other_engine(&self) -> bool {
        self.option("engine").is_some_and(|engine| engine != "innodb")
    }
}

/// True when a statement's foreign key checks are off.
#[must_use]
pub fn checks_off(whole: &Alter<'_, '_>) -> bool {
    !whole.is_on("foreign_key_checks")
}

/// The lock on a table that a foreign key points at: its rows are read while it is checked.
pub fn lists_referenced(whole: &mut Alter<'_, '_>, table: &Name) {
    let mode = LockMode::OnlineNone;
    if !whole.place.catalog.is_new(table) && whole.place.catalog.key(table) != whole.place.catalog.key(whole.name()) {
        let key = whole.place.catalog.key(table);
        whole.effect.lock(key, mode);
    }
}

/// The foreign keys of the table itself.
pub fn own_foreign_keys<'a>(table: &'a Table, column: &'a str) -> impl Iterator<Item = &'a crate::sql::change::Constraint> + 'a {
    table.constraints.iter().filter(move |found| matches!(&found.kind, ConstraintKind::ForeignKey { columns, .. } if columns.iter().any(|own| own.eq_ignore_ascii_case(column))))
}
