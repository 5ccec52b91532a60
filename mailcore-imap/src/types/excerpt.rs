//! Parts of messages that go into another one.

use mailcore_base::mailbox::{MailboxName, Uid, UidValidity};
use mailcore_base::message::Section;
use std::sync::Arc;

/// A section of a message that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Where the message is; none: in the mailbox that is selected.
    pub mailbox: Option<MailboxName>,
    /// Under which the UID was learnt, where that is known.
    pub uid_validity: Option<UidValidity>,
    /// The message.
    pub uid: Uid,
    /// What of it, whole.
    pub section: Arc<Section>,
}
