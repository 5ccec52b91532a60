//! What idle IMAP sessions cost on mailboxes of a hundred messages: all on one, and many users'.

use crate::crowd::{gather, idling, name, populate, until};
use crate::measure::{at_rest, full, many_files, sized};
use crate::server::{IMAP, Server};
use std::time::Instant;

/// Octets that an idle session may cost; without optimisation futures are much larger.
fn most() -> u64 {
    if cfg!(debug_assertions) {
        64 * 1024
    } else {
        16 * 1024
    }
}

fn cost(users: usize, sessions: usize) {
    many_files();
    let server = Server::start(&["--max-per-address", "20000"]);
    populate(&server, users + 1, 100);
    let port = server.port(IMAP);
    // What the first ones set up for good is not theirs.
    let warm = gather(40, |_| idling(port, &name(users)));
    let before = at_rest(server.pid());
    let start = Instant::now();
    let mut held = gather(sessions, |n| idling(port, &name(n % users)));
    let took = start.elapsed();
    let after = at_rest(server.pid());
    let each = after.saturating_sub(before) / sessions as u64;
    println!(
        "{sessions} idle sessions of {users} users: {each} octets each \
         ({} KiB before, {} KiB after), opened in {took:.1?}",
        before / 1024,
        after / 1024
    );
    // They are awake: every session of the first user hears of a new message.
    let start = Instant::now();
    server.deliver(
        &format!("{}@example.test", name(0)),
        "Subject: news\n\nnews",
    );
    for stream in held.iter_mut().step_by(users) {
        until(stream, &["* 101 EXISTS"]);
    }
    println!(
        "all of its sessions heard of a message after {:.1?}",
        start.elapsed()
    );
    assert!(each < most(), "{each} octets each");
    drop((warm, held));
}

#[test]
fn sessions_on_one_mailbox_are_small() {
    cost(1, sized(10_000, 300));
}

#[test]
fn sessions_of_many_users_are_small() {
    cost(sized(1_000, 30), sized(10_000, 300));
}

#[test]
fn sessions_with_a_mailbox_each_are_small() {
    if full() {
        cost(10_000, 10_000);
    } else {
        cost(100, 100);
    }
}
