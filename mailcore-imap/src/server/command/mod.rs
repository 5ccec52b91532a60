//! Commands, one file each, and the table by which they are found. Dispatch only.

mod append;
mod authenticate;
mod cancel_update;
mod capability;
mod close;
mod copy;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod logout;
mod lsub;
mod namespace;
mod noop;
mod rename;
mod search;
mod select;
mod starttls;
mod status;
mod store;
mod subscribe;
mod thread;

use super::turn::{Command, Turn};
use crate::parse::frame::Announced;
use crate::parse::{Cursor, Wrong};

/// Why there is no such command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mistake {
    /// The tag is none.
    Tag,
    /// No command of this name, here and now.
    Unknown,
    /// It needs a selected mailbox.
    Unselected,
    /// Its arguments are wrong.
    Wrong(Wrong),
}

impl From<Wrong> for Mistake {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// When a command may be given (RFC 3501 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    BeforeLogin,
    AfterLogin,
    Selected,
}

type Opened = Result<Box<dyn Command>, Wrong>;
type Open = fn(&mut Cursor<'_>, &mut Turn<'_>) -> Opened;

/// All commands but those that stream.
const COMMANDS: &[(&str, When, Open)] = &[
    ("AUTHENTICATE", When::BeforeLogin, authenticate::open),
    ("CANCELUPDATE", When::Selected, cancel_update::open),
    ("CAPABILITY", When::Always, capability::open),
    ("CHECK", When::Selected, noop::check),
    ("CLOSE", When::Selected, close::close),
    ("COPY", When::Selected, copy::copy),
    ("CREATE", When::AfterLogin, create::open),
    ("DELETE", When::AfterLogin, delete::open),
    ("ENABLE", When::Always, enable::open),
    ("EXAMINE", When::AfterLogin, select::examine),
    ("EXPUNGE", When::Selected, expunge::all),
    ("FETCH", When::Selected, fetch::by_number),
    ("ID", When::Always, id::open),
    ("IDLE", When::AfterLogin, idle::open),
    ("LIST", When::AfterLogin, list::open),
    ("LOGIN", When::BeforeLogin, login::open),
    ("LOGOUT", When::Always, logout::open),
    ("LSUB", When::AfterLogin, lsub::open),
    ("MOVE", When::Selected, copy::relocate),
    ("NAMESPACE", When::AfterLogin, namespace::open),
    ("NOOP", When::Always, noop::noop),
    ("RENAME", When::AfterLogin, rename::open),
    ("SEARCH", When::Selected, search::by_number),
    ("SELECT", When::AfterLogin, select::select),
    ("SORT", When::Selected, search::sort_by_number),
    ("STARTTLS", When::BeforeLogin, starttls::open),
    ("STATUS", When::AfterLogin, status::open),
    ("STORE", When::Selected, store::by_number),
    ("SUBSCRIBE", When::AfterLogin, subscribe::subscribe),
    ("THREAD", When::Selected, thread::by_number),
    ("UID COPY", When::Selected, copy::uid_copy),
    ("UID EXPUNGE", When::Selected, expunge::uid),
    ("UID FETCH", When::Selected, fetch::by_uid),
    ("UID MOVE", When::Selected, copy::uid_relocate),
    ("UID SEARCH", When::Selected, search::by_uid),
    ("UID SORT", When::Selected, search::sort_by_uid),
    ("UID STORE", When::Selected, store::by_uid),
    ("UID THREAD", When::Selected, thread::by_uid),
    ("UNSELECT", When::Selected, close::unselect),
    ("UNSUBSCRIBE", When::AfterLogin, subscribe::unsubscribe),
];

/// Opens the command of this name, the cursor standing behind the name. `streamed` is the message that it
/// announces, for those that stream one.
pub(super) fn open(
    name: &str,
    at: &mut Cursor<'_>,
    streamed: Option<Announced>,
    turn: &mut Turn<'_>,
) -> Result<Box<dyn Command>, Mistake> {
    let known = turn.state.account.is_some();
    if name == "APPEND" && known {
        return Ok(append::open(at, streamed, turn)?);
    }
    let found = COMMANDS.iter().find(|(known, ..)| *known == name);
    let (_, when, open) = found.ok_or(Mistake::Unknown)?;
    match when {
        When::BeforeLogin if known => return Err(Mistake::Unknown),
        When::AfterLogin | When::Selected if !known => return Err(Mistake::Unknown),
        When::Selected if turn.state.selected.is_none() => return Err(Mistake::Unselected),
        _ => {}
    }
    Ok(open(at, turn)?)
}

/// Whether the literal announced at the end of this command so far is a message to be streamed.
pub(super) fn streams(name: &str, text: &[u8]) -> bool {
    name == "APPEND" && append::at_message(text)
}

/// The space in front of the first argument, or that there is none.
fn first(at: &mut Cursor<'_>) -> Result<(), Wrong> {
    at.space()
}
