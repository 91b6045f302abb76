//! One statement as an operation of Alembic, and the statements that turn it back, read off the schema in front of it.

use crate::dialect::Dialect;
use crate::fix;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Line, python_sql};
use crate::recipes::parts::dependents;
use crate::recipes::parts::online::modified;
use crate::recipes::parts::wish::Statement;
use crate::recipes::parts::written::{
    add_column, column_text, columns, constraint_text, create_index, drop_column, drop_index, exact, literal, python_table, table_options,
    type_text,
};
use crate::sql::catalog::{Catalog, Defined, IndexState, Table, constraint_name};
use crate::sql::change::{AlterAction, Change, Constraint, ConstraintKind, Name, TypeAction};
use crate::sql::words::Kind;

/// The statement as Alembic writes it, where it has an operation of its own that says all of it.
#[must_use]
pub fn forward(dialect: Dialect, statement: &Statement) -> Line {
    own_words(dialect, statement).unwrap_or_else(|| Line::execute(&statement.sql))
}

fn own_words(dialect: Dialect, statement: &Statement) -> Option<Line> {
    if dialect != Dialect::Postgresql {
        return None;
    }
    if let Change::Drop(drop) = &statement.reading.change
        && let (Kind::DropTable, [one], false, false) = (statement.reading.kind, drop.names.as_slice(), drop.if_exists, drop.cascade)
    {
        let (table, schema) = python_table(one);
        return Some(Line::operation(format!("op.drop_table({table}{schema})"), &statement.sql));
    }
    if let Change::CreateIndex { table, only: false, concurrently, index, .. } = &statement.reading.change {
        return create_index(dialect, table, index.name.as_deref()?, index, *concurrently).filter(|_| !index.if_not_exists);
    }
    let (table, action) = statement.action()?;
    let (py_table, schema) = python_table(table);
    let operation = |python: String| Some(Line::operation(python, &statement.sql));
    match action {
        AlterAction::AddColumn { column, if_not_exists: false } if column.constraints.is_empty() => add_column(dialect, table, column),
        AlterAction::DropColumn { column, if_exists: false, cascade: false } => Some(drop_column(dialect, table, column)),
        AlterAction::RenameColumn { from, to } => {
            operation(format!("op.alter_column({py_table}, {}, new_column_name={}{schema})", fix::python(from), fix::python(to)))
        }
        AlterAction::RenameTable { to } => operation(format!("op.rename_table({py_table}, {}{schema})", fix::python(&to.name))),
        AlterAction::SetNotNull { column } => {
            operation(format!("op.alter_column({py_table}, {}, nullable=False{schema})", fix::python(column)))
        }
        AlterAction::DropNotNull { column } => {
            operation(format!("op.alter_column({py_table}, {}, nullable=True{schema})", fix::python(column)))
        }
        AlterAction::SetDefault { column, default } => {
            let default = python_sql(exact(default)?);
            operation(format!("op.alter_column({py_table}, {}, server_default=sa.text({default}){schema})", fix::python(column)))
        }
        AlterAction::DropDefault { column } => {
            operation(format!("op.alter_column({py_table}, {}, server_default=None{schema})", fix::python(column)))
        }
        AlterAction::DropConstraint { name, if_exists: false, cascade: false } => {
            operation(format!("op.drop_constraint({}, {py_table}{schema})", fix::python(name)))
        }
        _ => None,
    }
}

/// What turns the statement back; `None`: nothing can, or what stood before is not known well enough.
#[must_use]
pub fn way_back(dialect: Dialect, before: &Catalog, statement: &Statement) -> Option<Vec<Line>> {
    let line = |sql: String| Some(vec![Line::execute(sql)]);
    let reading = &statement.reading;
    match &reading.change {
        Change::AlterTable(alter) if matches!(alter.actions.as_slice(), [AlterAction::DropPrimaryKey, AlterAction::AddConstraint(_)]) => {
            let key = before.table(&alter.table)?.primary_key()?;
            let written = relation(dialect, &alter.table);
            line(format!("ALTER TABLE {written} DROP PRIMARY KEY, ADD PRIMARY KEY ({})", columns(dialect, key)))
        }
        Change::AlterTable(_) => {
            let (table, action) = statement.action()?;
            if let AlterAction::SetIdentity { column, restart: false } = action {
                return line(generated_again(dialect, before, table, column, &statement.sql)?);
            }
            of_action(dialect, before, table, action)
        }
        Change::CreateTable(create) => {
            let (table, schema) = python_table(&create.name);
            let sql = format!("DROP TABLE {}", relation(dialect, &create.name));
            Some(vec![Line::operation(format!("op.drop_table({table}{schema})"), sql)])
        }
        Change::CreateIndex { table, index, concurrently, .. } => {
            let name = index.name.clone()?;
            Some(vec![drop_index(dialect, table, &name, *concurrently)])
        }
        Change::RenameTables { pairs } => {
            let back = |(from, to): &(Name, Name)| {
                Line::execute(format!("ALTER TABLE {} RENAME TO {}", relation(dialect, to), quoted(dialect, &from.name)))
            };
            Some(pairs.iter().rev().map(back).collect())
        }
        Change::CreateView { name, or_replace: true, materialized: false, .. } if !before.is_missing(name) => {
            let again = before.views_on(name).is_empty().then(|| dependents::again(before, name)).flatten()?;
            let mut lines = vec![Line::execute(format!("DROP VIEW {}", relation(dialect, name)))];
            lines.extend(again);
            Some(lines)
        }
        Change::CreateFunction { name, or_replace: true, arguments, .. } if before.defined_arguments(name) == Some(arguments.as_str()) => {
            line(replacing(before.definition(Defined::Function, name, "")?)?)
        }
        Change::AlterPolicy { table, .. } => {
            let name = policy_of(&statement.sql)?;
            let made = before.definition(Defined::Policy, table, &name)?;
            let drop = format!("DROP POLICY {} ON {}", quoted(dialect, &name), relation(dialect, table));
            Some(vec![Line::execute(drop), Line::execute(made)])
        }
        Change::CreateView { name, or_replace, materialized, .. } if !or_replace || before.is_missing(name) => {
            line(format!("DROP {}VIEW {}", if *materialized { "MATERIALIZED " } else { "" }, relation(dialect, name)))
        }
        Change::CreateType { name, .. } => line(format!("DROP TYPE {}", relation(dialect, name))),
        Change::CreateDomain { name, .. } => line(format!("DROP DOMAIN {}", relation(dialect, name))),
        Change::CreateSequence { name, .. } => line(format!("DROP SEQUENCE {}", relation(dialect, name))),
        Change::CreateSchema { name: Some(name), elements, .. } if elements.is_empty() => {
            line(format!("DROP SCHEMA {}", quoted(dialect, &name.name)))
        }
        Change::AlterType { name, actions } => match actions.as_slice() {
            [TypeAction::RenameValue { from, to }] => {
                line(format!("ALTER TYPE {} RENAME VALUE {} TO {}", relation(dialect, name), literal(to), literal(from)))
            }
            [TypeAction::Rename { to }] => {
                let now = Name { schema: name.schema.clone(), name: to.clone() };
                line(format!("ALTER TYPE {} RENAME TO {}", relation(dialect, &now), quoted(dialect, &name.name)))
            }
            _ => None,
        },
        Change::AlterIndex { index, action: crate::sql::change::IndexAction::Rename { to }, .. } => {
            let now = Name { schema: index.schema.clone(), name: to.clone() };
            line(format!("ALTER INDEX {} RENAME TO {}", relation(dialect, &now), quoted(dialect, &index.name)))
        }
        Change::Grant { .. } if statement.sql.to_lowercase().starts_with("grant ") => {
            let (what, to) = statement.sql.get(6..)?.rsplit_once(" TO ").or_else(|| statement.sql.get(6..)?.rsplit_once(" to "))?;
            line(format!("REVOKE {what} FROM {to}"))
        }
        Change::CreateTrigger { name, table, or_replace: false, .. } => {
            let on = if dialect == Dialect::Postgresql { format!(" ON {}", relation(dialect, table)) } else { String::new() };
            line(format!("DROP TRIGGER {}{on}", quoted(dialect, name)))
        }
        Change::CreateFunction { name, or_replace: false, .. } if dialect == Dialect::Postgresql => {
            let what = if reading.kind.word().contains("procedure") { "PROCEDURE" } else { "FUNCTION" };
            line(format!("DROP {what} {}", relation(dialect, name)))
        }
        Change::CreateStatistics { name: Some(name), .. } if dialect == Dialect::Postgresql => {
            line(format!("DROP STATISTICS {}", relation(dialect, name)))
        }
        Change::Comment { .. } if dialect == Dialect::Postgresql => {
            let what = commented(&statement.sql)?;
            line(format!("{what} IS NULL"))
        }
        Change::Drop(drop) => dropped_again(dialect, before, reading.kind, drop),
        Change::Other => match (reading.kind, &reading.subject) {
            (Kind::CreateExtension, Some(name)) => line(format!("DROP EXTENSION {}", quoted(dialect, &name.name))),
            _ => None,
        },
        _ => None,
    }
}

/// `SET GENERATED …` as it was; None where the sequence behind the column is changed too.
fn generated_again(dialect: Dialect, before: &Catalog, table: &Name, column: &str, sql: &str) -> Option<String> {
    let always = before.table(table)?.column(column)?.identity?;
    let is_all = sql.to_uppercase().matches(" SET ").count() == 1 && sql.to_uppercase().contains(" SET GENERATED ");
    let words = if always { "ALWAYS" } else { "BY DEFAULT" };
    is_all.then(|| format!("ALTER TABLE {} ALTER COLUMN {} SET GENERATED {words}", relation(dialect, table), quoted(dialect, column)))
}

/// `CREATE FUNCTION …` so that it takes the place of the one that stands.
fn replacing(sql: &str) -> Option<String> {
    let words: Vec<&str> = sql.split_whitespace().take(3).collect();
    match words.as_slice() {
        [_, or, _] if or.eq_ignore_ascii_case("or") => Some(sql.to_owned()),
        [create, ..] => Some(format!("CREATE OR REPLACE{}", sql.get(create.len()..)?)),
        [] => None,
    }
}

/// The name behind `ALTER POLICY`.
fn policy_of(sql: &str) -> Option<String> {
    let rest = sql.trim_start().get("ALTER POLICY".len()..)?.trim_start();
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(name, _)| name.to_owned()),
        None => rest.split_whitespace().next().map(str::to_lowercase),
    }
}

/// `COMMENT ON TABLE t` of a statement that says something; None where it takes a comment away.
fn commented(sql: &str) -> Option<&str> {
    let text = sql.find(['\'', '$'])?;
    let front = sql.get(..text)?.trim_end().trim_end_matches(['E', 'e']).trim_end();
    let what = front.get(..front.len().checked_sub(3)?)?;
    front.to_lowercase().ends_with(" is").then_some(what)
}

/// How PostgreSQL stores values of a type unless somebody says otherwise; None where it is not known.
fn usual_storage(data_type: &crate::sql::change::DataType) -> Option<&'static str> {
    match data_type.name.as_str() {
        "text" | "character varying" | "character" | "json" | "jsonb" | "bytea" | "xml" => Some("EXTENDED"),
        "numeric" => Some("MAIN"),
        _ => None,
    }
}

fn dropped_again(dialect: Dialect, before: &Catalog, kind: Kind, drop: &crate::sql::change::Drop) -> Option<Vec<Line>> {
    let [name] = drop.names.as_slice() else { return None };
    match kind {
        Kind::DropTable => table_again(dialect, &before.key(name), before.table(name)?),
        Kind::DropIndex => {
            let (table, state) = before.index(name)?;
            Some(vec![create_index(dialect, table, &name.name, &state.index, drop.concurrently)?])
        }
        Kind::DropType => match before.user_type(name)? {
            crate::sql::catalog::UserType::Enum { values, .. } => {
                let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
                Some(vec![Line::execute(format!("CREATE TYPE {} AS ENUM ({})", relation(dialect, name), values.join(", ")))])
            }
            crate::sql::catalog::UserType::Domain { .. } | crate::sql::catalog::UserType::Other => None,
        },
        Kind::DropView | Kind::DropMaterializedView => dependents::again(before, name),
        Kind::DropTrigger => Some(vec![Line::execute(before.trigger_definition(drop.on.as_ref(), &name.name)?)]),
        Kind::DropPolicy => Some(vec![Line::execute(before.definition(Defined::Policy, drop.on.as_ref()?, &name.name)?)]),
        Kind::DropFunction | Kind::DropProcedure => Some(vec![Line::execute(before.definition(Defined::Function, name, "")?)]),
        Kind::DropExtension => Some(vec![Line::execute(format!("CREATE EXTENSION {}", quoted(dialect, &name.name)))]),
        Kind::DropSchema => Some(vec![Line::execute(format!("CREATE SCHEMA {}", quoted(dialect, &name.name)))]),
        _ => None,
    }
}

/// A table as it stood, with its indexes; foreign keys that pointed at it are not among them.
#[must_use]
pub fn table_again(dialect: Dialect, name: &Name, table: &Table) -> Option<Vec<Line>> {
    if table.partition_by.is_some() || table.partition_of.is_some() || !table.inherits.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    for column in &table.columns {
        parts.push(column_text(dialect, column)?);
    }
    for constraint in &table.constraints {
        if matches!(constraint.kind, ConstraintKind::NotNull { .. }) {
            continue;
        }
        parts.push(constraint_text(dialect, &constraint_name_of(name, constraint), constraint)?);
    }
    let text = match dialect {
        Dialect::Sqlite => crate::recipes::parts::rebuilt::create_table(name, table)?,
        _ => format!("CREATE TABLE {} ({}){}", relation(dialect, name), parts.join(", "), table_options(dialect, table)),
    };
    let mut lines = vec![Line::execute(text)];
    let states: Vec<&IndexState> = table.indexes.iter().collect();
    lines.extend(crate::recipes::parts::written::indexes_again(dialect, name, &states)?);
    Some(lines)
}

/// The name a constraint has.
#[must_use]
pub fn constraint_name_of(table: &Name, constraint: &Constraint) -> String {
    constraint_name(table, constraint)
}

/// A column with what stood on it: constraints and indexes, of its own table and of others that point at it.
#[must_use]
pub fn column_again(dialect: Dialect, before: &Catalog, table: &Name, column: &str, nullable: bool) -> Option<Vec<Line>> {
    let known = before.table(table)?;
    let mut own = known.column(column)?.clone();
    own.constraints.clear();
    if nullable {
        own.not_null = false;
    }
    let mut lines = vec![in_its_place(dialect, known, column, add_column(dialect, table, &own)?)];
    lines.extend(on_column(dialect, before, table, column)?);
    Some(lines)
}

/// A column that comes back stands where it stood, where the server can say it (MySQL and MariaDB).
#[must_use]
pub fn in_its_place(dialect: Dialect, known: &Table, column: &str, line: Line) -> Line {
    let at = known.columns.iter().position(|one| one.name == column).filter(|_| dialect.is_mysql_family() && known.columns.len() > 1);
    match at.map(|at| at.checked_sub(1).and_then(|before| known.columns.get(before))) {
        None => line,
        Some(None) => Line { allow: line.allow.clone(), ..Line::execute(format!("{} FIRST", line.sql)) },
        Some(Some(before)) => {
            Line { allow: line.allow.clone(), ..Line::execute(format!("{} AFTER {}", line.sql, quoted(dialect, &before.name))) }
        }
    }
}

/// The constraints and indexes that stand on a column, made again.
#[must_use]
pub fn on_column(dialect: Dialect, before: &Catalog, table: &Name, column: &str) -> Option<Vec<Line>> {
    let known = before.table(table)?;
    let mut lines = Vec::new();
    for constraint in known.constraints_on(column).filter(|one| !matches!(one.kind, ConstraintKind::NotNull { .. })) {
        let name = constraint_name_of(table, constraint);
        let not_valid = if constraint.not_valid { " NOT VALID" } else { "" };
        lines.push(Line::execute(format!(
            "ALTER TABLE {} ADD {}{not_valid}",
            relation(dialect, table),
            constraint_text(dialect, &name, constraint)?
        )));
    }
    let states: Vec<&IndexState> = known.indexes_on(column).collect();
    lines.extend(crate::recipes::parts::written::indexes_again(dialect, table, &states)?);
    for (other, constraint) in before.foreign_keys_to(table) {
        let names_it = constraint.reference().is_some_and(|reference| {
            reference.columns.iter().any(|name| name.eq_ignore_ascii_case(column))
                || reference.columns.is_empty() && known.primary_key().is_some_and(|key| key.iter().any(|name| name == column))
        });
        if names_it && before.key(&other) != before.key(table) {
            let name = constraint_name_of(&other, &constraint);
            lines.push(Line::execute(format!(
                "ALTER TABLE {} ADD {}",
                relation(dialect, &other),
                constraint_text(dialect, &name, &constraint)?
            )));
        }
    }
    Some(lines)
}

fn of_action(dialect: Dialect, before: &Catalog, table: &Name, action: &AlterAction) -> Option<Vec<Line>> {
    let written = relation(dialect, table);
    let q = |name: &str| quoted(dialect, name);
    let (py_table, schema) = python_table(table);
    let line = |sql: String| Some(vec![Line::execute(sql)]);
    let known = before.table(table);
    let column_of = |name: &str| known.and_then(|table| table.column(name));
    if dialect.is_mysql_family()
        && let AlterAction::SetNotNull { column } | AlterAction::DropNotNull { column } | AlterAction::AlterColumnType { column, .. } =
            action
    {
        let column = column_of(column)?;
        return line(format!("ALTER TABLE {written} {}", modified(dialect, column, column.not_null)?));
    }
    match action {
        AlterAction::AddColumn { column, .. } => Some(vec![drop_column(dialect, table, &column.name)]),
        AlterAction::DropColumn { column, .. } => column_again(dialect, before, table, column, false),
        AlterAction::RenameColumn { from, to } => {
            let sql = format!("ALTER TABLE {written} RENAME COLUMN {} TO {}", q(to), q(from));
            let python = format!("op.alter_column({py_table}, {}, new_column_name={}{schema})", fix::python(to), fix::python(from));
            Some(vec![if dialect == Dialect::Postgresql { Line::operation(python, sql) } else { Line::execute(sql) }])
        }
        AlterAction::RenameTable { to } => {
            let now = Name { schema: table.schema.clone(), name: to.name.clone() };
            line(format!("ALTER TABLE {} RENAME TO {}", relation(dialect, &now), q(&table.name)))
        }
        AlterAction::TableOption { name, .. } if name == "comment" && dialect.is_mysql_family() => {
            let old = known?.options.get("comment").cloned().unwrap_or_default();
            line(format!("ALTER TABLE {written} COMMENT = {}", literal(&old)))
        }
        AlterAction::RenameConstraint { from, to } => line(format!("ALTER TABLE {written} RENAME CONSTRAINT {} TO {}", q(to), q(from))),
        AlterAction::RenameIndex { from, to } => line(format!("ALTER TABLE {written} RENAME INDEX {} TO {}", q(to), q(from))),
        AlterAction::SetSchema { schema } => {
            let now = Name { schema: Some(schema.clone()), name: table.name.clone() };
            let old = before.key(table).schema?;
            line(format!("ALTER TABLE {} SET SCHEMA {}", relation(dialect, &now), q(&old)))
        }
        AlterAction::AlterColumnType { column, .. } => {
            let old = column_of(column)?.data_type.as_ref()?;
            let text = type_text(dialect, old);
            line(format!("ALTER TABLE {written} ALTER COLUMN {} TYPE {text} USING {}::{text}", q(column), q(column)))
        }
        AlterAction::SetDefault { column, .. } | AlterAction::DropDefault { column } => match &column_of(column)?.default {
            Some(default) => line(format!("ALTER TABLE {written} ALTER COLUMN {} SET DEFAULT {}", q(column), exact(default)?)),
            None => line(format!("ALTER TABLE {written} ALTER COLUMN {} DROP DEFAULT", q(column))),
        },
        AlterAction::SetNotNull { column } => line(format!("ALTER TABLE {written} ALTER COLUMN {} DROP NOT NULL", q(column))),
        AlterAction::DropNotNull { column } => line(format!("ALTER TABLE {written} ALTER COLUMN {} SET NOT NULL", q(column))),
        AlterAction::AddIdentity { column, .. } => line(format!("ALTER TABLE {written} ALTER COLUMN {} DROP IDENTITY", q(column))),
        AlterAction::SetExpression { column, .. } => {
            let (_, expression) = column_of(column)?.generated.as_ref()?;
            line(format!("ALTER TABLE {written} ALTER COLUMN {} SET EXPRESSION AS ({})", q(column), exact(expression)?))
        }
        AlterAction::AddConstraint(constraint) => {
            // The MySQL family makes an index where there is none, under the constraint's name, and leaves it behind.
            if let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind
                && dialect.is_mysql_family()
                && known.is_some_and(|known| !known.has_index_on(columns))
            {
                let own = q(&constraint_name_of(table, constraint));
                return line(format!("ALTER TABLE {written} DROP FOREIGN KEY {own}, DROP INDEX {own}"));
            }
            line(format!("ALTER TABLE {written} DROP CONSTRAINT {}", q(&constraint_name_of(table, constraint))))
        }
        AlterAction::DropConstraint { name, .. } => {
            let constraint = known?.constraint(name)?;
            let not_valid = if constraint.not_valid { " NOT VALID" } else { "" };
            line(format!("ALTER TABLE {written} ADD {}{not_valid}", constraint_text(dialect, name, constraint)?))
        }
        AlterAction::AttachPartition { partition, .. } => {
            line(format!("ALTER TABLE {written} DETACH PARTITION {}", relation(dialect, partition)))
        }
        AlterAction::DetachPartition { partition, .. } => {
            let (_, bound) = before.table(partition)?.partition_of.as_ref()?;
            line(format!("ALTER TABLE {written} ATTACH PARTITION {} {}", relation(dialect, partition), bound.text))
        }
        // As a column or table has it of which nobody said anything: what the chain says of these is not kept.
        AlterAction::SetStatistics { column } => line(format!("ALTER TABLE {written} ALTER COLUMN {} SET STATISTICS -1", q(column))),
        AlterAction::SetStorage { column } => {
            let storage = usual_storage(column_of(column)?.data_type.as_ref()?)?;
            line(format!("ALTER TABLE {written} ALTER COLUMN {} SET STORAGE {storage}", q(column)))
        }
        AlterAction::SetStorageParams { names, reset: false } => line(format!("ALTER TABLE {written} RESET ({})", names.join(", "))),
        AlterAction::ReplicaIdentity => line(format!("ALTER TABLE {written} REPLICA IDENTITY DEFAULT")),
        AlterAction::RowSecurity { action } => {
            let words = match action.word() {
                "enable_rls" => "DISABLE ROW LEVEL SECURITY",
                "disable_rls" => "ENABLE ROW LEVEL SECURITY",
                "force_rls" => "NO FORCE ROW LEVEL SECURITY",
                "no_force_rls" => "FORCE ROW LEVEL SECURITY",
                _ => return None,
            };
            line(format!("ALTER TABLE {written} {words}"))
        }
        AlterAction::AddIndex(index) => Some(vec![drop_index(dialect, table, index.name.as_deref()?, false)]),
        AlterAction::DropIndex { name, .. } => {
            let state = known?.index(name)?;
            Some(vec![create_index(dialect, table, name, &state.index, false)?])
        }
        AlterAction::DropForeignKey { name, .. } => {
            line(format!("ALTER TABLE {written} ADD {}", constraint_text(dialect, name, known?.constraint(name)?)?))
        }
        AlterAction::ChangeColumn { from, column, .. } => {
            let old = column_text(dialect, column_of(from)?)?;
            line(format!("ALTER TABLE {written} CHANGE COLUMN {} {old}", q(&column.name)))
        }
        AlterAction::SetLogged { logged } => line(format!("ALTER TABLE {written} SET {}", if *logged { "UNLOGGED" } else { "LOGGED" })),
        _ => None,
    }
}
