//! `alembic-gate report`: the two reports of a migration, on standard output.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::{failed, print};
use crate::format::Format;
use crate::tools::call::{Call, Settings};
use crate::tools::migration::{Migration, pages};
use crate::tools::source::SqlInput;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The migration review.
    Review,
    /// The rollback verification.
    Rollback,
}

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// review or rollback
    which: Which,
    /// The migration's id [default: the open one, else what is pending]
    #[arg(long)]
    migration_id: Option<String>,
    /// The project's folder [default: the current folder]
    #[arg(long, value_name = "DIR")]
    project: Option<String>,
    /// The revision in front of the range
    #[arg(long)]
    from: Option<String>,
    /// The last revision of the range
    #[arg(long)]
    to: Option<String>,
}

/// Prints a report: boxes are ticked by evidence that holds now, nothing is written.
pub(super) fn report(arguments: &ReportArguments) -> ExitCode {
    let asked = SqlInput {
        project: arguments.project.clone(),
        migration_id: arguments.migration_id.clone(),
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        ..SqlInput::default()
    };
    let settings = Settings::default();
    match Migration::found(&asked, &Call::local(&settings)) {
        Ok((migration, review)) => {
            let text = match arguments.which {
                Which::Review => pages::review_report(&migration, &review),
                Which::Rollback => pages::rollback_report(&migration),
            };
            print(&text, 0)
        }
        Err(error) => failed(&error, Format::Human),
    }
}
