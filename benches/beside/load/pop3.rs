//! A POP3 client.

use super::{Connection, Place};
use std::io;

/// Commands that are sent ahead: RETR is pipelined by clients that know PIPELINING (RFC 2449 §6.6).
const AHEAD: usize = 16;

#[derive(Debug)]
pub struct Pop3 {
    connection: Connection,
}

impl Pop3 {
    pub fn login(place: &Place, user: &str, password: &str) -> io::Result<Self> {
        let mut connection = place.connect()?;
        expect(connection.line()?)?;
        for command in [format!("USER {user}\r\n"), format!("PASS {password}\r\n")] {
            connection.say(command.as_bytes())?;
            expect(connection.line()?)?;
        }
        Ok(Self { connection })
    }

    /// Fetches messages 1 to `count`; how many octets they were.
    pub fn retrieve(&mut self, count: usize) -> io::Result<usize> {
        let mut octets = 0;
        let mut asked = 0;
        for got in 0..count {
            if asked == got {
                let upto = count.min(asked + AHEAD);
                let ask: String = (asked + 1..=upto)
                    .map(|n| format!("RETR {n}\r\n"))
                    .collect();
                self.connection.say(ask.as_bytes())?;
                asked = upto;
            }
            expect(self.connection.line()?)?;
            octets += self.connection.skip_to(b"\r\n.\r\n")?;
        }
        Ok(octets)
    }

    pub fn quit(mut self) -> io::Result<()> {
        self.connection.say(b"QUIT\r\n")?;
        expect(self.connection.line()?)
    }
}

fn expect(line: &[u8]) -> io::Result<()> {
    match line.starts_with(b"+OK") {
        true => Ok(()),
        false => Err(io::Error::other(format!("POP3: {}", line.escape_ascii()))),
    }
}
