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

/// A report, ready for the intake but for the message in it.
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

    /// The whole report, header and body, with what comes back of `original` in its place, piece by piece.
    #[must_use]
    pub fn pieces<'a>(&'a self, original: &'a dyn Body) -> Pieces<'a> {
        Pieces {
            report: self,
            original,
            stage: Stage::Header,
        }
    }

    /// The same in one: as large as the message that comes back, which [`Options::largest_return`] bounds.
    ///
    /// # Errors
    /// When the message cannot be read.
    ///
    /// [`Options::largest_return`]: super::Options::largest_return
    pub async fn content(&self, original: &dyn Body) -> Result<Vec<u8>> {
        let mut pieces = self.pieces(original);
        let mut content = Vec::new();
        while let Some(piece) = pieces.next().await? {
            content.extend_from_slice(&piece);
        }
        Ok(content)
    }
}

/// A report while it is read.
#[derive(Debug)]
pub struct Pieces<'a> {
    report: &'a Report,
    original: &'a dyn Body,
    stage: Stage<'a>,
}

/// What comes next.
#[derive(Debug)]
enum Stage<'a> {
    Header,
    Before,
    Returned,
    Whole(Runs<'a>),
    After,
    End,
}

impl Pieces<'_> {
    /// The next piece, of bounded size and never empty; `None` at the end.
    ///
    /// # Errors
    /// When the message that comes back cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let piece = match &mut self.stage {
                Stage::Header => {
                    self.stage = Stage::Before;
                    self.report.header.clone()
                }
                Stage::Before => {
                    self.stage = Stage::Returned;
                    self.report.before.clone()
                }
                Stage::Returned if self.report.returned == Returned::Header => {
                    let header = content::header(self.original).await?;
                    self.stage = Stage::After;
                    header.into()
                }
                Stage::Returned => {
                    self.stage = Stage::Whole(Runs::new(self.original));
                    continue;
                }
                Stage::Whole(runs) => match runs.next().await? {
                    Some(run) => run,
                    None => {
                        self.stage = Stage::After;
                        continue;
                    }
                },
                Stage::After => {
                    self.stage = Stage::End;
                    self.report.after.clone()
                }
                Stage::End => return Ok(None),
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}
