//! Where the application's own Python still names a column or a table: attributes of models, keyword arguments, SQL in
//! strings. Read as text, never run.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtClassDef};
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::{Ranged, TextSize};

/// What is about to go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    /// The table, without its schema.
    pub table: String,
    /// The column; none where the whole table goes.
    pub column: Option<String>,
}

/// A place that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The line, from 1.
    pub line: u32,
    /// What stands there: `attribute of the model User`, `User.phone`, `SQL text`.
    pub what: String,
}

/// The classes that a file maps to a table, by `__tablename__` or `__table__ = Table("…")`.
#[must_use]
pub fn models_of(text: &str, table: &str) -> BTreeSet<String> {
    let mut finder = Models { table, found: BTreeSet::new() };
    parsed(text).iter().for_each(|statement| finder.visit_stmt(statement));
    finder.found
}

/// The places of a file that name what is about to go; `models` are the classes of its table in the whole application.
#[must_use]
pub fn uses_in(text: &str, gone: &Gone, models: &BTreeSet<String>) -> Vec<Use> {
    let mut finder = Uses { text, gone, models, inside: None, found: Vec::new() };
    parsed(text).iter().for_each(|statement| finder.visit_stmt(statement));
    finder.found.sort_by_key(|one| one.line);
    finder.found.dedup_by_key(|one| one.line);
    finder.found
}

fn parsed(text: &str) -> Vec<Stmt> {
    parse_unchecked_source(text, ruff_python_ast::PySourceType::Python).into_suite().into_iter().collect()
}

/// The text of a string literal.
fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        _ => None,
    }
}

fn is_table_of(class: &StmtClassDef, table: &str) -> bool {
    class.body.iter().any(|statement| {
        let Stmt::Assign(assigned) = statement else { return false };
        let names = |word: &str| assigned.targets.iter().any(|target| matches!(target, Expr::Name(name) if name.id.as_str() == word));
        let is_called = |call: &Expr| match call {
            Expr::Call(call) => call.arguments.args.first().and_then(literal).is_some_and(|name| name == table),
            _ => false,
        };
        (names("__tablename__") && literal(&assigned.value).is_some_and(|name| name == table))
            || (names("__table__") && is_called(&assigned.value))
    })
}

struct Models<'a> {
    table: &'a str,
    found: BTreeSet<String>,
}

impl Visitor<'_> for Models<'_> {
    fn visit_stmt(&mut self, statement: &Stmt) {
        if let Stmt::ClassDef(class) = statement
            && is_table_of(class, self.table)
        {
            self.found.insert(class.name.to_string());
        }
        walk_stmt(self, statement);
    }
}

struct Uses<'a> {
    text: &'a str,
    gone: &'a Gone,
    models: &'a BTreeSet<String>,
    /// The model whose body is being read.
    inside: Option<String>,
    found: Vec<Use>,
}

impl Uses<'_> {
    fn add(&mut self, at: TextSize, what: String) {
        let before = self.text.get(..at.to_usize()).unwrap_or_default();
        let line = u32::try_from(before.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(0) + 1;
        self.found.push(Use { line, what });
    }

    fn class(&mut self, class: &StmtClassDef) {
        let name = class.name.to_string();
        if self.models.contains(&name) && self.gone.column.is_none() {
            self.add(class.range().start(), format!("the model {name}"));
        }
    }

    /// `phone = Column(…)` and `phone: Mapped[str]` in the body of a model.
    fn attribute(&mut self, target: &Expr, value: Option<&Expr>) {
        let (Some(model), Some(column)) = (self.inside.clone(), self.gone.column.clone()) else { return };
        let Expr::Name(name) = target else { return };
        let renamed = match value {
            Some(Expr::Call(call)) => call.arguments.args.first().and_then(literal),
            _ => None,
        };
        if renamed.as_deref().unwrap_or(name.id.as_str()) == column {
            self.add(target.range().start(), format!("attribute `{}` of the model {model}", name.id));
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Attribute(attribute) => self.dotted(attribute.value.as_ref(), attribute.attr.as_str(), expression.range().start()),
            Expr::Call(call) => self.called(call),
            Expr::Name(name) if self.gone.column.is_none() && self.models.contains(name.id.as_str()) => {
                self.add(name.range().start(), format!("`{}`", name.id));
            }
            Expr::StringLiteral(text) => {
                let text_of = text.value.to_str().to_owned();
                if self.is_sql_with(&text_of) {
                    self.add(text.range().start(), "SQL text".to_owned());
                }
            }
            _ => {}
        }
    }

    fn dotted(&mut self, value: &Expr, word: &str, at: TextSize) {
        if self.gone.column.as_deref() != Some(word) {
            return;
        }
        match value {
            Expr::Name(name) if self.models.contains(name.id.as_str()) => self.add(at, format!("`{}.{word}`", name.id)),
            // `users.c.phone`
            Expr::Attribute(inner) if inner.attr.as_str() == "c" => self.add(at, format!("`….c.{word}`")),
            // `user.phone`: likely where the variable is called as the class or the table.
            Expr::Name(name) if self.is_instance(name.id.as_str()) => self.add(at, format!("`{}.{word}`", name.id)),
            _ => {}
        }
    }

    fn is_instance(&self, name: &str) -> bool {
        let singular = self.gone.table.trim_end_matches('s');
        name == self.gone.table || name == singular || self.models.iter().any(|model| model.to_lowercase() == name.replace('_', ""))
    }

    /// `User(phone=…)`, `Table("users", …, Column("phone", …))`.
    fn called(&mut self, call: &ruff_python_ast::ExprCall) {
        let name = match call.func.as_ref() {
            Expr::Name(name) => name.id.to_string(),
            Expr::Attribute(attribute) => attribute.attr.to_string(),
            _ => return,
        };
        let first = call.arguments.args.first().and_then(literal);
        if name == "Table" && first.as_deref() == Some(&self.gone.table) {
            match self.gone.column.clone() {
                None => self.add(call.range().start(), format!("the table {}", self.gone.table)),
                Some(column) => {
                    for argument in &call.arguments.args {
                        let Expr::Call(inner) = argument else { continue };
                        if inner.arguments.args.first().and_then(literal).as_deref() == Some(&column) {
                            self.add(inner.range().start(), format!("column `{column}` of the table {}", self.gone.table));
                        }
                    }
                }
            }
        }
        if self.models.contains(&name)
            && let Some(column) = self.gone.column.clone()
        {
            let keyword = call.arguments.keywords.iter().find(|keyword| keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == column));
            if let Some(keyword) = keyword {
                self.add(keyword.range().start(), format!("`{name}({column}=…)`"));
            }
        }
    }

    fn is_sql_with(&self, text: &str) -> bool {
        let words: BTreeSet<String> =
            text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        let is_sql = ["select", "insert", "update", "delete", "from", "join"].iter().filter(|word| words.contains(**word)).count() > 0;
        let has = |word: &str| words.contains(&word.to_lowercase());
        is_sql && has(&self.gone.table) && self.gone.column.as_deref().is_none_or(has) && text.contains(' ')
    }
}

impl Visitor<'_> for Uses<'_> {
    fn visit_stmt(&mut self, statement: &Stmt) {
        match statement {
            Stmt::ClassDef(class) => {
                self.class(class);
                let outer = self.inside.take();
                self.inside = self.models.contains(class.name.as_str()).then(|| class.name.to_string());
                walk_stmt(self, statement);
                self.inside = outer;
                return;
            }
            Stmt::Assign(assigned) => assigned.targets.iter().for_each(|target| self.attribute(target, Some(&assigned.value))),
            Stmt::AnnAssign(assigned) => self.attribute(&assigned.target, assigned.value.as_deref()),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &Expr) {
        self.expression(expression);
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: &str = "class User(Base):\n    __tablename__ = 'users'\n    id = Column(Integer)\n    phone = Column(String)\n    mail: Mapped[str] = mapped_column('email')\n";

    fn lines(text: &str, column: Option<&str>) -> Vec<u32> {
        let gone = Gone { table: "users".to_owned(), column: column.map(str::to_owned) };
        let models = models_of(MODELS, "users");
        uses_in(text, &gone, &models).into_iter().map(|one| one.line).collect()
    }

    #[test]
    fn a_column_is_found_where_the_model_and_the_code_name_it() {
        assert_eq!(lines(MODELS, Some("phone")), [4]);
        assert_eq!(lines(MODELS, Some("email")), [5]);
        assert_eq!(lines("def f(user):\n    return user.phone\n", Some("phone")), [2]);
        assert_eq!(lines("q = select(User.id).where(User.phone == 1)\nu = User(phone=2)\n", Some("phone")), [1, 2]);
        assert_eq!(lines("db.execute('SELECT phone FROM users')\n", Some("phone")), [1]);
    }

    #[test]
    fn the_same_word_elsewhere_is_no_use() {
        assert_eq!(lines("class Shop(Base):\n    __tablename__ = 'shops'\n    phone = Column(String)\n", Some("phone")), Vec::<u32>::new());
        assert_eq!(lines("contact.phone\nprint('my phone')\n", Some("phone")), Vec::<u32>::new());
    }
}
