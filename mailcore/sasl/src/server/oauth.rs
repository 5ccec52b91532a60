//! OAUTHBEARER (RFC 7628) and its elder, XOAUTH2: a token in place of a password. Tokens are issued and
//! verified elsewhere.

use super::{Awaiting, Discovery, Failure, Need, Reason, Step};
use crate::gs2::{Flag, Header};
use crate::{Identity, Mechanism, Secret, prepare_query};
use std::fmt::Write;

/// `kvsep`.
const SEPARATOR: char = '\u{1}';

/// Takes the token out of the one message that there is.
pub(super) fn respond(mechanism: Mechanism, discovery: Discovery, message: &[u8]) -> Step {
    let Ok(message) = std::str::from_utf8(message) else {
        return Step::fail(Reason::Malformed("the message with the token is not UTF-8"));
    };
    let read = if mechanism == Mechanism::Xoauth2 {
        read_xoauth2
    } else {
        read_oauthbearer
    };
    let Some(Request { name, token }) = read(message) else {
        return Step::fail(Reason::Malformed(
            "the message with the token has not its form",
        ));
    };
    let authorization = match name.as_deref().map(prepare_query).transpose() {
        Ok(name) => name.map(|name| name.to_string()),
        Err(_) => return Step::fail(Reason::Refused),
    };
    match token {
        Some(token) => Step::Need(Need::VerifyToken(VerifyToken {
            mechanism,
            discovery,
            authorization,
            token,
        })),
        // RFC 7628 §4.3: a client without a token learns from the error where to get one.
        None => refuse(
            mechanism,
            &discovery,
            authorization,
            TokenRefusal::InvalidToken,
        ),
    }
}

/// What a client's message says; no token where it only asks where to get one.
struct Request {
    name: Option<String>,
    token: Option<Secret>,
}

/// RFC 7628 §3.1: `client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep`.
fn read_oauthbearer(message: &str) -> Option<Request> {
    if message == "\u{1}" {
        return Some(Request {
            name: None,
            token: None,
        });
    }
    let (header, rest) = Header::parse(message)?;
    if matches!(header.flag, Flag::Used(_)) {
        return None; // There is no OAUTHBEARER-PLUS.
    }
    let token = read_pairs(rest.strip_prefix(SEPARATOR)?)?;
    Some(Request {
        name: header.authorization.map(String::from),
        token,
    })
}

/// `user=` name SEPARATOR `auth=Bearer ` token SEPARATOR SEPARATOR.
fn read_xoauth2(message: &str) -> Option<Request> {
    let (name, rest) = message.strip_prefix("user=")?.split_once(SEPARATOR)?;
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Some(Request {
        name,
        token: read_pairs(rest)?,
    })
}

/// `*kvpair kvsep`, where `kvpair = key "=" value kvsep`. Outer `None`: not of that form. Of the keys only
/// `auth` is of interest; host and port are for proxies.
fn read_pairs(pairs: &str) -> Option<Option<Secret>> {
    let mut token = None;
    let mut seen = false;
    let pairs = pairs.strip_suffix(SEPARATOR)?;
    if pairs.is_empty() {
        return Some(None);
    }
    for pair in pairs.strip_suffix(SEPARATOR)?.split(SEPARATOR) {
        let (key, value) = pair.split_once('=')?;
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic());
        if !plain || (key == "auth" && seen) {
            return None;
        }
        if key == "auth" {
            seen = true;
            token = read_bearer(value)?;
        }
    }
    Some(token)
}

/// RFC 6750 §2.1: `credentials = "Bearer" 1*SP b64token`. Outer `None`: neither that nor empty.
fn read_bearer(value: &str) -> Option<Option<Secret>> {
    if value.is_empty() {
        return Some(None);
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let stem = token.trim_end_matches('=');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    let fits = scheme.eq_ignore_ascii_case("Bearer") && !stem.is_empty() && stem.bytes().all(plain);
    fits.then(|| Some(Secret::new(token)))
}

/// Asks whose token this is.
#[must_use = "a need that is dropped cancels the exchange"]
#[derive(Debug)]
pub struct VerifyToken {
    mechanism: Mechanism,
    discovery: Discovery,
    authorization: Option<String>,
    token: Secret,
}

impl VerifyToken {
    /// The token, as it was sent.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The user whom the client names. The token alone says who it is; the name is only what it wishes to
    /// act as.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// By which mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Goes on: a refused token gets an error challenge first, and fails with the client's reply to it.
    pub fn answer(self, verdict: TokenVerdict) -> Step {
        let Self {
            mechanism,
            discovery,
            authorization,
            ..
        } = self;
        match verdict {
            TokenVerdict::Accepted { user } => {
                Step::Done(Ok(Identity::new(mechanism, user, authorization)))
            }
            TokenVerdict::Refused(refusal) => refuse(mechanism, &discovery, authorization, refusal),
            TokenVerdict::Unavailable => {
                Step::Done(Err(Failure::new(Reason::Unavailable, authorization)))
            }
        }
    }
}

/// The answer of a token check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenVerdict {
    /// The token is good.
    Accepted {
        /// Whose it is.
        user: String,
    },
    /// It is not.
    Refused(TokenRefusal),
    /// The backend cannot say just now.
    Unavailable,
}

/// Why a token was refused (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// Something is missing from the request, or said twice.
    InvalidRequest,
    /// Expired, revoked, malformed or not for us.
    InvalidToken,
    /// It does not reach as far as mail.
    InsufficientScope,
}

impl TokenRefusal {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The status of HTTP that goes with it (RFC 6750 §3.1), which XOAUTH2 tells.
    const fn status(self) -> &'static str {
        match self {
            Self::InvalidRequest => "400",
            Self::InvalidToken => "401",
            Self::InsufficientScope => "403",
        }
    }
}

fn refuse(
    mechanism: Mechanism,
    discovery: &Discovery,
    name: Option<String>,
    refusal: TokenRefusal,
) -> Step {
    let challenge = error(mechanism, discovery, refusal);
    Step::challenge(
        challenge,
        Awaiting::BearerEnd(Failure::new(Reason::Refused, name)),
    )
}

/// RFC 7628 §3.2.2.
fn error(mechanism: Mechanism, discovery: &Discovery, refusal: TokenRefusal) -> String {
    let mut json = String::from("{");
    if mechanism == Mechanism::Xoauth2 {
        write_pair(&mut json, "status", refusal.status());
        write_pair(&mut json, "schemes", "bearer");
    } else {
        write_pair(&mut json, "status", refusal.name());
    }
    if let Some(scope) = &discovery.scope {
        write_pair(&mut json, "scope", scope);
    }
    if let (Some(url), Mechanism::OauthBearer) = (&discovery.openid_configuration, mechanism) {
        write_pair(&mut json, "openid-configuration", url);
    }
    json.push('}');
    json
}

/// RFC 8259 §7: quotes, backslashes and control characters are escaped.
fn write_pair(json: &mut String, key: &str, value: &str) {
    let gap = if json.ends_with('{') { "" } else { "," };
    // Writing to a String cannot fail.
    let _ = write!(json, "{gap}\"{key}\":\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}
