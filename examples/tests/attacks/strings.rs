//! NUL, lone backslashes and characters that are cut in two: refused, and nothing foreign comes back.

use crate::peer::{Peer, eventually, inbox};
use crate::server::{IMAP, LMTP, POP3, SMTP, Server};

const STRINGS: [&[u8]; 14] = [
    b"\"a\0b\"",
    b"\"a\\\"",
    b"\"a\\",
    b"\"a\\x\"",
    b"\"\xc3\"",
    b"\"\xe2\x82\"",
    b"\"\xf0\x9f\x92\"",
    b"\"\xff\xfe\"",
    b"\"\xc0\xaf\"",
    b"\"\xed\xa0\x80\"",
    b"a\\b",
    b"\"",
    b"\x00",
    b"{0}",
];

#[test]
fn broken_strings_are_refused_everywhere_in_imap() {
    let server = Server::start(&[]);
    let commands: [&[u8]; 9] = [
        b"LOGIN % x",
        b"LOGIN x %",
        b"ID (% x)",
        b"LIST \"\" %",
        b"SELECT %",
        b"SEARCH SUBJECT %",
        b"CREATE %",
        b"STATUS % (MESSAGES)",
        b"FETCH 1 BODY[HEADER.FIELDS (%)]",
    ];
    for string in STRINGS {
        for command in commands {
            let mut peer = if command.starts_with(b"LOGIN") || command.starts_with(b"ID") {
                Peer::greeted(&server, IMAP)
            } else {
                inbox(&server, "alice@example.test")
            };
            let at = command.iter().position(|b| *b == b'%').unwrap();
            let mut line = b"t ".to_vec();
            line.extend_from_slice(&command[..at]);
            line.extend_from_slice(string);
            line.extend_from_slice(&command[at + 1..]);
            line.extend_from_slice(b"\r\nz LOGOUT\r\n");
            peer.raw(&line);
            peer.close_half();
            let all = peer.rest();
            // Whatever is said, it says it in clean lines, and what is quoted was said by us.
            assert!(!all.contains('\0'), "{line:?}: {all:?}");
            let ok = all.contains("t OK");
            let harmless = command.starts_with(b"ID")
                || command.starts_with(b"SEARCH")
                || command.starts_with(b"LIST")
                || command.starts_with(b"FETCH")
                || string == b"a\\b"
                || string == b"\"a\\x\"";
            assert!(
                !ok || harmless,
                "{:?}: {all}",
                String::from_utf8_lossy(&line)
            );
            let nul = string.contains(&0);
            assert!(
                !(ok && nul),
                "NUL was taken: {:?}: {all}",
                String::from_utf8_lossy(&line)
            );
        }
    }
}

#[test]
fn every_octet_anywhere_leaves_the_server_alive() {
    let server = Server::start(&[]);
    for service in [SMTP, LMTP, IMAP, POP3] {
        for octet in 0..=255_u8 {
            let mut peer = Peer::to(&server, service);
            let mut line = vec![octet];
            line.extend_from_slice(b"EHLO ");
            line.push(octet);
            line.extend_from_slice(b" \"");
            line.push(octet);
            line.extend_from_slice(b"\r\nMAIL FROM:<");
            line.push(octet);
            line.extend_from_slice(b"@x.test>\r\n");
            peer.raw(&line);
            peer.close_half();
            peer.rest();
        }
    }
    eventually("the server lives", || {
        Peer::to(&server, SMTP).line().is_some()
    });
    assert!(!crate::peer::log(&server).contains("panic"));
}
