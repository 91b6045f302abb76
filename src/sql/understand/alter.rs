//! `ALTER TABLE` as PostgreSQL, SQLite and SQL Server write it.

use crate::dialect::Dialect;
use crate::sql::change::{AlterAction, AlterTable, Name, PartitionBound};
use crate::sql::change::{Flag, Flags};
use crate::sql::token::TokenKind;
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::mysql;
use crate::sql::understand::table;
use crate::sql::words::Action;

/// `ALTER [FOREIGN] TABLE …`; the cursor stands behind `TABLE`. Parts that are not understood become `Unknown`.
pub fn alter_table(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterTable> {
    let mut alter = AlterTable { if_exists: cursor.eat("if exists"), ..AlterTable::default() };
    if alter.if_exists {
        flags.insert("table_if_exists", true.into());
    }
    alter.only = cursor.eat("only");
    if alter.only {
        flags.insert("only", true.into());
    }
    alter.table = cursor.name()?;
    cursor.eat_mark("*");
    if cursor.dialect.is_mysql_family() {
        mysql::alter_actions(&mut alter, cursor, flags);
        return Some(alter);
    }
    let nocheck = cursor.dialect == Dialect::Mssql && cursor.eat("with nocheck");
    let rechecks = cursor.dialect == Dialect::Mssql && !nocheck && cursor.eat("with check");
    alter.owner = word_behind(cursor, "owner to");
    alter.tablespace = word_behind(cursor, "set tablespace");
    alter.index = word_behind(cursor, "using index").or_else(|| word_behind(cursor, "cluster on"));
    actions(&mut alter, cursor, flags);
    if nocheck {
        flags.insert("not_valid", true.into());
        for action in &mut alter.actions {
            if let AlterAction::AddConstraint(constraint) = action {
                constraint.not_valid = true;
            }
        }
    }
    if rechecks {
        // The rows that stand are looked at too.
        for action in &mut alter.actions {
            if let AlterAction::ConstraintCheck { enable: true } = action {
                *action = AlterAction::ValidateConstraint { name: checked_constraint(flags) };
            }
        }
    }
    Some(alter)
}

/// The constraint that `CHECK CONSTRAINT` names; `all` for all of them.
fn checked_constraint(flags: &Flags) -> String {
    match flags.get("constraint") {
        Some(Flag::Text(name)) => name.clone(),
        _ => "all".to_owned(),
    }
}

/// The name that stands behind some words, anywhere in what is left.
fn word_behind(cursor: &Cursor<'_>, words: &str) -> Option<String> {
    let mut at = *cursor;
    while !at.is_done() {
        if at.eat(words) {
            return at.identifier();
        }
        at.at += 1;
    }
    None
}

fn actions(alter: &mut AlterTable, cursor: &mut Cursor<'_>, flags: &mut Flags) {
    let mut previous: Option<&'static str> = None;
    loop {
        let from = cursor.at;
        let repeated = match (cursor.dialect, previous) {
            (Dialect::Mssql | Dialect::Oracle, Some(verb)) if !starts_action(cursor) => repeated_action(verb, cursor, flags),
            _ => {
                previous = Some(if cursor.is("drop") { "drop" } else { "add" });
                action(cursor, flags)
            }
        };
        match repeated {
            Some(found) if cursor.is_done() || cursor.mark(",") => alter.actions.push(found),
            _ => {
                cursor.at = from;
                cursor.skip_to_comma();
                alter.actions.push(AlterAction::Unknown { text: cursor.source(from, cursor.at.max(from + 1)) });
            }
        }
        if !cursor.eat_mark(",") {
            return;
        }
    }
}

fn starts_action(cursor: &Cursor<'_>) -> bool {
    cursor.is_one_of(&["add", "drop", "alter", "modify", "rename"])
}

/// `ADD a int, b int` of SQL Server.
fn repeated_action(verb: &str, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    if verb == "drop" {
        let constraint = cursor.eat("constraint");
        let _ = constraint || cursor.eat("column");
        let name = cursor.identifier()?;
        return Some(if constraint {
            AlterAction::DropConstraint { name, if_exists: false, cascade: false }
        } else {
            AlterAction::DropColumn { column: name, if_exists: false, cascade: false }
        });
    }
    if table::begins_constraint(cursor) {
        return add_constraint(cursor, flags);
    }
    Some(AlterAction::AddColumn { column: table::column(cursor, flags)?, if_not_exists: false })
}

fn action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    let word = cursor.peek(0).to_ascii_lowercase();
    match word.as_str() {
        "add" => add(cursor, flags),
        "drop" => drop(cursor, flags),
        "alter" => alter_part(cursor, flags),
        "rename" => rename(cursor, flags),
        "set" => set(cursor, flags),
        "validate" => {
            cursor.eat("validate");
            cursor.expect("constraint")?;
            let name = cursor.identifier()?;
            flags.insert("constraint", name.clone().into());
            Some(AlterAction::ValidateConstraint { name })
        }
        "attach" | "detach" | "merge" | "split" => partition(cursor, flags),
        "enable" | "disable" | "force" | "no" => switch(cursor, flags),
        "nocheck" | "check" if cursor.dialect == Dialect::Mssql => {
            let enable = cursor.eat("check");
            cursor.eat("nocheck");
            cursor.expect("constraint")?;
            if let Some(first) = cursor.names()?.first() {
                flags.insert("constraint", first.to_string().into());
            }
            Some(AlterAction::ConstraintCheck { enable })
        }
        "modify" if cursor.dialect == Dialect::Oracle => {
            cursor.at += 1;
            cursor.skip_all();
            Some(AlterAction::Unknown { text: "MODIFY".to_owned() })
        }
        _ => rest(cursor, flags),
    }
}

fn rest(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    if cursor.eat("owner to") {
        cursor.identifier()?;
        return Some(AlterAction::OwnerTo);
    }
    if cursor.eat("reset") {
        let mut inside = cursor.group()?;
        return Some(AlterAction::SetStorageParams { names: parameter_names(&mut inside), reset: true });
    }
    if cursor.eat("cluster on") {
        cursor.identifier()?;
        return Some(AlterAction::ClusterOn);
    }
    if cursor.eat("replica identity") {
        if cursor.eat("using index") {
            cursor.identifier()?;
        } else {
            cursor.eat_one_of(&["default", "full", "nothing"])?;
        }
        return Some(AlterAction::ReplicaIdentity);
    }
    if cursor.eat("inherit") {
        let parent = cursor.name()?;
        flags.insert("parent", parent.to_string().into());
        return Some(AlterAction::Inherit { parent });
    }
    if cursor.eat("of") {
        let type_name = cursor.name()?;
        flags.insert("of_type", type_name.to_string().into());
        return Some(AlterAction::OfType { type_name });
    }
    if cursor.eat("not of") {
        return Some(AlterAction::NotOf);
    }
    if cursor.eat("options") {
        cursor.group()?;
        return Some(AlterAction::Options);
    }
    if cursor.eat("rebuild") {
        cursor.skip_all();
        return Some(AlterAction::Rebuild { online: false });
    }
    if cursor.eat("switch") {
        cursor.skip_all();
        return Some(AlterAction::SwitchPartition);
    }
    None
}

fn add(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("add")?;
    if table::begins_constraint(cursor) || cursor.dialect == Dialect::Mssql && cursor.is("default") {
        return add_constraint(cursor, flags);
    }
    if cursor.dialect == Dialect::Mssql && cursor.eat("index") {
        return Some(AlterAction::AddIndex(table::body_index(None, false, cursor, flags)?));
    }
    cursor.eat("column");
    let if_not_exists = cursor.eat("if not exists");
    if if_not_exists {
        flags.insert("if_not_exists", true.into());
    }
    if cursor.dialect == Dialect::Oracle && cursor.mark("(") {
        let mut inside = cursor.group()?;
        let column = table::column(&mut inside, flags)?;
        return inside.is_done().then_some(AlterAction::AddColumn { column, if_not_exists });
    }
    let column = table::column(cursor, flags)?;
    table::column_flags(&column, flags);
    Some(AlterAction::AddColumn { column, if_not_exists })
}

fn add_constraint(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    let constraint = table::constraint(cursor, flags)?;
    table::constraint_flags(&constraint, flags);
    Some(AlterAction::AddConstraint(constraint))
}

/// `CASCADE`, `RESTRICT` behind what is dropped.
pub fn drop_behaviour(cursor: &mut Cursor<'_>, flags: &mut Flags) -> bool {
    let cascade = cursor.eat("cascade");
    cursor.eat("constraints");
    if !cascade && cursor.eat("restrict") {
        flags.insert("restrict", true.into());
    }
    flags.insert("cascade", cascade.into());
    cascade
}

fn drop(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("drop")?;
    let is_constraint = cursor.eat("constraint");
    if !is_constraint {
        cursor.eat("column");
    }
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    let name = cursor.identifier()?;
    let cascade = drop_behaviour(cursor, flags);
    if is_constraint {
        flags.insert("constraint", name.clone().into());
        if cursor.is("with") {
            cursor.at += 1;
            cursor.group()?;
        }
        return Some(AlterAction::DropConstraint { name, if_exists, cascade });
    }
    flags.insert("column", name.clone().into());
    Some(AlterAction::DropColumn { column: name, if_exists, cascade })
}

fn rename(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("rename")?;
    if cursor.eat("to") {
        let to = cursor.name()?;
        flags.insert("new_name", to.to_string().into());
        return Some(AlterAction::RenameTable { to });
    }
    let is_constraint = cursor.eat("constraint");
    if !is_constraint {
        cursor.eat("column");
    }
    let from = cursor.identifier()?;
    cursor.expect("to")?;
    let to = cursor.identifier()?;
    flags.insert("new_name", to.clone().into());
    if is_constraint {
        flags.insert("constraint", from.clone().into());
        return Some(AlterAction::RenameConstraint { from, to });
    }
    flags.insert("column", from.clone().into());
    Some(AlterAction::RenameColumn { from, to })
}

/// `SET …` of the table itself.
fn set(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("set")?;
    if cursor.eat("schema") {
        let schema = cursor.identifier()?;
        flags.insert("schema", schema.clone().into());
        return Some(AlterAction::SetSchema { schema });
    }
    if cursor.eat("tablespace") {
        cursor.identifier()?;
        cursor.eat("nowait");
        return Some(AlterAction::SetTablespace);
    }
    if let Some(word) = cursor.eat_one_of(&["logged", "unlogged"]) {
        return Some(AlterAction::SetLogged { logged: word == "logged" });
    }
    if cursor.eat("access method") {
        return Some(AlterAction::SetAccessMethod { method: cursor.identifier()? });
    }
    if cursor.eat("without cluster") {
        return Some(AlterAction::SetWithoutCluster);
    }
    if cursor.eat("without oids") {
        return Some(AlterAction::SetWithoutOids);
    }
    let mut inside = cursor.group()?;
    Some(AlterAction::SetStorageParams { names: parameter_names(&mut inside), reset: false })
}

fn parameter_names(inside: &mut Cursor<'_>) -> Vec<String> {
    let mut names = Vec::new();
    while !inside.is_done() {
        if let Some(name) = inside.name() {
            names.push(name.to_string());
        }
        inside.skip_to_comma();
        inside.eat_mark(",");
    }
    names
}

/// `ALTER [COLUMN] …`, `ALTER CONSTRAINT …`.
fn alter_part(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("alter")?;
    if cursor.eat("constraint") {
        return alter_constraint(cursor, flags);
    }
    cursor.eat("column");
    let column = cursor.identifier()?;
    flags.insert("column", column.clone().into());
    if cursor.dialect == Dialect::Mssql {
        let column = table::column_named(column, cursor, flags)?;
        return Some(AlterAction::AlterColumn { column });
    }
    if cursor.is("drop") {
        return alter_column_drop(column, cursor, flags);
    }
    if cursor.is("add") {
        cursor.eat("add");
        cursor.expect("generated")?;
        let always = !cursor.eat("by default");
        cursor.eat("always");
        cursor.expect("as identity")?;
        cursor.skip_group();
        flags.insert("identity", if always { "always" } else { "by_default" }.into());
        return Some(AlterAction::AddIdentity { column, always });
    }
    if cursor.is("type") || cursor.are("set data type") {
        return alter_type(column, cursor, flags);
    }
    if cursor.eat("reset") {
        cursor.group()?;
        return Some(AlterAction::SetColumnOptions { column, reset: true });
    }
    if cursor.eat("options") {
        cursor.group()?;
        return Some(AlterAction::Options);
    }
    alter_column_set(column, cursor, flags)
}

fn alter_constraint(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    let name = cursor.identifier()?;
    flags.insert("constraint", name.clone().into());
    let (mut enforced, mut inherit, mut deferred) = (None, None, None);
    while !cursor.is_done() && !cursor.mark(",") {
        if cursor.eat("not enforced") {
            enforced = Some(false);
        } else if cursor.eat("enforced") {
            enforced = Some(true);
        } else if cursor.eat("no inherit") || cursor.eat("set no inherit") {
            inherit = Some(false);
        } else if cursor.eat("inherit") || cursor.eat("set inherit") {
            inherit = Some(true);
        } else {
            let word = cursor.eat_one_of(&["not deferrable", "deferrable", "initially deferred", "initially immediate"])?;
            if word == "deferrable" {
                flags.insert("deferrable", true.into());
            }
            deferred = Some(word == "initially deferred");
        }
    }
    Some(AlterAction::AlterConstraint { name, enforced, inherit, deferred })
}

fn alter_column_drop(column: String, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.expect("drop")?;
    if cursor.eat("not null") {
        return Some(AlterAction::DropNotNull { column });
    }
    if cursor.eat("default") {
        return Some(AlterAction::DropDefault { column });
    }
    let identity = cursor.eat("identity");
    if !identity {
        cursor.expect("expression")?;
    }
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    Some(if identity { AlterAction::DropIdentity { column, if_exists } } else { AlterAction::DropExpression { column, if_exists } })
}

fn alter_type(column: String, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    cursor.eat("set data");
    cursor.expect("type")?;
    let mut data_type = table::data_type(cursor)?;
    if cursor.eat("collate") {
        data_type.collation = Some(cursor.name()?.name);
    }
    if let Some(collation) = &data_type.collation {
        flags.insert("collate", collation.clone().into());
    }
    cursor.eat_one_of(&["cascade", "restrict"]);
    let using = if cursor.eat("using") { Some(cursor.expression(&[])?) } else { None };
    flags.insert("using", using.is_some().into());
    Some(AlterAction::AlterColumnType { column, data_type, using })
}

fn alter_column_set(column: String, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    if cursor.eat("restart") {
        identity_options(cursor, flags)?;
        return Some(AlterAction::SetIdentity { column, restart: true });
    }
    if cursor.are("set generated") || cursor.is("set") && is_sequence_option(cursor.peek(1)) {
        return set_identity(column, cursor, flags);
    }
    cursor.expect("set")?;
    if cursor.eat("not null") {
        if cursor.dialect == Dialect::Sqlite && cursor.eat("on conflict") {
            cursor.identifier()?;
        }
        return Some(AlterAction::SetNotNull { column });
    }
    if cursor.eat("default") {
        let default = cursor.expression(&[])?;
        return Some(AlterAction::SetDefault { column, default });
    }
    if cursor.eat("statistics") {
        if cursor.number().is_none() {
            cursor.expect("default")?;
        }
        return Some(AlterAction::SetStatistics { column });
    }
    if cursor.eat("storage") {
        flags.insert("storage", cursor.identifier()?.to_lowercase().into());
        return Some(AlterAction::SetStorage { column });
    }
    if cursor.eat("compression") {
        flags.insert("compression", cursor.identifier()?.to_lowercase().into());
        return Some(AlterAction::SetCompression { column });
    }
    if cursor.eat("expression") {
        cursor.expect("as")?;
        let expression = cursor.group()?.rest_as_expression();
        return Some(AlterAction::SetExpression { column, expression });
    }
    cursor.group()?;
    Some(AlterAction::SetColumnOptions { column, reset: false })
}

fn is_sequence_option(word: &str) -> bool {
    ["increment", "minvalue", "maxvalue", "start", "restart", "cache", "cycle", "no", "sequence"]
        .iter()
        .any(|other| word.eq_ignore_ascii_case(other))
}

fn set_identity(column: String, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    let mut restart = false;
    while !cursor.is_done() && !cursor.mark(",") {
        if cursor.eat("set generated") {
            let always = !cursor.eat("by default");
            cursor.eat("always");
            flags.insert("identity", if always { "always" } else { "by_default" }.into());
        } else {
            cursor.eat("set");
            restart |= cursor.eat("restart");
            identity_options(cursor, flags)?;
        }
    }
    Some(AlterAction::SetIdentity { column, restart })
}

/// `INCREMENT BY 2 RESTART WITH 1000 …` up to the next `SET`.
fn identity_options(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let mut restarts = cursor.was("restart");
    while !cursor.is_done() && !cursor.mark(",") && !cursor.is("set") {
        if let Some(value) = cursor.number() {
            if restarts {
                flags.insert("restart", value.into());
            }
            restarts = false;
        } else if cursor.kind() == Some(TokenKind::Word) {
            restarts = cursor.is("restart") || restarts && cursor.is("with");
            cursor.at += 1;
        } else {
            return None;
        }
    }
    Some(())
}

fn partition(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    if cursor.eat("attach partition") {
        let partition = cursor.name()?;
        flags.insert("partition", partition.to_string().into());
        let bound: PartitionBound = table::partition_bound(cursor)?;
        flags.insert("default_partition", bound.is_default.into());
        return Some(AlterAction::AttachPartition { partition, bound });
    }
    if cursor.eat("detach partition") {
        let partition = cursor.name()?;
        flags.insert("partition", partition.to_string().into());
        let concurrently = cursor.eat("concurrently");
        let finalize = cursor.eat("finalize");
        flags.insert("concurrently", concurrently.into());
        if finalize {
            flags.insert("finalize", true.into());
        }
        return Some(AlterAction::DetachPartition { partition, concurrently, finalize });
    }
    if cursor.eat("merge partitions") {
        let partitions = cursor.group()?.names()?;
        cursor.expect("into")?;
        return Some(AlterAction::MergePartitions { partitions, into: cursor.name()? });
    }
    cursor.expect("split partition")?;
    let partition = cursor.name()?;
    cursor.expect("into")?;
    let mut inside = cursor.group()?;
    let mut into: Vec<Name> = Vec::new();
    while !inside.is_done() {
        inside.expect("partition")?;
        into.push(inside.name()?);
        table::partition_bound(&mut inside)?;
        inside.eat_mark(",");
    }
    Some(AlterAction::SplitPartition { partition, into })
}

/// `ENABLE`, `DISABLE`, `FORCE`, `NO FORCE`, `NO INHERIT`.
fn switch(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    if cursor.eat("no inherit") {
        let parent = cursor.name()?;
        flags.insert("parent", parent.to_string().into());
        return Some(AlterAction::NoInherit { parent });
    }
    for (words, action) in [
        ("enable row level security", Action::EnableRls),
        ("disable row level security", Action::DisableRls),
        ("force row level security", Action::ForceRls),
        ("no force row level security", Action::NoForceRls),
    ] {
        if cursor.eat(words) {
            return Some(AlterAction::RowSecurity { action });
        }
    }
    let enable = cursor.eat("enable");
    if !enable {
        cursor.expect("disable")?;
    }
    cursor.eat_one_of(&["always", "replica"]);
    if cursor.eat("rule") {
        cursor.identifier()?;
        return Some(AlterAction::Rule { enable });
    }
    if cursor.eat("change_tracking") {
        cursor.skip_all();
        return Some(AlterAction::Options);
    }
    cursor.expect("trigger")?;
    let name = cursor.identifier()?;
    flags.insert("trigger", name.clone().into());
    Some(AlterAction::Trigger { enable, name })
}
