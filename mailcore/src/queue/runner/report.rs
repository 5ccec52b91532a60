//! Reports on a round, written into the same queue as any other mail.

use super::hand::Hand;
use super::{Setup, lines};
use crate::bounce::{self, Settled};
use crate::deliver::Fate;
use crate::intake::QueueId;
use bytes::Bytes;
use mailcore_base::date::DateTime;
use mailcore_store::queue::Lane;
use mailcore_store::{Error, Kind, Result};
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

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
    let now = parts.clock.now();
    let reports = bounce::reports(&parts.reports, &settled, now);
    if reports.is_empty() {
        return Ok(false);
    }
    let original = parts.queue.content(entry.identity).await?;
    let original = original.ok_or_else(|| Error::new(Kind::NotFound, "the message is gone"))?;
    for report in reports {
        let mut draft = parts.queue.create().await?;
        let id = QueueId::of(draft.identity()).to_string();
        let mut header = received(parts, &id, now);
        header.extend_from_slice(&report.header);
        report.write_to(&*original, &mut *draft).await?;
        let what = report.notice();
        draft
            .commit(Bytes::from(header), report.envelope, now, Lane::Incoming)
            .await?;
        lines::reported(hand, what, &id);
    }
    Ok(true)
}

/// RFC 5321 §4.4: where the report comes from.
fn received(parts: &Setup, id: &str, now: SystemTime) -> Vec<u8> {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut out = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "Received: by {} (mailcore)\r\n\tid {id}; ",
        parts.reports.hostname.as_ascii()
    );
    DateTime::utc(i64::try_from(seconds).unwrap_or(0)).write_to(&mut out);
    out.extend_from_slice(b"\r\n");
    out
}
