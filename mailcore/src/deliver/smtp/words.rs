//! What an answer, or the lack of one, means for a recipient, in Postfix's words.

use crate::deliver::{Action, Fate};
use crate::net::connect::{ConnectError, Place, Target};
use crate::net::smtp_client::Broken;
use mailcore_base::reply::{EnhancedStatus, Reply};
use mailcore_smtp::client::{Outcome, Trouble};

/// A server as replies and failures name it: `mx.example.org[192.0.2.1]`, without a port.
pub(super) fn host(target: &Target) -> String {
    match &target.place {
        Place::Tcp(at) => format!("{}[{}]", target.name, at.ip()),
        Place::Unix(path) => format!("{}[{}]", target.name, path.display()),
    }
}

/// What became of a recipient at a server; `reports` if that was told what the sender wants to be notified of.
pub(super) fn outcome(outcome: &Outcome, target: &Target, nexthop: &str, reports: bool) -> Fate {
    match outcome {
        Ok(reply) => taken(reply, target, reports),
        Err(trouble) => refused(trouble, target, nexthop),
    }
}

fn taken(reply: &Reply, target: &Target, reports: bool) -> Fate {
    let action = Action::Relayed { reports };
    let fate = Fate::new(action, (0, 0), target.to_string(), reply.to_string());
    // RFC 3463 §2: whatever else it says, it has been taken.
    let status = reply.enhanced().filter(|it| it.class() == 2);
    Fate {
        status: status.unwrap_or(fate.status),
        ..fate
    }
    .said(target.name.as_str(), reply.clone())
}

fn refused(trouble: &Trouble, target: &Target, nexthop: &str) -> Fate {
    let text = trouble.words(&host(target), nexthop);
    let fate = told(trouble.status(), text).by(target.to_string());
    match trouble.reply() {
        Some(reply) => fate.said(target.name.as_str(), reply.clone()),
        None => fate,
    }
}

/// Nothing was said of a message: the connection came to nothing before.
pub(super) fn broken(broken: &Broken, target: &Target, nexthop: &str) -> Fate {
    let fate = refused(&broken.trouble, target, nexthop);
    match broken.certificate {
        Some(text) => Fate {
            text: text.to_owned(),
            ..fate
        },
        None => fate,
    }
}

/// No connection (RFC 3463 §3.5: 4.4.1, no answer from host).
pub(super) fn unconnected(error: &ConnectError) -> Fate {
    Fate::deferred((4, 1), error.to_string())
}

/// The settings cannot be used, or not for now (RFC 3463 §3.4: 4.3.5, system incorrectly configured).
pub(super) fn misconfigured(what: impl Into<String>) -> Fate {
    Fate::deferred((3, 5), what)
}

fn told(status: EnhancedStatus, text: String) -> Fate {
    let action = match status.class() {
        5 => Action::Failed,
        _ => Action::Deferred,
    };
    Fate {
        status,
        ..Fate::new(action, (0, 0), "none", text)
    }
}
