//! IMAP: lines, literals, nesting, sets and names.

use super::{closed, resident, serves_others};
use crate::server::{CAROL, IMAP, Server, Talk};

const FLOOD: &str = "* BYE Input buffer full, aborting";

fn x(n: usize) -> String {
    "x".repeat(n)
}

/// Sends this and returns the next line, without the time that it took.
fn say(talk: &mut Talk, command: &str) -> String {
    talk.raw(command.as_bytes());
    let line = talk.line();
    let end = line.find(" (0.").unwrap_or(line.len());
    line[..end].to_owned()
}

fn greeted(server: &Server) -> Talk {
    let mut talk = server.connect(IMAP);
    talk.expect("* OK ");
    talk
}

/// Carol's session on her INBOX, which holds one message.
fn inbox(server: &Server) -> Talk {
    server.deliver("carol@example.test", "Subject: x\n\nx");
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.command("s", "SELECT INBOX");
    talk
}

#[test]
fn before_login_a_line_has_its_limit() {
    let server = Server::with_carol();
    let mut talk = greeted(&server);
    // 8 KiB with its line end. Within them it is a wrong login, which takes its time.
    let login = |octets: usize| format!("a LOGIN {} y\r\n", x(octets - 12));
    assert_eq!(say(&mut talk, &login(8_193)), "a BAD Too long argument.");
    let failed = "a NO [AUTHENTICATIONFAILED] Authentication failed.";
    assert_eq!(say(&mut talk, &login(8_192)), failed);
    assert_eq!(say(&mut talk, "n NOOP\r\n"), "n OK NOOP completed.");
    // Of more than that 64 KiB are swallowed, and no more.
    assert_eq!(say(&mut talk, &login(60_000)), "a BAD Too long argument.");
    assert_eq!(say(&mut talk, &x(120_000)), FLOOD);
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn before_login_a_sasl_line_has_its_limit() {
    let server = Server::with_carol();
    let mut talk = greeted(&server);
    let not_base64 = "a BAD Invalid base64 data in initial response";
    let initial = |octets: usize| format!("a AUTHENTICATE PLAIN {}\r\n", x(octets - 23));
    assert_eq!(say(&mut talk, &initial(12_288)), not_base64);
    assert_eq!(say(&mut talk, &initial(12_289)), "a BAD Too long argument.");
    assert_eq!(say(&mut talk, "a AUTHENTICATE PLAIN\r\n"), "+ ");
    assert_eq!(say(&mut talk, &format!("{}\r\n", x(12_287))), FLOOD);
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn before_login_literals_have_a_sum() {
    let server = Server::with_carol();
    let refused = "a BAD Literal size too large.";
    let part = |n: usize| format!("{{{n}+}}\r\n{}", x(n));
    // 4 KiB together, however many they are.
    let mut talk = greeted(&server);
    let fits = format!("a LOGIN {} {}\r\n", part(2_048), part(2_048));
    let failed = "a NO [AUTHENTICATIONFAILED] Authentication failed.";
    assert_eq!(say(&mut talk, &fits), failed);
    let large = format!("a LOGIN {} {}\r\n", part(2_048), part(2_049));
    assert_eq!(say(&mut talk, &large), refused);
    assert_eq!(say(&mut talk, "n NOOP\r\n"), "n OK NOOP completed.");
    // One that is waited with is refused before it comes, the first and the second.
    assert_eq!(say(&mut talk, "a LOGIN {4097}\r\n"), refused);
    let mut talk = greeted(&server);
    assert_eq!(say(&mut talk, "a LOGIN {4096}\r\n"), "+ OK");
    assert_eq!(say(&mut talk, &format!("{} {{1}}\r\n", x(4_096))), refused);
    // One that comes anyway is swallowed up to 64 KiB; what announces more ends the session.
    assert_eq!(
        say(&mut talk, &format!("a LOGIN {} y\r\n", part(65_000))),
        refused
    );
    let mut talk = greeted(&server);
    assert_eq!(say(&mut talk, "a LOGIN {65537+}\r\n"), FLOOD);
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn after_login_lines_and_literals_are_larger_and_have_their_limits() {
    let server = Server::with_carol();
    let mut talk = inbox(&server);
    let search = |octets: usize| format!("a SEARCH SUBJECT {}\r\n", x(octets - 19));
    let none = "* SEARCH";
    let done = "a OK Search completed";
    assert_eq!(say(&mut talk, &search(65_536)), none);
    assert_eq!(say(&mut talk, ""), done);
    let long = "a BAD Error in IMAP command SEARCH: Too long argument";
    assert_eq!(say(&mut talk, &search(65_537)), long);
    assert_eq!(say(&mut talk, &search(4 << 20)), long);
    let part = |n: usize| format!("{{{n}+}}\r\n{}", x(n));
    let two = |a: usize, b: usize| format!("a SEARCH SUBJECT {} SUBJECT {}\r\n", part(a), part(b));
    assert_eq!(say(&mut talk, &two(40_000, 25_536)), none);
    assert_eq!(say(&mut talk, ""), done);
    let large = "a BAD Error in IMAP command SEARCH: Literal size too large";
    assert_eq!(say(&mut talk, &two(40_000, 25_537)), large);
    // 64 MiB of what is refused are swallowed and not held.
    let before = resident(&server);
    talk.raw(b"a SEARCH SUBJECT {67108864+}\r\n");
    for _ in 0..64 {
        talk.raw(&[b'x'; 1 << 20]);
    }
    assert_eq!(
        say(&mut talk, "\r\n"),
        FLOOD,
        "the line end is one too many"
    );
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 4 * 1024, "grew by {grown} KiB");
    closed(&mut talk);
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.raw(b"a CREATE {8388608+}\r\n");
    for _ in 0..8 {
        talk.raw(&[b'x'; 1 << 20]);
    }
    let large = "a BAD Error in IMAP command CREATE: Literal size too large";
    assert_eq!(say(&mut talk, "\r\n"), large);
    assert_eq!(say(&mut talk, "a CREATE {67108865+}\r\n"), FLOOD);
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn an_appended_message_is_no_literal_of_its_command() {
    let server = Server::with_carol();
    let mut talk = inbox(&server);
    let message = format!("Subject: large\r\n\r\n{}\r\n", x(1 << 20));
    let length = message.len();
    assert_eq!(
        say(&mut talk, &format!("a APPEND INBOX {{{length}}}\r\n")),
        "+ OK"
    );
    talk.raw(message.as_bytes());
    talk.raw(b"\r\n");
    assert_eq!(talk.line(), "* 2 EXISTS");
    talk.expect("* 2 RECENT");
    talk.expect("a OK [APPENDUID ");
    // One that is refused is swallowed.
    talk.raw(format!("a APPEND nowhere {{{length}+}}\r\n{message}\r\n").as_bytes());
    talk.expect("a NO [TRYCREATE] ");
    assert_eq!(say(&mut talk, "n NOOP\r\n"), "n OK NOOP completed");
    // More than can be swallowed is not.
    assert_eq!(say(&mut talk, "a APPEND nowhere {99999999999+}\r\n"), FLOOD);
    closed(&mut talk);
    serves_others(&server);
}

#[test]
fn nesting_has_its_limit() {
    let server = Server::with_carol();
    let mut talk = inbox(&server);
    let (open, close) = (|n: usize| "(".repeat(n), |n: usize| ")".repeat(n));
    let deep = "a BAD Error in IMAP command SEARCH: Too deeply nested search parameters";
    for (fine, too_deep) in [
        (
            format!("{}ALL{}", open(99), close(99)),
            format!("{}ALL{}", open(100), close(100)),
        ),
        (
            format!("{}ALL", "NOT ".repeat(99)),
            format!("{}ALL", "NOT ".repeat(100)),
        ),
        (
            format!("{}ALL", "OR NEW ".repeat(99)),
            format!("{}ALL", "OR NEW ".repeat(100)),
        ),
        (
            format!("{}ALL{}", "NOT (".repeat(49), close(49)),
            open(65_000),
        ),
    ] {
        talk.raw(format!("a SEARCH {fine}\r\n").as_bytes());
        talk.expect("* SEARCH");
        talk.expect("a OK ");
        assert_eq!(say(&mut talk, &format!("a SEARCH {too_deep}\r\n")), deep);
    }
    // Where nothing nests, parentheses are no argument.
    for (command, why) in [
        (
            "FETCH 1 ",
            &*format!("FETCH: Unknown parameter: {}", open(64)),
        ),
        ("STORE 1 FLAGS ", "STORE: Invalid arguments"),
        ("STATUS INBOX ", "STATUS: Invalid arguments"),
        ("LIST \"\" ", "LIST: Invalid pattern"),
    ] {
        let said = say(&mut talk, &format!("a {command}{}\r\n", open(65_000)));
        assert_eq!(said, format!("a BAD Error in IMAP command {why}"));
    }
    serves_others(&server);
}

#[test]
fn a_huge_set_is_a_small_answer() {
    let server = Server::with_carol();
    let mut talk = inbox(&server);
    for set in ["1:4294967295", "4294967295:1", "1:*", "*:1,1:*,1,1,1"] {
        let said = talk.command("a", &format!("UID FETCH {set} UID"));
        assert_eq!(said.len(), 2, "{set}: {said:?}");
        assert_eq!(said[0], "* 1 FETCH (UID 1)");
    }
    // As many ranges as a line holds, each of which names every message.
    let ranges = "1:4294967295,".repeat(5_000);
    let said = talk.command("a", &format!("UID FETCH {ranges}1 UID"));
    assert_eq!(said.len(), 2, "{said:?}");
    let scattered: Vec<String> = (0..7_000).map(|n| (2 * n + 1).to_string()).collect();
    let said = talk.command("a", &format!("UID SEARCH UID {}", scattered.join(",")));
    assert_eq!(said[0], "* SEARCH 1");
    // Numbers of messages that there are not, and what is no number.
    let invalid = "a BAD Error in IMAP command UID FETCH: Invalid uidset";
    for set in [
        "0",
        "4294967296",
        "99999999999999999999",
        "1:",
        ",1",
        "1,,2",
    ] {
        assert_eq!(
            say(&mut talk, &format!("a UID FETCH {set} UID\r\n")),
            invalid
        );
    }
    serves_others(&server);
}

#[test]
fn a_mailbox_name_has_its_limits() {
    let server = Server::with_carol();
    let mut talk = server.imap("carol@example.test", CAROL);
    let level = |n: usize| vec!["d"; n].join(".");
    let long = "a NO [CANNOT] Mailbox name too long";
    for (name, said) in [
        (x(256), long),
        (vec![x(255); 5].join("."), long),
        (level(51), long),
        (x(60_000), long),
        (level(30_000), long),
    ] {
        for command in ["CREATE", "SELECT", "SUBSCRIBE", "DELETE", "RENAME INBOX"] {
            let name_begins: String = name.chars().take(20).collect();
            let line = say(&mut talk, &format!("a {command} {name}\r\n"));
            assert_eq!(line, said, "{command} {name_begins}");
        }
        let literal = format!("a CREATE {{{}+}}\r\n{name}\r\n", name.len());
        assert_eq!(say(&mut talk, &literal), said);
    }
    // Nothing was made of them, and one within the limits can be.
    assert_eq!(talk.command("l", "LIST \"\" *").len(), 2);
    assert_eq!(
        say(&mut talk, &format!("a CREATE {}\r\n", x(200))),
        "a OK Create completed"
    );
    assert_eq!(talk.command("l", "LIST \"\" *").len(), 3);
    serves_others(&server);
}
