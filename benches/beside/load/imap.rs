//! An IMAP client.

use super::{Connection, Place};
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub struct Imap {
    connection: Connection,
}

impl Imap {
    /// Connects and hears the greeting.
    pub fn connect(place: &Place) -> io::Result<Self> {
        let mut connection = place.connect()?;
        expect(connection.line()?, b"* OK")?;
        Ok(Self { connection })
    }

    pub fn login(place: &Place, user: &str, password: &str) -> io::Result<Self> {
        let mut imap = Self::connect(place)?;
        imap.ask(&format!("LOGIN {user} {password}"))?;
        Ok(imap)
    }

    /// Says a command, and takes the answer up to its OK: how many untagged lines that were.
    pub fn ask(&mut self, command: &str) -> io::Result<usize> {
        self.say(command)?;
        self.take()
    }

    /// Says a command and does not wait.
    pub fn say(&mut self, command: &str) -> io::Result<()> {
        self.connection.say(format!("t {command}\r\n").as_bytes())
    }

    /// Takes the answer to a command that was said.
    pub fn take(&mut self) -> io::Result<usize> {
        let mut lines = 0;
        loop {
            let line = self.connection.line()?;
            if line.starts_with(b"t ") {
                return expect(line, b"t OK").map(|()| lines);
            }
            lines += usize::from(line.starts_with(b"* "));
            if let Some(octets) = literal(line) {
                self.connection.skip(octets)?;
            }
        }
    }

    /// The answer's first untagged line that begins so, as it came.
    pub fn find(&mut self, command: &str, begin: &str) -> io::Result<Option<String>> {
        self.say(command)?;
        let mut found = None;
        loop {
            let line = self.connection.line()?;
            if line.starts_with(b"t ") {
                return expect(line, b"t OK").map(|()| found);
            }
            if found.is_none() && line.starts_with(begin.as_bytes()) {
                found = Some(String::from_utf8_lossy(line).trim_end().to_owned());
            }
            if let Some(octets) = literal(line) {
                self.connection.skip(octets)?;
            }
        }
    }

    /// Sends messages, one command each.
    pub fn append(&mut self, mailbox: &str, message: &[u8]) -> io::Result<()> {
        let head = format!("t APPEND {mailbox} {{{}}}\r\n", message.len());
        self.connection.say(head.as_bytes())?;
        expect(self.connection.line()?, b"+")?;
        self.connection.say(message)?;
        self.connection.say(b"\r\n")?;
        self.take().map(drop)
    }

    /// Begins to wait for news.
    pub fn idle(&mut self) -> io::Result<()> {
        self.say("IDLE")?;
        expect(self.connection.line()?, b"+")
    }

    /// Waits for a line with this in it.
    pub fn hear(&mut self, word: &[u8], patience: Duration) -> io::Result<()> {
        self.connection.wait(patience)?;
        while memchr::memmem::find(self.connection.line()?, word).is_none() {}
        Ok(())
    }
}

fn expect(line: &[u8], begin: &[u8]) -> io::Result<()> {
    match line.starts_with(begin) {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "IMAP: {}",
            line.escape_ascii()
                .to_string()
                .chars()
                .take(200)
                .collect::<String>()
        ))),
    }
}

/// How many octets follow the line: `{n}` or `~{n}` at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let at = memchr::memrchr(b'{', line)?;
    std::str::from_utf8(&line[at + 1..]).ok()?.parse().ok()
}
