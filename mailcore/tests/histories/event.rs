//! What can happen in a history. Messages are meant by places, which fit whatever number of them there is.

use proptest::prelude::*;

/// Sessions in a history.
pub const SESSIONS: usize = 8;
/// The mailboxes that there may be: the third is not there at first.
pub const MAILBOXES: [&str; 3] = ["INBOX", "Other", "Third"];
/// The flags that are used; an event has a bit for each.
pub const FLAGS: [&str; 6] = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "$a", "$b"];

#[derive(Debug, Clone)]
pub enum Event {
    /// A client gives a command, having waited for the answer to the one before; from IDLE it says DONE first.
    Begin(usize, Command),
    /// A client waits for the answer to its command.
    Finish(usize),
    /// Mail is delivered with these flags.
    Deliver(usize, u8),
    /// A client's connection breaks, wherever it is, after so many more lines of what is on its way. It comes back, with
    /// what it remembers, when it has something to say.
    Leave(usize, u8),
    /// All connections break, and the store is started anew on what there is.
    Restart,
    /// Another program is at the files.
    Foreign(Foreign),
    /// All commands are answered, all news told, and everybody is asked what he believes.
    Settle,
}

/// What another program does to the files of INBOX.
#[derive(Debug, Clone)]
pub enum Foreign {
    /// It renames a message's file, whose flags are these then.
    Flag(u16, u8),
    /// It delivers into `new/`.
    Deliver,
    /// It deletes a file.
    Remove(u16),
}

#[derive(Debug, Clone)]
pub enum Command {
    Select {
        mailbox: usize,
        write: bool,
    },
    Unselect,
    Close,
    Noop,
    Check,
    Idle,
    /// Of a message, or of two together (RFC 3502).
    Append {
        mailbox: usize,
        flags: u8,
        another: Option<u8>,
    },
    /// A text, and behind it a message of the mailbox that is selected (RFC 4469).
    Catenate {
        mailbox: usize,
        flags: u8,
        part: u16,
    },
    Create(usize),
    Delete(usize),
    Rename(usize, usize),
    Store {
        which: Which,
        op: &'static str,
        silent: bool,
        flags: u8,
        unless: Unless,
    },
    Copy {
        which: Which,
        to: usize,
    },
    Move {
        which: Which,
        to: usize,
    },
    Expunge,
    UidExpunge(Which),
    Fetch {
        which: Which,
        body: bool,
    },
    /// What has changed since the client last knew all.
    Changes,
    Search {
        by_uid: bool,
        flag: usize,
        not: bool,
        modseq: bool,
    },
}

/// On which condition flags are stored; clients that know no modification sequences know no conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unless {
    Never,
    /// Unless they have changed since the client last knew all.
    Changed,
    /// Unless the message has been there since so long: it has.
    Since(u64),
}

/// Messages, by number or by UID: ranges of places, modulo how many there are.
#[derive(Debug, Clone)]
pub struct Which {
    pub by_uid: bool,
    pub places: Vec<(u16, u16)>,
    /// The last range goes on to `*`.
    pub open: bool,
}

fn which() -> impl Strategy<Value = Which> {
    let places = prop_oneof![
        3 => proptest::collection::vec((0u16..40).prop_map(|n| (n, 0)), 1..4),
        2 => proptest::collection::vec((0u16..40, 0u16..6), 1..3),
    ];
    (any::<bool>(), places, prop::bool::weighted(0.2)).prop_map(|(by_uid, places, open)| Which {
        by_uid,
        places,
        open,
    })
}

fn mailbox() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0), 2 => Just(1), 1 => Just(2)]
}

/// A mailbox that can be made and removed.
fn another() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(1), 1 => Just(2)]
}

/// What changes which mailboxes there are.
fn names() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => another().prop_map(Command::Create),
        1 => another().prop_map(Command::Delete),
        2 => (0..MAILBOXES.len(), another()).prop_map(|(from, to)| Command::Rename(from, to)),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let flags = || 0u8..64;
    let op = prop_oneof![Just(""), Just("+"), Just("+"), Just("-")];
    let unless = prop_oneof![
        4 => Just(Unless::Never),
        3 => Just(Unless::Changed),
        1 => Just(Unless::Since(0)),
        1 => Just(Unless::Since(1 << 62)),
    ];
    prop_oneof![
        3 => (mailbox(), prop::bool::weighted(0.8))
            .prop_map(|(mailbox, write)| Command::Select { mailbox, write }),
        1 => Just(Command::Unselect),
        1 => Just(Command::Close),
        4 => Just(Command::Noop),
        1 => Just(Command::Check),
        3 => Just(Command::Idle),
        4 => (mailbox(), flags(), prop::option::weighted(0.3, flags()))
            .prop_map(|(mailbox, flags, another)| Command::Append { mailbox, flags, another }),
        1 => (mailbox(), flags(), 0u16..40)
            .prop_map(|(mailbox, flags, part)| Command::Catenate { mailbox, flags, part }),
        2 => names(),
        8 => (which(), op, any::<bool>(), flags(), unless).prop_map(
            |(which, op, silent, flags, unless)| Command::Store { which, op, silent, flags, unless },
        ),
        2 => (which(), mailbox()).prop_map(|(which, to)| Command::Copy { which, to }),
        2 => (which(), mailbox()).prop_map(|(which, to)| Command::Move { which, to }),
        4 => Just(Command::Expunge),
        2 => which().prop_map(Command::UidExpunge),
        4 => (which(), any::<bool>()).prop_map(|(which, body)| Command::Fetch { which, body }),
        2 => Just(Command::Changes),
        2 => (any::<bool>(), 0..FLAGS.len(), any::<bool>(), any::<bool>())
            .prop_map(|(by_uid, flag, not, modseq)| Command::Search { by_uid, flag, not, modseq }),
    ]
}

fn foreign() -> impl Strategy<Value = Foreign> {
    prop_oneof![
        3 => (0u16..40, 0u8..16).prop_map(|(place, flags)| Foreign::Flag(place, flags)),
        2 => Just(Foreign::Deliver),
        2 => (0u16..40).prop_map(Foreign::Remove),
    ]
}

/// A history of at most so many events, in which another program takes part so often.
pub fn history(most: usize, others: u32) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        24 => (0..SESSIONS, command()).prop_map(|(who, command)| Event::Begin(who, command)),
        4 => (0..SESSIONS).prop_map(Event::Finish),
        3 => (0..SESSIONS, 0u8..6).prop_map(|(who, lines)| Event::Leave(who, lines)),
        1 => Just(Event::Restart),
        others => foreign().prop_map(Event::Foreign),
        4 => (mailbox(), 0u8..64).prop_map(|(mailbox, flags)| Event::Deliver(mailbox, flags)),
        2 => Just(Event::Settle),
    ];
    proptest::collection::vec(event, 0..most)
}
