//! Bounds that the whole server keeps: connections per address, memory before login, input without end.

use crate::server::{IMAP, SMTP, Server};

/// Resident memory of a process in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn one_address_has_only_so_many_connections() {
    let server = Server::start(&["--max-per-address", "3"]);
    let mut held: Vec<_> = (0..3).map(|_| server.connect(SMTP)).collect();
    for talk in &mut held {
        talk.expect("220 ");
    }
    let line = server.connect(SMTP).line();
    assert!(line.is_empty() || line.starts_with("421 4.7.0"), "{line}");
    drop(held.pop());
    let start = std::time::Instant::now();
    while !server.connect(SMTP).line().starts_with("220 ") {
        assert!(
            start.elapsed().as_secs() < 10,
            "the place of a closed connection is not given again"
        );
    }
}

#[test]
fn a_line_without_end_is_refused_without_growth() {
    let server = Server::start(&[]);
    let before = resident(server.pid());
    for service in [SMTP, IMAP] {
        let mut talk = server.connect(service);
        talk.line();
        let junk = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            if std::io::Write::write_all(&mut talk.stream, &junk).is_err() {
                break;
            }
        }
    }
    let grown = resident(server.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024, "grew by {grown} KiB");
}

#[test]
fn a_huge_message_is_refused_or_streamed_without_growth() {
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    let before = resident(server.pid());
    let mut smtp = server.connect(SMTP);
    smtp.expect("220 ");
    smtp.send("EHLO client.test");
    smtp.reply();
    smtp.send("MAIL FROM:<a@client.test> SIZE=1073741824");
    assert!(smtp.reply().starts_with("552 5.3.4 "));
    let mut imap = server.imap("alice@example.test", &alice);
    imap.send("a APPEND INBOX {1073741824}");
    let answer = imap.line();
    assert!(
        answer.starts_with("a NO ") || answer.starts_with('+'),
        "{answer}"
    );
    // Without SIZE, a client finds out as it goes.
    for command in [
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ] {
        smtp.send(command);
        smtp.reply();
    }
    let chunk = b"0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n"
        .repeat(8192);
    for _ in 0..256 {
        smtp.raw(&chunk);
    }
    smtp.raw(b".\r\n");
    assert!(smtp.reply().starts_with("552 5.3.4 "));
    let grown = resident(server.pid()).saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
}
