//! Texts told apart by hashes of 128 bits, so that none has to be kept.

use std::collections::HashMap;
use std::hash::BuildHasher;

/// The numbers that texts have been given.
#[derive(Debug)]
pub(super) struct Names<S> {
    hashers: [S; 2],
    numbers: HashMap<u128, u32, S>,
}

impl<S: BuildHasher + Clone> Names<S> {
    pub(super) fn new(hashers: [S; 2]) -> Self {
        let numbers = HashMap::with_hasher(hashers[0].clone());
        Self { hashers, numbers }
    }

    /// How many texts have been given a number.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }

    /// The number that the text has been given, or else is given now.
    pub(super) fn find_or(&mut self, text: &[u8], number: u32) -> u32 {
        *self.numbers.entry(self.hash(text)).or_insert(number)
    }

    /// The number that the text has been given.
    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        self.numbers.get(&self.hash(text)).copied()
    }

    fn hash(&self, text: &[u8]) -> u128 {
        let [high, low] = &self.hashers;
        u128::from(high.hash_one(text)) << 64 | u128::from(low.hash_one(text))
    }
}
