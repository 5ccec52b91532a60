//! What a transport reports of a job: a fate for each recipient, and what was learned of the destination.

use mailcore_base::reply::{EnhancedStatus, Reply};
use std::time::Duration;

/// What became of one recipient's copy (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It lies in the mailbox.
    Delivered,
    /// Another server has it. Whether that one reports about it is not known: it may not know how (RFC 3461 §6.2.7.3).
    Relayed {
        /// Whether it was told what the sender wants to be notified of.
        reports: bool,
    },
    /// Several others have taken the recipient's place.
    Expanded,
    /// It cannot be delivered, ever.
    Failed,
    /// Not yet.
    Deferred,
}

/// The server that answered, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// What it said, for `Diagnostic-Code`.
    pub reply: Reply,
}

/// What became of one recipient, and why: enough for the log, for reports, and for the queue's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// What happened.
    pub action: Action,
    /// The status in three numbers, its class in keeping with the action.
    pub status: EnhancedStatus,
    /// Where it went, as the log says: `none`, `virtual`, `host[address]:port`.
    pub relay: String,
    /// Why, in the log's words.
    pub text: String,
    /// The other server's answer, where there was one.
    pub remote: Option<Remote>,
}

impl Fate {
    /// Delivered here, durably.
    #[must_use]
    pub fn delivered(relay: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Action::Delivered, (0, 0), relay, text)
    }

    /// Not to be delivered, ever.
    #[must_use]
    pub fn failed(about: (u16, u16), text: impl Into<String>) -> Self {
        Self::new(Action::Failed, about, "none", text)
    }

    /// To be tried again.
    #[must_use]
    pub fn deferred(about: (u16, u16), text: impl Into<String>) -> Self {
        Self::new(Action::Deferred, about, "none", text)
    }

    /// A fate of this action, its status of the class that belongs to it, about subject and detail (RFC 3463 §2).
    #[must_use]
    pub fn new(
        action: Action,
        about: (u16, u16),
        relay: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            action,
            status: status(action, about),
            relay: relay.into(),
            text: text.into(),
            remote: None,
        }
    }

    /// The same with the relay it went to.
    #[must_use]
    pub fn by(self, relay: impl Into<String>) -> Self {
        Self {
            relay: relay.into(),
            ..self
        }
    }

    /// The same with another server's answer.
    #[must_use]
    pub fn said(self, name: impl Into<String>, reply: Reply) -> Self {
        let name = name.into();
        Self {
            remote: Some(Remote { name, reply }),
            ..self
        }
    }

    /// Whether nothing more is to be done for the recipient, but perhaps a report.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.action != Action::Deferred
    }
}

/// The status of an action; numbers that are none say nothing in particular.
fn status(action: Action, (subject, detail): (u16, u16)) -> EnhancedStatus {
    let class = match action {
        Action::Failed => 5,
        Action::Deferred => 4,
        _ => 2,
    };
    const fn plain(class: u8) -> EnhancedStatus {
        match EnhancedStatus::new(class, 0, 0) {
            Some(status) => status,
            None => unreachable!(),
        }
    }
    EnhancedStatus::new(class, subject, detail).unwrap_or(match class {
        5 => const { plain(5) },
        4 => const { plain(4) },
        _ => const { plain(2) },
    })
}

/// What a job taught about its destination, for the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feedback {
    /// It works, whatever it said of single recipients.
    Alive,
    /// It could not be reached, or would not talk: why.
    Dead(String),
    /// The transport itself does not work, wherever mail goes by it: why.
    Unavailable(String),
}

/// How long the parts of a job took: the last two of the log's `delays=a/b/c/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Until the connection stood: name look-up, connect, greeting, TLS.
    pub setup: Duration,
    /// From there to the end of the message.
    pub transmission: Duration,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One fate for each position of the job, in its order.
    pub fates: Vec<Fate>,
    /// What was learned of the destination.
    pub feedback: Feedback,
    /// How long it took.
    pub pace: Pace,
}

impl Report {
    /// A report of a destination that works.
    #[must_use]
    pub fn new(fates: Vec<Fate>) -> Self {
        Self {
            fates,
            feedback: Feedback::Alive,
            pace: Pace::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_the_action_and_is_never_invalid() {
        let said = |fate: Fate| fate.status.to_string();
        assert_eq!(said(Fate::failed((1, 1), "x")), "5.1.1");
        assert_eq!(said(Fate::deferred((4, 1), "x")), "4.4.1");
        assert_eq!(said(Fate::delivered("virtual", "x")), "2.0.0");
        assert_eq!(said(Fate::deferred((4000, 1), "x")), "4.0.0");
    }
}
