//! Questions to the person behind a client, in the protocol's two forms.
//!
//! From 2026-07-28 on (MRTR): the call is answered with the question, and made again with the reply. Before: the server asks
//! (`elicitation/create`) while the call waits. A client that shows no forms is asked nothing.
//! What comes back is tied to who asked, tool, arguments and the question itself, and counts for ten minutes.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    BooleanSchema, CallToolRequestParams, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequiredResult, PrimitiveSchemaDefinition, ProtocolVersion, RequestStateCodec, SealOptions,
    ServerRequest, StringSchema,
};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::digest::Digest;
use crate::lifecycle::canonical::canonical;
use crate::store::home::Home;
use crate::tools::call::Caller;
use crate::tools::question::{FieldKind, MOST_TEXT, Question, Reply};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// The question's name in an answer; there is one at a time.
const NAME: &str = "question";

/// What a reply is tied to: who calls which tool with which arguments.
pub fn bond(caller: &Caller, tool: &str, arguments: &Value) -> Vec<u8> {
    let who = match caller {
        Caller::Local => "local".to_owned(),
        Caller::Remote(name) => format!("token {name}"),
    };
    Digest::of("reply to a call", &[who.as_bytes(), tool.as_bytes(), canonical(arguments).as_bytes()]).hex().into_bytes()
}

/// A reply that came with a call that is made again.
pub struct Returned {
    question: Digest,
    reply: Option<Value>,
}

/// The reply that a request carries; none: it is the first of its kind.
///
/// # Errors
/// The state was not made here for this call, or is too old.
pub fn returned(request: &CallToolRequestParams, bond: &[u8]) -> Result<Option<Returned>, ErrorData> {
    let Some(state) = &request.request_state else { return Ok(None) };
    let refused = |why: &dyn std::fmt::Display| {
        ErrorData::invalid_params(format!("`requestState` is not of this call: {why}; call again without it to be asked anew"), None)
    };
    let codec = codec().ok_or_else(|| refused(&"there is no key"))?;
    let opened = codec.open_json_with::<Digest>(state, bond).map_err(|error| refused(&error))?;
    let reply = request.input_responses.as_ref().and_then(|replies| replies.get(NAME)).cloned();
    Ok(Some(Returned { question: opened, reply }))
}

/// Seals with the key of this machine, so that any replica that shares it goes on; without one, with a key of this process.
/// None where no secret can be had at all: then nobody is asked this way.
fn codec() -> Option<&'static RequestStateCodec> {
    static CODEC: OnceLock<Option<RequestStateCodec>> = OnceLock::new();
    let made = || {
        let own = Home::of_this_user().and_then(|home| home.own_key());
        let own = own.map(|key| key.seal("questions to the person behind a client").mac.into_bytes());
        let secret = own.or_else(|_| {
            let mut bytes = vec![0; 32];
            getrandom::fill(&mut bytes).map(|()| bytes)
        });
        RequestStateCodec::try_new(secret.ok()?).ok()
    };
    CODEC.get_or_init(made).as_ref()
}

/// How a client can be asked.
enum Way {
    /// It asks when it is told so, and calls again.
    Again(Option<Returned>),
    /// It is asked while the call waits.
    Now(mpsc::Sender<Asked>),
    /// Not at all.
    Nohow,
}

/// A question under way to the client.
pub struct Asked {
    question: Question,
    reply: oneshot::Sender<Reply>,
}

/// Where a tool's questions go.
pub struct Desk {
    way: Way,
    /// The question that the client has to ask before it calls again.
    open: Mutex<Option<Question>>,
}

impl Desk {
    /// The desk for one call; the receiver holds what is asked while the call waits.
    pub fn of(context: &RequestContext<RoleServer>, returned: Option<Returned>) -> (Self, mpsc::Receiver<Asked>) {
        let (sender, receiver) = mpsc::channel(1);
        let shows_forms = context
            .client_capabilities()
            .and_then(|can| can.elicitation)
            // Before there were two kinds, a client that could ask could show forms.
            .is_some_and(|kinds| kinds.form.is_some() || kinds.url.is_none());
        let is_modern = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        let way = match (shows_forms, is_modern) {
            (false, _) => Way::Nohow,
            (true, true) if codec().is_some() => Way::Again(returned),
            (true, true) => Way::Nohow,
            (true, false) => Way::Now(sender),
        };
        (Self { way, open: Mutex::default() }, receiver)
    }

    /// Asks; on a thread that may wait.
    pub fn ask(&self, question: Question) -> Reply {
        match &self.way {
            Way::Nohow => Reply::Nobody,
            Way::Now(desk) => {
                let (reply, replied) = oneshot::channel();
                match desk.blocking_send(Asked { question, reply }) {
                    Ok(()) => replied.blocking_recv().unwrap_or(Reply::Nobody),
                    Err(_) => Reply::Nobody,
                }
            }
            Way::Again(returned) => {
                let came = returned.as_ref().filter(|returned| returned.question == question.digest());
                let reply = came.and_then(|came| reply_of(&question, came.reply.clone()?));
                reply.unwrap_or_else(|| {
                    *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(question);
                    Reply::Later
                })
            }
        }
    }

    /// What the client has to ask before it calls again. With the desk the way to the client ends.
    pub fn open(self) -> Option<Question> {
        self.open.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer that makes a client ask; none where its reply could not be told from a forged one.
pub fn required(question: &Question, bond: &[u8]) -> Option<InputRequiredResult> {
    let sealing = SealOptions::new().associated_data(bond).ttl(PATIENCE);
    let state = codec()?.seal_json_with(&question.digest(), &sealing).ok()?;
    let asked = InputRequest::Elicitation(ElicitRequest::new(form(question)));
    Some(InputRequiredResult::new(Some(BTreeMap::from([(NAME.to_owned(), asked)])), Some(state)))
}

/// Puts questions to a client that is asked while the call waits, until the call has no more.
pub async fn put(peer: &Peer<RoleServer>, mut asked: mpsc::Receiver<Asked>) {
    while let Some(Asked { question, reply }) = asked.recv().await {
        let request = ServerRequest::ElicitRequest(ElicitRequest::new(form(&question)));
        let answer = tokio::time::timeout(PATIENCE, peer.send_request(request)).await;
        let said = match answer {
            Ok(Ok(ClientResult::ElicitResult(result))) => reply_to(&question, result).unwrap_or(Reply::Declined),
            // It could not be shown, or nobody looked.
            Ok(Ok(_) | Err(_)) | Err(_) => Reply::Nobody,
        };
        let _ = reply.send(said);
    }
}

fn reply_of(question: &Question, given: Value) -> Option<Reply> {
    reply_to(question, serde_json::from_value(given).ok()?)
}

/// What was replied; none where it is not what was asked for.
fn reply_to(question: &Question, result: ElicitResult) -> Option<Reply> {
    if result.action != ElicitationAction::Accept {
        return Some(Reply::Declined);
    }
    let content = result.content.unwrap_or_default();
    question.filled(content.as_object()?).map(Reply::Filled)
}

fn form(question: &Question) -> ElicitRequestParams {
    let mut properties = BTreeMap::new();
    for field in &question.fields {
        let schema = match field.kind {
            FieldKind::YesNo => PrimitiveSchemaDefinition::Boolean(BooleanSchema::new().title(field.title.clone())),
            FieldKind::Text => {
                let schema = StringSchema::new().title(field.title.clone()).max_length(u32::try_from(MOST_TEXT).unwrap_or(u32::MAX));
                PrimitiveSchemaDefinition::String(if field.is_required { schema.min_length(1) } else { schema })
            }
        };
        properties.insert(field.name.to_owned(), schema);
    }
    let required = question.fields.iter().filter(|field| field.is_required).map(|field| field.name.to_owned()).collect();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: crate::secret::redacted(&question.message),
        requested_schema: ElicitationSchema::new(properties).with_required(required),
    }
}
