//! A message's content, read ahead: while one run is being sent, the next one is fetched. Never holds more than two.

use bytes::{Buf, Bytes};
use mailcore_store::Result;
use mailcore_store::body::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Octets that are asked for at once.
const RUN: u64 = 64 * 1024;

type Fetch = Pin<Box<dyn Future<Output = Result<Bytes>> + Send>>;

/// Content from the beginning to the end.
pub(super) struct Ahead {
    body: Arc<dyn Body>,
    /// What is to be sent next.
    held: Bytes,
    /// What comes behind it.
    next: Bytes,
    /// What comes behind that.
    fetch: Option<Fetch>,
    /// How far the content was fetched.
    fetched: u64,
    failed: bool,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ahead")
            .field("fetched", &self.fetched)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Ahead {
    pub(super) fn new(body: Arc<dyn Body>) -> Self {
        Self {
            body,
            held: Bytes::new(),
            next: Bytes::new(),
            fetch: None,
            fetched: 0,
            failed: false,
        }
    }

    /// What is at hand; nothing if it is to be [waited for](Self::arrive) first.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// So many octets were taken of what is at hand.
    pub(super) fn taken(&mut self, n: usize) {
        self.held.advance(n.min(self.held.len()));
        if self.held.is_empty() {
            self.held = std::mem::take(&mut self.next);
        }
        self.look_ahead();
    }

    /// Begins to fetch what is not there yet.
    pub(super) fn look_ahead(&mut self) {
        let len = self.body.len();
        if self.fetch.is_some() || !self.next.is_empty() || self.fetched >= len || self.failed {
            return;
        }
        let range = self.fetched..len.min(self.fetched + RUN);
        let body = Arc::clone(&self.body);
        self.fetch = Some(Box::pin(async move { body.read(range).await }));
    }

    /// Whether something is being fetched.
    pub(super) fn is_fetching(&self) -> bool {
        self.fetch.is_some()
    }

    /// Whether the content could not be fetched.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Waits for what is being fetched. Dropped, it goes on when it is called again.
    pub(super) async fn arrive(&mut self) {
        let Some(fetch) = &mut self.fetch else { return };
        let run = fetch.as_mut().await;
        self.fetch = None;
        match run {
            Ok(run) if !run.is_empty() => {
                self.fetched += run.len() as u64;
                match self.held.is_empty() {
                    true => self.held = run,
                    false => self.next = run,
                }
            }
            Ok(_) => self.failed = true,
            Err(error) => {
                tracing::error!("content: {error}");
                self.failed = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::content::tests::Pieces;

    #[tokio::test]
    async fn content_comes_whole_and_in_order_and_is_never_held_whole() {
        let whole: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for (piece, taken) in [(1_usize << 30, 7919), (100_000, 65_536), (1, 1)] {
            let whole = whole
                .get(..whole.len().min(piece.saturating_mul(9_000)))
                .unwrap();
            let mut ahead = Ahead::new(Arc::new(Pieces(whole.to_vec(), piece)));
            let mut got = Vec::new();
            while got.len() < whole.len() {
                ahead.look_ahead();
                while ahead.held().is_empty() {
                    ahead.look_ahead();
                    ahead.arrive().await;
                }
                assert!(ahead.held.len() + ahead.next.len() <= 2 * RUN as usize);
                let n = ahead.held().len().min(taken);
                got.extend_from_slice(&ahead.held()[..n]);
                ahead.taken(n);
            }
            assert!(got == whole && !ahead.has_failed() && !ahead.is_fetching());
        }
    }

    #[tokio::test]
    async fn content_that_ends_early_has_failed() {
        let mut ahead = Ahead::new(Arc::new(Pieces(b"A: b\r\n".to_vec(), 0)));
        ahead.look_ahead();
        ahead.arrive().await;
        assert!(ahead.has_failed() && ahead.held().is_empty());
        ahead.look_ahead();
        assert!(!ahead.is_fetching(), "it is not tried for ever");
    }
}
