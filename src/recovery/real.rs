//! A configured database as it is: its version table and its schema, read in a session that refuses writes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::RecoveryError;
use super::pieces::Texts;
use crate::address::Address;
use crate::database::{Connection, DatabaseError};
use crate::dialect::{Dialect, Server};
use crate::snapshot::{Object, SchemaSnapshot};

/// No question to a configured database takes longer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A configured database, open for reading.
pub struct Real {
    connection: Connection,
    /// Its server.
    pub server: Server,
    /// Its version table, sorted; empty where there is none.
    pub versions: Vec<String>,
}

impl Real {
    /// Connects, makes the session read-only, reads the version table.
    ///
    /// # Errors
    /// No connection; the version table cannot be read.
    pub fn open(address: &Address) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(address)?;
        connection.set_time_limit(Some(TIME_LIMIT));
        let server = connection.server();
        match server.dialect {
            Dialect::Postgresql => connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")?,
            Dialect::Mysql | Dialect::Mariadb => connection.execute("SET SESSION TRANSACTION READ ONLY")?,
            Dialect::Sqlite => connection.execute("PRAGMA query_only = ON")?,
            Dialect::Mssql | Dialect::Oracle => 0,
        };
        let versions = versions(&mut connection)?;
        Ok(Self { connection, server, versions })
    }

    /// Its schema, without the version table and without what belongs to an environment and not to a chain.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn schema(&mut self) -> Result<SchemaSnapshot, RecoveryError> {
        Ok(comparable(SchemaSnapshot::take(&mut self.connection)?))
    }

    /// The definitions of tables and the like as the server writes them.
    pub(super) fn texts(&mut self, labels: &[String]) -> Result<Texts, DatabaseError> {
        super::pieces::texts(&mut self.connection, labels)
    }
}

/// The version table of the database a connection is in, sorted; empty where there is none.
///
/// # Errors
/// It is there and cannot be read.
pub fn versions(connection: &mut Connection) -> Result<Vec<String>, DatabaseError> {
    match connection.rows("SELECT version_num FROM alembic_version ORDER BY version_num") {
        Ok(rows) => Ok(rows.into_iter().flatten().flatten().collect()),
        Err(error) if matches!(error.code(), Some("42P01" | "1146")) || error.to_string().contains("no such table") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Kinds that belong to an environment: rights, settings, replication.
const OF_THE_ENVIRONMENT: &[&str] =
    &["database", "default_privileges", "event_trigger", "grant", "publication", "security_label", "setting", "user_mapping"];

/// Attributes that two servers with the same schema may differ in.
const OF_THE_SERVER: &[&str] = &["acl", "compression", "control_sum", "definer", "owner", "sql_mode", "statistics_target", "version"];

/// A schema as two environments can be compared by: without the version table, rights, owners, and what is the default
/// of the database it is in.
#[must_use]
pub fn comparable(mut schema: SchemaSnapshot) -> SchemaSnapshot {
    let is_own = |object: &Object| object.kind == "table" && object.name.rsplit('.').next() == Some("alembic_version");
    let own: Vec<String> = schema.objects.iter().filter(|(_, object)| is_own(object)).map(|(label, _)| label.clone()).collect();
    for label in own {
        schema = schema.without(&label);
    }
    let collation = schema.attribute("database database", "collation").map(str::to_owned);
    let mut objects = BTreeMap::new();
    for (label, mut object) in std::mem::take(&mut schema.objects) {
        // PostgreSQL 18 lists NOT NULL as constraints of their own: the column says it too, on every version.
        let is_not_null = object.kind == "constraint" && object.attributes.get("type").is_some_and(|kind| kind == "n");
        if OF_THE_ENVIRONMENT.contains(&object.kind.as_str()) || is_not_null || (object.kind == "schema" && object.name == "public") {
            continue;
        }
        object
            .attributes
            .retain(|name, value| !OF_THE_SERVER.contains(&name.as_str()) && !(name == "collation" && Some(&*value) == collation.as_ref()));
        objects.insert(label, object);
    }
    schema.objects = objects;
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, above: Option<&str>, attributes: &[(&str, &str)]) -> (String, Object) {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        (
            format!("{kind} {name}"),
            Object { kind: kind.to_owned(), name: name.to_owned(), belongs_to: above.map(str::to_owned), attributes },
        )
    }

    #[test]
    fn owners_rights_and_the_version_table_are_no_difference() {
        let schema = SchemaSnapshot {
            objects: [
                object("database", "database", None, &[("collation", "utf8mb4_bin")]),
                object("table", "public.alembic_version", None, &[]),
                object("column", "public.alembic_version.version_num", Some("table public.alembic_version"), &[]),
                object("table", "public.users", None, &[("owner", "ada"), ("collation", "utf8mb4_bin"), ("persistence", "p")]),
            ]
            .into_iter()
            .collect(),
        };
        let left = comparable(schema);
        assert_eq!(left.objects.keys().collect::<Vec<_>>(), ["table public.users"]);
        assert_eq!(left.objects.values().flat_map(|object| object.attributes.keys()).collect::<Vec<_>>(), ["persistence"]);
    }
}
