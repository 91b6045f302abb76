//! Which project a tool works on: the same fields for every tool that takes one.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, Server, ServerVersion};
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::source::failed;
use crate::workshop::{Wanted, Workshop};

/// The project, and the server it is meant for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(default)]
pub struct ProjectInput {
    /// The project's folder. Default: the current one.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The ini file. Default: alembic.ini.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The ini section. Default: alembic.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The dialect. Default: what the project says.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16". Default: what `alembic-gate.toml` says, else the newest that is known.
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
}

impl ProjectInput {
    /// The project, opened.
    ///
    /// # Errors
    /// There is none, its settings are not understood, the version is none.
    pub fn workshop(&self, call: &Call<'_>) -> Result<Workshop, ToolError> {
        let mut workshop = Workshop::open(&Wanted {
            folder: call.project(self.project.as_deref())?,
            config: self.config.clone(),
            section: self.section.clone(),
            dialect: self.dialect,
            server: None,
            time_limit: None,
        })
        .map_err(|error| failed(&error))?;
        if let Some(text) = &self.server_version {
            let version = ServerVersion::from_str(text).map_err(|error| ToolError {
                code: "bad_version",
                message: error.to_string(),
                at: Some("server_version".to_owned()),
                hint: "for example `server_version: \"16\"`".to_owned(),
                retry: false,
            })?;
            workshop.server = Server { dialect: workshop.server.dialect, version };
        }
        Ok(workshop)
    }
}
