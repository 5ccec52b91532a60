//! Clients that come again and again, do random things, and write down what they were answered.

mod imap;
mod lmtp;
mod mailboxes;
mod pop3;
mod smtp;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::house::{FETCHERS, FOLDERS, READERS};
use crate::ledger::Ledger;
use crate::peer::Peer;
pub use imap::{behind, login, name_in};
use std::net::TcpStream;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

/// How long a server may be silent before that is a hang.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// IMAP clients of each reader, which all work in the same mailboxes.
const SESSIONS: usize = 2;
/// Clients that bring mail by each protocol.
const SENDERS: usize = 3;

/// What clients know.
#[derive(Debug)]
pub struct World<'a> {
    pub clock: &'a Clock,
    pub ledger: &'a Ledger<'a>,
    pub base: u16,
    /// The mailboxes that are there from the start: whose, their name, their number.
    pub rooms: Vec<(&'static str, &'static str, usize)>,
}

impl<'a> World<'a> {
    /// Makes the mailboxes that everybody uses.
    pub fn furnished(clock: &'a Clock, ledger: &'a Ledger<'a>, base: u16) -> Self {
        let mut rooms = Vec::new();
        for user in FETCHERS {
            rooms.push((user, "INBOX", ledger.mailbox(user, "INBOX", Some(true))));
        }
        for user in READERS {
            let mut client = imap::login(base, user).expect("it runs");
            rooms.push((user, "INBOX", ledger.mailbox(user, "INBOX", Some(true))));
            for folder in FOLDERS {
                let made = client.ask(format!("CREATE {folder}").as_bytes());
                assert_eq!(made.end, "OK", "{}", made.words);
                rooms.push((user, folder, ledger.mailbox(user, folder, Some(true))));
            }
        }
        Self {
            clock,
            ledger,
            base,
            rooms,
        }
    }

    /// The number of a mailbox.
    pub fn room(&self, user: &str, name: &str) -> usize {
        let mut rooms = self.rooms.iter();
        rooms.find(|r| r.0 == user && r.1 == name).unwrap().2
    }

    /// Who may get mail here, and its INBOX.
    fn addressee(&self, chance: &mut Chance) -> (&'static str, usize) {
        let users = [&READERS[..], &FETCHERS[..]].concat();
        let user = *chance.of(&users);
        (user, self.room(user, "INBOX"))
    }

    /// A connection, if the server is there and greets.
    fn connect(&self, service: u16, greeting: &str) -> Option<Peer> {
        let peer = Peer::at(self.base + service).ok()?;
        patient(peer, greeting)
    }
}

/// A connection that has been greeted.
fn patient(mut peer: Peer, greeting: &str) -> Option<Peer> {
    peer.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    greeting
        .is_empty()
        .then_some(String::new())
        .or_else(|| peer.line())
        .filter(|line| line.starts_with(greeting))?;
    Some(peer)
}

/// What a client does each time that it comes.
type Act<'env> = Box<dyn Fn(&mut Chance, &mut Names) + Send + 'env>;

/// Starts all of them.
pub fn start<'scope, 'env>(
    world: &'env World<'env>,
    scope: &'scope Scope<'scope, 'env>,
) -> Vec<ScopedJoinHandle<'scope, ()>> {
    let mut all = Vec::new();
    let mut client = |name: String, act: Act<'env>| {
        let number = all.len() as u64 + 1;
        let mut chance = Chance::new(world.clock.seed.wrapping_mul(1_000).wrapping_add(number));
        all.push(scope.spawn(move || {
            let mut names = Names { who: name, next: 0 };
            while world.clock.running() {
                act(&mut chance, &mut names);
                // As clients come: not all of the time, and not in a tight loop while nobody is there.
                world
                    .clock
                    .pass(Duration::from_millis(chance.within(5, 60) as u64));
            }
        }));
    };
    for n in 0..SENDERS {
        client(
            format!("smtp{n}"),
            Box::new(|chance, names| smtp::visit(world, chance, names)),
        );
        client(
            format!("lmtp{n}"),
            Box::new(|chance, names| lmtp::visit(world, chance, names)),
        );
    }
    for user in FETCHERS {
        client(
            format!("pop-{user}"),
            Box::new(move |chance, _| pop3::visit(world, chance, user)),
        );
    }
    for user in READERS {
        for session in 0..SESSIONS {
            let who = format!("imap-{}-{session}", user.split('@').next().unwrap());
            client(
                who,
                Box::new(move |chance, names| {
                    if chance.once_in(5) {
                        mailboxes::visit(world, chance, names, user);
                    } else {
                        imap::visit(world, chance, names, user, session);
                    }
                }),
            );
        }
    }
    all
}

/// Names for messages, each once. A name says how many lines the message has.
#[derive(Debug)]
pub struct Names {
    pub who: String,
    next: usize,
}

impl Names {
    pub fn next(&mut self, chance: &mut Chance) -> String {
        self.next += 1;
        let lines = if chance.once_in(60) {
            chance.within(1_000, 4_000)
        } else {
            chance.within(1, 60)
        };
        format!("{}-{}-{lines}", self.who, self.next)
    }
}

/// The lines behind the header of the message of that name, with CRLF.
pub fn text(name: &str) -> String {
    let lines = name
        .rsplit('-')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    format!("{name} has a line\r\n").repeat(lines)
}

/// The message of that name.
pub fn message(name: &str) -> String {
    format!("Subject: {name}\r\n\r\n{}", text(name))
}

/// Who of a reader's clients alone changes what comes in.
pub fn owner(chance: &mut Chance) -> usize {
    chance.below(SESSIONS)
}

/// A stream through TLS: `openssl` is at its other end.
fn through_tls(port: u16, arguments: &[&str]) -> Option<(Peer, std::process::Child)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
    let near = TcpStream::connect(listener.local_addr().ok()?).ok()?;
    let (far, _) = listener.accept().ok()?;
    let far: std::os::fd::OwnedFd = far.into();
    let child = std::process::Command::new("timeout")
        .args([
            "90",
            "openssl",
            "s_client",
            "-quiet",
            "-connect",
            &format!("127.0.0.1:{port}"),
        ])
        .args(arguments)
        .stdin(far.try_clone().ok()?)
        .stdout(far)
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    Some((Peer::on(near), child))
}
