//! The server under test: its folder, its network, the peer that it sends to, its lives one after another.

use crate::harm::Small;
use crate::ledger::Ledger;
use crate::net::{Net, exchanger};
use crate::scripted::Scripted;
use crate::server::{SMTP, Server, free_base};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// The domain served, and the one that mail is sent to.
pub const DOMAIN: &str = "a.test";
pub const ELSEWHERE: &str = "c.test";
/// Who reads by IMAP, and who by POP3.
pub const READERS: [&str; 3] = ["ira@a.test", "iwan@a.test", "iris@a.test"];
pub const FETCHERS: [&str; 2] = ["paul@a.test", "pia@a.test"];
pub const PASSWORD: &str = "soaking-wet";
/// Mailboxes that each reader has from the start, besides INBOX.
pub const FOLDERS: [&str; 2] = ["Work", "Archive"];

/// The size of the disk under the server's data.
const DISK: &str = "256m";

/// How the peer is minded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Kind,
    Slow,
    Busy,
    Gone,
}

/// The server under test.
pub struct House {
    net: Net,
    pub peer: Scripted,
    mood: Arc<AtomicU8>,
    server: Option<Server>,
    pub base: u16,
    pub disk: Option<Small>,
    /// The most resident memory of any of its lives, in octets.
    pub peak: u64,
    /// The same of this life, and in MiB of each that is over.
    now: u64,
    pub lives: Vec<u64>,
    /// What is wrong in the logs of its lives.
    pub complaints: Vec<String>,
}

impl House {
    pub fn new() -> Self {
        let mood = Arc::new(AtomicU8::new(Mood::Kind as u8));
        let minded = Arc::clone(&mood);
        let peer = Scripted::saying(&["PIPELINING", "8BITMIME"], move |command| {
            let mood = minded.load(Ordering::Relaxed);
            if mood == Mood::Slow as u8 {
                std::thread::sleep(std::time::Duration::from_millis(150));
            } else if mood == Mood::Busy as u8 && (command.starts_with("RCPT") || command == ".") {
                return Some("451 4.3.0 try again".to_owned());
            } else if mood == Mood::Gone as u8 {
                return Some("421 4.3.2 not now".to_owned());
            }
            None
        });
        let net = Net::new(&exchanger(ELSEWHERE, peer.port));
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let disk = Small::mount(&data, DISK);
        let _ = std::fs::create_dir(&data);
        let mut users = String::new();
        for user in READERS.iter().chain(&FETCHERS) {
            writeln!(users, "{user}:{{PLAIN}}{PASSWORD}").unwrap();
        }
        std::fs::write(data.join("users"), users).unwrap();
        let base = free_base();
        let server = net.start_in(folder, DOMAIN, base, &["--max-per-address", "500"]);
        Self {
            net,
            peer,
            mood,
            server: Some(server),
            base,
            disk,
            peak: 0,
            now: 0,
            lives: Vec::new(),
            complaints: Vec::new(),
        }
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("it lives")
    }

    pub fn mind(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::Relaxed);
    }

    /// What names are answered with from now on; the usual without any.
    pub fn zone(&self, records: Option<&str>) {
        let usual = exchanger(ELSEWHERE, self.peer.port);
        // Renamed into place: a server must not read half of it.
        let beside = self.net.zone().with_extension("new");
        std::fs::write(&beside, records.unwrap_or(&usual)).unwrap();
        std::fs::rename(beside, self.net.zone()).unwrap();
    }

    /// The port where nobody listens, for mail to go to.
    pub fn dead_port(&self) -> u16 {
        // One below the server's own: `free_base` gives nobody else's ports in this thousand.
        self.base + SMTP - 20
    }

    /// Looks at the memory of the server.
    pub fn measure(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server().pid()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        self.now = kib.unwrap_or(0) * 1024;
        self.peak = self.peak.max(self.now);
    }

    /// What the log of this life says that must not be.
    fn read_log(&mut self, log: &str) {
        for line in log.lines() {
            if line.contains("panicked") || line.contains("status=bounced") {
                self.complaints.push(line.to_owned());
            }
        }
    }

    /// Ends this life, without a word.
    fn kill(&mut self) -> tempfile::TempDir {
        self.measure();
        self.lives.push(self.now >> 20);
        self.now = 0;
        let folder = self.server.take().expect("it lives").kill();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        self.read_log(&log);
        if let Ok(keep) = std::env::var("MAILCORE_SOAK_LOGS") {
            let path = format!("{keep}/{}.log", std::process::id());
            let all = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path);
            let _ = all.and_then(|mut file| std::io::Write::write_all(&mut file, log.as_bytes()));
        }
        folder
    }

    /// Kills the server and starts it again over what it has left behind.
    pub fn rise_again(&mut self, ledger: &Ledger<'_>) {
        let folder = self.kill();
        ledger.reborn();
        let more = ["--max-per-address", "500"];
        self.server = Some(self.net.start_in(folder, DOMAIN, self.base, &more));
    }
}

/// The folder goes once nothing is mounted in it any more.
impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let folder = server.kill();
            drop(self.disk.take());
            drop(folder);
        }
    }
}
