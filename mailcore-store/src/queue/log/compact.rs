//! Room: segments that nothing needs are taken away, and what is needed of those that are mostly dead is copied
//! forward, a little after each batch. So a message that waits for days holds on to itself alone.

use super::layout::{FRAME, Form};
use super::record::{Head, Piece, Record, State, rest};
use super::scan::scan;
use super::segment::{Kept, Sight, Stake};
use super::writer::{Purpose, Writer};
use crate::queue::index::Message;
use crate::queue::{Identity, Lane};
use crate::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Messages looked at in one step, and octets copied.
const STEP: (usize, u64) = (64, 1 << 20);
/// So many batches pass until what failed is tried again.
const PAUSE: u32 = 64;

/// A segment that is being emptied.
#[derive(Debug)]
pub(super) struct Evacuation {
    segment: u64,
    left: BTreeSet<Identity>,
    /// Messages that are gone, with their segments.
    graves: BTreeMap<Identity, u64>,
    /// Flushes that had failed when it began.
    failures: u64,
}

impl Writer {
    /// Does a little of what is to be done, with nothing waiting; says whether there is more.
    pub(super) fn tidy(&mut self) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        let done = match self.evacuation.take() {
            Some(evacuation) => self.evacuate(evacuation),
            None => self.begin_tidying(),
        };
        done.unwrap_or_else(|_| {
            self.pause = PAUSE;
            false
        })
    }

    fn begin_tidying(&mut self) -> Result<bool> {
        let active = |segment| self.writes(segment);
        if let Some(number) = self.shelf.dead(active) {
            return self.shelf.free(number).map(|()| true);
        }
        let Some(number) = self.shelf.sparse(active) else {
            return Ok(false);
        };
        let Some(closed) = self.shelf.closed.get(&number) else {
            return Ok(false);
        };
        let mut evacuation = Evacuation {
            segment: number,
            left: BTreeSet::new(),
            graves: BTreeMap::new(),
            failures: self.failures,
        };
        // Without all of it nobody knows what is needed.
        for met in scan(&closed.segment, closed.segment.capacity)?.records {
            match met.record {
                Record::Gone(identity, base) => {
                    evacuation.graves.insert(identity, base);
                }
                _ => {
                    evacuation.left.insert(met.identity);
                }
            }
        }
        self.evacuation = Some(evacuation);
        Ok(true)
    }

    fn evacuate(&mut self, mut evacuation: Evacuation) -> Result<bool> {
        let (mut messages, mut octets) = STEP;
        while messages > 0 && octets > 0 {
            let Some(identity) = evacuation.left.pop_first() else {
                break;
            };
            messages -= 1;
            octets = octets.saturating_sub(self.rescue(identity, evacuation.segment)?);
        }
        if evacuation.left.is_empty() {
            self.bury(&evacuation)?;
            self.settle()?;
            if evacuation.failures != self.failures {
                return Err(super::unavailable());
            }
            if let Some(closed) = self.shelf.closed.get_mut(&evacuation.segment) {
                closed.graves.clear();
                closed.tried = true;
            }
        } else {
            self.settle()?;
            self.evacuation = Some(evacuation);
        }
        Ok(true)
    }

    /// Copies forward what of a message lies in a segment; about how many octets that were.
    fn rescue(&mut self, identity: Identity, from: u64) -> Result<u64> {
        let found = self.house.index().find(identity).map(|message| {
            let kept = &message.kept;
            let what = (kept.lies_in(from), kept.changed_in(from));
            (what, kept.sight(), state(message), message.arrived)
        });
        let Some(((lies, changed), sight, state, arrived)) = found else {
            return Ok(0);
        };
        if lies {
            match self.copy(identity, from, &sight, state, arrived) {
                // It stays where it is, and the segment with it.
                Err(e) if e.kind() == Kind::Corrupt => Ok(0),
                other => other,
            }
        } else if changed {
            self.sum_up(identity, state)
        } else {
            Ok(0)
        }
    }

    /// One record in the place of all marks and moves.
    fn sum_up(&mut self, identity: Identity, state: State) -> Result<u64> {
        let written = self.append_change(&Record::State(identity, state))?;
        self.then(move |house, outcome| {
            if outcome.is_ok() {
                let _ = house.index().change(identity, |message| {
                    message.kept.changes = vec![written.stake];
                });
            }
        });
        Ok(FRAME as u64)
    }

    /// The message's record anew, with the content that lay in `from`.
    fn copy(
        &mut self,
        identity: Identity,
        from: u64,
        sight: &Sight,
        state: State,
        arrived: std::time::SystemTime,
    ) -> Result<u64> {
        let (head, envelope) = sight.head()?;
        let mut pieces = Vec::new();
        let mut stakes = Vec::new();
        let mut inline = Vec::new();
        let failures = self.failures;
        for piece in &head.pieces {
            let (segment, at) = sight.locate(piece)?;
            if piece.segment == 0 {
                let at = inline.len() as u64;
                inline.extend_from_slice(&segment.read(place(sight, piece), piece.len)?);
                pieces.push(Piece { at, ..*piece });
            } else if piece.segment == from {
                let octets = segment.read(at, piece.len)?;
                let owner = identity.0.to_le_bytes();
                let written = self.append(Purpose::Change, Form::Chunk, &owner, &[&octets])?;
                pieces.push(Piece {
                    segment: written.stake.segment.number,
                    at: rest(written.place.at, written.place.head),
                    ..*piece
                });
                written.stake.join(&mut stakes);
            } else {
                Stake::new(segment, u64::from(piece.len)).join(&mut stakes);
                pieces.push(*piece);
            }
        }
        // The record that names them comes behind their flush.
        self.settle()?;
        if failures != self.failures {
            return Err(super::unavailable());
        }
        let head = Head {
            identity,
            state,
            arrived,
            recipients: envelope.recipients.len(),
            pieces,
        };
        let mut octets = Vec::new();
        head.write_to(&envelope, &mut octets);
        let written = self.append(Purpose::Change, Form::Message, &octets, &[&inline])?;
        self.then(move |house, outcome| {
            if outcome.is_ok() {
                let _ = house
                    .index()
                    .change(identity, |message: &mut Message<Kept>| {
                        message.kept = Kept {
                            base: written.stake,
                            place: written.place,
                            pieces: stakes,
                            changes: Vec::new(),
                        };
                    });
            }
        });
        Ok(head.size() + octets.len() as u64)
    }

    /// Says again which messages are gone whose own records are still there.
    fn bury(&mut self, evacuation: &Evacuation) -> Result<()> {
        for (identity, base) in &evacuation.graves {
            let needed = *base != evacuation.segment
                && self.shelf.has(*base, &|segment| self.writes(segment))
                && self.house.index().find(*identity).is_none();
            if needed {
                self.append_change(&Record::Gone(*identity, *base))?;
            }
        }
        Ok(())
    }
}

fn place(sight: &Sight, piece: &Piece) -> u64 {
    rest(sight.place.at, sight.place.head).saturating_add(piece.at)
}

impl Sight {
    /// Where a piece of the message lies.
    pub(super) fn locate(&self, piece: &Piece) -> Result<(&Arc<super::segment::Segment>, u64)> {
        if piece.segment == 0 {
            return Ok((&self.base, place(self, piece)));
        }
        let mut others = self.others.iter();
        let found = others.find(|segment| segment.number == piece.segment);
        found
            .map(|segment| (segment, piece.at))
            .ok_or_else(|| Error::new(Kind::Corrupt, "a piece of a message"))
    }
}

/// What of a message changes, as it is written down.
fn state(message: &Message<Kept>) -> State {
    let outcomes = message.outcomes.iter().enumerate();
    State {
        lane: match (message.lane, message.attempts) {
            // A claim does not outlive the process: it stands where it would stand after a restart.
            (Lane::Active, 0) => Lane::Incoming,
            (Lane::Active, _) => Lane::Deferred,
            (lane, _) => lane,
        },
        due: message.due,
        attempts: message.attempts,
        warned: message.warned,
        outcomes: outcomes
            .filter_map(|(at, it)| Some((at, it.clone()?)))
            .collect(),
    }
}
