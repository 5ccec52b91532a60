//! A client that believes exactly what it is told, and is startled by what no server may tell it.

use crate::event::{MAILBOXES, Which};
use crate::reply::{Fetched, Untagged};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};

/// Longer than any answer takes: a test that hangs says so.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client believes of the mailbox that it has selected.
#[derive(Debug, Default)]
pub struct Belief {
    pub mailbox: usize,
    pub writes: bool,
    pub messages: Vec<Message>,
    pub recent: usize,
}

/// A message as far as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub uid: Option<u32>,
    pub flags: Option<BTreeSet<String>>,
    pub size: Option<usize>,
    pub recent: bool,
}

/// The answer to a command.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: String,
    pub text: String,
    /// Response codes of untagged OKs.
    pub codes: Vec<String>,
    pub found: Option<Vec<u32>>,
}

#[derive(Debug)]
pub struct Client {
    wire: DuplexStream,
    heard: Vec<u8>,
    tags: u32,
    /// The mailbox that is being opened, if a SELECT is in the air.
    opening: Option<(usize, bool)>,
    pub belief: Option<Belief>,
    /// The tag of the command in the air.
    pub open: Option<String>,
    pub idles: bool,
    /// No EXPUNGE may come with the answer (RFC 3501 §7.4.1).
    numbered: bool,
}

impl Client {
    pub async fn new(wire: DuplexStream) -> Self {
        let mut client = Self {
            wire,
            heard: Vec::new(),
            tags: 0,
            opening: None,
            belief: None,
            open: None,
            idles: false,
            numbered: false,
        };
        assert!(client.line().await.starts_with("* OK "));
        client
    }

    // ---- the wire

    async fn read(&mut self) {
        let read = tokio::time::timeout(PATIENCE, self.wire.read_buf(&mut self.heard));
        let n = read.await.expect("no answer").unwrap();
        assert!(n > 0, "the server hung up");
    }

    /// A line without its end, the literals in it included.
    async fn line(&mut self) -> String {
        let mut from = 0;
        loop {
            let Some(end) = self.heard[from..].windows(2).position(|w| w == b"\r\n") else {
                self.read().await;
                continue;
            };
            let end = from + end;
            match literal(&self.heard[from..end]) {
                Some(octets) => {
                    from = end + 2 + octets;
                    while self.heard.len() < from {
                        self.read().await;
                    }
                }
                None => {
                    let line: Vec<u8> = self.heard.drain(..end + 2).take(end).collect();
                    return String::from_utf8(line).unwrap();
                }
            }
        }
    }

    /// Nothing comes to a client that asks for nothing.
    async fn is_left_alone(&mut self) {
        assert!(self.heard.is_empty(), "{}", self.heard.escape_ascii());
        let wire = &mut self.wire;
        poll_fn(|cx| {
            let mut octet = [0; 1];
            let mut read = ReadBuf::new(&mut octet);
            let polled = tokio::io::AsyncRead::poll_read(Pin::new(wire), cx, &mut read);
            assert!(polled.is_pending(), "told without having asked");
            Poll::Ready(())
        })
        .await;
    }

    // ---- commands

    /// Gives a command.
    pub async fn begin(&mut self, command: &str) {
        assert!(self.open.is_none() && !self.idles);
        self.is_left_alone().await;
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        let by_number = ["FETCH ", "STORE ", "SEARCH "];
        self.numbered = by_number.iter().any(|name| command.starts_with(name));
        self.wire
            .write_all(format!("{tag} {command}\r\n").as_bytes())
            .await
            .unwrap();
        self.open = Some(tag);
        self.idles = command == "IDLE";
    }

    /// Gives SELECT or EXAMINE: what was believed is void.
    pub async fn select(&mut self, mailbox: usize, write: bool) {
        let verb = if write { "SELECT" } else { "EXAMINE" };
        self.begin(&format!("{verb} {}", MAILBOXES[mailbox])).await;
        self.belief = None;
        self.opening = Some((mailbox, write));
    }

    /// Waits for the answer to the command in the air, from IDLE with DONE.
    pub async fn finish(&mut self) -> Option<Answer> {
        let tag = self.open.take()?;
        if std::mem::take(&mut self.idles) {
            self.wire.write_all(b"DONE\r\n").await.unwrap();
        }
        let mut answer = Answer::default();
        loop {
            let line = self.line().await;
            if let Some(untagged) = line.strip_prefix("* ") {
                self.told(Untagged::parse(untagged), &mut answer);
            } else if let Some(reply) = line.strip_prefix(&format!("{tag} ")) {
                let (status, text) = reply.split_once(' ').unwrap();
                (answer.status, answer.text) = (status.to_owned(), text.to_owned());
                break;
            } else {
                assert!(line.starts_with('+'), "to {tag}: {line}");
            }
        }
        if let Some((mailbox, writes)) = self.opening.take() {
            assert_eq!(answer.status, "OK", "{answer:?}");
            let word = if writes {
                "[READ-WRITE]"
            } else {
                "[READ-ONLY]"
            };
            assert!(answer.text.starts_with(word), "{answer:?}");
            let belief = self.belief.as_mut().unwrap();
            (belief.mailbox, belief.writes) = (mailbox, writes);
        }
        Some(answer)
    }

    /// In IDLE: believes what comes until it is enough.
    pub async fn idle_until(&mut self, enough: impl Fn(&Belief) -> bool) {
        assert!(self.idles);
        let mut answer = Answer::default();
        while !self.belief.as_ref().is_none_or(&enough) {
            let line = self.line().await;
            match line.strip_prefix("* ") {
                Some(untagged) => self.told(Untagged::parse(untagged), &mut answer),
                None => assert!(line.starts_with('+'), "in IDLE: {line}"),
            }
        }
    }

    /// Asks for all about the messages from the first one on of which it was not told everything.
    pub async fn learn(&mut self) {
        let Some(belief) = &self.belief else { return };
        // A size is told last, and only where it was asked for.
        let Some(first) = belief.messages.iter().position(|m| m.size.is_none()) else {
            return;
        };
        let (from, to) = (first + 1, belief.messages.len());
        self.begin(&format!("FETCH {from}:{to} (UID FLAGS RFC822.SIZE)"))
            .await;
        let answer = self.finish().await.unwrap();
        assert_eq!(answer.status, "OK", "{answer:?}");
    }

    // ---- believing

    fn told(&mut self, untagged: Untagged, answer: &mut Answer) {
        if self.opening.is_some() && self.belief.is_none() {
            // The old mailbox may still say something until the new one is described.
            if matches!(untagged, Untagged::Exists(_)) {
                self.belief = Some(Belief::default());
            }
        }
        match untagged {
            Untagged::Search(found) => answer.found = Some(found),
            Untagged::Code(code) => answer.codes.push(code),
            Untagged::Other(_) => {}
            news => {
                let belief = self.belief.as_mut().expect("news without a mailbox");
                belief.told(news, self.numbered);
            }
        }
    }

    /// The set for the wire, and the UIDs that it means; `None` where there is nothing to mean.
    pub fn resolve(&self, which: &Which) -> Option<(String, Vec<u32>)> {
        let messages = &self.belief.as_ref()?.messages;
        let count = messages.len();
        let (mut words, mut meant) = (Vec::new(), Vec::new());
        for (n, (at, length)) in which.places.iter().enumerate() {
            let first = usize::from(*at).checked_rem(count)?;
            let star = which.open && n + 1 == which.places.len();
            let last = if star {
                count - 1
            } else {
                (first + usize::from(*length)).min(count - 1)
            };
            let name = |place: usize| match which.by_uid {
                true => messages[place].uid,
                false => u32::try_from(place + 1).ok(),
            };
            words.push(match (star, first == last) {
                (true, _) => format!("{}:*", name(first)?),
                (false, true) => name(first)?.to_string(),
                (false, false) => format!("{}:{}", name(last)?, name(first)?),
            });
            meant.extend(messages[first..=last].iter().filter_map(|m| m.uid));
        }
        meant.sort_unstable();
        meant.dedup();
        Some((words.join(","), meant))
    }
}

/// The literal that the line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line.strip_suffix(b"}")?).ok()?;
    line.rsplit_once('{')?.1.parse().ok()
}

impl Belief {
    fn told(&mut self, news: Untagged, numbered: bool) {
        match news {
            Untagged::Exists(count) => {
                assert!(count >= self.messages.len(), "EXISTS shrank to {count}");
                self.messages.resize(count, Message::default());
            }
            Untagged::Recent(count) => self.recent = count,
            Untagged::Expunge(number) => {
                assert!(!numbered, "EXPUNGE with an answer by numbers");
                assert!(number >= 1 && number <= self.messages.len());
                self.messages.remove(number - 1);
            }
            Untagged::Fetch(number, fetched) => self.fetched(number, fetched),
            Untagged::Search(_) | Untagged::Code(_) | Untagged::Other(_) => unreachable!(),
        }
    }

    fn fetched(&mut self, number: usize, fetched: Fetched) {
        assert!(number >= 1 && number <= self.messages.len(), "{number}");
        let place = number - 1;
        if let Some(uid) = fetched.uid {
            let known = self.messages[place].uid;
            assert!(
                known.is_none_or(|known| known == uid),
                "{number} is another"
            );
            let (before, after) = self.messages.split_at(place);
            assert!(
                before.iter().all(|m| m.uid < Some(uid)),
                "UIDs descend to {uid}"
            );
            let after = after.iter().skip(1).filter_map(|m| m.uid);
            assert!(
                after.into_iter().all(|later| later > uid),
                "{uid} is no ascent"
            );
        }
        let message = &mut self.messages[place];
        message.uid = fetched.uid.or(message.uid);
        if let Some(flags) = fetched.flags {
            message.flags = Some(flags);
            message.recent = fetched.recent;
        }
        if let (Some(size), Some(body)) = (message.size, fetched.body) {
            assert_eq!(size, body, "message {number} has another body");
        }
        message.size = fetched.size.or(message.size);
    }
}
