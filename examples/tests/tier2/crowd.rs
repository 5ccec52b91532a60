//! Many users, their mailboxes, and many sessions at once.

use crate::server::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

pub const PASSWORD: &str = "one-for-all";

pub fn name(n: usize) -> String {
    format!("user{n}")
}

/// Adds so many users, each with an INBOX of `messages` messages.
pub fn populate(server: &Server, users: usize, messages: usize) {
    let home = |n| server.data().join("mail/example.test").join(name(n));
    gather(users, |n| fill(&home(n), messages));
    let line = |n| format!("{}@example.test:{{PLAIN}}{PASSWORD}\n", name(n));
    let lines: String = (0..users).map(line).collect();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(server.data().join("users"))
        .unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}

/// Makes a Maildir as a delivery agent leaves it. The messages of a user are names of one file.
fn fill(home: &Path, messages: usize) {
    let maildir = home.join("Maildir");
    for dir in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(maildir.join(dir)).unwrap();
    }
    let text = "From: a@client.test\nTo: b@example.test\nSubject: a message\n\nIts text.\n";
    let (len, served) = (text.len(), text.len() + text.lines().count());
    let path = |n: usize| {
        let name = format!("17321{n:05}.M{n:06}P4242_{n}.mail.example.test,S={len},W={served}:2,S");
        maildir.join("cur").join(name)
    };
    for n in 0..messages {
        if n % 50_000 == 0 {
            std::fs::write(path(n), text).unwrap();
        } else {
            std::fs::hard_link(path(n - n % 50_000), path(n)).unwrap();
        }
    }
}

/// Opens `sessions` sessions from a few threads, the `n`-th by `open(n)`.
pub fn gather<T: Send>(sessions: usize, open: impl Fn(usize) -> T + Sync) -> Vec<T> {
    const THREADS: usize = 8;
    let share = sessions.div_ceil(THREADS);
    let open = &open;
    std::thread::scope(|scope| {
        let part = |t: usize| {
            let mine = t * share..sessions.min((t + 1) * share);
            scope.spawn(move || mine.map(open).collect::<Vec<T>>())
        };
        let threads: Vec<_> = (0..THREADS).map(part).collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    })
}

/// A plain connection; nothing is read of it yet.
pub fn connect(port: u16) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", port)).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A plain connection that lets the kernel hold little of what is not read, so that thousands fit on one machine.
pub fn narrow(port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let open = async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(16 * 1024)?;
        socket
            .connect(([127, 0, 0, 1], port).into())
            .await?
            .into_std()
    };
    let stream = runtime.block_on(open).unwrap();
    stream.set_nonblocking(false).unwrap();
    patient(stream)
}

/// Reads until a line begins with one of these, and returns it.
pub fn until(stream: &mut TcpStream, begins: &[&str]) -> String {
    let mut held = Vec::new();
    let mut room = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut room).unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&held));
        held.extend_from_slice(&room[..n]);
        let text = String::from_utf8_lossy(&held);
        let whole = text.rfind('\n').map_or("", |at| &text[..at]);
        if let Some(line) = whole
            .lines()
            .find(|l| begins.iter().any(|b| l.starts_with(b)))
        {
            return line.to_owned();
        }
    }
}

/// A session of this user that has looked at its INBOX and waits for news.
pub fn idling(port: u16, user: &str) -> TcpStream {
    let mut stream = connect(port);
    until(&mut stream, &["* OK "]);
    for (command, end) in [
        (&*format!("a LOGIN {user}@example.test {PASSWORD}"), "a "),
        ("b SELECT INBOX", "b "),
        ("c FETCH 1:* (UID FLAGS RFC822.SIZE)", "c "),
        ("d IDLE", "+ "),
    ] {
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .unwrap();
        let line = until(&mut stream, &[end]);
        let fine = end == "+ " || line[2..].starts_with("OK");
        assert!(fine, "{command}: {line}");
    }
    stream
}
