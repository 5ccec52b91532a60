//! Telling the client how the results of its searches have changed (RFC 5267 §4.3), along with the changes of the
//! mailbox: what was expunged leaves them in front of its EXPUNGE, while its number still holds; what came or was
//! changed is looked at behind the news of it.

use super::found::{Found, Names, Ranges};
use super::question::Search;
use super::state::Selected;
use super::turn::Out;
use super::updates::Update;
use crate::types::Failed;
use crate::write;
use mailcore_base::mailbox::{Changes, UidSet};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most ranges in one line.
const RANGES: usize = 64;

/// What is to be told of searches.
///
/// ```text
///   leave ──► lines ──► (news) ──► look ──found──► lines ──► look … ──► none
/// ```
#[derive(Debug)]
pub(super) struct Follow {
    /// Messages that have come.
    came: UidSet,
    /// Messages whose flags were changed.
    flagged: UidSet,
    /// The search that is looked after next.
    place: usize,
    /// Among which it was asked what matches.
    looked: UidSet,
    lines: VecDeque<Line>,
}

#[derive(Debug)]
struct Line {
    /// Up to the ranges.
    head: Vec<u8>,
    by_uid: bool,
    ranges: Ranges,
}

impl Follow {
    /// What `changes` mean to searches, while the view does not have them yet; nothing, if there are no searches.
    pub(super) fn new(selected: &Selected, changes: &Changes) -> Option<Box<Self>> {
        if selected.updates.is_empty() {
            return None;
        }
        let came = changes.now.uids.set().difference(&selected.view.all());
        // By UID already, as a rule, so that each is added at the end.
        let flagged = changes.flagged.iter().map(|(uid, ..)| *uid).collect();
        Some(Box::new(Self {
            came,
            flagged,
            place: 0,
            looked: UidSet::new(),
            lines: VecDeque::new(),
        }))
    }

    /// The client is about to be told of all expunges.
    pub(super) fn leave(&mut self, selected: &mut Selected) {
        for (place, left) in selected.updates.forget(&selected.view.gone()) {
            if let Some(update) = selected.updates.get(place) {
                self.lines.extend(line(update, "REMOVEFROM", left));
            }
        }
    }

    /// The next search whose result may be another one now.
    pub(super) fn look(&mut self, selected: &Selected) -> Option<Search> {
        while let Some(update) = selected.updates.get(self.place) {
            let mut looked = self.came.clone();
            if update.hangs_on_flags() {
                looked = looked.union(&self.flagged);
            }
            self.looked = looked
                .intersection(&selected.view.all())
                .difference(&selected.view.gone());
            if !self.looked.is_empty() {
                return Some(Search {
                    query: Arc::clone(&update.query),
                    within: self.looked.clone(),
                });
            }
            self.place += 1;
        }
        None
    }

    /// Which of the messages that were looked at match.
    pub(super) fn learn(
        &mut self,
        found: Result<UidSet, Failed>,
        selected: &mut Selected,
        out: &mut Out,
    ) {
        let Ok(found) = found else {
            // What the client knows would be wrong from now on (RFC 5267 §4.3.1).
            if let Some(update) = selected.updates.remove(self.place) {
                out.say("* NO [NOUPDATE \"");
                out.bytes.extend_from_slice(&update.tag);
                out.say("\"]\r\n");
            }
            return;
        };
        if let Some(update) = selected.updates.get_mut(self.place) {
            let (left, came) = update.learn(&self.looked, &found);
            self.lines.extend(line(update, "REMOVEFROM", left));
            self.lines.extend(line(update, "ADDTO", came));
        }
        self.place += 1;
    }

    /// Writes what there is room for; whether all is written.
    pub(super) fn write(&mut self, out: &mut Out, selected: &Selected) -> bool {
        while !out.full() {
            let Some(line) = self.lines.front_mut() else {
                return true;
            };
            if !line.write(out, Names::new(line.by_uid, &selected.view)) {
                self.lines.pop_front();
            }
        }
        false
    }
}

/// What is to be said, if anything.
fn line(update: &Update, verb: &str, uids: UidSet) -> Option<Line> {
    let mut head = b"* ESEARCH (TAG \"".to_vec();
    head.extend_from_slice(&update.tag);
    head.extend_from_slice(if update.by_uid { b"\") UID " } else { b"\") " });
    head.extend_from_slice(verb.as_bytes());
    // RFC 5267 §4.3.3: a result without an order has no places.
    head.extend_from_slice(b" (0 ");
    (!uids.is_empty()).then(|| Line {
        head,
        by_uid: update.by_uid,
        ranges: Ranges::new(Found::Set(uids)),
    })
}

impl Line {
    /// Writes as many ranges as go into one line; whether there were any.
    fn write(&mut self, out: &mut Out, names: Names<'_>) -> bool {
        let Some((low, high)) = self.ranges.next(names) else {
            return false;
        };
        out.bytes.extend_from_slice(&self.head);
        write::range(&mut out.bytes, low, high);
        let mut first = false;
        for _ in 1..RANGES {
            if !self.ranges.write(&mut out.bytes, names, &mut first) {
                break;
            }
        }
        out.say(")\r\n");
        true
    }
}
