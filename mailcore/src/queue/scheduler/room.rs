//! How much more may be claimed from the queue. Refuses nothing: what has arrived is always taken.
//!
//! What waits for one slow destination, or belongs to one huge mailing, must not fill the room that everybody's mail
//! goes through. So of the recipients for one destination no more than a quarter of the limit is counted, of one
//! message's no more than a twentieth, and of one sender's no more than a half; a message with nobody counted does not count either. Beyond the limits together
//! stands a ceiling of five times each, at which nothing more is wanted. A recipient takes four octets here, a destination of
//! a message a few hundred.

use super::options::Options;

/// How much more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many messages.
    pub messages: usize,
    /// So many recipients. A message is taken whole, so that the last one may have more.
    pub recipients: usize,
}

/// What is in the room.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Messages that count, and recipients.
    pub(super) messages: usize,
    pub(super) recipients: usize,
    /// Recipients whether they count or not: those who wait and those whose attempt runs.
    pub(super) everybody: usize,
}

const CEILING: usize = 5;

impl Tally {
    /// What more is wanted while so many messages are here.
    pub(super) fn room(&self, messages: usize, options: &Options) -> Room {
        let left = |limit: usize, counted: usize, all: usize| {
            let ceiling = limit.saturating_mul(CEILING).saturating_sub(all);
            limit.saturating_sub(counted).min(ceiling)
        };
        let room = Room {
            messages: left(options.messages, self.messages, messages),
            recipients: left(options.recipients, self.recipients, self.everybody),
        };
        // A message without recipients is none, and recipients come with messages.
        if room.messages == 0 || room.recipients == 0 {
            return Room {
                messages: 0,
                recipients: 0,
            };
        }
        room
    }
}

/// How many of one message's recipients may count.
pub(super) fn share_of_message(options: &Options) -> usize {
    (options.recipients / 20).max(1)
}

/// How many of one destination's recipients may count.
pub(super) fn share_of_site(options: &Options) -> usize {
    (options.recipients / 4).max(1)
}

/// How many of one sender's recipients may count.
pub(super) fn share_of_sender(options: &Options) -> usize {
    (options.recipients / 2).max(1)
}
