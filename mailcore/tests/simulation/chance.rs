//! Chance from a seed (splitmix64): the same seed, the same life.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x6d61_696c)
    }

    /// Another chance, of its own for each thing that is named so.
    pub fn split(&self, name: &str) -> Self {
        let mut state = self.0;
        for octet in name.bytes() {
            state = (state ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(state)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.number() % n.max(1)
    }

    /// Once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    pub fn seconds(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.below(below * 1000))
    }
}
