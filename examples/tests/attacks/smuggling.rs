//! One message never becomes two, whatever its line ends and however they are cut (SMTP smuggling).

use crate::peer::{Peer, count, tree};
use crate::server::{LMTP, POP3, SMTP, Server};

/// Everything that some server or other has taken for the end of a message.
const ENDINGS: [&[u8]; 16] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\n.\r",
    b"\r\n\r.\r\n",
    b"\r.\n",
    b"\r\n .\r\n",
    b"\r\n..\r\n",
    b"\n\r.\r\n",
];

const SMUGGLED: &[u8] =
    b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx";

fn attack(server: &Server, service: u16, split: usize) {
    let mut peer = Peer::hello(server, service);
    for ending in ENDINGS {
        for command in ["MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>"] {
            assert!(peer.ask(command).starts_with("250 "), "{ending:?}");
        }
        assert!(peer.ask("DATA").starts_with("354 "));
        let mut message = b"Subject: outer\r\n\r\nfirst".to_vec();
        message.extend_from_slice(ending);
        message.extend_from_slice(SMUGGLED);
        message.extend_from_slice(ending);
        message.extend_from_slice(b"\r\nlast");
        for piece in message.chunks(split) {
            peer.raw(piece);
        }
        // Nothing is said before the true end.
        assert!(!peer.has_news(), "{ending:?} ended a message");
        peer.raw(b"\r\n.\r\n");
        let reply = peer.reply();
        assert!(reply.starts_with("250 2.0.0 "), "{ending:?}: {reply}");
        assert!(
            peer.ask("NOOP").starts_with("250 2.0.0 "),
            "one message, one reply"
        );
    }
    peer.send("QUIT");
    assert!(peer.reply().starts_with("221 "));
}

#[test]
fn no_other_line_end_ends_a_message_however_it_is_cut() {
    let server = Server::start(&[]);
    for split in [1, 2, 3, 4096] {
        attack(&server, SMTP, split);
        attack(&server, LMTP, split);
    }
    assert_eq!(count(&server, "alice@example.test"), 8 * ENDINGS.len());
    assert_eq!(
        count(&server, "bob@example.test"),
        0,
        "a message was smuggled"
    );
}

#[test]
fn what_was_taken_is_given_out_without_a_bare_line_end() {
    let server = Server::start(&[]);
    attack(&server, SMTP, 4096);
    server.settled();
    // In the store: LF alone, for that is how Maildir has it.
    let files = tree(&server.data().join("mail"));
    let messages = files
        .iter()
        .filter(|f| f.parent().unwrap().ends_with("new"));
    let mut seen = 0;
    for message in messages {
        assert!(
            !std::fs::read(message).unwrap().contains(&b'\r'),
            "{message:?}"
        );
        seen += 1;
    }
    assert_eq!(seen, ENDINGS.len());
    // On the wire: CRLF alone, and no line that could end the answer early.
    let mut pop = Peer::greeted(&server, POP3);
    let password = server.password("alice@example.test");
    for command in ["USER alice@example.test", &format!("PASS {password}")] {
        assert!(pop.ask(command).starts_with("+OK"));
    }
    for n in 1..=ENDINGS.len() {
        pop.send(&format!("RETR {n}"));
    }
    pop.send("QUIT");
    let all = pop.rest();
    let bytes = all.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => assert_eq!(bytes[at - 1], b'\r', "bare LF at {at}"),
            b'\r' => assert_eq!(bytes[at + 1], b'\n', "bare CR at {at}"),
            _ => {}
        }
    }
    assert_eq!(all.matches("\r\n.\r\n").count(), ENDINGS.len());
}
