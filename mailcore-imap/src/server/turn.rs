//! A command's turn: what it may use while it runs, and what it can want next.
//!
//! A command decides in [`Command::next`] what it wants, and is told what came of it. It may be asked again
//! before that: it then wants the same.

use super::Ended;
use super::finish::Finish;
use super::question::{Answer, Want};
use super::state::{Selected, State};
use super::{Facts, Options};
use crate::parse::Wrong;
use crate::types::{Failed, Row};
use mailcore_base::mailbox::{MailboxName, ModSeq, NameError};
use std::borrow::Cow;
use std::fmt::Debug;
use std::time::Instant;

/// Output on its way to the wire.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    /// How much is welcome now, in octets.
    pub(super) room: usize,
}

impl Out {
    /// No more is welcome before some was sent.
    pub(super) fn full(&self) -> bool {
        self.bytes.len() >= self.room
    }

    /// How much more is welcome.
    pub(super) fn left(&self) -> usize {
        self.room.saturating_sub(self.bytes.len())
    }

    /// Adds text.
    pub(super) fn say(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// What a command may use.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    pub(super) state: &'t mut State,
    pub(super) facts: &'t mut Facts,
    pub(super) options: &'t Options,
    pub(super) out: &'t mut Out,
    /// The tag of the command.
    pub(super) tag: &'t [u8],
    pub(super) now: Instant,
}

impl Turn<'_> {
    /// The mailbox that is selected.
    pub(super) fn selected(&mut self) -> Option<&mut Selected> {
        self.state.selected.as_deref_mut()
    }

    /// A command that knows modification sequences, `what`, has come: from now on the client is told of every new one
    /// (RFC 7162 §3.1).
    ///
    /// # Errors
    /// Where they do not last (RFC 7162 §3.1.2.2).
    pub(super) fn condstore(&mut self, what: &str) -> Result<(), Wrong> {
        if self.selected().is_some_and(|selected| !selected.modseqs) {
            let text = format!("{what} can't be used with non-permanent modseqs");
            return Err(Wrong(text.into()));
        }
        self.enable_condstore();
        Ok(())
    }

    /// The client is told of every new modification sequence, and where it stands.
    pub(super) fn enable_condstore(&mut self) {
        let already = std::mem::replace(&mut self.state.condstore, true);
        let selected = self.state.selected.as_deref_mut();
        if let Some(selected) = selected.filter(|selected| !already && selected.modseqs) {
            selected.view.tell_modseqs(true);
            selected.heard = selected.view.settled();
            let heard = selected.heard;
            self.highest(heard);
        }
    }

    /// Says up to when the client knows the mailbox.
    pub(super) fn highest(&mut self, modseq: ModSeq) {
        self.out
            .say(&format!("* OK [HIGHESTMODSEQ {modseq}] Highest\r\n"));
    }

    /// Reads a mailbox name as the client wrote it.
    ///
    /// # Errors
    /// The reply that the command gets instead.
    pub(super) fn name(&self, text: &[u8]) -> Result<MailboxName, Reply> {
        MailboxName::parse_utf7(text, self.state.separator()).map_err(|error| {
            Reply::no(match error {
                NameError::Utf7 | NameError::Utf8 => "Mailbox name is not valid mUTF-7".into(),
                NameError::TooLong | NameError::TooDeep => "[CANNOT] Mailbox name too long".into(),
                NameError::Empty if text.is_empty() => {
                    "[CANNOT] Invalid mailbox name: Name is empty".into()
                }
                NameError::Empty => self.misplaced(text).into(),
                other => Cow::Owned(format!("[CANNOT] Invalid mailbox name: {other}")),
            })
        })
    }

    /// What is wrong with a name of which a level is empty.
    fn misplaced(&self, text: &[u8]) -> &'static str {
        let mut separator = [0; 4];
        let separator = self.state.separator().encode_utf8(&mut separator);
        if text.starts_with(separator.as_bytes()) {
            "[CANNOT] Invalid mailbox name: Begins with hierarchy separator"
        } else if text.ends_with(separator.as_bytes()) {
            "[CANNOT] Invalid mailbox name: Ends with hierarchy separator"
        } else {
            "[CANNOT] Invalid mailbox name: Has adjacent hierarchy separators"
        }
    }

    /// The name as the client writes it, for a reply.
    pub(super) fn shown(&self, name: &MailboxName) -> String {
        name.to_utf7(self.state.separator()).unwrap_or_default()
    }
}

/// The status of a tagged reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
}

/// A tagged reply: status and text, the response code in front of it, the last dot left off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: Status,
    pub(super) text: Cow<'static, str>,
    /// Said as it is: no timing behind it, no dot.
    pub(super) bare: bool,
}

impl Reply {
    pub(super) fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: Status::Ok,
            text: text.into(),
            bare: false,
        }
    }

    pub(super) fn no(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: Status::No,
            ..Self::ok(text)
        }
    }

    pub(super) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: Status::Bad,
            ..Self::ok(text)
        }
    }

    /// The same without timing and dot.
    pub(super) fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    /// The words for a failure.
    pub(super) fn failed(failed: Failed) -> Self {
        let (code, text) = failed.words();
        Self::no(match code {
            Some(code) => format!("[{code}] {text}"),
            None => text.to_string(),
        })
    }

    /// The words for a failure at this mailbox; `code` stands in front where it is missing (Dovecot says none
    /// for SELECT and STATUS, NONEXISTENT for DELETE and RENAME, TRYCREATE where RFC 3501 §6.3.11 asks for it).
    pub(super) fn failed_at(failed: Failed, code: &str, name: &str) -> Self {
        if failed != Failed::NotFound {
            return Self::failed(failed);
        }
        let space = if code.is_empty() { "" } else { " " };
        Self::no(format!("{code}{space}Mailbox doesn't exist: {name}"))
    }
}

/// What a command wants next.
#[derive(Debug)]
pub(super) enum Next {
    /// Something was written or decided: ask again when there is room.
    More,
    /// A question to be asked.
    Ask(Want),
    /// A line from the client, no longer than this (its end included); to be asked again at an instant.
    Line(usize, Option<Instant>),
    /// Octets of a message from the client, at most so many, lent to the driver.
    Content(u64),
    /// Octets from the client, at most so many, that nobody wants.
    Swallow(u64),
    /// The command is over: untagged news as far as permitted, then the reply.
    Done(Finish),
    /// The reply, and nothing in front of it.
    Reply(Reply),
    /// The reply, then `* BYE`, then the end.
    Farewell(Reply, Ended),
    /// `* BYE`, then perhaps the reply, then the end.
    Bye(Ended, Option<Reply>),
    /// The reply, then TLS.
    Secure(Reply),
    /// The connection is over at once: something that was begun cannot be ended.
    Close,
}

/// A command that runs.
pub(super) trait Command: Debug + Send {
    /// What it wants next; the same again, if it has not been told anything since.
    fn next(&mut self, turn: &mut Turn<'_>) -> Next;

    /// A question was answered.
    fn answered(&mut self, _answer: Answer, _turn: &mut Turn<'_>) {}

    /// The question for records was answered. What is left in `rows` is asked for again.
    fn rows(&mut self, _rows: &mut dyn Iterator<Item = Row<'_>>, _turn: &mut Turn<'_>) {}

    /// A line came, its end taken off.
    fn line(&mut self, _line: &[u8], _turn: &mut Turn<'_>) {}

    /// Octets were taken or swallowed.
    fn took(&mut self, _octets: u64) {}

    /// The driver could not keep the octets lent to it.
    fn refused(&mut self, _failed: Failed) {}

    /// It waits for changes of the mailbox.
    fn watches(&self) -> bool {
        false
    }
}

/// A command that only has this one thing to say.
#[derive(Debug)]
pub(super) struct Once(Option<Next>);

impl Once {
    /// Says `next`, which may be neither a question nor anything else that can be dropped.
    pub(super) fn boxed(next: Next) -> Box<dyn Command> {
        Box::new(Self(Some(next)))
    }

    /// The reply without any news.
    pub(super) fn reply(reply: Reply) -> Box<dyn Command> {
        Self::boxed(Next::Reply(reply))
    }
}

impl Command for Once {
    fn next(&mut self, _turn: &mut Turn<'_>) -> Next {
        self.0.take().unwrap_or(Next::Close)
    }
}
