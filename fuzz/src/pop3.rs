//! The POP3 server machine against any client: a line for each line, messages whole and dot-stuffed, nothing deleted
//! before QUIT, and the same in whatever pieces the octets come.

use crate::peer::{Leave, Peer, Travel, WHOLE, scribble};
use crate::{Choices, safe};
use bytes::Bytes;
use mailcore_base::mailbox::{Uid, UidValidity};
use mailcore_imap::pop3::ask::{Exchange, Link, Welcome};
use mailcore_imap::pop3::{Ask, Failed, Message, Options, Page, Refusal, Session, Step};
use std::num::NonZeroU32;
use std::sync::Arc;

/// What is in the maildrop.
const MESSAGES: [&[u8]; 4] = [
    b"Subject: one\r\n\r\nbody\r\n",
    b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nno end",
    b"",
    b"no header\r\n.\n\r.\r\n",
];

/// The input is what a client sends; its last octets are settings and answers.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(32);
    let leave = choices.one_of(&Leave::ALL).unwrap_or(Leave::HalfClose);
    let bits = choices.octet();
    let answers = [(); 4].map(|()| choices.octet());
    let script = choices.rest();
    let talk = |travel| converse(bits, answers, Peer::new(script, leave, travel));
    let whole = talk(WHOLE);
    for (piece, drops) in [(piece, true), (1, false)] {
        let again = talk(Travel { piece, drops });
        // What was sent ahead of TLS is thrown away, so that the pieces matter.
        if bits & 1 == 0 {
            assert_eq!(again, whole, "in pieces of {piece}, steps dropped: {drops}");
        }
    }
}

fn converse(bits: u8, answers: [u8; 4], mut peer: Peer<'_>) -> (String, Vec<String>) {
    let mut options = Options::default();
    options.stls = bits & 1 == 1;
    options.last = bits & 2 == 0;
    options.exclusive = bits & 4 != 0;
    options.limits.line = 128;
    options.limits.sasl_line = 256;
    options.limits.wire.input = 256;
    options.limits.wire.output = 128;
    let mut session = Session::new(Arc::new(options));
    let mut clerk = Clerk {
        answers,
        asked: 0,
        piece: peer.travel.piece,
        seen: Vec::new(),
        open: false,
        secured: bits & 8 == 0,
    };
    while !peer.closed {
        let drops = peer.drops_this_turn();
        match session.step(peer.now) {
            Step::Io(io) if drops => scribble(io),
            _ if drops => {}
            Step::Io(io) => peer.io(io),
            Step::Ask(ask) => clerk.answer(ask),
            other => panic!("what is {other:?}?"),
        }
    }
    assert!(session.ended().is_some(), "it closed and did not end");
    assert!(!clerk.open, "a maildrop neither committed nor abandoned");
    hears(&peer.said);
    (peer.said.escape_ascii().to_string(), clerk.seen)
}

/// A client that knows RFC 1939 §3: replies are lines, and a message that is sent whole is one that is there, once the
/// dots are off.
fn hears(said: &[u8]) {
    let mut lines = said.split_inclusive(|b| *b == b'\n');
    while let Some(line) = lines.next() {
        if !(line.starts_with(b"+OK") || line.starts_with(b"-ERR")) {
            continue;
        }
        safe::one_wire_line(line);
        let word = |n: usize| {
            line.split(|b| b" \r\n".contains(b))
                .nth(n)
                .unwrap_or_default()
        };
        if word(2) != b"octets" || !word(1).iter().all(u8::is_ascii_digit) {
            continue;
        }
        let mut message = Vec::new();
        for line in lines.by_ref() {
            if line == b".\r\n" {
                let sent = |text: &&[u8]| message == [text, end(text)].concat();
                assert!(MESSAGES.iter().any(sent), "{}", message.escape_ascii());
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
    }
}

/// What a message lacks at its end.
fn end(text: &[u8]) -> &'static [u8] {
    match text.is_empty() || text.ends_with(b"\r\n") {
        true => b"",
        false => b"\r\n",
    }
}

/// Who answers: anybody comes in, and the maildrop is the same for all.
struct Clerk {
    answers: [u8; 4],
    asked: usize,
    piece: usize,
    seen: Vec<String>,
    open: bool,
    secured: bool,
}

impl Clerk {
    /// The next two bits of the answers; mostly zero, which is consent. Reads do not count, since pieces are many.
    fn turn(&mut self) -> u8 {
        let octet = self.answers[self.asked / 4 % 4];
        let bits = octet >> (2 * (self.asked % 4)) & 3;
        self.asked += 1;
        bits
    }

    fn link(&self) -> Link {
        Link {
            secured: self.secured,
            mechanisms: vec!["PLAIN".into(), "LOGIN".into()],
            ..Link::default()
        }
    }

    fn step(&mut self) -> Exchange {
        match self.turn() {
            0 => Exchange::Granted("alice".into()),
            1 => Exchange::Challenge(vec![b'c'; 60]),
            2 => Exchange::Refused(Refusal::Credentials),
            _ => Exchange::Refused(Refusal::Unavailable),
        }
    }

    fn login(&mut self) -> Result<String, Refusal> {
        match self.turn() {
            0 | 1 => Ok("alice".into()),
            2 => Err(Refusal::Credentials),
            _ => Err(Refusal::Disabled),
        }
    }

    fn answer(&mut self, ask: Ask<'_>) {
        if !matches!(ask, Ask::Read(_)) {
            self.seen.push(format!("{ask:?}"));
        }
        match ask {
            Ask::Connect(question) => question.answer(match self.turn() {
                3 => Err(Failed::TooMany),
                _ => Ok(Welcome {
                    link: self.link(),
                    apop: Some("<1@x>".into()),
                }),
            }),
            Ask::Secured(question) => question.answer(Ok(self.link())),
            Ask::Login(question) => {
                assert!(!question.asked().name.contains(char::is_control));
                question.answer(self.login());
            }
            Ask::Apop(question) => {
                assert_eq!(question.asked().digest.len(), 32);
                question.answer(self.login());
            }
            Ask::Authenticate(question) => question.answer(self.step()),
            Ask::Respond(question) => question.answer(self.step()),
            Ask::Maildrop(question) => {
                let (after, most) = (question.asked().after, question.asked().most);
                let page = page(after, most.min(3));
                let answer = match self.turn() {
                    3 => Err(Failed::InUse),
                    2 => Err(Failed::Temporary),
                    _ => Ok(page),
                };
                self.open |= answer.is_ok();
                question.answer(answer);
            }
            Ask::Read(question) => {
                let read = question.asked();
                let text = MESSAGES[read.uid.number() as usize / 10];
                let from = usize::try_from(read.offset).expect("small").min(text.len());
                let until = (from + self.piece.min(read.most)).min(text.len());
                // The last of them is gone.
                let gone = self.answers[3] == 0x77;
                let piece = (!gone).then(|| Bytes::from_static(&text[from..until]));
                question.answer(Ok(piece));
            }
            Ask::Commit(question) => {
                assert!(self.open, "only what was opened is committed");
                let both = question
                    .asked()
                    .deleted
                    .intersection(&question.asked().seen);
                assert!(both.is_empty());
                self.open = false;
                question.answer(match self.turn() {
                    3 => Err(Failed::Temporary),
                    _ => Ok(()),
                });
            }
            Ask::Abandoned(question) => {
                assert!(self.open, "only what was opened is abandoned");
                self.open = false;
                question.answer(());
            }
            other => other.decline(),
        }
    }
}

/// UIDs are 1, 11, 21, 31.
fn page(after: Option<Uid>, most: usize) -> Page {
    let all = MESSAGES.iter().zip((1..).step_by(10)).map(|(text, n)| {
        let mut message = Message::new(Uid::new(n).expect("not zero"), text.len() as u64);
        message.uidl = (n == 11).then(|| "own".into());
        message
    });
    let left: Vec<Message> = all
        .filter(|message| after.is_none_or(|uid| message.uid > uid))
        .collect();
    Page {
        uid_validity: UidValidity(NonZeroU32::MIN),
        more: left.len() > most,
        messages: left.into_iter().take(most).collect(),
    }
}
