//! What can be wrong with an address.

use thiserror::Error;

/// Why a text is not an address. It never repeats the text, which may be hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing where an address must stand.
    #[error("empty address")]
    Empty,
    /// The local part is empty or holds something that must not stand there.
    #[error("bad local part")]
    Local,
    /// There is a local part but no `@domain`.
    #[error("no domain")]
    NoDomain,
    /// The domain is not a name that DNS can hold.
    #[error("bad domain")]
    Domain,
    /// The address literal is not one.
    #[error("bad address literal")]
    Literal,
    /// UTF-8 where only ASCII was allowed.
    #[error("non-ASCII address without SMTPUTF8")]
    NotAscii,
    /// The source route in front of the address is malformed.
    #[error("bad source route")]
    Route,
    /// A `<` without its `>`, or the reverse, or text behind the closing bracket.
    #[error("unbalanced angle brackets")]
    Brackets,
    /// A part is longer than its limit.
    #[error("address too long")]
    TooLong,
}
