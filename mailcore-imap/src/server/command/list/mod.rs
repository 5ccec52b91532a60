//! LIST (RFC 3501 §6.3.8, RFC 3348 CHILDREN, RFC 5258 LIST-EXTENDED, RFC 5819 LIST-STATUS, RFC 6154 SPECIAL-USE), page
//! by page: however many mailboxes there are, a page of them is held.

mod subscribed;
mod wanted;

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::question::{self, Answer, List, Subscriptions, Want};
use crate::server::turn::{Command, Next, Once, Out, Reply, Turn};
use crate::types::{Failed, Listed};
use crate::write;
use mailcore_base::mailbox::{MailboxName, Pattern};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use subscribed::Subscribed;
use wanted::Wanted;

/// Mailboxes asked for at a time.
const PAGE: usize = 200;
/// Most patterns of one command.
const PATTERNS: usize = 64;

/// ```text
///   Subscriptions ──► Scout, page by page ──► Ask ──page──► Write ──page full──► Ask …
///   (if asked for)    (if what lies above                     ├─► Status ──► Write …
///                      special uses is asked for)             └── last page ──► Over
/// ```
#[derive(Debug)]
struct Run {
    patterns: Vec<Pattern>,
    wanted: Wanted,
    subscribed: Subscribed,
    after: Option<MailboxName>,
    page: VecDeque<Entry>,
    at: At,
    /// That was the last page.
    last: bool,
}

/// A name that may be told.
#[derive(Debug)]
struct Entry {
    listed: Listed,
    /// Selected itself, not for one below it.
    selected: bool,
}

#[derive(Debug, Clone)]
enum At {
    Subscriptions,
    Scout,
    Ask,
    Write,
    Status(MailboxName),
    Failed(Failed),
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at).map_err(|_| INVALID_REFERENCE)?;
    let mut wanted = Wanted::PLAIN;
    if at.peek() == Some(b'(') {
        wanted.select(at)?;
    }
    let reference = at.astring().map_err(|_| INVALID_REFERENCE)?.into_owned();
    at.space().map_err(|_| INVALID_PATTERN)?;
    let several = at.peek() == Some(b'(');
    let patterns = patterns(at)?;
    if several {
        wanted.extend();
    }
    if !at.rest().is_empty() {
        at.space()?;
        wanted.returned(at)?;
    }
    if wanted.status.is_some_and(|items| items.tell_modseqs()) {
        turn.enable_condstore();
    }
    let separator = turn.state.separator();
    if !several && !wanted.extended && patterns.iter().all(Vec::is_empty) {
        write_root(turn, &reference);
        return Ok(Once::reply(Reply::ok("List completed")));
    }
    // What is no name matches none.
    let patterns: Vec<Pattern> = patterns
        .iter()
        .filter_map(|pattern| joined(&reference, pattern, separator))
        .collect();
    if patterns.is_empty() {
        return Ok(Once::reply(Reply::ok("List completed")));
    }
    let mut run = Run {
        patterns,
        wanted,
        subscribed: Subscribed::default(),
        after: None,
        page: VecDeque::new(),
        at: At::Subscriptions,
        last: false,
    };
    if !wanted.subscribed {
        run.begin();
    }
    Ok(Box::new(run))
}

/// One pattern, or several in parentheses (RFC 5258 §3).
fn patterns(at: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, Wrong> {
    if at.peek() != Some(b'(') {
        let pattern = at.list_mailbox().map_err(|_| INVALID_PATTERN)?;
        return Ok(vec![pattern.into_owned()]);
    }
    let patterns =
        at.list(|at| Ok(at.list_mailbox().map_err(|_| INVALID_PATTERN)?.into_owned()))?;
    match patterns.len() > PATTERNS {
        true => Err("Too many patterns".into()),
        false => Ok(patterns),
    }
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

impl Run {
    /// Subscriptions are known, where they are wanted.
    fn begin(&mut self) {
        self.at = At::Ask;
        if self.wanted.recursive && self.wanted.special_only {
            self.at = At::Scout;
        } else if self.wanted.recursive {
            self.subscribed.select_all();
        }
    }

    /// Whether the options select this name, whatever the patterns say.
    fn selects(&self, listed: &Listed) -> bool {
        (!self.wanted.special_only || listed.special.is_some())
            && (!self.wanted.subscribed_only || self.subscribed.contains(&listed.name))
    }

    /// A page has come: with the names that are told besides, in the order of names.
    fn turn_page(&mut self, page: Vec<Listed>) {
        // A page that does not go on from the last name would be asked for again and again.
        let stuck = page.last().map(|one| &one.name) <= self.after.as_ref();
        self.last = page.len() < PAGE || stuck;
        let end = page.last().map(|one| one.name.clone());
        if matches!(self.at, At::Scout) {
            for listed in &page {
                if self.selects(listed) {
                    self.subscribed.select(&listed.name);
                }
            }
            (self.at, self.after) = match self.last {
                true => (At::Ask, None),
                false => (At::Scout, end),
            };
            return;
        }
        let upto = end.as_ref().filter(|_| !self.last);
        let mut names: BTreeMap<MailboxName, Listed> = BTreeMap::new();
        if self.wanted.subscribed_only || self.wanted.recursive {
            for name in self.subscribed.between(self.after.as_ref(), upto) {
                let mut absent = Listed::new(name.clone());
                absent.selectable = false;
                names.insert(name, absent);
            }
        }
        names.extend(page.into_iter().map(|one| (one.name.clone(), one)));
        self.after = end.or_else(|| self.after.take());
        self.page = names
            .into_values()
            .map(|listed| Entry {
                selected: self.selects(&listed),
                listed,
            })
            .collect();
        self.at = At::Write;
    }

    fn write(&mut self, turn: &mut Turn<'_>) -> Next {
        let separator = turn.state.separator();
        while !turn.out.full() {
            let Some(entry) = self.page.pop_front() else {
                if self.last {
                    return Next::Reply(Reply::ok("List completed"));
                }
                self.at = At::Ask;
                break;
            };
            let name = &entry.listed.name;
            let above = self.wanted.recursive && self.subscribed.is_above(name);
            let told = entry.selected || above;
            if !told || !self.patterns.iter().any(|pattern| pattern.matches(name)) {
                continue;
            }
            let subscribed = self.wanted.subscribed && self.subscribed.contains(name);
            let marks = Marks { subscribed, above };
            if write_listed(turn.out, &entry.listed, self.wanted, marks, separator)
                && self.wanted.status.is_some()
                && entry.selected
                && entry.listed.selectable
            {
                self.at = At::Status(entry.listed.name);
                break;
            }
        }
        Next::More
    }

    /// What became of a STATUS; where there is none, the client is told why (RFC 5819 §2).
    fn status(&self, status: Result<crate::types::Status, Failed>, turn: &mut Turn<'_>) {
        let (At::Status(name), Some(items)) = (&self.at, &self.wanted.status) else {
            return;
        };
        let shown = turn.shown(name);
        match status {
            Ok(status) => items.write(turn, name, shown.as_bytes(), status),
            Err(failed) => {
                let reply = Reply::failed_at(failed, "", &shown);
                turn.out.say("* NO ");
                turn.out.say(&reply.text);
                turn.out.say("\r\n");
            }
        }
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Subscriptions => Next::Ask(Want::Subscriptions(Subscriptions)),
            At::Scout | At::Ask => Next::Ask(Want::List(List {
                after: self.after.clone(),
                limit: PAGE,
            })),
            At::Write => self.write(turn),
            At::Status(name) => Next::Ask(Want::Status(question::Status { name: name.clone() })),
            At::Failed(failed) => Next::Reply(Reply::failed(*failed)),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match answer {
            Answer::Names(Ok(names)) => {
                self.subscribed = Subscribed::new(names);
                self.begin();
            }
            Answer::Listed(Ok(page)) => self.turn_page(page),
            Answer::Status(status) => {
                self.status(status, turn);
                self.at = At::Write;
            }
            Answer::Listed(Err(failed)) | Answer::Names(Err(failed)) => {
                self.at = At::Failed(failed);
            }
            _ => {}
        }
    }
}

/// What is told of a name besides what it is.
#[derive(Debug, Clone, Copy)]
struct Marks {
    subscribed: bool,
    /// Something below it is selected.
    above: bool,
}

/// Writes a line; whether the name can be said at all.
fn write_listed(
    out: &mut Out,
    one: &Listed,
    wanted: Wanted,
    marks: Marks,
    separator: char,
) -> bool {
    // A name that holds the separator within a component cannot be said.
    if one.name.to_utf7(separator).is_none() {
        return false;
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
        marks.subscribed.then_some("\\Subscribed"),
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
    say_name(out, &one.name, separator);
    if marks.above {
        // RFC 5258 §3.5
        out.say(match wanted.subscribed_only {
            true => " (CHILDINFO (\"SUBSCRIBED\"))",
            false => " (CHILDINFO (\"SPECIAL-USE\"))",
        });
    }
    out.say("\r\n");
    true
}

/// `) "/" name`, the end of a line of LIST or LSUB.
pub(super) fn write_name(out: &mut Out, name: &MailboxName, separator: char) {
    say_name(out, name, separator);
    out.say("\r\n");
}

fn say_name(out: &mut Out, name: &MailboxName, separator: char) {
    let mut buffer = [0; 4];
    out.say(") ");
    write::string(
        &mut out.bytes,
        separator.encode_utf8(&mut buffer).as_bytes(),
    );
    out.say(" ");
    write::mailbox(&mut out.bytes, name, separator);
}
