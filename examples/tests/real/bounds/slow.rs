//! Input that comes octet by octet is understood, and holds nobody up. How long a client may take in all is shown
//! in turned time (`mailcore/tests/bounds`).

use super::{closed, serves_others};
use crate::server::{CAROL, IMAP, POP3, SMTP, Server, Talk};
use std::net::TcpStream;
use std::time::Instant;

/// Sends octet by octet, each once the server has taken the one before.
fn drip(talk: &mut Talk, text: &str) {
    for octet in text.bytes() {
        talk.raw(&[octet]);
        let start = Instant::now();
        while untaken(&talk.stream) {
            assert!(start.elapsed().as_secs() < 20, "it is not read");
            std::thread::yield_now();
        }
    }
}

/// Whether the kernel holds something that the server has not read.
fn untaken(stream: &TcpStream) -> bool {
    let ours = format!(":{:04X}", stream.local_addr().unwrap().port());
    let theirs = format!(":{:04X}", stream.peer_addr().unwrap().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let end = table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].ends_with(&theirs) && words[2].ends_with(&ours)).then(|| words[4].to_owned())
    });
    end.is_some_and(|end| !end.ends_with(":00000000"))
}

#[test]
fn what_comes_octet_by_octet_is_understood() {
    let server = Server::with_carol();
    let mut smtp = server.connect(SMTP);
    let mut imap = server.connect(IMAP);
    let mut pop3 = server.connect(POP3);
    drip(
        &mut smtp,
        "EHLO c\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<carol@example.test>\r\nDATA\r\nSubject: slow\r\n\r\nx\r\n..\r\n.\r\n",
    );
    drip(
        &mut imap,
        &format!("a LOGIN {{18}}\r\ncarol@example.test \"{CAROL}\"\r\n"),
    );
    drip(
        &mut pop3,
        &format!("USER carol@example.test\r\nPASS {CAROL}\r\n"),
    );
    // Each is in the midst of its next command.
    drip(&mut smtp, "QUI");
    drip(&mut imap, "q LOGOU");
    drip(&mut pop3, "QUI");
    serves_others(&server);
    for begin in [
        "220 ",
        "250 ",
        "250 2.1.0 Ok",
        "250 2.1.5 Ok",
        "354 ",
        "250 2.0.0 Ok: queued as ",
    ] {
        let reply = smtp.reply();
        assert!(reply.starts_with(begin), "{reply}");
    }
    drip(&mut smtp, "T\r\n");
    assert_eq!(smtp.reply(), "221 2.0.0 Bye");
    closed(&mut smtp);
    imap.expect("* OK ");
    imap.expect("+ OK");
    imap.expect("a OK ");
    drip(&mut imap, "T\r\n");
    imap.expect("* BYE ");
    imap.expect("q OK ");
    closed(&mut imap);
    pop3.expect("+OK ");
    pop3.expect("+OK");
    assert_eq!(pop3.line(), "+OK Logged in.");
    drip(&mut pop3, "T\r\n");
    pop3.expect("+OK ");
    closed(&mut pop3);
    server.settled();
    let mut imap = server.imap("carol@example.test", CAROL);
    imap.command("s", "SELECT INBOX");
    let said = imap.command("f", "FETCH 1 BODY.PEEK[TEXT]");
    assert_eq!(said[1..3], ["x", "."]);
}
