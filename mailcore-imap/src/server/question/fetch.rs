//! Questions about messages.

use super::{Answer, Decline, Measured, Question};
use crate::types::{Described, Failed, Fields, Row};
use mailcore_base::mailbox::{Uid, UidSet};
use mailcore_base::message::Section;
use std::ops::Range;
use std::sync::Arc;

/// What is known of a batch of messages without opening them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// Which messages.
    pub uids: UidSet,
    /// What of them.
    pub fields: Fields,
}

/// A message's envelope or structure, where its record lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Describe {
    /// Which message.
    pub uid: Uid,
    /// What of it.
    pub what: Described,
}

/// How long a section is: a literal says so before its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Which message.
    pub uid: Uid,
    /// Which section of it, whole.
    pub section: Arc<Section>,
    /// Without its content transfer encoding (RFC 3516); one that is not known is [`Failed::Encoding`].
    pub decoded: bool,
}

/// Octets of a section that was measured. Asked in order, without gaps; whoever answers may read ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// Which message.
    pub uid: Uid,
    /// Which section of it.
    pub section: Arc<Section>,
    /// Without its content transfer encoding.
    pub decoded: bool,
    /// Which octets of the section; never empty, within its length, and no longer than the free output.
    pub range: Range<u64>,
}

/// What a section is, once it has been found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent<'r> {
    /// So many octets, which are asked for next.
    Length(u64),
    /// These octets. For what is short and had to be made anyway, such as a few fields of a header.
    Whole(&'r [u8]),
}

impl Question<'_, Records> {
    /// The records, lowest UID first; messages that are not there any more are left out. What the session
    /// cannot take now it asks for again.
    pub fn answer<'r>(self, rows: Result<impl Iterator<Item = Row<'r>>, Failed>) {
        match rows {
            Ok(mut rows) => self.core.rows(self.facts, &mut rows),
            Err(failed) => self.answered(Answer::NoRows(failed)),
        }
    }
}

impl Question<'_, Describe> {
    /// The description, ready to send with its parentheses; none once the message is gone.
    pub fn answer(self, text: Result<Option<bytes::Bytes>, Failed>) {
        self.answered(Answer::Described(text));
    }
}

impl Question<'_, Measure> {
    /// The section; none once the message is gone. One that the message does not have is empty.
    pub fn answer(self, extent: Result<Option<Extent<'_>>, Failed>) {
        self.answered(Answer::Measured(extent.map(|extent| {
            extent.map(|extent| match extent {
                Extent::Length(octets) => Measured::Length(octets),
                Extent::Whole(text) => Measured::Whole(text.to_vec()),
            })
        })));
    }
}

impl Question<'_, Bytes> {
    /// The octets, or any non-empty prefix of them; more than was asked for is cut. None, or a failure, ends
    /// the connection: the client has been promised a length.
    pub fn answer(self, bytes: Result<&[u8], Failed>) {
        let most = self.asked.range.end.saturating_sub(self.asked.range.start);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        match bytes {
            Ok(bytes) => {
                let bytes = bytes.get(..most).unwrap_or(bytes);
                self.core.octets(bytes, self.asked.decoded);
            }
            Err(failed) => self.answered(Answer::Octets(Err(failed))),
        }
    }
}

impl Decline for Records {
    fn refusal() -> Answer {
        Answer::NoRows(Failed::Unavailable)
    }
}

impl Decline for Describe {
    fn refusal() -> Answer {
        Answer::Described(Err(Failed::Unavailable))
    }
}

impl Decline for Measure {
    fn refusal() -> Answer {
        Answer::Measured(Err(Failed::Unavailable))
    }
}

impl Decline for Bytes {
    fn refusal() -> Answer {
        Answer::Octets(Err(Failed::Unavailable))
    }
}
