//! An LMTP client (RFC 2033): one recipient a message, many messages a connection, and commands sent ahead as a Postfix
//! does.

use super::{Connection, Place};
use std::io;

#[derive(Debug)]
pub struct Lmtp {
    connection: Connection,
}

impl Lmtp {
    pub fn connect(place: &Place) -> io::Result<Self> {
        let mut lmtp = Self {
            connection: place.connect()?,
        };
        lmtp.reply(b"220")?;
        lmtp.connection.say(b"LHLO bench.test\r\n")?;
        lmtp.reply(b"250")?;
        Ok(lmtp)
    }

    /// Hands over a message, whose lines begin with no dot, and waits until it is in the mailbox.
    pub fn deliver(&mut self, recipient: &str, message: &[u8]) -> io::Result<()> {
        let head = format!("MAIL FROM:<sender@bench.test>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n");
        self.connection.say(head.as_bytes())?;
        self.reply(b"250")?;
        self.reply(b"250")?;
        self.reply(b"354")?;
        self.connection.say(message)?;
        self.connection.say(b".\r\n")?;
        self.reply(b"250")
    }

    fn reply(&mut self, code: &[u8]) -> io::Result<()> {
        loop {
            let line = self.connection.line()?;
            if !line.starts_with(code) {
                return Err(io::Error::other(format!("LMTP: {}", line.escape_ascii())));
            }
            if line.get(3) == Some(&b' ') {
                return Ok(());
            }
        }
    }
}
