//! SEARCH, SORT and their UID forms (RFC 3501 §6.4.4, RFC 5256 §3), told in the old way or as asked for by RETURN
//! (RFC 4731, RFC 5182, RFC 5267). What was found is given once and written gradually.

mod told;

use super::{Opened, first};
use crate::parse::order::order;
use crate::parse::returned::Returned;
use crate::parse::search::{Unsearchable, parse, parse_within};
use crate::parse::{Cursor, Wrong};
use crate::server::finish::Finish;
use crate::server::found::Found;
use crate::server::question::{Answer, Records, Search, Sort, Want};
use crate::server::remaining::Remaining;
use crate::server::state::Selected;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::updates::Update;
use crate::server::view::Permit;
use crate::sort::Criterion;
use crate::types::{Failed, Fields, Row};
use mailcore_base::mailbox::{ModSeq, UidSet};
use mailcore_base::search::{Key, Query};
use std::sync::Arc;
use told::Told;

/// Messages whose modification sequences are looked up at a time.
const BATCH: usize = 1000;

/// ```text
///   Ask ──found──► (Weigh ──rows… ──►) Tell ──► Over
/// ```
#[derive(Debug)]
struct Run {
    search: Search,
    /// By what the messages are ordered (SORT).
    order: Option<Arc<[Criterion]>>,
    returned: Option<Returned>,
    by_uid: bool,
    /// To which the result is an answer, where one is named.
    tag: Vec<u8>,
    /// The highest modification sequence of those found, where the client looks for such.
    highest: Option<ModSeq>,
    at: At,
}

#[derive(Debug)]
enum At {
    Ask,
    /// What was found, and of how many its modification sequence is still to be looked up.
    Weigh(Found, Remaining),
    Tell(Told),
    Failed(Failed),
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true)
}

pub(super) fn sort_by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open_sort(at, turn, false)
}

pub(super) fn sort_by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open_sort(at, turn, true)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, by_uid: bool) -> Opened {
    first(at).map_err(|_| Wrong::from("Missing search parameters"))?;
    let returned = returned(at, turn)?;
    let deep = turn.options.limits.nesting;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let query = parse(at, selected, deep);
    run(query, None, returned, turn, by_uid)
}

fn open_sort(at: &mut Cursor<'_>, turn: &mut Turn<'_>, by_uid: bool) -> Opened {
    first(at).map_err(|_| Wrong::from("Invalid sort argument"))?;
    let returned = returned(at, turn)?;
    let order = order(at)?.into();
    at.space()
        .map_err(|_| Wrong::from("Invalid charset argument"))?;
    let deep = turn.options.limits.nesting;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let query = parse_within(at, selected, deep);
    run(query, Some(order), returned, turn, by_uid)
}

fn returned(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Result<Option<Returned>, Wrong> {
    let returned = Returned::parse(at)?;
    let tag = turn.tag;
    if returned.is_some_and(|returned| returned.update)
        && turn.selected().is_some_and(|s| s.updates.has(tag))
    {
        // RFC 5267 §4.3: the tag is the name of what is kept up to date.
        return Err("Duplicate search update tag".into());
    }
    Ok(returned)
}

fn run(
    query: Result<Query, Unsearchable>,
    order: Option<Arc<[Criterion]>>,
    returned: Option<Returned>,
    turn: &mut Turn<'_>,
    by_uid: bool,
) -> Opened {
    let query = match query {
        Ok(query) => Arc::new(query),
        Err(Unsearchable::Wrong(wrong)) => return Err(wrong),
        Err(Unsearchable::Charset) => {
            forget(turn, returned);
            return Ok(unknown_charset());
        }
    };
    let highest = looks_for_modseqs(&query, turn)?.then_some(ModSeq(0));
    let tag = turn.tag.to_vec();
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let within = selected.view.all();
    Ok(Box::new(Run {
        search: Search { query, within },
        order,
        returned,
        by_uid,
        tag,
        highest,
        at: At::Ask,
    }))
}

/// The command for a charset that is not known.
pub(super) fn unknown_charset() -> Box<dyn Command> {
    Once::reply(Reply::no("[BADCHARSET] Unknown charset"))
}

/// RFC 5182 §2.1: a search that should have saved its result and failed has saved nothing.
fn forget(turn: &mut Turn<'_>, returned: Option<Returned>) {
    if returned.is_some_and(|returned| returned.save)
        && let Some(selected) = turn.selected()
    {
        selected.saved = UidSet::new();
    }
}

/// Whether the client looks for modification sequences, and so is told of them from now on (RFC 7162 §3.1).
pub(super) fn looks_for_modseqs(query: &Query, turn: &mut Turn<'_>) -> Result<bool, Wrong> {
    let looks = query.keys().any(|key| matches!(key, Key::ModSeq(_)));
    if looks {
        turn.condstore("SEARCH MODSEQ")?;
    }
    Ok(looks)
}

impl Run {
    fn permit(&self) -> Permit {
        // RFC 3501 §7.4.1: no expunges with an answer that goes by numbers.
        match self.by_uid {
            true => Permit::All,
            false => Permit::NoExpunge,
        }
    }

    fn found(&mut self, found: Found, turn: &mut Turn<'_>) {
        let mut refused = false;
        if let (Some(returned), Some(selected)) = (self.returned, turn.selected()) {
            if returned.save {
                selected.saved = chosen(&found, Some(returned));
            }
            refused = returned.update && !self.keep(&found, selected);
        }
        if refused {
            // RFC 5267 §4.3.1
            turn.out.say("* NO [NOUPDATE \"");
            turn.out.bytes.extend_from_slice(&self.tag);
            turn.out.say("\"]\r\n");
        }
        let sorted = self.order.is_some();
        // RFC 7162 §3.1.5: never where nothing was found.
        let highest = self.highest.filter(|highest| highest.0 > 0);
        self.at = At::Tell(match self.returned {
            Some(returned) => Told::returned(found, returned, &self.tag, self.by_uid, highest),
            None => Told::plain(found, sorted, highest),
        });
    }

    /// Has the client told of every change of this result; whether there was room for it.
    fn keep(&self, found: &Found, selected: &mut Selected) -> bool {
        let room = !selected.updates.is_full();
        if room {
            selected.updates.add(Update {
                tag: self.tag.clone(),
                by_uid: self.by_uid,
                query: Arc::clone(&self.search.query),
                found: found.set(),
            });
        }
        room
    }
}

/// What is saved, and whose modification sequences count (RFC 4731 §3.2): the ends alone, where only they are told.
fn chosen(found: &Found, returned: Option<Returned>) -> UidSet {
    let Some(ends) = returned.filter(|returned| returned.saves_ends_alone()) else {
        return found.set();
    };
    let min = found.first().filter(|_| ends.min);
    let max = found.last().filter(|_| ends.max);
    min.into_iter().chain(max).collect()
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        let permit = Some(self.permit());
        let (by_uid, sorted) = (self.by_uid, self.order.is_some());
        match &mut self.at {
            At::Ask => {
                let search = self.search.clone();
                Next::Ask(match self.order.clone() {
                    Some(order) => Want::Sort(Sort { search, order }),
                    None => Want::Search(search),
                })
            }
            At::Weigh(found, left) => {
                let uids = left.batch(BATCH);
                if uids.is_empty() {
                    let found = std::mem::replace(found, Found::Order(Vec::new()));
                    self.found(found, turn);
                    return Next::More;
                }
                let fields = Fields::FLAGS;
                Next::Ask(Want::Records(Records { uids, fields }))
            }
            At::Tell(told) => {
                let Some(selected) = turn.state.selected.as_deref() else {
                    return Next::Close;
                };
                if !told.write(turn.out, &selected.view, by_uid) {
                    return Next::More;
                }
                let reply = Reply::ok(match sorted {
                    true => "Sort completed",
                    false => "Search completed",
                });
                Next::Done(Finish::new(reply, permit))
            }
            At::Failed(failed) => Next::Done(Finish::new(Reply::failed(*failed), permit)),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        // Only what was asked about: the answer is not the client's to bound.
        let within = &self.search.within;
        let found = match answer {
            Answer::Uids(found) => found.map(|found| Found::Set(found.intersection(within))),
            Answer::Ordered(found) => found.map(|mut found| {
                found.retain(|uid| within.contains(*uid));
                Found::Order(found)
            }),
            Answer::NoRows(failed) => Err(failed),
            _ => return,
        };
        match (found, self.highest) {
            (Ok(found), Some(_)) => {
                let left = Remaining::from(&chosen(&found, self.returned));
                self.at = At::Weigh(found, left);
            }
            (Ok(found), None) => self.found(found, turn),
            (Err(failed), _) => {
                forget(turn, self.returned);
                self.at = At::Failed(failed);
            }
        }
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
