//! Numbers, texts and moments as octets: little-endian, texts behind their length. Reading never takes more than there
//! is, and never more memory than it has read.

use std::time::{Duration, SystemTime};

/// Writing.
pub(super) trait Put {
    fn put(&mut self, octets: &[u8]);

    fn put_u8(&mut self, it: u8) {
        self.put(&[it]);
    }

    fn put_u32(&mut self, it: u32) {
        self.put(&it.to_le_bytes());
    }

    fn put_u64(&mut self, it: u64) {
        self.put(&it.to_le_bytes());
    }

    fn put_u128(&mut self, it: u128) {
        self.put(&it.to_le_bytes());
    }

    fn put_time(&mut self, it: SystemTime) {
        self.put(&nanos(it).to_le_bytes());
    }

    fn put_text(&mut self, it: &str) {
        self.put_u32(small(it.len()));
        self.put(it.as_bytes());
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Reading: each piece, or nothing where the octets end before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'o>(pub(super) &'o [u8]);

impl<'o> Take<'o> {
    pub(super) fn octets(&mut self, n: usize) -> Option<&'o [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.octets(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of things of which each takes at least `least` octets: never more than there can be.
    pub(super) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count <= self.0.len() / least.max(1)).then_some(count)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    pub(super) fn time(&mut self) -> Option<SystemTime> {
        time(self.array().map(i64::from_le_bytes)?)
    }

    pub(super) fn text(&mut self) -> Option<&'o str> {
        let len = self.count(1)?;
        std::str::from_utf8(self.octets(len)?).ok()
    }
}

/// Nanoseconds since 1970, before it negative; what is centuries away becomes the farthest there is.
fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

fn time(nanos: i64) -> Option<SystemTime> {
    let from = Duration::from_nanos(nanos.unsigned_abs());
    match nanos < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(from),
        false => SystemTime::UNIX_EPOCH.checked_add(from),
    }
}

/// A length as it is written; what is longer was refused before.
pub(super) fn small(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_moment_reads_back(nanos in any::<i64>()) {
            let moment = time(nanos).expect("a moment of the operating system");
            let mut octets = Vec::new();
            octets.put_time(moment);
            prop_assert_eq!(Take(&octets).time(), Some(moment));
        }
    }

    #[test]
    fn a_count_is_no_larger_than_what_follows() {
        let mut octets = Vec::new();
        octets.put_u32(3);
        octets.put(b"12345");
        assert_eq!(Take(&octets).count(1), Some(3));
        assert_eq!(Take(&octets).count(2), None);
        assert_eq!(Take(&octets).text(), Some("123"));
        assert_eq!(Take(&octets[..5]).text(), None);
    }
}
