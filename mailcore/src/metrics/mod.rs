//! What a server has done so far, in figures. [`Metrics`] is a plain struct of atomics that is handed to the server's parts
//! ([`Builder::metrics`](crate::Builder::metrics), [`auth::Options::metrics`](crate::auth::Options)); an embedding program
//! reads it as it is, [`text`] writes it in the form of Prometheus, and [`net::scrape`](crate::net::scrape) serves that.
//!
//! No figure carries a name of a user or of a message; what is told apart is told apart by a bounded number of words.
//!
//! ```
//! use mailcore::{Protocol, metrics::Metrics};
//!
//! let metrics = Metrics::new();
//! assert_eq!(metrics.sessions(Protocol::Imap).begun.get(), 0);
//! ```

mod logins;
mod process;
mod queue;
pub mod text;

pub use logins::{LoginOutcome, Logins};
pub use mailcore_store::figures::{Count, Flushes, MailboxFigures, Spread};
pub use process::Process;
pub use queue::{Destination, Waiting};

use crate::deliver::Action;
use crate::server::Protocol;
use mailcore_store::queue::SegmentQueue;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Sessions of one protocol.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Sessions {
    /// Connections that were let in.
    pub begun: Count,
    /// Those of them that are over.
    pub ended: Count,
    /// Connections that were not let in: too many there were.
    pub refused: Count,
}

impl Sessions {
    /// How many there are now.
    pub fn now(&self) -> u64 {
        // In this order: one that ends between the two looks is counted as being there, never as less than none.
        let ended = self.ended.get();
        self.begun.get().saturating_sub(ended)
    }

    /// One that lasts until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Session {
        self.begun.one();
        Session(Arc::clone(self))
    }
}

/// One session, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Session(Arc<Sessions>);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.ended.one();
    }
}

/// Mail that was taken: each message was acknowledged to who brought it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Taken {
    /// Messages.
    pub messages: Count,
    /// Octets of them as they came, without what we put in front.
    pub octets: Count,
}

impl Taken {
    pub(crate) fn note(&self, messages: u64, octets: u64) {
        self.messages.add(messages);
        self.octets.add(octets);
    }
}

/// By which way mail comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// SMTP from other servers.
    Smtp,
    /// Submission.
    Submission,
    /// LMTP.
    Lmtp,
    /// IMAP's APPEND.
    Imap,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Smtp, Self::Submission, Self::Lmtp, Self::Imap];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
        }
    }
}

/// Transports that are told apart; any other counts as the last.
pub const TRANSPORTS: [&str; 9] = [
    "virtual", "smtp", "relay", "lmtp", "local", "error", "retry", "discard", "other",
];

/// Bounds for delays, in milliseconds: from a hundredth of a second to five days.
const DELAYS: &[u64] = &[
    10,
    50,
    100,
    500,
    1_000,
    5_000,
    30_000,
    300_000,
    3_600_000,
    14_400_000,
    86_400_000,
    432_000_000,
];

/// What became of recipients by one transport.
#[derive(Debug)]
#[non_exhaustive]
pub struct Deliveries {
    /// Delivered, or handed to another server.
    pub sent: Count,
    /// Attempts after which a recipient waits.
    pub deferred: Count,
    /// Given up: the sender is told.
    pub bounced: Count,
    /// From arrival to being sent, in milliseconds.
    pub delays: Spread,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self {
            sent: Count::new(),
            deferred: Count::new(),
            bounced: Count::new(),
            delays: Spread::new(DELAYS),
        }
    }
}

/// The figures of a server. All stand at zero at first and are written without waiting.
#[derive(Debug, Default)]
pub struct Metrics {
    sessions: [Arc<Sessions>; Protocol::ALL.len()],
    taken: [Taken; Way::ALL.len()],
    deliveries: [Deliveries; TRANSPORTS.len()],
    logins: Logins,
    mailboxes: Arc<MailboxFigures>,
    queue: OnceLock<SegmentQueue>,
}

impl Metrics {
    /// Figures that stand at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sessions of a protocol.
    pub fn sessions(&self, protocol: Protocol) -> &Arc<Sessions> {
        let at = Protocol::ALL.iter().position(|it| *it == protocol);
        at.and_then(|at| self.sessions.get(at))
            .unwrap_or(&self.sessions[0])
    }

    /// Mail that came in by a way.
    pub fn taken(&self, way: Way) -> &Taken {
        let at = Way::ALL.iter().position(|it| *it == way);
        at.and_then(|at| self.taken.get(at))
            .unwrap_or(&self.taken[0])
    }

    /// Deliveries by a transport.
    pub fn deliveries(&self, transport: &str) -> &Deliveries {
        let last = TRANSPORTS.len() - 1;
        let at = TRANSPORTS.iter().position(|it| *it == transport);
        &self.deliveries[at.unwrap_or(last)]
    }

    pub(crate) fn delivered(&self, transport: &str, action: Action, age: Duration) {
        let deliveries = self.deliveries(transport);
        match action {
            Action::Failed => deliveries.bounced.one(),
            Action::Deferred => deliveries.deferred.one(),
            _ => {
                deliveries.sent.one();
                let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                deliveries.delays.record(age);
            }
        }
    }

    /// Logins by mechanism.
    pub fn logins(&self) -> &Logins {
        &self.logins
    }

    /// What the store of mailboxes counts, where it was given these
    /// ([`maildir::Options::figures`](mailcore_store::mailbox::maildir::Options)).
    pub fn mailboxes(&self) -> &Arc<MailboxFigures> {
        &self.mailboxes
    }

    /// Lets these figures tell of a queue too; the first counts.
    pub fn watch(&self, queue: SegmentQueue) {
        // A second one would be another server's.
        let _ = self.queue.set(queue);
    }

    /// The queue that they tell of.
    pub fn queue(&self) -> Option<&SegmentQueue> {
        self.queue.get()
    }
}
