//! LIST (RFC 3501 §6.3.8, RFC 3348 CHILDREN, RFC 6154 SPECIAL-USE), page by page.

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::question::{Answer, List, Want};
use crate::server::turn::{Command, Next, Once, Out, Reply, Turn};
use crate::types::{Failed, Listed};
use crate::write;
use mailcore_base::mailbox::{MailboxName, Pattern};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Mailboxes asked for at a time.
const PAGE: usize = 200;

/// ```text
///   Ask ──page──► Write ──page full──► Ask …
///                   └── last page ──► Over
/// ```
#[derive(Debug)]
struct Run {
    pattern: Pattern,
    wanted: Wanted,
    after: Option<MailboxName>,
    page: VecDeque<Listed>,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Ask,
    Write { last: bool },
    Failed(Failed),
}

/// What of mailboxes is told, and of which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    /// In the words of LIST-EXTENDED.
    extended: bool,
    /// Those with a special use alone.
    special_only: bool,
    special: bool,
    children: bool,
}

impl Wanted {
    /// What a plain LIST tells.
    const PLAIN: Self = Self {
        extended: false,
        special_only: false,
        special: true,
        children: true,
    };
    const NOTHING: Self = Self {
        extended: true,
        special_only: false,
        special: false,
        children: false,
    };

    /// Of RFC 5258 only what RFC 6154 §2 asks for where it is not there itself.
    fn select(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        *self = Self::NOTHING;
        at.list(|at| match at.keyword()?.as_str() {
            "SPECIAL-USE" => {
                (self.special_only, self.special) = (true, true);
                Ok(())
            }
            "REMOTE" => Ok(()),
            _ => Err("Unknown select options".into()),
        })?;
        at.space()
    }

    fn returned(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        if !at.word("RETURN") || at.space().is_err() || at.peek() != Some(b'(') {
            return Err("Extra arguments".into());
        }
        if !self.extended {
            *self = Self::NOTHING;
        }
        at.list(|at| match at.keyword()?.as_str() {
            "SPECIAL-USE" => {
                self.special = true;
                Ok(())
            }
            "CHILDREN" => {
                self.children = true;
                Ok(())
            }
            _ => Err("Unknown return options".into()),
        })?;
        at.end()
    }
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at).map_err(|_| INVALID_REFERENCE)?;
    let mut wanted = Wanted::PLAIN;
    if at.peek() == Some(b'(') {
        wanted.select(at)?;
    }
    let (reference, pattern) = names(at)?;
    if !at.rest().is_empty() {
        at.space()?;
        wanted.returned(at)?;
    }
    let separator = turn.state.separator();
    if pattern.is_empty() {
        write_root(turn, &reference);
        return Ok(Once::reply(Reply::ok("List completed")));
    }
    Ok(match joined(&reference, &pattern, separator) {
        Some(pattern) => Box::new(Run {
            pattern,
            wanted,
            after: None,
            page: VecDeque::new(),
            at: At::Ask,
        }),
        // What is no name matches none.
        None => Once::reply(Reply::ok("List completed")),
    })
}

const INVALID_REFERENCE: Wrong = Wrong(Cow::Borrowed("Invalid reference"));
const INVALID_PATTERN: Wrong = Wrong(Cow::Borrowed("Invalid pattern"));

/// Reference and pattern alone, in modified UTF-7.
pub(super) fn arguments(at: &mut Cursor<'_>) -> Result<(Vec<u8>, Vec<u8>), Wrong> {
    first(at).map_err(|_| INVALID_REFERENCE)?;
    let names = names(at)?;
    at.end().map_err(|_| Wrong::from("Extra arguments"))?;
    Ok(names)
}

fn names(at: &mut Cursor<'_>) -> Result<(Vec<u8>, Vec<u8>), Wrong> {
    let reference = at.astring().map_err(|_| INVALID_REFERENCE)?.into_owned();
    at.space().map_err(|_| INVALID_PATTERN)?;
    let pattern = at.list_mailbox().map_err(|_| INVALID_PATTERN)?;
    Ok((reference, pattern.into_owned()))
}

/// Reference and pattern as one pattern: what stands behind the other (RFC 3501 §6.3.8).
pub(super) fn joined(reference: &[u8], pattern: &[u8], separator: char) -> Option<Pattern> {
    Pattern::parse_utf7(&[reference, pattern].concat(), separator).ok()
}

/// RFC 3501 §6.3.8: an empty pattern asks for the separator and the root of the reference.
fn write_root(turn: &mut Turn<'_>, reference: &[u8]) {
    let separator = turn.state.separator();
    let mut buffer = [0; 4];
    let mark = separator.encode_utf8(&mut buffer).as_bytes();
    let root = memchr::memmem::find(reference, mark)
        .and_then(|at| reference.get(..at + mark.len()))
        .unwrap_or_default();
    turn.out.say("* LIST (\\Noselect) ");
    write::string(&mut turn.out.bytes, mark);
    turn.out.say(" ");
    write::astring(&mut turn.out.bytes, root);
    turn.out.say("\r\n");
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match self.at {
            At::Ask => Next::Ask(Want::List(List {
                after: self.after.clone(),
                limit: PAGE,
            })),
            At::Write { last } => {
                let separator = turn.state.separator();
                while !turn.out.full() {
                    let Some(one) = self.page.pop_front() else {
                        if last {
                            return Next::Reply(Reply::ok("List completed"));
                        }
                        self.at = At::Ask;
                        break;
                    };
                    let special = one.special.is_some() || !self.wanted.special_only;
                    if special && self.pattern.matches(&one.name) {
                        write_listed(turn.out, &one, self.wanted, separator);
                    }
                    self.after = Some(one.name);
                }
                Next::More
            }
            At::Failed(failed) => Next::Reply(Reply::failed(failed)),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        self.at = match answer {
            Answer::Listed(Ok(page)) => {
                // A page that does not go on from the last name would be asked for again and again.
                let stuck = page.last().map(|one| &one.name) <= self.after.as_ref();
                let last = page.len() < PAGE || stuck;
                self.page = page.into();
                At::Write { last }
            }
            Answer::Listed(Err(failed)) => At::Failed(failed),
            _ => return,
        };
    }
}

fn write_listed(out: &mut Out, one: &Listed, wanted: Wanted, separator: char) {
    // A name that holds the separator within a component cannot be said.
    if one.name.to_utf7(separator).is_none() {
        return;
    }
    let unselectable = match wanted.extended {
        true => "\\NonExistent",
        false => "\\Noselect",
    };
    let children = match one.children {
        true => "\\HasChildren",
        false => "\\HasNoChildren",
    };
    let marked = one.marked.map(|marked| match marked {
        true => "\\Marked",
        false => "\\UnMarked",
    });
    let special = one.special.map(|special| special.attribute());
    let words = [
        (!one.selectable).then_some(unselectable),
        wanted.children.then_some(children),
        marked,
        special.filter(|_| wanted.special),
    ];
    out.say("* LIST (");
    for (n, word) in words.into_iter().flatten().enumerate() {
        if n > 0 {
            out.say(" ");
        }
        out.say(word);
    }
    write_name(out, &one.name, separator);
}

/// `) "/" name`, the end of a line of LIST or LSUB.
pub(super) fn write_name(out: &mut Out, name: &MailboxName, separator: char) {
    let mut buffer = [0; 4];
    out.say(") ");
    write::string(
        &mut out.bytes,
        separator.encode_utf8(&mut buffer).as_bytes(),
    );
    out.say(" ");
    write::mailbox(&mut out.bytes, name, separator);
    out.say("\r\n");
}
