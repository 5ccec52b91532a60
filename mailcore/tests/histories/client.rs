//! A client: what it says, and how it reads the answers.

use crate::event::{MAILBOXES, Which};
use crate::memory::{Kind, Memory};
use crate::reply::{Untagged, numbers};
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
    pub validity: u64,
    /// Up to when the client knows the mailbox.
    pub modseq: u64,
    /// The highest modification sequence heard with the command that runs.
    pub heard: u64,
    /// Where the server says that the client is.
    pub highest: Option<u64>,
    /// UIDVALIDITY and modification sequence as remembered, until the server has said its own.
    pub remembered: Option<(u64, u64)>,
    /// How many messages there are, while it is not yet told which are gone.
    pub exists: Option<usize>,
    pub may_be_another: bool,
}

/// A message as far as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub uid: Option<u32>,
    pub flags: Option<BTreeSet<String>>,
    pub size: Option<usize>,
    pub recent: bool,
    /// Its flags before the client changed them silently and conditionally, as long as it does not know whether it has.
    pub before: Option<BTreeSet<String>>,
}

/// The answer to a command.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: String,
    pub text: String,
    /// Response codes of untagged OKs.
    pub codes: Vec<String>,
    pub found: Option<Vec<u32>>,
    /// The highest modification sequence of those found.
    pub highest: Option<u64>,
}

impl Answer {
    /// What a conditional STORE has left alone, named as the client has named it.
    pub fn modified(&self) -> Vec<u32> {
        let set = self.text.strip_prefix("[MODIFIED ");
        let set = set.and_then(|rest| rest.split(']').next());
        set.map(numbers).unwrap_or_default()
    }
}

#[derive(Debug)]
pub struct Client {
    pub kind: Kind,
    /// None while it is away.
    wire: Option<DuplexStream>,
    heard: Vec<u8>,
    tags: u32,
    /// The mailbox that is being opened, if a SELECT is in the air.
    opening: Option<(usize, bool)>,
    /// The one that was selected before it.
    before: Option<usize>,
    /// What it remembers of mailboxes that it has not selected.
    memory: [Option<Memory>; MAILBOXES.len()],
    pub belief: Option<Belief>,
    /// The tag of the command in the air.
    pub open: Option<String>,
    pub idles: bool,
    /// No EXPUNGE may come with the answer (RFC 3501 §7.4.1).
    numbered: bool,
}

impl Client {
    /// One that is away, and remembers nothing.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            wire: None,
            heard: Vec::new(),
            tags: 0,
            opening: None,
            before: None,
            memory: [const { None }; MAILBOXES.len()],
            belief: None,
            open: None,
            idles: false,
            numbered: false,
        }
    }

    pub fn is_away(&self) -> bool {
        self.wire.is_none()
    }

    /// Connects, logs in, and says what it can.
    pub async fn come(&mut self, wire: DuplexStream) {
        self.wire = Some(wire);
        assert!(self.line().await.starts_with("* OK "));
        let enable = match self.kind {
            Kind::Plain => "NOOP",
            Kind::Condstore => "ENABLE CONDSTORE",
            Kind::Qresync => "ENABLE QRESYNC",
        };
        for command in ["LOGIN u p", enable] {
            self.begin(command).await;
            assert_eq!(self.finish().await.unwrap().status, "OK");
        }
    }

    /// Hears so many lines of the answer that is on its way, if one is; the answer, if that was all of it.
    pub async fn hear_some(&mut self, lines: u8) -> Option<Answer> {
        let mut answer = Answer::default();
        let tag = self.open.clone().filter(|_| !self.idles)?;
        for _ in 0..lines {
            if self.hear(&tag, &mut answer).await {
                self.open = None;
                return Some(answer);
            }
        }
        None
    }

    /// The mailbox that is selected, or is about to be; as long as that is not described, the one before it.
    fn mailbox(&self) -> Option<usize> {
        match (self.opening, &self.belief) {
            (Some(_), None) if self.before.is_some() => self.before,
            (Some((mailbox, _)), _) => Some(mailbox),
            (None, belief) => belief.as_ref().map(|belief| belief.mailbox),
        }
    }

    /// Waits for the server to say that it hangs up.
    pub async fn goodbye(&mut self) {
        let line = self.line().await;
        assert!(
            line.starts_with("* BYE "),
            "of a mailbox that is gone: {line}"
        );
        self.dismissed();
    }

    /// The server hangs up: the mailbox that was selected is gone, which INBOX never is.
    fn dismissed(&mut self) {
        assert_ne!(self.mailbox(), Some(0), "INBOX is gone");
        self.leave();
    }

    /// Its connection breaks. What it was told by then it knows; of what it has said itself, and got no answer to, it
    /// does not know whether it happened.
    pub fn leave(&mut self) {
        if let Some(belief) = &mut self.belief {
            belief.take_back(|_, _| true);
        }
        self.remember();
        self.belief = None;
        self.opening = None;
        self.idles = false;
        self.open = None;
        self.heard.clear();
        self.wire = None;
    }

    /// Keeps what it knows of the mailbox that it is about to leave.
    pub fn remember(&mut self) {
        if let Some(belief) = &self.belief
            && self.opening.is_none()
            && self.kind != Kind::Plain
        {
            self.memory[belief.mailbox] = Some(Memory::of(belief));
        }
    }

    // ---- the wire

    async fn read(&mut self) {
        let wire = self.wire.as_mut().expect("it is away");
        let read = tokio::time::timeout(PATIENCE, wire.read_buf(&mut self.heard));
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

    /// Nothing comes to a client that asks for nothing, but that its mailbox is gone, where it has removed that itself.
    async fn is_left_alone(&mut self) {
        let wire = self.wire.as_mut().expect("it is away");
        let mut octets = [0; 128];
        let mut read = ReadBuf::new(&mut octets);
        poll_fn(|cx| {
            let _ = tokio::io::AsyncRead::poll_read(Pin::new(&mut *wire), cx, &mut read);
            Poll::Ready(())
        })
        .await;
        self.heard.extend_from_slice(read.filled());
        let gone = self.heard.starts_with(b"* BYE ") && self.mailbox().is_some_and(|m| m != 0);
        assert!(
            gone || self.heard.is_empty(),
            "told without having asked: {}",
            self.heard.escape_ascii()
        );
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
        self.write(&format!("{tag} {command}\r\n")).await;
        self.open = Some(tag);
        self.idles = command == "IDLE";
    }

    async fn write(&mut self, text: &str) {
        let wire = self.wire.as_mut().expect("it is away");
        // Who is hung up on hears why when he reads.
        let _ = wire.write_all(text.as_bytes()).await;
    }

    /// Gives SELECT or EXAMINE: what was believed is void.
    pub async fn select(&mut self, mailbox: usize, write: bool) {
        self.remember();
        let verb = if write { "SELECT" } else { "EXAMINE" };
        let resync = match (self.kind, &self.memory[mailbox]) {
            (Kind::Qresync, Some(memory)) => memory.resync(self.tags as usize),
            (Kind::Condstore, _) => " (CONDSTORE)".to_owned(),
            _ => String::new(),
        };
        self.begin(&format!("{verb} {}{resync}", MAILBOXES[mailbox]))
            .await;
        self.before = self.belief.take().map(|belief| belief.mailbox);
        self.opening = Some((mailbox, write));
    }

    /// Waits for the answer to the command in the air, from IDLE with DONE.
    pub async fn finish(&mut self) -> Option<Answer> {
        let tag = self.open.take()?;
        if std::mem::take(&mut self.idles) {
            self.write("DONE\r\n").await;
        }
        let mut answer = Answer::default();
        while !self.hear(&tag, &mut answer).await {}
        Some(answer)
    }

    /// Hears one line; whether it is the tagged one.
    async fn hear(&mut self, tag: &str, answer: &mut Answer) -> bool {
        let line = self.line().await;
        if let Some(untagged) = line.strip_prefix("* ") {
            self.told(Untagged::parse(untagged), answer);
            if self.is_away() {
                answer.status = "BYE".to_owned();
            }
            return self.is_away();
        }
        let Some(reply) = line.strip_prefix(&format!("{tag} ")) else {
            assert!(line.starts_with('+'), "to {tag}: {line}");
            return false;
        };
        let (status, text) = reply.split_once(' ').unwrap();
        (answer.status, answer.text) = (status.to_owned(), text.to_owned());
        if let Some((mailbox, writes)) = self.opening.take() {
            if answer.status != "OK" {
                self.belief = None;
                return true;
            }
            let word = if writes {
                "[READ-WRITE]"
            } else {
                "[READ-ONLY]"
            };
            assert!(answer.text.starts_with(word), "{answer:?}");
            let belief = self.belief.as_mut().unwrap();
            (belief.mailbox, belief.writes) = (mailbox, writes);
        }
        if let Some(belief) = &mut self.belief {
            if let Some(code) = text.strip_prefix('[').and_then(|t| t.split(']').next()) {
                belief.code(code);
            }
            belief.up_to_date();
        }
        true
    }

    /// In IDLE: believes what comes until it is enough.
    pub async fn idle_until(&mut self, enough: impl Fn(&Belief) -> bool) {
        assert!(self.idles);
        let mut answer = Answer::default();
        while self.belief.as_ref().is_some_and(|belief| !enough(belief)) {
            let line = self.line().await;
            match line.strip_prefix("* ") {
                Some(untagged) => self.told(Untagged::parse(untagged), &mut answer),
                None => assert!(line.starts_with('+'), "in IDLE: {line}"),
            }
            // No tagged response comes for long: here what the server says counts at once.
            if let Some(belief) = &mut self.belief
                && belief.highest.is_some()
            {
                belief.up_to_date();
            }
        }
    }

    /// A client that knows modification sequences alone finds its messages again by their UIDs, and asks for what has
    /// changed.
    pub async fn resynchronise(&mut self) {
        let (Kind::Condstore, Some(belief)) = (self.kind, &mut self.belief) else {
            return;
        };
        let Some(memory) = self.memory[belief.mailbox].take() else {
            return;
        };
        if belief.validity != memory.validity {
            return;
        }
        let (mailbox, now, since) = (belief.mailbox, belief.modseq, memory.modseq);
        assert!(now >= since, "from {since} back to {now}");
        if belief.messages.is_empty() {
            return;
        }
        let heard = belief.modseq;
        self.asked("FETCH 1:* (UID)").await;
        let Some(belief) = &mut self.belief else {
            return;
        };
        for message in &mut belief.messages {
            let known = memory.messages.iter().find(|m| m.uid == message.uid);
            if let Some(known) = known.filter(|_| message.uid.is_some()) {
                message.flags = message.flags.take().or(known.flags.clone());
                message.size = known.size;
            }
        }
        let changes = format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})");
        self.asked(&changes).await;
        let Some(belief) = &mut self.belief else {
            return;
        };
        assert_eq!(belief.mailbox, mailbox);
        belief.modseq = belief.modseq.max(heard);
    }

    async fn asked(&mut self, command: &str) {
        self.begin(command).await;
        let answer = self.finish().await.unwrap();
        // What can be removed may be on its way out.
        let fine = answer.status == "OK" || self.mailbox() != Some(0);
        assert!(fine, "{answer:?}");
    }

    /// Asks for all about the messages from the first one on of which it was not told everything.
    pub async fn learn(&mut self) {
        let Some(belief) = &self.belief else { return };
        // A size is told last, and only where it was asked for.
        let Some(first) = belief.messages.iter().position(|m| m.size.is_none()) else {
            return;
        };
        let (from, to) = (first + 1, belief.messages.len());
        self.asked(&format!("FETCH {from}:{to} (UID FLAGS RFC822.SIZE)"))
            .await;
    }

    // ---- believing

    fn told(&mut self, untagged: Untagged, answer: &mut Answer) {
        if let (Some((mailbox, _)), None) = (self.opening, &self.belief) {
            // The old mailbox may still say something until the new one is described.
            if let Untagged::Exists(count) = untagged {
                let memory = self.memory[mailbox].clone();
                self.belief = Some(match self.kind {
                    Kind::Qresync => Belief::opening(memory, count, mailbox != 0),
                    _ => Belief::opening(None, count, mailbox != 0),
                });
                return;
            }
        }
        match untagged {
            Untagged::Search(found, highest) => {
                (answer.found, answer.highest) = (Some(found), highest);
            }
            Untagged::Code(code) => {
                if let Some(belief) = &mut self.belief {
                    belief.code(&code);
                }
                answer.codes.push(code);
            }
            Untagged::Bye => self.dismissed(),
            Untagged::Other(_) => {}
            news => {
                let belief = self.belief.as_mut().expect("news without a mailbox");
                if let (Untagged::Fetch(_, fetched), Kind::Qresync) = (&news, self.kind) {
                    // RFC 7162 §3.2.4
                    assert!(fetched.uid.is_some(), "a FETCH without a UID: {fetched:?}");
                }
                let by_uid = matches!(news, Untagged::Vanished(..));
                let by_number = matches!(news, Untagged::Expunge(_));
                assert!(
                    !by_uid || self.kind == Kind::Qresync,
                    "VANISHED to {:?}",
                    self.kind
                );
                assert!(
                    !by_number || self.kind != Kind::Qresync,
                    "EXPUNGE with QRESYNC"
                );
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
