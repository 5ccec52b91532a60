//! One message on its way: where it stands, and what has become of each recipient.

use super::{
    Message, Needs, Outcome, Stage, Trouble,
    encoder::{Encoder, Framing},
    line::{Terms, needs_utf8},
    pending::Pending,
    question::{Done, Open},
    session::{Session, State},
};
use crate::Keyword;
use mailcore_base::{envelope::Body, reply::Reply};
use std::time::Instant;

/// What is to be sent next.
///
/// ```text
///  Probe ─► Mail ─► Rcpt ─► Data ─► Go ─► Body ─► Over
///                     └───────┴──────┴──────────► Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    Probe,
    Mail,
    Rcpt(usize),
    Data,
    /// Nothing, until DATA is answered.
    Go,
    Body,
    /// Nothing any more, but replies are due.
    Over,
}

/// A message on its way, and what has become of each recipient.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) message: Message,
    pub(super) terms: Terms,
    pub(super) cursor: Cursor,
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Recipients that were accepted.
    pub(super) accepted: Vec<usize>,
    pub(super) encoder: Encoder,
    /// BDAT rather than DATA.
    pub(super) chunked: bool,
    /// Octets of content that were taken.
    pub(super) offset: u64,
    pub(super) begun: bool,
}

impl Sending {
    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    /// The stage, where no reply is due.
    pub(super) fn stage(&self) -> Stage {
        match self.cursor {
            Cursor::Probe | Cursor::Mail | Cursor::Over => Stage::Idle,
            Cursor::Rcpt(_) => Stage::Rcpt,
            Cursor::Data | Cursor::Go => Stage::Data,
            Cursor::Body => Stage::Body,
        }
    }

    pub(super) fn refuse(&mut self, recipient: usize, trouble: &Trouble) {
        if let Some(outcome) = self.outcomes.get_mut(recipient) {
            outcome.get_or_insert_with(|| Err(trouble.clone()));
        }
    }

    /// All that nothing has become of yet.
    pub(super) fn refuse_all(&mut self, trouble: &Trouble) {
        for outcome in &mut self.outcomes {
            outcome.get_or_insert_with(|| Err(trouble.clone()));
        }
    }

    pub(super) fn accept(&mut self, recipient: usize, reply: Reply) {
        if let Some(outcome) = self.outcomes.get_mut(recipient) {
            outcome.get_or_insert(Ok(reply));
        }
    }

    /// Whether nobody is left who could get the message.
    pub(super) fn is_hopeless(&self) -> bool {
        self.outcomes.iter().all(Option::is_some)
    }

    fn finished(self) -> Done {
        // There is always an outcome by now; should there be none, nothing may be called delivered.
        let outcomes = self.outcomes.into_iter();
        Done {
            outcomes: outcomes
                .map(|outcome| outcome.unwrap_or(Err(Trouble::Stopped)))
                .collect(),
            begun: self.begun,
            reports: self.terms.reports,
            sent: self.offset,
        }
    }
}

impl Session {
    /// Takes a message over, or says what the peer lacks for it.
    pub(super) fn begin(&mut self, message: Message) {
        let lacking = self.lacking(&message);
        let chunked = self.options.chunking && self.facts.offers.has(Keyword::Chunking);
        let framing = if chunked {
            Framing::Chunks
        } else {
            Framing::Dots
        };
        let mut sending = Sending {
            terms: Terms::new(&self.facts, &message),
            cursor: if self.probe {
                Cursor::Probe
            } else {
                Cursor::Mail
            },
            outcomes: message.envelope.recipients.iter().map(|_| None).collect(),
            accepted: Vec::new(),
            encoder: Encoder::new(framing, self.options.line_limit),
            chunked,
            offset: 0,
            begun: false,
            message,
        };
        if let Some(trouble) = &lacking {
            sending.refuse_all(trouble);
        }
        if sending.is_hopeless() {
            sending.cursor = Cursor::Over;
        }
        self.sending = Some(sending);
        self.state = State::Sending;
    }

    fn lacking(&self, message: &Message) -> Option<Trouble> {
        let offers = &self.facts.offers;
        let size = message.size;
        // RFC 1870 §6.1: a client need not send what is known to be refused.
        if let Some(limit) = offers.size.filter(|limit| size > *limit) {
            return Some(Trouble::TooLarge { size, limit });
        }
        // RFC 6531 §3.2: neither address nor header may go to a server that does not know of them.
        if needs_utf8(message) && !offers.has(Keyword::SmtpUtf8) {
            return Some(Trouble::Needs(Needs::SmtpUtf8));
        }
        match message.envelope.parameters.body {
            Some(Body::BinaryMime) => Some(Trouble::Needs(Needs::Binary)),
            // RFC 6152 §3: converted, or returned, but not sent.
            Some(Body::EightBitMime) if !offers.has(Keyword::EightBitMime) => {
                Some(Trouble::Needs(Needs::EightBit))
            }
            _ => None,
        }
    }

    pub(super) fn content_failed(&mut self) {
        self.fail(Trouble::Content);
    }

    pub(super) fn message_over(&mut self) {
        self.state = State::Ready;
        if let Some(sending) = self.sending.take() {
            self.pending = Pending::Done(Open::new(sending.finished()));
        }
    }

    /// The connection has come to nothing, and with it all that nothing else has become of.
    pub(super) fn close_message(&mut self, trouble: &Trouble) {
        if let Some(sending) = &mut self.sending {
            sending.refuse_all(trouble);
            self.message_over();
        }
    }

    /// Whoever sent the message knows what became of it.
    pub(super) fn told(&mut self, _: Instant, (): ()) {}
}
