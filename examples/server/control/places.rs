//! The places at the control socket: so many requests at once, and always one more for who asks. Who keeps us waiting
//! longest, for his words or for his reading, gives way; who is being worked for never does.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// How often it is looked whether somebody keeps us waiting, while all places are taken.
const LOOK: Duration = Duration::from_millis(100);

/// The places.
#[derive(Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Vec<(Silence, AbortHandle)>>,
}

/// Since when a client keeps us waiting, if it does. Clones are the same client's.
#[derive(Debug, Clone, Default)]
pub struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
    /// We wait for the client, from now on if we did not yet.
    pub fn begins(&self) {
        self.lock().get_or_insert_with(Instant::now);
    }

    /// The client waits for us.
    pub fn ends(&self) {
        *self.lock() = None;
    }

    fn since(&self) -> Option<Instant> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// So many.
    pub fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            taken: Mutex::default(),
        }
    }

    /// A place for who has come: a free one, or that of whoever has kept us waiting longest.
    pub async fn take(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(place);
            }
            self.clear_one();
            let freed = Arc::clone(&self.free).acquire_owned();
            match tokio::time::timeout(LOOK, freed).await {
                Ok(place) => return place.ok(),
                Err(_) => continue,
            }
        }
    }

    /// Serves a client at a place; `work` is given the means to say whom it waits for.
    pub fn serve<F>(&self, place: OwnedSemaphorePermit, work: impl FnOnce(Silence) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let silence = Silence::default();
        silence.begins();
        let work = work(silence.clone());
        let task = tokio::spawn(async move {
            let _place = place;
            work.await;
        });
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(_, task)| !task.is_finished());
        taken.push((silence, task.abort_handle()));
    }

    fn clear_one(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(_, task)| !task.is_finished());
        let silent = taken
            .iter()
            .filter_map(|(it, task)| Some((it.since()?, task)));
        if let Some((_, task)) = silent.min_by_key(|(since, _)| *since) {
            tracing::warn!("control: a silent client gives way to another");
            task.abort();
        }
    }
}

/// A way out that says when it is the reader who keeps us waiting.
#[derive(Debug)]
pub struct Read<W>(pub W, pub Silence);

impl<W> Read<W> {
    fn told<T>(&self, poll: Poll<T>) -> Poll<T> {
        match &poll {
            Poll::Pending => self.1.begins(),
            Poll::Ready(_) => self.1.ends(),
        }
        poll
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Read<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.0).poll_write(cx, octets);
        self.told(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.0).poll_flush(cx);
        self.told(poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
