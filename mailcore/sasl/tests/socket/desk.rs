//! Both machines with somebody who answers them and somebody who speaks to them.

use mailcore_base::login::Secret;
use mailcore_base::wire::{Io, Notice};
use mailcore_sasl::Offer;
use mailcore_sasl::socket::logins::{Ask, Greeting, Session, Step, Ticket};
use mailcore_sasl::socket::{Code, Ended, Found, Lookup, Reply, lookups};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a dialog does with a machine.
pub trait Peer {
    /// The client says this, in pieces of so many octets.
    fn client(&mut self, octets: &str, piece: usize, drops: bool);
    /// Whoever decides has decided.
    fn decide(&mut self, decision: &str, drops: bool);
    /// The next line that the server has said.
    fn said(&mut self) -> String;
    /// The next that was asked of whoever decides.
    fn asked(&mut self) -> String;
    /// What has been said or asked and not yet looked at.
    fn rest(&mut self) -> String;
}

/// What became of an `Io`.
enum Did {
    Went,
    Wants,
    Closed,
}

/// Does what the machine wants: `input` is given to it, what it says goes to `output`.
fn serve(io: Io<'_>, input: &mut VecDeque<u8>, output: &mut Vec<u8>) -> Did {
    match io {
        Io::Write(out) => {
            output.extend_from_slice(out.bytes());
            let all = out.bytes().len();
            out.sent(all);
            Did::Went
        }
        Io::Read(mut room) if !input.is_empty() => {
            let spare = room.spare();
            let n = spare.len().min(input.len());
            spare
                .iter_mut()
                .zip(input.drain(..n))
                .for_each(|(to, from)| *to = from);
            room.filled(n);
            Did::Went
        }
        Io::Close => Did::Closed,
        _ => Did::Wants,
    }
}

fn line_of(output: &mut Vec<u8>) -> String {
    let end = output
        .iter()
        .position(|b| *b == b'\n')
        .expect("a line was said");
    let line: Vec<u8> = output.drain(..=end).collect();
    String::from_utf8(line)
        .unwrap()
        .trim_end_matches('\n')
        .to_owned()
}

/// A server's connection to the machine for logins.
pub struct Logins {
    pub session: Session,
    pub now: Instant,
    pub output: Vec<u8>,
    input: VecDeque<u8>,
    pub asked: VecDeque<String>,
    pub tickets: Vec<Ticket>,
    news: VecDeque<(Ticket, Reply)>,
    pub closed: bool,
}

impl Logins {
    pub fn new(mechanisms: &str, greeting: bool) -> Self {
        let session = Session::new(&Greeting {
            mechanisms: Offer::parse(mechanisms),
            process: 42,
            connection: 7,
            cookie: std::array::from_fn(|n| n as u8 * 0x11),
        });
        let mut new = Self {
            session,
            now: Instant::now(),
            output: Vec::new(),
            input: VecDeque::new(),
            asked: VecDeque::new(),
            tickets: Vec::new(),
            news: VecDeque::new(),
            closed: false,
        };
        new.run(false);
        if !greeting {
            assert!(new.output.ends_with(b"DONE\n"));
            new.output.clear();
        }
        new
    }

    /// A connection whose handshake is done.
    pub fn greeted() -> Self {
        let mut new = Self::new("PLAIN LOGIN", false);
        new.say(b"VERSION\t1\t2\nCPID\t1\n");
        new
    }

    /// The client says octets.
    pub fn say(&mut self, octets: &[u8]) {
        self.input.extend(octets);
        self.run(false);
    }

    /// The client closes its half.
    pub fn close(&mut self) {
        if let Step::Io(Io::Read(mut room)) = self.session.step(self.now) {
            room.spare();
            room.filled(0);
        }
        self.run(false);
    }

    /// Decides, and rings.
    pub fn settle(&mut self, ticket: Ticket, reply: Reply) {
        self.news.push_back((ticket, reply));
        self.session.notice(Notice::Changed);
        self.run(false);
    }

    pub fn ended(&self) -> Option<Ended> {
        self.session.ended()
    }

    /// Steps until the machine wants what is not there; `drops`: each step is taken and dropped first.
    pub fn run(&mut self, drops: bool) {
        for _ in 0..100_000 {
            if drops {
                drop(self.session.step(self.now));
            }
            let asked = match self.session.step(self.now) {
                Step::Io(io) => match serve(io, &mut self.input, &mut self.output) {
                    Did::Went => continue,
                    Did::Wants => return,
                    Did::Closed => return self.closed = true,
                },
                Step::Ask(Ask::Begin(asked)) => {
                    let (ticket, request, initial) = asked.take().unwrap();
                    self.tickets.push(ticket);
                    let shown = initial.map_or("-".to_owned(), |initial| shown(&initial));
                    let (id, mechanism) = (ticket.id(), request.mechanism);
                    format!("begin {id} {mechanism} {} {shown}", request.service)
                }
                Step::Ask(Ask::Respond(asked)) => {
                    let (ticket, response) = asked.take().unwrap();
                    format!("respond {} {}", ticket.id(), shown(&response))
                }
                Step::Ask(Ask::Forget(asked)) => {
                    format!("forget {}", asked.take().unwrap().id())
                }
                Step::Ask(Ask::News(asked)) => {
                    asked.answer(self.news.pop_front());
                    continue;
                }
                _ => panic!("an unknown step"),
            };
            self.asked.push_back(asked);
        }
        panic!("the machine makes no progress");
    }

    /// `1#2`: the second exchange of the number 1; `1`: its last.
    fn named(&self, name: &str) -> Ticket {
        let (id, which) = name.split_once('#').unwrap_or((name, ""));
        let of = self.tickets.iter().filter(|t| t.id().to_string() == id);
        let of: Vec<Ticket> = of.copied().collect();
        of[which.parse().unwrap_or(of.len()) - 1]
    }
}

fn shown(secret: &Secret) -> String {
    format!("{:?}", String::from_utf8_lossy(secret.expose()))
}

fn refused(user: Option<&str>, code: Option<Code>) -> Reply {
    Reply::Refused {
        user: user.map(str::to_owned),
        code,
        reason: None,
    }
}

impl Peer for Logins {
    fn client(&mut self, octets: &str, piece: usize, drops: bool) {
        for piece in octets.as_bytes().chunks(piece.min(octets.len())) {
            self.input.extend(piece);
            self.run(drops);
        }
    }

    fn decide(&mut self, decision: &str, drops: bool) {
        let mut words = decision.split(' ');
        let ticket = self.named(words.next().unwrap());
        let reply = match (words.next().unwrap(), words.next()) {
            ("granted", Some(user)) => Reply::Granted {
                user: user.to_owned(),
                fields: Vec::new(),
            },
            ("challenge", Some(text)) => Reply::Challenge(text.as_bytes().to_vec()),
            ("refused", user) => refused(user, None),
            ("temporary", None) => refused(None, Some(Code::Temporary)),
            other => panic!("no decision: {other:?}"),
        };
        self.news.push_back((ticket, reply));
        self.session.notice(Notice::Changed);
        self.run(drops);
    }

    fn said(&mut self) -> String {
        line_of(&mut self.output)
    }

    fn asked(&mut self) -> String {
        self.asked.pop_front().unwrap_or_default()
    }

    fn rest(&mut self) -> String {
        let said = String::from_utf8_lossy(&self.output).into_owned();
        said + &self.asked.iter().cloned().collect::<String>()
    }
}

/// A program's connection to the machine for look-ups, before a directory of two users.
pub struct Lookups {
    pub session: lookups::Session,
    pub now: Instant,
    pub output: Vec<u8>,
    input: VecDeque<u8>,
    asked: VecDeque<String>,
    pub closed: bool,
}

impl Lookups {
    pub fn new() -> Self {
        let mut new = Self {
            session: lookups::Session::new(42),
            now: Instant::now(),
            output: Vec::new(),
            input: VecDeque::new(),
            asked: VecDeque::new(),
            closed: false,
        };
        new.run(false);
        new
    }

    pub fn say(&mut self, octets: &[u8]) {
        self.input.extend(octets);
        self.run(false);
    }

    pub fn later(&mut self, by: Duration) {
        self.now += by;
        self.run(false);
    }

    fn run(&mut self, drops: bool) {
        for _ in 0..100_000 {
            if drops {
                drop(self.session.step(self.now));
            }
            match self.session.step(self.now) {
                lookups::Step::Io(io) => match serve(io, &mut self.input, &mut self.output) {
                    Did::Went => {}
                    Did::Wants => return,
                    Did::Closed => return self.closed = true,
                },
                lookups::Step::Find(mut find) => {
                    let lookup = find.parts().0.cloned().unwrap();
                    let (asked, found) = look_up(&lookup);
                    self.asked.push_back(asked);
                    find.answer(&found);
                }
                lookups::Step::Page(mut page) => {
                    let after = page.parts().0.map(str::to_owned);
                    let asked = format!("page {}", after.as_deref().unwrap_or("-"));
                    self.asked.push_back(asked);
                    let all = ["alice", "bob"].map(str::to_owned);
                    page.answer(Some(match after {
                        None => all.to_vec(),
                        Some(_) => Vec::new(),
                    }));
                }
                _ => panic!("an unknown step"),
            }
        }
        panic!("the machine makes no progress");
    }
}

fn look_up(lookup: &Lookup) -> (String, Found) {
    let fields = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        owned.collect::<Vec<_>>()
    };
    match lookup {
        Lookup::User { name, service, .. } => {
            let found = match name.split('@').next().unwrap() {
                "alice" => {
                    let fields = fields(&[("uid", "5000"), ("home", "/home/alice")]);
                    Found::User(name.clone(), fields)
                }
                "later" => Found::Unavailable,
                _ => Found::Nobody,
            };
            (format!("user {name} {service}"), found)
        }
        Lookup::Pass { name, service, .. } => {
            let found = Found::Pass(name.clone(), fields(&[("nologin", "")]));
            (format!("pass {name} {service}"), found)
        }
        Lookup::List { .. } => panic!("lists come in pages"),
    }
}

impl Peer for Lookups {
    fn client(&mut self, octets: &str, piece: usize, drops: bool) {
        for piece in octets.as_bytes().chunks(piece.min(octets.len())) {
            self.input.extend(piece);
            self.run(drops);
        }
    }

    fn decide(&mut self, decision: &str, _: bool) {
        panic!("look-ups are answered at once: {decision}");
    }

    fn said(&mut self) -> String {
        line_of(&mut self.output)
    }

    fn asked(&mut self) -> String {
        self.asked.pop_front().unwrap_or_default()
    }

    fn rest(&mut self) -> String {
        let said = String::from_utf8_lossy(&self.output).into_owned();
        said + &self.asked.iter().cloned().collect::<String>()
    }
}
