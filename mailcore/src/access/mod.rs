//! From IMAP's and POP3's questions to the mailbox store: where a section lies, how a message reads, which messages
//! match, and in which order. Reads messages in runs; no protocol is spoken here, and nothing is written.

mod binary;
mod kept;
mod order;
mod reader;
mod search;

pub use order::{Sought, sort, thread};
pub use reader::{Measured, Reader};
pub use search::search;

use bytes::Bytes;
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
async fn header(body: &dyn Body) -> Result<Bytes> {
    // Most headers are a few KiB: the first run is short, and all there is to read.
    let first = body.read(0..body.len().min(RUN / 8)).await?;
    if let Some(end) = header_end(&first, 0) {
        return Ok(first.slice(..end));
    }
    let mut header = Vec::from(first);
    while (header.len() as u64) < body.len() && header.len() < LARGEST_HEADER {
        let from = header.len() as u64;
        let bytes = body.read(from..body.len().min(from + RUN)).await?;
        if bytes.is_empty() {
            break;
        }
        let behind = header.len().saturating_sub(3);
        header.extend_from_slice(&bytes);
        if let Some(end) = header_end(&header, behind) {
            header.truncate(end);
            break;
        }
    }
    Ok(header.into())
}

/// Where the header ends, its empty line included; up to `behind` there is none.
fn header_end(text: &[u8], behind: usize) -> Option<usize> {
    if text.starts_with(b"\r\n") {
        return Some(2);
    }
    let at = memchr::memmem::find(text.get(behind..)?, b"\r\n\r\n")?;
    Some(behind + at + 4)
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
