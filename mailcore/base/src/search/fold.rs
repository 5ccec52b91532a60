//! Comparison without regard to case, over text that comes in pieces: i;unicode-casemap (RFC 5051).

use crate::casemap::{casemap, casemap_into};
use memchr::memmem;

/// A folded text to look for.
#[derive(Debug, Clone)]
pub(super) struct Needle(memmem::Finder<'static>);

impl Needle {
    pub(super) fn new(text: &str) -> Needle {
        Needle(memmem::Finder::new(&casemap(text)).into_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.needle().is_empty()
    }

    fn len(&self) -> usize {
        self.0.needle().len()
    }

    /// Whether it is in a text that is folded and all there.
    pub(super) fn is_in(&self, folded: &str) -> bool {
        self.0.find(folded.as_bytes()).is_some()
    }
}

/// The end of a text that passes by, as much of it as a needle may reach back into.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    text: String,
    /// Bytes at the start that were searched with every needle.
    seen: usize,
}

impl Window {
    /// Forgets the text: another one begins.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.seen = 0;
    }

    /// Adds the next piece of the text.
    pub(super) fn push(&mut self, piece: &str) {
        casemap_into(piece, &mut self.text);
    }

    /// Whether the needle is in the text and was not in what was seen before.
    pub(super) fn has(&self, needle: &Needle) -> bool {
        let from = self.seen.saturating_sub(needle.len().saturating_sub(1));
        self.text
            .as_bytes()
            .get(from..)
            .is_some_and(|text| needle.0.find(text).is_some())
    }

    /// Keeps no more than a needle of `longest` bytes may reach back into.
    pub(super) fn slide(&mut self, longest: usize) {
        let mut cut = self.text.len().saturating_sub(longest);
        while !self.text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.drain(..cut);
        self.seen = self.text.len();
    }
}

/// The length of the longest of the needles.
pub(super) fn longest<'a>(needles: impl Iterator<Item = &'a Needle>) -> usize {
    needles.map(Needle::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_a_text_is_kept_than_a_needle_reaches_back() {
        let (mut window, needle) = (Window::default(), Needle::new("ab"));
        for _ in 0..1000 {
            window.push("\u{e9}a");
            assert!(!window.has(&needle));
            window.slide(needle.len());
            assert!(
                window.text.len() <= needle.len() + 3,
                "{}",
                window.text.len()
            );
        }
        window.push("b");
        assert!(window.has(&needle));
    }
}
