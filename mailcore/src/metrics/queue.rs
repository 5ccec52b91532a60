//! What waits in the queue just now. It is looked for when it is asked for, and never looked through whole.

use mailcore_store::Result;
use mailcore_store::queue::{Lane, Outcome, Queue, SegmentQueue};
use std::collections::HashMap;

/// Messages of each lane that are looked into.
const LOOKED: usize = 1_000;
/// Messages that are asked for at once.
const PAGE: usize = 100;
/// Destinations that are told apart; any others count together.
const DESTINATIONS: usize = 20;

/// A destination with mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination {
    /// The recipients' domain; `other` for all that are not told apart.
    pub domain: String,
    /// Recipients there to whom mail waits, among the messages that were looked into.
    pub recipients: u64,
}

/// What waits in a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Messages in each lane: all of them.
    pub lanes: Vec<(Lane, usize)>,
    /// The destinations with the most recipients, 20 at most and one for the rest, by the first 1,000 messages of the
    /// active and of the deferred lane.
    pub destinations: Vec<Destination>,
}

impl Waiting {
    /// Looks into a queue.
    ///
    /// # Errors
    /// As [`Queue::page`].
    pub async fn of(queue: &SegmentQueue) -> Result<Self> {
        let mut domains: HashMap<String, u64> = HashMap::new();
        for lane in [Lane::Active, Lane::Deferred] {
            count(queue, lane, &mut domains).await?;
        }
        Ok(Self {
            lanes: queue.lanes(),
            destinations: most(domains),
        })
    }
}

async fn count(queue: &dyn Queue, lane: Lane, into: &mut HashMap<String, u64>) -> Result<()> {
    let mut after = None;
    for _ in 0..LOOKED / PAGE {
        let page = queue.page(Some(lane), after, PAGE).await?;
        for entry in &page {
            for (at, recipient) in entry.envelope.recipients.iter().enumerate() {
                let outcome = entry.outcomes.get(at).and_then(Option::as_ref);
                if outcome.is_some_and(Outcome::is_final) {
                    continue;
                }
                let path = recipient.path.to_string();
                let domain = path.trim_end_matches('>').rsplit_once('@');
                let domain = domain.map_or("", |(_, domain)| domain);
                *into.entry(domain.to_ascii_lowercase()).or_default() += 1;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.identity),
            _ => break,
        }
    }
    Ok(())
}

/// Those with the most; the rest together.
fn most(domains: HashMap<String, u64>) -> Vec<Destination> {
    let all = domains.into_iter();
    let mut all: Vec<Destination> = all
        .map(|(domain, recipients)| Destination { domain, recipients })
        .collect();
    all.sort_by(|a, b| (b.recipients, &a.domain).cmp(&(a.recipients, &b.domain)));
    let rest = all.split_off(all.len().min(DESTINATIONS));
    let recipients = rest.iter().map(|it| it.recipients).sum();
    if recipients > 0 {
        let domain = "other".to_owned();
        all.push(Destination { domain, recipients });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_twenty_destinations_are_told_apart() {
        let domains = (0..30).map(|n| (format!("d{n:02}.test"), 100 - n));
        let told = most(domains.collect());
        assert_eq!(told.len(), 21);
        assert_eq!(told[0].domain, "d00.test");
        assert_eq!(told[20].domain, "other");
        assert_eq!(told[20].recipients, (71..=80).sum::<u64>());
    }
}
