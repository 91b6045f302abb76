//! The operations of a revision: each call of `op.…` and `batch_op.…`, and each that runs SQL on a connection, with
//! its literal arguments. Plain data; `revision` fills it in.

/// An argument as it is written. What is not literal is said to be so, never guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string: one literal, several side by side, or a name that stands for one.
    Text(String),
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A dictionary, in order.
    Dict(Vec<(Value, Value)>),
    /// A name with its dots, such as `sa.Integer`.
    Name(String),
    /// A call, such as `sa.String(50)`.
    Call(Box<Call>),
    /// A text that is put together when it runs: `{}` stands where it is not literal.
    Built(String),
    /// Anything else.
    Other,
}

impl Value {
    /// The text of a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::None
            | Self::Bool(_)
            | Self::Number(_)
            | Self::List(_)
            | Self::Dict(_)
            | Self::Name(_)
            | Self::Call(_)
            | Self::Built(_)
            | Self::Other => None,
        }
    }

    /// The name that `op.f("…")` and `quoted_name("…", …)` hold, or the text itself.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Call(call) if matches!(call.last_word(), "f" | "quoted_name") => call.positional.first()?.text(),
            other => other.text(),
        }
    }

    /// The texts of a list; of a single string, that one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::List(values) => values.iter().filter_map(Value::name).map(str::to_owned).collect(),
            other => other.name().map(str::to_owned).into_iter().collect(),
        }
    }
}

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is called, with its dots: `sa.Column`.
    pub name: String,
    /// Arguments by place; `*list` is `Value::Other`.
    pub positional: Vec<Value>,
    /// Arguments by name, in order; `**dict` is left out.
    pub keywords: Vec<(String, Value)>,
}

impl Call {
    /// The argument of a name.
    #[must_use]
    pub fn keyword(&self, name: &str) -> Option<&Value> {
        self.keywords.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The argument at a place, or of that name.
    #[must_use]
    pub fn argument(&self, place: usize, name: &str) -> Option<&Value> {
        self.keyword(name).or_else(|| self.positional.get(place))
    }

    /// What is called, without what stands in front of its last dot.
    #[must_use]
    pub fn last_word(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

/// Whom an operation is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// `op.…`.
    Op,
    /// The object of `with op.batch_alter_table(…)`.
    Batch,
    /// A connection, a session, an engine.
    Connection,
}

/// What an operation changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// Tables, columns, indexes, constraints, types.
    Schema,
    /// Rows.
    Data,
    /// What its SQL says (`Operation::sql`).
    Sql,
    /// Comments and what else neither waits nor writes.
    Words,
    /// An operation of a plug-in, or one that is not known.
    Unknown,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The word behind `op.`: `add_column`.
    pub name: String,
    /// Whom it is asked of.
    pub receiver: Receiver,
    /// What it changes.
    pub concern: Concern,
    /// Line of its first character, from 1.
    pub line: u32,
    /// Line of its last character.
    pub end_line: u32,
    /// Column of its first character, from 1.
    pub column: u32,
    /// The table, where it is literal.
    pub table: Option<String>,
    /// The schema, where one is written.
    pub schema: Option<String>,
    /// The columns it is about, as far as they are literal.
    pub columns: Vec<String>,
    /// The name of the index or constraint.
    pub object: Option<String>,
    /// The SQL it runs; `Value::Text` when it is literal, `Value::Built` when it is put together.
    pub sql: Option<Value>,
    /// Line of the first character of that SQL.
    pub sql_line: Option<u32>,
    /// True inside of a condition, a loop, a `try`: it may not run, or run often.
    pub conditional: bool,
    /// True inside of `with op.get_context().autocommit_block()`.
    pub autocommit: bool,
    /// All that was given to it.
    pub call: Call,
}

impl Operation {
    /// The SQL, where all of it is literal.
    #[must_use]
    pub fn literal_sql(&self) -> Option<&str> {
        self.sql.as_ref().and_then(Value::text)
    }
}

/// An operation of Alembic: what it changes, and where its table, columns and name stand.
///
/// Places count from 0, for `op.…`; a batch object leaves the table out.
struct Known {
    name: &'static str,
    concern: Concern,
    table: Option<usize>,
    columns: Option<usize>,
    object: Option<usize>,
}

const fn known(name: &'static str, concern: Concern, table: Option<usize>, columns: Option<usize>, object: Option<usize>) -> Known {
    Known { name, concern, table, columns, object }
}

/// Source: the operation reference of Alembic 1.20.
const KNOWN: &[Known] = &[
    known("add_column", Concern::Schema, Some(0), Some(1), None),
    known("alter_column", Concern::Schema, Some(0), Some(1), None),
    known("batch_alter_table", Concern::Words, Some(0), None, None),
    known("bulk_insert", Concern::Data, Some(0), None, None),
    known("create_check_constraint", Concern::Schema, Some(1), None, Some(0)),
    known("create_exclude_constraint", Concern::Schema, Some(1), None, Some(0)),
    known("create_foreign_key", Concern::Schema, Some(1), Some(3), Some(0)),
    known("create_index", Concern::Schema, Some(1), Some(2), Some(0)),
    known("create_primary_key", Concern::Schema, Some(1), Some(2), Some(0)),
    known("create_table", Concern::Schema, Some(0), Some(1), None),
    known("create_table_comment", Concern::Words, Some(0), None, None),
    known("create_unique_constraint", Concern::Schema, Some(1), Some(2), Some(0)),
    known("drop_column", Concern::Schema, Some(0), Some(1), None),
    known("drop_constraint", Concern::Schema, Some(1), None, Some(0)),
    known("drop_index", Concern::Schema, Some(1), None, Some(0)),
    known("drop_table", Concern::Schema, Some(0), None, None),
    known("drop_table_comment", Concern::Words, Some(0), None, None),
    known("execute", Concern::Sql, None, None, None),
    known("rename_table", Concern::Schema, Some(0), None, None),
];

/// Words of `op` that ask or arrange and change nothing.
const ARRANGES: &[&str] = &["f", "get_bind", "get_context", "inline_literal", "invoke", "implementation_for", "register_operation"];

/// True for a word of `op` that changes nothing by itself.
#[must_use]
pub fn arranges(name: &str) -> bool {
    ARRANGES.contains(&name)
}

/// The operation that a call is, its table and columns filled in. `batch` is the table of the batch object it is asked of.
#[must_use]
pub fn operation(call: Call, receiver: Receiver, batch: Option<(&str, Option<&str>)>) -> Operation {
    let name = call.last_word().to_owned();
    let found = KNOWN.iter().find(|known| known.name == name);
    // In a batch the table is known; the places behind it move up by one.
    let place = |place: usize| match (receiver, found.and_then(|known| known.table)) {
        (Receiver::Batch, Some(table)) if place > table => place - 1,
        _ => place,
    };
    let own_table = || {
        let keyword = if name.starts_with("create_foreign_key") { "source_table" } else { "table_name" };
        let value = call.argument(found?.table?, keyword)?;
        table_of(value).or_else(|| call.keyword("table").and_then(table_of))
    };
    let table = match receiver {
        Receiver::Batch => batch.map(|(table, _)| table.to_owned()),
        Receiver::Op => own_table(),
        Receiver::Connection => None,
    };
    let schema = call.keyword("schema").or_else(|| call.keyword("source_schema")).and_then(|value| value.text()).map(str::to_owned);
    let columns = found.and_then(|known| known.columns).map(|at| columns_of(&call, &name, place(at))).unwrap_or_default();
    let object = found
        .and_then(|known| known.object)
        .and_then(|at| call.positional.get(at).or_else(|| call.keyword("constraint_name")).or_else(|| call.keyword("index_name")))
        .and_then(|value| value.name())
        .map(str::to_owned);
    let concern = match (receiver, found) {
        (_, Some(known)) => known.concern,
        (Receiver::Batch, None) | (Receiver::Op | Receiver::Connection, None) => Concern::Unknown,
    };
    let schema = schema.or_else(|| batch.and_then(|(_, schema)| schema.map(str::to_owned)));
    Operation {
        name,
        receiver,
        concern,
        line: 0,
        end_line: 0,
        column: 0,
        table,
        schema,
        columns,
        object,
        sql: None,
        sql_line: None,
        conditional: false,
        autocommit: false,
        call,
    }
}

/// The table that a value names: its name, or the first argument of `sa.table("…")`.
fn table_of(value: &Value) -> Option<String> {
    match value {
        Value::Call(call) if matches!(call.last_word(), "table" | "Table") => call.positional.first()?.name().map(str::to_owned),
        other => other.name().map(str::to_owned),
    }
}

fn columns_of(call: &Call, name: &str, at: usize) -> Vec<String> {
    let column = |value: &Value| match value {
        Value::Call(call) if call.last_word() == "Column" => call.argument(0, "name").and_then(|name| name.name()).map(str::to_owned),
        _ => None,
    };
    match name {
        "create_table" => call.positional.iter().skip(at).filter_map(column).collect(),
        "add_column" => call.argument(at, "column").and_then(column).into_iter().collect(),
        "alter_column" | "drop_column" => call.argument(at, "column_name").map(Value::names).unwrap_or_default(),
        "create_foreign_key" => call.argument(at, "local_cols").map(Value::names).unwrap_or_default(),
        _ => call.argument(at, "columns").map(Value::names).unwrap_or_default(),
    }
}
