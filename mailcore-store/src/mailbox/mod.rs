//! Mailboxes: a store has accounts, an account has mailboxes by name, a mailbox has messages by UID.
//!
//! A backend speaks UIDs only. Sequence numbers, when a session may be told of an EXPUNGE, and IDLE all derive
//! in the protocol crates from one feed: [`Mailbox::sync`] says what there is now and whose flags changed.

mod clock;
mod expunges;
mod listing;
#[cfg(feature = "files")]
pub mod maildir;
pub mod memory;
mod pocket;
mod record;
mod watch;

pub use clock::Clock;
#[cfg(feature = "files")]
pub use maildir::Maildir;
pub use memory::MemoryStore;
pub use pocket::Pocket;
pub use record::{Access, Appended, Copied, Fields, Listed, Record, Stamp, Status, Ticket};

use crate::Result;
use crate::auth::User;
use crate::body::Body;
use async_trait::async_trait;
use mailcore_base::mailbox::{
    Changes, FlagChange, MailboxName, ModSeq, SpecialUse, Uid, UidSet, UidValidity,
};
use mailcore_base::search::Query;
use std::fmt::Debug;
use std::sync::Arc;

/// Where all mail lies.
#[async_trait]
pub trait MailStore: Send + Sync + Debug {
    /// The account of this user, which is made on first use.
    ///
    /// # Errors
    /// When it cannot be opened for now, or the user's fields make no sense to this store.
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>>;
}

/// What a backend has beyond the traits; each family is its own object.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Extensions {
    /// Of a mailbox: a place for what was made of its messages.
    pub pocket: Option<Arc<Pocket>>,
}

/// One user's mailboxes. INBOX is always there.
#[async_trait]
pub trait Account: Send + Sync + Debug {
    /// The character between levels of mailbox names.
    fn separator(&self) -> char;

    /// At most `limit` mailboxes whose names sort behind `after`, in the order of names. Names that exist only
    /// as parents of others are listed with [`Listed::selectable`] false.
    ///
    /// # Errors
    /// When the store cannot be read for now.
    async fn list(&self, after: Option<&MailboxName>, limit: usize) -> Result<Vec<Listed>>;

    /// The names subscribed to, in order, whether they exist or not.
    ///
    /// # Errors
    /// When the store cannot be read for now.
    async fn subscriptions(&self) -> Result<Vec<MailboxName>>;

    /// Subscribes to a name or takes that back; durable when it returns.
    ///
    /// # Errors
    /// When it could not be made durable.
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()>;

    /// Counters of a mailbox, without opening it.
    ///
    /// # Errors
    /// NotFound where there is no such mailbox.
    async fn status(&self, name: &MailboxName) -> Result<Status>;

    /// Makes a mailbox; durable when it returns. Missing parents are then listed, as mailboxes or as names that
    /// cannot be selected, whatever this store needs (RFC 3501 §6.3.3).
    ///
    /// # Errors
    /// AlreadyExists; Limit or Unsupported for a name that this store cannot keep, Unsupported for a special use
    /// that it cannot.
    async fn create(&self, name: &MailboxName, special: Option<SpecialUse>) -> Result<()>;

    /// Removes a mailbox with its messages. One that has children stays as a name that cannot be selected.
    ///
    /// # Errors
    /// NotFound; Denied for INBOX.
    async fn delete(&self, name: &MailboxName) -> Result<()>;

    /// Renames a mailbox and its children. Renaming INBOX moves its messages away and leaves it empty
    /// (RFC 3501 §6.3.5). Sessions that have one of them open may find it gone.
    ///
    /// # Errors
    /// NotFound, AlreadyExists; Limit or Unsupported for a name that this store cannot keep, Unsupported for one
    /// below itself.
    async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<()>;

    /// Opens a mailbox for one session. Handles on the same mailbox share what they can.
    ///
    /// # Errors
    /// NotFound where there is no such mailbox.
    async fn open(&self, name: &MailboxName, access: Access) -> Result<Box<dyn Mailbox>>;

    /// Begins to add a message to a mailbox.
    ///
    /// # Errors
    /// NotFound where there is no such mailbox; Full, OverQuota.
    async fn append(&self, name: &MailboxName) -> Result<Box<dyn Append>>;

    /// What this account has beyond the trait.
    fn extensions(&self) -> Extensions;
}

/// A message on its way into a mailbox, or several that arrive together (RFC 3502). Dropping it leaves nothing behind.
#[async_trait]
pub trait Append: Send + Sync + Debug {
    /// Appends octets as they came; line ends are CRLF.
    ///
    /// # Errors
    /// When the medium fails or is full; the append is then dead.
    async fn write(&mut self, chunk: &[u8]) -> Result<()>;

    /// Ends the message that was written, which gets this stamp, and begins another one behind it. They arrive
    /// together or not at all, and in this order; nobody sees the first before the last is committed.
    ///
    /// # Errors
    /// When the medium fails or is full, or the stamp cannot be kept; the append is then dead.
    async fn another(&mut self, stamp: Stamp) -> Result<()>;

    /// Ends the last message; the work begins at once, whether or not the ticket is waited for. The ticket resolves
    /// once all messages are durable and have their UIDs; whoever waits shares flushes. Dropping the ticket is
    /// atomic: all messages are there whole, or none is at all.
    fn commit(self: Box<Self>, stamp: Stamp) -> Ticket;
}

/// One session's hold on a mailbox.
#[async_trait]
pub trait Mailbox: Send + Sync + Debug {
    /// Under which its UIDs hold.
    fn uid_validity(&self) -> UidValidity;

    /// Looks at the medium and says what there is now, and whose flags changed since `known` (all that is
    /// known to have flags, if it is the lowest; nothing for `None`).
    ///
    /// # Errors
    /// When the medium cannot be read for now; NotFound once the mailbox is gone.
    async fn sync(&self, known: Option<ModSeq>) -> Result<Changes>;

    /// Resolves once the mailbox is known to be past `known`, or to be gone: level-triggered, so nothing is missed
    /// between two calls. Dropping the future loses nothing.
    async fn changed(&self, known: ModSeq);

    /// The messages that this handle is the first to be told of (`\Recent`), among those that its last
    /// [`sync`](Self::sync) showed. A handle that only reads takes them from nobody.
    fn recent(&self) -> UidSet;

    /// Adds the records of those of `uids` that are there to `out`, by UID.
    ///
    /// # Errors
    /// When the medium cannot be read for now.
    async fn records(&self, uids: &UidSet, fields: Fields, out: &mut Vec<Record>) -> Result<()>;

    /// A message's octets with CRLF line ends; `None` once it is gone.
    ///
    /// # Errors
    /// When the medium cannot be read for now.
    async fn body(&self, uid: Uid) -> Result<Option<Arc<dyn Body>>>;

    /// Changes flags; durable when it returns. Messages that were modified behind `unchanged_since` are left
    /// alone and returned (RFC 7162 §3.1.3). UIDs that are not there are passed over.
    ///
    /// # Errors
    /// Denied for a handle that only reads; Limit where a new keyword finds no place.
    async fn flag(
        &self,
        uids: &UidSet,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<UidSet>;

    /// Removes messages for good, whatever their flags; durable when it returns. Returns those removed.
    ///
    /// # Errors
    /// Denied for a handle that only reads.
    async fn expunge(&self, uids: &UidSet) -> Result<UidSet>;

    /// The first message without `\Seen`, as far as the last look at the medium showed; none where all have been seen.
    ///
    /// # Errors
    /// NotFound once the mailbox is gone.
    async fn first_unseen(&self) -> Result<Option<Uid>>;

    /// The UIDs of messages that were removed behind `since`, by whatever hand, as far as the last look at the medium
    /// showed; others of the mailbox's past may be among them, none that is there. `None` where the history does not
    /// reach so far back (RFC 7162 §3.2.7): then only what is there now can be said. Each removal has a modification
    /// sequence of its own, above all earlier ones.
    ///
    /// # Errors
    /// When the medium cannot be read for now; NotFound once the mailbox is gone.
    async fn expunged(&self, since: ModSeq) -> Result<Option<UidSet>>;

    /// Copies messages with their flags and dates to a mailbox of the account, which may be this one: all of them or
    /// none; durable when it returns. UIDs that are not there are passed over.
    ///
    /// # Errors
    /// NotFound where the target is not there; Full, OverQuota; Limit where a keyword finds no place.
    async fn copy(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied>;

    /// Moves messages to another mailbox of the account; at no moment, crashes included, is one in neither.
    ///
    /// # Errors
    /// As [`copy`](Self::copy) and [`expunge`](Self::expunge).
    async fn relocate(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied>;

    /// The messages among `within` that match, if this store can tell better than by reading them one by one.
    ///
    /// # Errors
    /// When the medium cannot be read for now.
    async fn search(&self, query: &Query, within: &UidSet) -> Result<Option<UidSet>>;

    /// What this mailbox has beyond the trait.
    fn extensions(&self) -> Extensions;
}
