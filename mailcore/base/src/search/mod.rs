//! Searching.

/// What is searched for.
#[derive(Debug, Clone)]
pub enum Query {
    /// Every message.
    All,
}
