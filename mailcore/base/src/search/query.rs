//! What a client looks for.

use crate::date::Day;
use crate::mailbox::{Flags, Keyword, ModSeq, UidSet};

/// A comparison of days, zones disregarded (RFC 3501 §6.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Earlier than the day.
    Before(Day),
    /// Within the day.
    On(Day),
    /// Within the day or later.
    Since(Day),
}

impl When {
    /// Whether `day` is so.
    pub fn holds(self, day: Day) -> bool {
        match self {
            When::Before(limit) => day < limit,
            When::On(limit) => day == limit,
            When::Since(limit) => day >= limit,
        }
    }
}

/// One search key. Keys of RFC 3501 that are not here are made of these: `UNSEEN` is
/// `SEEN` negated, `OLD` is `RECENT` negated, `NEW` is `RECENT` and not `SEEN`, `SUBJECT x` is a header `Subject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `ALL`
    All,
    /// `UID …`, and sequence numbers once they are UIDs.
    Uids(UidSet),
    /// `ANSWERED`, `DELETED`, `DRAFT`, `FLAGGED`, `SEEN`: all of these flags.
    Flags(Flags),
    /// `RECENT`
    Recent,
    /// `KEYWORD …`
    Keyword(Keyword),
    /// `BCC`, `CC`, `FROM`, `TO`: addresses as an envelope tells them, without comments (RFC 3501 §6.4.4).
    Address {
        /// The field's name, in any case.
        name: String,
        /// What to find in the addresses, written one behind the other: `Name <local@domain>, <local@domain>`. Empty:
        /// whether the field is there.
        value: String,
    },
    /// `HEADER …`, and `SUBJECT`. An empty value asks whether the field is there.
    Header {
        /// The name, in any case.
        name: String,
        /// What to find in the decoded value.
        value: String,
    },
    /// `BODY …`: in the decoded text of text parts.
    Body(String),
    /// `TEXT …`: in any header or, decoded, in text parts.
    Text(String),
    /// `BEFORE`, `ON`, `SINCE`: the internal date.
    Received(When),
    /// `SENTBEFORE`, `SENTON`, `SENTSINCE`: the `Date` field.
    Sent(When),
    /// `LARGER …`
    Larger(u64),
    /// `SMALLER …`
    Smaller(u64),
    /// `MODSEQ …`: this modification sequence or a later one (RFC 7162 §3.1.5).
    ModSeq(ModSeq),
    /// `OLDER …`, in seconds (RFC 5032).
    Older(u32),
    /// `YOUNGER …`, in seconds (RFC 5032).
    Younger(u32),
}

/// A step of the flat tree: operands come before their operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(Key),
    Not,
    /// Of so many operands, perhaps none.
    And(u32),
    Or,
}

/// A search as a tree of keys, stored operands first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    steps: Vec<Step>,
}

impl From<Key> for Query {
    fn from(key: Key) -> Query {
        Query {
            steps: vec![Step::Key(key)],
        }
    }
}

impl Query {
    /// Messages that match all of the queries; with none of them, every message.
    pub fn all(queries: impl IntoIterator<Item = Query>) -> Query {
        let mut count = 0;
        let mut steps = Vec::new();
        for query in queries {
            count += 1;
            join(&mut steps, query.steps);
        }
        if count != 1 {
            steps.push(Step::And(count));
        }
        Query { steps }
    }

    /// `OR a b`: messages that match either.
    pub fn or(self, other: Query) -> Query {
        let mut steps = self.steps;
        join(&mut steps, other.steps);
        steps.push(Step::Or);
        Query { steps }
    }

    /// `NOT`: messages that do not match.
    #[allow(clippy::should_implement_trait)]
    pub fn not(mut self) -> Query {
        self.steps.push(Step::Not);
        self
    }

    /// The number of keys and operators; what a parser limits.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Never: a query has at least one key or operator.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it says nothing but `ALL`: every message matches.
    pub fn is_all(&self) -> bool {
        let says = |step: &Step| matches!(step, Step::Key(Key::All) | Step::And(_));
        self.steps.iter().all(says)
    }

    /// The keys, in the order of evaluation.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.steps.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key),
            _ => None,
        })
    }

    /// What the query comes to, given what is known of each key; `None` while that leaves it open.
    pub(super) fn evaluate(&self, known: &[Option<bool>]) -> Option<bool> {
        let mut stack: Vec<Option<bool>> = Vec::new();
        let mut known = known.iter();
        for step in &self.steps {
            let value = match step {
                Step::Key(_) => known.next().copied().flatten(),
                Step::Not => stack.pop().flatten().map(|v| !v),
                Step::Or => both(stack.pop().flatten(), stack.pop().flatten(), true),
                Step::And(count) => {
                    let first = stack.len().saturating_sub(*count as usize);
                    let mut value = Some(true);
                    for operand in stack.drain(first..) {
                        value = both(value, operand, false);
                    }
                    value
                }
            };
            stack.push(value);
        }
        stack.pop().flatten()
    }
}

/// Two values under the operator that `decisive` decides: true decides OR, false decides AND.
fn both(a: Option<bool>, b: Option<bool>, decisive: bool) -> Option<bool> {
    if a == Some(decisive) || b == Some(decisive) {
        return Some(decisive);
    }
    a.and(b)
}

/// Joins two runs of steps, the shorter onto the longer: the operators do not mind the order, and so a tree
/// that leans to either side is built in linear time.
fn join(steps: &mut Vec<Step>, mut other: Vec<Step>) {
    if steps.len() < other.len() {
        std::mem::swap(steps, &mut other);
    }
    steps.append(&mut other);
}
