//! Messages of a gibibyte are refused or streamed; neither makes the server grow.

use crate::measure::{forget_peak, optimised, peak, resident, sized};
use crate::server::{CAROL, LMTP, SMTP, Server, Talk};

/// Octets that the server may grow by while one huge message goes in or out, whatever its length: the heaps of the
/// threads that read and write files are most of it.
const MOST: u64 = 32 * 1024 * 1024;

/// Sends lines of `x` up to `length` octets, a multiple of 80.
fn pour(talk: &mut Talk, length: u64) {
    let line = [&[b'x'; 78][..], b"\r\n"].concat();
    let chunk = line.repeat(16 * 1024);
    let mut left = length;
    while left > 0 {
        let n = left.min(chunk.len() as u64) as usize;
        talk.raw(&chunk[..n]);
        left -= n as u64;
    }
}

fn length() -> u64 {
    sized(1 << 30, 64 << 20) / 80 * 80
}

/// Runs `work` and says by how much the server grew at most.
fn grown(server: &Server, work: impl FnOnce()) -> u64 {
    forget_peak(server.pid());
    let before = resident(server.pid());
    work();
    peak(server.pid()).saturating_sub(before)
}

#[test]
fn a_huge_append_is_streamed_both_ways() {
    if !optimised("the growth by a huge message") {
        return;
    }
    let server = Server::with_carol();
    let mut talk = server.imap("carol@example.test", CAROL);
    let length = length();
    let in_growth = grown(&server, || {
        talk.send(&format!("a APPEND INBOX {{{length}}}"));
        talk.expect("+ ");
        pour(&mut talk, length);
        talk.send("");
        talk.expect("a OK [APPENDUID ");
    });
    let out_growth = grown(&server, || {
        talk.command("b", "SELECT INBOX");
        talk.send("c FETCH 1 BODY.PEEK[]");
        talk.expect(&format!("* 1 FETCH (BODY[] {{{length}}}"));
        let mut read = 0;
        while read < length {
            let line = talk.line();
            assert_eq!(line.len(), 78, "at {read}");
            read += 80;
        }
        talk.expect(")");
        talk.expect("c OK");
    });
    println!("{length} octets: APPEND grew by {in_growth}, FETCH by {out_growth} octets at most");
    assert!(
        in_growth < MOST && out_growth < MOST,
        "{in_growth} {out_growth}"
    );
}

fn transaction(talk: &mut Talk, hello: &str) {
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
}

#[test]
fn a_huge_message_by_smtp_is_refused_without_growth() {
    if !optimised("the growth by a huge message") {
        return;
    }
    let server = Server::start(&[]);
    let length = length();
    let data = grown(&server, || {
        let mut talk = server.connect(SMTP);
        transaction(&mut talk, "EHLO client.test");
        talk.send("DATA");
        talk.reply();
        pour(&mut talk, length);
        talk.send(".");
        assert!(talk.reply().starts_with("552 5.3.4 "));
    });
    let chunks = grown(&server, || {
        let mut talk = server.connect(SMTP);
        transaction(&mut talk, "EHLO client.test");
        talk.send(&format!("BDAT {length} LAST"));
        pour(&mut talk, length);
        assert!(talk.reply().starts_with("552 5.3.4 "));
    });
    println!("{length} octets refused: DATA grew by {data}, BDAT by {chunks} octets at most");
    assert!(data < MOST && chunks < MOST, "{data} {chunks}");
}

#[test]
fn a_huge_message_by_lmtp_is_streamed() {
    if !optimised("the growth by a huge message") {
        return;
    }
    let server = Server::start(&[]);
    let length = length();
    let growth = grown(&server, || {
        let mut talk = server.connect(LMTP);
        transaction(&mut talk, "LHLO client.test");
        talk.send("DATA");
        talk.reply();
        talk.raw(b"Subject: huge\r\n\r\n");
        pour(&mut talk, length);
        talk.send(".");
        let reply = talk.reply();
        assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    });
    println!("{length} octets by LMTP: grew by {growth} octets at most");
    assert!(growth < MOST, "{growth}");
}
