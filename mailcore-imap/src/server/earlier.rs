//! `* VANISHED (EARLIER)`: which of the messages that a client knew were expunged before it came back (RFC 7162
//! §3.2.5, §3.2.6, §3.2.10.1). It never names a message that the client still counts: of those it is told by
//! VANISHED alone.

use super::question::{Answer, Expunged, Want};
use super::turn::{Next, Turn};
use mailcore_base::mailbox::{ModSeq, Uid, UidSet};

/// Most ranges in one line.
const RANGES: usize = 64;

/// ```text
///   Ask ──answer──► Write … ──► (over)
/// ```
#[derive(Debug)]
pub(super) struct Earlier {
    since: ModSeq,
    /// The UIDs of which the client wants to know.
    among: UidSet,
    /// Where the store's history does not reach: nothing up to this UID has gone.
    agreed: Option<Uid>,
    at: At,
}

#[derive(Debug)]
enum At {
    Ask,
    /// The ranges left, the lowest at the end.
    Write(Vec<(Uid, Uid)>),
}

impl Earlier {
    /// What went since, among these; up to `agreed` the client's numbers and ours agree.
    pub(super) fn new(since: ModSeq, among: UidSet, agreed: Option<Uid>) -> Self {
        Self {
            since,
            among,
            agreed,
            at: At::Ask,
        }
    }

    /// What it wants next; `None` once all is written.
    pub(super) fn next(&mut self, turn: &mut Turn<'_>) -> Option<Next> {
        let At::Write(left) = &mut self.at else {
            return Some(Next::Ask(Want::Expunged(Expunged { since: self.since })));
        };
        while !left.is_empty() {
            if turn.out.full() {
                return Some(Next::More);
            }
            let mut line = UidSet::new();
            for _ in 0..RANGES {
                let Some((low, high)) = left.pop() else { break };
                line.insert_range(low..=high);
            }
            turn.out.say(&format!("* VANISHED (EARLIER) {line}\r\n"));
        }
        None
    }

    pub(super) fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        let (Answer::Gone(known), Some(selected)) = (answer, turn.selected()) else {
            return;
        };
        // Those that were never told to exist are no news, whatever the client thinks it knows.
        let mut existed = UidSet::new();
        if let Some(last) = Uid::new(selected.view.now().uid_next.number() - 1) {
            existed.insert_range(Uid::FIRST..=last);
        }
        let among = self.among.intersection(&existed);
        let among = among.difference(&selected.view.all());
        let gone = match known {
            Ok(Some(gone)) => among.intersection(&gone),
            // RFC 7162 §3.2.5.2: too long ago, or not to be told for now. All that is not there has gone at some time.
            Ok(None) | Err(_) => match self.agreed {
                Some(agreed) => {
                    let mut agreeing = UidSet::new();
                    agreeing.insert_range(Uid::FIRST..=agreed);
                    among.difference(&agreeing)
                }
                None => among,
            },
        };
        let ranges = gone.ranges().rev();
        self.at = At::Write(ranges.map(|r| (*r.start(), *r.end())).collect());
    }
}
