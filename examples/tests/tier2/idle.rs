//! What idle IMAP sessions cost on mailboxes of a hundred messages: all on one, and many users'.

use crate::crowd::{PASSWORD, connect, gather, idling, name, populate, until};
use crate::measure::{at_scale, many_files, settled};
use crate::server::{IMAP, Server};
use mailcore::base::wire::Inflater;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Octets that an idle session may cost, its mailbox included where it has one of its own.
const MOST: u64 = 16 * 1024;

/// `open` opens a session of a user that idles; `hears` waits until it has heard of a new message.
fn cost<T: Send>(users: usize, sessions: usize, open: fn(u16, &str) -> T, hears: fn(&mut T)) {
    if !at_scale("an idle session") {
        return;
    }
    many_files();
    let server = Server::start(&["--max-per-address", "20000"]);
    populate(&server, users + 1, 100);
    let port = server.port(IMAP);
    // What the first ones set up for good is not theirs.
    let warm = gather(40, |_| open(port, &name(users)));
    let before = settled(server.pid());
    let start = Instant::now();
    let mut held = gather(sessions, |n| open(port, &name(n % users)));
    let took = start.elapsed();
    let after = settled(server.pid());
    let each = after.saturating_sub(before) / sessions as u64;
    println!(
        "{sessions} idle sessions of {users} users: {each} octets each \
         ({} KiB before, {} KiB after), opened in {took:.1?}",
        before / 1024,
        after / 1024
    );
    // They are awake: every session of the first user hears of a new message.
    let start = Instant::now();
    server.post(
        &format!("{}@example.test", name(0)),
        "Subject: news\n\nnews",
    );
    held.iter_mut().step_by(users).for_each(hears);
    println!(
        "all of its sessions heard of a message after {:.1?}",
        start.elapsed()
    );
    assert!(each < MOST, "{each} octets each");
    drop((warm, held));
}

fn news(stream: &mut TcpStream) {
    until(stream, &[NEWS]);
}

const NEWS: &str = "* 101 EXISTS";

/// A session behind DEFLATE (RFC 4978).
struct Deflated {
    stream: TcpStream,
    inflater: Inflater,
    heard: String,
}

impl Deflated {
    /// Idles like a plain one.
    fn idling(port: u16, user: &str) -> Self {
        let mut stream = connect(port);
        until(&mut stream, &["* OK "]);
        let login = format!("a LOGIN {user}@example.test {PASSWORD}\r\nz COMPRESS DEFLATE\r\n");
        stream.write_all(login.as_bytes()).unwrap();
        until(&mut stream, &["z OK"]);
        let (inflater, heard) = (Inflater::new(), String::new());
        let mut session = Self {
            stream,
            inflater,
            heard,
        };
        session.say("b SELECT INBOX\r\n");
        session.until("b OK");
        session.say("c FETCH 1:* (UID FLAGS RFC822.SIZE)\r\nd IDLE\r\n");
        session.until("+ ");
        session
    }

    /// As a block that is stored, which any inflater takes (RFC 1951 §3.2.4).
    fn say(&mut self, line: &str) {
        let length = u16::try_from(line.len()).unwrap();
        let mut block = vec![0];
        block.extend(length.to_le_bytes());
        block.extend((!length).to_le_bytes());
        block.extend(line.bytes());
        self.stream.write_all(&block).unwrap();
    }

    fn until(&mut self, begins: &str) {
        let (mut held, mut room) = ([0; 4096], [0; 16 * 1024]);
        while !self.heard.lines().any(|line| line.starts_with(begins)) {
            let n = self.stream.read(&mut held).unwrap();
            assert!(n > 0, "closed after {}", self.heard);
            let mut rest = &held[..n];
            while !rest.is_empty() || !self.inflater.drained() {
                let come = self.inflater.inflate(rest, &mut room).unwrap();
                rest = &rest[come.consumed..];
                self.heard += str::from_utf8(&room[..come.produced]).unwrap();
            }
        }
        self.heard.clear();
        self.inflater.rest();
    }
}

#[test]
fn sessions_behind_deflate_are_small_as_well() {
    cost(1_000, 10_000, Deflated::idling, |session| {
        session.until(NEWS);
    });
}

#[test]
fn sessions_on_one_mailbox_are_small() {
    cost(1, 10_000, idling, news);
}

#[test]
fn sessions_of_many_users_are_small() {
    cost(1_000, 10_000, idling, news);
}

#[test]
fn sessions_with_a_mailbox_each_are_small() {
    cost(10_000, 10_000, idling, news);
}
