//! Destinations that have answered and of which nothing is here any more: few words about each, for a bounded time.
//! Keeps nothing of those that failed.

use super::site::Name;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A destination by transport and name.
type Who = (Arc<str>, Name);

/// Who has answered, the longest ago first.
#[derive(Debug, Default)]
pub(super) struct Acquaintances {
    met: HashMap<Who, (Instant, u64)>,
    order: BTreeMap<(Instant, u64), Who>,
    last: u64,
}

impl Acquaintances {
    /// Remembers who has answered up to now; forgets the oldest beyond `most`, and whoever was last met before `keep`.
    pub(super) fn meet(&mut self, who: Who, now: Instant, most: usize, keep: Duration) {
        self.recall(&who, now, keep);
        self.last += 1;
        self.met.insert(who.clone(), (now, self.last));
        self.order.insert((now, self.last), who);
        while let Some((oldest, who)) = self.order.first_key_value()
            && (self.met.len() > most || is_over(oldest.0, now, keep))
        {
            self.met.remove(who);
            self.order.pop_first();
        }
    }

    /// Whether somebody is remembered; whoever is, is here again, and remembered no longer.
    pub(super) fn recall(&mut self, who: &Who, now: Instant, keep: Duration) -> bool {
        let Some(at) = self.met.remove(who) else {
            return false;
        };
        self.order.remove(&at);
        !is_over(at.0, now, keep)
    }
}

fn is_over(met: Instant, now: Instant, keep: Duration) -> bool {
    now.saturating_duration_since(met) >= keep
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(10);

    fn who(n: usize) -> Who {
        ("smtp".into(), Name::Nexthop(n.to_string().as_str().into()))
    }

    #[test]
    fn who_answered_is_remembered_once_and_for_a_while() {
        let (mut known, now) = (Acquaintances::default(), Instant::now());
        known.meet(who(1), now, 9, KEEP);
        known.meet(who(2), now, 9, KEEP);
        assert!(known.recall(&who(1), now + KEEP / 2, KEEP));
        assert!(!known.recall(&who(1), now, KEEP), "it is here");
        assert!(!known.recall(&who(2), now + KEEP, KEEP), "it is long ago");
        assert!(!known.recall(&who(3), now, KEEP));
    }

    #[test]
    fn a_flood_is_remembered_no_further_than_there_is_room() {
        let (mut known, now) = (Acquaintances::default(), Instant::now());
        for n in 0..1_000 {
            known.meet(who(n % 100), now, 10, KEEP);
            assert!(known.met.len() <= 10 && known.met.len() == known.order.len());
        }
        let left = (0..100).filter(|n| known.recall(&who(*n), now, KEEP));
        assert_eq!(left.collect::<Vec<_>>(), (90..100).collect::<Vec<_>>());
        known.meet(who(1), now, 10, KEEP);
        known.meet(who(2), now + KEEP, 10, KEEP);
        assert_eq!(known.order.len(), 1, "what is over goes");
    }
}
