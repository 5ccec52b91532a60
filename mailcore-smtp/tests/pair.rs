//! Our client against our server, over a pipe that exists in a test only, in virtual time: whatever the way the octets
//! travel, wherever the connection breaks, what the client believes of a message is what the server did with it.

#![allow(clippy::unwrap_used)] // in a test a panic is the right end

#[allow(unreachable_pub)]
mod sender;
#[allow(unreachable_pub)]
mod support;

use mailcore_base::wire::Io;
use mailcore_smtp::client::{self, Stage, Tls, Trouble};
use mailcore_smtp::server::{self, AuthOffer, StartTls};
use mailcore_smtp::{Keyword, Keywords};
use proptest::prelude::*;
use sender::{Job, message};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Dice, text};

/// One direction of a connection.
struct Pipe {
    octets: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    /// Octets after which the connection breaks.
    left: usize,
    /// All that passed.
    passed: Vec<u8>,
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        Self {
            octets: VecDeque::new(),
            capacity,
            closed: false,
            left: usize::MAX,
            passed: Vec::new(),
        }
    }
}

/// What an end waits for.
enum Turn {
    Moved,
    Blocked(Option<Instant>),
    Closed,
}

/// How the octets travel.
#[derive(Debug, Clone, Copy)]
struct Travel {
    chunk: usize,
    seed: u64,
    capacity: usize,
    /// Octets that pass towards the server, and towards the client, before the connection breaks.
    up: usize,
    down: usize,
}

const WHOLE: Travel = Travel {
    chunk: usize::MAX,
    seed: 0,
    capacity: 16 * 1024,
    up: usize::MAX,
    down: usize::MAX,
};

struct Pair {
    client: client::Session,
    server: server::Session,
    sender: sender::Desk,
    desk: support::Desk,
    up: Pipe,
    down: Pipe,
    /// Layers that each end has come to, and put up.
    reached: [u32; 2],
    stands: [u32; 2],
    now: Instant,
    travel: Travel,
    dice: Dice,
}

impl Pair {
    fn new(
        client: client::Options,
        server: server::Options,
        jobs: Vec<Job>,
        travel: Travel,
    ) -> Self {
        let mut sender = sender::Desk::default();
        sender.jobs = jobs.into();
        sender.chunk = travel.chunk;
        sender.login = Some((
            "PLAIN".to_owned(),
            vec![Some("more".to_owned()), Some("alice".to_owned())],
        ));
        let mut desk = support::Desk::default();
        desk.chunk = travel.chunk;
        let (mut up, mut down) = (Pipe::new(travel.capacity), Pipe::new(travel.capacity));
        (up.left, down.left) = (travel.up, travel.down);
        Self {
            client: client::Session::new(Arc::new(client)),
            server: server::Session::new(Arc::new(server)),
            sender,
            desk,
            up,
            down,
            reached: [0; 2],
            stands: [0; 2],
            now: Instant::now(),
            travel,
            dice: Dice::new(travel.seed),
        }
    }

    /// To the end of both. Time passes only when neither can go on; it is told how much did.
    fn run(&mut self) -> Duration {
        let start = self.now;
        for _ in 0..4_000_000 {
            match (self.client_turn(), self.server_turn()) {
                (Turn::Closed, Turn::Closed) => return self.now - start,
                (Turn::Moved, _) | (_, Turn::Moved) => {}
                (Turn::Blocked(a), Turn::Blocked(b)) => {
                    self.now = a.into_iter().chain(b).min().expect("a deadlock for ever");
                }
                (Turn::Blocked(at), Turn::Closed) | (Turn::Closed, Turn::Blocked(at)) => {
                    self.now = at.expect("a wait for ever");
                }
            }
        }
        panic!("a conversation without end");
    }

    fn client_turn(&mut self) -> Turn {
        let drops = self.dice.drops();
        match self.client.step(self.now) {
            client::Step::Io(io) if drops => scribble(io),
            _ if drops => Turn::Moved,
            client::Step::Ask(ask) => {
                self.sender.answer(ask, self.now);
                Turn::Moved
            }
            client::Step::Io(Io::Layer(upgrade)) => {
                self.reached[0] = self.stands[0] + 1;
                if self.reached[1] < self.reached[0] {
                    return Turn::Blocked(None);
                }
                self.stands[0] += 1;
                upgrade.done();
                Turn::Moved
            }
            client::Step::Io(io) => {
                let (now, chunk) = (self.now, self.travel.chunk);
                turn(io, &mut self.down, &mut self.up, now, chunk)
            }
            step => panic!("unknown step {step:?}"),
        }
    }

    fn server_turn(&mut self) -> Turn {
        let drops = self.dice.drops();
        match self.server.step(self.now) {
            server::Step::Io(io) if drops => scribble(io),
            _ if drops => Turn::Moved,
            server::Step::Ask(ask) => {
                self.desk.answer(ask);
                Turn::Moved
            }
            server::Step::Content(content) => {
                self.desk.take(content);
                Turn::Moved
            }
            server::Step::Io(Io::Layer(upgrade)) => {
                if self.down.closed || self.up.closed {
                    upgrade.failed();
                    return Turn::Moved;
                }
                self.reached[1] = self.stands[1] + 1;
                if self.reached[0] < self.reached[1] {
                    return Turn::Blocked(None);
                }
                self.stands[1] += 1;
                upgrade.done();
                Turn::Moved
            }
            server::Step::Io(io) => {
                let (now, chunk) = (self.now, self.travel.chunk);
                turn(io, &mut self.up, &mut self.down, now, chunk)
            }
            step => panic!("unknown step {step:?}"),
        }
    }

    /// The messages that the server took over.
    fn delivered(&self) -> Vec<&str> {
        let seen = self.desk.seen.iter().map(String::as_str);
        seen.filter(|line| line.starts_with("message ")).collect()
    }
}

fn scribble(io: Io<'_>) -> Turn {
    if let Io::Read(mut room) = io {
        room.spare().fill(b'X');
    }
    Turn::Moved
}

fn turn(io: Io<'_>, from: &mut Pipe, to: &mut Pipe, now: Instant, chunk: usize) -> Turn {
    match io {
        Io::Write(output) => {
            let room = to.capacity - to.octets.len();
            let n = output.bytes().len().min(chunk).min(room).min(to.left);
            if to.closed || to.left == 0 {
                // The connection is broken both ways.
                (to.closed, from.closed) = (true, true);
                output.failed();
                return Turn::Moved;
            }
            if n > 0 {
                to.octets.extend(&output.bytes()[..n]);
                to.passed.extend_from_slice(&output.bytes()[..n]);
                to.left -= n;
                output.sent(n);
                return Turn::Moved;
            }
            let deadline = output.deadline().unwrap();
            if now < deadline {
                return Turn::Blocked(Some(deadline));
            }
            output.expired();
            Turn::Moved
        }
        Io::Read(mut room) => {
            let n = room.spare().len().min(chunk).min(from.octets.len());
            let deadline = room.deadline().unwrap();
            if n > 0 {
                for (place, octet) in room.spare().iter_mut().zip(from.octets.drain(..n)) {
                    *place = octet;
                }
                room.filled(n);
            } else if from.closed {
                room.filled(0);
            } else if now < deadline {
                return Turn::Blocked(Some(deadline));
            } else {
                room.expired();
            }
            Turn::Moved
        }
        Io::Wait(until) => match until {
            Some(until) if until <= now => Turn::Moved,
            until => Turn::Blocked(until),
        },
        Io::Close => {
            (to.closed, from.closed) = (true, true);
            Turn::Closed
        }
        io => panic!("unknown {io:?}"),
    }
}

/// A kind of conversation.
#[derive(Debug, Clone, Copy)]
struct Kind {
    lmtp: bool,
    ahead: bool,
    chunking: bool,
    tls: bool,
    auth: bool,
}

const KINDS: [Kind; 7] = {
    let plain = Kind {
        lmtp: false,
        ahead: false,
        chunking: false,
        tls: false,
        auth: false,
    };
    let ahead = Kind {
        ahead: true,
        ..plain
    };
    [
        plain,
        ahead,
        Kind {
            lmtp: true,
            ..ahead
        },
        Kind {
            chunking: true,
            ..ahead
        },
        Kind {
            chunking: true,
            ..plain
        },
        Kind {
            lmtp: true,
            chunking: true,
            ..ahead
        },
        Kind {
            tls: true,
            auth: true,
            ..ahead
        },
    ]
};

impl Kind {
    fn pair(self, jobs: Vec<Job>, travel: Travel) -> Pair {
        let (mut theirs, mut ours) = match self.lmtp {
            true => (support::lmtp(), sender::lmtp()),
            false => (support::smtp(), sender::smtp()),
        };
        ours.chunking = self.chunking;
        ours.await_quit = true;
        ours.tls = if self.tls { Tls::Required } else { Tls::Off };
        ours.login = self.auth;
        if !self.ahead {
            theirs.discard = Keywords::NONE.with(Keyword::Pipelining);
        }
        if self.tls {
            theirs.starttls = StartTls::Required;
        }
        if self.auth {
            theirs.auth = AuthOffer {
                clear: Vec::new(),
                secured: vec![text("PLAIN")],
                broken_clients: true,
            };
        }
        Pair::new(ours, theirs, jobs, travel)
    }
}

fn job(to: &[&str], content: &str) -> Job {
    Job::Send(message(to, content.as_bytes()), content.as_bytes().to_vec())
}

const CONTENT: &str = "Subject: x\r\n\r\n.\r\n..\r\n.a\r\n\r\nlast\r\n";

fn jobs() -> Vec<Job> {
    vec![
        job(
            &["x@example.org", "nobody@example.org", "y@example.org"],
            CONTENT,
        ),
        job(&["nobody@example.org"], CONTENT),
        Job::Rest(30),
        job(&["z@example.org"], &CONTENT.repeat(40)),
    ]
}

/// Octets travel one by one, in pieces and whole; steps are taken at once or dropped now and then.
const TRAVELS: [(usize, u64); 6] = [
    (usize::MAX, 0),
    (1, 0),
    (2, 3),
    (7, 0),
    (100, 9),
    (usize::MAX, 4),
];

#[test]
fn a_message_arrives_as_it_was_sent_however_its_octets_travel() {
    for kind in KINDS {
        for (chunk, seed) in TRAVELS {
            let travel = Travel {
                chunk,
                seed,
                ..WHOLE
            };
            let mut pair = kind.pair(jobs(), travel);
            let took = pair.run();
            let name = format!("{kind:?} {travel:?} {:?}", pair.sender.seen);
            let want = [
                ("x@example.org,y@example.org", CONTENT.to_owned()),
                ("z@example.org", CONTENT.repeat(40)),
            ]
            .map(|(to, content)| format!("message a@b.test > {to}: {}", content.escape_default()));
            assert_eq!(pair.delivered(), want, "{name}");
            let good: Vec<Vec<bool>> = pair
                .sender
                .outcomes
                .iter()
                .map(|all| all.iter().map(Result::is_ok).collect())
                .collect();
            assert_eq!(
                good,
                [vec![true, false, true], vec![false], vec![true]],
                "{name}"
            );
            assert_eq!(sender::ended(&pair.client), "quit", "{name}");
            // It rested, and waited for nothing else; a server may hold back what it says of mistakes.
            assert!(took < Duration::from_secs(40), "{name}: {took:?}");
            assert!(!kind.tls || pair.stands == [1, 1]);
            assert!(pair.client.facts().login.is_some() == kind.auth);
        }
    }
}

#[test]
fn what_the_client_believes_is_what_the_server_did_wherever_the_connection_breaks() {
    let jobs = || vec![job(&["x@example.org", "full@example.org"], CONTENT)];
    let mut doubtful = 0;
    for kind in KINDS {
        let mut whole = kind.pair(jobs(), WHOLE);
        whole.run();
        let lengths = [whole.up.passed.len(), whole.down.passed.len()];
        assert_eq!(whole.delivered().len(), 1);
        for (direction, length) in lengths.into_iter().enumerate() {
            for at in 0..length {
                let mut travel = WHOLE;
                (travel.chunk, travel.seed) = TRAVELS[at % TRAVELS.len()];
                match direction {
                    0 => travel.up = at,
                    _ => travel.down = at,
                }
                let mut pair = kind.pair(jobs(), travel);
                pair.run();
                doubtful += u32::from(agrees(&pair, &format!("{kind:?} {travel:?}")));
            }
        }
    }
    assert!(doubtful > 0, "it never broke behind the final dot");
}

/// Whether the message was delivered without the client's knowing.
fn agrees(pair: &Pair, name: &str) -> bool {
    let delivered = !pair.delivered().is_empty();
    let Some(outcomes) = pair.sender.outcomes.first() else {
        // It never came to the message.
        assert!(!delivered && pair.client.ended().is_some(), "{name}");
        return false;
    };
    assert_eq!(outcomes.len(), 2, "{name}: one outcome for each");
    let accepted = outcomes.iter().any(Result::is_ok);
    assert!(delivered || !accepted, "{name}: accepted and not there");
    let doubt = |stage: Stage| stage == Stage::EndOfData;
    let doubtful = outcomes.iter().any(
        |outcome| matches!(outcome, Err(Trouble::Lost(stage) | Trouble::TimedOut(stage)) if doubt(*stage)),
    );
    assert!(
        !delivered || accepted || doubtful,
        "{name}: there, and not in doubt: {outcomes:?}"
    );
    let permanent = |outcome: &client::Outcome| match outcome {
        Err(trouble) => trouble.is_permanent(),
        Ok(_) => false,
    };
    assert!(!outcomes.iter().any(permanent), "{name}: {outcomes:?}");
    delivered && !accepted
}

#[test]
fn neither_end_waits_for_the_other_to_read() {
    let addresses: Vec<String> = (0..400).map(|n| format!("nobody{n}@example.org")).collect();
    let to: Vec<&str> = addresses.iter().map(String::as_str).collect();
    for (chunk, seed) in TRAVELS {
        let travel = Travel {
            chunk,
            seed,
            capacity: 300,
            ..WHOLE
        };
        let (mut ours, theirs) = (sender::smtp(), support::smtp());
        ours.ahead = 200;
        ours.await_quit = true;
        ours.tls = Tls::Off;
        let mut pair = Pair::new(ours, theirs, vec![job(&to, CONTENT)], travel);
        let took = pair.run();
        assert_eq!(took, Duration::ZERO, "{travel:?}");
        assert!(pair.sender.outcomes[0].iter().all(Result::is_ok));
        assert_eq!(pair.delivered().len(), 1);
    }
}

fn normalised(content: &str) -> String {
    let mut content = content.replace("\r\n", "\n").replace('\r', " ");
    if !content.is_empty() && !content.ends_with('\n') {
        content.push('\n');
    }
    content.replace('\n', "\r\n")
}

/// Every CR is followed by LF, and every LF follows CR.
fn is_clean(wire: &[u8]) -> bool {
    let text = String::from_utf8_lossy(wire).replace("\r\n", "");
    !text.contains(['\r', '\n'])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_content_arrives_with_clean_line_ends(content in "(\r\n|[\r\n.ab\0ä]){0,40}", kind in 0..KINDS.len(),
            chunk in 1usize..40, seed: u64) {
        let travel = Travel { chunk, seed, ..WHOLE };
        let mut pair = KINDS[kind].pair(vec![job(&["x@example.org"], &content)], travel);
        pair.run();
        prop_assert!(is_clean(&pair.up.passed));
        let content = normalised(&content);
        let want = format!("message a@b.test > x@example.org: {}", content.as_bytes().escape_ascii());
        prop_assert_eq!(pair.delivered(), [want]);
        prop_assert!(pair.sender.outcomes[0][0].is_ok());
    }
}
