//! A message's commands on their way out, ahead of their replies where that is offered.

use super::{
    due::Due,
    sending::Cursor,
    session::{Next, Session, State},
};
use crate::Keyword;
use std::time::Instant;

/// Chunks that may wait for their replies.
const CHUNKS_AHEAD: usize = 4;
/// Less free output than this is not worth a question, as long as there is some to send.
const WORTHWHILE: usize = 4096;

impl Session {
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
}
