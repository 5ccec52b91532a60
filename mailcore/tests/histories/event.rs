//! What can happen in a history. Messages are meant by places, which fit whatever number of them there is.

use proptest::prelude::*;

/// Sessions in a history.
pub const SESSIONS: usize = 4;
/// The mailboxes that there are.
pub const MAILBOXES: [&str; 2] = ["INBOX", "Other"];
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
    /// All commands are answered, all news told, and everybody is asked what he believes.
    Settle,
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
    Append {
        mailbox: usize,
        flags: u8,
    },
    Store {
        which: Which,
        op: &'static str,
        silent: bool,
        flags: u8,
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
    Search {
        by_uid: bool,
        flag: usize,
        not: bool,
    },
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
    prop_oneof![4 => Just(0), 1 => Just(1)]
}

fn command() -> impl Strategy<Value = Command> {
    let flags = || 0u8..64;
    let op = prop_oneof![Just(""), Just("+"), Just("+"), Just("-")];
    prop_oneof![
        3 => (mailbox(), prop::bool::weighted(0.8))
            .prop_map(|(mailbox, write)| Command::Select { mailbox, write }),
        1 => Just(Command::Unselect),
        1 => Just(Command::Close),
        4 => Just(Command::Noop),
        1 => Just(Command::Check),
        3 => Just(Command::Idle),
        4 => (mailbox(), flags()).prop_map(|(mailbox, flags)| Command::Append { mailbox, flags }),
        8 => (which(), op, any::<bool>(), flags())
            .prop_map(|(which, op, silent, flags)| Command::Store { which, op, silent, flags }),
        2 => (which(), mailbox()).prop_map(|(which, to)| Command::Copy { which, to }),
        2 => (which(), mailbox()).prop_map(|(which, to)| Command::Move { which, to }),
        4 => Just(Command::Expunge),
        2 => which().prop_map(Command::UidExpunge),
        4 => (which(), any::<bool>()).prop_map(|(which, body)| Command::Fetch { which, body }),
        2 => (any::<bool>(), 0..FLAGS.len(), any::<bool>())
            .prop_map(|(by_uid, flag, not)| Command::Search { by_uid, flag, not }),
    ]
}

/// A history of at most so many events.
pub fn history(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => (0..SESSIONS, command()).prop_map(|(who, command)| Event::Begin(who, command)),
        2 => (0..SESSIONS).prop_map(Event::Finish),
        2 => (mailbox(), 0u8..64).prop_map(|(mailbox, flags)| Event::Deliver(mailbox, flags)),
        1 => Just(Event::Settle),
    ];
    proptest::collection::vec(event, 0..most)
}
