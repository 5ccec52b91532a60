//! A peer by hand that survives whatever the server does to it.

use crate::server::Server;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything may take before a test calls it a hang.
pub const LONG: Duration = Duration::from_secs(30);

/// One connection. Writing to a server that has closed is no failure; silence for [`LONG`] is.
#[derive(Debug)]
pub struct Peer {
    pub stream: TcpStream,
    held: Vec<u8>,
}

impl Peer {
    /// Connects to a service.
    pub fn to(server: &Server, service: u16) -> Self {
        Self::at(server.port(service)).unwrap()
    }

    /// Connects from an address that the server does not know for its own, is greeted and says EHLO.
    pub fn from(address: IpAddr, server: &Server, service: u16) -> Self {
        let far = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), server.port(service));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(address, 0)).unwrap();
            socket.connect(far).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        let mut peer = Self::on(stream);
        assert!(peer.reply().starts_with("220 "));
        assert!(peer.ask("EHLO client.test").starts_with("250 "));
        peer
    }

    /// Connects to a port, if anybody is there.
    pub fn at(port: u16) -> std::io::Result<Self> {
        TcpStream::connect(("127.0.0.1", port)).map(Self::on)
    }

    /// Over a connection that stands.
    pub fn on(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            held: Vec::new(),
        }
    }

    /// Connects and reads the greeting.
    pub fn greeted(server: &Server, service: u16) -> Self {
        let mut peer = Self::to(server, service);
        let greeting = peer.line().unwrap();
        assert!(
            ["220 ", "* OK ", "+OK "]
                .iter()
                .any(|g| greeting.starts_with(g)),
            "{greeting}"
        );
        peer
    }

    /// Connects, is greeted and says EHLO or LHLO.
    pub fn hello(server: &Server, service: u16) -> Self {
        let mut peer = Self::greeted(server, service);
        let verb = if service == crate::server::LMTP {
            "LHLO"
        } else {
            "EHLO"
        };
        assert!(peer.ask(&format!("{verb} client.test")).starts_with("250 "));
        peer
    }

    /// Sends bytes; says whether the server still took them.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) -> bool {
        self.raw(format!("{line}\r\n").as_bytes())
    }

    /// Sends a line and returns the last line of the SMTP reply, or of the answer in one line.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.reply()
    }

    /// Sends each line and waits for each reply.
    pub fn all(&mut self, lines: &[&str]) -> Vec<String> {
        lines.iter().map(|l| self.ask(l)).collect()
    }

    /// The last line of an SMTP reply; empty once the server has closed.
    pub fn reply(&mut self) -> String {
        loop {
            let line = self.line().unwrap_or_default();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// The lines up to the tagged one, which is the last; shorter if the server closed.
    pub fn tagged(&mut self, tag: &str, command: &str) -> Vec<String> {
        self.send(&format!("{tag} {command}"));
        self.until(tag)
    }

    /// The lines up to one that begins with this tag.
    pub fn until(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            let last = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if last {
                break;
            }
        }
        lines
    }

    /// The next line without its end; nothing once the server has closed.
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.held.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line).into_owned();
                return Some(text.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// Everything up to the close.
    pub fn rest(&mut self) -> String {
        while self.fill() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }

    /// Exactly so many octets, or fewer if the server closed.
    pub fn octets(&mut self, n: usize) -> Vec<u8> {
        while self.held.len() < n && self.fill() > 0 {}
        let n = n.min(self.held.len());
        self.held.drain(..n).collect()
    }

    /// Whether something can be read at once.
    pub fn has_news(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let news = self.fill_once();
        self.stream.set_nonblocking(false).unwrap();
        news > 0 || !self.held.is_empty()
    }

    /// Closes our half.
    pub fn close_half(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn fill_once(&mut self) -> usize {
        let mut room = [0; 65536];
        let n = self.stream.read(&mut room).unwrap_or(0);
        self.held.extend_from_slice(&room[..n]);
        n
    }

    fn fill(&mut self) -> usize {
        let mut room = [0; 65536];
        match self.stream.read(&mut room) {
            Ok(n) => {
                self.held.extend_from_slice(&room[..n]);
                n
            }
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                panic!("silence; held: {:?}", String::from_utf8_lossy(&self.held))
            }
            Err(_) => 0,
        }
    }
}

/// An IMAP session that has logged in and selected INBOX.
pub fn inbox(server: &Server, user: &str) -> Peer {
    let mut imap = Peer::greeted(server, crate::server::IMAP);
    let password = server.password(user);
    let last = imap.tagged("l", &format!("LOGIN {user} {password}"));
    assert!(last.last().unwrap().starts_with("l OK"), "{last:?}");
    let last = imap.tagged("s", "SELECT INBOX");
    assert!(last.last().unwrap().starts_with("s OK"), "{last:?}");
    imap
}

/// How many messages a user's INBOX holds once the queue is empty.
pub fn count(server: &Server, user: &str) -> usize {
    server.settled();
    count_now(server, user)
}

/// How many messages a user's INBOX holds, whatever still waits in the queue.
pub fn count_now(server: &Server, user: &str) -> usize {
    let mut imap = inbox(server, user);
    let found = imap.tagged("c", "SEARCH ALL");
    let line = found.iter().find(|l| l.starts_with("* SEARCH")).unwrap();
    line.split_whitespace().count() - 2
}

/// What the server has logged so far.
pub fn log(server: &Server) -> String {
    std::fs::read_to_string(server.scratch().join("log")).unwrap()
}

/// Resident memory in KiB.
pub fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time used so far, in hundredths of a second.
pub fn worked(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let field = |n: usize| {
        behind
            .split_whitespace()
            .nth(n)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    field(11) + field(12)
}

/// Sends a signal to the server.
pub fn signal(server: &Server, name: &str) {
    let pid = server.pid().to_string();
    assert!(
        Command::new("kill")
            .args([name, &pid])
            .status()
            .unwrap()
            .success()
    );
}

/// Tries until it is so.
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every file and folder below a folder.
pub fn tree(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map_while(Result::ok) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            all.push(entry.path());
        }
    }
    all.sort();
    all
}
