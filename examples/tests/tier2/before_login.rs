//! What a connection costs before anybody has logged in, whatever it sends.

use crate::crowd::{connect, gather};
use crate::measure::{at_rest, many_files, sized};
use crate::server::{IMAP, LMTP, POP3, SMTP, Server};
use std::io::{Read, Write};

/// Octets that a connection before login may cost at most: the session, its input buffer of 16 or 32 KiB, what one
/// command holds, and for SMTP a transaction, whose recipients are most of it.
fn most(what: &str) -> u64 {
    let most = if what == RECIPIENTS { 96 } else { 40 };
    let loose = if cfg!(debug_assertions) { 2 } else { 1 };
    most * loose * 1024
}

const RECIPIENTS: &str = "a transaction of as many recipients as it may have";

fn cost(server: &Server, service: u16, what: &str, sent: &[u8]) {
    many_files();
    let count = sized(2_000, 150);
    let open = |_| {
        let mut stream = connect(server.port(service));
        // The greeting, so that the session has begun.
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(sent).unwrap();
        stream
    };
    let warm = gather(40, open);
    let before = at_rest(server.pid());
    let held = gather(count, open);
    let after = at_rest(server.pid());
    let each = after.saturating_sub(before) / count as u64;
    println!("port {service}, {what}: {each} octets each");
    assert!(
        each < most(what),
        "port {service}, {what}: {each} octets each"
    );
    drop((warm, held));
}

#[test]
fn a_connection_before_login_is_small_whatever_it_sends() {
    let line = vec![b'x'; 1 << 20];
    let long = |begin: &str, length: usize| [begin.as_bytes(), &line[..length]].concat();
    for (service, what, sent) in [
        (SMTP, "silence", Vec::new()),
        (SMTP, "a command without end", long("MAIL FROM:<", 2_000)),
        (SMTP, RECIPIENTS, recipients("EHLO c\r\n")),
        (LMTP, "silence", Vec::new()),
        (LMTP, "a command without end", long("MAIL FROM:<", 8_000)),
        (LMTP, RECIPIENTS, recipients("LHLO c\r\n")),
        (IMAP, "silence", Vec::new()),
        (IMAP, "a line without end", long("a LOGIN ", 8_000)),
        (
            IMAP,
            "a literal without end",
            long("a LOGIN {4096+}\r\n", 4_000),
        ),
        (IMAP, "literals", literals()),
        (
            IMAP,
            "a SASL line without end",
            long("a AUTHENTICATE PLAIN\r\n", 12_000),
        ),
        (POP3, "silence", Vec::new()),
        (POP3, "a line without end", long("USER ", 8_000)),
        (
            POP3,
            "a SASL line without end",
            long("AUTH PLAIN\r\n", 12_000),
        ),
    ] {
        let server = Server::start(&["--max-per-address", "20000"]);
        cost(&server, service, what, &sent);
    }
}

/// A login in as many literals as it may have, the last one without end.
fn literals() -> Vec<u8> {
    let part = format!("{{2000+}}\r\n{}", "x".repeat(2_000));
    format!("a LOGIN {part} {}", &part[..1_900]).into_bytes()
}

/// A transaction with as many recipients as it may have, each with parameters.
fn recipients(hello: &str) -> Vec<u8> {
    let mut sent = format!("{hello}MAIL FROM:<a@client.test>\r\n");
    for n in 0..1_000 {
        let tag = "x".repeat(20);
        sent.push_str(&format!("RCPT TO:<alice+{tag}{n}@example.test>\r\n"));
    }
    sent.into_bytes()
}
