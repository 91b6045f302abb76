//! Values that an argument may have, as far as they are known without asking a database.

use std::path::Path;

use crate::config::Config;
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
    let Ok(entries) = std::fs::read_dir(folder.join(".alembic-gate")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn environments(folder: &Path) -> Vec<String> {
    Config::found_from(folder).map(|config| config.environments.keys().cloned().collect()).unwrap_or_default()
}
