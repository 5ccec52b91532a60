//! The header fields that the intake knows: which shall not travel, which are counted, which must be there.

/// The known names, in lower case.
const NAMES: [&str; 16] = [
    "received",
    "message-id",
    "date",
    "from",
    "to",
    "cc",
    "resent-message-id",
    "resent-date",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "bcc",
    "resent-bcc",
    "content-length",
    "return-path",
];

/// Those that do not travel (Postfix: message_drop_headers).
const DROPPED: [&str; 4] = ["bcc", "resent-bcc", "content-length", "return-path"];
/// Those that tell a reader whom a message is for.
const VISIBLE: [&str; 4] = ["to", "cc", "resent-to", "resent-cc"];

/// A known field, by its place among the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(usize);

impl Known {
    /// The field of this name, in any case, if it is known.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let known = |n: &str| n.as_bytes().eq_ignore_ascii_case(name);
        NAMES.iter().position(|n| known(n)).map(Self)
    }

    fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }
}

/// Which known fields a header has.
#[derive(Debug, Default)]
pub(super) struct Seen {
    there: [bool; NAMES.len()],
    hops: u32,
}

impl Seen {
    /// Takes note of a field; says whether it shall be dropped.
    pub(super) fn note(&mut self, known: Option<Known>) -> bool {
        let Some(known) = known else { return false };
        if let Some(there) = self.there.get_mut(known.0) {
            *there = true;
        }
        self.hops += u32::from(known.name() == "received");
        DROPPED.contains(&known.name())
    }

    /// Whether there was a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        Known::of(name.as_bytes()).is_some_and(|known| self.there.get(known.0) == Some(&true))
    }

    /// Whether the message was sent again by somebody other than its author (RFC 5322 §3.6.6).
    pub(super) fn is_resent(&self) -> bool {
        let resent = |name: &str| name.starts_with("resent-") && self.has(name);
        NAMES.iter().any(|name| resent(name))
    }

    /// Whether a reader can see whom the message is for.
    pub(super) fn is_addressed(&self) -> bool {
        VISIBLE.iter().any(|name| self.has(name))
    }

    /// How many servers the message has passed (RFC 5321 §6.3).
    pub(super) fn hops(&self) -> u32 {
        self.hops
    }
}
