//! How much of a message is looked at. Beyond a limit nothing fails: the rest is carried as opaque bytes.

/// The bounds of one [`Scanner`](super::Scanner). The defaults are Dovecot's where it has such limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of parts, the message itself counted (100). A container on the last level is a plain part.
    pub depth: u16,
    /// Parts in all (10,000). When they are reached, the last part takes what is left of the message.
    pub parts: u32,
    /// Bytes kept of one header field (1 MiB); the rest of a longer field is not looked at.
    pub field: usize,
    /// Bytes kept of all header fields together (4 MiB); fields after that count as absent.
    pub header: usize,
    /// Parameters of one field (1,000).
    pub parameters: usize,
    /// Addresses of one field (10,000).
    pub addresses: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            depth: 100,
            parts: 10_000,
            field: 1 << 20,
            header: 4 << 20,
            parameters: 1_000,
            addresses: 10_000,
        }
    }
}
