//! How long a refused login waits for its answer: longer for an address that guesses and guesses. Who does not stay to
//! wait leaves the rest of it to the next attempt from his address; a right password waits for nothing else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at most; beyond it the stalest are forgotten.
const MOST: usize = 16 * 1024;
/// After so long without a failure an address starts afresh.
const FORGIVEN: Duration = Duration::from_secs(3600);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15);

/// What is remembered of failed logins.
#[derive(Debug, Default)]
pub(super) struct Penalties(Mutex<HashMap<IpAddr, Offence>>);

#[derive(Debug, Clone, Copy)]
struct Offence {
    count: u32,
    last: Instant,
    /// When the last refusal's wait is over, whoever waits.
    until: Instant,
}

impl Penalties {
    /// Notes a failure of `address` and says how long its answer waits: `first`, twice as long from the
    /// third failure on, then doubling up to [`LONGEST`].
    pub(super) fn failed(&self, address: IpAddr, first: Duration, now: Instant) -> Duration {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&address) {
            make_room(&mut known, now);
        }
        let offence = known.entry(address).or_insert(Offence {
            count: 0,
            last: now,
            until: now,
        });
        if now.saturating_duration_since(offence.last) > FORGIVEN {
            offence.count = 0;
        }
        offence.last = now;
        offence.count = offence.count.saturating_add(1);
        let doublings = offence.count.saturating_sub(2).min(8);
        let wait = (first * 2u32.pow(doublings)).min(LONGEST.max(first));
        offence.until = now.checked_add(wait).unwrap_or(now).max(offence.until);
        wait
    }

    /// How much of a refusal's wait `address` has not waited yet.
    pub(super) fn left(&self, address: IpAddr, now: Instant) -> Duration {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = known.get(&address).map(|offence| offence.until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

/// Forgets what is forgiven, and where that is nothing, the older half.
fn make_room(known: &mut HashMap<IpAddr, Offence>, now: Instant) {
    known.retain(|_, o| now.saturating_duration_since(o.last) <= FORGIVEN);
    if known.len() >= MOST {
        let mut ages: Vec<Instant> = known.values().map(|o| o.last).collect();
        let (_, middle, _) = ages.select_nth_unstable(MOST / 2);
        let middle = *middle;
        known.retain(|_, o| o.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_is_forgiven_after_an_hour() {
        let (penalties, start) = (Penalties::default(), Instant::now());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let wait = |at| {
            penalties
                .failed(address, Duration::from_secs(2), at)
                .as_secs()
        };
        let waits: Vec<_> = (0..6).map(|_| wait(start)).collect();
        assert_eq!(waits, [2, 2, 4, 8, 15, 15]);
        assert_eq!(wait(start + Duration::from_secs(3601)), 2);
    }

    #[test]
    fn what_was_not_waited_is_left_to_the_next() {
        let (penalties, start) = (Penalties::default(), Instant::now());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(penalties.left(address, start), Duration::ZERO);
        penalties.failed(address, 2 * second, start);
        assert_eq!(penalties.left(address, start + second), second);
        assert_eq!(penalties.left(address, start + 2 * second), Duration::ZERO);
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        assert_eq!(penalties.left(other, start), Duration::ZERO);
    }

    #[test]
    fn many_addresses_take_bounded_memory() {
        let (penalties, start) = (Penalties::default(), Instant::now());
        for n in 0..(MOST as u32 * 3) {
            penalties.failed(IpAddr::from(n.to_be_bytes()), Duration::from_secs(2), start);
        }
        assert!(penalties.0.lock().unwrap().len() <= MOST);
    }
}
