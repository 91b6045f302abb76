//! The review of a chain that Alembic cannot load: nothing is rendered, each fault stands with its file and line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::judge::{breaks_chain, judge_project};
use crate::tools::answer::{Answer, Common, NextCall, ToolError, Verdict, counted};
use crate::tools::call::Call;
use crate::tools::project_input::ProjectInput;
use crate::tools::review_sql::Item;
use crate::tools::source::{SqlInput, counting};

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    range: Value,
    findings: Vec<Finding>,
    checklist: BTreeMap<&'static str, Item>,
    statements: Vec<Value>,
}

/// The answer that a broken chain gets; none where its faults cannot be named.
pub(super) fn answer(input: &SqlInput, error: &ToolError, call: &Call<'_>, most: Option<usize>) -> Option<Answer> {
    let project = ProjectInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        dialect: input.dialect,
        server_version: None,
    };
    let workshop = project.workshop(call).ok()?;
    let expected = workshop.workspace.expectations(&workshop.config);
    let mut findings = judge_project(&workshop.workspace.project, &expected, &workshop.config.severities());
    findings.retain(breaks_chain);
    let count = counting(&findings).count();
    if count == 0 {
        return None;
    }
    let summary = format!("blocked: {}, nothing was rendered: {}", counted(count, "fault"), error.message);
    let mut common = Common::of(Verdict::Blocked, &summary);
    common.suggested_queries = findings.iter().take(1).map(|finding| format!("rule-{}", finding.rule)).collect();
    common.next = vec![NextCall {
        tool: "migration_status",
        args: input.project.as_ref().map_or_else(|| json!({}), |project| json!({ "project": project })),
        why: "it says where the chain stands once the files are mended".to_owned(),
    }];
    let mut text = format!("{summary}\n");
    for finding in &findings {
        let place = finding.file.as_ref().map(|file| format!("{file}:{}", finding.line.unwrap_or(1))).unwrap_or_default();
        let _ = writeln!(text, "error {} {place}\n  what: {}\n  do: {}", finding.rule, finding.what, finding.mend);
    }
    let checklist = BTreeMap::from([("chain_linear", Item { ok: Some(false), evidence: error.message.clone() })]);
    let output = Output { common, range: json!({ "from": null, "to": null }), findings, checklist, statements: Vec::new() };
    Some(Answer::of(&output, Verdict::Blocked, text).within(most))
}
