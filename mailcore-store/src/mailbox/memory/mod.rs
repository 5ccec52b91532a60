//! Mailboxes in memory: complete, for tests and for servers that keep nothing. Nothing in it is durable, nothing
//! in it blocks, and it needs no runtime.

mod account;
mod handle;
mod room;

use super::{Account, Clock, MailStore};
use crate::Result;
use crate::auth::User;
use account::MemoryAccount;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A mail store in memory; every user there is asked for gets an account. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    accounts: Arc<Mutex<HashMap<String, Arc<MemoryAccount>>>>,
    clock: Clock,
}

impl MemoryStore {
    /// Most octets of one message; more is refused with [`Kind::Limit`](crate::Kind::Limit).
    pub const LARGEST: usize = 256 << 20;

    /// A store without any account, on the system's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same on another clock, which dates messages that bring no date.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }
}

#[async_trait]
impl MailStore for MemoryStore {
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts
            .entry(user.name.clone())
            .or_insert_with(|| Arc::new(MemoryAccount::new(self.clock.clone())));
        Ok(account.clone())
    }
}
