//! One fuzz input as two things: text from its front, choices from its back. So a seed stays readable text, and what
//! follows it steers the body. It never fails: choices that are not there are zero.

/// What is left of an input.
#[derive(Debug, Clone, Copy)]
pub struct Choices<'i>(&'i [u8]);

impl<'i> Choices<'i> {
    /// Nothing taken yet.
    pub fn new(input: &'i [u8]) -> Self {
        Self(input)
    }

    /// The last octet that is left, or zero.
    pub fn octet(&mut self) -> u8 {
        let Some((last, rest)) = self.0.split_last() else {
            return 0;
        };
        self.0 = rest;
        *last
    }

    /// One of the numbers below `count`, which is at most 256; zero where there is none to choose from.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.octet()).checked_rem(count).unwrap_or(0)
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        things.get(self.below(things.len())).copied()
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has not been taken.
    pub fn rest(&self) -> &'i [u8] {
        self.0
    }

    /// The next line from the front without its LF; `None` once nothing is left.
    pub fn line(&mut self) -> Option<&'i [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|b| *b == b'\n');
        let (line, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}
