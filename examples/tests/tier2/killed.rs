//! The server is killed under load: every message that it acknowledged is in the mailbox afterwards, whole.

use crate::measure::sized;
use crate::server::free_base;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

const CLIENTS: usize = 20;

/// A server of its own folder, ready.
fn start(folder: &Path, base: u16) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailserver"))
        .current_dir(folder)
        .args(["--data", "data", "--base-port", &base.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|l| l.unwrap() == "mailserver ready"));
    child
}

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
        say("RCPT TO:<alice@example.test>\r\n", "250")?;
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

#[test]
fn what_was_acknowledged_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..sized(10, 2) {
        let base = free_base();
        let mut server = start(folder.path(), base);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let acknowledged = &acknowledged;
                scope.spawn(move || send(base + 25, &format!("m-{round}-{client}"), acknowledged));
            }
            let before = acknowledged.lock().unwrap().len();
            // In the midst of it: at another moment each time.
            while acknowledged.lock().unwrap().len() < before + 100 + round * 37 {
                std::thread::yield_now();
            }
            server.kill().unwrap(); // SIGKILL
            server.wait().unwrap();
        });
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let mailbox = folder.path().join("data/mail/example.test/alice/Maildir");
    let mut found = std::collections::HashMap::new();
    for dir in ["new", "cur"] {
        for entry in std::fs::read_dir(mailbox.join(dir)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let subject = text.lines().find_map(|l| l.strip_prefix("Subject: "));
            let name = subject.expect("a message is whole").to_owned();
            assert!(text.ends_with(&message(&name)), "{name} is not whole");
            *found.entry(name).or_insert(0) += 1;
        }
    }
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|name| !found.contains_key(*name))
        .collect();
    println!(
        "{} acknowledged, {} found, {} lost",
        acknowledged.len(),
        found.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(found.values().all(|n| *n == 1), "no message is there twice");
}
