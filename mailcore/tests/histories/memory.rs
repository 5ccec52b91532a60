//! What a client remembers of a mailbox while it is away: UIDVALIDITY, up to when it knows the mailbox, and the messages of
//! which it knows all.

use crate::client::{Belief, Message};

/// What clients can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 3501 alone: it remembers nothing.
    Plain,
    /// It asks for what has changed, and compares UIDs.
    Condstore,
    /// It says what it knows when it comes back.
    Qresync,
}

#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub validity: u64,
    pub modseq: u64,
    pub messages: Vec<Message>,
}

impl Memory {
    /// Messages behind the first one that is not known are new to a client that comes back.
    pub fn of(belief: &Belief) -> Self {
        let known = belief.messages.iter();
        let known = known.take_while(|m| m.uid.is_some() && m.flags.is_some());
        Self {
            validity: belief.validity,
            modseq: belief.modseq,
            messages: known
                .map(|m| Message {
                    recent: false, // another session's
                    ..m.clone()
                })
                .collect(),
        }
    }

    /// The parameter of SELECT, in one of the forms that it may have.
    pub fn resync(&self, form: usize) -> String {
        let uids: Vec<u32> = self.messages.iter().filter_map(|m| m.uid).collect();
        let words = |numbers: &[u32]| {
            let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
            words.join(",")
        };
        let mut text = format!("{} {}", self.validity, self.modseq);
        if form & 1 != 0 && !uids.is_empty() {
            text += &format!(" {}", words(&uids));
        }
        if form & 2 != 0 && !uids.is_empty() {
            // Every third, as a client does that has many.
            let numbers: Vec<u32> = (1..).take(uids.len()).step_by(3).collect();
            let uids: Vec<u32> = uids.into_iter().step_by(3).collect();
            text += &format!(" ({} {})", words(&numbers), words(&uids));
        }
        format!(" (QRESYNC ({text}))")
    }
}
