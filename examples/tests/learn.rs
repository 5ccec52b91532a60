//! Runs each program of `examples/learn` end to end, as its first lines say, on ports of its own on loopback.
//!
//! `cargo test` builds the programs first. Where this file is tested alone (`--test learn`), run
//! `cargo build --examples` before.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

// The tests that some of them hold.
#[allow(dead_code)]
#[path = "../learn/collect.rs"]
mod collect;
#[allow(dead_code)]
#[path = "../learn/store.rs"]
mod store;
#[allow(dead_code)]
#[path = "../learn/table.rs"]
mod table;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);
const ANY: &str = "127.0.0.1:0";

/// A running example. Dropping it ends it.
struct Example {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Example {
    fn run(name: &str, arguments: &[&str]) -> Self {
        let programs = Path::new(env!("CARGO_BIN_EXE_mailserver"))
            .parent()
            .unwrap();
        let program = programs.join("examples").join(name);
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e} (cargo build --examples)", program.display()));
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        Self { child, lines }
    }

    /// The next line that it prints.
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// Everything that it prints, and then it has ended well.
    fn whole(mut self) -> String {
        let mut all = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => all.extend([line.as_str(), "\n"]),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end after:\n{all}"),
            }
        }
        assert!(self.child.wait().unwrap().success(), "{all}");
        all
    }

    /// The address that its next line names for this protocol.
    fn address(&self, protocol: &str) -> SocketAddr {
        let line = self.line();
        let (named, address) = line.split_once(' ').unwrap();
        assert_eq!(named, protocol);
        address.parse().unwrap()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A conversation, one line at a time.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn with(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Reads lines until one begins with `expected`; that one.
    fn hear(&mut self, expected: &str) -> String {
        let mut heard = String::new();
        loop {
            let mut line = String::new();
            let n = self.0.read_line(&mut line).unwrap();
            assert!(n > 0, "the end instead of {expected:?}, after:\n{heard}");
            if line.starts_with(expected) {
                return line;
            }
            heard.push_str(&line);
            // A reply of SMTP with another code, or one of POP3 with another sign, is not what is waited for.
            let refusal = line.starts_with(['4', '5', '-']) && line.get(3..4) != Some("-");
            assert!(
                !refusal || line.starts_with('*'),
                "{heard} instead of {expected:?}"
            );
        }
    }

    fn say(&mut self, line: &str, expected: &str) -> String {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.hear(expected)
    }

    /// Says goodbye and reads to the end.
    fn end(mut self, goodbye: &str) -> String {
        self.0
            .get_mut()
            .write_all(format!("{goodbye}\r\n").as_bytes())
            .unwrap();
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// Sends a small mail by SMTP; the reply to its end.
fn send(address: SocketAddr, from: &str, to: &str) -> String {
    let mut smtp = Talk::with(address);
    smtp.hear("220 mail.example.test ");
    smtp.say("EHLO client.test", "250 ");
    smtp.say(&format!("MAIL FROM:<{from}>"), "250 2.1.0 ");
    smtp.say(&format!("RCPT TO:<{to}>"), "250 2.1.5 ");
    smtp.say("DATA", "354 ");
    let reply = smtp.say(
        "Subject: =?UTF-8?Q?sch=C3=B6n?=\r\n\r\nFirst mail.\r\n..\r\n.",
        "250 2.0.0 ",
    );
    assert!(smtp.end("QUIT").starts_with("221 2.0.0 "));
    reply
}

#[test]
fn embed_takes_mail_for_its_domain_and_relays_for_nobody() {
    let example = Example::run("embed", &[ANY]);
    let address = example.address("smtp");
    send(address, "bob@example.org", "alice@EXAMPLE.test");
    assert_eq!(
        example.line(),
        "<bob@example.org> by localhost[127.0.0.1]: schön"
    );
    let mut smtp = Talk::with(address);
    smtp.say("HELO client.test", "250 ");
    smtp.say("MAIL FROM:<>", "250 ");
    let denied = smtp.say("RCPT TO:<x@elsewhere.test>", "454 ");
    assert_eq!(
        denied,
        "454 4.7.1 <x@elsewhere.test>: Relay access denied\r\n"
    );
}

#[test]
fn collect_shows_the_mail_that_it_sent_to_itself() {
    let shown = Example::run("collect", &[]).whole();
    assert!(shown.contains("To: alice@example.test\n"), "{shown}");
    assert!(shown.contains("\nGood to have you.\n"), "{shown}");
}

#[test]
fn mailbox_serves_by_imap_and_pop3_what_it_took_by_smtp() {
    let example = Example::run("mailbox", &[ANY, ANY, ANY]);
    let [smtp, imap, pop3] = ["smtp", "imap", "pop3"].map(|p| example.address(p));
    send(smtp, "bob@example.org", "alice@example.test");

    let mut imap = Talk::with(imap);
    imap.say("a LOGIN alice wonderland", "a OK ");
    imap.say("b SELECT INBOX", "* 1 EXISTS");
    imap.say("c FETCH 1 BODY.PEEK[TEXT]", "* 1 FETCH ");
    assert_eq!(imap.hear("First"), "First mail.\r\n");
    assert_eq!(imap.hear("."), ".\r\n");
    assert!(imap.end("d LOGOUT").contains("* BYE "));

    let mut other = Talk::with(pop3);
    other.say("USER bob", "+OK");
    other.say("PASS builder", "+OK");
    other.say("STAT", "+OK 0 0");
    let mut pop3 = Talk::with(pop3);
    pop3.say("USER alice", "+OK");
    pop3.say("PASS wonderland", "+OK");
    pop3.say("STAT", "+OK 1 ");
    assert!(pop3.end("QUIT").starts_with("+OK"));
}

#[test]
fn table_leads_each_ticket_to_whoever_is_on_duty() {
    let shown = Example::run("table", &[]).whole();
    assert_eq!(
        shown,
        "ticket-1234@example.test goes to alice@example.test\n\
         ticket-1235@example.test goes to bob@example.test\n\
         ticket@example.test goes to nobody\n\
         x@example.org goes to another server\n"
    );
}

#[test]
fn store_takes_the_small_message_and_not_the_large_one() {
    let shown = Example::run("store", &[]).whole();
    assert_eq!(
        shown,
        "90 octets: UID 1\n110 octets: too large a message: quota exceeded\n"
    );
}

#[test]
fn check_refuses_its_senders_and_leaves_the_rest_to_the_desk() {
    let example = Example::run("check", &[ANY]);
    let address = example.address("smtp");
    let mut smtp = Talk::with(address);
    smtp.say("EHLO client.test", "250 ");
    let refused = smtp.say("MAIL FROM:<sales@Spam.TEST>", "554 ");
    assert_eq!(
        refused,
        "554 5.7.1 <sales@Spam.TEST>: Sender address rejected: not here\r\n"
    );
    smtp.say("MAIL FROM:<>", "250 ");
    smtp.say("RCPT TO:<nobody@example.test>", "550 5.1.1 ");
    smtp.say("RCPT TO:<x@example.org>", "454 4.7.1 ");
    smtp.say("VRFY alice@example.test", "252 ");
    smtp.say("VRFY nobody@example.test", "550 5.1.1 ");
    let reply = send(address, "bob@example.org", "alice+lists@example.test");
    assert!(reply.contains(" Ok: queued as "), "{reply}");
}

#[test]
fn blocking_serves_several_clients_without_a_runtime() {
    let example = Example::run("blocking", &[ANY]);
    let address = example.address("smtp");
    let mut idle = Talk::with(address);
    idle.say("EHLO idle.test", "250 ");
    send(address, "bob@example.org", "alice@example.test");
    // The second dot of the line of two is content.
    let content = "Subject: =?UTF-8?Q?sch=C3=B6n?=\r\n\r\nFirst mail.\r\n.\r\n";
    assert_eq!(
        example.line(),
        format!("<bob@example.org>: {} octets", content.len())
    );
    idle.say("MAIL FROM:<a@b.test>", "250 ");
    idle.say("RCPT TO:<x@elsewhere.test>", "454 4.7.1 ");
    idle.say("AUTH PLAIN", "503 ");
    assert!(idle.end("QUIT").starts_with("221 "));
}

/// The programs as they stand in the folder, by name.
fn programs() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("learn");
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|f| read(f.unwrap().path())).collect()
}

#[test]
fn every_program_is_small_says_how_to_try_it_and_needs_mailcore_and_tokio_alone() {
    let tried = [
        "embed", "collect", "mailbox", "table", "store", "check", "blocking",
    ];
    let names: BTreeSet<String> = programs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        tried.map(str::to_owned).into(),
        "each has its test here"
    );
    for (name, text) in programs() {
        assert!(
            text.lines().count() <= 120,
            "{name} has {} lines",
            text.lines().count()
        );
        assert!(text.starts_with("//! "), "{name} says what it teaches");
        let way = format!("//!     cargo run --example {name} ");
        assert!(text.contains(&way), "{name} says how to try it");
        let crates = text.lines().filter_map(|l| l.trim().strip_prefix("use "));
        for used in crates {
            let root = used.split("::").next().unwrap();
            let ours = ["mailcore", "tokio", "std", "super"];
            assert!(ours.contains(&root), "{name} uses {root}");
        }
    }
}
