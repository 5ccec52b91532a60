//! BDAT (RFC 3030).

use crate::{
    Keyword,
    parse::{Chunk, ChunkError, CommandLine, Verb},
    server::{
        body::Receiving,
        options::Flavour,
        session::{Session, State},
        tally::Ended,
        words::Say,
    },
};
use mailcore_base::reply::Reply;
use std::time::Instant;

impl Session {
    /// The octets of a chunk follow its command whatever is said to it: a refused chunk is swallowed, and only then
    /// refused (RFC 3030 §2). Nothing in it is ever read as a command.
    pub(super) fn bdat(&mut self, now: Instant, line: &CommandLine<'_>, refusal: Option<Reply>) {
        let chunk = match Chunk::parse(line.arguments) {
            Ok(chunk) => chunk,
            Err(ChunkError::Size) => return self.bad_chunk(now, Say::BdatSyntax),
            Err(ChunkError::End) => return self.bad_chunk(now, Say::BdatEnd),
        };
        if chunk.size == 0 && !chunk.last {
            self.errors.junk(&self.options);
        }
        let refusal = refusal.or_else(|| {
            let say = self.bdat_mistake(chunk)?;
            Some(
                self.options
                    .flavour
                    .say(say, self.options.hostname.as_ascii(), &[]),
            )
        });
        let bounds = self.bounds();
        let first = self.receiving.is_none();
        let receiving = self
            .receiving
            .get_or_insert_with(|| Receiving::chunks(bounds));
        receiving.add(chunk);
        match refusal {
            Some(reply) => {
                receiving.refuse(reply.into());
                self.state = State::Content;
            }
            None if first => {
                self.transaction.chunked = true;
                self.ask_begin();
            }
            None => self.state = State::Content,
        }
    }

    /// How much follows is not known, so nothing that follows can be trusted.
    pub(in crate::server) fn bad_chunk(&mut self, now: Instant, say: Say) {
        self.run(Some(Verb::Bdat));
        self.reset();
        self.part(now, say, Ended::BadChunk);
    }

    fn bdat_mistake(&self, chunk: Chunk) -> Option<Say> {
        if self.discard.contains(Keyword::Chunking) {
            return Some(Say::NotImplemented);
        }
        if !self.transaction.is_open() {
            return Some(Say::NeedMailForData);
        }
        if self.transaction.envelope().recipients.is_empty() {
            return Some(Say::NoRecipients);
        }
        let received = self.receiving.as_ref().map_or(0, Receiving::size);
        let limit = self.options.size_limit;
        if limit.is_some_and(|limit| received.saturating_add(chunk.size) > limit) {
            return Some(Say::TooBigChunk);
        }
        // Postfix takes no empty chunk but the last; Dovecot does.
        let null = chunk.size == 0 && !chunk.last && self.options.flavour == Flavour::Smtp;
        null.then_some(Say::NullChunk)
    }
}
