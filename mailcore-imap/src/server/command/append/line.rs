//! The line of an APPEND that is being read: what of it has not been understood yet, the URLs that came as literals
//! in it, and the literal that it announces at its end.

use crate::parse::frame::{Announced, announcement, stripped};

#[derive(Debug)]
pub(super) struct Line {
    text: Vec<u8>,
    pub(super) announced: Option<Announced>,
}

impl Line {
    /// What is left of a command's first line.
    pub(super) fn new(rest: &[u8], announced: Option<Announced>) -> Self {
        Self {
            text: stripped(rest).to_vec(),
            announced,
        }
    }

    /// What has not been understood yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.text
    }

    /// All but the last `left` octets has been understood.
    pub(super) fn leave(&mut self, left: usize) {
        let done = self.text.len().saturating_sub(left);
        self.text.drain(..done);
    }

    /// The literal announced is octets of a message, and all in front of it has been understood.
    pub(super) fn content_follows(&mut self) -> Option<Announced> {
        self.text.clear();
        self.announced.take()
    }

    /// The literal announced is a URL, whose octets follow here.
    pub(super) fn literal_follows(&mut self) -> Option<Announced> {
        let announced = self.announced.take()?;
        self.text.extend_from_slice(b"\r\n");
        Some(announced)
    }

    /// Octets of it.
    pub(super) fn literal(&mut self, octets: &[u8]) {
        self.text.extend_from_slice(octets);
    }

    /// A line that stands behind a literal; whether all together is no longer than that.
    pub(super) fn push(&mut self, line: &[u8], most: usize) -> bool {
        self.text.extend_from_slice(line);
        self.announced = announcement(line, false);
        self.text.len() <= most
    }
}
