//! One message on its way: the commands in their order, ahead of their replies where that is offered.

use super::{
    Message, Needs, Outcome, Stage, Trouble,
    due::Due,
    encoder::{Encoder, Framing},
    line::{Terms, needs_utf8},
    pending::Pending,
    question::{Done, Open},
    session::{Next, Session, State},
};
use crate::Keyword;
use mailcore_base::{
    envelope::Body,
    reply::{Class, Reply},
};
use std::time::Instant;

/// Chunks that may wait for their replies.
const CHUNKS_AHEAD: usize = 4;
/// Less free output than this is not worth a question, as long as there is some to send.
const WORTHWHILE: usize = 4096;

/// What is to be sent next.
///
/// ```text
///  Probe ─► Mail ─► Rcpt ─► Data ─► Go ─► Body ─► Over
///                     └───────┴──────┴──────────► Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
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
    message: Message,
    terms: Terms,
    cursor: Cursor,
    outcomes: Vec<Option<Outcome>>,
    /// Recipients that were accepted.
    accepted: Vec<usize>,
    encoder: Encoder,
    /// BDAT rather than DATA.
    chunked: bool,
    /// Octets of content that were taken.
    offset: u64,
    begun: bool,
}

impl Sending {
    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    /// The stage, where no reply is due.
    pub(super) fn stage(&self) -> Stage {
        match self.cursor {
            Cursor::Probe => Stage::Idle,
            Cursor::Mail if !self.begun => Stage::Idle,
            Cursor::Mail => Stage::Mail,
            Cursor::Rcpt(_) => Stage::Rcpt,
            Cursor::Data | Cursor::Go => Stage::Data,
            Cursor::Body => Stage::Body,
            Cursor::Over => Stage::EndOfData,
        }
    }

    fn refuse(&mut self, recipient: usize, trouble: &Trouble) {
        if let Some(outcome) = self.outcomes.get_mut(recipient) {
            outcome.get_or_insert_with(|| Err(trouble.clone()));
        }
    }

    /// All that nothing has become of yet.
    fn refuse_all(&mut self, trouble: &Trouble) {
        for outcome in &mut self.outcomes {
            outcome.get_or_insert_with(|| Err(trouble.clone()));
        }
    }

    fn accept(&mut self, recipient: usize, reply: Reply) {
        if let Some(outcome) = self.outcomes.get_mut(recipient) {
            outcome.get_or_insert(Ok(reply));
        }
    }

    /// Whether nobody is left who could get the message.
    fn is_hopeless(&self) -> bool {
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

    /// Sends as much as may be sent now.
    pub(super) fn send(&mut self, now: Instant) -> Option<Next> {
        let Some(sending) = &self.sending else {
            self.state = State::Ready;
            return None;
        };
        match sending.cursor {
            Cursor::Over | Cursor::Go if !self.dues.is_empty() => return Some(self.listen(now)),
            Cursor::Over | Cursor::Go => self.message_over(),
            Cursor::Body => return self.send_body(now),
            _ if !self.may_send() => return Some(self.listen(now)),
            Cursor::Probe => {
                self.command("RSET\r\n", Due::Probe);
                self.turn_to(Cursor::Mail);
            }
            // What RSET or the last message came to is to be known before a message is begun.
            Cursor::Mail if !self.dues.is_empty() => return Some(self.listen(now)),
            Cursor::Mail => self.send_mail(),
            Cursor::Rcpt(n) => self.send_rcpt(n),
            Cursor::Data => return self.send_data(now),
        }
        None
    }

    /// RFC 2920 §3.1: commands may go ahead of their replies if PIPELINING is offered. Not too far: a peer that waits
    /// for us to read its replies does not read our commands.
    fn may_send(&self) -> bool {
        match self.facts.offers.has(Keyword::Pipelining) {
            true => self.dues.ahead() < self.options.ahead && self.wire.room() > 0,
            false => self.dues.is_empty(),
        }
    }

    fn turn_to(&mut self, cursor: Cursor) {
        if let Some(sending) = &mut self.sending {
            sending.cursor = cursor;
        }
    }

    fn send_mail(&mut self) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.begun = true;
        sending.cursor = Cursor::Rcpt(0);
        let line = sending.terms.mail(&sending.message);
        self.facts.messages += 1;
        self.probe = true;
        self.command(&line, Due::Mail);
    }

    fn send_rcpt(&mut self, n: usize) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        match sending.message.envelope.recipients.get(n) {
            Some(recipient) => {
                let line = sending.terms.rcpt(recipient);
                sending.cursor = Cursor::Rcpt(n + 1);
                self.command(&line, Due::Rcpt(n));
            }
            None => sending.cursor = Cursor::Data,
        }
    }

    fn send_data(&mut self, now: Instant) -> Option<Next> {
        let Some(sending) = &mut self.sending else {
            return None;
        };
        if self.dues.is_empty() && sending.is_hopeless() {
            sending.cursor = Cursor::Over;
        } else if !sending.chunked {
            sending.cursor = Cursor::Go;
            self.command("DATA\r\n", Due::Data);
        } else if self.dues.is_empty() {
            sending.cursor = Cursor::Body;
        } else {
            // A chunk is not sent into the blue.
            return Some(self.listen(now));
        }
        None
    }

    fn send_body(&mut self, now: Instant) -> Option<Next> {
        let Some(sending) = &self.sending else {
            return None;
        };
        if sending.chunked && self.chunks_ahead() {
            return Some(self.listen(now));
        }
        let left = sending.message.size.saturating_sub(sending.offset);
        if left == 0 {
            self.end_content();
            return None;
        }
        let room = self.wire.room();
        if self.wire.pending() && room < WORTHWHILE.min(self.options.limits.output / 2).max(1) {
            return Some(Next::Write);
        }
        // Each octet may become two: a dot, or an LF alone.
        let most = (room / 2).max(1) as u64;
        let offset = sending.offset;
        Some(Next::Content(offset..offset + left.min(most)))
    }

    fn chunks_ahead(&self) -> bool {
        match self.facts.offers.has(Keyword::Pipelining) {
            true => self.dues.len() >= CHUNKS_AHEAD,
            false => !self.dues.is_empty(),
        }
    }

    /// Octets of the content were given.
    pub(super) fn send_content(&mut self, bytes: &[u8]) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.offset += bytes.len() as u64;
        if !sending.chunked {
            return sending.encoder.write(bytes, self.wire.output());
        }
        let mut chunk = Vec::with_capacity(bytes.len() + 2);
        sending.encoder.write(bytes, &mut chunk);
        let last = sending.offset >= sending.message.size;
        if last {
            sending.encoder.finish(&mut chunk);
        }
        self.send_chunk(&chunk, last);
    }

    fn send_chunk(&mut self, chunk: &[u8], last: bool) {
        // A CR that is waiting for what follows it may be all there is.
        if chunk.is_empty() && !last {
            return;
        }
        let word = if last { " LAST" } else { "" };
        let line = format!("BDAT {}{word}\r\n", chunk.len());
        self.wire.output().extend_from_slice(line.as_bytes());
        self.wire.output().extend_from_slice(chunk);
        match last {
            true => self.end_sent(),
            false => self.dues.push(Due::Chunk, 0),
        }
    }

    fn end_content(&mut self) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        match sending.chunked {
            true => self.send_chunk(&[], true),
            false => {
                sending.encoder.finish(self.wire.output());
                self.end_sent();
            }
        }
    }

    /// The content is complete: one reply is due, or in LMTP one for each recipient that was accepted.
    fn end_sent(&mut self) {
        let lmtp = self.is_lmtp();
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.cursor = Cursor::Over;
        match lmtp {
            // RFC 2033 §4.2: in the order of their RCPTs.
            true => {
                let accepted = sending.accepted.iter();
                accepted.for_each(|n| self.dues.push(Due::EndFor(*n), 0));
            }
            false => self.dues.push(Due::End, 0),
        }
    }

    /// A reply to any of a message's commands.
    pub(super) fn answered_sending(&mut self, due: Due, reply: Reply) {
        let class = reply.code().class();
        match due {
            Due::Probe if !Self::is_yes(&reply) => self.part_over(Stage::Probe, reply),
            Due::Probe => self.probe = false,
            Due::Mail if !Self::is_yes(&reply) => self.answered_no(due, reply),
            Due::Rcpt(n) => self.answered_rcpt(n, reply),
            Due::Data if class == Class::Intermediate => self.go_ahead(),
            Due::Data | Due::Chunk if !Self::is_yes(&reply) || due == Due::Data => {
                self.answered_no(due, reply);
            }
            Due::End | Due::EndFor(_) => self.answered_end(due, reply),
            Due::Void => self.probe = true,
            _ => {}
        }
    }

    /// MAIL, DATA or a chunk was refused: the message has come to nothing for all that are left.
    fn answered_no(&mut self, due: Due, reply: Reply) {
        let odd = !reply.code().is_refusal();
        let stage = due.stage();
        let trouble = Trouble::Said { stage, reply };
        // A peer that says yes where it cannot is not understood any more.
        if odd {
            return self.fail(trouble);
        }
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.refuse_all(&trouble);
        // What was sent ahead is answered yet.
        if sending.cursor != Cursor::Go || due == Due::Data {
            sending.cursor = Cursor::Over;
        }
    }

    fn answered_rcpt(&mut self, n: usize, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        let stage = Stage::Rcpt;
        match reply.code().class() {
            Class::Completed if sending.outcomes.get(n).is_some_and(Option::is_none) => {
                sending.accepted.push(n);
            }
            Class::Completed => {}
            Class::Intermediate => self.fail(Trouble::Said { stage, reply }),
            _ => sending.refuse(n, &Trouble::Said { stage, reply }),
        }
    }

    /// 354.
    fn go_ahead(&mut self) {
        let lmtp = self.is_lmtp();
        let Some(sending) = &mut self.sending else {
            return;
        };
        if !sending.is_hopeless() {
            sending.cursor = Cursor::Body;
            return;
        }
        // RFC 2920 §3.1: DATA went ahead of refusals, and was accepted nonetheless: nothing is sent then.
        sending.cursor = Cursor::Over;
        sending.encoder.finish(self.wire.output());
        // RFC 2033 §4.2: where nobody was accepted, nobody is answered for.
        if !lmtp {
            self.dues.push(Due::Void, 0);
        }
    }

    fn answered_end(&mut self, due: Due, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        let stage = Stage::EndOfData;
        let (yes, odd) = (Self::is_yes(&reply), !reply.code().is_refusal());
        match (due, yes) {
            (Due::EndFor(n), true) => sending.accept(n, reply),
            (Due::EndFor(n), false) => sending.refuse(n, &Trouble::Said { stage, reply }),
            (_, true) => {
                let accepted = std::mem::take(&mut sending.accepted);
                for n in accepted {
                    sending.accept(n, reply.clone());
                }
            }
            (_, false) => sending.refuse_all(&Trouble::Said { stage, reply }),
        }
        // RFC 5321 §4.1.1.4: once the content was answered, nothing is left of the message.
        self.probe = odd && !yes;
    }

    pub(super) fn content_failed(&mut self) {
        self.fail(Trouble::Content);
    }

    fn message_over(&mut self) {
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
