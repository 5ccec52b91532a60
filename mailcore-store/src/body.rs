//! Stored bytes that are read in runs, never whole: a message in a mailbox or in the queue.

use crate::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;
use std::ops::Range;

/// Bytes that lie in a store. Line ends are CRLF, whatever the store keeps.
#[async_trait]
pub trait Body: Send + Sync + Debug {
    /// How many octets there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool;

    /// The octets of `range`, or a non-empty prefix of them: as much as is at hand. Empty only for an empty
    /// range or one behind the end. Reading onwards from where the last read ended is the cheap case.
    ///
    /// # Errors
    /// When the store fails, or the bytes are gone.
    async fn read(&self, range: Range<u64>) -> Result<Bytes>;
}
