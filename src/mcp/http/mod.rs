//! MCP over HTTP, without sessions: every request carries what it needs.
//!
//! `rmcp` speaks the protocol; what stands in front of it is ours: who may come in, how often, how much, how long.
//! TLS is left to a proxy.

mod door;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rmcp::handler::server::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use crate::mcp::http::door::{Guest, Refused, Turnstile};

use crate::mcp::Gate;
use crate::mcp::message::{self, Refusal};
use crate::tokens::{FILE_VARIABLE, Tokens};
use crate::tools::search_knowledge;

/// Where and for whom a server stands.
#[derive(Debug)]
pub struct Site {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Who may come in; none: everybody on this machine.
    pub tokens: Option<Tokens>,
    /// Names by which clients reach it, beside those of the loopback and the address itself.
    pub hosts: Vec<String>,
    /// How much and how long.
    pub limits: Limits,
}

/// How much a client may ask for, and how long it may take to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// From the first byte of a request to the end of its headers; as long a connection may stand idle.
    pub headers: Duration,
    /// From the headers to the end of the body.
    pub body: Duration,
    /// Open connections.
    pub connections: usize,
    /// Requests that are answered at one time.
    pub requests: usize,
    /// Requests a second of one caller.
    pub per_second: u32,
    /// How long requests may still take after SIGINT or SIGTERM.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            headers: Duration::from_secs(20),
            body: Duration::from_secs(20),
            connections: 512,
            requests: 256,
            per_second: 1_000,
            grace: Duration::from_secs(5),
        }
    }
}

/// Requests that a caller may make at once, in seconds of its rate.
const STORE_SECONDS: u32 = 20;

/// The server cannot stand there.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Others could reach it, and nobody asks who they are.
    #[error("`{address}` can be reached from other machines, and `{FILE_VARIABLE}` names no tokens")]
    NoTokens {
        /// The address.
        address: SocketAddr,
    },
    /// Others could reach it, and there is nothing that they could name.
    #[error("`{address}` can be reached from other machines, and no project has a name")]
    NoProjects {
        /// The address.
        address: SocketAddr,
    },
    /// The address is taken, or not ours.
    #[error("`{address}` cannot be listened on")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl HttpError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoTokens { .. } => format!(
                "`alembic-gate token NAME --rights read,test` prints an entry for the file that `{FILE_VARIABLE}` names; or listen on 127.0.0.1"
            ),
            Self::NoProjects { .. } => "start with `--project NAME=DIR`: over HTTP a caller names a project, never a path".to_owned(),
            Self::Bind { .. } => "take another port, or stop what listens there".to_owned(),
        }
    }
}

/// Listens, where a server may stand there.
///
/// # Errors
/// Other machines could reach it without a token or a named project; the address cannot be had.
pub async fn listen(gate: &Gate, site: &Site) -> Result<TcpListener, HttpError> {
    let address = site.address;
    if !address.ip().is_loopback() {
        if site.tokens.is_none() {
            return Err(HttpError::NoTokens { address });
        }
        if gate.settings.projects.is_empty() {
            return Err(HttpError::NoProjects { address });
        }
    }
    TcpListener::bind(address).await.map_err(|source| HttpError::Bind { address, source })
}

/// What all connections share.
struct House<H> {
    gate: Gate,
    site: Site,
    protocol: StreamableHttpService<H, NeverSessionManager>,
    turnstile: Turnstile,
    in_flight: Semaphore,
    is_closing: AtomicBool,
}

type Reply = Response<BoxBody<Bytes, Infallible>>;

/// Serves on a listener until `stop` comes; then requests under way are answered, within the grace.
pub async fn serve_on(gate: Gate, site: Site, listener: TcpListener, stop: impl Future<Output = ()>) {
    serve_handler_on(gate.clone().remote(), gate, site, listener, stop).await;
}

/// The same door, limits and probes around any handler: for tests of what stands around ours.
pub async fn serve_handler_on<H: ServerHandler + Clone>(
    handler: H,
    gate: Gate,
    mut site: Site,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    if !site.address.ip().is_unspecified() {
        site.hosts.push(shown(site.address.ip()));
    }
    let ending = CancellationToken::new();
    let limits = site.limits;
    let house = Arc::new(House {
        protocol: protocol(handler, limits, ending.clone()),
        turnstile: Turnstile::new(limits.per_second, limits.per_second.saturating_mul(STORE_SECONDS)),
        in_flight: Semaphore::new(limits.requests),
        is_closing: AtomicBool::new(false),
        gate,
        site,
    });
    let open = Arc::new(Semaphore::new(limits.connections));
    let leaving = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accepted(&listener, &open) => accepted,
            () = &mut stop => break,
        };
        let (stream, peer, place) = accepted;
        let _ = stream.set_nodelay(true);
        let served = served(Arc::clone(&house), stream, peer, &leaving);
        tokio::spawn(async move {
            let _place = place;
            served.await;
        });
    }
    drop(listener);
    house.is_closing.store(true, Ordering::Relaxed);
    let _ = tokio::time::timeout(limits.grace, leaving.shutdown()).await;
    ending.cancel();
    house.gate.quiet(Duration::from_millis(100)).await;
}

fn protocol<H: ServerHandler + Clone>(
    handler: H,
    limits: Limits,
    ending: CancellationToken,
) -> StreamableHttpService<H, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(limits.body_bytes)
        .with_cancellation_token(ending)
        // Host and Origin are looked at before, for every route.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config)
}

/// The next connection, once there is a place for it.
async fn accepted(listener: &TcpListener, open: &Arc<Semaphore>) -> (TcpStream, SocketAddr, Option<tokio::sync::OwnedSemaphorePermit>) {
    let place = Arc::clone(open).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            // Too many open files, a peer that is gone: the next may come through.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection.
fn served<H: ServerHandler + Clone>(
    house: Arc<House<H>>,
    stream: TcpStream,
    peer: SocketAddr,
    leaving: &GracefulShutdown,
) -> impl Future<Output = ()> + use<H> {
    let limits = house.site.limits;
    let service = service_fn(move |request| {
        let house = Arc::clone(&house);
        async move { Ok::<_, Infallible>(house.answer(request, peer.ip()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    let connection = leaving.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
    }
}

impl<H: ServerHandler + Clone> House<H> {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        let (route, reply) = match request.uri().path() {
            "/mcp" => ("/mcp", self.mcp(request, peer).await),
            "/healthz" => ("/healthz", probe(request.method(), StatusCode::OK, "ok\n".to_owned())),
            "/readyz" => ("/readyz", self.ready(request.method()).await),
            "/metrics" => ("/metrics", self.metrics(&request, peer)),
            _ => ("other", refusal(StatusCode::NOT_FOUND, "there are /mcp, /healthz, /readyz and /metrics")),
        };
        self.gate.metrics.answered(route, reply.status().as_u16());
        reply
    }

    /// Who asks, if this one may come in.
    fn guest<B>(&self, request: &Request<B>, peer: IpAddr) -> Result<Guest, Box<Reply>> {
        let come_in = || {
            door::is_meant(request.uri(), request.headers(), &self.site.hosts)?;
            let guest = door::guest(request.headers(), self.site.tokens.as_ref());
            let who = match &guest {
                Ok(Guest { caller: crate::tools::call::Caller::Remote(name), .. }) if self.site.tokens.is_some() => format!("token {name}"),
                _ => format!("address {peer}"),
            };
            self.turnstile.pass(&who, Instant::now())?;
            guest
        };
        come_in().map_err(|refused| {
            self.gate.metrics.refused(refused.reason());
            tracing::info!(reason = refused.reason(), %peer, "refused at the door");
            Box::new(turned_away(refused))
        })
    }

    async fn mcp(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        let guest = match self.guest(&request, peer) {
            Ok(guest) => guest,
            Err(reply) => return *reply,
        };
        let Ok(_turn) = self.in_flight.try_acquire() else {
            self.gate.metrics.refused("busy");
            return with(refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is busy"), RETRY_AFTER, "1");
        };
        let (mut parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return with(
                refusal(StatusCode::METHOD_NOT_ALLOWED, "send messages by POST; there are no sessions and no streams to open"),
                ALLOW,
                "POST",
            );
        }
        let told = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let body = match self.body(body, told).await {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        if let Err(refused) = message::read(&body).and_then(|message| message.ok_or_else(nothing)) {
            return json(StatusCode::BAD_REQUEST, refused.line());
        }
        parts.extensions.insert(guest);
        self.protocol.handle(Request::from_parts(parts, Full::new(body))).await
    }

    /// The whole body, if it is not too large and does not take too long.
    async fn body(&self, body: Incoming, told: Option<usize>) -> Result<Bytes, Box<Reply>> {
        let limits = self.site.limits;
        let too_large = || {
            let most = limits.body_bytes >> 10;
            let reply = refusal(StatusCode::PAYLOAD_TOO_LARGE, &format!("a request has at most {most} KiB over HTTP; review SQL in parts"));
            // What is left of the body is not read: the connection ends.
            Box::new(with(reply, hyper::header::CONNECTION, "close"))
        };
        if told.is_some_and(|bytes| bytes > limits.body_bytes) {
            return Err(too_large());
        }
        let collected = tokio::time::timeout(limits.body, Limited::new(body, limits.body_bytes).collect());
        match collected.await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Box::new(refusal(StatusCode::BAD_REQUEST, "the request broke off"))),
            Err(_) => {
                let reply = refusal(StatusCode::REQUEST_TIMEOUT, &format!("the request was not there after {} s", limits.body.as_secs()));
                Err(Box::new(with(reply, hyper::header::CONNECTION, "close")))
            }
        }
    }

    /// Ready: the reference can be searched, and the server does not end.
    async fn ready(&self, method: &Method) -> Reply {
        if self.is_closing.load(Ordering::Relaxed) {
            return probe(method, StatusCode::SERVICE_UNAVAILABLE, "the server ends\n".to_owned());
        }
        match tokio::task::spawn_blocking(search_knowledge::library).await {
            Ok(Ok(_)) => probe(method, StatusCode::OK, "ready\n".to_owned()),
            Ok(Err(error)) => probe(method, StatusCode::SERVICE_UNAVAILABLE, format!("the reference cannot be searched: {error}\n")),
            Err(_) => probe(method, StatusCode::SERVICE_UNAVAILABLE, "the reference cannot be searched\n".to_owned()),
        }
    }

    fn metrics<B>(&self, request: &Request<B>, peer: IpAddr) -> Reply {
        match self.guest(request, peer) {
            Ok(_) => {
                let in_flight = self.site.limits.requests.saturating_sub(self.in_flight.available_permits());
                probe(request.method(), StatusCode::OK, self.gate.metrics.text(in_flight))
            }
            Err(reply) => *reply,
        }
    }
}

fn nothing() -> Refusal {
    Refusal::of_nobody(-32_600, "the request is empty, or a notification that the protocol does not know")
}

/// An address as it stands in `Host`.
fn shown(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn text(status: StatusCode, content_type: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text)).boxed());
    *reply.status_mut() = status;
    with(reply, CONTENT_TYPE, content_type)
}

fn json(status: StatusCode, line: String) -> Reply {
    text(status, "application/json", line)
}

/// A refusal as a message of the protocol: clients show it.
fn refusal(status: StatusCode, message: &str) -> Reply {
    json(status, Refusal::of_nobody(-32_600, message).line())
}

fn turned_away(refused: Refused) -> Reply {
    let reply = refusal(refused.status(), refused.message());
    match refused {
        Refused::Host | Refused::Origin => reply,
        Refused::NoToken => with(reply, WWW_AUTHENTICATE, "Bearer realm=\"alembic-gate\""),
        Refused::WrongToken => with(reply, WWW_AUTHENTICATE, "Bearer realm=\"alembic-gate\", error=\"invalid_token\""),
        Refused::TooOften => with(reply, RETRY_AFTER, "1"),
    }
}

fn with(mut reply: Reply, name: hyper::header::HeaderName, value: &'static str) -> Reply {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}

/// The answer to a probe: GET and HEAD only.
fn probe(method: &Method, status: StatusCode, content: String) -> Reply {
    if method == Method::GET || method == Method::HEAD {
        text(status, "text/plain; version=0.0.4; charset=utf-8", content)
    } else {
        with(refusal(StatusCode::METHOD_NOT_ALLOWED, "ask by GET"), ALLOW, "GET, HEAD")
    }
}

/// The tokens of the file that the environment names; none where it names none.
///
/// # Errors
/// The file cannot be used.
pub fn tokens_from_environment() -> Result<Option<Tokens>, crate::tokens::TokenError> {
    let path = std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    path.map(|path| Tokens::read(&path)).transpose()
}

/// Nobody's rights: who comes without a guest's card gets nothing.
pub(crate) fn nobody() -> Guest {
    Guest { caller: crate::tools::call::Caller::Remote("nobody".to_owned()), rights: BTreeSet::new() }
}
