//! Reports to senders (Postfix: bounce, defer, trace): what became of a message, as RFC 3464 says it, in Postfix's words.
//!
//! [`reports`] decides whom to tell what, and writes it: a pure function, told what happened and what time it is. The
//! message that comes back is not in a [`Report`] but named by it: [`Report::pieces`] puts it in its place, run by run.
//! This module never delivers or queues anything, and never reports on a report.

mod choose;
mod compose;
mod fold;
mod report;
mod status;
mod words;

pub use choose::reports;
pub use report::{Addressee, Kind, Pieces, Report, Returned};

use crate::deliver::Fate;
use mailcore_base::address::{Address, Domain, ForwardPath, Host, LocalPart};
use mailcore_base::date::DateTime;
use mailcore_base::envelope::Envelope;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What reports say of this server, and who gets copies.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of this server, for `Reporting-MTA` and in the text.
    pub hostname: Domain,
    /// The domain of `MAILER-DAEMON`, which also completes names without one (Postfix: myorigin).
    pub origin: Domain,
    /// The largest message that comes back whole, in octets; of larger ones the header does (Postfix:
    /// bounce_size_limit).
    pub largest_return: u64,
    /// How late a message is when its sender is told of it (Postfix: delay_warning_time); for the text alone.
    pub warning: Duration,
    /// How long a message is tried (Postfix: maximal_queue_lifetime).
    pub lifetime: Duration,
    /// The sender of what goes to the postmaster; mail from it is never reported on (Postfix:
    /// double_bounce_sender).
    pub double_bounce: Address,
    /// What the postmaster is told.
    pub notices: Notices,
}

impl Options {
    /// Postfix's defaults for a server of this name: nothing goes to the postmaster.
    #[must_use]
    pub fn new(hostname: Domain) -> Self {
        // A name of letters and a hyphen is always a local part.
        let double_bounce = LocalPart::new("double-bounce").expect("a local part");
        Self {
            origin: hostname.clone(),
            double_bounce: Address::new(double_bounce, Host::Domain(hostname.clone())),
            hostname,
            largest_return: 50_000,
            warning: Duration::ZERO,
            lifetime: Duration::from_secs(5 * 24 * 60 * 60),
            notices: Notices::default(),
        }
    }
}

/// Who besides the sender is told of trouble, by class (Postfix: notify_classes, …_notice_recipient). None: nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    /// Who gets a copy of each failure report, with the header of the message only (`bounce`).
    pub bounce: Option<ForwardPath>,
    /// Who gets what cannot be returned, because it is itself a report (`2bounce`).
    pub double_bounce: Option<ForwardPath>,
    /// Who gets a copy of each delay warning, with the header of the message only (`delay`).
    pub delay: Option<ForwardPath>,
}

/// What became of a message, or of some of its recipients.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// The id that logs show.
    pub id: &'a str,
    /// Sender, recipients and what they asked for.
    pub envelope: &'a Envelope,
    /// When it was accepted.
    pub arrived: SystemTime,
    /// Octets of its content.
    pub size: u64,
    /// What became of recipients, by their position in the envelope; each once.
    pub fates: &'a [(u32, Fate)],
    /// Whether it is time to warn of those that are [deferred](crate::deliver::Action::Deferred). Without, nothing is
    /// said of them.
    pub late: bool,
}

/// A moment as reports write it.
fn date(at: SystemTime) -> DateTime {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    DateTime::utc(i64::try_from(seconds).unwrap_or(i64::MAX))
}
