//! What Alembic's autogenerate does not see: by its version, by what `env.py` told it, by the server.
//!
//! Measured with 93 changes of models on PostgreSQL, SQLite and MariaDB, Alembic 1.18, 1.19 and 1.20: see
//! `knowledge/alembic-autogenerate-limits.md`.

use crate::bridge::EnvSettings;
use crate::dialect::Dialect;

/// The plugin that compares CHECK constraints by name; opt-in since 1.20.
const CHECK_PLUGIN: &str = "checkconstraint_byname";

/// One sentence for each thing that a model may change and a generated revision will not hold.
///
/// `alembic`: its version, `1.20.1`; `env`: what `env.py` gave to `context.configure`.
#[must_use]
pub fn unseen(alembic: &str, dialect: Dialect, env: &EnvSettings) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut say = |text: &str| found.push(text.to_owned());
    if env.metadata.as_ref().is_none_or(Vec::is_empty) {
        say("everything: `env.py` gives no `target_metadata` with tables in it");
    }
    if !env.compare_type {
        say("changed types and lengths: `env.py` sets `compare_type=False` (the default has been True since 1.12)");
    }
    for filter in &env.filters {
        say(&format!("what `{filter}` of `env.py` leaves out"));
    }
    say("renamed tables and columns: they come out as drop and add, and the values are lost");
    match dialect {
        Dialect::Postgresql => {
            say("values added to or taken from an enum type; a type of its own for a new enum column (write `.create(op.get_bind())`)");
            say("WHERE, USING, INCLUDE, operator classes and storage parameters of an index; collations");
            say("sequences: `serial` to `bigint` leaves an integer sequence (`ALTER SEQUENCE … AS bigint`)");
        }
        Dialect::Mysql | Dialect::Mariadb => {
            if version_of(alembic) < (1, 18, 5) {
                say("values of ENUM columns (compared since 1.18.5)");
            }
            say("engine, charset, UNSIGNED, prefix lengths of indexes");
        }
        Dialect::Sqlite => say("dropped UNIQUE constraints without a name, functional indexes, comments, time zones"),
        Dialect::Mssql | Dialect::Oracle => {}
    }
    if !env.compare_server_default {
        say(if env.offline {
            "server defaults, unless `env.py` sets `compare_server_default=True` where it connects"
        } else {
            "server defaults: `env.py` does not set `compare_server_default=True`"
        });
    }
    if !checks_are_compared(alembic, env) {
        say("named CHECK constraints: on by default in 1.19 only; since 1.20 by the plugin `alembic.ext.checkconstraint_byname`");
    }
    say(
        "CHECK expressions, computed expressions, primary keys, exclusion constraints, partitioning, DEFERRABLE of UNIQUE, names of foreign keys",
    );
    say("views, functions, triggers, policies, grants, stand-alone sequences: models do not hold them");
    found
}

fn checks_are_compared(alembic: &str, env: &EnvSettings) -> bool {
    let (major, minor, _) = version_of(alembic);
    (major, minor) == (1, 19) || env.plugins.iter().any(|plugin| plugin.contains(CHECK_PLUGIN))
}

fn version_of(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}
