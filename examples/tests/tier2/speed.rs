//! How fast the whole server is; figures to read, and nothing that is asserted.

use crate::crowd::{PASSWORD, gather, name, populate};
use crate::measure::{optimised, sized};
use crate::server::{SMTP, Server};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Instant;

fn deliver(port: u16, messages: usize, to: &str, text: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut say = |text: &str, begin: &str| {
        stream.write_all(text.as_bytes()).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) == Some(&b' ') {
                assert!(line.starts_with(begin), "{line}");
                return;
            }
        }
    };
    say("", "220");
    say("EHLO client.test\r\n", "250");
    for _ in 0..messages {
        say("MAIL FROM:<a@client.test>\r\n", "250");
        say(&format!("RCPT TO:<{to}>\r\n"), "250");
        say("DATA\r\n", "354");
        say(text, "250");
    }
    say("QUIT\r\n", "221");
}

#[test]
fn mail_comes_in_durably() {
    if !optimised("the speed of mail that comes in") {
        return;
    }
    let server = Server::start(&["--max-per-address", "20000"]);
    populate(&server, 50, 0);
    let text = format!(
        "Subject: speed\r\n\r\n{}.\r\n",
        "A line of some length, sixty-four octets in all, no more.\r\n".repeat(64)
    );
    for sessions in [1, 10, 50] {
        let each = sized(2_000, 100) / sessions;
        for users in [1, 50] {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for n in 0..sessions {
                    let (text, port) = (&text, server.port(SMTP));
                    let to = format!("{}@example.test", name(n % users));
                    scope.spawn(move || deliver(port, each, &to, text));
                }
            });
            let a_second = || (each * sessions) as f64 / start.elapsed().as_secs_f64();
            let taken = a_second();
            server.settled();
            println!(
                "{sessions} sessions, {users} users: {taken:.0} messages of 4 KiB a second taken, {:.0} delivered",
                a_second()
            );
        }
    }
}

#[test]
fn a_large_mailbox_is_fetched() {
    if !optimised("the speed of a large mailbox") {
        return;
    }
    let server = Server::start(&["--max-per-address", "20000"]);
    let messages = sized(10_000, 500);
    populate(&server, 1, messages);
    let mut talk = server.imap(&format!("{}@example.test", name(0)), PASSWORD);
    for command in [
        "SELECT INBOX",
        "FETCH 1:* (UID FLAGS)",
        "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "FETCH 1:* (UID ENVELOPE)",
        "FETCH 1:* (UID BODYSTRUCTURE)",
        "UID SEARCH SUBJECT message",
        "FETCH 1:* (UID BODY.PEEK[])",
    ] {
        let start = Instant::now();
        talk.command("a", command);
        println!("{messages} messages, {command}: {:.1?}", start.elapsed());
    }
    let port = server.port(crate::server::IMAP);
    let start = Instant::now();
    let held = gather(sized(1_000, 50), |_| crate::crowd::idling(port, &name(0)));
    println!("{} logins and SELECTs: {:.1?}", held.len(), start.elapsed());
}
