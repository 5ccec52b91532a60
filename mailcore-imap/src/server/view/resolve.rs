//! From what a client names, by number or by UID, to UIDs.

use super::View;
use mailcore_base::mailbox::{Uid, UidSet};

/// A client named a message by a number that none has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no message with this number")]
pub struct NoSuchMessage;

impl View {
    /// The messages that these ranges of numbers name; `None` is `*`, the highest number in use, and the ends
    /// of a range stand in any order (RFC 3501 §9, `seq-range`). Messages that are gone and not told are among
    /// them: the client still counts them.
    ///
    /// # Errors
    /// [`NoSuchMessage`] for a number that no message has, `*` in an empty mailbox included.
    pub fn numbers(
        &self,
        ranges: impl IntoIterator<Item = (Option<u32>, Option<u32>)>,
    ) -> Result<UidSet, NoSuchMessage> {
        let exists = self.exists();
        let mut spans = Vec::new();
        for (low, high) in ranges {
            let (a, b) = (low.unwrap_or(exists), high.unwrap_or(exists));
            match (self.uid(a.min(b)), self.uid(a.max(b))) {
                (Some(low), Some(high)) => spans.push((low, high)),
                _ => return Err(NoSuchMessage),
            }
        }
        Ok(self.within(spans))
    }

    /// The messages that these ranges of UIDs name; `None` is `*`, the highest UID in use, and the ends of a
    /// range stand in any order. UIDs that no message has are passed over (RFC 3501 §6.4.8).
    pub fn uids(&self, ranges: impl IntoIterator<Item = (Option<u32>, Option<u32>)>) -> UidSet {
        let Some(last) = self.uid(self.exists()) else {
            return UidSet::new();
        };
        let end = |end: Option<u32>| end.map_or(Some(last), Uid::new);
        let spans = ranges
            .into_iter()
            .filter_map(|(low, high)| {
                let (a, b) = (end(low)?, end(high)?);
                Some((a.min(b), a.max(b)))
            })
            .collect();
        self.within(spans)
    }

    /// All messages that the client counts.
    pub fn all(&self) -> UidSet {
        self.known_set()
    }

    /// Those that the client counts within these spans. Single messages cost a search each, wide spans together
    /// one pass over the mailbox's runs.
    fn within(&self, mut spans: Vec<(Uid, Uid)>) -> UidSet {
        spans.sort_unstable();
        let (mut single, mut wide) = (UidSet::new(), UidSet::new());
        for (low, high) in spans {
            if low < high {
                wide.insert_range(low..=high);
            } else if self.number(low).is_some() {
                single.insert(low);
            }
        }
        if wide.is_empty() {
            single
        } else {
            super::merge(&single, &wide.intersection(&self.known_set()))
        }
    }
}
