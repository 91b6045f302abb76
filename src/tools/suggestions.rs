//! Values that an argument may have, as far as they are known without asking a database.

use std::path::Path;

use crate::config::Config;
use crate::store::records::Records;
use crate::tools::call::{Call, Caller};

/// Values for the argument called `name`, in the project of the call.
#[must_use]
pub fn for_argument(name: &str, project: Option<&str>, call: &Call<'_>) -> Vec<String> {
    match name {
        "project" => projects(call),
        "migration_id" => call.project(project).map(|folder| migrations(&folder)).unwrap_or_default(),
        "environment" => call.project(project).map(|folder| environments(&folder)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn projects(call: &Call<'_>) -> Vec<String> {
    let named = call.settings.projects.keys().cloned();
    let own = call.settings.project.iter().filter(|_| *call.caller == Caller::Local).map(|folder| folder.display().to_string());
    named.chain(own).collect()
}

/// The migrations that have a record in the project.
fn migrations(folder: &Path) -> Vec<String> {
    Records::of(folder).list().migrations.iter().map(ToString::to_string).collect()
}

fn environments(folder: &Path) -> Vec<String> {
    Config::found_from(folder).map(|config| config.environments.keys().cloned().collect()).unwrap_or_default()
}
