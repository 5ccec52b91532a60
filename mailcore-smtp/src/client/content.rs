//! The question for octets of a message.

use super::{Facts, session::Session};
use mailcore_base::wire::Line;
use std::{fmt, ops::Range};

/// Octets of the message are wanted. A loan of the session: what is given is written at once.
#[must_use = "a question dropped is asked again"]
pub struct Content<'s> {
    session: &'s mut Session,
    range: Range<u64>,
}

impl<'s> Content<'s> {
    pub(super) fn new(session: &'s mut Session, range: Range<u64>) -> Self {
        Self { session, range }
    }

    /// Which octets; never none. No more than there is room for, nor than the message has.
    #[must_use]
    pub fn asked(&self) -> Range<u64> {
        self.range.clone()
    }

    /// What is known of the connection.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.session.facts()
    }

    /// The line to look after while the octets are fetched.
    pub fn line(&mut self) -> Line<'_> {
        Line::new(&mut self.session.wire)
    }

    /// Gives the first of these octets, any number of them; what is more than was asked for is not looked at. None at
    /// all is a [failure](Self::failed): there are more, as the message's size says.
    pub fn answer(self, bytes: &[u8]) {
        let asked = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        match bytes.get(..asked).unwrap_or(bytes) {
            [] => self.failed(),
            bytes => self.session.send_content(bytes),
        }
    }

    /// The octets cannot be had. The message cannot be finished, and so the connection ends.
    pub fn failed(self) {
        self.session.content_failed();
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Content").field(&self.range).finish()
    }
}
