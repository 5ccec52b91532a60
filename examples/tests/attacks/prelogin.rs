//! What a client can cost before anybody knows who it is.

use crate::peer::{Peer, resident, worked};
use crate::server::{IMAP, LMTP, POP3, SMTP, SUBMISSION, Server};

/// Most that this many connections may make the server grow by, in KiB: 256 each, what the allocator keeps included.
const CONNECTIONS: usize = 40;
const GROWTH: u64 = 40 * 256;

fn flood(service: u16, chunk: &[u8], times: usize) {
    let server = Server::start(&[]);
    drop(Peer::greeted(&server, service));
    let before = resident(&server);
    let peers: Vec<Peer> = (0..CONNECTIONS)
        .map(|_| {
            let mut peer = Peer::greeted(&server, service);
            for _ in 0..times {
                if !peer.raw(chunk) {
                    break;
                }
                // Nobody here reads, so a server that answers everything would pile the answers up.
                peer.stream
                    .set_write_timeout(Some(std::time::Duration::from_millis(200)))
                    .unwrap();
            }
            peer
        })
        .collect();
    let grown = resident(&server).saturating_sub(before);
    assert!(
        grown < GROWTH,
        "{service}: {CONNECTIONS} connections cost {grown} KiB"
    );
    drop(peers);
    // And it still serves.
    drop(Peer::greeted(&server, service));
}

#[test]
fn many_literals_before_login_are_held_by_nobody() {
    flood(IMAP, &b"a LOGIN {1000+}\r\n".repeat(500), 20);
    let many = format!(
        "a LOGIN {}\r\n",
        "{4000+}\r\n".to_owned() + &"x".repeat(4000)
    );
    flood(IMAP, many.repeat(16).as_bytes(), 20);
}

#[test]
fn parentheses_before_login_cost_nothing() {
    flood(IMAP, &[b'('; 65536], 64);
    flood(
        IMAP,
        &b"a ID ((((((((((((((((((((((((((((((((((((((((\r\n".repeat(1000),
        20,
    );
}

#[test]
fn words_without_end_before_login_cost_nothing() {
    for service in [SMTP, SUBMISSION, LMTP, POP3] {
        flood(service, &[b'x'; 65536], 64);
    }
}

#[test]
fn answers_that_nobody_reads_stop_the_questions() {
    for (service, question) in [
        (SMTP, &b"EHLO client.test\r\n"[..]),
        (LMTP, b"LHLO client.test\r\n"),
        (IMAP, b"a CAPABILITY\r\n"),
        (POP3, b"CAPA\r\n"),
    ] {
        flood(service, &question.repeat(3000), 100);
    }
}

#[test]
fn a_login_that_is_begun_and_begun_again_ends_with_the_connection() {
    let server = Server::start(&[]);
    let mut imap = Peer::greeted(&server, IMAP);
    let before = resident(&server);
    for _ in 0..200_000 / 40 {
        if !imap.raw(&b"a AUTHENTICATE SCRAM-SHA-256 biwsbj1hLHI9Yg==\r\n*\r\n".repeat(40)) {
            break;
        }
        if imap.line().is_none() {
            break;
        }
    }
    assert!(resident(&server).saturating_sub(before) < 8 * 1024);
    drop(Peer::greeted(&server, IMAP));
}

#[test]
fn a_refused_literal_is_refused_before_it_is_sent() {
    let server = Server::start(&[]);
    for size in [
        "65537",
        "99999999",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999",
        "-1",
    ] {
        let mut imap = Peer::greeted(&server, IMAP);
        imap.send(&format!("a LOGIN {{{size}}}"));
        let line = imap.line().unwrap_or_default();
        assert!(!line.starts_with('+'), "{size}: {line}");
    }
    // Literals that are small each are large together.
    let mut imap = Peer::greeted(&server, IMAP);
    imap.send("a LOGIN {4000}");
    let mut taken = 0;
    while imap.line().is_some_and(|l| l.starts_with('+')) && taken < 100 {
        taken += 1;
        imap.raw(&[b'x'; 4000]);
        imap.send(" {4000}");
    }
    assert!(taken < 20, "{taken} literals were taken before login");
}

#[test]
fn a_client_that_sends_slowly_costs_no_work() {
    let server = Server::start(&[]);
    let mut peers: Vec<Peer> = (0..40).map(|_| Peer::greeted(&server, SMTP)).collect();
    let before = worked(&server);
    for _ in 0..50 {
        for peer in &mut peers {
            peer.raw(b"x");
        }
    }
    let spent = worked(&server) - before;
    assert!(
        spent < 200,
        "2,000 octets cost {spent} hundredths of a second"
    );
    for peer in &mut peers {
        assert!(peer.ask("").starts_with("500 "));
    }
}
