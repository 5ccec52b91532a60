//! What callers want of the log: each wish becomes a record, and counts once that is flushed.

use super::again;
use super::house::House;
use super::layout::Form;
use super::record::{Mark, Piece, Record, rest};
use super::segment::{Kept, Pin, Stake};
use super::writer::{Purpose, Writer};
use crate::Result;
use crate::queue::index::{BETWEEN, Message, gone};
use crate::queue::{Identity, Lane, Outcome};
use bytes::Bytes;
use mailcore_base::envelope::Envelope;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::oneshot;

/// Who waits for an answer. That nobody does any more changes nothing.
pub(super) type Answer<T> = oneshot::Sender<Result<T>>;

/// What somebody wants.
#[derive(Debug)]
pub(super) enum Wish {
    Commit(Box<Commit>, Answer<()>),
    Spill(Identity, Vec<Bytes>, Answer<Vec<Loose>>),
    Mark(Marking, Answer<bool>),
    Assign(Identity, Lane, Answer<()>),
    Warned(Identity, Answer<()>),
    Remove(Identity, Answer<bool>),
}

/// What a claim's holder says of recipients.
#[derive(Debug)]
pub(super) struct Marking {
    pub(super) identity: Identity,
    pub(super) turn: u64,
    pub(super) outcomes: Vec<(usize, Outcome)>,
    pub(super) due: Option<SystemTime>,
}

/// A message that is to be in the queue.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) identity: Identity,
    pub(super) lane: Lane,
    pub(super) arrived: SystemTime,
    pub(super) size: u64,
    pub(super) envelope: Arc<Envelope>,
    /// The record, as it will stand.
    pub(super) head: Vec<u8>,
    pub(super) rest: Vec<Bytes>,
    /// Content that lies in the log already.
    pub(super) loose: Vec<Loose>,
}

/// Content of a draft, flushed.
#[derive(Debug)]
pub(super) struct Loose {
    pub(super) piece: Piece,
    pub(super) stake: Stake,
    /// Nobody moves it.
    pub(super) pin: Pin,
}

impl Writer {
    /// Takes a wish in; it is answered by the next [`settle`](Self::settle) at the latest.
    pub(super) fn take(&mut self, wish: Wish) {
        match wish {
            Wish::Commit(commit, answer) => self.commit(*commit, answer),
            Wish::Spill(identity, blocks, answer) => self.spill(identity, &blocks, answer),
            Wish::Mark(marking, answer) => self.mark(marking, answer),
            Wish::Assign(identity, lane, answer) => self.assign(identity, lane, answer),
            Wish::Warned(identity, answer) => self.warned(identity, answer),
            Wish::Remove(identity, answer) => self.remove(identity, answer),
        }
    }

    fn commit(&mut self, commit: Commit, answer: Answer<()>) {
        let parts: Vec<&[u8]> = commit.rest.iter().map(|part| &part[..]).collect();
        let appended = self.append(Purpose::Content, Form::Message, &commit.head, &parts);
        let written = match appended {
            Ok(written) => written,
            Err(e) => return drop(answer.send(Err(e))),
        };
        let Commit {
            identity,
            lane,
            arrived,
            size,
            envelope,
            loose,
            ..
        } = commit;
        self.then(move |house, outcome| {
            let done = outcome.as_ref().map_err(again).map(|()| {
                let mut pieces = Vec::new();
                for Loose { stake, pin, .. } in loose {
                    stake.join(&mut pieces);
                    drop(pin);
                }
                let message = Message {
                    lane,
                    arrived,
                    due: None,
                    attempts: 0,
                    warned: false,
                    size,
                    recipients: envelope.recipients.len(),
                    outcomes: Vec::new(),
                    turn: BETWEEN,
                    until: arrived,
                    kept: Kept {
                        base: written.stake,
                        place: written.place,
                        pieces,
                        changes: Vec::new(),
                    },
                };
                house.keep(identity, &envelope);
                house.index().insert(identity, message);
            });
            let _ = answer.send(done);
        });
    }

    fn spill(&mut self, identity: Identity, blocks: &[Bytes], answer: Answer<Vec<Loose>>) {
        let head = identity.0.to_le_bytes();
        let (mut loose, failures) = (Vec::new(), self.failures);
        for block in blocks {
            match self.append(Purpose::Content, Form::Chunk, &head, &[block]) {
                Ok(written) => loose.push(Loose {
                    piece: Piece {
                        segment: written.stake.segment.number,
                        at: rest(written.place.at, written.place.head),
                        len: super::coding::small(block.len()),
                        sum: super::layout::checksum(block),
                    },
                    pin: Pin::new(&written.stake.segment),
                    stake: written.stake,
                }),
                Err(e) => return drop(answer.send(Err(e))),
            }
        }
        if failures != self.failures {
            return drop(answer.send(Err(super::unavailable())));
        }
        self.then(move |_, outcome| {
            let done = outcome.as_ref().map_err(again).map(|()| loose);
            let _ = answer.send(done);
        });
    }

    fn mark(&mut self, marking: Marking, answer: Answer<bool>) {
        let Marking {
            identity,
            turn,
            outcomes,
            due,
        } = marking;
        let judged = self
            .house
            .index()
            .find(identity)
            .ok_or_else(gone)
            .and_then(|message| {
                message.has(&outcomes)?;
                Ok((message.is_held(turn), message.attempts))
            });
        let (held, attempts) = match judged {
            Ok(judged) => judged,
            Err(e) => return drop(answer.send(Err(e))),
        };
        let due = due.filter(|_| held);
        if outcomes.is_empty() && due.is_none() {
            return drop(answer.send(Ok(held)));
        }
        // Nobody may claim it, or think that he holds it, while it is being given back.
        let turn = due.and_then(|_| suspend(&self.house, identity));
        let bounded = outcomes
            .into_iter()
            .map(|(at, outcome)| (at, outcome.bounded()));
        let mark = Mark {
            identity,
            outcomes: bounded.collect(),
            due: due.map(|due| (due, attempts.saturating_add(1))),
        };
        let record = Record::Mark(mark);
        let written = match self.append_change(&record) {
            Ok(written) => written,
            Err(e) => {
                resume(&self.house, identity, turn);
                return drop(answer.send(Err(e)));
            }
        };
        self.then(move |house, outcome| {
            let done = outcome.as_ref().map_err(again).and_then(|()| {
                house.index().change(identity, |message| {
                    apply(message, record);
                    written.stake.join(&mut message.kept.changes);
                    held
                })
            });
            if done.is_err() {
                resume(house, identity, turn);
            }
            let _ = answer.send(done);
        });
    }

    fn assign(&mut self, identity: Identity, lane: Lane, answer: Answer<()>) {
        if self.house.index().find(identity).is_none() {
            return drop(answer.send(Err(gone())));
        }
        let turn = suspend(&self.house, identity);
        let answer = Suspended { turn, answer };
        self.change(identity, Record::Lane(identity, lane), answer);
    }

    fn warned(&mut self, identity: Identity, answer: Answer<()>) {
        let warned = self
            .house
            .index()
            .find(identity)
            .map(|message| message.warned);
        match warned {
            None => drop(answer.send(Err(gone()))),
            Some(true) => drop(answer.send(Ok(()))),
            Some(false) => {
                let answer = Suspended { turn: None, answer };
                self.change(identity, Record::Warned(identity), answer);
            }
        }
    }

    fn change(&mut self, identity: Identity, record: Record, answer: Suspended) {
        let written = match self.append_change(&record) {
            Ok(written) => written,
            Err(e) => return answer.give(&self.house, identity, Err(e)),
        };
        self.then(move |house, outcome| {
            let done = outcome.as_ref().map_err(again).and_then(|()| {
                house.index().change(identity, |message| {
                    apply(message, record);
                    written.stake.join(&mut message.kept.changes);
                })
            });
            answer.give(house, identity, done);
        });
    }

    fn remove(&mut self, identity: Identity, answer: Answer<bool>) {
        let base = self
            .house
            .index()
            .find(identity)
            .map(|message| message.kept.base.segment.number);
        let Some(base) = base else {
            return drop(answer.send(Ok(false)));
        };
        if let Err(e) = self.append_change(&Record::Gone(identity, base)) {
            return drop(answer.send(Err(e)));
        }
        self.then(move |house, outcome| {
            let done = outcome.as_ref().map_err(again);
            let _ = answer.send(done.map(|()| house.index().remove(identity).is_some()));
        });
    }
}

/// Who waits for a change of a message whose claim is suspended meanwhile.
struct Suspended {
    turn: Option<u64>,
    answer: Answer<()>,
}

impl Suspended {
    fn give(self, house: &House, identity: Identity, done: Result<()>) {
        if done.is_err() {
            resume(house, identity, self.turn);
        }
        let _ = self.answer.send(done);
    }
}

/// Does to a message what a record says.
pub(super) fn apply<K>(message: &mut Message<K>, record: Record) {
    match record {
        Record::Mark(mark) => {
            message.record(mark.outcomes);
            if let Some((due, attempts)) = mark.due {
                message.defer(due, attempts);
            }
        }
        Record::Lane(_, lane) => message.assign(lane),
        Record::Warned(_) => message.warned = true,
        Record::State(_, state) => {
            message.lane = state.lane;
            message.due = state.due;
            message.attempts = state.attempts;
            message.warned = state.warned;
            message.outcomes = Vec::new();
            message.record(state.outcomes);
        }
        Record::Message(_) | Record::Chunk | Record::Gone(..) => {}
    }
}

/// Takes a message from its claim for a while; the turn that it had.
fn suspend(house: &House, identity: Identity) -> Option<u64> {
    let taken = house.index().change(identity, |message| {
        let active = message.lane == Lane::Active && message.turn != BETWEEN;
        active.then(|| std::mem::replace(&mut message.turn, BETWEEN))
    });
    taken.ok().flatten()
}

fn resume(house: &House, identity: Identity, turn: Option<u64>) {
    let Some(turn) = turn else { return };
    // Where it has gone meanwhile, there is nothing to resume.
    let _ = house.index().change(identity, |message| {
        if message.lane == Lane::Active && message.turn == BETWEEN {
            message.turn = turn;
        }
    });
}
