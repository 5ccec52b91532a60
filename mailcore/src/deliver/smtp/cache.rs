//! Connections that rest between two messages: to the same server, on the same terms. Each rests in a task of its own,
//! which sees the server close and says goodbye in time. Bounded in number, in time and in age; dropped, all of them
//! are closed.

use super::{CacheOptions, Way};
use crate::net::Bell;
use crate::net::connect::Target;
use crate::net::now;
use crate::net::smtp_client::{Connection, Terms};
use crate::net::tls::client::Policy;
use mailcore_base::wire::Notice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// What a connection is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    target: Target,
    policy: Policy,
    /// The next hop that the server has shown to be for.
    verified: Option<String>,
    /// Who has logged in: the name, and for whom it acts.
    login: Option<(String, Option<String>)>,
}

impl Key {
    pub(super) fn new(target: &Target, way: &Way, terms: &Terms) -> Self {
        let login = terms.login.as_ref().map(|login| &login.credentials);
        let verifies = way.policy.level.verifies();
        Self {
            target: target.clone(),
            policy: way.policy.clone(),
            verified: verifies.then(|| way.name.clone()),
            login: login.map(|it| (it.name.clone(), it.authorization.clone())),
        }
    }
}

/// The connections that rest.
#[derive(Debug)]
pub(super) struct Cache {
    options: CacheOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that has rested longest comes first.
    resting: Vec<Resting>,
    /// Those that rest, and those that say goodbye.
    tasks: JoinSet<()>,
    closed: bool,
}

#[derive(Debug)]
struct Resting {
    key: Key,
    bell: Bell,
    back: oneshot::Receiver<Connection>,
}

impl Resting {
    /// Whether it has gone by itself.
    fn is_gone(&mut self) -> bool {
        matches!(
            self.back.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        )
    }

    /// Ends the rest: the connection is handed over, or leaves if nobody waits for it.
    fn wake(self) -> oneshot::Receiver<Connection> {
        self.bell.ring(Notice::Changed);
        self.back
    }
}

impl Cache {
    pub(super) fn new(options: CacheOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
        }
    }

    /// A connection that can take another message.
    pub(super) async fn take(&self, key: &Key) -> Option<Connection> {
        loop {
            let resting = self.state().find(key)?;
            let connection = resting.wake().await;
            if let Some(connection) = connection.ok().filter(Connection::stands) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for another message if it is wanted for one, or leaves it where that cannot be.
    pub(super) fn keep(&self, key: Key, connection: Connection, wanted: bool) {
        let mut state = self.state();
        while state.tasks.try_join_next().is_some() {}
        let Some(until) = self.rest(&connection).filter(|_| wanted && !state.closed) else {
            state.tasks.spawn(connection.leave());
            return;
        };
        state.resting.retain_mut(|it| !it.is_gone());
        if state.resting.len() >= self.options.most {
            state.resting.remove(0).wake();
        }
        let (give, back) = oneshot::channel();
        let bell = connection.bell().clone();
        state.tasks.spawn(rest(connection, until, give));
        state.resting.push(Resting { key, bell, back });
    }

    /// Until when a connection may rest; not at all if it has had its time.
    fn rest(&self, connection: &Connection) -> Option<Instant> {
        let CacheOptions {
            rest,
            age,
            messages,
            most,
            ..
        } = self.options;
        let fresh = now().duration_since(connection.since()) < age;
        let willing = messages == 0 || connection.messages() < messages;
        let kept = !rest.is_zero() && most > 0 && connection.stands() && fresh && willing;
        now().checked_add(rest).filter(|_| kept)
    }

    /// Says goodbye on all of them, and keeps none from now on.
    pub(super) async fn close(&self) {
        let mut tasks = {
            let mut state = self.state();
            state.closed = true;
            for resting in std::mem::take(&mut state.resting) {
                drop(resting.wake());
            }
            std::mem::take(&mut state.tasks)
        };
        while tasks.join_next().await.is_some() {}
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the one that was used last.
    fn find(&mut self, key: &Key) -> Option<Resting> {
        self.resting.retain_mut(|it| !it.is_gone());
        let at = self.resting.iter().rposition(|it| it.key == *key)?;
        Some(self.resting.remove(at))
    }
}

/// Rests until the time is over, the bell rings, or the server closes.
async fn rest(mut connection: Connection, until: Instant, give: oneshot::Sender<Connection>) {
    connection.rest(until).await;
    let called = connection.stands() && now() < until;
    let left = match called {
        true => give.send(connection).err(),
        false => {
            // Nobody is kept waiting for a goodbye.
            drop(give);
            Some(connection)
        }
    };
    if let Some(connection) = left {
        connection.leave().await;
    }
}
