//! What records say, as octets and as values. `layout` has what they mean.

use super::coding::{Put, Take, small};
use super::envelope;
use super::layout::{FRAME, Form};
use crate::queue::{Identity, Lane, Outcome};
use mailcore_base::envelope::Envelope;
use std::time::SystemTime;

/// A record's head, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Message(Head),
    Chunk,
    State(Identity, State),
    Mark(Mark),
    Lane(Identity, Lane),
    Warned(Identity),
    /// With the segment that the message's own record lay in.
    Gone(Identity, u64),
}

/// What of a message changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) lane: Lane,
    pub(super) due: Option<SystemTime>,
    pub(super) attempts: u32,
    pub(super) warned: bool,
    pub(super) outcomes: Vec<(usize, Outcome)>,
}

/// A message, its envelope unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) identity: Identity,
    pub(super) state: State,
    pub(super) arrived: SystemTime,
    pub(super) recipients: usize,
    pub(super) pieces: Vec<Piece>,
}

/// Some of a message's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it lies; 0 where it is in the rest of the message's own record.
    pub(super) segment: u64,
    /// Its place in the segment, or in the rest.
    pub(super) at: u64,
    pub(super) len: u32,
    pub(super) sum: u32,
}

/// Outcomes of recipients, and when the message is due again, with the attempts so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) identity: Identity,
    pub(super) outcomes: Vec<(usize, Outcome)>,
    pub(super) due: Option<(SystemTime, u32)>,
}

/// Octets of a piece as it is written.
const PIECE: usize = 24;

impl Head {
    pub(super) fn size(&self) -> u64 {
        let sizes = self.pieces.iter().map(|piece| u64::from(piece.len));
        sizes.fold(0, u64::saturating_add)
    }

    pub(super) fn write_to(&self, envelope: &Envelope, out: &mut Vec<u8>) {
        out.put_u128(self.identity.0);
        self.state.write_to(out);
        out.put_time(self.arrived);
        out.put_u32(small(self.recipients));
        out.put_u32(small(self.pieces.len()));
        for piece in &self.pieces {
            out.put_u64(piece.segment);
            out.put_u64(piece.at);
            out.put_u32(piece.len);
            out.put_u32(piece.sum);
        }
        envelope::write_to(envelope, out);
    }

    fn parse(octets: &[u8]) -> Option<(Self, &[u8])> {
        let mut take = Take(octets);
        let mut head = Self {
            identity: Identity(take.u128()?),
            state: State::take(&mut take)?,
            arrived: take.time()?,
            recipients: take.count(8)?,
            pieces: Vec::new(),
        };
        for _ in 0..take.count(PIECE)? {
            head.pieces.push(Piece {
                segment: take.u64()?,
                at: take.u64()?,
                len: take.u32()?,
                sum: take.u32()?,
            });
        }
        Some((head, take.0))
    }

    /// The head and its envelope.
    pub(super) fn whole(octets: &[u8]) -> Option<(Self, Envelope)> {
        let (head, rest) = Self::parse(octets)?;
        let envelope = envelope::parse(rest)?;
        (envelope.recipients.len() == head.recipients).then_some((head, envelope))
    }
}

impl State {
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        put_lane(out, self.lane);
        put_due(out, self.due);
        out.put_u32(self.attempts);
        out.put_u8(u8::from(self.warned));
        put_outcomes(out, &self.outcomes);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        Some(Self {
            lane: take_lane(take)?,
            due: take_due(take)?,
            attempts: take.u32()?,
            warned: take.flag()?,
            outcomes: take_outcomes(take)?,
        })
    }
}

impl Record {
    /// The head's octets, for all but messages and chunks.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) -> Form {
        match self {
            Self::Message(_) => Form::Message,
            Self::Chunk => Form::Chunk,
            Self::State(identity, state) => {
                out.put_u128(identity.0);
                state.write_to(out);
                Form::State
            }
            Self::Mark(mark) => {
                out.put_u128(mark.identity.0);
                put_outcomes(out, &mark.outcomes);
                put_due(out, mark.due.map(|(due, _)| due));
                out.put_u32(mark.due.map_or(0, |(_, attempts)| attempts));
                Form::Mark
            }
            Self::Lane(identity, lane) => {
                out.put_u128(identity.0);
                put_lane(out, *lane);
                Form::Lane
            }
            Self::Warned(identity) => {
                out.put_u128(identity.0);
                Form::Warned
            }
            Self::Gone(identity, segment) => {
                out.put_u128(identity.0);
                out.put_u64(*segment);
                Form::Gone
            }
        }
    }

    pub(super) fn parse(form: Form, octets: &[u8]) -> Option<Self> {
        let mut take = Take(octets);
        let record = match form {
            Form::Message => return Head::parse(octets).map(|(head, _)| Self::Message(head)),
            Form::Chunk => {
                take.u128()?;
                Self::Chunk
            }
            Form::State => Self::State(Identity(take.u128()?), State::take(&mut take)?),
            Form::Mark => {
                let identity = Identity(take.u128()?);
                let outcomes = take_outcomes(&mut take)?;
                let (due, attempts) = (take_due(&mut take)?, take.u32()?);
                Self::Mark(Mark {
                    identity,
                    outcomes,
                    due: due.map(|due| (due, attempts)),
                })
            }
            Form::Lane => Self::Lane(Identity(take.u128()?), take_lane(&mut take)?),
            Form::Warned => Self::Warned(Identity(take.u128()?)),
            Form::Gone => Self::Gone(Identity(take.u128()?), take.u64()?),
        };
        take.0.is_empty().then_some(record)
    }

    /// Whose record begins with these octets: every head begins with an identity.
    pub(super) fn identity(head: &[u8]) -> Option<Identity> {
        Take(head).u128().map(Identity)
    }
}

/// Where a message record's rest begins.
pub(super) fn rest(at: u64, head: u32) -> u64 {
    at + FRAME as u64 + u64::from(head)
}

fn put_lane(out: &mut Vec<u8>, lane: Lane) {
    out.put_u8(match lane {
        // A claim does not outlive the process that gave it.
        Lane::Incoming | Lane::Active => 1,
        Lane::Deferred => 2,
        Lane::Hold => 3,
        Lane::Corrupt => 4,
    });
}

fn take_lane(take: &mut Take<'_>) -> Option<Lane> {
    Some(match take.u8()? {
        1 => Lane::Incoming,
        2 => Lane::Deferred,
        3 => Lane::Hold,
        4 => Lane::Corrupt,
        _ => return None,
    })
}

fn put_due(out: &mut Vec<u8>, due: Option<SystemTime>) {
    out.put_u8(u8::from(due.is_some()));
    out.put_time(due.unwrap_or(SystemTime::UNIX_EPOCH));
}

fn take_due(take: &mut Take<'_>) -> Option<Option<SystemTime>> {
    let (is, due) = (take.flag()?, take.time()?);
    Some(is.then_some(due))
}

fn put_outcomes(out: &mut Vec<u8>, outcomes: &[(usize, Outcome)]) {
    out.put_u32(small(outcomes.len()));
    for (at, outcome) in outcomes {
        out.put_u32(small(*at));
        let (kind, text) = match outcome {
            Outcome::Done => (1, ""),
            Outcome::Failed(text) => (2, text.as_str()),
            Outcome::Deferred(text) => (3, text.as_str()),
        };
        out.put_u8(kind);
        out.put_text(text);
    }
}

fn take_outcomes(take: &mut Take<'_>) -> Option<Vec<(usize, Outcome)>> {
    let mut outcomes = Vec::new();
    for _ in 0..take.count(9)? {
        let at = usize::try_from(take.u32()?).ok()?;
        let (kind, text) = (take.u8()?, take.text()?);
        let outcome = match kind {
            1 => Outcome::Done,
            2 => Outcome::Failed(text.to_owned()),
            3 => Outcome::Deferred(text.to_owned()),
            _ => return None,
        };
        outcomes.push((at, outcome));
    }
    Some(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn state() -> State {
        State {
            lane: Lane::Hold,
            due: Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001)),
            attempts: 3,
            warned: true,
            outcomes: vec![
                (0, Outcome::Done),
                (7, Outcome::Failed("no such user".to_owned())),
                (9, Outcome::Deferred("é".to_owned())),
            ],
        }
    }

    #[test]
    fn records_read_back_and_cut_ones_do_not() {
        let identity = Identity(u128::MAX - 5);
        let mark = |due| {
            Record::Mark(Mark {
                identity,
                outcomes: state().outcomes,
                due,
            })
        };
        let due = state().due.map(|due| (due, 4));
        for record in [
            Record::State(identity, state()),
            mark(None),
            mark(due),
            Record::Lane(identity, Lane::Deferred),
            Record::Warned(identity),
            Record::Gone(identity, 77),
        ] {
            let mut octets = Vec::new();
            let form = record.write_to(&mut octets);
            assert_eq!(Record::parse(form, &octets), Some(record.clone()));
            assert_eq!(Record::identity(&octets), Some(identity));
            for at in 0..octets.len() {
                assert_eq!(
                    Record::parse(form, &octets[..at]),
                    None,
                    "{record:?} at {at}"
                );
            }
            octets.push(0);
            assert_eq!(Record::parse(form, &octets), None, "{record:?} and more");
        }
    }

    #[test]
    fn a_message_reads_back_with_its_envelope() {
        let head = Head {
            identity: Identity(5),
            state: state(),
            arrived: SystemTime::UNIX_EPOCH,
            recipients: 0,
            pieces: vec![
                Piece {
                    segment: 0,
                    at: 0,
                    len: 7,
                    sum: 8,
                },
                Piece {
                    segment: 3,
                    at: 4096,
                    len: 65536,
                    sum: 9,
                },
            ],
        };
        let mut octets = Vec::new();
        head.write_to(&Envelope::default(), &mut octets);
        assert_eq!(head.size(), 65543);
        let whole = Some((head, Envelope::default()));
        assert_eq!(Head::whole(&octets), whole);
        for at in 0..octets.len() {
            assert_eq!(Head::whole(&octets[..at]), None, "cut at {at}");
        }
    }
}
