//! Values for rows: awkward on purpose, and the same for the same place each time.

/// What values a column takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from least to greatest.
    Integer { least: i128, greatest: i128, rowid: bool },
    /// Exact numbers: digits in all, digits behind the point.
    Decimal { precision: u32, scale: u32 },
    /// Floating point.
    Float,
    /// Text of at most so many characters.
    Text { most: Option<u32>, letters: Letters },
    /// True and false.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment; with a zone or without.
    Timestamp { zone: bool },
    /// A length of time.
    Interval,
    /// A year of MySQL.
    Year,
    /// 128 bits.
    Uuid,
    /// Bytes, at most so many.
    Bytes { most: Option<u32>, hex: &'static str },
    /// A JSON document.
    Json { letters: Letters },
    /// One of these.
    Enum(Vec<String>),
    /// Some of these, joined by commas.
    Set(Vec<String>),
    /// Bits.
    Bit(u32),
    /// A list in PostgreSQL's form.
    Array(Box<Kind>),
    /// A range in PostgreSQL's form.
    Range(Box<Kind>),
    /// An address.
    Inet,
    /// A hardware address.
    Macaddr,
    /// Words for text search.
    Tsvector,
    /// Key and value pairs.
    Hstore,
    /// An XML document.
    Xml,
    /// A point and its like.
    Point,
    /// Another type: only NULL or its default is tried.
    Other,
}

/// A value as SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `NULL`.
    Null,
    /// `DEFAULT`.
    Default,
    /// A literal in quotes.
    Text(String),
    /// A literal as it stands.
    Raw(String),
}

/// Which letters a text can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// Those of ASCII, for certain.
    Ascii,
    /// Those of western Europe too.
    Latin,
    /// All that Unicode had in its first 65,536: MySQL's `utf8mb3`.
    Basic,
    /// All.
    All,
}

impl Letters {
    /// By the name of a character set, as PostgreSQL, MariaDB or MySQL have it.
    #[must_use]
    pub fn of(charset: &str) -> Self {
        match charset.to_lowercase().as_str() {
            "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" => Self::All,
            "utf8" | "utf8mb3" | "ucs2" => Self::Basic,
            "latin1" | "latin2" | "latin5" | "latin7" | "latin9" | "cp850" | "cp852" | "cp1250" | "cp1257" | "hp8" | "win1250"
            | "win1252" | "win1254" | "win1257" => Self::Latin,
            _ => Self::Ascii,
        }
    }

    /// Letters that only this and what holds more can write.
    const fn some(self) -> &'static str {
        match self {
            Self::Ascii => "~",
            Self::Latin => "éÜ",
            Self::Basic => "éÜ漢",
            Self::All => "éÜ漢😀",
        }
    }
}

/// How awkward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Longest, greatest, duplicates where they are allowed, NULL in one of seven.
    Awkward,
    /// Small, positive, each different, nothing NULL.
    Tame,
    /// NULL wherever it is taken, else tame.
    Sparse,
}

const MIN: [i128; 3] = [i16::MIN as i128, i32::MIN as i128, i64::MIN as i128];
const MAX: [i128; 3] = [i16::MAX as i128, i32::MAX as i128, i64::MAX as i128];

const fn integer(least: i128, greatest: i128) -> Kind {
    Kind::Integer { least, greatest, rowid: false }
}

impl Kind {
    /// A type of PostgreSQL: its name in `pg_type`, its class, its modifier, the type of its elements, labels, the type ranged over.
    #[must_use]
    pub fn of_postgresql(
        name: &str,
        class: &str,
        modifier: Option<i64>,
        element: Option<&str>,
        labels: Option<&str>,
        subtype: Option<&str>,
    ) -> Self {
        if let Some(labels) = labels {
            return Self::Enum(labels.split('\u{1}').map(str::to_owned).collect());
        }
        if let Some(element) = element {
            return Self::Array(Box::new(Self::of_postgresql(element, "b", None, None, None, None)));
        }
        if let (Some(subtype), "r") = (subtype, class) {
            return Self::Range(Box::new(Self::of_postgresql(subtype, "b", None, None, None, None)));
        }
        let most = modifier.map(|modifier| (modifier - 4).clamp(1, 10_485_760) as u32);
        match name {
            "int2" => integer(MIN[0], MAX[0]),
            "int4" => integer(MIN[1], MAX[1]),
            "int8" => integer(MIN[2], MAX[2]),
            "oid" => integer(0, 4_294_967_295),
            "numeric" => match modifier {
                Some(modifier) => {
                    Self::Decimal { precision: ((modifier - 4) >> 16 & 0xffff) as u32, scale: ((modifier - 4) & 0x7ff) as u32 }
                }
                None => Self::Decimal { precision: 30, scale: 10 },
            },
            "money" => Self::Decimal { precision: 12, scale: 2 },
            "float4" | "float8" => Self::Float,
            "text" | "citext" => Self::text(None),
            "varchar" => Self::text(most),
            "bpchar" => Self::text(most.or(Some(1))),
            "name" => Self::text(Some(63)),
            "char" => Self::text(Some(1)),
            "bool" => Self::Boolean,
            "date" => Self::Date,
            "time" | "timetz" => Self::Time,
            "timestamp" => Self::Timestamp { zone: false },
            "timestamptz" => Self::Timestamp { zone: true },
            "interval" => Self::Interval,
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes { most: None, hex: "\\x" },
            "json" | "jsonb" => Self::Json { letters: Letters::All },
            "bit" => Self::Bit(modifier.map_or(1, |bits| bits.clamp(1, 64) as u32)),
            "varbit" => Self::Bit(modifier.map_or(8, |bits| bits.clamp(1, 64) as u32)),
            "inet" | "cidr" => Self::Inet,
            "macaddr" => Self::Macaddr,
            "tsvector" => Self::Tsvector,
            "hstore" => Self::Hstore,
            "xml" => Self::Xml,
            "point" => Self::Point,
            _ => Self::Other,
        }
    }

    /// A type of MySQL and MariaDB: `data_type`, `column_type`, lengths.
    #[must_use]
    pub fn of_mysql(data_type: &str, column_type: &str, length: Option<u32>, precision: Option<u32>, scale: Option<u32>) -> Self {
        let unsigned = column_type.contains("unsigned");
        let whole = |bits: u32| {
            if unsigned { integer(0, (1_i128 << bits) - 1) } else { integer(-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1) }
        };
        let labels = || column_type.split('\'').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        match data_type {
            "tinyint" if column_type.starts_with("tinyint(1)") => Self::Boolean,
            "tinyint" => whole(8),
            "smallint" => whole(16),
            "mediumint" => whole(24),
            "int" => whole(32),
            "bigint" => whole(64),
            "decimal" => Self::Decimal { precision: precision.unwrap_or(10), scale: scale.unwrap_or(0) },
            "float" | "double" => Self::Float,
            "char" | "varchar" => Self::text(length),
            "tinytext" => Self::text(Some(60)),
            "text" | "mediumtext" => Self::text(None),
            // MariaDB's JSON is a longtext with a check.
            "longtext" => Self::text(None),
            "json" => Self::Json { letters: Letters::All },
            "binary" | "varbinary" => Self::Bytes { most: length, hex: "X" },
            "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Bytes { most: None, hex: "X" },
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" | "timestamp" => Self::Timestamp { zone: false },
            "year" => Self::Year,
            "enum" => Self::Enum(labels()),
            "set" => Self::Set(labels()),
            "bit" => integer(0, 1),
            "uuid" => Self::Uuid,
            "inet6" | "inet4" => Self::Inet,
            _ => Self::Other,
        }
    }

    /// A declared type of SQLite, in capitals: by the words that decide its affinity, and by what SQLAlchemy stores in it.
    #[must_use]
    pub fn of_sqlite(declared: &str) -> Self {
        let number = |at: usize| {
            let inside = declared.split_once('(').map(|(_, rest)| rest.trim_end_matches(')')).unwrap_or_default();
            inside.split(',').nth(at).and_then(|text| text.trim().parse::<u32>().ok())
        };
        match declared.split('(').next().unwrap_or_default().trim() {
            "INTEGER" => Self::Integer { least: MIN[2], greatest: MAX[2], rowid: true },
            "BOOLEAN" => Self::Boolean,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "DATETIME" | "TIMESTAMP" => Self::Timestamp { zone: false },
            "JSON" => Self::Json { letters: Letters::All },
            "BLOB" | "" => Self::Bytes { most: None, hex: "X" },
            name if name.contains("INT") => integer(MIN[2], MAX[2]),
            name if name.contains("CHAR") || name.contains("CLOB") || name.contains("TEXT") => Self::text(number(0)),
            name if name.contains("REAL") || name.contains("FLOA") || name.contains("DOUB") => Self::Float,
            _ => Self::Decimal { precision: number(0).unwrap_or(12).min(15), scale: number(1).unwrap_or(2) },
        }
    }

    const fn text(most: Option<u32>) -> Self {
        Self::Text { most, letters: Letters::All }
    }

    /// The same, where text is written in `letters`.
    #[must_use]
    pub fn in_letters(self, letters: Letters) -> Self {
        match self {
            Self::Text { most, .. } => Self::Text { most, letters },
            Self::Json { .. } => Self::Json { letters },
            Self::Array(element) => Self::Array(Box::new(element.in_letters(letters))),
            other => other,
        }
    }

    /// SQLite makes the value of a lone `INTEGER PRIMARY KEY`.
    #[must_use]
    pub const fn is_rowid(&self) -> bool {
        matches!(self, Self::Integer { rowid: true, .. })
    }

    /// The value of row `row` (from 0). `distinct`: no two rows alike.
    #[must_use]
    pub fn value(&self, row: u32, mood: Mood, distinct: bool) -> Value {
        let distinct = distinct || mood != Mood::Awkward;
        // Five classes: duplicates wherever they are allowed.
        let class = if distinct { row } else { row % 5 };
        let awkward = mood == Mood::Awkward;
        match self {
            Self::Integer { least, greatest, .. } => {
                let number = match class {
                    0 if awkward => *greatest,
                    1 if awkward => *least,
                    class => i128::from(class) + 1,
                };
                Value::Raw(number.clamp(*least, *greatest).to_string())
            }
            Self::Decimal { precision, scale } => Value::Raw(decimal(class, *precision, *scale, awkward)),
            Self::Float => Value::Raw(format!("{}.5", i64::from(class) - if awkward { 2 } else { 0 })),
            Self::Text { most, letters } => Value::Text(text(class, *most, *letters, awkward)),
            Self::Boolean => Value::Raw(if row.is_multiple_of(2) { "true" } else { "false" }.to_owned()),
            Self::Date => Value::Text(date(class)),
            Self::Time => Value::Text(format!("{:02}:{:02}:{:02}", class / 3_600 % 24, class / 60 % 60, class % 60)),
            Self::Timestamp { zone } => {
                let fraction = if awkward { ".654321" } else { "" };
                Value::Text(format!(
                    "{} {:02}:{:02}:{:02}{fraction}{}",
                    date(class),
                    class % 24,
                    class % 60,
                    59 - class % 60,
                    if *zone { "+00" } else { "" }
                ))
            }
            Self::Interval => Value::Text(format!("{class} days 01:02:03")),
            Self::Year => Value::Raw((1_970 + class % 130).to_string()),
            Self::Uuid => Value::Text(format!("00000000-0000-4000-8000-{:012x}", class + 1)),
            Self::Bytes { most, hex } => bytes(class, *most, hex),
            Self::Json { letters } => Value::Text(match class {
                0 if awkward => "null".to_owned(),
                1 if awkward => "[]".to_owned(),
                class => format!("{{\"a\": {class}, \"b\": [\"{}\", null]}}", letters.some()),
            }),
            Self::Enum(labels) => labels.get(row as usize % labels.len().max(1)).map_or(Value::Default, |label| Value::Text(label.clone())),
            Self::Set(labels) => labels.get(row as usize % labels.len().max(1)).map_or(Value::Default, |label| Value::Text(label.clone())),
            Self::Bit(bits) => Value::Text((0..*bits).map(|bit| if class >> (bit % 32) & 1 == 1 { '1' } else { '0' }).collect()),
            Self::Array(element) => array(element, class, mood),
            Self::Range(element) => range(element, class),
            Self::Inet => Value::Text(format!("10.{}.{}.{}", class >> 16 & 255, class >> 8 & 255, class & 255)),
            Self::Macaddr => Value::Text(format!("02:00:00:{:02x}:{:02x}:{:02x}", class >> 16 & 255, class >> 8 & 255, class & 255)),
            Self::Tsvector => Value::Text(format!("word{class} other")),
            Self::Hstore => Value::Text(format!("k=>\"{class}\"")),
            Self::Xml => Value::Text(format!("<a n=\"{class}\"/>")),
            Self::Point => Value::Text(format!("({class},{class})")),
            Self::Other => Value::Default,
        }
    }
}

/// All digits that fit, in the first class.
fn decimal(class: u32, precision: u32, scale: u32, awkward: bool) -> String {
    let whole = precision.saturating_sub(scale).min(28) as usize;
    let fraction = scale.min(15) as usize;
    let front = if class == 0 && awkward && whole > 0 {
        "9".repeat(whole)
    } else {
        let number = (class + 1).to_string();
        let most = whole.max(1);
        number.get(number.len().saturating_sub(most)..).unwrap_or_default().to_owned()
    };
    let front = if whole == 0 { "0".to_owned() } else { front };
    let back = if class == 0 && awkward { "9".repeat(fraction) } else { format!("{:0fraction$}", (class + 1) % 10) };
    let back = back.get(back.len().saturating_sub(fraction)..).unwrap_or_default();
    if fraction == 0 { front } else { format!("{front}.{back}") }
}

/// The longest text, letters beyond ASCII, quotes; distinct by its number.
fn text(class: u32, most: Option<u32>, letters: Letters, awkward: bool) -> String {
    let most = most.map_or(if awkward { 300 } else { 40 }, |most| most.min(4_000)) as usize;
    // A number in base 36 keeps short columns apart.
    let number = base36(class + 1);
    let mut out = match (class, awkward) {
        (0, true) => format!("{number}'\"\\%{}", letters.some()),
        (_, true) => format!("{number} {}{}", letters.some(), "x".repeat(if class == 1 { most } else { 3 })),
        (_, false) => number,
    };
    if out.chars().count() > most {
        out = out.chars().take(most).collect();
    }
    out
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}

fn date(class: u32) -> String {
    format!("{:04}-{:02}-{:02}", 1_999 + class / 336, class / 28 % 12 + 1, class % 28 + 1)
}

fn bytes(class: u32, most: Option<u32>, form: &str) -> Value {
    let most = most.map_or(5, |most| most.clamp(1, 16)) as usize;
    let mut raw: Vec<u8> = (class + 1).to_le_bytes().to_vec();
    raw.push(0xff);
    raw.truncate(most);
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    if form == "X" { Value::Raw(format!("X'{hex}'")) } else { Value::Text(format!("{form}{hex}")) }
}

/// None, one or three elements.
fn array(element: &Kind, class: u32, mood: Mood) -> Value {
    let count = match class % 3 {
        0 if mood == Mood::Awkward => 0,
        2 if mood == Mood::Awkward => 3,
        _ => 1,
    };
    let parts: Option<Vec<String>> = (0..count)
        .map(|n| match element.value(class + n, Mood::Tame, true) {
            Value::Text(text) => Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
            Value::Raw(text) => Some(text),
            Value::Null | Value::Default => None,
        })
        .collect();
    parts.map_or(Value::Default, |parts| Value::Text(format!("{{{}}}", parts.join(","))))
}

/// Ranges that do not overlap.
fn range(element: &Kind, class: u32) -> Value {
    let bound = |n| match element.value(n, Mood::Tame, true) {
        Value::Text(text) | Value::Raw(text) => Some(text),
        Value::Null | Value::Default => None,
    };
    match (bound(class * 10), bound(class * 10 + 5)) {
        (Some(from), Some(to)) => Value::Text(format!("[\"{from}\",\"{to}\")")),
        _ => Value::Text("empty".to_owned()),
    }
}
