//! The copies of one message that go into mailboxes: one for each user, written side by side, made durable together.
//! Knows nothing of who asked, nor of what is said when one fails.

use crate::log;
use mailcore_base::mailbox::MailboxName;
use mailcore_store::auth::User;
use mailcore_store::mailbox::{Append, Appended, MailStore, Stamp};
use mailcore_store::queue::Identity;
use mailcore_store::{Error, Kind, Result};
use tokio::task::JoinHandle;

/// Copies of one message, by number.
#[derive(Debug, Default)]
pub(super) struct Copies(Vec<Copy>);

#[derive(Debug)]
struct Copy {
    user: String,
    state: State,
}

/// ```text
/// Open ── post ──▶ Posted ── wait ──▶ Safe
///   └─────────┬───────┴──▶ Failed
/// ```
#[derive(Debug)]
enum State {
    Open(Box<dyn Append>),
    Posted(JoinHandle<Result<Appended>>),
    Safe,
    Failed(Kind),
}

impl State {
    /// What a copy is while nothing is known of it.
    const LOST: Self = Self::Failed(Kind::Unavailable);
}

impl Copies {
    /// The number of the user's copy, if it has been begun.
    pub(super) fn of(&self, user: &str) -> Option<usize> {
        self.0.iter().position(|copy| copy.user == user)
    }

    /// Begins a copy in the user's INBOX, `front` first, and gives its number. One that cannot be begun has failed.
    pub(super) async fn begin(
        &mut self,
        user: &User,
        front: &[u8],
        store: &dyn MailStore,
    ) -> usize {
        let begun = begin(user, front, store).await;
        let mut copy = Copy {
            user: user.name.clone(),
            state: State::LOST,
        };
        match begun {
            Ok(append) => copy.state = State::Open(append),
            Err(error) => copy.fail(&error),
        }
        self.0.push(copy);
        self.0.len() - 1
    }

    /// Writes to every copy that has not failed.
    pub(super) async fn write(&mut self, chunk: &[u8]) {
        for copy in &mut self.0 {
            if let State::Open(append) = &mut copy.state
                && let Err(error) = append.write(chunk).await
            {
                copy.fail(&error);
            }
        }
    }

    /// Ends every copy that is whole, all at once so that they share a flush.
    pub(super) fn post(&mut self, identity: Identity) {
        for copy in &mut self.0 {
            copy.state = match std::mem::replace(&mut copy.state, State::LOST) {
                State::Open(append) => {
                    let stamp = Stamp {
                        identity: Some(identity),
                        ..Stamp::default()
                    };
                    // Driven on its own, so that all are in the batch before any is waited for.
                    State::Posted(tokio::spawn(append.commit(stamp)))
                }
                other => other,
            };
        }
    }

    /// Waits until every copy that was posted is durable, or has failed.
    pub(super) async fn wait(&mut self) {
        for copy in &mut self.0 {
            let State::Posted(running) = &mut copy.state else {
                continue;
            };
            match running.await {
                Ok(Ok(_)) => copy.state = State::Safe,
                Ok(Err(error)) => copy.fail(&error),
                Err(_) => copy.fail(&Error::new(Kind::Unavailable, "delivery panicked")),
            }
        }
    }

    /// Drops what is open: whatever it was for has failed.
    pub(super) fn abandon(&mut self, error: &Error) {
        for copy in &mut self.0 {
            if matches!(copy.state, State::Open(_)) {
                copy.fail(error);
            }
        }
    }

    /// Whose copy it is.
    pub(super) fn user(&self, number: usize) -> &str {
        self.0.get(number).map_or("", |copy| &copy.user)
    }

    /// The first copy that has failed so far: whose, and how.
    pub(super) fn failed(&self) -> Option<(&str, Kind)> {
        self.0.iter().find_map(|copy| match copy.state {
            State::Failed(kind) => Some((copy.user.as_str(), kind)),
            _ => None,
        })
    }

    /// Whether a copy is durable; one that was never waited for is not.
    pub(super) fn outcome(&self, number: usize) -> std::result::Result<(), Kind> {
        match self.0.get(number).map(|copy| &copy.state) {
            Some(State::Safe) => Ok(()),
            Some(State::Failed(kind)) => Err(*kind),
            Some(State::Open(_) | State::Posted(_)) | None => Err(Kind::Unavailable),
        }
    }
}

impl Copy {
    fn fail(&mut self, error: &Error) {
        tracing::error!("delivery to {}: {error}", log::Clean(&self.user));
        self.state = State::Failed(error.kind());
    }
}

async fn begin(user: &User, front: &[u8], store: &dyn MailStore) -> Result<Box<dyn Append>> {
    let account = store.account(user).await?;
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(front).await?;
    Ok(append)
}
