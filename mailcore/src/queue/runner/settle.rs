//! The end of a round for one message: reports go to the sender, outcomes into the queue, and the message away or back.
//!
//! The order is what keeps promises through a crash: a report is durable before the failure it tells of is recorded, so
//! a crash between the two reports twice and never not at all.

use super::hand::{Hand, outcome};
use super::{LEASE, Setup, lines, report};
use crate::deliver::{Action, Fate};
use crate::queue::scheduler::Next;
use mailcore_store::queue::Outcome;
use mailcore_store::{Kind, Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// How long a message waits whose report could not be written; at most as long until what could not be recorded is tried
/// again.
const AGAIN: Duration = Duration::from_secs(60);
/// How long that is at first.
const SOON: Duration = Duration::from_secs(1);

/// A settlement that has been carried out.
#[derive(Debug)]
pub(super) struct Settled {
    /// When the message is next due, where it was given back.
    pub(super) due: Option<SystemTime>,
    /// Whether reports were put into the queue.
    pub(super) reported: bool,
}

/// What has become of the reports of a round.
#[derive(Debug, Clone, Copy)]
enum Reports {
    /// They are in the queue, if there were any.
    Written(bool),
    /// They could not be written: their recipients count as deferred, whatever was said of them.
    Owed,
}

/// Carries a settlement out. What cannot be recorded is kept and tried again, with nobody delivered to meanwhile: who has
/// the mail must not get it again because a disk failed. Once `closing` says so it is tried once more at most, and the
/// message stays claimed: it comes back when the claim has run out.
pub(super) async fn settle(
    parts: Arc<Setup>,
    mut hand: Hand,
    next: Next,
    mut closing: watch::Receiver<bool>,
) -> Settled {
    let (mut reports, mut wait) = (None, SOON);
    loop {
        let last = *closing.borrow();
        match try_settle(&parts, &mut hand, next, &mut reports).await {
            Ok(settled) => return settled,
            Err(error) if error.kind() == Kind::NotFound => {
                return Settled {
                    due: None,
                    reported: false,
                };
            }
            Err(error) => tracing::error!("{}: queue: {error}", hand.id),
        }
        if last {
            return Settled {
                due: None,
                reported: matches!(reports, Some(Reports::Written(true))),
            };
        }
        let _ = tokio::time::timeout(wait, closing.wait_for(|closing| *closing)).await;
        wait = (wait * 2).min(AGAIN);
        let until = parts.clock.now() + LEASE;
        if let Ok(Some(claim)) = parts.queue.renew(&hand.claim, until).await {
            hand.claim = claim;
        }
    }
}

async fn try_settle(
    parts: &Setup,
    hand: &mut Hand,
    next: Next,
    reports: &mut Option<Reports>,
) -> Result<Settled> {
    if next == Next::Withdrawn {
        note(parts, hand, None).await?;
        return Ok(Settled {
            due: None,
            reported: false,
        });
    }
    let warn = matches!(next, Next::Retry { warn: true, .. });
    let written = match *reports {
        Some(written) => written,
        None => report(parts, hand, next, warn).await,
    };
    *reports = Some(written);
    let Reports::Written(reported) = written else {
        let due = parts.clock.now() + AGAIN;
        note(parts, hand, Some(due)).await?;
        return Ok(Settled {
            due: Some(due),
            reported: false,
        });
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

/// Writes the reports of a round.
async fn report(parts: &Setup, hand: &mut Hand, next: Next, warn: bool) -> Reports {
    if next == Next::Expired {
        lines::expired(hand);
        expire(hand);
    }
    match report::write(parts, hand, warn).await {
        Ok(reported) => Reports::Written(reported),
        Err(error) => {
            tracing::error!("{}: a report could not be written: {error}", hand.id);
            owe(hand);
            Reports::Owed
        }
    }
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
