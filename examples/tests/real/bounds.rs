//! Bounds that the whole server keeps: connections per address, memory before login, input without end.

use crate::server::{CAROL, IMAP, LMTP, POP3, SMTP, Server, Talk};

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

/// An SMTP or LMTP connection with an open transaction to alice.
fn transaction(server: &Server, service: u16, hello: &str) -> Talk {
    let mut talk = server.connect(service);
    talk.expect("220 ");
    for command in [
        hello,
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<alice@example.test>",
    ] {
        talk.send(command);
        let reply = talk.reply();
        assert!(reply.starts_with("250"), "{command}: {reply}");
    }
    talk
}

#[test]
fn an_smtp_line_a_header_and_recipients_have_their_limits() {
    let server = Server::start(&[]);
    let mut talk = transaction(&server, SMTP, "EHLO client.test");
    talk.send(&format!("NOOP {}", "x".repeat(3_000)));
    assert_eq!(talk.reply(), "500 5.5.2 Error: line too long");
    for n in 1..1_000 {
        talk.send(&format!("RCPT TO:<alice+{n}@example.test>"));
        // The desk delivers to so many mailboxes at once, and the machine takes so many recipients.
        let reply = talk.reply();
        if !reply.starts_with("250 ") {
            assert!(reply.starts_with("452 4.5.3 "), "{n}: {reply}");
            assert!(n >= 100, "RFC 5321 wants a hundred: {n}");
            break;
        }
    }
    talk.send("DATA");
    talk.expect("354 ");
    let field = format!("X-Filler: {}\r\n", "x".repeat(900));
    talk.raw(field.repeat(1_300).as_bytes());
    talk.raw(b"\r\nbody\r\n.\r\n");
    let reply = talk.reply();
    assert!(
        reply.starts_with("552 ") || reply.starts_with("554 "),
        "{reply}"
    );
    talk.send("NOOP");
    assert!(talk.reply().starts_with("250 "));
}

#[test]
fn an_lmtp_line_has_its_limit() {
    let server = Server::start(&[]);
    let mut talk = transaction(&server, LMTP, "LHLO client.test");
    talk.send(&format!("NOOP {}", "x".repeat(9_000)));
    assert_eq!(talk.reply(), "500 5.5.2 Line too long");
    talk.send("NOOP");
    assert!(talk.reply().starts_with("250 "));
}

#[test]
fn imap_lines_literals_and_nesting_have_their_limits() {
    let server = Server::with_carol();
    let refuse = |talk: &mut Talk, command: &str| {
        talk.raw(command.as_bytes());
        let line = talk.line();
        assert!(
            ["a BAD", "a NO", "* BYE"]
                .iter()
                .any(|b| line.starts_with(b)),
            "{}: {line}",
            command.chars().take(40).collect::<String>()
        );
    };
    // Before login: a line, and the sum of a command's literals.
    let x = |n: usize| "x".repeat(n);
    let part = format!("{{3000+}}\r\n{}", x(3_000));
    for command in [
        format!("a LOGIN {} y\r\n", x(9_000)),
        format!("a LOGIN {part} {part}\r\n"),
        "a LOGIN {5000}\r\n".to_owned(),
    ] {
        let mut talk = server.connect(IMAP);
        talk.expect("* OK ");
        refuse(&mut talk, &command);
    }
    // After login: the same, larger; the session goes on.
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.command("s", "SELECT INBOX");
    let part = format!("{{40000+}}\r\n{}", x(40_000));
    refuse(
        &mut talk,
        &format!("a SEARCH SUBJECT {part} SUBJECT {part}\r\n"),
    );
    talk.command("n", "NOOP");
    let deep = format!("a SEARCH {}ALL{}\r\n", "(".repeat(120), ")".repeat(120));
    refuse(&mut talk, &deep);
    refuse(
        &mut talk,
        &format!("a SEARCH {}ALL\r\n", "NOT ".repeat(120)),
    );
    talk.command("n", "NOOP");
    refuse(&mut talk, &format!("a SEARCH SUBJECT {}\r\n", x(70_000)));
}

#[test]
fn a_pop3_line_has_its_limit() {
    let server = Server::start(&[]);
    let mut talk = server.connect(POP3);
    talk.expect("+OK");
    talk.send(&format!("USER {}", "x".repeat(9_000)));
    let line = talk.line();
    assert!(line.is_empty() || line.starts_with("-ERR"), "{line}");
}
