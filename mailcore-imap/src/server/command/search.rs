//! SEARCH and UID SEARCH (RFC 3501 §6.4.4). The set that was found is given once and written gradually.

use super::{Opened, first};
use crate::parse::search::{Numbered, Unsearchable, parse};
use crate::parse::{Cursor, Wrong};
use crate::server::finish::Finish;
use crate::server::question::{Answer, Records, Search, Want};
use crate::server::remaining::Remaining;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::view::{Permit, View};
use crate::types::{Failed, Fields, Row, SequenceSet};
use crate::write;
use mailcore_base::mailbox::{ModSeq, UidSet};
use mailcore_base::search::Key;
use std::sync::Arc;

/// Messages whose modification sequences are looked up at a time.
const BATCH: usize = 1000;

/// ```text
///   Ask ──found──► (Weigh ──rows… ──►) Write ──► Over
/// ```
#[derive(Debug)]
struct Run {
    search: Search,
    by_uid: bool,
    at: At,
    /// The highest modification sequence of those found, where the client looks for such.
    highest: Option<ModSeq>,
}

#[derive(Debug)]
enum At {
    Ask,
    /// What was found, and of how many its modification sequence is still to be looked up.
    Weigh(UidSet, Remaining),
    Found(UidSet),
    Write(Remaining),
    Failed(Failed),
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, by_uid: bool) -> Opened {
    first(at).map_err(|_| Wrong::from("Missing search parameters"))?;
    let deep = turn.options.limits.nesting;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let query = match parse(at, &selected.view, deep) {
        Ok(query) => Arc::new(query),
        Err(Unsearchable::Wrong(wrong)) => return Err(wrong),
        Err(Unsearchable::Charset) => {
            return Ok(Once::reply(Reply::no("[BADCHARSET] Unknown charset")));
        }
    };
    let within = selected.view.all();
    let modseqs = query.keys().any(|key| matches!(key, Key::ModSeq(_)));
    if modseqs {
        turn.condstore("SEARCH MODSEQ")?;
    }
    Ok(Box::new(Run {
        search: Search { query, within },
        by_uid,
        at: At::Ask,
        highest: modseqs.then_some(ModSeq(0)),
    }))
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        // RFC 3501 §7.4.1: no expunges with the answer to a SEARCH by numbers.
        let permit = Some(match self.by_uid {
            true => Permit::All,
            false => Permit::NoExpunge,
        });
        match &mut self.at {
            At::Ask => Next::Ask(Want::Search(self.search.clone())),
            At::Weigh(found, left) => {
                let uids = left.batch(BATCH);
                if uids.is_empty() {
                    self.at = At::Found(std::mem::take(found));
                    return Next::More;
                }
                let fields = Fields::FLAGS;
                Next::Ask(Want::Records(Records { uids, fields }))
            }
            At::Found(found) => {
                turn.out.say("* SEARCH");
                self.at = At::Write(Remaining::from(&*found));
                Next::More
            }
            At::Write(left) => {
                let Some(selected) = turn.state.selected.as_deref() else {
                    return Next::Close;
                };
                while !turn.out.full() {
                    let Some(uid) = left.next() else {
                        // RFC 7162 §3.1.6: never where nothing was found.
                        if let Some(highest) = self.highest.filter(|highest| highest.0 > 0) {
                            turn.out.say(&format!(" (MODSEQ {highest})"));
                        }
                        turn.out.say("\r\n");
                        let reply = Reply::ok("Search completed");
                        return Next::Done(Finish::new(reply, permit));
                    };
                    let number = match self.by_uid {
                        true => Some(uid.number()),
                        false => selected.view.number(uid),
                    };
                    if let Some(number) = number {
                        turn.out.bytes.push(b' ');
                        write::number(&mut turn.out.bytes, u64::from(number));
                    }
                }
                Next::More
            }
            At::Failed(failed) => Next::Done(Finish::new(Reply::failed(*failed), permit)),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        self.at = match answer {
            // Only what was asked about: the answer is not the client's to bound.
            Answer::Uids(Ok(found)) => {
                let found = found.intersection(&self.search.within);
                match self.highest {
                    Some(_) => At::Weigh(found.clone(), Remaining::from(&found)),
                    None => At::Found(found),
                }
            }
            Answer::Uids(Err(failed)) | Answer::NoRows(failed) => At::Failed(failed),
            _ => return,
        };
    }

    fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, _turn: &mut Turn<'_>) {
        let At::Weigh(_, left) = &mut self.at else {
            return;
        };
        if let Some(last) = left.batch(BATCH).last() {
            left.done_through(last);
        }
        self.highest = self.highest.max(rows.map(|row| row.modseq).max());
    }
}

impl Numbered for View {
    fn numbers(&self, set: &SequenceSet) -> UidSet {
        let exists = self.exists();
        let known = set.ranges().filter_map(|(a, b)| {
            let (a, b) = (a.unwrap_or(exists), b.unwrap_or(exists));
            let (low, high) = (a.min(b), a.max(b).min(exists));
            (low <= high && low > 0).then_some((Some(low), Some(high)))
        });
        View::numbers(self, known).unwrap_or_default()
    }

    fn uids(&self, set: &SequenceSet) -> UidSet {
        View::uids(self, set.ranges())
    }

    fn recent(&self) -> UidSet {
        self.all()
            .iter()
            .filter(|uid| self.is_recent(*uid))
            .collect()
    }
}
