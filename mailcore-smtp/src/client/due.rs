//! Replies that are due: one for each command that was sent, in their order.

use super::{Stage, Timeouts};
use std::{collections::VecDeque, time::Duration};

/// A reply that is due, by what it will answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Greeting,
    Ehlo,
    Helo,
    Lhlo,
    StartTls,
    Auth,
    Probe,
    Mail,
    /// Of this recipient.
    Rcpt(usize),
    Data,
    /// A chunk that is not the last.
    Chunk,
    /// The end of the content: for all recipients (SMTP).
    End,
    /// The end of the content: for this recipient (LMTP).
    EndFor(usize),
    /// The end of a message that nobody is to get.
    Void,
    Quit,
}

impl Due {
    /// The stage that its reply belongs to.
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::Ehlo => Stage::Ehlo,
            Self::Helo => Stage::Helo,
            Self::Lhlo => Stage::Lhlo,
            Self::StartTls => Stage::StartTls,
            Self::Auth => Stage::Auth,
            Self::Probe => Stage::Probe,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::Chunk => Stage::Body,
            Self::End | Self::EndFor(_) | Self::Void => Stage::EndOfData,
            Self::Quit => Stage::Quit,
        }
    }

    /// How long it may take.
    pub(super) fn patience(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::Greeting | Self::Ehlo | Self::Helo | Self::Lhlo | Self::Auth => timeouts.hello,
            Self::StartTls => timeouts.starttls,
            Self::Probe => timeouts.rset,
            Self::Mail => timeouts.mail,
            Self::Rcpt(_) => timeouts.rcpt,
            Self::Data => timeouts.data_init,
            Self::Chunk => timeouts.transfer,
            Self::End | Self::EndFor(_) | Self::Void => timeouts.data_done,
            Self::Quit => timeouts.quit,
        }
    }
}

/// The replies that are due. Bounded by what may be sent ahead of them, and in LMTP by the recipients.
#[derive(Debug, Default)]
pub(super) struct Dues {
    dues: VecDeque<(Due, usize)>,
    /// Octets of the commands that they answer.
    ahead: usize,
}

impl Dues {
    /// A command of so many octets was written.
    pub(super) fn push(&mut self, due: Due, octets: usize) {
        self.ahead += octets;
        self.dues.push_back((due, octets));
    }

    /// A reply came: what for?
    pub(super) fn pop(&mut self) -> Option<Due> {
        let (due, octets) = self.dues.pop_front()?;
        self.ahead = self.ahead.saturating_sub(octets);
        Some(due)
    }

    pub(super) fn first(&self) -> Option<Due> {
        self.dues.front().map(|(due, _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.dues.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dues.is_empty()
    }

    /// Octets of commands that have not been answered.
    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
