//! PLAIN (RFC 4616): one message with everything in it.

use super::{Reason, Step, password};
use crate::Mechanism;

/// RFC 4616 §2: `message = [authzid] UTF8NUL authcid UTF8NUL passwd`.
pub(super) fn respond(message: &[u8]) -> Step {
    let Ok(message) = std::str::from_utf8(message) else {
        return Step::fail(Reason::Malformed("PLAIN is not UTF-8"));
    };
    let mut parts = message.split('\0');
    let (Some(authorization), Some(authentication), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Step::fail(Reason::Malformed("PLAIN has not three parts"));
    };
    let authorization = Some(authorization).filter(|name| !name.is_empty());
    password::ask(Mechanism::Plain, authorization, authentication, password)
}
