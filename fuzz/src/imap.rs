//! The IMAP server machine against any client, over mailboxes in memory that change under it: what it says is IMAP,
//! numbers are of messages that the client knows, it ends, and it does the same in whatever pieces the octets come.

use crate::imap_desk::{Desk, local};
use crate::peer::{Leave, Peer, Travel, WHOLE, scribble};
use crate::{Choices, imap_grammar};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Uid, UidSet};
use mailcore_imap::server::{Ask, Options, Session, Step};
use mailcore_imap::types::Failed;
use std::sync::Arc;

/// What most scripts begin with, so that a fuzzer need not find it.
const ENTRANCE: &[u8] = b"0 LOGIN alice secret\r\n1 SELECT INBOX\r\n";

const MESSAGES: [&[u8]; 3] = [
    b"Subject: one\r\nFrom: a@b\r\n\r\nbody\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\nMIME-Version: 1.0\r\nSubject: =?utf-8?q?=C3=A9?=\r\n\r\n\
      --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n{3}\r\n--x\r\n\r\ntext\r\n--x--\r\n",
    b"",
];

/// The kinds of question that may fail once.
const KINDS: [&str; 16] = [
    "", "", "", "", "", "Expunged", "Select", "List", "Sync", "Records", "Measure", "Bytes",
    "Store", "Copy", "Commit", "Content",
];

/// The input is what a client sends; its last octets are settings and what happens to the mailbox meanwhile.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(32);
    let leave = choices.one_of(&Leave::ALL).unwrap_or(Leave::HalfClose);
    let setting = Setting {
        bits: choices.octet(),
        fails: choices.one_of(&KINDS).unwrap_or_default(),
        events: [(); 4].map(|()| choices.octet()),
    };
    let script = match setting.bits & 1 {
        0 => [ENTRANCE, choices.rest()].concat(),
        _ => choices.rest().to_vec(),
    };
    let talk = |travel| setting.converse(Peer::new(&script, leave, travel));
    let whole = talk(WHOLE);
    for (piece, drops) in [(piece, true), (1, false)] {
        let again = talk(Travel { piece, drops });
        // What was sent ahead of TLS is thrown away, so that the pieces matter.
        if setting.bits & 2 == 0 {
            assert_eq!(again, whole, "in pieces of {piece}, steps dropped: {drops}");
        }
    }
}

struct Setting {
    bits: u8,
    fails: &'static str,
    events: [u8; 4],
}

impl Setting {
    fn options(&self) -> Arc<Options> {
        let mut options = Options::default();
        options.starttls = self.bits & 2 != 0;
        let limits = &mut options.limits;
        limits.wire.input = 256;
        limits.wire.output = 512;
        limits.line_before_login = 256;
        limits.line = 512;
        limits.sasl_line = 128;
        limits.literals_before_login = 64;
        limits.literals = 128;
        limits.swallow_before_login = 300;
        limits.swallow = 600;
        limits.message = Some(400);
        limits.nesting = 8;
        Arc::new(options)
    }

    fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        for text in MESSAGES {
            arrive(&mut desk, text);
        }
        desk.bare = self.bits & 4 != 0;
        let failed = if self.bits & 8 == 0 {
            Failed::Unavailable
        } else {
            Failed::NotFound
        };
        desk.fail = (!self.fails.is_empty()).then(|| (self.fails.to_owned(), failed));
        desk
    }

    fn converse(&self, mut peer: Peer<'_>) -> String {
        let mut session = Session::new(self.options());
        local(session.facts_mut());
        let mut desk = self.desk();
        let mut syncs = 0;
        while !peer.closed {
            let drops = peer.drops_this_turn();
            match session.step(peer.now) {
                Step::Io(io) if drops => scribble(io),
                _ if drops => {}
                Step::Io(io) => peer.io(io),
                Step::Content(content) => {
                    let n = content.bytes().len().min(peer.travel.piece);
                    match desk.content(&content.bytes()[..n]) {
                        Ok(()) => content.taken(n),
                        Err(failed) => content.refused(failed),
                    }
                }
                Step::Ask(ask) => {
                    if matches!(ask, Ask::Sync(_)) {
                        self.meanwhile(&mut desk, syncs);
                        syncs += 1;
                    }
                    desk.answer(ask);
                }
                other => panic!("what is {other:?}?"),
            }
        }
        let mut client = Client::default();
        imap_grammar::responses(&peer.said, |line| client.hears(line));
        peer.said.escape_ascii().to_string()
    }

    /// Another session at the same mailbox.
    fn meanwhile(&self, desk: &mut Desk, syncs: usize) {
        let event = self.events[syncs % 4];
        let Some(inbox) = desk.mailboxes.values_mut().next() else {
            return;
        };
        let uids: UidSet = Uid::new(u32::from(event % 16)).into_iter().collect();
        match event / 16 {
            1 => drop(inbox.expunge(&uids)),
            2 => drop(inbox.add(MESSAGES[0].to_vec(), Flags::NONE, DateTime::utc(0))),
            3 => drop(inbox.flag(&uids, &FlagChange::of(FlagOp::Add, Flags::FLAGGED), None)),
            _ => {}
        }
    }
}

fn arrive(desk: &mut Desk, text: &[u8]) {
    let date = DateTime::utc(1_577_872_800);
    desk.mailbox("INBOX").add(text.to_vec(), Flags::NONE, date);
}

/// What a client knows by what it hears.
#[derive(Default)]
struct Client {
    exists: u32,
}

impl Client {
    /// RFC 7162 §3.2.10: what went earlier is counted no more.
    fn vanished(&mut self, set: &[u8]) {
        if set == b"(EARLIER)" {
            return;
        }
        let set = std::str::from_utf8(set).unwrap_or_default();
        let number = |text: &str| text.parse::<u32>().unwrap_or_default();
        let counts = set.split(',').map(|range| {
            let (low, high) = range.split_once(':').unwrap_or((range, range));
            let (low, high) = (number(low), number(high));
            assert!(0 < low && low <= high, "vanished: {set}");
            high - low + 1
        });
        let gone: u32 = counts.sum();
        assert!(gone <= self.exists, "vanished: {gone} of {}", self.exists);
        self.exists -= gone;
    }

    /// RFC 3501 §7.3, §7.4: only messages that EXISTS has told of are expunged or fetched.
    fn hears(&mut self, line: &[u8]) {
        let mut words = line.split(|b| *b == b' ');
        let (Some(b"*"), Some(number), Some(word)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        if number == b"VANISHED" {
            return self.vanished(word);
        }
        let Some(number) = std::str::from_utf8(number)
            .ok()
            .and_then(|n| n.parse::<u32>().ok())
        else {
            return;
        };
        let known = (1..=self.exists).contains(&number);
        match word {
            b"EXISTS" => self.exists = number,
            b"EXPUNGE" => {
                assert!(known, "expunged: {number} of {}", self.exists);
                self.exists -= 1;
            }
            b"FETCH" => assert!(known, "fetched: {number} of {}", self.exists),
            b"RECENT" => assert!(number <= self.exists, "recent: {number} of {}", self.exists),
            other => panic!("numbered {}", other.escape_ascii()),
        }
    }
}
