//! A client at the other end of a pipe in memory: it says something and reads up to the answer's last line.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// One connection.
#[derive(Debug)]
pub struct Client {
    pipe: DuplexStream,
    heard: Vec<u8>,
}

impl Client {
    /// Octets that fit into the pipe each way.
    pub const PIPE: usize = 64 * 1024;

    /// A client at this end.
    pub fn new(pipe: DuplexStream) -> Self {
        Self {
            pipe,
            heard: Vec::new(),
        }
    }

    /// Says this.
    pub async fn say(&mut self, octets: &[u8]) {
        self.pipe.write_all(octets).await.expect("an open pipe");
    }

    /// Reads until the last line is one that `ends` knows; how many octets that took.
    pub async fn hear(&mut self, ends: impl Fn(&[u8]) -> bool) -> usize {
        let mut octets = 0;
        self.heard.clear();
        loop {
            let n = self.pipe.read_buf(&mut self.heard).await;
            let n = n.expect("an open pipe");
            assert!(n > 0, "closed: {}", self.heard.escape_ascii());
            octets += n;
            let line = self.heard.strip_suffix(b"\r\n").unwrap_or_default();
            let start = line
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            if ends(&line[start..]) {
                return octets;
            }
            // Of lines that are over nothing is needed.
            if self.heard.len() > Self::PIPE {
                let over = self.heard.iter().rposition(|b| *b == b'\n');
                self.heard.drain(..over.map_or(0, |at| at + 1));
            }
        }
    }

    /// SMTP: says a command, or content, and hears the whole reply. Empty: hears the greeting.
    pub async fn smtp(&mut self, octets: &[u8]) -> usize {
        self.say(octets).await;
        self.hear(|line| line.get(3) == Some(&b' ')).await
    }

    /// IMAP: says a command and hears its answer, which is OK.
    pub async fn imap(&mut self, command: &str) -> usize {
        self.say(format!("t {command}\r\n").as_bytes()).await;
        self.hear(|line| {
            let tagged = line.starts_with(b"t ");
            assert!(
                !tagged || line.starts_with(b"t OK"),
                "{}",
                line.escape_ascii()
            );
            tagged
        })
        .await
    }
}
