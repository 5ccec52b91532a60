//! Reports on a round, written into the same queue as any other mail.

use super::hand::Hand;
use super::{Setup, lines};
use crate::bounce::{self, Settled};
use crate::deliver::Fate;
use crate::intake::QueueId;
use mailcore_store::{Error, Kind, Result};

/// Writes what there is to report of this round; says whether there was anything.
pub(super) async fn write(parts: &Setup, hand: &Hand, late: bool) -> Result<bool> {
    let entry = &hand.claim.entry;
    let fates: Vec<(u32, Fate)> = hand
        .fates
        .iter()
        .map(|(position, fate)| (*position, fate.clone()))
        .collect();
    let settled = Settled {
        id: &hand.id,
        envelope: &entry.envelope,
        arrived: entry.arrived,
        size: entry.size,
        fates: &fates,
        late,
    };
    let reports = bounce::reports(&parts.reports, &settled, parts.clock.now());
    if reports.is_empty() {
        return Ok(false);
    }
    let original = parts.queue.content(entry.identity).await?;
    let original = original.ok_or_else(|| Error::new(Kind::NotFound, "the message is gone"))?;
    for report in reports {
        let content = report.content(&*original).await?;
        let what = report.notice();
        let identity = parts.intake.put(report.envelope, &content).await?;
        lines::reported(hand, what, &QueueId::of(identity).to_string());
    }
    Ok(true)
}
