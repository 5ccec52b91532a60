//! Stored content, read in runs of bounded size. Never holds more of a message than one run, or its header.

use bytes::Bytes;
use mailcore_store::body::Body;
use mailcore_store::{Error, Kind, Result};

/// Octets that are asked for at once.
const RUN: u64 = 64 * 1024;
/// Octets of a header that are looked at (Postfix: header_size_limit); what comes behind counts as body.
pub(crate) const LONGEST_HEADER: usize = 102_400;

/// A message's content from the beginning to the end.
#[derive(Debug)]
pub(crate) struct Runs<'a> {
    body: &'a dyn Body,
    at: u64,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(body: &'a dyn Body) -> Self {
        Self::from(body, 0)
    }

    /// From there on.
    pub(crate) fn from(body: &'a dyn Body, at: u64) -> Self {
        Self { body, at }
    }

    /// The next run; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let len = self.body.len();
        if self.at >= len {
            return Ok(None);
        }
        let run = self.body.read(self.at..len.min(self.at + RUN)).await?;
        if run.is_empty() {
            return Err(Error::new(Kind::Corrupt, "content ends before its end"));
        }
        self.at += run.len() as u64;
        Ok(Some(run))
    }
}

/// The header of a message without the empty line that ends it, in whole lines: at most [`LONGEST_HEADER`] octets.
pub(crate) async fn header(body: &dyn Body) -> Result<Vec<u8>> {
    let mut runs = Runs::new(body);
    let mut header = Vec::new();
    while let Some(run) = runs.next().await? {
        let from = header.len().saturating_sub(3);
        header.extend_from_slice(&run);
        if header.starts_with(b"\r\n") {
            return Ok(Vec::new());
        }
        let behind = header.get(from..).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(behind, b"\r\n\r\n") {
            header.truncate(from + at + 2);
            break;
        }
        if header.len() > LONGEST_HEADER {
            break;
        }
    }
    if header.len() > LONGEST_HEADER {
        header.truncate(LONGEST_HEADER);
        let whole = memchr::memmem::rfind(&header, b"\r\n").map_or(0, |at| at + 2);
        header.truncate(whole);
    }
    Ok(header)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::ops::Range;

    /// Content in memory that comes in pieces of at most so many octets.
    #[derive(Debug)]
    pub(crate) struct Pieces(pub(crate) Vec<u8>, pub(crate) usize);

    #[async_trait]
    impl Body for Pieces {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
        async fn read(&self, range: Range<u64>) -> Result<Bytes> {
            let end = range.end.min(range.start + self.1 as u64);
            Ok(Bytes::copy_from_slice(
                &self.0[range.start as usize..end as usize],
            ))
        }
    }

    #[tokio::test]
    async fn a_header_ends_at_its_empty_line_however_it_is_read() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"A: b\r\nC: d\r\n\r\nbody\r\n\r\n", b"A: b\r\nC: d\r\n"),
            (b"\r\nbody\r\n\r\nmore\r\n", b""),
            (b"A: b\r\n", b"A: b\r\n"),
            (b"A: b\r\n\r\n", b"A: b\r\n"),
            (b"", b""),
        ];
        for (message, expected) in cases {
            for piece in [1, 2, 3, 5, 1000] {
                let body = Pieces(message.to_vec(), piece);
                assert_eq!(header(&body).await.unwrap(), expected, "pieces of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn a_header_without_end_is_cut_between_lines() {
        let body = Pieces(b"X: yyyyyyyyyyyyy\r\n".repeat(100_000), 999_999);
        let header = header(&body).await.unwrap();
        assert!(header.len() <= LONGEST_HEADER && header.len() > LONGEST_HEADER - 20);
        assert!(header.ends_with(b"y\r\n"));
    }

    #[tokio::test]
    async fn content_that_ends_early_is_an_error_and_not_the_end() {
        let body = Pieces(b"A: b\r\n".to_vec(), 0);
        let kind = header(&body).await.map_err(|e| e.kind());
        assert_eq!(kind, Err(Kind::Corrupt));
    }
}
