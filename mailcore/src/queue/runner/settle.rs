//! The end of a round for one message: reports go to the sender, outcomes into the queue, and the message away or back.
//!
//! The order is what keeps promises through a crash: a report is durable before the failure it tells of is recorded, so
//! a crash between the two reports twice and never not at all.

use super::hand::{Hand, outcome};
use super::{Setup, lines, report};
use crate::deliver::{Action, Fate};
use crate::queue::scheduler::Next;
use mailcore_store::queue::Outcome;
use mailcore_store::{Kind, Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a message waits whose report could not be written.
const AGAIN: Duration = Duration::from_secs(60);

/// A settlement that has been carried out.
#[derive(Debug)]
pub(super) struct Settled {
    /// When the message is next due, where it was given back.
    pub(super) due: Option<SystemTime>,
    /// Whether reports were put into the queue.
    pub(super) reported: bool,
}

/// Carries a settlement out. What fails leaves the message claimed: it comes back when the claim has run out.
pub(super) async fn settle(parts: Arc<Setup>, mut hand: Hand, next: Next) -> Settled {
    let id = hand.id.clone();
    match try_settle(&parts, &mut hand, next).await {
        Ok(settled) => settled,
        Err(error) if error.kind() == Kind::NotFound => Settled {
            due: None,
            reported: false,
        },
        Err(error) => {
            tracing::error!("{id}: queue: {error}");
            Settled {
                due: Some(parts.clock.now() + AGAIN),
                reported: false,
            }
        }
    }
}

async fn try_settle(parts: &Setup, hand: &mut Hand, next: Next) -> Result<Settled> {
    if next == Next::Withdrawn {
        note(parts, hand, None).await?;
        return Ok(Settled {
            due: None,
            reported: false,
        });
    }
    if next == Next::Expired {
        lines::expired(hand);
        expire(hand);
    }
    let warn = matches!(next, Next::Retry { warn: true, .. });
    let reported = match report::write(parts, hand, warn).await {
        Ok(reported) => reported,
        Err(error) => {
            // The report is owed: its recipients count as deferred, whatever was said of them.
            tracing::error!("{}: a report could not be written: {error}", hand.id);
            owe(hand);
            let due = parts.clock.now() + AGAIN;
            note(parts, hand, Some(due)).await?;
            return Ok(Settled {
                due: Some(due),
                reported: false,
            });
        }
    };
    let identity = hand.claim.entry.identity;
    if let Next::Retry { after, .. } = next {
        if warn {
            parts.queue.warned(identity).await?;
        }
        let due = parts.clock.now() + after;
        note(parts, hand, Some(due)).await?;
        return Ok(Settled {
            due: Some(due),
            reported,
        });
    }
    parts.queue.remove(identity).await?;
    crate::log::postfix::removed(&hand.id);
    Ok(Settled {
        due: None,
        reported,
    })
}

/// Records what became of the recipients, and gives the message back where it is due again.
async fn note(parts: &Setup, hand: &Hand, due: Option<SystemTime>) -> Result<()> {
    let outcomes: Vec<(usize, Outcome)> = hand
        .fates
        .iter()
        .map(|(at, fate)| (*at as usize, outcome(fate)))
        .collect();
    parts.queue.mark(&hand.claim, &outcomes, due).await?;
    Ok(())
}

/// Those who are deferred have failed; why stays as it was.
fn expire(hand: &mut Hand) {
    for fate in hand.fates.values_mut() {
        if fate.action == Action::Deferred {
            fate.action = Action::Failed;
        }
    }
}

/// Failures that could not be reported are not final yet.
fn owe(hand: &mut Hand) {
    for fate in hand.fates.values_mut() {
        if fate.action == Action::Failed {
            *fate = Fate::deferred((3, 0), std::mem::take(&mut fate.text));
        }
    }
}
