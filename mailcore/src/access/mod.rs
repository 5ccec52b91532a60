//! From IMAP's and POP3's questions to the mailbox store: where a section lies, how a message reads, which messages
//! match. Reads messages in runs; no protocol is known here, and nothing is written.

mod binary;
mod reader;
mod search;

pub use reader::{Measured, Reader};
pub use search::search;

use mailcore_base::message::Structure;
use mailcore_store::Result;
use mailcore_store::body::Body;

/// Octets that are read of a message at a time.
const RUN: u64 = 64 * 1024;
/// Octets of a header that are held at once; what is behind counts as body.
const LARGEST_HEADER: usize = 4 * 1024 * 1024;

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
    while at < body.len() {
        let bytes = body.read(at..body.len().min(at + RUN)).await?;
        if bytes.is_empty() {
            break;
        }
        at += bytes.len() as u64;
        scanner.feed(&bytes);
    }
    Ok(scanner.finish())
}
