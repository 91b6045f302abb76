//! The state in an answer: as an object, as a block, what was claimed otherwise, and the calls that come next.

use serde_json::{Value, json};

use crate::lifecycle::approval::Tier;
use crate::tools::answer::{Common, NextCall, clipped};
use crate::tools::migration::Migration;
use crate::tools::tool;

/// No answer names more calls.
const MOST_CALLS: usize = 2;

impl Migration {
    /// Puts the state into an answer; the next call of the phase comes behind those that are there.
    pub fn show(&self, common: &mut Common, environment: Option<&str>, current: Option<&str>) {
        let state = self.state(environment, current);
        common.state = Some(state.json());
        common.state_block = Some(state.text());
        common.state_overrides = self.claim.block.as_ref().map(|block| state.overrides(block)).unwrap_or_default();
        for note in self.record.notes.iter().chain(&self.faults()) {
            if !common.notes.contains(note) {
                common.notes.push(note.clone());
            }
        }
        let action = state.next_action();
        let asked = action.tool.unwrap_or("migration_status");
        let tool = tool(asked).map_or("migration_status", |tool| tool.name);
        let call = NextCall { tool, args: self.arguments(tool), why: why(&action.text) };
        if !common.next.iter().any(|known| known.tool == call.tool) {
            common.next.push(call);
        }
        common.next.truncate(MOST_CALLS);
    }

    fn faults(&self) -> Vec<String> {
        self.record.proven.faults().iter().take(3).map(|fault| format!("the record is not believed: {fault}")).collect()
    }

    /// The arguments with which a tool goes on with this migration.
    #[must_use]
    pub fn arguments(&self, tool: &str) -> Value {
        let mut args = self.repeated.clone();
        let mut put = |name: &str, value: &str| drop(args.insert(name.to_owned(), json!(value)));
        put("migration_id", self.id.as_str());
        match tool {
            "generate_migration" => match self.record.planned_first() {
                Some(name) => {
                    put("mode", "step");
                    args.insert("step".to_owned(), json!({ "name": name }));
                }
                None => put("migration_name", &self.name),
            },
            "apply_migration" => {
                if let Some(environment) = self.first_environment() {
                    put("environment", &environment);
                }
            }
            _ => {}
        }
        Value::Object(args)
    }

    /// Where it should go first: the least serious environment that is named.
    #[must_use]
    pub fn first_environment(&self) -> Option<String> {
        let of = |tier: Tier| self.config.environments.iter().find(move |(_, environment)| environment.tier == tier);
        [Tier::Dev, Tier::Staging, Tier::Production].into_iter().find_map(of).map(|(name, _)| name.clone())
    }

    /// The address of one of its reports.
    #[must_use]
    pub fn report_uri(&self, report: &str) -> String {
        format!("migration://{}/{report}", self.id)
    }
}

/// The reason alone: the tool stands beside it.
fn why(action: &str) -> String {
    action.split_once(": ").map_or(action, |(_, why)| why).to_owned()
}

/// A text that fits, with the state block as its last words.
#[must_use]
pub fn with_block(text: &str, common: &Common, most: Option<usize>) -> String {
    let Some(block) = &common.state_block else {
        return most.map_or_else(|| text.to_owned(), |most| clipped(text, most));
    };
    let mut said = String::new();
    for row in &common.state_overrides {
        said.push_str(&format!("claimed {}: {}, true is {} ({})\n", row.field, row.claimed, row.actual, row.because));
    }
    let end = format!("{said}\n{block}");
    let room = most.map(|most| most.saturating_sub(end.chars().count() + 1));
    let text = room.map_or_else(|| text.to_owned(), |room| clipped(text, room));
    format!("{}\n{end}", text.trim_end())
}
