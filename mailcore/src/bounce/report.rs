//! A written report: what goes around the message that comes back, and how much of that does.

use crate::deliver::content::{self, Runs};
use bytes::Bytes;
use mailcore_base::envelope::Envelope;
use mailcore_store::Result;
use mailcore_store::body::Body;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What can never be delivered.
    Failure,
    /// What is late, and still tried.
    Delay,
    /// What was delivered, or handed to a server that will not report.
    Success,
}

/// Whom a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Addressee {
    /// The sender of the message.
    Sender,
    /// The postmaster here.
    Postmaster,
}

/// How much of the message comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned {
    /// All of it.
    Whole,
    /// Its header.
    Header,
}

/// A report, ready for the queue but for the message in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is about.
    pub kind: Kind,
    /// Whom it is for.
    pub to: Addressee,
    /// Its sender, which is null or the one of double bounces, and its one recipient.
    pub envelope: Envelope,
    /// Its header, without the empty line behind it; CRLF line ends.
    pub header: Bytes,
    /// Its body up to the message that comes back, from the empty line on.
    pub before: Bytes,
    /// What stands there of the message.
    pub returned: Returned,
    /// Its body behind that.
    pub after: Bytes,
}

impl Report {
    /// What the log calls it, before the id that it has got (Postfix: bounce).
    #[must_use]
    pub fn notice(&self) -> &'static str {
        match (self.to, self.kind) {
            (Addressee::Sender, Kind::Failure) => "sender non-delivery notification",
            (Addressee::Sender, Kind::Delay) => "sender delay notification",
            (Addressee::Sender, Kind::Success) => "sender delivery status notification",
            (Addressee::Postmaster, Kind::Failure) => "postmaster non-delivery notification",
            (Addressee::Postmaster, Kind::Delay) => "postmaster delay notification",
            (Addressee::Postmaster, Kind::Success) => "postmaster delivery status notification",
        }
    }

    /// The whole report with what comes back of `original` in its place: no larger than
    /// [`Options::largest_return`](super::Options::largest_return) and the text around it.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub async fn content(&self, original: &dyn Body) -> Result<Vec<u8>> {
        let mut out = [&*self.header, &*self.before].concat();
        match self.returned {
            Returned::Header => out.extend(content::header(original).await?),
            Returned::Whole => {
                let mut runs = Runs::new(original);
                while let Some(run) = runs.next().await? {
                    out.extend_from_slice(&run);
                }
            }
        }
        out.extend_from_slice(&self.after);
        Ok(out)
    }
}
