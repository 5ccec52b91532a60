//! By hand: BDAT, smuggling, STARTTLS with something behind it, lower-case verbs and addresses without brackets.

use crate::server::{SMTP, Server};

#[test]
fn chunks_are_taken_whole_and_commands_inside_them_are_body() {
    let server = Server::start(&[]);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    talk.send("EHLO client.test");
    talk.reply();
    talk.send("MAIL FROM:<a@client.test> BODY=8BITMIME");
    assert!(talk.reply().starts_with("250 2.1.0 Ok"));
    talk.send("RCPT TO:<alice@example.test>");
    assert!(talk.reply().starts_with("250 2.1.5 Ok"));
    talk.raw(b"BDAT 14\r\nSubject: x\r\n\r\nBDAT 12 LAST\r\nQUIT\r\n.\r\n.\r\n");
    assert!(talk.reply().starts_with("250 2.0.0 Ok: 14 bytes"));
    let reply = talk.reply();
    assert!(
        reply.starts_with("250 2.0.0 Ok: 26 bytes queued as "),
        "{reply}"
    );
    talk.send("NOOP");
    assert!(talk.reply().starts_with("250 2.0.0 Ok"));
    server.settled();
    let alice = server.password("alice@example.test");
    let mut imap = server.imap("alice@example.test", &alice);
    imap.command("a", "SELECT INBOX");
    let text = imap.command("b", "FETCH 1 BODY[TEXT]").join("\n");
    assert!(text.contains("QUIT\n.\n."), "{text}");
}

#[test]
fn a_refused_chunk_is_never_read_as_commands() {
    let server = Server::start(&[]);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    talk.send("EHLO client.test");
    talk.reply();
    talk.raw(b"BDAT 18 LAST\r\nRSET\r\nVRFY alice\r\nNOOP\r\n");
    assert!(talk.reply().starts_with("503 5.5.1"));
    assert!(talk.reply().starts_with("250 2.0.0 Ok"));
    talk.send("QUIT");
    assert!(talk.reply().starts_with("221 2.0.0 Bye"));
    assert_eq!(talk.line(), "");
}

#[test]
fn only_crlf_dot_crlf_ends_a_message() {
    let server = Server::start(&[]);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    for command in [
        "EHLO client.test",
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ] {
        talk.send(command);
        talk.reply();
    }
    talk.raw(b"Subject: x\r\n\r\n\n.\nMAIL FROM:<b@c.test>\r\n\n.\r\n\r.\r\nRCPT TO:<bob@example.test>\r\n.\r\n");
    assert!(talk.reply().starts_with("250 2.0.0 Ok: queued as "));
    talk.send("QUIT");
    assert!(talk.reply().starts_with("221 "), "one message, one reply");
}

#[test]
fn what_stands_behind_starttls_is_dropped() {
    let server = Server::start(&[]);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    talk.send("EHLO client.test");
    talk.reply();
    talk.raw(b"STARTTLS\r\nRSET\r\nNOOP\r\n");
    assert!(talk.reply().starts_with("220 2.0.0 Ready to start TLS"));
    // No ClientHello follows: whatever comes, it is no reply to what was injected.
    talk.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let line = talk.line();
    assert!(!line.starts_with("250"), "{line}");
}

#[test]
fn hand_typed_smtp_works() {
    let server = Server::start(&[]);
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    for (command, answer) in [
        ("helo there", "250 "),
        ("mail from: sender@client.test", "250 2.1.0 Ok"),
        ("rcpt to: alice@example.test", "250 2.1.5 Ok"),
        ("rcpt to: root", "250 2.1.5 Ok"),
        ("data", "354 End data with <CR><LF>.<CR><LF>"),
    ] {
        talk.raw(format!("{command}\n").as_bytes());
        let reply = talk.reply();
        assert!(reply.starts_with(answer), "{command}: {reply}");
    }
    talk.raw(b"Subject: by hand\r\n\r\nhello\r\n.\r\n");
    assert!(talk.reply().starts_with("250 2.0.0 Ok: queued as "));
    talk.raw(b"quit\n");
    assert_eq!(talk.reply(), "221 2.0.0 Bye");
}
