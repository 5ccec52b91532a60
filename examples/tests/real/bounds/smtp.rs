//! SMTP and LMTP: lines, headers, sizes and recipients.

use super::{ask, closed, resident, serves_others, transaction};
use crate::server::{CAROL, LMTP, SMTP, SMTPS, Server, have, python};

/// A NOOP of so many octets, its line end counted.
fn noop(octets: usize) -> String {
    format!("NOOP {}", "x".repeat(octets - 7))
}

#[test]
fn a_command_line_has_its_limit_and_costs_nothing_else() {
    let server = Server::with_carol();
    for (service, hello, limit, fine, long) in [
        (
            SMTP,
            "EHLO",
            2_048,
            "250 2.0.0 Ok",
            "500 5.5.2 Error: line too long",
        ),
        (
            LMTP,
            "LHLO",
            8_192,
            "250 2.0.0 OK",
            "500 5.5.2 Line too long",
        ),
    ] {
        let mut talk = transaction(&server, service, hello);
        assert_eq!(ask(&mut talk, &noop(limit)), fine);
        assert_eq!(ask(&mut talk, &noop(limit + 1)), long);
        assert_eq!(ask(&mut talk, &noop(200_000)), long);
        // The transaction is as it was.
        assert!(ask(&mut talk, "DATA").starts_with("354 "));
        talk.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
        let reply = talk.reply();
        assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    }
    serves_others(&server);
}

#[test]
fn a_line_without_end_is_held_by_nobody() {
    let server = Server::with_carol();
    for (service, hello, long) in [
        (SMTP, "EHLO", "500 5.5.2 Error: line too long"),
        (LMTP, "LHLO", "500 5.5.2 Line too long"),
    ] {
        let mut talk = transaction(&server, service, hello);
        let before = resident(&server);
        for _ in 0..64 {
            talk.raw(&[b'x'; 1 << 20]);
        }
        talk.raw(b"\r\n");
        assert_eq!(talk.reply(), long);
        let grown = resident(&server).saturating_sub(before);
        assert!(grown < 4 * 1024, "grew by {grown} KiB");
        assert!(ask(&mut talk, "NOOP").starts_with("250 2.0.0 O"));
    }
    serves_others(&server);
}

#[test]
fn a_sasl_line_has_its_limit() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::with_carol();
    // RFC 4954 §4: 12,288 octets, line end included. Within them it is an answer, if a wrong one.
    let script = r#"
import socket, ssl, sys
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
k = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20))
f = k.makefile('rb')
def reply():
    while True:
        l = f.readline().decode().rstrip()
        if l[3:4] != '-': return l
def ask(line):
    k.sendall(line.encode() + b'\r\n'); return reply()
reply(); ask('EHLO client.test')
for n in 12288, 12289:
    print(ask('AUTH PLAIN ' + 'A' * (n - 13)))
    print(ask('AUTH PLAIN'))
    print(ask('A' * (n - 2)))
print(ask('NOOP'))
"#;
    let said = python(script, &[&server.port(SMTPS).to_string()]);
    let said: Vec<&str> = said.lines().collect();
    let failed = "535 5.7.8 Error: authentication failed: Invalid base64 data in";
    let initial = &*format!("{failed} initial response");
    let continued = &*format!("{failed} continued response");
    let long = "500 5.5.2 Error: line too long";
    assert_eq!(
        said,
        [initial, "334", continued, long, "334", long, "250 2.0.0 Ok"]
    );
    serves_others(&server);
}

#[test]
fn a_header_has_its_limit_and_a_line_of_text_has_none() {
    let server = Server::with_carol();
    for (service, hello, refused) in [
        (SMTP, "EHLO", "552 5.3.4 Error: message header too big"),
        (LMTP, "LHLO", "552 5.3.4 Message header too big"),
    ] {
        let field = format!("X-Filler: {}\r\n", "x".repeat(1_012));
        let one = format!("X-Filler: {}\r\n", "x".repeat(1_100 * 1_024));
        for header in [field.repeat(1_025), one] {
            let mut talk = transaction(&server, service, hello);
            assert!(ask(&mut talk, "DATA").starts_with("354 "));
            talk.raw(header.as_bytes());
            talk.raw(b"\r\nbody\r\n.\r\n");
            assert_eq!(talk.reply(), refused);
            assert!(ask(&mut talk, "NOOP").starts_with("250 "));
        }
        let mut talk = transaction(&server, service, hello);
        assert!(ask(&mut talk, "DATA").starts_with("354 "));
        talk.raw(field.repeat(1_023).as_bytes());
        talk.raw(format!("\r\n{}\r\n.\r\n", "x".repeat(3 << 20)).as_bytes());
        let reply = talk.reply();
        assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    }
    server.settled();
    // Those that were refused are nowhere, and the others are whole.
    let mut imap = server.imap("carol@example.test", CAROL);
    imap.command("a", "SELECT INBOX");
    let lines = imap.command("b", "FETCH 1:* BODY.PEEK[TEXT]");
    let whole = lines.iter().filter(|l| l.len() == 3 << 20).count();
    assert_eq!(whole, 2);
    let announced = format!(" FETCH (BODY[TEXT] {{{}}}", (3 << 20) + 2);
    assert_eq!(lines.iter().filter(|l| l.ends_with(&announced)).count(), 2);
    assert_eq!(lines.iter().filter(|l| l.contains(" FETCH ")).count(), 2);
}

#[test]
fn a_message_has_its_size() {
    let server = Server::with_carol();
    let before = resident(&server);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    ask(&mut talk, "EHLO client.test");
    let announced = "MAIL FROM:<a@client.test> SIZE=10240001";
    assert_eq!(
        ask(&mut talk, announced),
        "552 5.3.4 Message size exceeds fixed limit"
    );
    // Without SIZE, a client finds out as it goes.
    for command in [
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<carol@example.test>",
        "DATA",
    ] {
        ask(&mut talk, command);
    }
    let chunk = [&[b'x'; 78][..], b"\r\n"].concat().repeat(16 * 1024);
    talk.raw(b"\r\n");
    for _ in 0..16 {
        talk.raw(&chunk);
    }
    talk.raw(b".\r\n");
    assert_eq!(talk.reply(), "552 5.3.4 Error: message file too big");
    // A chunk is refused by its announcement, and swallowed.
    for command in ["MAIL FROM:<a@client.test>", "RCPT TO:<carol@example.test>"] {
        assert!(ask(&mut talk, command).starts_with("250 "), "{command}");
    }
    talk.send(&format!("BDAT {} LAST", 16 * chunk.len()));
    for _ in 0..16 {
        talk.raw(&chunk);
    }
    assert_eq!(talk.reply(), "552 5.3.4 Chunk exceeds message size limit");
    assert_eq!(ask(&mut talk, "NOOP"), "250 2.0.0 Ok");
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
    server.settled();
    let mut imap = server.imap("carol@example.test", CAROL);
    assert!(
        imap.command("a", "SELECT INBOX")
            .contains(&"* 0 EXISTS".to_owned())
    );
}

#[test]
fn a_message_has_so_many_recipients_and_the_rest_come_with_another() {
    let server = Server::with_carol();
    // LMTP holds a file open for each.
    for (service, hello, most) in [(SMTP, "EHLO", 1_000), (LMTP, "LHLO", 200)] {
        let mut talk = transaction(&server, service, hello);
        for n in 2..=most {
            let reply = ask(&mut talk, &format!("RCPT TO:<carol+{n}@example.test>"));
            assert!(reply.starts_with("250 2.1.5 "), "{n}: {reply}");
        }
        for n in most + 1..=most + 3 {
            let reply = ask(&mut talk, &format!("RCPT TO:<carol+{n}@example.test>"));
            assert_eq!(reply, "452 4.5.3 Error: too many recipients");
        }
        assert!(ask(&mut talk, "DATA").starts_with("354 "));
        talk.raw(b"Subject: to many\r\n\r\nx\r\n.\r\n");
        for _ in 0..if service == LMTP { most } else { 1 } {
            let reply = talk.reply();
            assert!(reply.starts_with("250 2.0.0 "), "{reply}");
        }
        for command in [
            "MAIL FROM:<a@client.test>",
            &*format!("RCPT TO:<carol+{most}@example.test>"),
        ] {
            let reply = ask(&mut talk, command);
            assert!(reply.starts_with("250 2.1."), "{command}: {reply}");
        }
        assert!(ask(&mut talk, "QUIT").starts_with("221 2.0.0 "));
        closed(&mut talk);
    }
    serves_others(&server);
}
