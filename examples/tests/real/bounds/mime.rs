//! Messages that are bombs: taken like any other, described within bounds, and given back as they came.

use super::serves_others;
use crate::server::{CAROL, Server};

/// Parts within parts.
fn nested(levels: usize) -> String {
    let mut message = "Subject: nested\n".to_owned();
    for n in 0..levels {
        message.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{n:04}\n\n--b{n:04}\n"
        ));
    }
    message.push_str("\nthe innermost\n");
    message
}

/// A message in a message.
fn letters(levels: usize) -> String {
    "Content-Type: message/rfc822\n\n".repeat(levels) + "Subject: the innermost\n\nx\n"
}

/// Parts beside parts.
fn parts(count: usize) -> String {
    let head = "Subject: parts\nContent-Type: multipart/mixed; boundary=b\n\n";
    head.to_owned() + &"--b\n\nx\n".repeat(count) + "--b--\n"
}

/// How deep the parentheses of an answer nest, those in strings not counted.
fn depth(answer: &str) -> usize {
    let (mut deep, mut deepest, mut quoted) = (0_usize, 0, false);
    for c in answer.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => deep += 1,
            ')' if !quoted => deep -= 1,
            _ => {}
        }
        deepest = deepest.max(deep);
    }
    assert_eq!(deep, 0, "it is whole");
    deepest
}

#[test]
fn a_bomb_is_delivered_and_described_within_bounds() {
    let server = Server::with_carol();
    let messages = [
        nested(90),
        nested(5_000),
        letters(90),
        letters(5_000),
        parts(9_000),
        parts(50_000),
    ];
    // With what would else be added to the header of a message from this host.
    let from =
        "From: a@client.test\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <x@client.test>\n";
    let messages = messages.map(|message| format!("{from}{message}"));
    for message in &messages {
        server.deliver("carol@example.test", message);
    }
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.command("s", "SELECT INBOX");
    let mut structure = |n: usize| {
        let said = talk.command("f", &format!("FETCH {n} BODYSTRUCTURE"));
        assert_eq!(said.len(), 2, "one line and no literal");
        said[0].clone()
    };
    // A hundred levels are told apart, the message counted; what lies deeper is one part.
    let text = "(\"text\" \"plain\"";
    let within = structure(1);
    assert_eq!(depth(&within), 93);
    assert_eq!(within.matches("\"mixed\"").count(), 90);
    let bomb = structure(2);
    assert!(bomb.len() < 16 * 1024, "{}", bomb.len());
    assert_eq!(bomb.matches("\"mixed\"").count(), 99);
    assert_eq!(depth(&bomb), 102);
    let within = structure(3);
    assert_eq!(within.matches("\"rfc822\"").count(), 90);
    let bomb = structure(4);
    assert!(bomb.len() < 64 * 1024, "{}", bomb.len());
    assert_eq!(bomb.matches("\"rfc822\"").count(), 99);
    // Ten thousand parts, the message counted.
    assert_eq!(structure(5).matches(text).count(), 9_000);
    assert_eq!(structure(6).matches(text).count(), 9_999);
    // All of it is still there.
    for (n, message) in messages.iter().enumerate() {
        let said = talk.command("f", &format!("FETCH {} BODY.PEEK[]", n + 1));
        let lines: Vec<&str> = message.lines().collect();
        assert!(
            said.windows(lines.len()).any(|w| w.iter().eq(lines.iter())),
            "message {} is not whole",
            n + 1
        );
        talk.command("g", &format!("SEARCH {} BODY nothing", n + 1));
        talk.command(
            "g",
            &format!("FETCH {} (ENVELOPE BODY.PEEK[1.1.1.1.1.1.MIME])", n + 1),
        );
    }
    serves_others(&server);
}
