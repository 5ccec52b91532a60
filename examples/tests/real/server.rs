//! A server of a test's own, and the foreign programs that talk to it.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What is added to the base port for each service.
pub const SMTP: u16 = 25;
pub const LMTP: u16 = 24;
pub const SMTPS: u16 = 465;
pub const SUBMISSION: u16 = 587;
pub const IMAP: u16 = 143;
pub const IMAPS: u16 = 993;
pub const POP3: u16 = 110;
pub const POP3S: u16 = 995;
const PORTS: [u16; 8] = [LMTP, SMTP, POP3, IMAP, SMTPS, SUBMISSION, IMAPS, POP3S];

/// The password of `carol@example.test`, a user stored as `{PLAIN}`.
pub const CAROL: &str = "carols-own-password";

/// A running mail server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    base: u16,
    /// What it printed up to `mailserver ready`.
    pub banner: String,
}

impl Server {
    /// Starts one with these further arguments and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    /// As [`start`](Self::start), with what stands in the folder `data` of this one.
    pub fn start_in(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        for _ in 0..5 {
            let base = free_base();
            if let Some((child, banner)) = launch(folder.path(), base, arguments) {
                return Self {
                    child,
                    folder,
                    base,
                    banner,
                };
            }
        }
        panic!("no free ports");
    }

    /// Starts one on these very ports, with what stands in the folder `data` of this one.
    pub fn start_at(folder: tempfile::TempDir, base: u16, arguments: &[&str]) -> Self {
        let (child, banner) = launch(folder.path(), base, arguments).expect("its ports are free");
        Self {
            child,
            folder,
            base,
            banner,
        }
    }

    /// Kills it, without a word, and gives back its folder.
    pub fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// Starts one and adds `carol@example.test`, whose password is kept as it is.
    pub fn with_carol() -> Self {
        let server = Self::start(&[]);
        server.add_user("carol@example.test", &format!("{{PLAIN}}{CAROL}"));
        server
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port of a service.
    pub fn port(&self, service: u16) -> u16 {
        self.base + service
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for a client's own files.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Its certificate.
    pub fn certificate(&self) -> PathBuf {
        self.data().join("tls/cert.pem")
    }

    /// The password that was printed for a user.
    pub fn password(&self, user: &str) -> String {
        let line = self
            .banner
            .lines()
            .find(|l| l.trim_start().starts_with(user))
            .unwrap_or_else(|| {
                panic!("no password for {user} in:\n{}", self.banner);
            });
        line.split_whitespace().last().unwrap().to_owned()
    }

    /// Adds a line to the users file, which the server reads again.
    pub fn add_user(&self, name: &str, password: &str) {
        let mut users = std::fs::OpenOptions::new()
            .append(true)
            .open(self.data().join("users"))
            .unwrap();
        writeln!(users, "{name}:{password}").unwrap();
    }

    /// A plain connection to a service.
    pub fn connect(&self, service: u16) -> Talk {
        Talk::over(TcpStream::connect(("127.0.0.1", self.port(service))).unwrap())
    }

    /// An IMAP connection that has logged in.
    pub fn imap(&self, user: &str, password: &str) -> Talk {
        let mut talk = self.connect(IMAP);
        talk.expect("* OK ");
        talk.command("x", &format!("LOGIN {user} {password}"));
        talk
    }

    /// Delivers a message over SMTP, and returns once it has left the queue.
    pub fn deliver(&self, to: &str, message: &str) {
        let reply = self.post(to, message);
        let id = reply.split_whitespace().last().unwrap();
        self.wait_for_queue(id, |listed| !listed.contains(id));
    }

    /// Hands in a message over SMTP and returns the reply to its end: it is in the queue then, and perhaps not yet
    /// anywhere else.
    pub fn post(&self, to: &str, message: &str) -> String {
        let mut talk = self.connect(SMTP);
        talk.expect("220 ");
        for command in [
            "EHLO client.test",
            "MAIL FROM:<sender@client.test>",
            &format!("RCPT TO:<{to}>"),
            "DATA",
        ] {
            talk.send(command);
            talk.reply();
        }
        talk.send(&message.replace('\n', "\r\n"));
        talk.send(".");
        let reply = talk.reply();
        assert!(reply.starts_with("250 2.0.0 Ok: queued as"), "{reply}");
        reply
    }

    /// What `mailserver queue …` prints with these words.
    pub fn queue(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailserver"));
        command.arg("--data").arg(self.data()).arg("queue");
        succeed(command.args(words))
    }

    /// The command that [`settled`](Self::settled) asks again and again, for scripts.
    pub fn queue_list(&self) -> String {
        let program = env!("CARGO_BIN_EXE_mailserver");
        format!("{program} --data {} queue list", self.data().display())
    }

    /// Returns once the queue is empty: all that was acknowledged is where it belongs, or was sent back.
    pub fn settled(&self) {
        self.wait_for_queue("it to be empty", |listed| listed == "Mail queue is empty\n");
    }

    /// Returns once `queue list` is so, with what it said then.
    pub fn wait_for_queue(&self, what: &str, so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let listed = self.queue(&["list"]);
            if so(&listed) {
                return listed;
            }
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "waiting for the queue ({what}):\n{listed}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks the server to stop, as Ctrl-C does, and returns how it ended.
    pub fn interrupt(mut self) -> std::process::ExitStatus {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the server's log:\n{log}");
        }
    }
}

fn launch(folder: &Path, base: u16, arguments: &[&str]) -> Option<(Child, String)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailserver"))
        .current_dir(folder)
        .args(["--data", "data", "--base-port", &base.to_string()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut banner = String::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            banner.push_str(&line);
            banner.push('\n');
            if line == "mailserver ready" {
                let _ = tell.send(std::mem::take(&mut banner));
            }
        }
    });
    match told.recv_timeout(Duration::from_secs(30)) {
        Ok(banner) => Some((child, banner)),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(log.contains("in use"), "the server did not start:\n{log}");
            None
        }
    }
}

/// A base port whose service ports are all free, different for each caller: a thousand ports for each, below those that
/// the system gives to outgoing connections, of which one could take a port between this look and its use.
pub fn free_base() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const BASES: u16 = 22;
    let start = (std::process::id() % u32::from(BASES)) as u16;
    for _ in 0..200 {
        let base = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % BASES * 1000;
        if PORTS
            .iter()
            .all(|p| TcpListener::bind(("127.0.0.1", base + p)).is_ok())
        {
            return base;
        }
    }
    panic!("no free ports");
}

/// A conversation by hand.
#[derive(Debug)]
pub struct Talk {
    reader: BufReader<TcpStream>,
    pub stream: TcpStream,
}

impl Talk {
    /// Over a connection to any server.
    pub fn over(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            reader: BufReader::new(stream.try_clone().unwrap()),
            stream,
        }
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.raw(format!("{line}\r\n").as_bytes());
    }

    /// Sends bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next line, without its end; empty once the server has closed.
    pub fn line(&mut self) -> String {
        self.next_line().unwrap_or_default()
    }

    /// The next line, without its end, or nothing once the server has closed.
    fn next_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).unwrap();
        let text = String::from_utf8_lossy(&line);
        (read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next line, which begins so.
    pub fn expect(&mut self, begin: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(begin), "expected {begin:?}, got {line:?}");
        line
    }

    /// An SMTP reply: its last line.
    pub fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// An IMAP command that succeeds: its untagged lines (literals not understood).
    pub fn command(&mut self, tag: &str, command: &str) -> Vec<String> {
        self.send(&format!("{tag} {command}"));
        let mut lines = Vec::new();
        loop {
            let line = self.next_line();
            let line = line.unwrap_or_else(|| panic!("{command}: the server closed"));
            if let Some(rest) = line.strip_prefix(&format!("{tag} ")) {
                assert!(rest.starts_with("OK"), "{command}: {line}");
                lines.push(line);
                return lines;
            }
            lines.push(line);
        }
    }
}

/// Whether these programs are there; where one is not, says so by name, and fails where they are required
/// (`MAILCORE_FOREIGN=required`).
pub fn have(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        });
        found || absent(&format!("the program `{program}`"))
    })
}

/// Says that something is not there which a test needs; fails where such things are required. Never true.
pub fn absent(what: &str) -> bool {
    let required = std::env::var("MAILCORE_FOREIGN").is_ok_and(|v| v == "required");
    assert!(!required, "{what} is required and absent");
    eprintln!("skipped: {what} is absent");
    false
}

/// An address of this machine that is no loopback address: a server that listens on 127.0.0.1 takes a client from there
/// for a stranger.
pub fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: the system only says from where it would be.
    let address = socket
        .connect((Ipv4Addr::new(198, 51, 100, 1), 9))
        .and_then(|()| socket.local_addr())
        .map(|local| local.ip());
    let found = address.ok().filter(|ip| !ip.is_loopback());
    if found.is_none() {
        // An address that the machine does not have is nothing that could be installed.
        eprintln!("skipped: this machine has no address besides loopback");
    }
    found
}

/// Runs a command to its end, at most five minutes, and returns what it printed.
pub fn run(command: &mut Command) -> Output {
    let mut timed = Command::new("timeout");
    timed
        .arg("300")
        .arg(command.get_program())
        .args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(key, value),
            None => timed.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    timed.stdin(Stdio::null()).output().unwrap()
}

/// Runs a command that must succeed, and returns all that it printed.
pub fn succeed(command: &mut Command) -> String {
    let out = run(command);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(
        out.status.success(),
        "{command:?} ended with {}:\n{text}",
        out.status
    );
    text
}

/// Runs a Python script that must succeed; its arguments are what the script finds in `sys.argv[1:]`.
pub fn python(script: &str, arguments: &[&str]) -> String {
    succeed(
        Command::new("python3")
            .arg("-c")
            .arg(script)
            .args(arguments),
    )
}

/// A function for Python scripts that have what [`Server::queue_list`] says in `queue_list`: returns once the queue is
/// empty.
pub const SETTLED: &str = r"
import shlex, subprocess, time
def settled():
    for _ in range(2000):
        if subprocess.check_output(shlex.split(queue_list)) == b'Mail queue is empty\n': return
        time.sleep(0.02)
    raise SystemExit('the queue does not become empty')
";
