//! Dovecot's authentication protocol against any peer: an answer is a line that reads back, an exchange has one end, and
//! all of it is the same in whatever pieces the octets come.

use crate::Choices;
use crate::peer::{Leave, Peer, Travel, WHOLE, scribble};
use mailcore_base::wire::Notice;
use mailcore_sasl::Offer;
use mailcore_sasl::socket::logins::{Ask, Greeting, Session, Step, Ticket};
use mailcore_sasl::socket::{Code, Found, Lookup, Reply, lookups};
use std::collections::HashSet;

/// The input is what a peer says; its last octets are settings and answers.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(32);
    // Who has said who he is may be silent for ever, so nobody is here.
    let leave = choices.one_of(&[Leave::HalfClose, Leave::Break]);
    let (answers, looks_up) = (choices.octet(), choices.octet() & 1 == 1);
    let script = choices.rest();
    let talk = |travel| {
        let peer = Peer::new(script, leave.unwrap_or(Leave::HalfClose), travel);
        match looks_up {
            true => look_up(answers, peer),
            false => log_in(answers, peer),
        }
    };
    let whole = talk(WHOLE);
    for (piece, drops) in [(piece, true), (1, false)] {
        let again = talk(Travel { piece, drops });
        // A connection that breaks may take answers with it.
        if leave == Some(Leave::HalfClose) {
            assert_eq!(again, whole, "in pieces of {piece}, steps dropped: {drops}");
        }
    }
}

fn log_in(answers: u8, mut peer: Peer<'_>) -> String {
    let mut session = Session::new(&Greeting {
        mechanisms: Offer::all(),
        process: 1,
        connection: 2,
        cookie: [3; 16],
    });
    let mut clerk = Clerk::default();
    while !peer.closed {
        let drops = peer.drops_this_turn();
        match session.step(peer.now) {
            Step::Io(io) if drops => scribble(io),
            _ if drops => {}
            Step::Io(io) => peer.io(io),
            Step::Ask(ask) => {
                clerk.answer(answers, ask);
                if !clerk.news.is_empty() {
                    session.notice(Notice::Changed);
                }
            }
            other => panic!("what is {other:?}?"),
        }
    }
    assert!(session.ended().is_some(), "it closed and did not end");
    let said = std::mem::take(&mut peer.said);
    let mut lines = said.split_inclusive(|b| *b == b'\n');
    assert!(lines.any(|line| line == b"DONE\n"), "no greeting");
    for line in lines {
        let plain = plain(line);
        let (id, reply) = Reply::parse(plain).expect("an answer reads back");
        let mut again = Vec::new();
        reply.write_to(id, &mut again);
        assert_eq!(again, line);
    }
    said.escape_ascii().to_string()
}

/// A line without its end; nothing in it is another.
fn plain(line: &[u8]) -> &[u8] {
    let plain = line.strip_suffix(b"\n").expect("a whole line");
    assert!(
        !plain.iter().any(|b| matches!(b, b'\r' | 0)),
        "{}",
        line.escape_ascii()
    );
    plain
}

/// Whoever decides: what he says of an exchange follows from its number.
#[derive(Default)]
struct Clerk {
    open: HashSet<Ticket>,
    news: Vec<(Ticket, Reply)>,
}

impl Clerk {
    fn answer(&mut self, answers: u8, ask: Ask<'_>) {
        let (ticket, reply) = match ask {
            Ask::Begin(asked) => {
                let (ticket, request, _) = asked.take().expect("what was asked");
                assert!(!request.service.is_empty() && request.id == ticket.id());
                assert!(self.open.insert(ticket), "it has begun before");
                let bits = answers ^ ticket.id() as u8;
                let reply = match bits % 5 {
                    0 | 1 => Reply::Challenge(request.mechanism.into_bytes()),
                    2 => Reply::Granted {
                        user: request.mechanism,
                        fields: vec![(request.service, String::new())],
                    },
                    3 => Reply::refused(Some(Code::Disabled), &request.mechanism),
                    // It never comes to an answer.
                    _ => return,
                };
                (ticket, reply)
            }
            Ask::Respond(asked) => {
                let (ticket, response) = asked.take().expect("what was asked");
                assert!(self.open.contains(&ticket), "it never began, or was over");
                let user = String::from_utf8_lossy(response.expose()).replace('\0', "");
                (
                    ticket,
                    Reply::Granted {
                        user,
                        fields: Vec::new(),
                    },
                )
            }
            Ask::Forget(asked) => {
                let ticket = asked.take().expect("what was asked");
                assert!(self.open.remove(&ticket), "it never began, or was over");
                return self.news.retain(|(other, _)| *other != ticket);
            }
            Ask::News(asked) => {
                let news = self.news.pop();
                if let Some((ticket, reply)) = &news
                    && !matches!(reply, Reply::Challenge(_))
                {
                    self.open.remove(ticket);
                }
                return asked.answer(news);
            }
            other => return other.decline(),
        };
        self.news.push((ticket, reply));
    }
}

fn look_up(answers: u8, mut peer: Peer<'_>) -> String {
    let mut session = lookups::Session::new(1);
    let mut pages = 0;
    while !peer.closed {
        let drops = peer.drops_this_turn();
        match session.step(peer.now) {
            lookups::Step::Io(io) if drops => scribble(io),
            _ if drops => {}
            lookups::Step::Io(io) => peer.io(io),
            lookups::Step::Find(mut asked) => {
                let found = find(answers, asked.parts().0.expect("what was asked"));
                asked.answer(&found);
            }
            lookups::Step::Page(mut asked) => {
                pages += 1;
                let first = asked.parts().0.is_none();
                asked.answer(match (first, answers & 1) {
                    (true, _) => Some(vec!["a".to_owned(), "b\tc".to_owned()]),
                    (false, 0) => Some(Vec::new()),
                    (false, _) => None,
                });
            }
            other => panic!("what is {other:?}?"),
        }
    }
    assert!(session.ended().is_some(), "it closed and did not end");
    let said = std::mem::take(&mut peer.said);
    for line in said.split_inclusive(|b| *b == b'\n') {
        plain(line);
    }
    format!("{pages} pages: {}", said.escape_ascii())
}

fn find(answers: u8, lookup: &Lookup) -> Found {
    match (answers % 3, lookup) {
        (0, Lookup::User { name, service, .. }) => {
            Found::User(name.clone(), vec![(service.clone(), name.clone())])
        }
        (0, Lookup::Pass { name, .. }) => Found::Pass(name.clone(), Vec::new()),
        (1, _) => Found::Nobody,
        _ => Found::Unavailable,
    }
}
