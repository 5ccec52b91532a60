//! The words of mailboxes: names, UIDs, flags, and the feed of what changed. Stores speak UIDs only; what a
//! session numbers and when it may be told are the protocol's.

mod change;
mod flags;
mod name;
mod uid;
mod uidmap;

pub use change::{Changes, Snapshot};
pub use flags::{FlagChange, FlagOp, Flags, Keyword, KeywordError, Keywords, SpecialUse};
pub use name::{MailboxName, NameError, Pattern};
pub use uid::{ModSeq, Uid, UidSet, UidValidity};
pub use uidmap::UidMap;
