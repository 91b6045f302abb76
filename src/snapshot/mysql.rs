//! MariaDB and MySQL: `information_schema`, and `SHOW CREATE` for texts and as a control sum.
//!
//! The control sum of a table is all that `SHOW CREATE TABLE` says but the next AUTO_INCREMENT: where it differs and no
//! attribute does, the difference is reported as such, so that nothing is lost silently.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{SchemaSnapshot, SnapshotError};
use crate::database::{Connection, DatabaseError, Row};
use crate::dialect::Dialect;

const SETTINGS: &str =
    "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()";
const TABLES: &str = "SELECT table_name, table_type, engine, row_format, table_collation, create_options, table_comment \
     FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name";
const COLUMNS: &str = "SELECT table_name, column_name, ordinal_position, column_type, is_nullable, column_default, extra, \
     generation_expression, collation_name, column_comment FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";
const INDEXES: &str = "SELECT table_name, index_name, non_unique, index_type, column_name, sub_part, collation, index_comment \
     FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index";
const FOREIGN_KEYS: &str = "SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema, k.referenced_table_name, \
     k.referenced_column_name, r.update_rule, r.delete_rule FROM information_schema.key_column_usage k \
     JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema \
     AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name \
     WHERE k.constraint_schema = DATABASE() AND k.referenced_table_name IS NOT NULL ORDER BY k.table_name, k.constraint_name, k.ordinal_position";
const CHECKS_OF_MARIADB: &str = "SELECT table_name, constraint_name, check_clause, level FROM information_schema.check_constraints \
     WHERE constraint_schema = DATABASE()";
const CHECKS_OF_MYSQL: &str = "SELECT t.table_name, t.constraint_name, c.check_clause, t.enforced FROM information_schema.table_constraints t \
     JOIN information_schema.check_constraints c ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name \
     WHERE t.constraint_schema = DATABASE() AND t.constraint_type = 'CHECK'";
const PARTITIONS: &str = "SELECT table_name, partition_name, subpartition_name, partition_method, partition_expression, subpartition_method, \
     subpartition_expression, partition_description FROM information_schema.partitions WHERE table_schema = DATABASE() \
     AND partition_name IS NOT NULL ORDER BY table_name, partition_ordinal_position, subpartition_ordinal_position";
const TRIGGERS: &str = "SELECT event_object_table, trigger_name, action_timing, event_manipulation, action_order, action_statement, sql_mode, definer \
     FROM information_schema.triggers WHERE trigger_schema = DATABASE()";
const ROUTINES: &str = "SELECT routine_type, routine_name, sql_mode, definer FROM information_schema.routines WHERE routine_schema = DATABASE() \
     UNION ALL SELECT 'EVENT', event_name, sql_mode, definer FROM information_schema.events WHERE event_schema = DATABASE()";
const VIEWS: &str = "SELECT table_name, definer, security_type, check_option FROM information_schema.views WHERE table_schema = DATABASE()";
const GRANTS: &str = "SELECT grantee, table_name, privilege_type, is_grantable FROM information_schema.table_privileges WHERE table_schema = DATABASE() \
     UNION ALL SELECT grantee, concat(table_name, '.', column_name), privilege_type, is_grantable FROM information_schema.column_privileges WHERE table_schema = DATABASE() \
     UNION ALL SELECT grantee, '*', privilege_type, is_grantable FROM information_schema.schema_privileges WHERE table_schema = DATABASE() ORDER BY 1, 2, 3";

pub(super) fn take(connection: &mut Connection) -> Result<SchemaSnapshot, SnapshotError> {
    let database = connection.value("SELECT DATABASE()")?.unwrap_or_default();
    let mut reader = Reader { connection, database, snapshot: SchemaSnapshot::default() };
    reader.database()?;
    reader.tables()?;
    reader.columns()?;
    reader.indexes()?;
    reader.foreign_keys()?;
    reader.checks()?;
    reader.triggers()?;
    reader.routines()?;
    reader.grants()?;
    Ok(reader.snapshot)
}

struct Reader<'a> {
    connection: &'a mut Connection,
    database: String,
    snapshot: SchemaSnapshot,
}

fn value(row: &Row, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

/// What is set and not empty.
fn attributes<const N: usize>(given: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| !value.is_empty())?))).collect()
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl Reader<'_> {
    fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        self.connection.rows(sql)
    }

    /// The same text in every clone: the name of the database is left out.
    fn plain(&self, text: &str) -> String {
        text.replace(&format!("`{}`.", self.database), "")
    }

    fn database(&mut self) -> Result<(), DatabaseError> {
        for row in self.rows(SETTINGS)? {
            let settings = attributes([("character_set", Some(value(&row, 0))), ("collation", Some(value(&row, 1)))]);
            self.snapshot.insert("database", "database".to_owned(), None, settings);
        }
        Ok(())
    }

    fn tables(&mut self) -> Result<(), DatabaseError> {
        let partitions = self.partitions()?;
        let views: BTreeMap<String, Row> = self.rows(VIEWS)?.into_iter().map(|row| (value(&row, 0), row)).collect();
        for row in self.rows(TABLES)? {
            let name = value(&row, 0);
            match value(&row, 1).as_str() {
                "VIEW" => self.view(&name, views.get(&name).cloned().unwrap_or_default())?,
                "SEQUENCE" => {
                    let text = self.shown("SEQUENCE", &name, 1)?;
                    self.snapshot.insert("sequence", name, None, attributes([("definition", Some(text))]));
                }
                kind => {
                    let text = self.shown("TABLE", &name, 1)?;
                    let table = attributes([
                        ("versioned", (kind == "SYSTEM VERSIONED").then(|| "true".to_owned())),
                        ("engine", Some(value(&row, 2))),
                        ("row_format", Some(value(&row, 3))),
                        ("collation", Some(value(&row, 4))),
                        ("options", Some(value(&row, 5))),
                        ("comment", Some(value(&row, 6))),
                        ("partitions", partitions.get(&name).cloned()),
                        ("control_sum", Some(control_sum(&text))),
                    ]);
                    self.snapshot.insert("table", name, None, table);
                }
            }
        }
        Ok(())
    }

    /// The text of a `SHOW CREATE`.
    fn shown(&mut self, kind: &str, name: &str, column: usize) -> Result<String, DatabaseError> {
        let rows = self.rows(&format!("SHOW CREATE {kind} {}", quoted(name)))?;
        Ok(rows.first().map(|row| self.plain(&value(row, column))).unwrap_or_default())
    }

    fn view(&mut self, name: &str, row: Row) -> Result<(), DatabaseError> {
        let text = self.shown("VIEW", name, 1)?;
        // Before ` VIEW ` stand definer and security, which are attributes of their own.
        let text = text.split_once(" VIEW ").map_or(text.clone(), |(_, rest)| rest.to_owned());
        let view = attributes([
            ("definition", Some(text)),
            ("definer", Some(value(&row, 1))),
            ("security", Some(value(&row, 2))),
            ("check_option", Some(value(&row, 3)).filter(|option| option != "NONE")),
        ]);
        self.snapshot.insert("view", name.to_owned(), None, view);
        Ok(())
    }

    /// Method and parts of each partitioned table, in one text.
    fn partitions(&mut self) -> Result<BTreeMap<String, String>, DatabaseError> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for row in self.rows(PARTITIONS)? {
            let head = || format!("{} ({}) {} ({})", value(&row, 3), value(&row, 4), value(&row, 5), value(&row, 6));
            let text = found.entry(value(&row, 0)).or_insert_with(head);
            text.push_str(&format!("; {} {} {}", value(&row, 1), value(&row, 2), value(&row, 7)));
        }
        Ok(found)
    }

    fn columns(&mut self) -> Result<(), DatabaseError> {
        for row in self.rows(COLUMNS)? {
            let table = value(&row, 0);
            let Some(label) =
                ["table", "view"].map(|kind| format!("{kind} {table}")).into_iter().find(|label| self.snapshot.objects.contains_key(label))
            else {
                continue;
            };
            let (rank, kind) = (("rank", Some(value(&row, 2))), ("type", Some(value(&row, 3))));
            if label.starts_with("view ") {
                // All else it repeats from its table.
                self.snapshot.insert("column", format!("{table}.{}", value(&row, 1)), Some(label), attributes([rank, kind]));
                continue;
            }
            let column = attributes([
                rank,
                kind,
                ("not_null", (value(&row, 4) == "NO").then(|| "true".to_owned())),
                // MariaDB writes an unset default of a column that may be NULL as the word.
                (
                    "default",
                    row.get(5)
                        .cloned()
                        .flatten()
                        .filter(|text| text != "NULL")
                        .map(|text| if text.is_empty() { "''".to_owned() } else { text }),
                ),
                ("extra", Some(value(&row, 6))),
                ("generated", Some(self.plain(&value(&row, 7)))),
                ("collation", Some(value(&row, 8))),
                ("comment", Some(value(&row, 9))),
            ]);
            self.snapshot.insert("column", format!("{table}.{}", value(&row, 1)), Some(label), column);
        }
        Ok(())
    }

    fn indexes(&mut self) -> Result<(), DatabaseError> {
        let mut found: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
        for row in self.rows(INDEXES)? {
            found.entry((value(&row, 0), value(&row, 1))).or_default().push(row);
        }
        for ((table, name), rows) in found {
            let column = |row: &Row| {
                let prefix = row.get(5).cloned().flatten().map(|length| format!("({length})")).unwrap_or_default();
                let direction = if value(row, 6) == "D" { " desc" } else { "" };
                // An expression (MySQL) has no name: the control sum has its text.
                format!("{}{prefix}{direction}", row.get(4).cloned().flatten().unwrap_or_else(|| "expression".to_owned()))
            };
            let first = rows.first().cloned().unwrap_or_default();
            let index = attributes([
                ("own_name", Some(name.clone())),
                ("columns", Some(rows.iter().map(column).collect::<Vec<_>>().join(", "))),
                ("unique", (value(&first, 2) == "0").then(|| "true".to_owned())),
                ("method", Some(value(&first, 3))),
                ("comment", Some(value(&first, 7))),
            ]);
            self.snapshot.insert("index", format!("{table}.{name}"), Some(format!("table {table}")), index);
        }
        Ok(())
    }

    fn foreign_keys(&mut self) -> Result<(), DatabaseError> {
        let mut found: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
        for row in self.rows(FOREIGN_KEYS)? {
            found.entry((value(&row, 0), value(&row, 1))).or_default().push(row);
        }
        for ((table, name), rows) in found {
            let list = |at: usize| rows.iter().map(|row| value(row, at)).collect::<Vec<_>>().join(", ");
            let first = rows.first().cloned().unwrap_or_default();
            let schema = if value(&first, 3) == self.database { String::new() } else { format!("{}.", value(&first, 3)) };
            let key = attributes([
                ("own_name", Some(name.clone())),
                ("columns", Some(list(2))),
                ("references", Some(format!("{schema}{} ({})", value(&first, 4), list(5)))),
                // The two words mean the same in InnoDB.
                ("on_update", Some(value(&first, 6)).filter(|rule| rule != "RESTRICT" && rule != "NO ACTION")),
                ("on_delete", Some(value(&first, 7)).filter(|rule| rule != "RESTRICT" && rule != "NO ACTION")),
            ]);
            self.snapshot.insert("constraint", format!("{table}.{name}"), Some(format!("table {table}")), key);
        }
        Ok(())
    }

    fn checks(&mut self) -> Result<(), DatabaseError> {
        let is_mariadb = self.connection.server().dialect == Dialect::Mariadb;
        let rows = match self.rows(if is_mariadb { CHECKS_OF_MARIADB } else { CHECKS_OF_MYSQL }) {
            Ok(rows) => rows,
            // Before MySQL 8.0.16 checks are read and forgotten: there is no such table.
            Err(error) if !is_mariadb && error.code() == Some("1109") => Vec::new(),
            Err(error) => return Err(error),
        };
        for row in rows {
            let (table, name) = (value(&row, 0), value(&row, 1));
            let check = attributes([
                ("own_name", Some(name.clone())),
                ("check", Some(self.plain(&value(&row, 2)))),
                ("kind", Some(value(&row, 3))),
            ]);
            self.snapshot.insert("constraint", format!("{table}.{name} (check)"), Some(format!("table {table}")), check);
        }
        Ok(())
    }

    fn triggers(&mut self) -> Result<(), DatabaseError> {
        for row in self.rows(TRIGGERS)? {
            let trigger = attributes([
                ("when", Some(format!("{} {} {}", value(&row, 2), value(&row, 3), value(&row, 4)))),
                ("definition", Some(self.plain(&value(&row, 5)))),
                ("sql_mode", Some(value(&row, 6))),
                ("definer", Some(value(&row, 7))),
            ]);
            self.snapshot.insert("trigger", value(&row, 1), Some(format!("table {}", value(&row, 0))), trigger);
        }
        Ok(())
    }

    fn routines(&mut self) -> Result<(), DatabaseError> {
        for row in self.rows(ROUTINES)? {
            let (kind, name) = (value(&row, 0), value(&row, 1));
            let text = self.shown(&kind, &name, if kind == "EVENT" { 3 } else { 2 })?;
            // `CREATE DEFINER=… FUNCTION …`: the definer is an attribute of its own.
            let text = text.split_once(&format!(" {kind} ")).map_or(text.clone(), |(_, rest)| rest.to_owned());
            let routine = attributes([("definition", Some(text)), ("sql_mode", Some(value(&row, 2))), ("definer", Some(value(&row, 3)))]);
            self.snapshot.insert(&kind.to_lowercase(), name, None, routine);
        }
        Ok(())
    }

    fn grants(&mut self) -> Result<(), DatabaseError> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in self.rows(GRANTS)? {
            let grantable = if value(&row, 3) == "YES" { "*" } else { "" };
            found.entry(format!("{} on {}", value(&row, 0), value(&row, 1))).or_default().push(format!("{}{grantable}", value(&row, 2)));
        }
        for (name, rights) in found {
            self.snapshot.insert("grant", name, None, attributes([("acl", Some(rights.join(", ")))]));
        }
        Ok(())
    }
}

/// A digest of the lines of a `SHOW CREATE TABLE`, in any order, without what rows change.
fn control_sum(text: &str) -> String {
    let line = |line: &str| {
        let line = line.trim().trim_end_matches(',');
        line.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT=")).collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.sort();
    Sha256::digest(lines.join("\n").as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
