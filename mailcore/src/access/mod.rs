//! From IMAP's and POP3's questions to the mailbox store: where a section lies, how a message reads, which messages
//! match, and in which order. Reads messages in runs; no protocol is spoken here, and nothing is written.

mod order;
mod reader;
mod search;

pub use order::{Sought, sort, thread};
pub use reader::{Measured, Reader};
pub use search::search;

use mailcore_base::message::Structure;
use mailcore_store::Result;
use mailcore_store::body::Body;

/// Octets that are read of a message at a time.
const RUN: u64 = 64 * 1024;
/// Octets of a header that are held at once; what is behind counts as body.
const LARGEST_HEADER: usize = 4 * 1024 * 1024;

/// Octets read, or messages looked at as if each had a hundred, after which others get a turn.
const BREATH: usize = 64 * 1024;

/// Lets other tasks run, and the line be looked after, while a store answers at once again and again.
#[derive(Debug, Default)]
struct Breath {
    spent: usize,
}

impl Breath {
    /// A message was looked at and so much of it was read.
    async fn spent(&mut self, octets: usize) {
        self.spent += octets + 100;
        if self.spent > BREATH {
            self.spent = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// The header of a message with its empty line.
async fn header(body: &dyn Body) -> Result<Vec<u8>> {
    let mut header = Vec::new();
    while (header.len() as u64) < body.len() && header.len() < LARGEST_HEADER {
        let from = header.len() as u64;
        // Most headers are a few KiB: the first run is short.
        let run = if from == 0 { RUN / 8 } else { RUN };
        let bytes = body.read(from..body.len().min(from + run)).await?;
        if bytes.is_empty() {
            break;
        }
        let behind = header.len().saturating_sub(3);
        header.extend_from_slice(&bytes);
        if header.starts_with(b"\r\n") {
            header.truncate(2);
            break;
        }
        let looked_at = header.get(behind..).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(looked_at, b"\r\n\r\n") {
            header.truncate(behind + at + 4);
            break;
        }
    }
    Ok(header)
}

/// How a message is built, read in runs.
async fn structure(body: &dyn Body) -> Result<Structure> {
    let mut scanner =
        mailcore_base::message::Scanner::new(mailcore_base::message::Limits::default());
    let mut at = 0;
    let mut breath = Breath::default();
    while at < body.len() {
        let bytes = body.read(at..body.len().min(at + RUN)).await?;
        if bytes.is_empty() {
            break;
        }
        at += bytes.len() as u64;
        scanner.feed(&bytes);
        breath.spent(bytes.len()).await;
    }
    Ok(scanner.finish())
}
