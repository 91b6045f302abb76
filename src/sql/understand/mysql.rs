//! `ALTER TABLE` and the table statements of MySQL and MariaDB.

use crate::dialect::Dialect;
use crate::sql::change::Flags;
use crate::sql::change::{AlterAction, AlterTable, ConstraintKind};
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::table;

/// The parts of an `ALTER TABLE`; what is not understood becomes `Unknown`.
pub fn alter_actions(alter: &mut AlterTable, cursor: &mut Cursor<'_>, flags: &mut Flags) {
    if cursor.dialect == Dialect::Mariadb {
        if cursor.eat("wait") {
            let _ = cursor.number();
        }
        cursor.eat("nowait");
    }
    while !cursor.is_done() {
        let from = cursor.at;
        let found = algorithm_or_lock(alter, cursor, flags).map(|()| None).or_else(|| action(cursor, flags).map(Some));
        match found {
            Some(Some(actions)) if cursor.is_done() || cursor.mark(",") || begins_option(cursor) => alter.actions.extend(actions),
            Some(None) => {}
            _ => {
                cursor.at = from;
                cursor.skip_to_comma();
                alter.actions.push(AlterAction::Unknown { text: cursor.source(from, cursor.at.max(from + 1)) });
            }
        }
        cursor.eat_mark(",");
    }
}

/// Table options and partitioning follow each other without commas.
fn begins_option(cursor: &Cursor<'_>) -> bool {
    cursor.is_one_of(&[
        "engine",
        "charset",
        "character",
        "collate",
        "default",
        "comment",
        "auto_increment",
        "row_format",
        "key_block_size",
        "partition",
        "remove",
        "algorithm",
        "lock",
    ])
}

/// `ALGORITHM=x`, `LOCK=x`.
pub fn algorithm_or_lock_words(cursor: &mut Cursor<'_>) -> Option<(&'static str, String)> {
    let word = cursor.eat_one_of(&["algorithm", "lock"])?;
    cursor.eat_mark("=");
    Some((word, cursor.identifier()?.to_lowercase()))
}

fn algorithm_or_lock(alter: &mut AlterTable, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let (word, value) = algorithm_or_lock_words(cursor)?;
    flags.insert(word, value.clone().into());
    if word == "lock" {
        alter.lock = Some(value);
    } else {
        alter.algorithm = Some(value);
    }
    Some(())
}

fn one(action: AlterAction) -> Option<Vec<AlterAction>> {
    Some(vec![action])
}

fn action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    let word = cursor.peek(0).to_ascii_lowercase();
    match word.as_str() {
        "add" => add(cursor, flags),
        "drop" => drop(cursor, flags),
        "modify" | "change" => change(cursor, flags),
        "alter" => alter(cursor, flags),
        "rename" => rename(cursor, flags),
        "convert" => {
            cursor.eat("convert");
            cursor.expect("to")?;
            if !cursor.eat("charset") {
                cursor.expect("character set")?;
            }
            let charset = cursor.identifier()?.to_lowercase();
            let collation = if cursor.eat("collate") {
                cursor.eat_mark("=");
                Some(cursor.identifier()?)
            } else {
                None
            };
            one(AlterAction::ConvertCharset { charset, collation })
        }
        "order" => {
            cursor.eat("order");
            cursor.expect("by")?;
            cursor.skip_all();
            one(AlterAction::OrderBy)
        }
        "force" => {
            cursor.eat("force");
            one(AlterAction::Force)
        }
        "enable" | "disable" => {
            let enable = cursor.eat("enable");
            cursor.eat("disable");
            cursor.expect("keys")?;
            one(AlterAction::Keys { enable })
        }
        "import" | "discard" if cursor.is_at(1, "tablespace") => {
            let import = cursor.is("import");
            cursor.at += 2;
            one(AlterAction::Tablespace { import })
        }
        "with" | "without" if cursor.is_at(1, "validation") => {
            flags.insert("validation", cursor.is("with").into());
            cursor.at += 2;
            Some(Vec::new())
        }
        _ => partition(cursor, flags).map(|action| vec![action]).or_else(|| option(cursor, flags)),
    }
}

fn add(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    cursor.expect("add")?;
    if cursor.eat("partition") {
        let count = cursor.is("partitions");
        cursor.skip_all();
        return one(AlterAction::AddPartition { count });
    }
    if cursor.eat("system versioning") {
        return one(AlterAction::SystemVersioning { add: true });
    }
    if cursor.eat("period for") {
        cursor.skip_to_comma();
        return one(AlterAction::TableOption { name: "period".to_owned(), value: String::new() });
    }
    if let Some((special, unique)) = index_head(cursor) {
        let index = table::body_index(special, unique, cursor, flags)?;
        if let Some(name) = &index.name {
            flags.insert("index", name.clone().into());
        }
        return one(AlterAction::AddIndex(index));
    }
    if table::begins_constraint(cursor) {
        let constraint = table::constraint(cursor, flags)?;
        table::constraint_flags(&constraint, flags);
        if let (ConstraintKind::Unique { .. }, Some(name)) = (&constraint.kind, &constraint.name) {
            flags.insert("index", name.clone().into());
        }
        return one(AlterAction::AddConstraint(constraint));
    }
    cursor.eat("column");
    let if_not_exists = cursor.eat("if not exists");
    if if_not_exists {
        flags.insert("if_not_exists", true.into());
    }
    if cursor.mark("(") {
        return add_several(cursor.group()?, if_not_exists, flags);
    }
    let column = table::column(cursor, flags)?;
    table::column_flags(&column, flags);
    one(AlterAction::AddColumn { column, if_not_exists })
}

/// `ADD (a INT, b INT)`.
fn add_several(mut inside: Cursor<'_>, if_not_exists: bool, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    let mut actions = Vec::new();
    while !inside.is_done() {
        if let Some((special, unique)) = index_head(&mut inside) {
            actions.push(AlterAction::AddIndex(table::body_index(special, unique, &mut inside, flags)?));
        } else if table::begins_constraint(&inside) {
            actions.push(AlterAction::AddConstraint(table::constraint(&mut inside, flags)?));
        } else {
            actions.push(AlterAction::AddColumn { column: table::column(&mut inside, flags)?, if_not_exists });
        }
        if !inside.eat_mark(",") && !inside.is_done() {
            return None;
        }
    }
    Some(actions)
}

#[allow(clippy::type_complexity)]
fn index_head(cursor: &mut Cursor<'_>) -> Option<(Option<&'static str>, bool)> {
    if let Some(special) = cursor.eat_one_of(&["fulltext", "spatial", "vector"]) {
        cursor.eat_one_of(&["index", "key"]);
        return Some((Some(special), false));
    }
    cursor.eat_one_of(&["index", "key"]).map(|_| (None, false))
}

fn drop(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    cursor.expect("drop")?;
    if cursor.eat("partition") {
        cursor.eat("if exists");
        let names = cursor.names()?;
        return one(AlterAction::DropPartition { names: names.into_iter().map(|name| name.name).collect() });
    }
    if cursor.eat("system versioning") {
        return one(AlterAction::SystemVersioning { add: false });
    }
    if cursor.eat("primary key") {
        return one(AlterAction::DropPrimaryKey);
    }
    if cursor.eat("period for") {
        cursor.identifier()?;
        return one(AlterAction::TableOption { name: "period".to_owned(), value: String::new() });
    }
    let word = cursor.eat_one_of(&["foreign key", "constraint", "check", "index", "key", "column"]).unwrap_or("column");
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    let name = cursor.identifier()?;
    let flag = match word {
        "column" => "column",
        "index" | "key" => "index",
        _ => "constraint",
    };
    flags.insert(flag, name.clone().into());
    cursor.eat_one_of(&["cascade", "restrict"]);
    one(match word {
        "foreign key" => AlterAction::DropForeignKey { name, if_exists },
        "constraint" | "check" => AlterAction::DropConstraint { name, if_exists, cascade: false },
        "index" | "key" => AlterAction::DropIndex { name, if_exists },
        _ => AlterAction::DropColumn { column: name, if_exists, cascade: false },
    })
}

fn change(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    let renames = cursor.is("change");
    cursor.at += 1;
    cursor.eat("column");
    let if_exists = cursor.eat("if exists");
    let from = if renames { Some(cursor.identifier()?) } else { None };
    let column = table::column(cursor, flags)?;
    let from = from.unwrap_or_else(|| column.name.clone());
    table::column_flags(&column, flags);
    flags.insert("column", from.clone().into());
    if renames {
        flags.insert("new_name", column.name.clone().into());
    }
    one(AlterAction::ChangeColumn { from, column, if_exists })
}

fn alter(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    cursor.expect("alter")?;
    if let Some(word) = cursor.eat_one_of(&["index", "key"]) {
        cursor.eat("if exists");
        let name = cursor.identifier()?;
        let _ = word;
        let state = cursor.eat_one_of(&["visible", "invisible", "ignored", "not ignored"])?;
        flags.insert("index", name.clone().into());
        flags.insert("visible", matches!(state, "visible" | "not ignored").into());
        return one(AlterAction::AlterIndex { name, word: state });
    }
    if cursor.eat_one_of(&["check", "constraint"]).is_some() {
        let name = cursor.identifier()?;
        let enforced = !cursor.eat("not");
        cursor.expect("enforced")?;
        flags.insert("constraint", name.clone().into());
        return one(AlterAction::AlterConstraint { name, enforced: Some(enforced), inherit: None, deferred: None });
    }
    cursor.eat("column");
    cursor.eat("if exists");
    let column = cursor.identifier()?;
    flags.insert("column", column.clone().into());
    if cursor.eat("drop default") {
        return one(AlterAction::DropDefault { column });
    }
    cursor.expect("set")?;
    if cursor.eat_one_of(&["visible", "invisible"]).is_some() {
        return one(AlterAction::ColumnVisibility { column });
    }
    cursor.expect("default")?;
    let default = cursor.expression(&[])?;
    one(AlterAction::SetDefault { column, default })
}

fn rename(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    cursor.expect("rename")?;
    let word = cursor.eat_one_of(&["column", "index", "key"]);
    if word.is_none() {
        let _ = cursor.eat("to") || cursor.eat("as") || cursor.eat_mark("=");
        let to = cursor.name()?;
        flags.insert("new_name", to.to_string().into());
        return one(AlterAction::RenameTable { to });
    }
    if cursor.eat("if exists") {
        flags.insert("if_exists", true.into());
    }
    let from = cursor.identifier()?;
    cursor.expect("to")?;
    let to = cursor.identifier()?;
    flags.insert("new_name", to.clone().into());
    if word == Some("column") {
        flags.insert("column", from.clone().into());
        return one(AlterAction::RenameColumn { from, to });
    }
    flags.insert("index", from.clone().into());
    one(AlterAction::RenameIndex { from, to })
}

fn partition(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<AlterAction> {
    let mut ahead = *cursor;
    let action = if ahead.eat("truncate partition") {
        AlterAction::TruncatePartition
    } else if ahead.eat("coalesce partition") {
        AlterAction::CoalescePartition
    } else if ahead.eat("reorganize partition") {
        AlterAction::ReorganizePartition
    } else if ahead.eat("remove partitioning") {
        *cursor = ahead;
        return Some(AlterAction::RemovePartitioning);
    } else if ahead.eat("partition by") {
        AlterAction::PartitionBy
    } else if ahead.eat("exchange partition") {
        ahead.identifier()?;
        ahead.expect("with table")?;
        AlterAction::ExchangePartition { with: ahead.name()? }
    } else if let Some(word) = ahead.eat_one_of(&[
        "rebuild partition",
        "optimize partition",
        "analyze partition",
        "check partition",
        "repair partition",
        "convert partition",
    ]) {
        AlterAction::PartitionMaintenance { word: word.split(' ').next().unwrap_or_default().to_owned() }
    } else {
        return None;
    };
    if matches!(action, AlterAction::PartitionBy) {
        flags.insert("partition_by", ahead.peek(0).to_lowercase().into());
    }
    ahead.skip_all();
    *cursor = ahead;
    Some(action)
}

fn option(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Vec<AlterAction>> {
    let (name, value) = table::mysql_option(cursor)?;
    one(match name.as_str() {
        "engine" => AlterAction::Engine { engine: value },
        "charset" | "collate" => {
            if cursor.eat("collate") {
                cursor.eat_mark("=");
                cursor.identifier()?;
            }
            AlterAction::DefaultCharset
        }
        known if MYSQL_OPTIONS.contains(&known) => {
            flags.insert("names", vec![name.clone()].into());
            AlterAction::TableOption { name, value }
        }
        _ => return None,
    })
}

/// The table options of both servers' manuals that `ALTER TABLE` takes.
const MYSQL_OPTIONS: &[&str] = &[
    "auto_increment",
    "avg_row_length",
    "checksum",
    "comment",
    "compression",
    "connection",
    "data directory",
    "delay_key_write",
    "encrypted",
    "encryption",
    "encryption_key_id",
    "index directory",
    "insert_method",
    "itef_quotes",
    "key_block_size",
    "max_rows",
    "min_rows",
    "pack_keys",
    "page_checksum",
    "page_compressed",
    "page_compression_level",
    "password",
    "row_format",
    "secondary_engine",
    "sequence",
    "stats_auto_recalc",
    "stats_persistent",
    "stats_sample_pages",
    "tablespace",
    "transactional",
    "union",
    "autoextend_size",
    "engine_attribute",
];
