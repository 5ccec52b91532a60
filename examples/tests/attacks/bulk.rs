//! Messages and commands that are large in every way: answered, in bounded memory.

use crate::peer::{Peer, eventually, inbox, resident};
use crate::server::{IMAP, Server};

/// Appends a message and returns whether it was taken.
fn append(imap: &mut Peer, message: &[u8]) -> bool {
    imap.send(&format!("p APPEND INBOX {{{}+}}", message.len()));
    imap.raw(message);
    imap.send("");
    imap.until("p")
        .last()
        .is_some_and(|l| l.starts_with("p OK"))
}

fn shapes() -> Vec<(&'static str, Vec<u8>)> {
    let mut nested = b"Subject: nested\r\n".to_vec();
    for n in 0..100_000 {
        nested.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n").as_bytes(),
        );
    }
    let mut rfc822 = b"Subject: letters in letters\r\n".to_vec();
    rfc822.extend_from_slice(&b"Content-Type: message/rfc822\r\n\r\n".repeat(100_000));
    let mut parts = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n".to_vec();
    parts.extend_from_slice(&b"--x\r\n\r\n".repeat(100_000));
    let mut boundaries = b"Content-Type: multipart/mixed; boundary=\"".to_vec();
    boundaries.extend_from_slice(&[b'-'; 100_000]);
    boundaries.extend_from_slice(b"\"\r\n\r\n");
    boundaries.extend_from_slice(&b"------------------------------\r\n".repeat(10_000));
    let mut addresses = b"To: ".to_vec();
    addresses.extend_from_slice(&b"\"a\" <a@b.test>,\r\n ".repeat(100_000));
    addresses.extend_from_slice(b"x@y.test\r\n\r\n");
    let mut groups = b"To: ".to_vec();
    groups.extend_from_slice(&b"g:(".repeat(100_000));
    groups.extend_from_slice(b"\r\n\r\n");
    let mut parameters = b"Content-Type: text/plain".to_vec();
    for n in 0..100_000 {
        parameters.extend_from_slice(format!(";\r\n name*{n}*=utf-8''x%").as_bytes());
    }
    parameters.extend_from_slice(b"\r\n\r\nx\r\n");
    let mut subject = b"Subject: ".to_vec();
    subject.extend_from_slice(&b"=?utf-8?q?x?= ".repeat(20 * 1024 * 1024 / 14));
    subject.extend_from_slice(b"\r\n\r\nx\r\n");
    let mut fields = Vec::new();
    for n in 0..200_000 {
        fields.extend_from_slice(format!("X-{n}: y\r\n").as_bytes());
    }
    fields.extend_from_slice(b"\r\nx\r\n");
    let mut references = b"References: ".to_vec();
    references.extend_from_slice(&b"<a@b> ".repeat(200_000));
    references.extend_from_slice(b"\r\n\r\nx\r\n");
    let cut: Vec<u8> = b"From: (((((((\r\nTo: \"unended\r\nCc: =?utf-8?b?\r\nSubject: =?utf-8?q?=C3\r\nDate: (\r\nContent-Type: a/b; c=\"".to_vec();
    vec![
        ("nested multiparts", nested),
        ("letters in letters", rfc822),
        ("parts", parts),
        ("boundaries", boundaries),
        ("addresses", addresses),
        ("groups", groups),
        ("parameters", parameters),
        ("a subject of 20 MB", subject),
        ("fields", fields),
        ("references", references),
        ("a header that ends inside of everything", cut),
    ]
}

#[test]
fn a_message_of_any_shape_is_kept_and_described() {
    let server = Server::start(&[]);
    let mut imap = inbox(&server, "alice@example.test");
    let mut taken = 0;
    for (what, message) in shapes() {
        if !append(&mut imap, &message) {
            // Refusing is an answer too; the session goes on.
            assert!(
                imap.tagged("n", "NOOP").last().unwrap().starts_with("n OK"),
                "{what}"
            );
            continue;
        }
        taken += 1;
        for command in [
            format!("FETCH {taken} (ENVELOPE)"),
            format!("FETCH {taken} (BODYSTRUCTURE)"),
            format!("FETCH {taken} (BODY.PEEK[HEADER.FIELDS (SUBJECT TO)])"),
            format!("FETCH {taken} (BODY.PEEK[1.1.1.1.1.1.1.1.1.1.1.MIME])"),
            "SEARCH SUBJECT nowhere TO nobody BODY nothing".to_owned(),
        ] {
            let lines = imap.tagged("f", &command);
            let last = lines
                .last()
                .unwrap_or_else(|| panic!("{what}: {command}: closed"));
            assert!(
                last.starts_with("f OK") || last.starts_with("f NO"),
                "{what}: {command}: {last}"
            );
        }
    }
    assert!(taken >= 9, "{taken} were taken");
    let grown = resident(&server);
    assert!(grown < 300 * 1024, "{grown} KiB are resident");
}

#[test]
fn commands_of_any_depth_are_answered() {
    let server = Server::start(&[]);
    server.deliver("alice@example.test", "Subject: x\n\nx");
    let mut imap = inbox(&server, "alice@example.test");
    let before = resident(&server);
    let commands = [
        format!("SEARCH {}ALL", "NOT ".repeat(15_000)),
        format!("SEARCH {}ALL{}", "(".repeat(30_000), ")".repeat(30_000)),
        format!("SEARCH {}ALL", "OR ALL ".repeat(9_000)),
        format!("SEARCH {}", "1,".repeat(30_000) + "1"),
        format!("FETCH 1 ({})", "BODY.PEEK[] ".repeat(5_000).trim_end()),
        format!("FETCH 1 BODY.PEEK[{}1]", "1.".repeat(30_000)),
        format!(
            "FETCH 1 BODY.PEEK[HEADER.FIELDS ({})]",
            "x ".repeat(30_000).trim_end()
        ),
        format!(
            "STORE 1 +FLAGS ({})",
            (0..6000)
                .map(|n| format!("k{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        ),
        format!("LIST \"\" \"{}\"", "*%".repeat(10_000)),
        format!("LIST \"\" ({})", "* ".repeat(20_000).trim_end()),
        format!("LIST \"{}\" *", "%*.".repeat(10_000)),
        format!("UID FETCH {}1 UID", "4294967295:1,".repeat(4000)),
    ];
    for command in commands {
        let lines = imap.tagged("c", &command);
        let shown = &command[..40];
        if lines.last().is_some_and(|l| l.starts_with("c ")) {
            continue;
        }
        // A line that is too long may cost the connection, and nothing else.
        assert!(
            lines.last().is_none_or(|l| l.starts_with("* BYE")),
            "{shown}: {:?}",
            lines.last()
        );
        imap = inbox(&server, "alice@example.test");
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 32 * 1024, "grew by {grown} KiB");
}

#[test]
fn a_reader_that_does_not_read_holds_up_itself_alone() {
    let server = Server::start(&[]);
    let mut imap = inbox(&server, "alice@example.test");
    let big = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
        .repeat(30_000);
    for _ in 0..4 {
        let mut message = b"Subject: big\r\n\r\n".to_vec();
        message.extend_from_slice(&big);
        assert!(append(&mut imap, &message));
    }
    drop(imap);
    let mut deaf = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        for _ in 0..20 {
            let mut peer = inbox(&server, "alice@example.test");
            for _ in 0..50 {
                peer.send("d FETCH 1:* BODY[]");
            }
            deaf.push(peer);
        }
        // Each has begun to answer, and is stopped by what nobody takes.
        for peer in &mut deaf {
            eventually("it begins to answer", || peer.has_news());
        }
        sizes.push(resident(&server));
    }
    // Others are served meanwhile, and change what the deaf are being told.
    let mut imap = inbox(&server, "alice@example.test");
    for command in [
        "STORE 1 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "FETCH 1 RFC822.SIZE",
    ] {
        assert!(
            imap.tagged("o", command)
                .last()
                .unwrap()
                .starts_with("o OK")
        );
    }
    // The first twenty wake threads and their heaps; twenty more cost what a session costs.
    assert!(sizes[1] < sizes[0] + 20 * 1024, "resident: {sizes:?} KiB");
    // One that begins to read again has what it asked for, whole.
    let peer = deaf.last_mut().unwrap();
    let first = peer.line().unwrap();
    let size: usize = first
        .rsplit_once('{')
        .unwrap()
        .1
        .trim_end_matches('}')
        .parse()
        .unwrap();
    let body = peer.octets(size);
    assert_eq!(body.len(), size);
    assert!(body.ends_with(b"6789\r\n"));
    assert!(Peer::greeted(&server, IMAP).tagged("q", "LOGOUT").len() >= 2);
}
