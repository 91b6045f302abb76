//! From one column type to another: which situation that is, and what happens to values that do not fit.

use crate::dialect::Dialect;
use crate::sql::catalog::Table;
use crate::sql::change::DataType;

/// What a change of type does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeChange {
    /// The situations it meets, none when the type stays as it is.
    pub situations: Vec<&'static str>,
    /// The error when values do not fit, in strict mode; else they are cut or replaced.
    pub refused: Vec<&'static str>,
    /// Values are changed in every mode, without an error: what happens to them.
    pub silent: Option<&'static str>,
    /// Only a guarantee goes: what it was.
    pub weakened: Option<&'static str>,
}

impl TypeChange {
    fn copy(situation: &'static str) -> Self {
        Self { situations: vec![situation], ..Self::default() }
    }

    fn refusing(situation: &'static str, refused: &[&'static str]) -> Self {
        Self { refused: refused.to_vec(), ..Self::copy(situation) }
    }

    fn silently(what: &'static str) -> Self {
        Self { silent: Some(what), ..Self::copy("change_type") }
    }
}

/// A type, sorted by what conversions need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Integer { bytes: u8, unsigned: bool },
    Decimal { digits: i64, scale: i64, unsigned: bool },
    Float,
    Double,
    Varchar(i64),
    Char(i64),
    Text(u8),
    Varbinary(i64),
    Binary(i64),
    Blob(u8),
    Json,
    Date,
    Datetime(i64),
    Timestamp(i64),
    Time(i64),
    Year,
    Enum(Vec<String>),
    Set(Vec<String>),
    Other(String),
}

impl Shape {
    const fn is_string(&self) -> bool {
        matches!(self, Self::Varchar(_) | Self::Char(_) | Self::Text(_) | Self::Enum(_) | Self::Set(_))
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Decimal { .. } | Self::Float | Self::Double)
    }

    const fn is_moment(&self) -> bool {
        matches!(self, Self::Date | Self::Datetime(_) | Self::Timestamp(_) | Self::Time(_) | Self::Year)
    }

    /// Characters (or bytes) that fit, for strings of a length.
    const fn room(&self) -> Option<i64> {
        match self {
            Self::Varchar(room) | Self::Char(room) | Self::Varbinary(room) | Self::Binary(room) => Some(*room),
            Self::Text(0) | Self::Blob(0) => Some(255),
            Self::Text(1) | Self::Blob(1) => Some(65_535),
            Self::Text(2) | Self::Blob(2) => Some(16_777_215),
            Self::Text(_) | Self::Blob(_) | Self::Json => Some(i64::MAX),
            _ => None,
        }
    }
}

/// What a type is.
pub(super) fn shape(data_type: &DataType) -> Shape {
    let unsigned = data_type.unsigned;
    let length = |default| data_type.number(0).unwrap_or(default);
    let integer = |bytes| Shape::Integer { bytes, unsigned };
    match data_type.name.as_str() {
        _ if data_type.json => Shape::Json,
        "tinyint" => integer(1),
        "smallint" => integer(2),
        "mediumint" => integer(3),
        "int" => integer(4),
        "bigint" => integer(8),
        "decimal" => Shape::Decimal { digits: length(10), scale: data_type.number(1).unwrap_or(0), unsigned },
        "float" => Shape::Float,
        "double" => Shape::Double,
        "varchar" => Shape::Varchar(length(1)),
        "char" => Shape::Char(length(1)),
        "tinytext" => Shape::Text(0),
        "text" => Shape::Text(1),
        "mediumtext" => Shape::Text(2),
        "longtext" => Shape::Text(3),
        "varbinary" => Shape::Varbinary(length(1)),
        "binary" => Shape::Binary(length(1)),
        "tinyblob" => Shape::Blob(0),
        "blob" => Shape::Blob(1),
        "mediumblob" => Shape::Blob(2),
        "longblob" => Shape::Blob(3),
        "json" => Shape::Json,
        "date" => Shape::Date,
        "datetime" => Shape::Datetime(length(0)),
        "timestamp" => Shape::Timestamp(length(0)),
        "time" => Shape::Time(length(0)),
        "year" => Shape::Year,
        "enum" => Shape::Enum(data_type.arguments.clone()),
        "set" => Shape::Set(data_type.arguments.clone()),
        other => Shape::Other(format!("{other}({})", data_type.arguments.join(","))),
    }
}

/// True for types with characters, which a character set and a collation belong to.
#[must_use]
pub fn has_characters(data_type: &DataType) -> bool {
    shape(data_type).is_string()
}

/// True for `TEXT` and `BLOB` of any size.
#[must_use]
pub fn is_long(data_type: &DataType) -> bool {
    matches!(shape(data_type), Shape::Text(_) | Shape::Blob(_) | Shape::Json)
}

/// True for numbers.
#[must_use]
pub fn is_number(data_type: &DataType) -> bool {
    shape(data_type).is_number()
}

/// True for `DATE` and `DATETIME`, whose value of zero `NO_ZERO_DATE` refuses.
#[must_use]
pub fn is_date(data_type: &DataType) -> bool {
    matches!(shape(data_type), Shape::Date | Shape::Datetime(_))
}

/// Values that are changed silently when any column becomes one of this type.
#[must_use]
pub fn may_change_silently(data_type: &DataType) -> bool {
    shape(data_type).is_number() || shape(data_type).is_moment()
}

/// `utf8` was `utf8mb3` when it was given its name.
fn plain_charset(name: &str) -> String {
    if name == "utf8" { "utf8mb3".to_owned() } else { name.to_owned() }
}

/// The character set of a column of `table`: its own, its collation's, the table's, else `utf8mb4`.
#[must_use]
pub fn charset(data_type: &DataType, table: Option<&Table>) -> String {
    let of_collation = |collation: &str| collation.split('_').next().unwrap_or_default().to_lowercase();
    let option = |name: &str| table.and_then(|table| table.options.get(name));
    let found = data_type
        .charset
        .clone()
        .or_else(|| data_type.collation.as_deref().map(of_collation))
        .or_else(|| option("charset").cloned())
        .or_else(|| option("collate").map(|collation| of_collation(collation)));
    plain_charset(&found.unwrap_or_else(|| "utf8mb4".to_owned()))
}

fn collation(data_type: &DataType, table: Option<&Table>) -> String {
    let own = data_type.collation.as_deref().map(str::to_lowercase);
    let of_table = || {
        let inherits = data_type.charset.is_none();
        table.filter(|_| inherits).and_then(|table| table.options.get("collate")).cloned()
    };
    own.or_else(of_table).unwrap_or_default()
}

/// The most bytes that a character takes.
#[must_use]
pub fn bytes_per_character(charset: &str) -> i64 {
    match charset {
        "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" => 4,
        "utf8mb3" | "eucjpms" | "ujis" => 3,
        "ucs2" | "big5" | "gbk" | "gb2312" | "sjis" | "cp932" | "euckr" => 2,
        _ => 1,
    }
}

/// Where the column stands.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Its table.
    pub table: Option<&'a Table>,
    /// The dialect.
    pub dialect: Dialect,
    /// An index uses the column.
    pub indexed: bool,
}

/// A foreign key does not bear this change: only strings may differ in length.
#[must_use]
pub fn breaks_key(before: &DataType, after: &DataType) -> bool {
    !(has_characters(before) && has_characters(after))
}

/// What it takes to make `before` into `after`.
#[must_use]
pub fn type_change(before: &DataType, after: &DataType, at: &Surroundings<'_>) -> TypeChange {
    let (old, new) = (shape(before), shape(after));
    if old.is_string() && new.is_string() {
        return string_change(before, after, &old, &new, at);
    }
    if old == new {
        return TypeChange::default();
    }
    match (&old, &new) {
        (Shape::Integer { bytes, unsigned }, Shape::Integer { bytes: wider, unsigned: natural }) => {
            let fits = if unsigned == natural { wider >= bytes } else { *unsigned && wider > bytes };
            if fits { TypeChange::copy("change_type") } else { TypeChange::refusing("narrow_type", &["1264"]) }
        }
        (Shape::Varchar(room), Shape::Varbinary(bytes)) if at.dialect == Dialect::Mysql && !at.indexed => {
            let needed = room * bytes_per_character(&charset(before, at.table));
            let same_side = (needed <= 255) == (*bytes <= 255);
            TypeChange::copy(if *bytes >= needed && same_side { "widen_charset" } else { "change_type" })
        }
        (Shape::Varbinary(old), Shape::Varbinary(new)) if new > old => TypeChange::copy(widening(*old, *new, at)),
        _ if old.is_number() && new.is_number() => number_change(&old, &new),
        _ if old.is_moment() && new.is_moment() => moment_change(&old, &new),
        _ => other_change(&old, &new, at.dialect),
    }
}

fn number_change(old: &Shape, new: &Shape) -> TypeChange {
    match (old, new) {
        (Shape::Decimal { digits, scale, unsigned }, Shape::Decimal { digits: room, scale: kept, unsigned: natural }) => {
            let narrow = room - kept < digits - scale || *natural && !unsigned;
            let mut change = if narrow { TypeChange::refusing("narrow_type", &["1264"]) } else { TypeChange::copy("change_type") };
            change.silent = (kept < scale).then_some("decimals are rounded away");
            change
        }
        (Shape::Decimal { scale, .. }, Shape::Integer { .. }) => {
            TypeChange { silent: (*scale > 0).then_some("decimals are rounded away"), ..TypeChange::refusing("change_type", &["1264"]) }
        }
        (Shape::Float | Shape::Double, Shape::Integer { .. } | Shape::Decimal { .. }) => {
            TypeChange { silent: Some("decimals are rounded away"), ..TypeChange::refusing("change_type", &["1264"]) }
        }
        (Shape::Integer { bytes, .. }, Shape::Decimal { digits, scale, .. }) => {
            let needed = match bytes {
                1 => 3,
                2 => 5,
                3 => 8,
                4 => 10,
                _ => 20,
            };
            if digits - scale < needed { TypeChange::refusing("change_type", &["1264"]) } else { TypeChange::copy("change_type") }
        }
        (Shape::Double, Shape::Float) | (Shape::Decimal { .. }, Shape::Float) => TypeChange::silently("digits are rounded away"),
        (Shape::Integer { bytes: 4.., .. }, Shape::Float) | (Shape::Integer { bytes: 8.., .. }, Shape::Double) => {
            TypeChange::silently("large numbers are rounded")
        }
        _ => TypeChange::copy("change_type"),
    }
}

fn moment_change(old: &Shape, new: &Shape) -> TypeChange {
    let parts = |shape: &Shape| match shape {
        Shape::Datetime(parts) | Shape::Timestamp(parts) | Shape::Time(parts) => *parts,
        _ => 0,
    };
    match (old, new) {
        (Shape::Datetime(_) | Shape::Timestamp(_), Shape::Date) => TypeChange::silently("the time of day is cut off"),
        (Shape::Datetime(_) | Shape::Timestamp(_), Shape::Time(_)) => TypeChange::silently("the date is cut off"),
        (_, Shape::Year) => TypeChange { silent: Some("all but the year is cut off"), ..TypeChange::refusing("change_type", &["1264"]) },
        _ if parts(new) < parts(old) => TypeChange::silently("fractions of a second are rounded away"),
        (_, Shape::Timestamp(_)) => TypeChange::refusing("change_type", &["1292"]),
        _ => TypeChange::copy("change_type"),
    }
}

/// Between families: what does not read as the new type is refused.
fn other_change(old: &Shape, new: &Shape, dialect: Dialect) -> TypeChange {
    let cut = |room: Option<i64>| old.room().zip(room).is_none_or(|(old, new)| new < old);
    match new {
        Shape::Json if dialect == Dialect::Mariadb => TypeChange::refusing("change_type", &["4025"]),
        Shape::Json => TypeChange::refusing("change_type", &["3140"]),
        _ if new.is_number() => TypeChange::refusing("change_type", &["1292", "1366", "1264"]),
        _ if new.is_moment() => TypeChange::refusing("change_type", &["1292"]),
        Shape::Enum(_) | Shape::Set(_) => TypeChange::refusing("change_type", &["1265"]),
        Shape::Other(_) => TypeChange::refusing("change_type", &["1292"]),
        _ if *old == Shape::Json && dialect == Dialect::Mariadb => TypeChange {
            weakened: Some("the values are no longer checked to be JSON"),
            ..TypeChange::refusing("change_type", if cut(new.room()) { &["1265", "1406"] } else { &[] })
        },
        _ if old.room().is_some() && cut(new.room()) => TypeChange::refusing("narrow_type", &["1265", "1406"]),
        _ if old.room().is_none() && new.room().is_some_and(|room| room < 20) => TypeChange::refusing("change_type", &["1265", "1406"]),
        _ => TypeChange::copy("change_type"),
    }
}

fn string_change(before: &DataType, after: &DataType, old: &Shape, new: &Shape, at: &Surroundings<'_>) -> TypeChange {
    let (old_set, new_set) = (charset(before, at.table), charset(after, at.table));
    let listed = matches!(old, Shape::Enum(_) | Shape::Set(_));
    let mut change = kind_of_string(old, new, &old_set, &new_set, at);
    if old_set != new_set {
        let widens = old_set == "utf8mb3" && new_set == "utf8mb4" && std::mem::discriminant(old) == std::mem::discriminant(new) && !listed;
        change.situations.push(match (widens, at.indexed) {
            (true, false) => "widen_charset",
            (true, true) => "widen_charset_indexed",
            (false, _) => "change_charset",
        });
        if new_set != "utf8mb4" && old_set != "ascii" {
            change.refused.push("1366");
        }
    } else if collation(before, at.table) != collation(after, at.table) {
        change.situations.push(match (listed, at.indexed) {
            // The server takes another collation of an ENUM or SET for another type.
            (true, _) => "change_charset",
            (false, true) => "change_collation_indexed",
            (false, false) => "change_collation",
        });
    }
    change
}

fn kind_of_string(old: &Shape, new: &Shape, old_set: &str, new_set: &str, at: &Surroundings<'_>) -> TypeChange {
    match (old, new) {
        (Shape::Enum(before), Shape::Enum(after)) => values_change(before, after, if before.len() <= 255 { 255 } else { 65_535 }),
        (Shape::Set(before), Shape::Set(after)) => values_change(before, after, before.len().div_ceil(8).max(1) * 8),
        (_, Shape::Enum(_) | Shape::Set(_)) => TypeChange::refusing("change_type", &["1265"]),
        (Shape::Varchar(before), Shape::Varchar(after)) if after >= before => {
            let (bytes, room) = (before * bytes_per_character(old_set), after * bytes_per_character(new_set));
            if bytes == room { TypeChange::default() } else { TypeChange::copy(widening(bytes, room, at)) }
        }
        _ if old == new => TypeChange::default(),
        _ => {
            // A byte limit holds fewer characters: `TINYTEXT` takes 255 bytes.
            let narrow = old.room().zip(new.room()).is_some_and(|(before, after)| after < before);
            let refused: &[&'static str] = if narrow { &["1265", "1406"] } else { &[] };
            TypeChange::refusing(if narrow { "narrow_type" } else { "change_type" }, refused)
        }
    }
}

/// `ENUM` and `SET`: values behind the old ones need nothing, as long as a number takes as many bytes.
fn values_change(before: &[String], after: &[String], limit: usize) -> TypeChange {
    if before == after {
        return TypeChange::default();
    }
    if after.starts_with(before) {
        return TypeChange::copy(if after.len() <= limit { "append_value" } else { "change_values" });
    }
    let gone = before.iter().any(|value| !after.contains(value));
    TypeChange::refusing("change_values", if gone { &["1265"] } else { &[] })
}

/// A `VARCHAR` gets longer. The length takes one byte up to 255 bytes and two behind that; MariaDB keeps a note of
/// the change unless a value of 128 bytes or more may stand there already.
fn widening(bytes: i64, room: i64, at: &Surroundings<'_>) -> &'static str {
    let redundant = at.table.and_then(|table| table.options.get("row_format")).is_some_and(|format| format == "redundant");
    if at.indexed && bytes <= LONGEST_KEY && room > LONGEST_KEY {
        return "widen_varchar_across";
    }
    if (bytes <= 255) == (room <= 255) {
        return "widen_varchar";
    }
    if at.dialect == Dialect::Mariadb && (bytes <= 127 || redundant) { "widen_varchar_lenient" } else { "widen_varchar_across" }
}

/// Bytes of an index key, for `ROW_FORMAT=DYNAMIC` with pages of 16 kB.
pub const LONGEST_KEY: i64 = 3072;
