//! The replies of a reception, in Postfix's words for SMTP and Dovecot's for LMTP.

use super::Role;
use mailcore_base::address::ForwardPath;
use mailcore_base::reply::{Code, EnhancedStatus, Reply};
use mailcore_store::Kind;

/// Makes a reply; a number that is no code becomes 451, which harms nobody.
pub(crate) fn reply(code: u16, (subject, detail): (u16, u16), text: impl Into<String>) -> Reply {
    const LOCAL_ERROR: Code = match Code::new(451) {
        Some(code) => code,
        None => unreachable!(),
    };
    let code = Code::new(code).unwrap_or(LOCAL_ERROR);
    // The class follows the code whatever it is here.
    Reply::new(code, EnhancedStatus::new(4, subject, detail), text.into())
}

pub(crate) fn relay_denied(role: Role, path: &ForwardPath) -> Reply {
    match role {
        // Dovecot's LMTP knows users only; a foreign domain is one more user that it lacks.
        Role::Lmtp => unknown_user(role, path),
        // A user's program would try again for days what can never leave.
        Role::Submission => reply(554, (7, 1), format!("<{path}>: Relay access denied")),
        Role::Transfer => reply(454, (7, 1), format!("<{path}>: Relay access denied")),
    }
}

pub(crate) fn unknown_user(role: Role, path: &ForwardPath) -> Reply {
    match role {
        Role::Lmtp => reply(550, (1, 1), format!("<{path}> User doesn't exist: {path}")),
        _ => reply(
            550,
            (1, 1),
            format!("<{path}>: Recipient address rejected: User unknown in virtual mailbox table"),
        ),
    }
}

pub(crate) fn access_denied(path: &ForwardPath) -> Reply {
    reply(
        554,
        (7, 1),
        format!("<{path}>: Recipient address rejected: Access denied"),
    )
}

pub(crate) fn lookup_failed(role: Role, path: &ForwardPath) -> Reply {
    match role {
        Role::Lmtp => reply(451, (3, 0), format!("<{path}> Temporary internal error")),
        _ => reply(451, (3, 0), format!("<{path}>: Temporary lookup failure")),
    }
}

pub(crate) fn too_many_recipients() -> Reply {
    reply(452, (5, 3), "Error: too many recipients")
}

pub(crate) fn no_taker() -> Reply {
    reply(451, (3, 0), "Error: nobody takes mail here")
}

/// What a failed delivery is told as: never a permanent failure for what may pass.
pub(crate) fn delivery_failed(role: Role, user: &str, kind: Kind) -> Reply {
    match (role, kind) {
        (Role::Lmtp, Kind::OverQuota) => reply(
            552,
            (2, 2),
            format!("<{user}> Quota exceeded (mailbox for user is full)"),
        ),
        (_, Kind::OverQuota) => reply(452, (2, 2), "Error: mailbox is full"),
        (Role::Lmtp, Kind::Full) => reply(452, (3, 1), format!("<{user}> Not enough disk space")),
        (Role::Lmtp, _) => reply(451, (2, 0), format!("<{user}> Temporary internal error")),
        (_, kind) => not_queued(kind),
    }
}

/// What is said where the queue does not take a message: never that it is for good.
pub(crate) fn not_queued(kind: Kind) -> Reply {
    match kind {
        // RFC 5321 §4.2.3: 452, insufficient system storage.
        Kind::Full => reply(452, (3, 1), "Insufficient system storage"),
        _ => reply(451, (3, 0), "Error: queue file write error"),
    }
}
