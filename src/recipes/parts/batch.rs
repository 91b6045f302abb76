//! A table of SQLite made anew: by `batch_alter_table` where Alembic's reflection keeps all of the table, else by its own statements.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::fix::{self, python_type};
use crate::recipes::Case;
use crate::recipes::parts::body::{Body, Line, Part, python_sql};
use crate::recipes::parts::guarded::none_or_raise;
use crate::recipes::parts::rebuilt::{create_table, given_name};
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::{exact, indexes_again, literal};
use crate::sql::catalog::{Defined, IndexState, Table};
use crate::sql::change::{AlterAction, Constraint, ConstraintKind, DataType, IndexKey, Name};

const SQLITE: Dialect = Dialect::Sqlite;

/// Types whose name comes out of SQLAlchemy's reflection as it went in.
const REFLECTED: &[&str] = &[
    "bigint",
    "blob",
    "boolean",
    "char",
    "date",
    "datetime",
    "decimal",
    "float",
    "integer",
    "json",
    "numeric",
    "real",
    "smallint",
    "text",
    "time",
    "timestamp",
    "varchar",
];

/// Reflection keeps all of the table: its checks have names, its indexes plain columns, its types are known, nothing hangs on it.
fn is_reflected(table: &Table) -> bool {
    let is_known = |data_type: &DataType| REFLECTED.contains(&data_type.name.to_lowercase().as_str()) && data_type.collation.is_none();
    let columns = table
        .columns
        .iter()
        .all(|column| column.generated.is_none() && !column.auto_increment && column.data_type.as_ref().is_some_and(is_known));
    let constraints = table.constraints.iter().all(|one| match &one.kind {
        ConstraintKind::Check(_) => given_name(one).is_some(),
        ConstraintKind::Exclude { .. } => false,
        ConstraintKind::Unique { .. }
        | ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::ForeignKey { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => !one.deferrable,
    });
    let is_plain =
        |state: &IndexState| state.index.predicate.is_none() && state.index.keys.iter().all(|key| matches!(key, IndexKey::Column(_)));
    columns && constraints && table.indexes.iter().all(is_plain) && table.options.is_empty()
}

/// One making anew.
pub struct Anew<'a> {
    /// What is planned.
    pub case: &'a Case<'a>,
    /// The table.
    pub name: &'a Name,
    /// As it stands.
    pub old: &'a Table,
    /// As it is wanted.
    pub new: &'a Table,
    /// What `batch_alter_table` is told, where it has words for it.
    pub operation: Option<String>,
    /// A column of the new table, and the expression over the old row that fills it.
    pub filled: Option<(&'a str, &'a str)>,
    /// A query that counts rows which must not be, asked behind the copy while both tables stand.
    pub proof: Option<Proof>,
}

/// Rows that stop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The query that counts them.
    pub select: String,
    /// What they are, for the error.
    pub what: String,
}

impl Anew<'_> {
    /// The body, with a rule accepted where the old table goes.
    #[must_use]
    pub fn allowed(&self, rule: &'static str, because: &str) -> Option<Body> {
        let mut body = self.body()?;
        for part in &mut body.0 {
            let (Part::Inside(lines) | Part::Outside(lines)) = part;
            let drops = |sql: &str| sql.starts_with("DROP TABLE ") && !sql.starts_with("DROP TABLE IF EXISTS ");
            for line in lines.iter_mut().filter(|line| line.sql.split(";\n").any(drops)) {
                line.allow.push((rule, because.to_owned()));
            }
        }
        Some(body)
    }

    /// The body; `None`: some text of the table was cut when it was read.
    #[must_use]
    pub fn body(&self) -> Option<Body> {
        if self.name.schema.is_some() {
            return None;
        }
        let hangs_on = !self.old.triggers.is_empty() || self.is_named_elsewhere();
        let is_copied = self.filled.is_none() && self.proof.is_none();
        let batch = self.operation.as_ref().filter(|_| is_reflected(self.old) && is_reflected(self.new) && !hangs_on && is_copied);
        let statements = self.statements()?;
        let lines = match batch {
            Some(operation) => {
                let python = format!("with op.batch_alter_table({}) as batch_op:\n    {operation}", fix::python(&self.name.name));
                vec![Line::operation(python, statements.iter().map(|line| line.sql.as_str()).collect::<Vec<_>>().join(";\n"))]
            }
            None => statements,
        };
        Some(self.unhindered(self.with_triggers(lines, hangs_on)))
    }

    /// Views and triggers of other tables name it: SQLite reads them again at each rename, and would miss it.
    fn is_named_elsewhere(&self) -> bool {
        let key = self.case.catalog.key(self.name);
        let mut others = self.case.catalog.tables().filter(|(other, _)| **other != key);
        !self.case.catalog.views_on(self.name).is_empty() || others.any(|(_, other)| !other.triggers.is_empty())
    }

    fn statements(&self) -> Option<Vec<Line>> {
        let name = &self.name.name;
        let beside = Name::bare(format!("_alembic_tmp_{name}"));
        let (own, other) = (relation(SQLITE, self.name), relation(SQLITE, &beside));
        let kept = self.new.columns.iter().filter(|column| {
            let stood = self.old.column(&column.name).is_some_and(|old| old.generated.is_none());
            column.generated.is_none() && (stood || self.filled.is_some_and(|(filled, _)| filled == column.name))
        });
        let (mut into, mut from) = (Vec::new(), Vec::new());
        for column in kept {
            let own = quoted(SQLITE, &column.name);
            from.push(self.filled.filter(|(filled, _)| *filled == column.name).map_or_else(|| own.clone(), |(_, value)| value.to_owned()));
            into.push(own);
        }
        let mut lines = vec![
            Line::execute(format!("DROP TABLE IF EXISTS {other}")),
            Line::execute(create_table(&beside, self.new)?),
            Line::execute(format!("INSERT INTO {other} ({}) SELECT {} FROM {own}", into.join(", "), from.join(", "))),
        ];
        lines.extend(self.proof.as_ref().map(Proof::line));
        lines.push(Line::execute(format!("DROP TABLE {own}")));
        lines.push(Line::execute(format!("ALTER TABLE {other} RENAME TO {own}")));
        lines.extend(indexes_again(SQLITE, self.name, &self.new.indexes.iter().collect::<Vec<_>>())?);
        Some(lines)
    }

    /// Its triggers go with the old table: they are read before and made again behind.
    fn with_triggers(&self, lines: Vec<Line>, hangs_on: bool) -> Vec<Line> {
        if !hangs_on {
            return lines;
        }
        let mut all = vec![Line::execute("PRAGMA legacy_alter_table = ON")];
        if !self.old.triggers.is_empty() {
            let select = format!("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = {}", literal(&self.name.name));
            all.push(Line::operation(format!("triggers = op.get_bind().execute(sa.text({})).scalars().all()", python_sql(&select)), ""));
        }
        all.extend(lines);
        if !self.old.triggers.is_empty() {
            let catalog = self.case.catalog;
            let known = self.old.triggers.iter().filter_map(|trigger| catalog.definition(Defined::Trigger, self.name, trigger));
            let sql = known.collect::<Vec<_>>().join(";\n");
            all.push(Line::operation("for trigger in triggers:\n    op.get_bind().exec_driver_sql(trigger)", sql));
        }
        all.push(Line::execute("PRAGMA legacy_alter_table = OFF"));
        all
    }

    /// While foreign keys act, dropping the old table would take the rows along that point at it.
    fn unhindered(&self, lines: Vec<Line>) -> Body {
        if self.case.catalog.foreign_keys_to(self.name).is_empty() {
            return Body::inside(lines);
        }
        let asked = Line::operation("enforced = op.get_bind().scalar(sa.text(\"PRAGMA foreign_keys\"))", "");
        let off = Line::execute("PRAGMA foreign_keys = OFF");
        let on = Line::operation("if enforced:\n    op.execute(\"PRAGMA foreign_keys = ON\")", "");
        Body(vec![Part::Inside(vec![asked]), Part::Outside(vec![off]), Part::Inside(lines), Part::Outside(vec![on])])
    }
}

impl Proof {
    fn line(&self) -> Line {
        none_or_raise(&self.select, &self.what, Some("it says so itself, before the old table goes"))
    }
}

/// What `batch_alter_table` is told for a part of an `ALTER TABLE`; `None`: it has no words for it.
#[must_use]
pub fn operation(table: &Name, action: &AlterAction) -> Option<String> {
    let alter = |column: &str, what: String| Some(format!("batch_op.alter_column({}, {what})", fix::python(column)));
    match action {
        AlterAction::SetNotNull { column } => alter(column, "nullable=False".to_owned()),
        AlterAction::DropNotNull { column } => alter(column, "nullable=True".to_owned()),
        AlterAction::SetDefault { column, default } => alter(column, format!("server_default=sa.text({})", python_sql(exact(default)?))),
        AlterAction::DropDefault { column } => alter(column, "server_default=None".to_owned()),
        AlterAction::AlterColumnType { column, data_type, using: None } => {
            let data_type = DataType { name: data_type.name.to_lowercase(), ..data_type.clone() };
            alter(column, format!("type_={}", python_type(&data_type)?))
        }
        AlterAction::DropColumn { column, .. } => Some(format!("batch_op.drop_column({})", fix::python(column))),
        AlterAction::AddConstraint(constraint) => added(&constraint_name_of(table, constraint), constraint),
        _ => None,
    }
}

/// What `batch_alter_table` is told to take a constraint away.
#[must_use]
pub fn taken_away(name: &str, constraint: &Constraint) -> Option<String> {
    let word = match constraint.kind {
        ConstraintKind::Check(_) => "check",
        ConstraintKind::Unique { .. } => "unique",
        ConstraintKind::ForeignKey { .. } => "foreignkey",
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => return None,
    };
    Some(format!("batch_op.drop_constraint({}, type_=\"{word}\")", fix::python(name)))
}

/// What it is told to make one.
#[must_use]
pub fn added(name: &str, constraint: &Constraint) -> Option<String> {
    let name = fix::python(name);
    match &constraint.kind {
        ConstraintKind::Check(check) => Some(format!("batch_op.create_check_constraint({name}, sa.text({}))", python_sql(exact(check)?))),
        ConstraintKind::Unique { columns, .. } => Some(format!("batch_op.create_unique_constraint({name}, {})", fix::python_list(columns))),
        ConstraintKind::ForeignKey { columns, reference } if !reference.columns.is_empty() => {
            let rule = |word: &str, rule: &Option<String>| {
                rule.as_ref().map(|rule| format!(", {word}={}", fix::python(&rule.to_uppercase()))).unwrap_or_default()
            };
            Some(format!(
                "batch_op.create_foreign_key({name}, {}, {}, {}{}{})",
                fix::python(&reference.table.name),
                fix::python_list(columns),
                fix::python_list(&reference.columns),
                rule("ondelete", &reference.on_delete),
                rule("onupdate", &reference.on_update)
            ))
        }
        ConstraintKind::ForeignKey { .. }
        | ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => None,
    }
}
