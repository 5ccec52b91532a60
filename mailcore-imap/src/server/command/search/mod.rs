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
use crate::server::question::{Answer, Search, Sort, Want};
use crate::server::state::Selected;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::updates::Update;
use crate::server::view::Permit;
use crate::sort::Criterion;
use crate::types::Failed;
use mailcore_base::mailbox::UidSet;
use mailcore_base::search::Query;
use std::sync::Arc;
use told::Told;

/// ```text
///   Ask ──found──► Tell ──► Over
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
    at: At,
}

#[derive(Debug)]
enum At {
    Ask,
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
    let tag = turn.tag.to_vec();
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let query = match query {
        Ok(query) => Arc::new(query),
        Err(Unsearchable::Wrong(wrong)) => return Err(wrong),
        Err(Unsearchable::Charset) => {
            forget(selected, returned);
            return Ok(unknown_charset());
        }
    };
    let within = selected.view.all();
    Ok(Box::new(Run {
        search: Search { query, within },
        order,
        returned,
        by_uid,
        tag,
        at: At::Ask,
    }))
}

/// The command for a charset that is not known.
pub(super) fn unknown_charset() -> Box<dyn Command> {
    Once::reply(Reply::no("[BADCHARSET] Unknown charset"))
}

/// RFC 5182 §2.1: a search that should have saved its result and failed has saved nothing.
fn forget(selected: &mut Selected, returned: Option<Returned>) {
    if returned.is_some_and(|returned| returned.save) {
        selected.saved = UidSet::new();
    }
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
                selected.saved = saved(&found, returned);
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
        self.at = At::Tell(match self.returned {
            Some(returned) => Told::returned(found, returned, &self.tag, self.by_uid),
            None => Told::plain(found, sorted),
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

fn saved(found: &Found, returned: Returned) -> UidSet {
    if !returned.saves_ends_alone() {
        return found.set();
    }
    let min = found.first().filter(|_| returned.min);
    let max = found.last().filter(|_| returned.max);
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
            _ => return,
        };
        match found {
            Ok(found) => self.found(found, turn),
            Err(failed) => {
                if let Some(selected) = turn.selected() {
                    forget(selected, self.returned);
                }
                self.at = At::Failed(failed);
            }
        }
    }
}
