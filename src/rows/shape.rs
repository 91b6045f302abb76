//! The shape of the tables to be filled: columns, keys and references, asked of the server's catalogue.

use std::collections::BTreeMap;
use std::fmt;

use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;
use crate::rows::bounds::{Fit, Partitions};
use crate::rows::value::{Kind, Letters};

/// A table's name as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// The schema; empty where the dialect has none.
    pub schema: String,
    /// The name in it.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schema.as_str() {
            "" | "public" => f.write_str(&self.table),
            schema => write!(f, "{schema}.{}", self.table),
        }
    }
}

impl TableName {
    /// The name as SQL.
    #[must_use]
    pub fn quoted(&self, dialect: Dialect) -> String {
        match self.schema.as_str() {
            "" => quoted(&self.table, dialect),
            schema => format!("{}.{}", quoted(schema, dialect), quoted(&self.table, dialect)),
        }
    }
}

/// A name as SQL: in double quotes, or in back quotes for MySQL and MariaDB.
#[must_use]
pub fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("`{}`", name.replace('`', "``")),
        Dialect::Postgresql | Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A column to be filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What values it takes.
    pub kind: Kind,
    /// NULL is taken.
    pub nullable: bool,
    /// The server makes its value: identity, serial, AUTO_INCREMENT, rowid, generated.
    pub made_by_server: bool,
    /// It is computed from others: never compared by our own writing, never written.
    pub generated: bool,
}

/// A reference to another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Columns here.
    pub columns: Vec<String>,
    /// The other table.
    pub parent: TableName,
    /// Columns there, in the same order.
    pub parent_columns: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Columns of the primary key, in order; empty without one.
    pub primary_key: Vec<String>,
    /// Columns of each unique key, the primary key among them.
    pub unique: Vec<Vec<String>>,
    /// Its references.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its checks as text, for the values they name.
    pub checks: Vec<String>,
    /// What its partitions take; empty where it has none, or none is read.
    pub fits: Vec<Fit>,
    /// What the application alone asks of a text column, by the column's name.
    pub words: BTreeMap<String, Vec<String>>,
}

/// A text column that takes these words only, though the database does not check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The schema, where one is named.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The words.
    pub words: Vec<String>,
}

impl Words {
    fn is_of(&self, table: &TableName) -> bool {
        self.table == table.table && self.schema.as_ref().is_none_or(|schema| *schema == table.schema)
    }
}

impl Table {
    /// True when `column` alone must differ in each row.
    #[must_use]
    pub fn is_unique(&self, column: &str) -> bool {
        self.unique.iter().any(|key| key.iter().any(|name| name == column))
    }

    /// The same, with what is known of its text columns beside the database.
    #[must_use]
    pub fn with(mut self, words: &[Words]) -> Self {
        let is_text = |name: &str| self.columns.iter().any(|column| column.name == name && matches!(column.kind, Kind::Text { .. }));
        let own = words.iter().filter(|one| one.is_of(&self.name) && is_text(&one.column));
        self.words = own.map(|one| (one.column.clone(), one.words.clone())).collect();
        self
    }

    /// A text that a check's `LIKE` takes, with `number` in place of its first `%`.
    #[must_use]
    pub fn like(&self, column: &str, number: &str) -> Option<String> {
        let pattern = self.checks.iter().find_map(|check| pattern_of(check, column))?;
        let with = pattern.replacen('%', number, 1).replace('%', "").replace('_', "x");
        Some(with)
    }

    /// The literals that checks compare the column with; where there are none, the words that the application asks for.
    #[must_use]
    pub fn named_values(&self, column: &str) -> Vec<String> {
        let mentions = |check: &&String| check.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == column);
        let compares = |check: &&String| ["= ANY", " IN ", " in ", " IN(", " in(", "="].iter().any(|mark| check.contains(mark));
        let checked: Vec<String> =
            self.checks.iter().filter(mentions).filter(compares).flat_map(|check| literals_about(check, column)).collect();
        if checked.is_empty() { self.words.get(column).cloned().unwrap_or_default() } else { checked }
    }
}

/// The pattern of a `LIKE` about a column, with its quotes taken off; only where it holds for every row that has a value.
fn pattern_of<'a>(check: &'a str, column: &str) -> Option<&'a str> {
    let from = check.find(column)?;
    let rest = check.get(from + column.len()..)?;
    let (between, behind) = [" ~~ ", " LIKE ", " like "].iter().find_map(|mark| rest.split_once(mark))?;
    // Nothing but casts and parentheses may stand between the column and the mark.
    let is_direct = between.chars().all(|c| c.is_alphanumeric() || "\"`:() _".contains(c)) && !between.to_lowercase().contains("not");
    let pattern = behind.strip_prefix('\'').or_else(|| behind.strip_prefix("_utf8mb4\'"))?.split_once('\'')?.0;
    (is_direct && !check.to_lowercase().contains(" or ")).then_some(pattern)
}

/// Text literals behind the column's name, up to the next `AND` or the end.
fn literals_about(check: &str, column: &str) -> Vec<String> {
    let from = check.find(column).unwrap_or(0);
    let rest = check.get(from..).unwrap_or_default();
    let end = rest.find(" AND ").or_else(|| rest.find(" and ")).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All tables that hold the user's rows, `alembic_version` left out; in the order of their names.
///
/// # Errors
/// What the server says.
pub fn tables(connection: &mut Connection) -> Result<Vec<Table>, DatabaseError> {
    let mut found = match connection.server().dialect {
        Dialect::Mysql | Dialect::Mariadb => mysql(connection)?,
        Dialect::Sqlite => sqlite(connection)?,
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => postgresql(connection)?,
    };
    found.remove(&TableName { schema: String::new(), table: "alembic_version".to_owned() });
    found.retain(|name, table| name.table != "alembic_version" && !table.columns.is_empty());
    Ok(found.into_values().collect())
}

type Tables = BTreeMap<TableName, Table>;

/// One row of an answer, its fields taken by position.
struct Fields(std::vec::IntoIter<Option<String>>);

impl Fields {
    fn of(row: Vec<Option<String>>) -> Self {
        Self(row.into_iter())
    }

    fn maybe(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    fn text(&mut self) -> String {
        self.maybe().unwrap_or_default()
    }

    fn is_true(&mut self) -> bool {
        matches!(self.text().as_str(), "t" | "1" | "true")
    }

    fn number(&mut self) -> Option<u32> {
        self.maybe().and_then(|text| text.parse().ok())
    }

    fn name(&mut self) -> TableName {
        TableName { schema: self.text(), table: self.text() }
    }
}

fn table_of<'a>(tables: &'a mut Tables, name: &TableName) -> &'a mut Table {
    tables.entry(name.clone()).or_insert_with(|| Table {
        name: name.clone(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        fits: Vec::new(),
        words: BTreeMap::new(),
    })
}

/// Keys as rows of (table, name of the key, is primary, column), in order.
fn take_keys(tables: &mut Tables, rows: Vec<Vec<Option<String>>>) {
    let mut keys: BTreeMap<(TableName, String), (bool, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let mut fields = Fields::of(row);
        let (table, key, primary, column) = (fields.name(), fields.text(), fields.is_true(), fields.text());
        let entry = keys.entry((table, key)).or_insert((primary, Vec::new()));
        entry.1.push(column);
    }
    for ((name, _), (primary, columns)) in keys {
        let Some(table) = tables.get_mut(&name) else { continue };
        if primary {
            table.primary_key.clone_from(&columns);
        }
        table.unique.push(columns);
    }
}

/// References as rows of (table, name of the key, column, parent, parent's column), in order.
fn take_references(tables: &mut Tables, rows: Vec<Vec<Option<String>>>) {
    let mut found: BTreeMap<(TableName, String), ForeignKey> = BTreeMap::new();
    for row in rows {
        let mut fields = Fields::of(row);
        let (table, key, column, parent, parent_column) = (fields.name(), fields.text(), fields.text(), fields.name(), fields.text());
        let entry = found.entry((table, key)).or_insert(ForeignKey { columns: Vec::new(), parent, parent_columns: Vec::new() });
        entry.columns.push(column);
        entry.parent_columns.push(parent_column);
    }
    for ((name, _), reference) in found {
        if let Some(table) = tables.get_mut(&name) {
            table.foreign_keys.push(reference);
        }
    }
}

fn take_checks(tables: &mut Tables, rows: Vec<Vec<Option<String>>>) {
    for row in rows {
        let mut fields = Fields::of(row);
        let (name, check) = (fields.name(), fields.text());
        if let Some(table) = tables.get_mut(&name) {
            table.checks.push(check);
        }
    }
}

/// Partitions are filled through their parent; tables of extensions are theirs.
const PG_TABLES: &str = "c.relkind IN ('r','p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog','information_schema') \
 AND n.nspname !~ '^pg_(toast|temp)' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

fn postgresql(connection: &mut Connection) -> Result<Tables, DatabaseError> {
    let mut tables = Tables::new();
    let columns = format!(
        "SELECT n.nspname, c.relname, a.attname, a.attnotnull OR t.typnotnull, a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
         a.attgenerated <> '', b.typname, b.typtype::text, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, e.typname, \
         (SELECT string_agg(l.enumlabel, E'\\x01' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = b.oid), \
         (SELECT r.typname FROM pg_range g JOIN pg_type r ON r.oid = g.rngsubtype WHERE g.rngtypid = b.oid) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid) \
         LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A' LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attnum > 0 AND NOT a.attisdropped AND {PG_TABLES} ORDER BY 1, 2, a.attnum"
    );
    let charset = connection.encoding()?.charset.unwrap_or_default();
    // PostgreSQL's UTF8 holds all, MySQL's does not.
    let letters = if charset == "UTF8" { Letters::All } else { Letters::of(&charset) };
    for row in connection.rows(&columns)? {
        let mut fields = Fields::of(row);
        let name = fields.name();
        let column = fields.text();
        let (required, by_default, generated) = (fields.is_true(), fields.is_true(), fields.is_true());
        let (type_name, type_type) = (fields.text(), fields.text());
        let modifier = fields.maybe().and_then(|text| text.parse::<i64>().ok()).filter(|modifier| *modifier >= 0);
        let (element, labels, subtype) = (fields.maybe(), fields.maybe(), fields.maybe());
        let kind = Kind::of_postgresql(&type_name, &type_type, modifier, element.as_deref(), labels.as_deref(), subtype.as_deref());
        let kind = kind.in_letters(letters);
        table_of(&mut tables, &name).columns.push(Column {
            name: column,
            kind,
            nullable: !required,
            made_by_server: by_default || generated,
            generated,
        });
    }
    let keys = format!(
        "SELECT n.nspname, c.relname, i.indexrelid::text, i.indisprimary, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(attnum, place) \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE i.indisunique AND k.place <= i.indnkeyatts AND {PG_TABLES} ORDER BY 1, 2, 3, k.place"
    );
    take_keys(&mut tables, connection.rows(&keys)?);
    let references = format!(
        "SELECT n.nspname, c.relname, f.oid::text, a.attname, pn.nspname, p.relname, pa.attname FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
         CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY k(own, other, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.own \
         JOIN pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = k.other WHERE f.contype = 'f' AND f.conparentid = 0 AND {PG_TABLES} ORDER BY 1, 2, 3, k.place"
    );
    take_references(&mut tables, connection.rows(&references)?);
    let checks = format!(
        "SELECT n.nspname, c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE k.contype = 'c' AND {PG_TABLES} UNION ALL \
         SELECT n.nspname, c.relname, replace(pg_get_constraintdef(k.oid), 'VALUE', a.attname) FROM pg_constraint k JOIN pg_attribute a ON a.atttypid = k.contypid \
         JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contypid <> 0 AND k.contype = 'c' AND {PG_TABLES}"
    );
    take_checks(&mut tables, connection.rows(&checks)?);
    if connection.value("SELECT 1 FROM pg_class WHERE relispartition LIMIT 1")?.is_some() {
        take_partitions(&mut tables, connection.rows(PG_PARTITIONS)?);
    }
    Ok(tables)
}

/// Each partition with its root, the one above it, its bound, and the columns of the key of the one above (nothing for an expression).
const PG_PARTITIONS: &str = "SELECT n.nspname, r.relname, c.oid::text, i.inhparent::text, r.oid::text, c.relkind = 'r', pg_get_expr(c.relpartbound, c.oid), \
 (SELECT string_agg(coalesce(a.attname, ''), E'\\x01' ORDER BY k.place) FROM pg_partitioned_table p CROSS JOIN LATERAL unnest(p.partattrs) WITH ORDINALITY k(attnum, place) \
 LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0 WHERE p.partrelid = i.inhparent) \
 FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class r ON r.oid = pg_partition_root(c.oid) JOIN pg_namespace n ON n.oid = r.relnamespace \
 WHERE c.relispartition ORDER BY c.oid";

fn take_partitions(tables: &mut Tables, rows: Vec<Vec<Option<String>>>) {
    let mut partitions = Partitions::default();
    let mut roots: BTreeMap<TableName, String> = BTreeMap::new();
    for row in rows {
        let mut fields = Fields::of(row);
        let (name, own, above, root) = (fields.name(), fields.text(), fields.text(), fields.text());
        let (is_leaf, bound, key) = (fields.is_true(), fields.text(), fields.text());
        let key: Vec<Option<String>> =
            key.split('\u{1}').map(|column| Some(column.to_owned()).filter(|column| !column.is_empty())).collect();
        partitions.insert(own, above, Fit::of(&bound, &key), is_leaf);
        roots.insert(name, root);
    }
    for (name, root) in roots {
        if let Some(table) = tables.get_mut(&name) {
            table.fits = partitions.fits(&root);
        }
    }
}

fn mysql(connection: &mut Connection) -> Result<Tables, DatabaseError> {
    let mut tables = Tables::new();
    // The database is the one connected to: names go without it.
    let columns = "SELECT '', c.table_name, c.column_name, c.is_nullable = 'YES', c.extra LIKE '%auto_increment%', \
         coalesce(c.generation_expression, '') <> '', c.data_type, c.column_type, c.character_maximum_length, c.numeric_precision, c.numeric_scale, \
         c.character_set_name \
         FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
         WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position";
    for row in connection.rows(columns)? {
        let mut fields = Fields::of(row);
        let name = fields.name();
        let column = fields.text();
        let (nullable, counted, generated) = (fields.is_true(), fields.is_true(), fields.is_true());
        let (data_type, column_type) = (fields.text(), fields.text());
        let kind = Kind::of_mysql(&data_type, &column_type, fields.number(), fields.number(), fields.number());
        let kind = fields.maybe().map(|charset| Letters::of(&charset)).map_or(kind.clone(), |letters| kind.in_letters(letters));
        table_of(&mut tables, &name).columns.push(Column { name: column, kind, nullable, made_by_server: counted || generated, generated });
    }
    let keys = "SELECT '', table_name, index_name, index_name = 'PRIMARY', column_name FROM information_schema.statistics \
         WHERE table_schema = database() AND non_unique = 0 AND column_name IS NOT NULL ORDER BY table_name, index_name, seq_in_index";
    take_keys(&mut tables, connection.rows(keys)?);
    let references = "SELECT '', table_name, constraint_name, column_name, '', referenced_table_name, referenced_column_name FROM information_schema.key_column_usage \
         WHERE table_schema = database() AND referenced_table_name IS NOT NULL ORDER BY table_name, constraint_name, ordinal_position";
    take_references(&mut tables, connection.rows(references)?);
    // MySQL names the table in `table_constraints` only; MariaDB names are unique in a table.
    let checks = "SELECT '', t.table_name, c.check_clause FROM information_schema.check_constraints c JOIN information_schema.table_constraints t \
         ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name AND t.constraint_type = 'CHECK' WHERE c.constraint_schema = database()";
    take_checks(&mut tables, connection.rows(checks)?);
    Ok(tables)
}

fn sqlite(connection: &mut Connection) -> Result<Tables, DatabaseError> {
    let mut tables = Tables::new();
    let columns = "SELECT '', m.name, x.name, x.\"notnull\", x.pk, x.hidden, upper(x.type), m.sql FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.name, x.cid";
    for row in connection.rows(columns)? {
        let mut fields = Fields::of(row);
        let name = fields.name();
        let (column, required) = (fields.text(), fields.is_true());
        let place_in_key = fields.number().unwrap_or(0) as usize;
        let generated = fields.number().unwrap_or(0) >= 2;
        let (type_name, sql) = (fields.text(), fields.text());
        let table = table_of(&mut tables, &name);
        if table.checks.is_empty() {
            table.checks = checks_in(&sql);
        }
        if place_in_key > 0 {
            table.primary_key.push(column.clone());
        }
        table.columns.push(Column {
            name: column,
            kind: Kind::of_sqlite(&type_name),
            nullable: !required,
            made_by_server: generated,
            generated,
        });
    }
    for table in tables.values_mut() {
        if let [only] = table.primary_key.as_slice()
            && let Some(column) = table.columns.iter_mut().find(|column| column.name == *only && column.kind.is_rowid())
        {
            column.made_by_server = true;
        }
        if !table.primary_key.is_empty() {
            table.unique.push(table.primary_key.clone());
        }
    }
    let keys = "SELECT '', m.name, l.name, 0, i.name FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i \
         WHERE m.type = 'table' AND l.\"unique\" = 1 AND l.origin <> 'pk' AND i.name IS NOT NULL ORDER BY m.name, l.name, i.seqno";
    take_keys(&mut tables, connection.rows(keys)?);
    let references = "SELECT '', m.name, f.id, f.\"from\", '', f.\"table\", coalesce(f.\"to\", (SELECT x.name FROM pragma_table_info(f.\"table\") x WHERE x.pk = f.seq + 1)) \
         FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq";
    take_references(&mut tables, connection.rows(references)?);
    Ok(tables)
}

/// The checks in a CREATE TABLE: what stands in the parentheses behind each CHECK.
fn checks_in(sql: &str) -> Vec<String> {
    let upper = sql.to_ascii_uppercase();
    upper
        .match_indices("CHECK")
        .filter_map(|(at, _)| {
            let open = at + upper.get(at..)?.find('(')?;
            let mut depth = 0_usize;
            let length = sql.get(open..)?.char_indices().find_map(|(n, c)| {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                (depth == 0).then_some(n + 1)
            })?;
            sql.get(open..open + length).map(str::to_owned)
        })
        .collect()
}
