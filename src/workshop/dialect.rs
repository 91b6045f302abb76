//! For which server a project is meant: what its settings say, what its files show.

use crate::config::Config;
use crate::dialect::{Dialect, Server};
use crate::lifecycle::approval::Tier;
use crate::workspace::Workspace;

/// The server: of the caller, of an environment in `alembic-gate.toml`, of the URL in the ini file, of what `env.py`
/// names; PostgreSQL when nobody says it.
pub fn server_of(asked: Option<Dialect>, config: &Config, workspace: &Workspace, assumed: &mut Vec<String>) -> Server {
    if let Some((name, server)) = of_environment(config, asked) {
        assumed.push(format!("{server}, as `[environments.{name}]` says"));
        return server;
    }
    let dialect = asked.or_else(|| {
        let (dialect, why) = of_url(workspace).or_else(|| of_env_py(workspace))?;
        assumed.push(format!("dialect {}, as {why}", dialect.word()));
        Some(dialect)
    });
    let dialect = dialect.unwrap_or_else(|| {
        assumed.push("dialect postgresql: neither settings nor `env.py` name one".to_owned());
        Dialect::Postgresql
    });
    let server = Server::newest(dialect);
    assumed.push(format!("{server}: no environment in `alembic-gate.toml` names a version"));
    server
}

/// The environment whose tier is production, else the first that names a server.
fn of_environment(config: &Config, asked: Option<Dialect>) -> Option<(String, Server)> {
    let named =
        config.environments.iter().filter_map(|(name, environment)| Some((environment.tier, name, environment.server.as_ref()?.server())));
    let mut found: Vec<_> = named.filter(|(_, _, server)| asked.is_none_or(|asked| asked == server.dialect)).collect();
    found.sort_by_key(|(tier, _, _)| *tier != Tier::Production);
    found.into_iter().next().map(|(_, name, server)| (name.clone(), server))
}

fn of_url(workspace: &Workspace) -> Option<(Dialect, &'static str)> {
    let scheme = workspace.settings.url.as_deref()?.split_once(':')?.0;
    dialect_of(scheme.split('+').next()?).map(|dialect| (dialect, "`sqlalchemy.url` says"))
}

/// The name SQLAlchemy has for a dialect.
fn dialect_of(name: &str) -> Option<Dialect> {
    match name {
        "postgresql" | "postgres" | "cockroachdb" => Some(Dialect::Postgresql),
        "mysql" => Some(Dialect::Mysql),
        "mariadb" => Some(Dialect::Mariadb),
        "sqlite" => Some(Dialect::Sqlite),
        "mssql" => Some(Dialect::Mssql),
        "oracle" => Some(Dialect::Oracle),
        _ => None,
    }
}

/// Words in `env.py` and the files beside it that only one dialect has.
fn of_env_py(workspace: &Workspace) -> Option<(Dialect, &'static str)> {
    const MARKS: &[(&str, Dialect)] = &[
        ("postgresql", Dialect::Postgresql),
        ("psycopg", Dialect::Postgresql),
        ("asyncpg", Dialect::Postgresql),
        ("mariadb", Dialect::Mariadb),
        ("mysql", Dialect::Mysql),
        ("sqlite", Dialect::Sqlite),
    ];
    let text = std::fs::read_to_string(workspace.env_py()).ok()?;
    let named: Vec<Dialect> = MARKS.iter().filter(|(mark, _)| text.contains(mark)).map(|(_, dialect)| *dialect).collect();
    let first = *named.first()?;
    named.iter().all(|dialect| *dialect == first).then_some((first, "`env.py` names no other"))
}
