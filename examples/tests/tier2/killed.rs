//! The server is killed under load: every message that it acknowledged is in the mailbox or with the peer afterwards,
//! whole, and twice at most where the kill fell between a delivery and its record.

use crate::measure::sized;
use crate::net::{Net, exchanger, mail, queue, wait_for};
use crate::scripted::Scripted;
use crate::server::{Server, free_base};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

const CLIENTS: usize = 20;

/// Sends messages until the server is gone, and notes the name of each that is acknowledged.
fn send(port: u16, who: &str, acknowledged: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut say = |text: &str, begin: &str| -> std::io::Result<bool> {
        stream.write_all(text.as_bytes())?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                assert!(line.starts_with(begin), "{text}: {line}");
                return Ok(true);
            }
        }
    };
    say("", "220")?;
    say("EHLO client.test\r\n", "250")?;
    for n in 0.. {
        let name = format!("{who}-{n}");
        say("MAIL FROM:<a@client.test>\r\n", "250")?;
        say("RCPT TO:<alice@a.test>\r\n", "250")?;
        say("RCPT TO:<x@c.test>\r\n", "250")?;
        say("DATA\r\n", "354")?;
        if !say(
            &format!("{}.\r\n", message(&name).replace('\n', "\r\n")),
            "250",
        )? {
            break;
        }
        acknowledged.lock().unwrap().push(name);
    }
    Ok(())
}

fn message(name: &str) -> String {
    let body = format!("{name} has a line\n").repeat(100);
    format!("Subject: {name}\n\n{body}")
}

/// Waits until nothing is left in the queue, as long as it gets on.
fn empty(server: &Server) {
    let mut left = usize::MAX;
    while left > 0 {
        left = wait_for("the queue to shrink", || {
            let (list, _) = queue(server, &["list"]);
            let count = match list.rsplit_once(" in ") {
                Some((_, end)) => end.split(' ').next()?.parse().ok()?,
                None => 0,
            };
            (count <= left - left / 10 && (count < left || count == 0)).then_some(count)
        });
    }
}

/// How often each message is among these, each of them whole; its lines end so.
fn found(texts: &[String], end: &str) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for text in texts {
        let subject = text.lines().find_map(|l| l.strip_prefix("Subject: "));
        let name = subject.expect("a message is whole").to_owned();
        let body = message(&name).replace('\n', end);
        let (_, body) = body.split_once(&end.repeat(2)).unwrap();
        assert!(
            text.ends_with(&format!("{end}{end}{body}")),
            "{name} is not whole"
        );
        *found.entry(name).or_insert(0) += 1;
    }
    found
}

#[test]
fn what_was_acknowledged_is_delivered_after_kill_9() {
    let peer = Scripted::start(&["PIPELINING"]);
    let net = Net::new(&exchanger("c.test", peer.port));
    let mut folder = tempfile::tempdir().unwrap();
    let acknowledged = Mutex::new(Vec::new());
    let rounds = sized(50, 3);
    for round in 0..rounds {
        let base = free_base();
        let server = net.start_in(folder, "a.test", base, &[]);
        folder = std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let acknowledged = &acknowledged;
                scope.spawn(move || send(base + 25, &format!("m-{round}-{client}"), acknowledged));
            }
            let before = acknowledged.lock().unwrap().len();
            // In the midst of it: at another moment each time.
            while acknowledged.lock().unwrap().len() < before + 50 + round * 37 % 150 {
                std::thread::yield_now();
            }
            server.kill() // SIGKILL
        });
    }
    let server = net.start_in(folder, "a.test", free_base(), &[]);
    empty(&server);
    let acknowledged = acknowledged.into_inner().unwrap();
    let here = found(&mail(&server.data(), "alice@a.test"), "\n");
    let there = found(&peer.heard().messages, "\r\n");
    let twice = |found: &HashMap<String, usize>| found.values().filter(|n| **n > 1).count();
    println!(
        "{rounds} rounds: {} acknowledged; in the mailbox {}, {} of them twice; at the peer {}, {} of them twice",
        acknowledged.len(),
        here.len(),
        twice(&here),
        there.len(),
        twice(&there)
    );
    let lost = |found: &HashMap<String, usize>| {
        let lost = acknowledged
            .iter()
            .filter(|name| !found.contains_key(*name));
        lost.cloned().collect::<Vec<_>>()
    };
    assert_eq!(lost(&here), [""; 0], "lost on the way to the mailbox");
    assert_eq!(lost(&there), [""; 0], "lost on the way to the peer");
    // The mailbox is looked into before a message is delivered again.
    assert_eq!(twice(&here), 0, "no message is in the mailbox twice");
    // A peer may have taken what was under way when the server died: no more than go out at once, and only again.
    assert!(twice(&there) <= rounds * 20, "only what was under way");
    assert!(there.values().all(|n| *n <= rounds), "and it ends");
}
