//! Where the parts of a CATENATE are read from: the mailbox that is selected, or another one that is opened for it and
//! let go of with the append. Octets go from one message into the other in runs, and are never held whole.

use crate::access::{Measured, Reader};
use mailcore_base::mailbox::MailboxName;
use mailcore_imap::server::Located;
use mailcore_imap::types::Excerpt;
use mailcore_store::mailbox::{Access, Account, Append, Mailbox};
use mailcore_store::{Error, Kind, Result};
use std::ops::Range;

/// Octets that are read and written at a time.
const RUN: u64 = 64 * 1024;

/// A mailbox, and the message in it that was read last.
#[derive(Debug, Default)]
pub(super) struct Source {
    other: Option<(MailboxName, Box<dyn Mailbox>)>,
    reader: Reader,
}

impl Source {
    /// Finds a part, with the source of the last one, if there was one.
    ///
    /// # Errors
    /// When the store cannot be read for now; NotFound where there is no such mailbox.
    pub(super) async fn locate(
        last: Option<Self>,
        account: &dyn Account,
        selected: Option<&dyn Mailbox>,
        part: &Excerpt,
    ) -> Result<(Self, Located)> {
        let mut source = last.unwrap_or_default();
        let there = source.other.as_ref().map(|(name, _)| name);
        if part.mailbox.as_ref() != there {
            source = Self::default();
            if let Some(name) = &part.mailbox {
                let other = account.open(name, Access::Read).await?;
                other.sync(None).await?;
                source.other = Some((name.clone(), other));
            }
        }
        let Some(mailbox) = Self::mailbox(&source.other, selected) else {
            return Ok((source, Located::NoMailbox));
        };
        let validity = mailbox.uid_validity();
        if part.uid_validity.is_some_and(|known| known != validity) {
            return Ok((source, Located::OtherValidity));
        }
        let measured = source.reader.measure(mailbox, part.uid, &part.section);
        let located = match measured.await? {
            Some(Measured::Length(octets)) => Located::Octets(octets),
            Some(Measured::Whole(made)) => Located::Octets(made.len() as u64),
            Some(Measured::Unknown) | None => Located::NoMessage,
        };
        Ok((source, located))
    }

    fn mailbox<'m>(
        other: &'m Option<(MailboxName, Box<dyn Mailbox>)>,
        selected: Option<&'m dyn Mailbox>,
    ) -> Option<&'m dyn Mailbox> {
        match other {
            Some((_, mailbox)) => Some(&**mailbox),
            None => selected,
        }
    }

    /// Copies octets of a part that was found.
    ///
    /// # Errors
    /// When they cannot be read or written, or the message is gone meanwhile.
    pub(super) async fn copy(
        &mut self,
        selected: Option<&dyn Mailbox>,
        part: &Excerpt,
        range: Range<u64>,
        into: &mut dyn Append,
    ) -> Result<()> {
        let gone = || Error::new(Kind::Unavailable, "a part of another message");
        let mailbox = Self::mailbox(&self.other, selected).ok_or_else(gone)?;
        let mut at = range.start;
        while at < range.end {
            let run = at..range.end.min(at.saturating_add(RUN));
            let read = self.reader.bytes(mailbox, part.uid, &part.section, run);
            let octets = read.await?.filter(|octets| !octets.is_empty());
            let octets = octets.ok_or_else(gone)?;
            into.write(&octets).await?;
            at += octets.len() as u64;
        }
        Ok(())
    }
}
