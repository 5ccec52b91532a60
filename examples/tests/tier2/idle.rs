//! What idle IMAP sessions cost on mailboxes of a hundred messages: all on one, and many users'.

use crate::crowd::{gather, idling, name, populate, until};
use crate::measure::{at_rest, at_scale, many_files};
use crate::server::{IMAP, Server};
use std::time::Instant;

/// Octets that an idle session may cost, its mailbox included where it has one of its own.
const MOST: u64 = 16 * 1024;

fn cost(users: usize, sessions: usize) {
    if !at_scale("an idle session") {
        return;
    }
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
    server.post(
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
    assert!(each < MOST, "{each} octets each");
    drop((warm, held));
}

#[test]
fn sessions_on_one_mailbox_are_small() {
    cost(1, 10_000);
}

#[test]
fn sessions_of_many_users_are_small() {
    cost(1_000, 10_000);
}

#[test]
fn sessions_with_a_mailbox_each_are_small() {
    cost(10_000, 10_000);
}
