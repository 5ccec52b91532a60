//! What every [`MailStore`] must keep. [`all`] gives each promise a user of its own, whose account must be new.
//!
//! ```no_run
//! # async fn test() {
//! use mailcore_store::{auth::User, conform, mailbox::MemoryStore};
//! let store = MemoryStore::new();
//! conform::mailbox::all(&store, &|name| User::new(format!("{name}@example.test"))).await;
//! # }
//! ```

pub mod feed;
pub mod flags;
pub mod messages;
pub mod names;
pub mod transfer;

use crate::Result;
use crate::auth::User;
use crate::mailbox::{Access, Account, Appended, Fields, MailStore, Mailbox, Record, Stamp};
use mailcore_base::mailbox::{Flags, Keyword, Keywords, MailboxName, Uid, UidSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Every promise. `user` makes the user of a name, with whatever fields the store needs.
///
/// # Panics
/// Where a promise is broken.
pub async fn all(store: &dyn MailStore, user: &(dyn Fn(&str) -> User + Sync)) {
    names::all(store, user).await;
    messages::all(store, user).await;
    flags::all(store, user).await;
    feed::all(store, user).await;
    transfer::all(store, user).await;
}

type Promise = for<'s> fn(&'s Tenant<'s>) -> Pin<Box<dyn Future<Output = ()> + Send + 's>>;

async fn each(
    promises: &[(&str, Promise)],
    store: &dyn MailStore,
    user: &(dyn Fn(&str) -> User + Sync),
) {
    for (name, promise) in promises {
        let tenant = Tenant {
            store,
            user: user(name),
        };
        promise(&tenant).await;
    }
}

macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        /// The promises of this chapter.
        ///
        /// # Panics
        /// Where one is broken.
        pub async fn all(
            store: &dyn crate::mailbox::MailStore,
            user: &(dyn Fn(&str) -> crate::auth::User + Sync),
        ) {
            super::each(&[$((stringify!($name), |t| Box::pin($name(t)))),*], store, user).await;
        }
    };
}
use promises;

/// A user of the store that is tried.
#[derive(Debug)]
pub struct Tenant<'s> {
    store: &'s dyn MailStore,
    user: User,
}

impl<'s> Tenant<'s> {
    /// A user whose account holds nothing yet.
    pub fn new(store: &'s dyn MailStore, user: User) -> Self {
        Self { store, user }
    }

    async fn account(&self) -> Arc<dyn Account> {
        ok(self.store.account(&self.user).await)
    }

    async fn open(&self, mailbox: &str, access: Access) -> Box<dyn Mailbox> {
        ok(self.account().await.open(&name(mailbox), access).await)
    }

    async fn select(&self, mailbox: &str) -> Box<dyn Mailbox> {
        self.open(mailbox, Access::Write).await
    }

    async fn append(&self, mailbox: &str, octets: &[u8], stamp: Stamp) -> Result<Appended> {
        let mut append = self.account().await.append(&name(mailbox)).await?;
        append.write(octets).await?;
        append.commit(stamp).await
    }

    /// Appends a message with these system flags.
    async fn put(&self, mailbox: &str, text: &str, flags: Flags) -> Uid {
        let stamp = Stamp {
            flags,
            ..Stamp::default()
        };
        only(&ok(self.append(mailbox, text.as_bytes(), stamp).await))
    }

    async fn create(&self, mailbox: &str) {
        ok(self.account().await.create(&name(mailbox), None).await);
    }

    /// Every name listed, a name that cannot be selected in brackets.
    async fn listed(&self) -> Vec<String> {
        let listed = ok(self.account().await.list(None, usize::MAX).await);
        let shown = listed.into_iter().map(|l| match l.selectable {
            true => l.name.to_string(),
            false => format!("[{}]", l.name),
        });
        shown.collect()
    }
}

fn ok<T>(result: Result<T>) -> T {
    match result {
        Ok(it) => it,
        Err(e) => panic!("the store failed: {e} ({e:?})"),
    }
}

fn refused<T>(result: Result<T>) -> crate::Kind {
    match result {
        Ok(_) => panic!("the store allowed what it must refuse"),
        Err(e) => e.kind(),
    }
}

/// The UID of a message that was appended alone.
fn only(appended: &Appended) -> Uid {
    assert_eq!(appended.uids.len(), 1);
    appended.uids.first().unwrap_or(Uid::FIRST)
}

fn name(text: &str) -> MailboxName {
    match MailboxName::parse(text, '/') {
        Ok(name) => name,
        Err(e) => panic!("{text}: {e}"),
    }
}

fn keyword(text: &str) -> Keyword {
    match Keyword::parse(text) {
        Ok(keyword) => keyword,
        Err(e) => panic!("{text}: {e}"),
    }
}

async fn uids(mailbox: &dyn Mailbox) -> Vec<u32> {
    let now = ok(mailbox.sync(None).await).now;
    now.uids.iter().map(Uid::number).collect()
}

async fn records(mailbox: &dyn Mailbox) -> Vec<Record> {
    let mut out = Vec::new();
    let wanted = Fields::FLAGS | Fields::DATE | Fields::SIZE;
    ok(mailbox.records(&UidSet::all(), wanted, &mut out).await);
    out
}

/// A message's flags by name, in alphabetical order.
async fn flags_of(mailbox: &dyn Mailbox, uid: Uid) -> Vec<String> {
    let table: Arc<Keywords> = ok(mailbox.sync(None).await).now.keywords;
    let mut out = Vec::new();
    ok(mailbox
        .records(&UidSet::one(uid), Fields::FLAGS, &mut out)
        .await);
    let record = match out.as_slice() {
        [record] => record,
        other => panic!("one record of UID {uid}: {other:?}"),
    };
    let mut names: Vec<String> = record.flags.names(&table).map(str::to_owned).collect();
    names.sort();
    names
}

/// A message's octets, read from the front as a session does.
async fn octets(mailbox: &dyn Mailbox, uid: Uid) -> Vec<u8> {
    let body = match ok(mailbox.body(uid).await) {
        Some(body) => body,
        None => panic!("no body of UID {uid}"),
    };
    let mut out = Vec::new();
    while (out.len() as u64) < body.len() {
        let run = ok(body.read(out.len() as u64..body.len()).await);
        assert!(!run.is_empty(), "a body that ends short of its length");
        out.extend_from_slice(&run);
    }
    assert_eq!(body.is_empty(), out.is_empty());
    out
}
