//! What a tool may ask the person behind a client, and what comes back.
//!
//! A form that a client shows is an attestation of level L1, no more: a client without a person can fill it in too. What a
//! model writes into an argument is never one.

use serde_json::{Map, Value};

use crate::digest::Digest;

/// A form with a few fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is at stake, complete on its own: the person may see nothing else. Without secrets.
    pub message: String,
    /// What is to be filled in.
    pub fields: Vec<Field>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the reply.
    pub name: &'static str,
    /// What stands beside it.
    pub title: String,
    /// What it takes.
    pub kind: FieldKind,
    /// It may not be left out.
    pub is_required: bool,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Yes or no.
    YesNo,
    /// A text of at most [`MOST_TEXT`] characters; a required one is not empty.
    Text,
}

/// The longest text of a reply, in characters.
pub const MOST_TEXT: usize = 1_000;

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The client says that a person filled the form in; it holds what was asked for and nothing else.
    Filled(Map<String, Value>),
    /// The person declined, or closed the form.
    Declined,
    /// The client asks now and calls again; an answer that is given meanwhile is dropped.
    Later,
    /// The client shows no forms: say in the answer what a person has to do, and where.
    Nobody,
}

impl Question {
    /// Ties a reply to what was asked, word for word.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let fields = self.fields.iter().map(|field| format!("{}\0{}\0{:?}\0{}", field.name, field.title, field.kind, field.is_required));
        let parts: Vec<String> = std::iter::once(self.message.clone()).chain(fields).collect();
        Digest::of("question", &parts.iter().map(String::as_bytes).collect::<Vec<_>>())
    }

    /// What was filled in, if it is what was asked for.
    #[must_use]
    pub fn filled(&self, content: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut filled = Map::new();
        for field in &self.fields {
            match (content.get(field.name), field.kind) {
                (None | Some(Value::Null), _) if !field.is_required => {}
                (Some(given @ Value::Bool(_)), FieldKind::YesNo) => drop(filled.insert(field.name.to_owned(), given.clone())),
                (Some(Value::String(text)), FieldKind::Text)
                    if text.chars().count() <= MOST_TEXT && !(field.is_required && text.trim().is_empty()) =>
                {
                    filled.insert(field.name.to_owned(), Value::String(text.clone()));
                }
                (None | Some(_), FieldKind::YesNo | FieldKind::Text) => return None,
            }
        }
        Some(filled)
    }
}
