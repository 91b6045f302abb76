//! The text that made what nobody can write again from its parts: views, triggers, policies, functions.
//!
//! What changed since (a column or the object itself has another name, a function has a namesake) has no text any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, Drop, Name, TypeAction};
use crate::sql::script::{Script, Statement};
use crate::sql::words::Kind;

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defined {
    /// A view, materialised or not.
    View,
    /// A trigger, by its table.
    Trigger,
    /// A policy, by its table.
    Policy,
    /// A function or procedure.
    Function,
}

/// A view or function by its name; a trigger or policy by its table and its name.
type Key = (Defined, Name, String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    /// `None`: it was changed since, or more than one thing has this name.
    sql: Option<Arc<str>>,
    /// The later, the greater.
    at: usize,
    /// Of a function.
    arguments: String,
}

/// All that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    made: BTreeMap<Key, Definition>,
    next: usize,
}

impl Definitions {
    fn insert(&mut self, key: Key, sql: &str, arguments: &str) {
        self.next += 1;
        let is_namesake = self.made.get(&key).is_some_and(|known| known.arguments != arguments);
        let sql = (!is_namesake).then(|| Arc::from(sql.trim().trim_end_matches(';').trim_end()));
        self.made.insert(key, Definition { sql, at: self.next, arguments: arguments.to_owned() });
    }

    /// Nobody knows any more what they say.
    fn forget(&mut self, is_meant: impl Fn(&Key) -> bool) {
        for definition in self.made.iter_mut().filter(|(key, _)| is_meant(key)).map(|(_, definition)| definition) {
            definition.sql = None;
        }
    }
}

impl Catalog {
    /// Takes over what the statements of a script make, beside [`Catalog::apply`], which knows no text.
    pub fn define(&mut self, script: &Script) {
        for statement in &script.statements {
            self.define_one(script, statement);
        }
    }

    fn define_one(&mut self, script: &Script, statement: &Statement) {
        let sql = || script.text_of(statement);
        match &statement.reading.change {
            Change::CreateView { name, temporary: false, .. } => {
                let key = (Defined::View, self.key(name), String::new());
                self.definitions.insert(key, sql(), "");
            }
            Change::CreateTrigger { name, table, .. } => {
                let key = (Defined::Trigger, self.key(table), name.clone());
                self.definitions.insert(key, sql(), "");
            }
            Change::CreatePolicy { name, table, .. } => {
                let key = (Defined::Policy, self.key(table), name.clone());
                self.definitions.insert(key, sql(), "");
            }
            Change::CreateFunction { name, arguments, .. } => {
                let key = (Defined::Function, self.key(name), String::new());
                self.definitions.insert(key, sql(), arguments);
            }
            Change::Drop(drop) => self.undefine(statement.reading.kind, drop),
            Change::AlterView { name, .. } => {
                let name = self.key(name);
                self.definitions.forget(|(kind, of, _)| *kind == Defined::View && *of == name);
            }
            Change::AlterTrigger { .. } => self.definitions.forget(|(kind, ..)| *kind == Defined::Trigger),
            Change::AlterPolicy { .. } => self.definitions.forget(|(kind, ..)| *kind == Defined::Policy),
            Change::AlterTable(alter) if alter.actions.iter().all(keeps_names) => {}
            Change::AlterType { actions, .. } if actions.iter().all(keeps_type_name) => {}
            Change::Block(block) if !block.opaque && block.hidden.is_empty() && block.statements.iter().all(is_quiet) => {}
            Change::Set { name, .. } if !name.eq_ignore_ascii_case("search_path") => {}
            Change::AlterTable(_)
            | Change::RenameTables { .. }
            | Change::AlterType { .. }
            | Change::AlterDomain { .. }
            | Change::AlterSchema { .. }
            | Change::AlterSchemaTransfer { .. }
            | Change::Set { .. }
            | Change::Block(_)
            | Change::Unknown => self.definitions.forget(|_| true),
            _ if statement.reading.kind.word().starts_with("alter_") => self.definitions.forget(|(kind, ..)| *kind == Defined::Function),
            _ => {}
        }
    }

    fn undefine(&mut self, kind: Kind, drop: &Drop) {
        let on = drop.on.as_ref().map(|table| self.key(table));
        for name in &drop.names {
            let own = self.key(name);
            let is_meant = |(defined, of, called): &Key| match kind {
                Kind::DropView | Kind::DropMaterializedView => *defined == Defined::View && *of == own,
                Kind::DropTrigger => *defined == Defined::Trigger && *called == name.name && on.as_ref().is_none_or(|on| on == of),
                Kind::DropPolicy => *defined == Defined::Policy && *called == name.name && on.as_ref().is_none_or(|on| on == of),
                Kind::DropFunction | Kind::DropProcedure => *defined == Defined::Function && *of == own,
                Kind::DropTable => matches!(defined, Defined::Trigger | Defined::Policy) && *of == own,
                _ => false,
            };
            self.definitions.made.retain(|key, _| !is_meant(key));
        }
        if drop.cascade {
            self.definitions.forget(|_| true);
        }
    }

    /// The text that made a view or function (`called` is empty), or a trigger or policy of a table; `None`: nobody knows it any more.
    #[must_use]
    pub fn definition(&self, defined: Defined, of: &Name, called: &str) -> Option<&str> {
        self.definitions.made.get(&(defined, self.key(of), called.to_owned()))?.sql.as_deref()
    }

    /// The text of a trigger; `on`: its table, which MySQL, MariaDB and SQLite do not say, where trigger names are unique.
    #[must_use]
    pub fn trigger_definition(&self, on: Option<&Name>, called: &str) -> Option<&str> {
        if let Some(table) = on {
            return self.definition(Defined::Trigger, table, called);
        }
        let mut found = self.definitions.made.iter().filter(|((defined, _, own), _)| *defined == Defined::Trigger && own == called);
        found.next().filter(|_| found.next().is_none())?.1.sql.as_deref()
    }

    /// The triggers and policies of a table, by their names, known or not.
    pub fn defined_on<'a>(&'a self, table: &Name) -> impl Iterator<Item = (Defined, &'a str)> {
        let key = self.key(table);
        let of_table = move |(defined, of, _): &&Key| matches!(defined, Defined::Trigger | Defined::Policy) && *of == key;
        self.definitions.made.keys().filter(of_table).map(|(defined, _, called)| (*defined, called.as_str()))
    }

    /// The arguments of a function whose text is known.
    #[must_use]
    pub fn defined_arguments(&self, function: &Name) -> Option<&str> {
        let found = self.definitions.made.get(&(Defined::Function, self.key(function), String::new()))?;
        found.sql.as_ref().map(|_| found.arguments.as_str())
    }

    /// Views in the order in which they were made; `None`: one of them is not known.
    #[must_use]
    pub fn in_order_of_making(&self, mut views: Vec<Name>) -> Option<Vec<Name>> {
        let at = |view: &Name| self.definitions.made.get(&(Defined::View, self.key(view), String::new())).map(|found| found.at);
        if views.iter().any(|view| at(view).is_none()) {
            return None;
        }
        views.sort_by_key(at);
        Some(views)
    }
}

/// Nothing that a definition could name is called otherwise afterwards.
const fn keeps_names(action: &AlterAction) -> bool {
    !matches!(
        action,
        AlterAction::RenameColumn { .. }
            | AlterAction::RenameTable { .. }
            | AlterAction::SetSchema { .. }
            | AlterAction::ChangeColumn { .. }
            | AlterAction::Trigger { .. }
    )
}

const fn keeps_type_name(action: &TypeAction) -> bool {
    matches!(action, TypeAction::AddValue { .. } | TypeAction::RenameValue { .. } | TypeAction::OwnerTo | TypeAction::Set)
}

/// What a block does is nothing to a view, trigger, policy or function.
fn is_quiet(reading: &crate::sql::change::Reading) -> bool {
    matches!(reading.change, Change::CreateType { .. } | Change::CreateTable(_) | Change::CreateIndex { .. } | Change::Select(_))
        || matches!(&reading.change, Change::AlterTable(alter) if alter.actions.iter().all(keeps_names))
}
