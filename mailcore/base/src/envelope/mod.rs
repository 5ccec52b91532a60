//! Envelopes.

/// Sender, recipients and parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {}
