//! Types, columns, constraints, indexes in a table's body, and `CREATE TABLE`.

use crate::dialect::Dialect;
use crate::sql::bound::{self, Bound};
use crate::sql::change::Flags;
use crate::sql::change::{
    Column, Constraint, ConstraintKind, CreateTable, DataType, Expression, Generated, Index, IndexKey, PartitionBound, Position, Reference,
};
use crate::sql::token::TokenKind;
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::query;

/// Words that end a column's `DEFAULT`.
const AFTER_DEFAULT: &[&str] = &[
    "not",
    "null",
    "default",
    "primary",
    "unique",
    "check",
    "references",
    "constraint",
    "generated",
    "collate",
    "comment",
    "on",
    "after",
    "first",
    "deferrable",
    "initially",
    "auto_increment",
    "autoincrement",
    "key",
    "storage",
    "compression",
    "identity",
    "column_format",
    "visible",
    "invisible",
    "enforced",
    "as",
    "with",
    "for",
    "algorithm",
    "character",
    "charset",
    "virtual",
    "stored",
    "persistent",
    "encode",
    "srid",
    "rowguidcol",
    "sparse",
    "using",
    "comment_",
];

/// A type. `None` when no name comes next.
pub fn data_type(cursor: &mut Cursor<'_>) -> Option<DataType> {
    let is_quoted_char =
        cursor.dialect == Dialect::Postgresql && (cursor.peek(0) == "\"char\"" || cursor.peek(2) == "\"char\"" && cursor.mark_at(1, "."));
    let name = cursor.name()?;
    let mut word = if is_quoted_char { "\"char\"".to_owned() } else { name.name };
    let dialect = cursor.dialect;
    // PostgreSQL tells names apart that differ in case only, where they are written in quotes.
    if !matches!(dialect, Dialect::Sqlite | Dialect::Postgresql) {
        word = word.to_lowercase();
    }
    let mut found = DataType { schema: name.schema.filter(|schema| schema != "pg_catalog"), ..DataType::default() };
    for (first, rest) in
        [("double", "precision"), ("character", "varying"), ("bit", "varying"), ("char", "varying"), ("long", "varchar"), ("long", "raw")]
    {
        if word.eq_ignore_ascii_case(first) && cursor.eat(rest) {
            word = format!("{first} {rest}");
        }
    }
    if word.eq_ignore_ascii_case("national") && (cursor.eat("character varying") || cursor.eat("char varying") || cursor.eat("varchar")) {
        word = "character varying".to_owned();
    } else if word.eq_ignore_ascii_case("national") && (cursor.eat("character") || cursor.eat("char")) {
        word = "character".to_owned();
    }
    arguments(cursor, &mut found)?;
    if dialect != Dialect::Sqlite && matches!(word.as_str(), "time" | "timestamp") {
        if cursor.eat("with time zone") || cursor.eat("with local time zone") {
            word.push_str(" with time zone");
        } else {
            cursor.eat("without time zone");
            word.push_str(" without time zone");
        }
        arguments(cursor, &mut found)?;
    }
    if dialect != Dialect::Sqlite && word == "interval" {
        while cursor.eat_one_of(&["year", "month", "day", "hour", "minute", "second", "to"]).is_some() {}
        arguments(cursor, &mut found)?;
    }
    if dialect == Dialect::Sqlite {
        sqlite_type_words(cursor, &mut word, &mut found)?;
    }
    found.name = canonical(&word, dialect, &mut found);
    type_suffixes(cursor, &mut found);
    Some(found)
}

fn arguments(cursor: &mut Cursor<'_>, found: &mut DataType) -> Option<()> {
    if !cursor.mark("(") {
        return Some(());
    }
    let mut inside = cursor.group()?;
    while !inside.is_done() {
        let from = inside.at;
        let argument = match inside.string() {
            Some(text) if inside.is_done() || inside.mark(",") => text,
            _ => {
                inside.skip_to_comma();
                inside.source(from, inside.at)
            }
        };
        found.arguments.push(argument);
        inside.eat_mark(",");
    }
    Some(())
}

/// SQLite takes any words for a type, up to a constraint.
fn sqlite_type_words(cursor: &mut Cursor<'_>, word: &mut String, found: &mut DataType) -> Option<()> {
    while cursor.kind() == Some(TokenKind::Word) && !cursor.is_one_of(AFTER_DEFAULT) && !cursor.is("always") {
        word.push(' ');
        word.push_str(cursor.peek(0));
        cursor.at += 1;
    }
    arguments(cursor, found)
}

/// `char` and `bit` without a length have the length 1.
fn fixed(found: &mut DataType, name: &'static str) -> &'static str {
    if found.arguments.is_empty() {
        found.arguments.push("1".to_owned());
    }
    name
}

/// One word for all synonyms of a type.
fn canonical(word: &str, dialect: Dialect, found: &mut DataType) -> String {
    let lower = word.to_lowercase();
    let same = match dialect {
        Dialect::Postgresql => match word {
            "int" | "int4" => "integer",
            "int8" => "bigint",
            "int2" => "smallint",
            "serial" | "serial4" => serial(found, "integer"),
            "bigserial" | "serial8" => serial(found, "bigint"),
            "smallserial" | "serial2" => serial(found, "smallint"),
            "varchar" | "char varying" => "character varying",
            "char" | "nchar" | "character" => fixed(found, "character"),
            "bpchar" => "character",
            "bit" => fixed(found, "bit"),
            "bool" => "boolean",
            "float8" => "double precision",
            "float4" => "real",
            "float" => {
                let short = found.number(0).is_some_and(|digits| digits <= 24);
                found.arguments.clear();
                if short { "real" } else { "double precision" }
            }
            "decimal" | "dec" => "numeric",
            "timestamptz" => "timestamp with time zone",
            "timetz" => "time with time zone",
            "varbit" => "bit varying",
            _ => return word.to_owned(),
        },
        Dialect::Mysql | Dialect::Mariadb => match lower.as_str() {
            "integer" | "int4" => "int",
            "int8" => "bigint",
            "int2" => "smallint",
            "int1" => "tinyint",
            "int3" | "middleint" => "mediumint",
            "bool" | "boolean" => {
                found.arguments = vec!["1".to_owned()];
                "tinyint"
            }
            "numeric" | "dec" | "fixed" => "decimal",
            "character varying" | "nvarchar" | "char varying" => "varchar",
            "character" | "nchar" => "char",
            "double precision" | "float8" | "real" => "double",
            "float4" => "float",
            "timestamp without time zone" => "timestamp",
            "time without time zone" => "time",
            "json" if dialect == Dialect::Mariadb => {
                found.json = true;
                "longtext"
            }
            "serial" => {
                found.serial = true;
                found.unsigned = true;
                "bigint"
            }
            _ => return lower,
        },
        Dialect::Sqlite => return word.to_owned(),
        Dialect::Mssql | Dialect::Oracle => return lower,
    };
    same.to_owned()
}

const fn serial(found: &mut DataType, integer: &'static str) -> &'static str {
    found.serial = true;
    integer
}

/// `unsigned`, `character set x`, `collate x`, `[]`.
fn type_suffixes(cursor: &mut Cursor<'_>, found: &mut DataType) {
    loop {
        if cursor.mark("[") {
            found.dimensions += 1;
            cursor.skip_group();
        } else if cursor.eat("array") {
            found.dimensions += 1;
        } else if cursor.dialect.is_mysql_family() && cursor.eat_one_of(&["unsigned", "zerofill"]).is_some() {
            found.unsigned = true;
        } else if cursor.dialect.is_mysql_family() && (cursor.eat("signed") || cursor.eat("binary") || cursor.eat("ascii")) {
        } else if cursor.dialect.is_mysql_family() && (cursor.are("character set") || cursor.is("charset")) {
            cursor.at += if cursor.is("charset") { 1 } else { 2 };
            cursor.eat_mark("=");
            found.charset = cursor.identifier().or_else(|| cursor.string()).map(|name| name.to_lowercase());
        } else if cursor.are("collate") && !cursor.mark_at(1, "(") {
            cursor.at += 1;
            found.collation = cursor.name().map(|name| name.name).or_else(|| cursor.string());
        } else {
            return;
        }
    }
}

/// A column's definition: name, type, constraints. Ends at a comma outside of brackets or at the end.
pub fn column(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Column> {
    let name = cursor.identifier()?;
    column_named(name, cursor, flags)
}

/// What follows a column's name.
pub fn column_named(name: String, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Column> {
    let mut column = Column { name, ..Column::default() };
    // `storage.kind` is a type in a schema, not a clause.
    let is_clause = cursor.is_one_of(AFTER_DEFAULT) && !cursor.continues_type() && !cursor.mark_at(1, ".");
    let typeless = cursor.is_done() || cursor.mark(",") || is_clause;
    if !typeless {
        column.data_type = Some(data_type(cursor)?);
    }
    if let Some(found) = &column.data_type {
        column.not_null |= found.serial;
        if let Some(collation) = &found.collation {
            flags.insert("collate", collation.clone().into());
        }
    }
    while !cursor.is_done() && !cursor.mark(",") {
        let from = cursor.at;
        column_constraint(&mut column, cursor, flags)?;
        if cursor.at == from {
            // A word of another dialect: `UNSIGNED` outside of the MySQL family.
            return None;
        }
    }
    Some(column)
}

fn column_constraint(column: &mut Column, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let name = if cursor.eat("constraint") { Some(cursor.identifier()?) } else { None };
    if name.is_some() && (cursor.is_done() || cursor.mark(",")) {
        return Some(());
    }
    if cursor.eat("not null") || cursor.eat("not_null") {
        column.not_null = true;
        conflict_clause(cursor);
        if let (Dialect::Sqlite, Some(name)) = (cursor.dialect, name) {
            let kind = ConstraintKind::NotNull { column: column.name.clone() };
            column.constraints.push(Constraint { name: Some(name), of_column: Some(column.name.clone()), ..Constraint::of(kind) });
        }
    } else if cursor.eat("null") {
        column.null_written = true;
        conflict_clause(cursor);
    } else if cursor.eat("default") {
        column.default = Some(cursor.expression(AFTER_DEFAULT)?);
    } else if let Some(kind) = column_key(column, cursor)? {
        let of_column = Some(column.name.clone());
        let mut constraint = Constraint { name, of_column, ..Constraint::of(kind) };
        attributes(&mut constraint, cursor, flags)?;
        column.auto_increment |= cursor.dialect == Dialect::Sqlite && cursor.was("autoincrement");
        column.constraints.push(constraint);
    } else if let Some(Constraint { not_valid, deferrable, initially_deferred, not_enforced, .. }) = lone_attribute(cursor) {
        if let Some(last) = column.constraints.last_mut() {
            last.not_valid |= not_valid;
            last.deferrable |= deferrable;
            last.initially_deferred |= initially_deferred;
            last.not_enforced |= not_enforced;
        }
    } else {
        column_property(column, cursor, flags)?;
    }
    Some(())
}

/// `DEFERRABLE`, `NOT VALID` and the like that stand behind another clause.
fn lone_attribute(cursor: &mut Cursor<'_>) -> Option<Constraint> {
    let kind = ConstraintKind::NotNull { column: String::new() };
    // A comment behind it is the column's.
    let mut constraint = Constraint { of_column: Some(String::new()), ..Constraint::of(kind) };
    let from = cursor.at;
    attributes(&mut constraint, cursor, &mut Flags::new())?;
    (cursor.at > from).then_some(constraint)
}

fn conflict_clause(cursor: &mut Cursor<'_>) {
    if cursor.eat("on conflict") {
        cursor.at += 1;
    }
    cursor.eat("no inherit");
}

/// A constraint written behind a column. `Some(None)`: it is no constraint.
#[allow(clippy::option_option)]
fn column_key(column: &mut Column, cursor: &mut Cursor<'_>) -> Option<Option<ConstraintKind>> {
    let own = || vec![column.name.clone()];
    if cursor.eat("primary key") || (cursor.dialect.is_mysql_family() && cursor.eat("key")) {
        cursor.eat_one_of(&["asc", "desc"]);
        let columns = own();
        column.not_null = true;
        return Some(Some(ConstraintKind::PrimaryKey { columns, using_index: None }));
    }
    if cursor.eat("unique") {
        cursor.eat("key");
        return Some(Some(ConstraintKind::Unique { columns: own(), using_index: None }));
    }
    if cursor.eat("check") {
        return Some(Some(ConstraintKind::Check(check_expression(cursor)?)));
    }
    if cursor.is("references") || cursor.are("foreign key references") {
        cursor.eat("foreign key");
        let columns = own();
        return Some(Some(ConstraintKind::ForeignKey { columns, reference: reference(cursor, &mut Flags::new())? }));
    }
    Some(None)
}

fn check_expression(cursor: &mut Cursor<'_>) -> Option<Expression> {
    cursor.eat("not for replication");
    Some(cursor.group()?.rest_as_expression())
}

/// The rest of a column's clauses.
fn column_property(column: &mut Column, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    if cursor.is("generated") {
        return generated(column, cursor, flags);
    }
    if cursor.eat("as row start") || cursor.eat("as row end") {
        return Some(());
    }
    if cursor.is("as") && cursor.mark_at(1, "(") {
        cursor.at += 1;
        return stored_expression(column, cursor, flags);
    }
    if cursor.eat("collate") {
        let collation = cursor.name().map(|name| name.name).or_else(|| cursor.string())?;
        flags.insert("collate", collation.clone().into());
        if let Some(found) = &mut column.data_type {
            found.collation = Some(collation);
        }
    } else if let Some(word) = cursor.eat_one_of(&["auto_increment", "autoincrement"]) {
        // In SQLite the MySQL word is read as a part of the type.
        column.auto_increment = cursor.dialect != Dialect::Sqlite || word == "autoincrement";
    } else if cursor.eat("identity") {
        column.auto_increment = true;
        cursor.skip_group();
    } else if cursor.eat("comment") {
        column.comment = Some(cursor.string()?);
    } else if cursor.eat("on update") {
        column.on_update = true;
        cursor.expression(AFTER_DEFAULT)?;
    } else if cursor.eat("on conflict") {
        cursor.identifier()?;
    } else if cursor.eat("first") {
        column.position = Some(Position::First);
        flags.insert("position", "first".into());
    } else if cursor.eat("after") {
        let other = cursor.identifier()?;
        flags.insert("position", format!("after {other}").into());
        column.position = Some(Position::After(other));
    } else {
        return rare_property(column, cursor, flags);
    }
    Some(())
}

fn rare_property(column: &mut Column, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    if let Some(word) = cursor.eat_one_of(&["storage", "compression", "column_format", "srid", "ref_system_id"]) {
        let value = cursor.peek(usize::from(cursor.mark("="))).to_lowercase();
        cursor.eat_mark("=");
        cursor.advance()?;
        if matches!(word, "storage" | "compression") {
            flags.insert(if word == "storage" { "storage" } else { "compression" }, value.clone().into());
        }
        column.storage = Some(value);
    } else if cursor.eat("options") || cursor.eat("masked with") || cursor.eat("encode") || cursor.eat("with") && cursor.mark("(") {
        cursor.group()?;
    } else if cursor.eat("invisible") || cursor.eat("hidden") {
        column.invisible = Some(true);
    } else if cursor.eat("visible") {
        column.invisible = Some(false);
    } else if cursor.eat("compressed") {
        cursor.eat_mark("=");
        if cursor.kind() == Some(TokenKind::Word) {
            cursor.eat("zlib");
        }
        column.storage = Some("compressed".to_owned());
    } else if cursor
        .eat_one_of(&[
            "rowguidcol",
            "sparse",
            "not for replication",
            "with system versioning",
            "without system versioning",
            "always",
            "persisted",
            "enable",
            "novalidate",
        ])
        .is_some()
        || cursor.eat("values")
    {
    } else if cursor.is("unsigned") || cursor.is("zerofill") || cursor.is("charset") || cursor.are("character set") {
        if let Some(found) = &mut column.data_type {
            type_suffixes(cursor, found);
        }
    } else {
        return None;
    }
    Some(())
}

fn generated(column: &mut Column, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    cursor.expect("generated")?;
    let always = !cursor.eat("by default");
    cursor.eat("always");
    cursor.eat("on null");
    cursor.expect("as")?;
    if cursor.eat("identity") {
        column.identity = Some(always);
        column.not_null = true;
        flags.insert("identity", if always { "always" } else { "by_default" }.into());
        column.has_sequence_options = cursor.skip_group();
        return Some(());
    }
    if cursor.eat("row start") || cursor.eat("row end") {
        // MariaDB's columns of the system's time.
        column.not_null = true;
        return Some(());
    }
    stored_expression(column, cursor, flags)
}

fn stored_expression(column: &mut Column, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let expression = cursor.group()?.rest_as_expression();
    let own = if cursor.dialect == Dialect::Mysql { None } else { cursor.eat_one_of(&["persisted", "persistent"]) };
    let word = own.or_else(|| cursor.eat_one_of(&["stored", "virtual"]));
    let (kind, flag) = match word {
        Some("stored" | "persistent") => (Generated::Stored, "stored"),
        Some("persisted") => (Generated::Stored, "persisted"),
        _ => (Generated::Virtual, "virtual"),
    };
    flags.insert("generated", flag.into());
    column.generated = Some((kind, expression));
    Some(())
}

/// `REFERENCES table (columns) MATCH … ON DELETE … ON UPDATE …`.
pub fn reference(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Reference> {
    cursor.expect("references")?;
    let mut found = Reference { table: cursor.name()?, ..Reference::default() };
    if cursor.mark("(") {
        found.columns = cursor.column_list()?;
    }
    flags.insert("ref_table", found.table.to_string().into());
    loop {
        if cursor.eat("match") {
            let word = cursor.identifier()?.to_lowercase();
            flags.insert("match", word.into());
        } else if cursor.eat("on delete") {
            found.on_delete = referential_action(cursor)?;
            if let Some(action) = &found.on_delete {
                flags.insert("on_delete", action.clone().into());
            }
        } else if cursor.eat("on update") {
            found.on_update = referential_action(cursor)?;
            if let Some(action) = &found.on_update {
                flags.insert("on_update", action.clone().into());
            }
        } else {
            return Some(found);
        }
    }
}

#[allow(clippy::option_option)]
fn referential_action(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    let word = cursor.eat_one_of(&["cascade", "set null", "set default", "restrict", "no action"])?;
    if cursor.mark("(") {
        cursor.skip_group();
    }
    Some((word != "no action").then(|| word.to_owned()))
}

/// Everything that may stand behind a constraint.
pub fn attributes(constraint: &mut Constraint, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    loop {
        if cursor.eat("not valid") {
            constraint.not_valid = true;
        } else if cursor.eat("not deferrable") || cursor.eat("initially immediate") || cursor.eat("enforced") {
        } else if cursor.is("deferrable") || cursor.are("initially deferred") {
            constraint.deferrable = true;
            constraint.initially_deferred |= !cursor.eat("deferrable") && cursor.eat("initially deferred");
            flags.insert("deferrable", true.into());
        } else if cursor.eat("not enforced") {
            constraint.not_enforced = true;
            flags.insert("enforced", false.into());
        } else if cursor.eat("no inherit") {
            constraint.no_inherit = true;
            flags.insert("no_inherit", true.into());
        } else if cursor.eat("using index tablespace") || constraint.of_column.is_none() && cursor.eat("comment") {
            cursor.advance()?;
        } else if cursor.eat("include") {
            flags.insert("include", cursor.column_list()?.into());
        } else if cursor.eat("nulls not distinct") {
            flags.insert("nulls_not_distinct", true.into());
        } else if cursor.eat("nulls distinct") || cursor.eat("clustered") || cursor.eat("nonclustered") || cursor.eat("autoincrement") {
        } else if cursor.is("with") && cursor.mark_at(1, "(") || cursor.is("where") && cursor.mark_at(1, "(") {
            cursor.at += 1;
            let inside = cursor.group()?;
            if cursor.dialect == Dialect::Mssql {
                online_option(inside, flags);
            }
        } else if cursor.eat("on conflict")
            || cursor.dialect.is_mysql_family() && cursor.eat("using")
            || cursor.dialect == Dialect::Mssql && cursor.eat("on")
        {
            cursor.name()?;
        } else if cursor.dialect.is_mysql_family() && cursor.eat("key_block_size") {
            cursor.eat_mark("=");
            cursor.number()?;
        } else {
            return Some(());
        }
    }
}

fn online_option(mut inside: Cursor<'_>, flags: &mut Flags) {
    while !inside.is_done() {
        if inside.eat("online") {
            inside.eat_mark("=");
            flags.insert("online", inside.is("on").into());
        }
        inside.step();
    }
}

/// True where a table constraint (and no column) begins.
#[must_use]
pub fn begins_constraint(cursor: &Cursor<'_>) -> bool {
    cursor.is("constraint") && !is_column_type(cursor)
        || cursor.are("primary key")
        || cursor.are("foreign key")
        || cursor.is("check") && cursor.mark_at(1, "(")
        || cursor.is("unique")
            && (cursor.mark_at(1, "(")
                || cursor.dialect.is_mysql_family()
                || cursor.is_at(1, "using")
                || cursor.is_at(1, "nulls")
                || cursor.is_at(1, "clustered")
                || cursor.is_at(1, "nonclustered"))
        || cursor.is("exclude") && (cursor.is_at(1, "using") || cursor.mark_at(1, "("))
        || cursor.are("not null") && cursor.dialect == Dialect::Postgresql
}

fn is_column_type(cursor: &Cursor<'_>) -> bool {
    cursor.mark_at(1, ",") || cursor.token(1).is_none()
}

/// A table constraint: `[CONSTRAINT name] …`.
pub fn constraint(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Constraint> {
    let mut name = None;
    let from = cursor.at;
    if cursor.eat("constraint") && !begins_constraint(cursor) {
        cursor.eat("if not exists");
        name = Some(cursor.name()?.name);
    }
    let (kind, own_name) = constraint_kind(cursor, flags)?;
    let if_not_exists = (from..cursor.at).any(|at| Cursor { at, ..*cursor }.are("if not exists"));
    let mut found = Constraint { name: name.or(own_name), if_not_exists, ..Constraint::of(kind) };
    attributes(&mut found, cursor, flags)?;
    Some(found)
}

fn constraint_kind(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(ConstraintKind, Option<String>)> {
    if cursor.eat("check") {
        return Some((ConstraintKind::Check(check_expression(cursor)?), None));
    }
    if cursor.eat("primary key") {
        cursor.eat("if not exists");
        let (columns, using_index, _) = key_columns(cursor, flags)?;
        return Some((ConstraintKind::PrimaryKey { columns, using_index }, None));
    }
    if cursor.eat("unique") {
        if cursor.eat("nulls not distinct") {
            flags.insert("nulls_not_distinct", true.into());
        }
        cursor.eat("nulls distinct");
        let (columns, using_index, own_name) = key_columns(cursor, flags)?;
        return Some((ConstraintKind::Unique { columns, using_index }, own_name));
    }
    if cursor.eat("foreign key") {
        cursor.eat("if not exists");
        let own_name = if cursor.mark("(") { None } else { cursor.identifier() };
        let columns = cursor.column_list()?;
        return Some((ConstraintKind::ForeignKey { columns, reference: reference(cursor, flags)? }, own_name));
    }
    if cursor.eat("exclude") {
        if cursor.eat("using") {
            cursor.identifier()?;
        }
        let columns = cursor.column_list()?;
        return Some((ConstraintKind::Exclude { columns }, None));
    }
    if cursor.eat("not null") {
        return Some((ConstraintKind::NotNull { column: cursor.identifier()? }, None));
    }
    if cursor.eat("default") {
        cursor.expression(&["for"])?;
        cursor.expect("for")?;
        let column = cursor.identifier()?;
        cursor.eat("with values");
        return Some((ConstraintKind::Default { column }, None));
    }
    None
}

/// `[KEY | INDEX] [name] [USING x] (columns)`, or `USING INDEX name`.
#[allow(clippy::type_complexity)]
fn key_columns(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(Vec<String>, Option<String>, Option<String>)> {
    if cursor.eat("using index") && !cursor.is("tablespace") {
        let index = cursor.name()?.name;
        flags.insert("using_index", index.clone().into());
        return Some((Vec::new(), Some(index), None));
    }
    cursor.eat_one_of(&["clustered", "nonclustered"]);
    cursor.eat_one_of(&["key", "index"]);
    cursor.eat("if not exists");
    let mut own_name = None;
    if !cursor.mark("(") && !cursor.is("using") {
        own_name = Some(cursor.identifier()?);
    }
    if cursor.eat("using") {
        cursor.identifier()?;
    }
    let columns = cursor.column_list()?;
    if cursor.eat("using index") && !cursor.is("tablespace") {
        cursor.name()?;
    } else if cursor.eat("tablespace") {
        cursor.name()?;
    }
    Some((columns, None, own_name))
}

/// What the flags say of a constraint.
pub fn constraint_flags(constraint: &Constraint, flags: &mut Flags) {
    if let Some(name) = &constraint.name {
        flags.insert("constraint", name.clone().into());
    }
    flags.insert("constraint_type", constraint_word(&constraint.kind).into());
    flags.insert("not_valid", constraint.not_valid.into());
}

/// The word for a constraint's kind.
#[must_use]
pub const fn constraint_word(kind: &ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::Check(_) => "check",
        ConstraintKind::Unique { .. } => "unique",
        ConstraintKind::PrimaryKey { .. } => "primary_key",
        ConstraintKind::ForeignKey { .. } => "foreign_key",
        ConstraintKind::Exclude { .. } => "exclude",
        ConstraintKind::NotNull { .. } => "not_null",
        ConstraintKind::Default { .. } => "default",
    }
}

/// What the flags say of a new column.
pub fn column_flags(column: &Column, flags: &mut Flags) {
    flags.insert("column", column.name.clone().into());
    flags.insert("not_null", column.not_null.into());
    flags.insert("default", default_word(column).into());
    let inline: Vec<String> = column.constraints.iter().map(|found| constraint_word(&found.kind).to_owned()).collect();
    for found in &column.constraints {
        if let Some(reference) = found.reference() {
            flags.insert("ref_table", reference.table.to_string().into());
            if let Some(action) = &reference.on_delete {
                flags.insert("on_delete", action.clone().into());
            }
        }
        if let Some(name) = &found.name {
            flags.insert("constraint", name.clone().into());
        }
    }
    if !inline.is_empty() {
        flags.insert("inline_constraints", inline.into());
    }
}

fn default_word(column: &Column) -> &'static str {
    let Some(default) = &column.default else {
        return if column.data_type.as_ref().is_some_and(|found| found.serial) { "serial" } else { "none" };
    };
    if default.is_null {
        "null"
    } else if default.functions.is_empty() {
        if default.is_literal || default.words.is_empty() { "constant" } else { "expression" }
    } else {
        use crate::sql::functions::{Volatility, volatility};
        match default.functions.iter().map(|name| volatility(name)).max() {
            Some(Volatility::Immutable) => "immutable_function",
            Some(Volatility::Stable) => "stable_function",
            _ => "volatile_function",
        }
    }
}

/// An index inside a table's body, or behind `ADD` (MySQL family, SQL Server). The cursor stands behind `INDEX`.
pub fn body_index(special: Option<&str>, unique: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Index> {
    let mut index = Index { unique, special: special.map(str::to_owned), ..Index::default() };
    index.if_not_exists = cursor.eat("if not exists");
    cursor.eat("unique");
    if !cursor.mark("(") && !cursor.is("using") {
        index.name = Some(cursor.identifier()?);
    }
    cursor.eat_one_of(&["clustered", "nonclustered", "unique"]);
    if cursor.eat("using") {
        index.method = Some(cursor.identifier()?.to_lowercase());
    }
    index.prefixed = has_prefix(*cursor);
    index.keys = index_keys(cursor)?;
    if let Some(special) = special {
        flags.insert("index_type", special.into());
    }
    index_options(&mut index, cursor, flags)?;
    Some(index)
}

/// `(a, lower(b) DESC, c(10))`.
pub fn index_keys(cursor: &mut Cursor<'_>) -> Option<Vec<IndexKey>> {
    let mut inside = cursor.group()?;
    let mut keys = Vec::new();
    while !inside.is_done() {
        let from = inside.at;
        inside.skip_to_comma();
        let mut key = Cursor { tokens: inside.tokens.get(from..inside.at)?, at: 0, ..inside };
        keys.push(index_key(&mut key));
        inside.eat_mark(",");
    }
    Some(keys)
}

/// The operator classes behind PostgreSQL's keys, one for each key; empty where none is written.
#[must_use]
pub fn operator_classes(mut cursor: Cursor<'_>) -> Vec<String> {
    let Some(mut inside) = cursor.group().filter(|inside| inside.dialect == Dialect::Postgresql) else {
        return Vec::new();
    };
    let mut classes = Vec::new();
    while !inside.is_done() {
        let from = inside.at;
        inside.skip_to_comma();
        let tokens = inside.tokens.get(from..inside.at).unwrap_or_default();
        classes.push(operator_class(Cursor { tokens, at: 0, ..inside }).unwrap_or_default());
        inside.eat_mark(",");
    }
    classes
}

fn operator_class(mut key: Cursor<'_>) -> Option<String> {
    if !key.mark("(") {
        key.name()?;
    }
    key.skip_group();
    if key.eat("collate") {
        key.name()?;
    }
    let class = key.name()?.name.to_lowercase();
    (!matches!(class.as_str(), "asc" | "desc" | "nulls")).then_some(class)
}

/// One of the keys has a length: `(a, c(10))`.
#[must_use]
pub fn has_prefix(mut cursor: Cursor<'_>) -> bool {
    let Some(mut inside) = cursor.group().filter(|inside| inside.dialect.is_mysql_family()) else {
        return false;
    };
    while !inside.is_done() {
        if inside.mark("(") && inside.group().is_some_and(|length| length.tokens.len() == 1 && length.kind() == Some(TokenKind::Number)) {
            return true;
        }
        inside.advance();
    }
    false
}

fn index_key(key: &mut Cursor<'_>) -> IndexKey {
    let mut plain = *key;
    let prefix_length = key.dialect.is_mysql_family() && plain.token(1).is_some() && {
        let mut ahead = plain;
        ahead.at += 1;
        ahead.group().is_some_and(|inside| inside.tokens.len() == 1 && inside.kind() == Some(TokenKind::Number))
    };
    match plain.identifier() {
        Some(column) if !plain.mark("(") && !plain.mark(".") && plain.kind() != Some(TokenKind::Operator) || prefix_length => {
            IndexKey::Column(column)
        }
        _ => IndexKey::Expression(key.rest_as_expression()),
    }
}

/// What may stand behind an index's columns.
pub fn index_options(index: &mut Index, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    loop {
        if cursor.eat("include") {
            index.include = cursor.column_list()?;
            flags.insert("include", index.include.clone().into());
        } else if cursor.eat("nulls not distinct") {
            flags.insert("nulls_not_distinct", true.into());
        } else if cursor.eat("nulls distinct") || cursor.eat("tablespace") && cursor.identifier().is_some() {
        } else if cursor.is("with") && cursor.mark_at(1, "(") {
            cursor.at += 1;
            let inside = cursor.group()?;
            if cursor.dialect == Dialect::Mssql {
                online_option(inside, flags);
            }
        } else if cursor.eat("where") {
            let from = cursor.at;
            while !cursor.is_done() && !(cursor.dialect == Dialect::Mssql && cursor.is("with")) {
                cursor.step();
            }
            index.predicate = Some(cursor.expression_between(from, cursor.at));
            flags.insert("partial", true.into());
        } else if cursor.dialect.is_mysql_family() && mysql_index_option(index, cursor)? {
        } else if cursor.dialect == Dialect::Mssql && cursor.eat("on") {
            cursor.name()?;
            cursor.skip_group();
        } else {
            return Some(());
        }
    }
}

fn mysql_index_option(index: &mut Index, cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.eat("using") {
        index.method = Some(cursor.identifier()?.to_lowercase());
    } else if cursor.eat("comment") {
        cursor.string()?;
    } else if cursor.eat("key_block_size") || cursor.eat("m") || cursor.eat("distance") || cursor.eat("engine_attribute") {
        cursor.eat_mark("=");
        cursor.advance()?;
    } else if cursor.eat("with parser") {
        cursor.identifier()?;
    } else if cursor.eat_one_of(&["visible", "invisible", "ignored", "not ignored"]).is_some() {
    } else {
        return Some(false);
    }
    Some(true)
}

/// `CREATE [TEMP | UNLOGGED …] [FOREIGN] TABLE …`; the cursor stands behind `TABLE`.
pub fn create_table(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<CreateTable> {
    let mut table = CreateTable { if_not_exists: cursor.eat("if not exists"), ..CreateTable::default() };
    flags.insert("if_not_exists", table.if_not_exists.into());
    table.name = cursor.name()?;
    if cursor.dialect == Dialect::Mssql && table.name.name.starts_with('#') {
        table.temporary = true;
    }
    if cursor.eat("partition of") {
        let parent = cursor.name()?;
        flags.insert("partition_of", parent.to_string().into());
        if cursor.mark("(") {
            body(&mut table, cursor.group()?, flags)?;
        }
        let bound = partition_bound(cursor)?;
        flags.insert("default_partition", bound.is_default.into());
        table.partition_of = Some((parent, bound));
    } else if cursor.eat("of") {
        let type_name = cursor.name()?;
        flags.insert("of_type", type_name.to_string().into());
        table.of_type = Some(type_name);
        if cursor.mark("(") {
            body(&mut table, cursor.group()?, flags)?;
        }
    } else if cursor.eat("like") {
        let other = cursor.name()?;
        flags.insert("like", other.to_string().into());
        table.like.push((other, Vec::new()));
    } else if cursor.mark("(") && !begins_query(cursor) {
        body(&mut table, cursor.group()?, flags)?;
    }
    tail(&mut table, cursor, flags)?;
    Some(table)
}

/// `(SELECT …)` of `CREATE TABLE x (SELECT …)`, `AS (SELECT …)`.
fn begins_query(cursor: &Cursor<'_>) -> bool {
    cursor.is_at(1, "select") || cursor.is_at(1, "with") && !cursor.mark_at(2, ",")
}

/// `FOR VALUES …` or `DEFAULT`.
pub fn partition_bound(cursor: &mut Cursor<'_>) -> Option<PartitionBound> {
    let from = cursor.at;
    if cursor.eat("default") {
        return Some(PartitionBound { is_default: true, text: "DEFAULT".to_owned(), read: Some(Bound::Default) });
    }
    cursor.expect("for values")?;
    while cursor.is_one_of(&["in", "from", "to", "with"]) {
        cursor.at += 1;
        cursor.group()?;
    }
    let text = cursor.source(from, cursor.at);
    let read = bound::read(&text);
    Some(PartitionBound { is_default: false, text, read })
}

/// Columns, constraints, indexes and `LIKE` between the brackets.
pub fn body(table: &mut CreateTable, mut inside: Cursor<'_>, flags: &mut Flags) -> Option<()> {
    while !inside.is_done() {
        element(table, &mut inside, flags)?;
        // SQLite lets table constraints follow each other without a comma.
        if !inside.eat_mark(",") && !inside.is_done() && !(inside.dialect == Dialect::Sqlite && begins_constraint(&inside)) {
            return None;
        }
    }
    Some(())
}

fn element(table: &mut CreateTable, inside: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    if inside.is("like") && inside.dialect == Dialect::Postgresql {
        inside.at += 1;
        let other = inside.name()?;
        flags.insert("like", other.to_string().into());
        let mut options = Vec::new();
        while inside.is_one_of(&["including", "excluding"]) {
            options.push(format!("{} {}", inside.peek(0).to_lowercase(), inside.peek(1).to_lowercase()));
            inside.at += 2;
        }
        table.like.push((other, options));
    } else if let Some((special, unique)) = body_index_head(inside) {
        table.indexes.push(body_index(special, unique, inside, flags)?);
    } else if begins_constraint(inside) {
        let found = constraint(inside, flags)?;
        flags.insert("constraint_type", constraint_word(&found.kind).into());
        table.constraints.push(found);
    } else if inside.eat("period for") {
        inside.identifier()?;
        inside.group()?;
    } else {
        let mut own = Flags::new();
        let column = column(inside, &mut own)?;
        for word in ["generated", "identity", "collate", "storage", "compression"] {
            if let Some(value) = own.remove(word) {
                flags.insert(word, value);
            }
        }
        table.columns.push(column);
    }
    Some(())
}

/// `INDEX`, `KEY`, `FULLTEXT …` in a body; the cursor is moved behind these words.
#[allow(clippy::type_complexity)]
fn body_index_head(cursor: &mut Cursor<'_>) -> Option<(Option<&'static str>, bool)> {
    if cursor.dialect == Dialect::Mssql && cursor.eat("index") {
        return Some((None, false));
    }
    if !cursor.dialect.is_mysql_family() {
        return None;
    }
    if let Some(special) = cursor.eat_one_of(&["fulltext", "spatial", "vector"]) {
        cursor.eat_one_of(&["index", "key"]);
        return Some((Some(special), false));
    }
    let is_column = cursor.mark_at(2, "(") && is_type_word(cursor.peek(1)) || cursor.token(1).is_none();
    (!is_column && cursor.eat_one_of(&["index", "key"]).is_some()).then_some((None, false))
}

fn is_type_word(word: &str) -> bool {
    ["varchar", "char", "int", "bigint", "decimal", "varbinary", "binary", "tinyint", "smallint"]
        .iter()
        .any(|other| word.eq_ignore_ascii_case(other))
}

/// What stands behind the body: options, inheritance, partitioning, a query.
fn tail(table: &mut CreateTable, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    while !cursor.is_done() {
        if cursor.eat("inherits") {
            table.inherits = cursor.group()?.names()?;
            flags.insert("inherits", table.inherits.iter().map(ToString::to_string).collect::<Vec<_>>().into());
        } else if cursor.eat("partition by") {
            partition_by(table, cursor, flags)?;
        } else if cursor.eat("on commit") {
            let word = cursor.eat_one_of(&["drop", "delete rows", "preserve rows"])?;
            flags.insert("on_commit", word.into());
        } else if !cursor.dialect.is_mysql_family() && (cursor.eat("tablespace") || cursor.eat("server"))
            || (cursor.dialect == Dialect::Postgresql && cursor.eat("using"))
        {
            cursor.name()?;
        } else if cursor.is("with") && cursor.mark_at(1, "(") || cursor.is("options") && cursor.mark_at(1, "(") {
            cursor.at += 1;
            cursor.group()?;
        } else if cursor.eat("without oids") || cursor.eat("with oids") {
        } else if cursor.eat("with system versioning") {
            table.options.insert("system versioning".to_owned(), String::new());
        } else if cursor.is("as")
            || cursor.is("select")
            || cursor.is("with")
            || cursor.is("ignore")
            || cursor.is("replace")
            || cursor.mark("(")
        {
            cursor.eat_one_of(&["ignore", "replace"]);
            cursor.eat("as");
            as_query(table, cursor, flags)?;
        } else if cursor.dialect == Dialect::Mssql && (cursor.eat("on") || cursor.eat("textimage_on")) {
            cursor.name()?;
            cursor.skip_group();
        } else if cursor.dialect == Dialect::Oracle {
            cursor.skip_all();
        } else {
            table_option(table, cursor, flags)?;
        }
    }
    Some(())
}

fn partition_by(table: &mut CreateTable, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    cursor.eat("linear");
    let method = cursor.identifier()?.to_lowercase();
    cursor.eat("columns");
    if cursor.eat("algorithm") {
        cursor.eat_mark("=");
        cursor.advance()?;
    }
    flags.insert("partition_by", method.clone().into());
    let key = if cursor.mark("(") { cursor.group()?.rest_as_expression() } else { Expression::default() };
    table.partition_by = Some((method, key));
    if cursor.dialect.is_mysql_family() {
        while cursor.eat("partitions") || cursor.eat("subpartition by") || cursor.eat("subpartitions") {
            while !cursor.is_done()
                && !cursor.mark("(")
                && !cursor.is("subpartition")
                && !cursor.is("partitions")
                && !cursor.is("subpartitions")
            {
                cursor.at += 1;
            }
            if cursor.mark("(") && !cursor.is_at(1, "partition") {
                cursor.skip_group();
            }
        }
        cursor.skip_group();
    }
    Some(())
}

fn as_query(table: &mut CreateTable, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let mut with_data = true;
    let mut query_part = *cursor;
    let n = cursor.tokens.len();
    let ends = |words: &[&str]| {
        n >= words.len() + cursor.at && words.iter().enumerate().all(|(i, word)| Cursor { at: n - words.len() + i, ..*cursor }.is(word))
    };
    if ends(&["with", "no", "data"]) {
        with_data = false;
        query_part.tokens = cursor.tokens.get(..n - 3)?;
    } else if ends(&["with", "data"]) {
        query_part.tokens = cursor.tokens.get(..n - 2)?;
    }
    flags.insert("with_data", with_data.into());
    let found = query::query(&mut query_part)?;
    cursor.skip_all();
    table.query = Some((found, with_data));
    Some(())
}

/// MySQL's `ENGINE=InnoDB`, SQLite's `STRICT`, `WITHOUT ROWID`.
fn table_option(table: &mut CreateTable, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    cursor.eat_mark(",");
    if cursor.eat("without rowid") {
        flags.insert("without_rowid", true.into());
        table.options.insert("without rowid".to_owned(), String::new());
        return Some(());
    }
    if cursor.eat("strict") {
        flags.insert("strict", true.into());
        table.options.insert("strict".to_owned(), String::new());
        return Some(());
    }
    if !cursor.dialect.is_mysql_family() {
        return None;
    }
    let (name, value) = mysql_option(cursor)?;
    table.options.insert(name, value);
    Some(())
}

/// One option of a MySQL table, in lower case: `engine`, `innodb`.
pub fn mysql_option(cursor: &mut Cursor<'_>) -> Option<(String, String)> {
    cursor.eat("default");
    let mut name = cursor.identifier()?.to_lowercase();
    if name == "character" && cursor.eat("set") {
        "charset".clone_into(&mut name);
    } else if matches!(name.as_str(), "data" | "index") && cursor.eat("directory") {
        name.push_str(" directory");
    } else if matches!(name.as_str(), "start") && cursor.eat("transaction") {
        return Some((name, String::new()));
    }
    cursor.eat_mark("=");
    if cursor.mark("(") {
        cursor.skip_group();
        return Some((name, String::new()));
    }
    if name == "comment"
        && let Some(comment) = cursor.string()
    {
        return Some((name, comment));
    }
    let token = cursor.advance()?;
    let value = cursor.text_of(token).trim_matches(['\'', '"', '`']).to_lowercase();
    Some((name, value))
}
