//! Completion: values for an argument that somebody begins to type.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use crate::mcp::prompts;
use crate::tools::answer::clipped;
use crate::tools::call::Call;
use crate::tools::resources::family_of;
use crate::tools::suggestions;

/// The values that fit, those that begin with what was typed first.
///
/// # Errors
/// A prompt or template that does not exist.
pub fn values(call: &Call<'_>, request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let argument = request.argument.name.as_str();
    let known = match &request.r#ref {
        Reference::Prompt(prompt) => {
            prompts::named(&prompt.name)?;
            let project = request.context.as_ref().and_then(|context| context.get_argument("project"));
            suggestions::for_argument(argument, project.map(String::as_str), call)
        }
        Reference::Resource(template) => {
            let Some((family, _)) = family_of(&template.uri) else {
                return Err(ErrorData::invalid_params(format!("there is no template `{}`", clipped(&template.uri, 200)), None));
            };
            (family.complete)(argument, call)
        }
        _ => Vec::new(),
    };
    Ok(CompleteResult::new(fitting(known, &request.argument.value)))
}

fn fitting(known: Vec<String>, typed: &str) -> CompletionInfo {
    let typed = typed.to_lowercase();
    let begins = |value: &String| value.to_lowercase().starts_with(&typed);
    let mut values: Vec<String> = known.into_iter().filter(|value| value.to_lowercase().contains(&typed)).collect();
    values.sort_by_key(|value| (!begins(value), value.clone()));
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let has_more = total > values.len();
    CompletionInfo::with_pagination(values, u32::try_from(total).ok(), has_more).unwrap_or_default()
}
