//! BDAT: counts that cannot be, chunks without end, commands in chunks.

use crate::peer::{Peer, count, resident};
use crate::server::{LMTP, SMTP, Server};
use std::io::Write;

fn ready(server: &Server, service: u16) -> Peer {
    let mut peer = Peer::hello(server, service);
    for command in ["MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>"] {
        assert!(peer.ask(command).starts_with("250 "));
    }
    peer
}

#[test]
fn a_count_that_cannot_be_ends_the_connection_and_nothing_behind_it_is_heard() {
    let server = Server::start(&[]);
    let counts = [
        "-1",
        "+5",
        "0x10",
        "1e3",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
        "99999999999999999999999999",
        "5 LAST LAST",
        "5 FIRST",
        "",
        "LAST",
        "٣",
        "5\0",
        "4294967296 X",
    ];
    for service in [SMTP, LMTP] {
        for size in counts {
            let mut peer = ready(&server, service);
            peer.raw(
                format!("BDAT {size}\r\nRSET\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@example.test>\r\n")
                    .as_bytes(),
            );
            let all = peer.rest();
            assert!(all.starts_with(['4', '5']), "{size:?}: {all}");
            assert!(!all.contains("250 "), "{size:?} on {service}: {all}");
        }
    }
    assert_eq!(count(&server, "bob@example.test"), 0);
}

#[test]
fn a_command_line_that_cannot_be_read_still_announces_a_chunk() {
    let server = Server::start(&[]);
    let long = format!("BDAT 99 LAST{}", " ".repeat(2100));
    let longest = format!("BDAT 99 LAST{}", " ".repeat(40_000));
    for line in [
        &b"BDAT 99 LAST\xff"[..],
        b"BDAT 99\xc3\x28LAS",
        long.as_bytes(),
        longest.as_bytes(),
        b"bdat\t99 \x01LAST",
    ] {
        for service in [SMTP, LMTP] {
            let mut peer = ready(&server, service);
            peer.raw(line);
            peer.raw(b"\r\nRSET\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@example.test>\r\n");
            peer.close_half();
            let all = peer.rest();
            assert!(
                !all.contains("250 2.1"),
                "{service}: {:?}: {all}",
                String::from_utf8_lossy(&line[..12])
            );
        }
    }
}

#[test]
fn a_chunk_that_is_too_large_is_refused_and_its_octets_are_never_commands() {
    let server = Server::start(&[]);
    let mut peer = ready(&server, SMTP);
    // Announced: more than any message may have. What comes is a mail session.
    peer.raw(b"BDAT 9223372036854775807 LAST\r\n");
    for _ in 0..64 {
        peer.raw(&b"RSET\r\nNOOP\r\nVRFY alice\r\nQUIT\r\n".repeat(512));
    }
    peer.close_half();
    let all = peer.rest();
    assert!(
        !all.contains("250") && !all.contains("252") && !all.contains("221"),
        "{all}"
    );
}

#[test]
fn three_hundred_thousand_empty_chunks_cost_nothing() {
    let server = Server::start(&[]);
    for service in [SMTP, LMTP] {
        let mut peer = ready(&server, service);
        let before = resident(&server);
        let mut writer = peer.stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || {
            let many = b"BDAT 0\r\n".repeat(1000);
            for _ in 0..300 {
                if writer.write_all(&many).is_err() {
                    return;
                }
            }
            let _ = writer.write_all(b"QUIT\r\n");
        });
        let said = peer.rest();
        sending.join().unwrap();
        assert!(
            said.contains("\r\n421 ")
                || said.contains("221 ")
                || said.is_empty()
                || said.contains("250 ")
        );
        let grown = resident(&server).saturating_sub(before);
        assert!(grown < 8 * 1024, "{service}: grew by {grown} KiB");
    }
    assert_eq!(count(&server, "alice@example.test"), 0);
}

#[test]
fn many_small_chunks_are_one_message() {
    let server = Server::start(&[]);
    let mut peer = ready(&server, SMTP);
    let mut all = Vec::new();
    for octet in b"Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\n" {
        all.extend_from_slice(b"BDAT 1\r\n");
        all.push(*octet);
    }
    all.extend_from_slice(b"BDAT 0 LAST\r\n");
    peer.raw(&all);
    let last = loop {
        let reply = peer.reply();
        if !reply.ends_with(": 1 bytes") {
            break reply;
        }
    };
    assert!(last.contains("queued as"), "{last}");
    assert_eq!(count(&server, "alice@example.test"), 1);
}
