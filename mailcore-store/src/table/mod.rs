//! Lookup tables: a key leads to a value, or to nothing, or cannot be answered for now. Which keys to try
//! in which order is the caller's.

mod inline;
mod memory;
mod statics;
#[cfg(feature = "files")]
mod texthash;

pub use inline::{Inline, InlineError};
pub use memory::MemoryTable;
pub use statics::Static;
#[cfg(feature = "files")]
pub use texthash::{TextHash, TextHashOptions};

use crate::Result;
use async_trait::async_trait;
use std::fmt::Debug;

/// How a table compares keys. Callers that try several forms of a key try only the full one on a pattern table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// Keys are equal or not (hash, texthash, inline, SQL …).
    Exact,
    /// Keys are addresses looked up in networks (cidr).
    Network,
    /// Keys are matched by patterns, the first hit wins (regexp, pcre).
    Pattern,
}

/// A table that can be asked.
#[async_trait]
pub trait Table: Send + Sync + Debug {
    /// The value of `key`, or `None` where the table is sure that there is none.
    ///
    /// # Errors
    /// When the table cannot tell for now; never answered as absent.
    async fn get(&self, key: &str) -> Result<Option<String>>;

    /// How it compares.
    fn shape(&self) -> Shape;
}

/// A table that can be changed.
#[async_trait]
pub trait EditTable: Table {
    /// Sets the value of `key`; durable when it returns.
    ///
    /// # Errors
    /// When it could not be made durable; the old value or the new one then stands.
    async fn put(&self, key: &str, value: &str) -> Result<()>;

    /// Removes `key`; says whether it was there.
    ///
    /// # Errors
    /// When it could not be made durable.
    async fn remove(&self, key: &str) -> Result<bool>;

    /// At most `limit` entries behind the key `after`, in key order.
    ///
    /// # Errors
    /// When the table cannot be read for now.
    async fn page(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>>;
}

/// A key as tables with fixed keys compare it: without regard to case.
fn fold(key: &str) -> String {
    key.to_lowercase()
}
