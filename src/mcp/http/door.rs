//! Who may come in: names of the server, origins, tokens, and how often.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hyper::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};

use crate::tokens::{Right, Tokens};
use crate::tools::call::Caller;

/// Somebody who came in over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// By the name of the token.
    pub caller: Caller,
    /// What may be done.
    pub rights: BTreeSet<Right>,
}

impl Guest {
    /// Somebody on this machine without a token: everything but applying.
    fn anonymous() -> Self {
        Self { caller: Caller::Remote("anonymous".to_owned()), rights: BTreeSet::from([Right::Read, Right::Test]) }
    }
}

/// Why somebody stays outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The request names another server: a web page that rebinds a name to this address.
    Host,
    /// A web page of another origin asks.
    Origin,
    /// No token.
    NoToken,
    /// A token that nobody has.
    WrongToken,
    /// Too often.
    TooOften,
}

impl Refused {
    /// A word for the counter.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::NoToken => "no_token",
            Self::WrongToken => "wrong_token",
            Self::TooOften => "too_often",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// What to say.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Host => "the `Host` is none of this server's names; the operator adds one with `--allow-host`",
            Self::Origin => "pages of this `Origin` may not ask; the operator adds one with `--allow-host`",
            Self::NoToken => "a token is needed: `Authorization: Bearer …`",
            Self::WrongToken => "this token is not known here",
            Self::TooOften => "too many requests; wait a second",
        }
    }
}

/// Names by which this machine speaks of itself.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a request is meant for this server, and by nobody who was lured here.
///
/// # Errors
/// A `Host` or `Origin` that is not allowed; a present `Origin` that cannot be read.
pub fn is_meant(uri: &Uri, headers: &HeaderMap, allowed: &[String]) -> Result<(), Refused> {
    let is_allowed = |host: &str| is_loopback(host) || allowed.iter().any(|name| name.eq_ignore_ascii_case(host));
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| Refused::Host)?.to_owned(),
        (None, _) => uri.authority().map(ToString::to_string).unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Refused::Host),
    };
    if !is_allowed(without_port(&host)) {
        return Err(Refused::Host);
    }
    for origin in headers.get_all(ORIGIN) {
        let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| without_port(authority));
        if !host.is_some_and(is_allowed) {
            return Err(Refused::Origin);
        }
    }
    Ok(())
}

/// `host` of `host:port`, `[::1]` of `[::1]:80`.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && host.parse::<Ipv6Addr>().is_err() => host,
        _ => authority,
    }
}

/// Who asks.
///
/// # Errors
/// No token, or one that nobody has, where tokens are needed.
pub fn guest(headers: &HeaderMap, tokens: Option<&Tokens>) -> Result<Guest, Refused> {
    let Some(tokens) = tokens else { return Ok(Guest::anonymous()) };
    let given = headers.get(AUTHORIZATION).ok_or(Refused::NoToken)?;
    let token = given.to_str().ok().and_then(|given| given.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let bearer = token.and_then(|(_, token)| tokens.bearer(token.trim())).ok_or(Refused::WrongToken)?;
    Ok(Guest { caller: Caller::Remote(bearer.name), rights: bearer.rights })
}

/// How often each may ask: so many a second, and a store of them for the start.
#[derive(Debug)]
pub struct Turnstile {
    per_second: f64,
    store: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Callers remembered at one time; those who have not asked for long are forgotten first.
const MOST_CALLERS: usize = 10_000;

impl Turnstile {
    /// `per_second` on average, `store` at once.
    #[must_use]
    pub fn new(per_second: u32, store: u32) -> Self {
        Self { per_second: f64::from(per_second), store: f64::from(store), buckets: Mutex::default() }
    }

    /// Lets somebody pass, or not.
    ///
    /// # Errors
    /// The store is used up.
    pub fn pass(&self, who: &str, now: Instant) -> Result<(), Refused> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_CALLERS && !buckets.contains_key(who) {
            let refilled = |bucket: &Bucket| bucket.left + now.duration_since(bucket.at).as_secs_f64() * self.per_second >= self.store;
            buckets.retain(|_, bucket| !refilled(bucket));
        }
        if buckets.len() >= MOST_CALLERS && !buckets.contains_key(who) {
            return Err(Refused::TooOften);
        }
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: self.store, at: now });
        bucket.left = self.store.min(bucket.left + now.duration_since(bucket.at).as_secs_f64() * self.per_second);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Refused::TooOften);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}
