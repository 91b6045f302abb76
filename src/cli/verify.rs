//! `verify`: everything from nothing, in CI.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::{Deny, failed, print};
use crate::format::junit::{self, Case};
use crate::format::{Format, sarif};
use crate::lifecycle::evidence::Outcome;
use crate::tools::answer::{ToolError, Verdict};
use crate::tools::call::{Call, Settings};
use crate::tools::project_input::ProjectInput;
use crate::verify::{self, Verified};

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    #[command(flatten)]
    project: ProjectInput,
    /// The revision in front of the range [default: where what no shared branch has begins]
    #[arg(long, value_name = "REVISION")]
    from: Option<String>,
    /// The last revision of the range [default: head]
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,
    /// Make warnings fail too
    #[arg(long, value_enum)]
    deny: Option<Deny>,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One line a revision, then the errors
    Human,
    /// One object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit's XML, for test reports
    Junit,
}

/// Verifies; exit code 0, 1 or 2.
pub fn verify(arguments: &VerifyArguments) -> ExitCode {
    let form = if arguments.format == Form::Json { Format::Json } else { Format::Human };
    let verified = match verified(arguments) {
        Ok(verified) => verified,
        Err(error) => return failed(&error, form),
    };
    let text = match arguments.format {
        Form::Human => verify::human(&verified),
        Form::Json => serde_json::to_string_pretty(&verify::json(&verified)).unwrap_or_default(),
        Form::Sarif => serde_json::to_string_pretty(&sarif::log(verify::findings(&verified).iter())).unwrap_or_default(),
        Form::Junit => junit::report(&cases(&verified)),
    };
    let code = match verified.verdict() {
        Verdict::Pass => 0,
        Verdict::Warn => u8::from(arguments.deny == Some(Deny::Warning)),
        Verdict::Blocked | Verdict::Failed => 1,
    };
    print(&text, code)
}

fn verified(arguments: &VerifyArguments) -> Result<Verified, ToolError> {
    let settings = Settings::default();
    let call = Call::local(&settings);
    let workshop = arguments.project.workshop(&call)?;
    verify::verify(workshop, arguments.from.as_deref(), arguments.to.as_deref(), &call)
}

fn cases(verified: &Verified) -> Vec<Case> {
    let of_revisions = verified.revisions.iter().flat_map(|one| {
        let errors: Vec<String> = one.errors().map(|finding| format!("{}: {}\ndo: {}", finding.rule, finding.what, finding.mend)).collect();
        let outcome = one.outcome.map_or("not reached", Outcome::word);
        let comes_back = one.comes_back() || one.accepted_door;
        let case = |class, seconds, failure| Case { class, name: one.revision.clone(), file: one.file.clone(), seconds, failure };
        [
            case("review", 0.0, (!errors.is_empty()).then(|| errors.join("\n"))),
            case("round trip", one.seconds, (!comes_back).then(|| format!("{outcome}: {}", one.why))),
        ]
    });
    let of_records = verified.records.iter().map(|record| Case {
        class: "record",
        name: record.id.to_string(),
        file: None,
        seconds: 0.0,
        failure: (!record.fits()).then(|| record.wrong.join("\n")),
    });
    of_revisions.chain(of_records).collect()
}
