//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6). Records come by batch and go out as they come; what takes reading a
//! message is asked for message by message, bodies by range, so that nothing is ever held whole.

mod held;
mod message;
mod wish;

use super::{Opened, first};
use crate::parse::fetch::Item;
use crate::parse::modifiers::ForFetch;
use crate::parse::{Cursor, Wrong, fetch};
use crate::server::earlier::Earlier;
use crate::server::finish::Finish;
use crate::server::question::{Answer, Records, Store, Want};
use crate::server::remaining::Remaining;
use crate::server::state::Selected;
use crate::server::tell::Own;
use crate::server::turn::{Command, Next, Reply, Turn};
use crate::server::view::Permit;
use crate::types::{Access, Failed, Row, SequenceSet};
use held::Held;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, ModSeq, Uid, UidSet};
use message::Message;
use std::collections::VecDeque;
use wish::Wish;

/// Most records held for messages that are answered one by one.
const HELD: usize = 32;
/// Most octets that such records may take.
const HEAVY: usize = 64 * 1024;

/// ```text
///   (Earlier ──►) Batch ──rows──► (written at once) ──► Batch … ──► Over
///                              └► held ──► Mark ──► Message … ──► Batch
/// ```
#[derive(Debug)]
struct Run {
    wish: Wish,
    left: Remaining,
    /// What was asked for last.
    batch: UidSet,
    held: VecDeque<Held>,
    message: Option<Box<Message>>,
    at: At,
    /// `\Seen` may be set.
    write: bool,
    /// Messages that this command has set `\Seen` on; their flags are told with them.
    seen: Own,
    /// Some messages are no longer there.
    gone: bool,
    failed: Option<Failed>,
    permit: Permit,
    /// Only what has changed since.
    changed_since: Option<ModSeq>,
}

#[derive(Debug)]
enum At {
    /// What the client does not know to be gone is told first (RFC 7162 §3.2.6).
    Earlier(Earlier),
    Batch,
    Mark,
    Messages,
    Over,
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::NoExpunge)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Permit::All)
}

/// UID commands may be told of expunges, others may not (RFC 3501 §7.4.1).
fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, permit: Permit) -> Opened {
    first(at).map_err(|_| Wrong::ARGUMENTS)?;
    let by_uid = permit == Permit::All;
    let set = match by_uid {
        true => at.uid_set()?,
        false => at.sequence_set()?,
    };
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let uids = if by_uid {
        selected.uids(&set)
    } else {
        selected.numbers(&set).map_err(|_| Wrong::SET)?
    };
    at.space().map_err(|_| Wrong::ARGUMENTS)?;
    let mut items = fetch::items(at)?;
    let mut modifiers = ForFetch::default();
    if !at.rest().is_empty() {
        at.space()?;
        modifiers = ForFetch::parse(at, by_uid, turn.state.qresync)?;
        at.end()?;
    }
    if modifiers.changed_since.is_some() {
        turn.condstore("FETCH CHANGEDSINCE")?;
        // RFC 7162 §3.1.4.1: as if MODSEQ were asked for.
        if !items.contains(&Item::ModSeq) {
            items.push(Item::ModSeq);
        }
    } else if items.contains(&Item::ModSeq) {
        turn.condstore("FETCH MODSEQ")?;
    }
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let earlier = modifiers.changed_since.filter(|_| modifiers.vanished);
    let begin = match earlier {
        Some(since) => At::Earlier(Earlier::new(since, named(&set, selected), None)),
        None => At::Batch,
    };
    Ok(Box::new(Run {
        wish: Wish::new(items, by_uid),
        left: Remaining::from(&uids),
        batch: UidSet::new(),
        held: VecDeque::new(),
        message: None,
        at: begin,
        write: selected.access == Access::Write,
        seen: Own::default(),
        gone: false,
        failed: None,
        permit,
        changed_since: modifiers.changed_since,
    }))
}

/// The UIDs that a set names, whether they are there or not.
fn named(set: &SequenceSet, selected: &Selected) -> UidSet {
    if set.is_saved() {
        return selected.saved.clone();
    }
    let view = &selected.view;
    let last = view.uid(view.exists());
    let end = |end: Option<u32>| end.map_or(last, Uid::new);
    let mut named = UidSet::new();
    for (a, b) in set.ranges() {
        if let (Some(a), Some(b)) = (end(a), end(b)) {
            named.insert_range(a.min(b)..=a.max(b));
        }
    }
    named
}

impl Run {
    /// Those held whose `\Seen` is to be set.
    fn unseen(&self) -> UidSet {
        let unseen = |held: &&Held| !held.flags.contains(Flags::SEEN);
        self.held
            .iter()
            .filter(unseen)
            .map(|held| held.uid)
            .collect()
    }

    fn over(&mut self) -> Next {
        let reply = match self.failed {
            Some(failed) => Reply::failed(failed),
            None if self.gone => Reply::ok("[EXPUNGEISSUED] Some messages were already expunged"),
            None => Reply::ok("Fetch completed"),
        };
        Next::Done(Finish::silent(
            reply,
            self.permit,
            std::mem::take(&mut self.seen),
        ))
    }

    fn next_batch(&mut self, turn: &Turn<'_>) -> Next {
        self.batch = self.left.batch(self.wish.batch(turn.out.left()));
        if self.batch.is_empty() {
            return self.over();
        }
        Next::Ask(Want::Records(Records {
            uids: self.batch.clone(),
            fields: self.wish.fields,
        }))
    }

    fn next_message(&mut self, turn: &mut Turn<'_>) -> Next {
        loop {
            let Some(message) = &mut self.message else {
                let held = self.held.pop_front().filter(|_| self.failed.is_none());
                match held {
                    Some(held) => self.message = Some(Box::new(Message::new(held, &self.wish))),
                    None if self.failed.is_some() => self.at = At::Over,
                    None => self.at = At::Batch,
                }
                if self.message.is_none() {
                    return Next::More;
                }
                continue;
            };
            if let Some(next) = message.next(&self.wish, turn) {
                return next;
            }
            self.gone |= message.gone;
            self.failed = self.failed.or(message.failed);
            self.message = None;
            if turn.out.full() {
                return Next::More;
            }
        }
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        if let At::Earlier(earlier) = &mut self.at {
            if let Some(next) = earlier.next(turn) {
                return next;
            }
            self.at = At::Batch;
        }
        match self.at {
            At::Batch | At::Earlier(_) => self.next_batch(turn),
            At::Mark => Next::Ask(Want::Store(Store {
                uids: self.unseen(),
                change: FlagChange::of(FlagOp::Add, Flags::SEEN),
                unchanged_since: None,
            })),
            At::Messages => self.next_message(turn),
            At::Over => self.over(),
        }
    }

    fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, turn: &mut Turn<'_>) {
        let Some(selected) = turn.state.selected.as_deref_mut() else {
            return;
        };
        let mut expected = self.batch.iter();
        let mut weight = 0;
        let mut last = self.batch.last();
        for row in rows {
            let direct = self.held.is_empty() && self.wish.answered_by(&row);
            if direct && turn.out.full() || !direct && (self.held.len() >= HELD || weight >= HEAVY)
            {
                // What there is no room for now is asked for again.
                last = None;
                break;
            }
            // Rows come by UID; whoever is missing between two is no longer there.
            let found = expected.by_ref().find(|uid| {
                self.gone |= *uid < row.uid;
                *uid >= row.uid
            });
            let number = selected.view.number(row.uid);
            let (Some(_), Some(number)) = (found.filter(|uid| *uid == row.uid), number) else {
                continue;
            };
            let same = self.changed_since.is_some_and(|since| row.modseq <= since);
            if same {
                // Nothing to tell.
            } else if direct {
                if self.wish.modseqs() {
                    selected.hear(row.modseq);
                }
                let out = &mut turn.out.bytes;
                self.wish.write(out, selected, number, &row);
            } else {
                let held = Held::of(&row);
                weight += held.weight();
                self.held.push_back(held);
            }
            self.left.done_through(row.uid);
        }
        if let Some(last) = last {
            self.gone |= expected.next().is_some();
            self.left.done_through(last);
        }
        if !self.held.is_empty() {
            let marks = self.wish.marks && self.write && !self.unseen().is_empty();
            self.at = if marks { At::Mark } else { At::Messages };
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match (&mut self.at, answer) {
            (At::Earlier(earlier), answer) => earlier.answered(answer, turn),
            (At::Mark, Answer::Uids(outcome)) => {
                // Where the flag cannot be set, the message is told all the same.
                if outcome.is_ok() {
                    let known = turn.selected().map(|selected| selected.view.known());
                    for held in &mut self.held {
                        if held.flags.contains(Flags::SEEN) {
                            continue;
                        }
                        held.mark();
                        // Flags that are newer than the view may have keywords that it cannot name yet.
                        if Some(held.modseq) <= known {
                            self.seen.add(held.uid, held.flags);
                        }
                    }
                }
                self.at = At::Messages;
            }
            (_, Answer::NoRows(failed)) => {
                self.failed = Some(failed);
                self.at = At::Over;
            }
            (_, answer) => {
                if let Some(message) = &mut self.message {
                    message.answered(answer, &self.wish, turn);
                }
            }
        }
    }
}
