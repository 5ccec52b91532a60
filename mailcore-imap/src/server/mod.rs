//! The IMAP server: a session that reads commands and answers them, asking its driver for what it does not
//! know. It speaks Dovecot's words, and touches no socket, no clock and no store.
//!
//! ```text
//!   driver ── step(now) ──► Io(Read | Write | Wait | Layer | Close)   do it, or part of it, or nothing
//!                           Ask(question)                             answer it
//!                           Content(octets)                           keep them
//! ```
//!
//! **A step dropped is a step not taken: [`Session::step`] says it again.** One question is open at a time; while
//! its answer is awaited, the line that it lends ([`Question::parts`]) is looked after. A question that cannot
//! be answered is declined ([`Ask::decline`]), which is always safe.
//!
//! # How a driver answers
//!
//! The driver keeps what a session opens: the account that was logged in to, the mailbox that is selected, the
//! message that is being appended, and perhaps the body that it read from last. All of them end with the session.
//!
//! | question | answered by | awaited |
//! | --- | --- | --- |
//! | [`Login`], [`Authenticate`], [`Respond`] | a password backend or a SASL exchange, then the user's account; delays for wrong passwords are the driver's | while the client is there |
//! | [`Select`] | opening the mailbox (dropping none: [`Close`] comes first), its first sync without a known modseq, `recent`, and the first message without `\Seen` | while |
//! | [`Close`] | dropping the mailbox | |
//! | [`List`], [`Subscriptions`], [`Status`] | the account's method of that name | while |
//! | [`Create`], [`Delete`], [`Rename`], [`Subscribe`] | the account's method of that name; it is durable when answered | through |
//! | [`Sync`] | the mailbox's sync since `known`, and all that is recent; `NotFound` once the mailbox is gone | while |
//! | [`Expunged`] | the mailbox's history of expunges, as far as it reaches | while |
//! | [`Records`] | the mailbox's records; rows go straight to the client, as many as it takes | while |
//! | [`Describe`] | reading the message's structure | while |
//! | [`Measure`], then [`Bytes`] in order | finding the section, then reading on from where the last read ended | while |
//! | [`Search`] | the store's own search, or a matcher run over the messages; no numbers, no `\Recent` are in it | while |
//! | [`Sort`], [`Thread`] | the same, and what was found put in order ([`sort`](crate::sort), [`thread`](crate::thread)) | while |
//! | [`Store`], [`struct@Copy`], [`Move`], [`Expunge`] | the mailbox's flag, copy, relocate and expunge; durable when answered | through |
//! | [`Begin`], content, [`Another`], [`Commit`] | the account's append, its writes, the next message in it, its commit; a write that fails is [`Content::refused`] | through |
//! | [`Locate`], then [`Insert`] in order | opening the mailbox and finding the section, then copying from it into the append | while |
//! | [`Abandoned`] | dropping the message that was begun | |
//!
//! *While* the client is there: if it goes, the work is dropped and so is the session. *Through*: what was
//! begun is ended, whatever the client does.
//!
//! What fails is told by kind ([`Failed`](crate::types::Failed)), the rest is for the driver's log.
//!
//! Before the first step the driver fills in [`Session::facts_mut`]: addresses, TLS, whether the connection is
//! secured. After a [`Layer::Tls`](mailcore_base::wire::Layer) was put up it fills in the TLS facts.
//!
//! While [`Session::watching`] says up to when the session knows its mailbox, the driver races each read against
//! the mailbox's `changed(known)` and gives notice of it ([`Session::notice`]).

mod capability;
mod command;
mod decide;
mod earlier;
mod ends;
mod facts;
mod finish;
mod follow;
mod found;
mod options;
mod question;
mod remaining;
mod session;
mod state;
mod step;
mod tell;
mod turn;
mod updates;
pub mod view;

pub use ends::Ended;
pub use facts::Facts;
pub use options::{Limits, Mechanism, Options};
pub use question::{
    Abandoned, Another, Ask, Authenticate, Begin, Bytes, Close, Commit, Copy, Create, Delete,
    Describe, Exchange, Expunge, Expunged, Extent, Insert, List, Locate, Located, Login, Measure,
    Move, Question, Records, Referral, Refusal, Rename, Respond, Search, Select, Sort, Status,
    Store, Subscribe, Subscriptions, Sync, Thread, Welcome,
};
pub use session::Session;
pub use step::{Content, Step};
