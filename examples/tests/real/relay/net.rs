//! A closed network: servers of several domains that find one another in a zone file, and what a test waits for there.

use crate::server::{SMTP, Server, Talk, free_base, run};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A network. Its zone file is read by each server when that starts.
#[derive(Debug)]
pub struct Net {
    folder: tempfile::TempDir,
}

impl Net {
    /// One with these records.
    pub fn new(records: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("zone"), records).unwrap();
        Self { folder }
    }

    /// One in which each of these domains has a server on loopback: their base ports. None runs yet.
    pub fn of<const N: usize>(domains: [&str; N]) -> (Self, [u16; N]) {
        let bases = domains.map(|_| free_base());
        let records = domains.iter().zip(bases);
        let records = records.map(|(domain, base)| exchanger(domain, base + SMTP));
        (Self::new(&records.collect::<String>()), bases)
    }

    /// Adds records, for servers that start later.
    pub fn add(&self, records: &str) {
        let path = self.zone();
        let all = std::fs::read_to_string(&path).unwrap() + records;
        std::fs::write(path, all).unwrap();
    }

    /// The zone file.
    pub fn zone(&self) -> PathBuf {
        self.folder.path().join("zone")
    }

    /// Starts a server for a domain.
    pub fn start(&self, domain: &str, base: u16, further: &[&str]) -> Server {
        self.start_in(tempfile::tempdir().unwrap(), domain, base, further)
    }

    /// The same with what stands in the folder `data` of this one.
    pub fn start_in(
        &self,
        folder: tempfile::TempDir,
        domain: &str,
        base: u16,
        further: &[&str],
    ) -> Server {
        let zone = self.zone().display().to_string();
        let mut arguments = vec!["--domain", domain, "--zone", &zone];
        arguments.extend(further);
        Server::start_at(folder, base, &arguments)
    }
}

/// The records of a domain whose one server is on loopback, at this port.
pub fn exchanger(domain: &str, port: u16) -> String {
    format!("{domain}. MX 10 mx.{domain}.\nmx.{domain}. A 127.0.0.1\nmx.{domain}. PORT {port}\n")
}

/// What a client sends.
#[derive(Debug)]
pub struct Letter<'a> {
    /// What stands behind `MAIL FROM:`.
    pub mail: &'a str,
    /// What stands behind `RCPT TO:`, each.
    pub rcpt: &'a [&'a str],
    /// The message, with LF line ends.
    pub message: &'a str,
}

impl Letter<'_> {
    /// Sends it by SMTP from this host: its queue id.
    pub fn send(&self, server: &Server) -> String {
        let reply = self.try_send(server);
        let id = reply.strip_prefix("250 2.0.0 Ok: queued as ");
        id.unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// The same: the reply to its end.
    pub fn try_send(&self, server: &Server) -> String {
        self.converse(server.connect(SMTP))
    }

    /// The same with any server.
    pub fn converse(&self, mut talk: Talk) -> String {
        talk.expect("220 ");
        let mut commands = String::from("EHLO client.test\r\n");
        write!(commands, "MAIL FROM:{}\r\n", self.mail).unwrap();
        for rcpt in self.rcpt {
            write!(commands, "RCPT TO:{rcpt}\r\n").unwrap();
        }
        for command in commands.lines().chain(["DATA"]) {
            talk.send(command);
            let reply = talk.reply();
            assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
        }
        talk.raw(self.message.replace('\n', "\r\n").as_bytes());
        talk.send(".");
        talk.reply()
    }
}

/// Waits until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a line in the log that has all of these in it: the line.
pub fn wait_for_line(server: &Server, words: &[&str]) -> String {
    wait_for(&format!("a line with {words:?}"), || line(server, words))
}

/// A line in the log that has all of these in it.
pub fn line(server: &Server, words: &[&str]) -> Option<String> {
    let log = server.log();
    let mut lines = log.lines();
    let found = lines.find(|line| words.iter().all(|word| line.contains(word)));
    found.map(str::to_owned)
}

/// Waits until a user has so many messages in the INBOX: their text, LF line ends, the oldest first.
pub fn wait_for_mail(server: &Server, user: &str, count: usize) -> Vec<String> {
    wait_for(&format!("{count} messages of {user}"), || {
        let mail = mail(&server.data(), user);
        assert!(mail.len() <= count, "too much mail: {mail:#?}");
        (mail.len() == count).then_some(mail)
    })
}

/// What a user has in the INBOX: texts, the oldest first.
pub fn mail(data: &Path, user: &str) -> Vec<String> {
    let (local, domain) = user.split_once('@').unwrap();
    let maildir = data.join("mail").join(domain).join(local).join("Maildir");
    let mut files = Vec::new();
    for folder in ["new", "cur"] {
        let entries = std::fs::read_dir(maildir.join(folder));
        files.extend(entries.into_iter().flatten().map(|it| it.unwrap().path()));
    }
    files.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    let read = |path: &PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    files.iter().map(read).collect()
}

/// `mailserver queue …`: what it printed, and its exit code.
pub fn queue(server: &Server, words: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailserver"));
    command.arg("--data").arg(server.data()).arg("queue");
    let out = run(command.args(words));
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (text, out.status.code().unwrap())
}

/// Waits until nothing is left in the queue.
pub fn wait_for_empty_queue(server: &Server) {
    wait_for("an empty queue", || {
        let (text, code) = queue(server, &["list"]);
        (text == "Mail queue is empty\n" && code == 0).then_some(())
    });
}
