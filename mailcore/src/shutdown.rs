//! Going down with grace: nobody new is let in, every session is told, and has so long to finish. Holds the
//! sessions that run, so that an administrator can see and end them; ends nothing by itself.

use crate::net::Bell;
use mailcore_base::wire::Notice;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How long who is cut off has to hear so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The sessions of a server and whether it is going down. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Debug, Default)]
struct State {
    begun: watch::Sender<bool>,
    sessions: Mutex<Sessions>,
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Sessions {
    last: u64,
    open: BTreeMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    bell: Bell,
    task: Option<AbortHandle>,
}

impl Shutdown {
    /// A server that runs, with no session yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins: listeners close, every session is told. Saying it again changes nothing.
    pub fn begin(&self) {
        let sessions = self.sessions();
        self.0.begun.send_replace(true);
        for open in sessions.open.values() {
            open.bell.ring(Notice::Shutdown);
        }
    }

    /// Whether it has begun.
    pub fn begun(&self) -> bool {
        *self.0.begun.borrow()
    }

    /// Waits until it has begun.
    pub async fn requested(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.0.begun.subscribe().wait_for(|begun| *begun).await;
    }

    /// Runs a session in a task of its own, and keeps its `bell` for as long. Returns its number, or nothing
    /// when the server is going down: then the session does not run at all.
    pub fn spawn(
        &self,
        bell: Bell,
        session: impl Future<Output = ()> + Send + 'static,
    ) -> Option<u64> {
        let leaving = self.enter(bell)?;
        let number = leaving.number;
        // A block that awaits what it has captured would hold the whole session twice.
        let session = Box::pin(session);
        let task = tokio::spawn(async move {
            let _leaving = leaving;
            session.await;
        });
        if let Some(open) = self.sessions().open.get_mut(&number) {
            open.task = Some(task.abort_handle());
        }
        Some(number)
    }

    fn enter(&self, bell: Bell) -> Option<Leaving> {
        let mut sessions = self.sessions();
        if self.begun() {
            return None;
        }
        sessions.last += 1;
        let number = sessions.last;
        sessions.open.insert(number, Open { bell, task: None });
        self.0.open.send_replace(sessions.open.len());
        Some(Leaving {
            state: Arc::clone(&self.0),
            number,
        })
    }

    /// How many sessions run.
    pub fn open(&self) -> usize {
        *self.0.open.borrow()
    }

    /// Tells a session that an administrator ends it; false when there is none of that number.
    pub fn kick(&self, number: u64) -> bool {
        let sessions = self.sessions();
        let open = sessions.open.get(&number);
        if let Some(open) = open {
            open.bell.ring(Notice::Kicked);
        }
        open.is_some()
    }

    /// Begins, and waits until all sessions have ended. What still runs when `patience` is over is told once more, has
    /// a second for its last words, and is cut off; returns how many that were.
    pub async fn drain(&self, patience: Duration) -> usize {
        self.begin();
        let mut open = self.0.open.subscribe();
        let empty = open.wait_for(|open| *open == 0);
        if tokio::time::timeout(patience, empty).await.is_ok() {
            return 0;
        }
        // Who is in the middle of a message can still be told that it is not taken.
        let left = self.ring_all(Notice::Kicked);
        let _ = tokio::time::timeout(LAST_WORDS, open.wait_for(|open| *open == 0)).await;
        self.cut_off();
        // A task that is cut off ends at its next await.
        let _ = tokio::time::timeout(patience, open.wait_for(|open| *open == 0)).await;
        left
    }

    fn ring_all(&self, notice: Notice) -> usize {
        let sessions = self.sessions();
        for open in sessions.open.values() {
            open.bell.ring(notice);
        }
        sessions.open.len()
    }

    fn cut_off(&self) {
        let sessions = self.sessions();
        for open in sessions.open.values() {
            if let Some(task) = &open.task {
                task.abort();
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.sessions()
    }
}

impl State {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a session off the list when it ends, however it ends.
struct Leaving {
    state: Arc<State>,
    number: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(session = self.number, "a session panicked and is lost");
        }
        let mut sessions = self.state.sessions();
        sessions.open.remove(&self.number);
        self.state.open.send_replace(sessions.open.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sessions_are_told_and_waited_for() {
        let shutdown = Shutdown::new();
        let bell = Bell::new();
        let hearing = bell.clone();
        let number = shutdown
            .spawn(bell, async move {
                assert_eq!(hearing.hear().await, Notice::Shutdown);
                tokio::time::sleep(Duration::from_secs(3)).await;
            })
            .unwrap();
        assert_eq!(shutdown.open(), 1);
        assert_eq!(shutdown.drain(Duration::from_secs(10)).await, 0);
        assert_eq!(shutdown.open(), 0);
        assert!(!shutdown.kick(number));
        assert!(shutdown.spawn(Bell::new(), async {}).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_finish_in_time_is_cut_off() {
        let shutdown = Shutdown::new();
        shutdown.spawn(Bell::new(), std::future::pending());
        assert_eq!(shutdown.drain(Duration::from_secs(10)).await, 1);
        assert_eq!(shutdown.open(), 0);
    }

    #[tokio::test]
    async fn a_panic_costs_one_session() {
        let shutdown = Shutdown::new();
        let bell = Bell::new();
        let hearing = bell.clone();
        shutdown.spawn(Bell::new(), async { panic!("a bug") });
        let other = shutdown
            .spawn(bell, async move {
                assert_eq!(hearing.hear().await, Notice::Kicked);
            })
            .unwrap();
        while shutdown.open() > 1 {
            tokio::task::yield_now().await;
        }
        assert!(shutdown.kick(other));
        assert_eq!(shutdown.drain(Duration::from_secs(10)).await, 0);
    }
}
