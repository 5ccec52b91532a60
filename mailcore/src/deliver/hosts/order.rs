//! The order in which servers are tried: pure, and random only by the seed that it is given.

use crate::dns::Family;
use crate::net::connect::Target;

/// An address of a mail exchanger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) preference: u16,
    pub(super) family: Family,
    pub(super) target: Target,
}

/// A generator of numbers that nobody needs to fear knowing (SplitMix64).
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Puts items into any order, each as likely as the others.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.roll() % (last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

/// RFC 5321 §5.1: by preference, at random among equals; the preferred family first among those.
pub(super) fn sort(candidates: &mut [Candidate], prefer: Option<Family>, dice: &mut Dice) {
    dice.shuffle(candidates);
    candidates.sort_by_key(|it| {
        (
            it.preference,
            prefer.is_some_and(|family| family != it.family),
        )
    });
}

/// Leaves the first `most` (all for zero), but lets neither family crowd out the other: where both are there, each
/// has half of the places if it can fill them. One family that cannot be reached from here then costs no mail.
pub(super) fn limit(candidates: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    if most == 0 || candidates.len() <= most {
        return candidates;
    }
    let count = |family| candidates.iter().filter(|it| it.family == family).count();
    let (v4, v6) = (count(Family::V4), count(Family::V6));
    let mut room = [most - v6.min(most / 2), most - v4.min(most / 2)];
    let mut left = most;
    let mut kept = Vec::with_capacity(most);
    for candidate in candidates {
        let room = match candidate.family {
            Family::V4 => &mut room[0],
            Family::V6 => &mut room[1],
        };
        if *room > 0 && left > 0 {
            *room -= 1;
            left -= 1;
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::connect::Place;
    use std::collections::HashSet;
    use std::net::{IpAddr, SocketAddr};

    fn candidate(preference: u16, ip: &str) -> Candidate {
        let ip: IpAddr = ip.parse().unwrap();
        Candidate {
            preference,
            family: Family::of(ip),
            target: Target {
                name: String::new(),
                place: Place::Tcp(SocketAddr::new(ip, 25)),
                vouched: false,
            },
        }
    }

    fn shown(candidates: &[Candidate]) -> Vec<String> {
        candidates.iter().map(|it| it.target.to_string()).collect()
    }

    #[test]
    fn equals_come_in_every_order_and_never_before_their_betters() {
        let mut firsts = HashSet::new();
        for seed in 0..64 {
            let mut all = [
                candidate(20, "192.0.2.9"),
                candidate(10, "192.0.2.1"),
                candidate(10, "192.0.2.2"),
                candidate(10, "192.0.2.3"),
            ];
            sort(&mut all, None, &mut Dice(seed));
            assert_eq!(shown(&all)[3], "[192.0.2.9]:25");
            firsts.insert(shown(&all)[0].clone());
        }
        assert_eq!(firsts.len(), 3);
    }

    #[test]
    fn the_preferred_family_comes_first_among_equals_only() {
        for seed in 0..16 {
            let mut all = [
                candidate(10, "192.0.2.1"),
                candidate(20, "2001:db8::2"),
                candidate(10, "2001:db8::1"),
            ];
            sort(&mut all, Some(Family::V6), &mut Dice(seed));
            assert_eq!(
                shown(&all),
                ["[2001:db8::1]:25", "[192.0.2.1]:25", "[2001:db8::2]:25"]
            );
        }
    }

    #[test]
    fn neither_family_crowds_out_the_other() {
        let six = |n: u16| candidate(n, &format!("2001:db8::{n}"));
        let mut all: Vec<_> = (1..=9).map(six).collect();
        all.push(candidate(10, "192.0.2.1"));
        all.push(candidate(11, "192.0.2.2"));
        all.push(candidate(12, "192.0.2.3"));
        let kept = shown(&limit(all.clone(), 5));
        assert_eq!(
            kept[..3],
            ["[2001:db8::1]:25", "[2001:db8::2]:25", "[2001:db8::3]:25"]
        );
        assert_eq!(kept[3..], ["[192.0.2.1]:25", "[192.0.2.2]:25"]);
        let one = limit(all.clone(), 1);
        assert_eq!(shown(&one), ["[2001:db8::1]:25"]);
        assert_eq!(limit(all.clone(), 0).len(), 12);
        all.retain(|it| it.family == Family::V6);
        assert_eq!(limit(all, 5).len(), 5);
    }
}
