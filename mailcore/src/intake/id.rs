//! The ids of messages and sessions. Randomness and time come from the system here, at the edge.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use mailcore_store::queue::Identity;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Random octets; where the system has none, the time must do.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let now = since_epoch().as_nanos().to_le_bytes();
        for (byte, of) in bytes.iter_mut().zip(now.iter().cycle()) {
            *byte = *of;
        }
    }
    bytes
}

fn since_epoch() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A message's identity: the time in the upper half, randomness in the lower; never given twice.
pub fn identity() -> Identity {
    let time = u128::from(since_epoch().as_nanos() as u64);
    Identity(time << 64 | u128::from(u64::from_le_bytes(random())))
}

/// A queue id in Postfix's short form: microseconds, then what tells messages of one microsecond apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueId {
    micros: u32,
    rest: u32,
}

impl QueueId {
    /// The id of a new message.
    pub fn new() -> Self {
        Self::of(identity())
    }

    /// The id under which a message of this identity is shown.
    pub fn of(identity: Identity) -> Self {
        let micros = (identity.0 >> 64) as u64 / 1000 % 1_000_000;
        Self {
            micros: micros as u32,
            rest: identity.0 as u32 & 0x00ff_ffff,
        }
    }
}

impl Default for QueueId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05X}{:06X}", self.micros, self.rest)
    }
}

/// A session's id in Dovecot's form: base64 of sixteen octets, without padding.
pub fn session_id() -> String {
    STANDARD_NO_PAD.encode(random::<16>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn identities_and_ids_are_not_given_twice() {
        let many: HashSet<_> = (0..10_000).map(|_| identity()).collect();
        assert_eq!(many.len(), 10_000);
        assert_eq!(
            QueueId::of(Identity(5_000_007_000 << 64 | 0xabcdef)).to_string(),
            "00007ABCDEF"
        );
        assert_eq!(session_id().len(), 22);
    }
}
