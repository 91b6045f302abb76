//! Where a round trip runs and how long it may take; and what can be said where there is no place for it.

use std::time::Duration;

use crate::config::Config;
use crate::scratch::ScratchServer;
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::Call;
use crate::tools::classify_risk;
use crate::tools::source::{self, SqlInput};
use crate::tools::test_rollback::Input;
use crate::workshop::watch::Limits;

/// The limits that are asked for.
pub(super) fn limits(input: &Input) -> Result<Limits, ToolError> {
    let within = |name: &'static str, given: Option<u32>, otherwise: Duration| match given {
        None => Ok(otherwise),
        Some(seconds @ 1..=3_600) => Ok(Duration::from_secs(seconds.into())),
        Some(seconds) => Err(refused(format!("`{name}` is {seconds}; it goes from 1 to 3600"), name, "give seconds".to_owned())),
    };
    let usual = Limits::default();
    Ok(Limits {
        whole: within("timeout_s", input.timeout_s, usual.whole)?,
        statement: within("statement_timeout_s", input.statement_timeout_s, usual.statement)?,
        lock: within("lock_timeout_s", input.lock_timeout_s, usual.lock)?,
    })
}

fn refused(message: String, at: &str, hint: String) -> ToolError {
    ToolError { code: "bad_arguments", message, at: Some(at.to_owned()), hint, retry: false }
}

/// The dev server that is named; None for a server of ours. A URL is never taken: only what `alembic-gate.toml` names.
pub(super) fn dev_server(named: Option<&str>, config: &Config) -> Result<Option<ScratchServer>, ToolError> {
    let Some(name) = named.filter(|name| *name != "scratch") else { return Ok(None) };
    let Some(known) = config.dev_servers.get(name) else {
        let names: Vec<&str> = config.dev_servers.keys().map(String::as_str).collect();
        let hint = if names.is_empty() {
            "name a server in `alembic-gate.toml`: `[dev_servers.local]` with `url_env = \"DEV_SERVER_URL\"`; or leave `database` out"
                .to_owned()
        } else {
            format!("known are: scratch, {}", names.join(", "))
        };
        let shown = if name.contains("://") { "a URL" } else { name };
        return Err(refused(format!("there is no dev server `{shown}`"), "database", hint));
    };
    let Ok(url) = std::env::var(&known.url_env) else {
        return Err(refused(
            format!("the dev server `{name}` has no URL: `{}` is not set", known.url_env),
            "database",
            format!("set `{}` in the environment of alembic-gate", known.url_env),
        ));
    };
    ScratchServer::dev(name, &url).map(Some).map_err(|error| source::failed(&crate::workshop::WorkshopError::Scratch(error)))
}

/// As [`dev_server`], for raw SQL: the settings are those of the folder the call is about.
pub(super) fn of_sql(input: &Input, call: &Call<'_>) -> Result<Option<ScratchServer>, ToolError> {
    if input.database.as_deref().is_none_or(|name| name == "scratch") {
        return Ok(None);
    }
    let folder = call.project(input.project.as_deref())?;
    let config = Config::found_from(&std::path::absolute(&folder).unwrap_or(folder))
        .map_err(|error| source::failed(&crate::workshop::WorkshopError::Config(error)))?;
    dev_server(input.database.as_deref(), &config)
}

/// Where no server can be had, what the words of the SQL say is better than nothing, and is called what it is.
pub(super) fn with_static_verdict(mut error: ToolError, input: &Input, call: &Call<'_>) -> ToolError {
    if error.code != "scratch" {
        return error;
    }
    let asked = SqlInput {
        sql: input.sql.clone(),
        downgrade_sql: input.downgrade_sql.clone(),
        setup_sql: input.setup_sql.clone(),
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        from: input.from.clone(),
        to: input.to.clone(),
        dialect: input.dialect,
        server_version: input.server_version.clone(),
        ..SqlInput::default()
    };
    let answer: Answer = classify_risk::run(&asked, crate::step::Options::default(), call, None);
    let word = |name: &str| answer.output.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    if let (Some(reversible), Some(loss)) = (word("reversible"), word("data_loss_risk")) {
        error.hint = format!(
            "{}. Until then only the static verdict, not proven by a run: reversible {reversible}, data loss {loss} (`classify_risk` has the reasons)",
            error.hint
        );
    }
    error
}
