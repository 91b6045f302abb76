//! Passwords, tokens and keys in text: found by their form, so that they can be kept out of what we print.

use std::ops::Range;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it looks like, in words for a message.
    pub what: &'static str,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What stands in the place of a secret.
pub const HIDDEN: &str = "[hidden]";

/// The secrets in a text, in order, without overlaps.
#[must_use]
pub fn secrets(text: &str) -> Vec<Secret> {
    let mut found = passwords(text);
    found.extend(urls(text));
    found.extend(tokens(text));
    found.extend(private_keys(text));
    found.sort_by_key(|secret| (secret.span.start, std::cmp::Reverse(secret.span.end)));
    let mut end = 0;
    found.retain(|secret| {
        let keep = secret.span.start >= end;
        if keep {
            end = secret.span.end;
        }
        keep
    });
    found
}

/// The text with its secrets hidden.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets(text) {
        out.push_str(text.get(at..secret.span.start).unwrap_or_default());
        out.push_str(HIDDEN);
        at = secret.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// `PASSWORD 'x'`, `IDENTIFIED BY 'x'`, `password=x` in a connection string.
fn passwords(text: &str) -> Vec<Secret> {
    // A value stands behind a sign or in quotes.
    if !text.contains(['=', '\'', '"']) {
        return Vec::new();
    }
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for word in ["password", "identified by", "identified with", "passwd", "pwd", "secret_access_key", "sslpassword"] {
        for (at, _) in lower.match_indices(word) {
            let before = lower.get(..at).unwrap_or_default();
            // Alembic says "Can't locate revision identified by 'x'".
            let is_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') && !before.ends_with("revision ");
            if let Some(span) = is_word.then(|| value_behind(text, at + word.len(), word)).flatten() {
                found.push(Secret { what: "a password", span });
            }
        }
    }
    found
}

/// The literal behind a word: `'x'`, `= x`, `BY 'x'`. Placeholders and single letters are no secrets.
fn value_behind(text: &str, from: usize, word: &str) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let mut at = from + rest.len() - rest.trim_start().len();
    if word == "identified with" {
        let by = text.get(at..)?.to_ascii_lowercase().find(" by ").or_else(|| text.get(at..)?.to_ascii_lowercase().find(" as "))?;
        at += by + 4;
    }
    let rest = text.get(at..)?;
    let equals = rest.starts_with('=');
    let value = rest.trim_start_matches('=');
    at += rest.len() - value.len();
    let trimmed = value.trim_start();
    at += value.len() - trimmed.len();
    let span = match trimmed.chars().next()? {
        quote @ ('\'' | '"') if word != "identified with" || quote == '\'' => {
            let end = trimmed.get(1..)?.find(quote)?;
            at + 1..at + 1 + end
        }
        // `password=x` in a connection string: the word touches the sign and the value.
        _ if equals && rest.starts_with('=') && trimmed.len() == value.len() => {
            let end = trimmed.find(|c: char| c.is_whitespace() || "'\";,)".contains(c)).unwrap_or(trimmed.len());
            at..at + end
        }
        _ => return None,
    };
    is_secret(text.get(span.clone())?).then_some(span)
}

/// True for a value that could be one: no placeholder, no single letter.
#[must_use]
pub fn is_secret(value: &str) -> bool {
    let placeholder = value.starts_with([':', '%', '$', '{', '<', '*', '@', '?']) || value.contains("${") || value == HIDDEN;
    value.len() > 2 && !placeholder && !value.eq_ignore_ascii_case("null")
}

/// `scheme://user:secret@host`, also where somebody took it for a path: then one slash is left.
fn urls(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(":/") {
        let behind = text.get(at + 2..).unwrap_or_default();
        let rest = behind.strip_prefix('/').unwrap_or(behind);
        let from = text.len() - rest.len();
        let end = rest.find(|c: char| c.is_whitespace() || "'\"/<>".contains(c)).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        let Some((login, _)) = authority.rsplit_once('@') else { continue };
        let Some((user, secret)) = login.split_once(':') else { continue };
        if is_secret(secret) {
            let start = from + user.len() + 1;
            found.push(Secret { what: "a connection string with a password", span: start..start + secret.len() });
        }
    }
    found
}

/// Shapes of tokens: how they begin, how long the rest is at least, what they are.
const SHAPES: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("ghr_", 36, "a GitHub token"),
    ("ghu_", 36, "a GitHub token"),
    ("github_pat_", 22, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("xoxa-", 10, "a Slack token"),
    ("xapp-", 10, "a Slack token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("AIza", 35, "a Google API key"),
    ("npm_", 36, "an npm token"),
    ("pypi-", 40, "a PyPI token"),
    ("sk-ant-", 20, "an API key"),
    ("SG.", 40, "a SendGrid key"),
    ("eyJhbGciOi", 20, "a signed token (JWT)"),
];

/// With what the heads of [`SHAPES`] begin.
const FIRST_BYTES: &[u8] = b"AgxsrnpSe";

fn tokens(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut before = 0_u8;
    for (at, byte) in text.bytes().enumerate() {
        let is_apart = !before.is_ascii_alphanumeric();
        before = byte;
        if !is_apart || !FIRST_BYTES.contains(&byte) {
            continue;
        }
        let here = text.get(at..).unwrap_or_default();
        for (head, least, what) in SHAPES {
            let Some(rest) = here.strip_prefix(head) else { continue };
            let apart = !text.get(..at).unwrap_or_default().ends_with(|c: char| c.is_alphanumeric());
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).unwrap_or(rest.len());
            if apart && length >= *least {
                found.push(Secret { what, span: at..at + head.len() + length });
            }
        }
    }
    found
}

fn private_keys(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("-----BEGIN ") {
        let rest = text.get(at..).unwrap_or_default();
        let is_private = rest.get(..60.min(rest.len())).or_else(|| rest.get(..40)).is_some_and(|head| head.contains("PRIVATE KEY"));
        if is_private {
            let end = rest.find("-----END").and_then(|end| rest.get(end + 8..)?.find("-----").map(|more| end + 8 + more + 5));
            found.push(Secret { what: "a private key", span: at..at + end.unwrap_or(rest.len()) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_of_a_token_is_found_where_it_stands_apart() {
        for (head, least, what) in SHAPES {
            let token = format!("{head}{}", "a".repeat(*least));
            for text in [token.clone(), format!("key = '{token}'"), format!("é {token}, and more")] {
                let found = secrets(&text);
                assert_eq!(found.first().map(|one| one.what), Some(*what), "{text}");
                assert_eq!(found.first().and_then(|one| text.get(one.span.clone())), Some(token.as_str()), "{text}");
            }
            for text in [format!("x{token}"), format!("é{token}"), head.to_string()] {
                assert!(tokens(&text).is_empty(), "{text}");
            }
        }
    }
}
