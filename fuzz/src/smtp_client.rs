//! The SMTP and LMTP client machine against any server: each message it is given has one outcome for each recipient,
//! none is called accepted without a reply that says so, what it sends is whole lines, it ends, and it does the same in
//! whatever pieces the replies come.

use crate::peer::{Leave, Peer, Travel, WHOLE, scribble};
use crate::{Choices, safe};
use mailcore_base::address::Address;
use mailcore_base::envelope::{Body, Envelope, Recipient, Text};
use mailcore_base::login::{Secret, TlsFacts};
use mailcore_base::reply::Class;
use mailcore_smtp::client::{
    Ask, Done, Ended, LogIn, Message, Options, Order, Response, Session, Step, Tls,
};
use mailcore_smtp::{Keyword, Keywords};
use std::sync::Arc;
use std::time::Duration;

const CONTENT: &[u8] = b"Subject: x\r\n\r\n.\r\n..a\nb\rc\r\n\0\xff a line that is too long\r\n.";
const PASSWORD: &str = "s3cr3t";
/// `s3cr3t` in base64.
const ENCODED: &str = "czNjcjN0";

/// The input is what a server says, line by line as it is read; its last octets are settings.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(32);
    let leave = choices.one_of(&Leave::ALL).unwrap_or(Leave::HalfClose);
    let (options, orders) = settings(&mut choices);
    let script = choices.rest();
    let talk = |travel| {
        let mut peer = Peer::new(script, leave, travel);
        // What comes ahead of what it answers is refused, so that the pieces would matter.
        peer.by_line = true;
        converse(options.clone(), peer, Desk::new(orders))
    };
    let whole = talk(WHOLE);
    for (piece, drops) in [(piece, true), (1, false)] {
        let again = talk(Travel { piece, drops });
        assert_eq!(again, whole, "in pieces of {piece}, steps dropped: {drops}");
    }
}

fn settings(choices: &mut Choices<'_>) -> (Arc<Options>, u8) {
    let (bits, orders) = (choices.octet(), choices.octet());
    let host: mailcore_base::address::Domain = "client.example.test".parse().expect("a domain");
    let mut options = match bits & 1 {
        0 => Options::smtp(host),
        _ => Options::lmtp(host),
    };
    options.tls = match bits >> 1 & 3 {
        1 => Tls::May,
        2 => Tls::Required,
        _ => Tls::Off,
    };
    options.login = bits & 8 != 0;
    options.chunking = bits & 16 != 0;
    options.await_quit = bits & 32 != 0;
    if bits & 64 != 0 {
        options.discard = Keywords::NONE.with(Keyword::Pipelining);
    }
    options.line_limit = (bits & 128 != 0).then_some(20);
    options.ahead = 100;
    options.limits.output = 128;
    (Arc::new(options), orders)
}

/// Whoever orders, and what it was told.
struct Desk {
    orders: u8,
    given: usize,
    told: Vec<String>,
}

impl Desk {
    fn new(orders: u8) -> Self {
        Self {
            orders,
            given: 0,
            told: Vec::new(),
        }
    }

    fn answer(&mut self, ask: Ask<'_>, peer: &Peer<'_>) {
        match ask {
            Ask::Secured(question) => question.answer(Ok(TlsFacts::default())),
            Ask::Authenticate(question) => {
                let mechanism = question.facts().offers.mechanisms.first().cloned();
                let initial = (self.orders & 1 != 0).then(|| Secret::new(PASSWORD));
                question.answer(LogIn::By(mechanism.expect("one that is offered"), initial));
            }
            Ask::Challenge(question) => {
                let asked = question.asked().0.expose().to_vec();
                question.answer(match asked.as_slice() {
                    b"stop" => Response::Cancel(Text::lossy(b"stopped")),
                    _ => Response::Respond(Secret::new(PASSWORD)),
                });
            }
            Ask::Authenticated(question) => question.answer(Ok(())),
            Ask::Ready(question) => {
                let order = self.order(peer);
                question.answer(order);
            }
            Ask::Content(question) => {
                let asked = question.asked();
                let from = usize::try_from(asked.start).expect("within the content");
                let to = usize::try_from(asked.end).expect("within the content");
                assert!(from < to && to <= CONTENT.len());
                question.answer(&CONTENT[from..to]);
            }
            Ask::Done(question) => {
                self.told.push(told(question.asked()));
                question.answer(());
            }
            ask => panic!("what is {ask:?}?"),
        }
    }

    /// Four orders, each of them a message or a rest, and then to leave.
    fn order(&mut self, peer: &Peer<'_>) -> Order {
        let turn = self.given + self.told.len();
        if turn >= 6 || peer.closed {
            return Order::Quit;
        }
        if self.orders >> (turn % 8) & 1 != 0 && self.told.len() < 3 && turn % 2 == 1 {
            self.given += 1;
            return Order::Rest(peer.now + Duration::from_secs(5));
        }
        self.given += 1;
        Order::Send(Box::new(message(self.orders)))
    }
}

fn message(bits: u8) -> Message {
    let address = |text: &str| text.parse::<Address>().expect("an address");
    let mut envelope = Envelope::new(address("a@example.test"));
    let to = ["x@example.org", "y@example.org", "z@example.org"];
    envelope.recipients = to.map(|to| Recipient::new(address(to))).into();
    envelope.parameters.body = (bits & 128 != 0).then_some(Body::EightBitMime);
    Message {
        envelope,
        size: CONTENT.len() as u64,
    }
}

fn told(done: &Done) -> String {
    assert_eq!(done.outcomes.len(), 3, "one for each recipient");
    for outcome in &done.outcomes {
        match outcome {
            Ok(reply) => {
                assert_eq!(reply.code().class(), Class::Completed);
                assert_eq!(done.sent, CONTENT.len() as u64, "half of it was accepted");
                assert!(done.begun);
            }
            Err(trouble) => {
                safe::one_line(&trouble.words("host", "next"));
                assert!(matches!(trouble.status().class(), 4 | 5));
            }
        }
    }
    format!("{done:?}")
}

fn converse(options: Arc<Options>, mut peer: Peer<'_>, mut desk: Desk) -> (Vec<u8>, Vec<String>) {
    let mut session = Session::new(options);
    let mut orders = 0;
    while !peer.closed {
        let drops = peer.drops_this_turn();
        match session.step(peer.now) {
            Step::Io(io) if drops => scribble(io),
            _ if drops => {}
            Step::Io(io) => peer.io(io),
            Step::Ask(ask) => {
                orders += usize::from(matches!(ask, Ask::Ready(_)));
                desk.answer(ask, &peer);
                let shown = format!("{session:?}");
                assert!(!shown.contains(PASSWORD) && !shown.contains(ENCODED));
            }
            other => panic!("what is {other:?}?"),
        }
    }
    assert!(orders <= 20, "ever the same question");
    assert!(session.message().is_none(), "a message without an outcome");
    let ended = session.ended().expect("it closed and did not end").clone();
    if let Ended::Trouble(trouble) = &ended {
        safe::one_line(&trouble.words("host", "next"));
    }
    lines(&peer.said, ended == Ended::Quit);
    desk.told.push(format!("{ended:?}"));
    (peer.said, desk.told)
}

/// What was said is lines, and nothing in them ends a line elsewhere. A session that fails may stop in the middle.
fn lines(said: &[u8], whole: bool) {
    let end = said
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    let (lines, rest) = said.split_at(end);
    assert!(rest.is_empty() || !whole, "half a line");
    for line in lines.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("CRLF");
        assert!(!text.contains(&b'\r'), "a bare CR");
        assert!(line.len() <= 1000 + 1);
    }
}
