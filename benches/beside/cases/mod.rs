//! What is measured. A case does the same with either side; nothing here knows which one it is.

mod bare;
mod idle;
mod imap;
mod login;
mod mail;
mod pop3;
mod relay;

use crate::sample::Sample;
use crate::side::Side;
use std::cell::Cell;
use std::io;
use std::path::PathBuf;

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Messages of an intake or a delivery.
    pub messages: usize,
    /// Messages of a queue that is drained.
    pub queued: usize,
    /// Messages of the full mailbox.
    pub mailbox: usize,
    /// Messages of one COPY, MOVE, EXPUNGE, APPEND.
    pub batch: usize,
    pub logins: usize,
    /// Sessions that idle.
    pub idle: usize,
}

impl Scale {
    pub const WHOLE: Self = Self {
        messages: 4000,
        queued: 6000,
        mailbox: 10_000,
        batch: 1000,
        logins: 1000,
        idle: 1000,
    };
    /// So little that it only shows that everything runs.
    pub const SHORT: Self = Self {
        messages: 60,
        queued: 60,
        mailbox: 200,
        batch: 20,
        logins: 20,
        idle: 20,
    };
}

/// What cases need besides a side.
pub struct Lab {
    pub scale: Scale,
    /// Where mail for others is to go.
    pub sink: u16,
    /// A folder on the disk that the mail is on.
    pub folder: PathBuf,
    /// Users whose mailbox nobody has used yet.
    next_user: Cell<usize>,
}

impl Lab {
    pub fn new(scale: Scale, sink: u16, folder: PathBuf) -> Self {
        Self {
            scale,
            sink,
            folder,
            next_user: Cell::new(0),
        }
    }

    /// So many users with empty mailboxes.
    fn users(&self, count: usize) -> Vec<String> {
        let first = self.next_user.replace(self.next_user.get() + count);
        (first..first + count).map(crate::side::user).collect()
    }
}

type Work = Box<dyn Fn(&Side, &Lab) -> io::Result<Sample>>;
type Bare = Box<dyn Fn(&Lab) -> io::Result<Sample>>;

/// What is wanted of ours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target {
    /// So many times theirs, in things a second or in memory.
    pub times: f64,
    /// Theirs takes so many times the processor.
    pub cpu: Option<f64>,
}

pub struct Case {
    pub name: String,
    /// What is counted.
    pub unit: &'static str,
    pub target: Target,
    pub work: Work,
    /// The system calls that nobody can do without.
    pub bare: Option<Bare>,
}

impl Case {
    fn new(
        name: impl Into<String>,
        unit: &'static str,
        times: f64,
        work: impl Fn(&Side, &Lab) -> io::Result<Sample> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            unit,
            target: Target { times, cpu: None },
            work: Box::new(work),
            bare: None,
        }
    }

    fn cpu(mut self, times: f64) -> Self {
        self.target.cpu = Some(times);
        self
    }

    fn beside(mut self, bare: impl Fn(&Lab) -> io::Result<Sample> + 'static) -> Self {
        self.bare = Some(Box::new(bare));
        self
    }
}

/// All cases, in the order of the results.
pub fn all() -> Vec<Case> {
    let rooms = [
        mail::cases(),
        relay::cases(),
        imap::cases(),
        pop3::cases(),
        login::cases(),
        idle::cases(),
    ];
    rooms.into_iter().flatten().collect()
}

/// Makes the full mailbox of a side.
pub fn fill(side: &Side, lab: &Lab) -> io::Result<()> {
    imap::fill(side, lab)
}
