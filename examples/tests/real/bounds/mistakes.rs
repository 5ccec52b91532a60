//! Mistakes and floods: how many commands that lead nowhere a session may send.

use super::{ask, closed, serves_others};
use crate::server::{CAROL, IMAP, LMTP, POP3, SMTP, Server, Talk};
use std::io::Write;

/// The lines that are said up to the close.
fn rest(talk: &mut Talk) -> Vec<String> {
    std::iter::from_fn(|| Some(talk.line()).filter(|l| !l.is_empty())).collect()
}

#[test]
fn smtp_slows_a_flood_of_unknown_words_down_and_ends_it_at_twenty() {
    let server = Server::with_carol();
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    talk.raw(&b"FOO bar\r\n".repeat(2_000));
    let unknown = "500 5.5.2 Error: command not recognized";
    for n in 0..10 {
        assert_eq!(talk.line(), unknown, "{n}");
    }
    // From here on each waits a second; nobody else does.
    serves_others(&server);
    for n in 10..20 {
        assert_eq!(talk.line(), unknown, "{n}");
    }
    let last = talk.line();
    assert!(
        last.starts_with("421 4.7.0 ") && last.ends_with(" Error: too many errors"),
        "{last}"
    );
    closed(&mut talk);
}

#[test]
fn smtp_ends_a_session_that_does_nothing_for_long() {
    let server = Server::with_carol();
    let mut talk = server.connect(SMTP);
    talk.expect("220 ");
    talk.raw(&b"NOOP\r\n".repeat(10_000));
    let said = rest(&mut talk);
    let (last, idle) = said.split_last().unwrap();
    // A hundred are free, each of twenty more is a mistake.
    assert_eq!(idle.len(), 120);
    assert!(idle.iter().all(|l| l == "250 2.0.0 Ok"), "{idle:?}");
    assert!(
        last.starts_with("421 4.7.0 ") && last.ends_with(" Error: too many errors"),
        "{last}"
    );
    serves_others(&server);
}

#[test]
fn lmtp_ends_a_session_of_unknown_words_at_ten() {
    let server = Server::with_carol();
    let mut talk = server.connect(LMTP);
    talk.expect("220 ");
    talk.raw(&b"FOO bar\r\n".repeat(2_000));
    let said = rest(&mut talk);
    let (last, unknown) = said.split_last().unwrap();
    assert_eq!(unknown, ["500 5.5.1 Unknown command"; 10]);
    let ends = " Too many invalid commands.";
    assert!(
        last.starts_with("421 4.7.0 ") && last.ends_with(ends),
        "{last}"
    );
    serves_others(&server);
}

#[test]
fn imap_ends_a_session_of_unknown_words_at_three_and_after_login_at_twenty() {
    let server = Server::with_carol();
    let mut talk = server.connect(IMAP);
    talk.expect("* OK ");
    talk.raw(&b"a FOO\r\n".repeat(2_000));
    let unknown = "a BAD Error in IMAP command received by server.";
    let bye = "* BYE Too many invalid IMAP commands.";
    assert_eq!(rest(&mut talk), [unknown, unknown, bye]);
    let mut talk = server.imap("carol@example.test", CAROL);
    // A good command forgives the ones before it.
    talk.raw(&b"a FOO\r\n".repeat(19));
    talk.raw(b"n NOOP\r\n");
    talk.raw(&b"a FOO\r\n".repeat(2_000));
    let said = rest(&mut talk);
    let begins = |begin: &str| said.iter().filter(|l| l.starts_with(begin)).count();
    assert_eq!(
        begins("a BAD Error in IMAP command FOO: Unknown command ("),
        39
    );
    assert_eq!(begins("n OK "), 1);
    assert_eq!(said.last().unwrap(), bye);
    assert_eq!(said.len(), 41);
    serves_others(&server);
}

#[test]
fn pop3_ends_a_session_of_unknown_words_at_three_and_after_login_at_twenty_one() {
    let server = Server::with_carol();
    let mut talk = server.connect(POP3);
    talk.expect("+OK ");
    talk.raw(&b"FOO\r\n".repeat(2_000));
    let unknown = "-ERR Unknown command.";
    let bye = "-ERR Too many invalid bad commands.";
    assert_eq!(rest(&mut talk), [unknown, unknown, unknown, bye]);
    let mut talk = super::pop3::login(&server);
    talk.raw(&b"FOO\r\n".repeat(2_000));
    let said = rest(&mut talk);
    let (last, unknown) = said.split_last().unwrap();
    assert_eq!(unknown, ["-ERR Unknown command: FOO"; 21]);
    assert_eq!(last, "-ERR Too many bad commands.");
    serves_others(&server);
}

#[test]
fn a_pipelined_flood_of_good_commands_is_answered_one_by_one() {
    const MANY: usize = 50_000;
    let server = Server::with_carol();
    let mut imap = server.imap("carol@example.test", CAROL);
    imap.command("s", "SELECT INBOX");
    let mut pop3 = super::pop3::login(&server);
    let sends = |talk: &Talk, text: String| {
        let mut stream = talk.stream.try_clone().unwrap();
        std::thread::spawn(move || stream.write_all(text.as_bytes()))
    };
    let text = (0..MANY).map(|n| format!("t{n} NOOP\r\n")).collect();
    let imap_sent = sends(&imap, text);
    let pop3_sent = sends(&pop3, "NOOP\r\n".repeat(MANY));
    // Both are under way, and nobody reads yet.
    serves_others(&server);
    for n in 0..MANY {
        imap.expect(&format!("t{n} OK NOOP completed ("));
        assert_eq!(pop3.line(), "+OK");
    }
    imap_sent.join().unwrap().unwrap();
    pop3_sent.join().unwrap().unwrap();
    imap.command("q", "LOGOUT");
    assert_eq!(ask(&mut pop3, "QUIT"), "+OK Logging out.");
}

#[test]
fn imap_refuses_names_that_the_store_cannot_keep_and_keeps_them_out_of_the_log() {
    let server = Server::with_carol();
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.command("a", "CREATE Work");
    for command in ["CREATE a/b", "RENAME Work a/b", "RENAME Work Work.below"] {
        talk.send(&format!("b {command}"));
        let refused = talk.line();
        assert!(refused.starts_with("b NO "), "{command}: {refused}");
    }
    assert!(!server.log().contains("Error: "), "{}", server.log());
}
