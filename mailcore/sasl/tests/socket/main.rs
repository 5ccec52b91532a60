//! Dovecot's protocol as dialogs, at every size of pieces and with steps dropped: the transcript is the same. And what a
//! peer may do that means harm.
//!
//! A dialog's lines: `S:` the server says, `C:` the client says (`|` stands for a TAB), `A:` what is asked of whoever
//! decides, `D:` what that decides. `G:` begins with these mechanisms and leaves the greeting out; `U:` is a dialog of
//! look-ups.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test program exports nothing"
)]

mod bounds;
mod desk;

use desk::{Logins, Lookups, Peer};

fn play(text: &str, piece: usize, drops: bool) {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    let mut peer: Box<dyn Peer> = match lines.first() {
        Some(&"U:") => Box::new(Lookups::new()),
        Some(line) if line.starts_with("G:") => Box::new(Logins::new(&line[2..], false)),
        _ => Box::new(Logins::new("PLAIN LOGIN SCRAM-SHA-256", true)),
    };
    for line in lines.iter().filter(|line| !line.starts_with(['G', 'U'])) {
        let (who, rest) = line.split_at(2);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match who {
            "C:" => peer.client(&format!("{}\n", rest.replace('|', "\t")), piece, drops),
            "D:" => peer.decide(rest, drops),
            "S:" => assert_eq!(peer.said(), rest.replace('|', "\t"), "{line}\n{text}"),
            "A:" => assert_eq!(peer.asked(), rest, "{line}\n{text}"),
            _ => panic!("no line of a dialog: {line}"),
        }
    }
    assert_eq!(peer.rest(), "", "{text}");
}

#[test]
fn dialogs_are_the_same_in_pieces_and_with_steps_dropped() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for piece in [1, 2, usize::MAX] {
            play(&text, piece, false);
            play(&text, piece, true);
        }
        count += 1;
    }
    assert!(count >= 5);
}
