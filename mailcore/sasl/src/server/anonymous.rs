//! ANONYMOUS (RFC 4505): nobody is authenticated; the client may leave a trace of itself.

use super::{Reason, Step};
use crate::{Identity, Mechanism};

/// RFC 4505 §2: 1 to 255 characters; nothing at all is allowed too.
const LONGEST_TRACE: usize = 255;

/// Takes the trace. It is kept as it was sent, without control characters, for it goes into logs.
pub(super) fn respond(message: &[u8]) -> Step {
    let Ok(trace) = std::str::from_utf8(message) else {
        return Step::fail(Reason::Malformed("ANONYMOUS is not UTF-8"));
    };
    if trace.chars().count() > LONGEST_TRACE || trace.contains(char::is_control) {
        return Step::fail(Reason::Malformed("ANONYMOUS has no fit trace"));
    }
    let mut identity = Identity::new(Mechanism::Anonymous, String::from("anonymous"), None);
    identity.trace = Some(trace.to_owned()).filter(|trace| !trace.is_empty());
    Step::Done(Ok(identity))
}
