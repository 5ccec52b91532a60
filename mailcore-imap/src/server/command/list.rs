//! LIST (RFC 3501 §6.3.8, RFC 3348 CHILDREN, RFC 6154 SPECIAL-USE), page by page.

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::question::{Answer, List, Want};
use crate::server::turn::{Command, Next, Once, Out, Reply, Turn};
use crate::types::{Failed, Listed};
use crate::write;
use mailcore_base::mailbox::{MailboxName, Pattern};
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

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    if at.peek() == Some(b'(') {
        return Err("Unknown selection options".into());
    }
    let (reference, pattern) = arguments(at)?;
    let separator = turn.state.separator();
    if pattern.is_empty() {
        write_root(turn, &reference);
        return Ok(Once::reply(Reply::ok("List completed")));
    }
    Ok(match joined(&reference, &pattern, separator) {
        Some(pattern) => Box::new(Run {
            pattern,
            after: None,
            page: VecDeque::new(),
            at: At::Ask,
        }),
        // What is no name matches none.
        None => Once::reply(Reply::ok("List completed")),
    })
}

/// Reference and pattern, in modified UTF-7.
pub(super) fn arguments(at: &mut Cursor<'_>) -> Result<(Vec<u8>, Vec<u8>), Wrong> {
    let reference = at.astring()?.into_owned();
    at.space()?;
    let pattern = at.list_mailbox()?.into_owned();
    at.end()?;
    Ok((reference, pattern))
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
                    if self.pattern.matches(&one.name) {
                        write_listed(turn.out, &one, separator);
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

fn write_listed(out: &mut Out, one: &Listed, separator: char) {
    // A name that holds the separator within a component cannot be said.
    if one.name.to_utf7(separator).is_none() {
        return;
    }
    out.say("* LIST (");
    if !one.selectable {
        out.say("\\Noselect ");
    }
    out.say(if one.children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    });
    match one.marked {
        Some(true) => out.say(" \\Marked"),
        Some(false) => out.say(" \\UnMarked"),
        None => {}
    }
    if let Some(special) = one.special {
        out.say(" ");
        out.say(special.attribute());
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
