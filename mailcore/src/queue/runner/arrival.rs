//! A message is taken up: where its recipients go is asked, and which of those destinations share their servers; then it
//! is the scheduler's. The loop that claims does not wait for look-ups: a message that has to is set aside, with bounded
//! patience.

use super::hand::Hand;
use super::{Chore, Runner, lines, now};
use crate::deliver::hosts::{Exchangers, Known};
use crate::queue::scheduler::{Arrival, Destination};
use crate::route::{Next, TransportName};
use mailcore_store::queue::{Claim, Identity};
use std::sync::Arc;

impl Runner {
    pub(super) async fn take_up(&mut self, claim: Claim) {
        let identity = claim.entry.identity;
        if let Some(known) = self.hands.get_mut(&identity) {
            // Its lease ran out while it was here.
            known.claim = claim;
            return;
        }
        if self.settling.contains(&identity) {
            return;
        }
        let hand = Hand::new(claim, self.parts.clock.now());
        lines::active(&hand);
        let mut recipients = Vec::new();
        for position in hand.open() {
            recipients.push((position, self.destination(&hand, position).await));
        }
        let entry = &hand.claim.entry;
        let age = self.parts.clock.now().duration_since(entry.arrived);
        let sender = &entry.envelope.sender;
        let mut arrival = Arrival {
            message: identity,
            age: age.unwrap_or_default(),
            sender: Some(sender.to_string().to_ascii_lowercase().into()),
            null_sender: sender.is_null(),
            warned: entry.warned,
            urged: self.urged.remove(&identity),
            recipients,
        };
        self.hands.insert(identity, hand);
        let Some(exchangers) = self.parts.exchangers.clone() else {
            return self.arrive(arrival);
        };
        let sought = group(&exchangers, &mut arrival);
        if sought.is_empty() {
            return self.arrive(arrival);
        }
        self.sought.insert(identity);
        self.chores.spawn(async move {
            for known in sought {
                if let Known::Soon(mut end, until) = known {
                    // The end of a look-up is its sender's; that it comes too late makes no difference here.
                    let _ = tokio::time::timeout_at(until, end.changed()).await;
                }
            }
            group(&exchangers, &mut arrival);
            Chore::Found(arrival)
        });
    }

    /// A message whose destinations are known, as far as they will be, is the scheduler's, unless it was taken away.
    pub(super) fn found(&mut self, arrival: Arrival) {
        if self.sought.remove(&arrival.message) {
            self.arrive(arrival);
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        if self.scheduler.arrive(arrival, now()).is_err() {
            tracing::error!("a message was taken up twice");
        }
    }

    /// Nothing of a message that is not the scheduler's yet is to be tried; says whether it was such a one.
    pub(super) fn unseek(&mut self, message: Identity) -> bool {
        let sought = self.sought.remove(&message);
        if sought {
            self.hands.remove(&message);
        }
        sought
    }

    /// Where a recipient goes; one of whom that cannot be told for now is deferred by the transport for such.
    async fn destination(&self, hand: &Hand, position: u32) -> Destination {
        let recipients = &hand.claim.entry.envelope.recipients;
        let routed = match recipients.get(position as usize) {
            Some(recipient) => {
                let address = recipient.path.clone().complete(self.parts.routes.origin());
                self.parts.routes.next_hop(&address).await
            }
            None => Ok(Next::new(TransportName::ERROR, "5.1.3 no such recipient")),
        };
        let next = routed.unwrap_or_else(|error| {
            tracing::warn!("{}: {error}", hand.id);
            Next::new(TransportName::RETRY, "4.3.0 address resolver failure")
        });
        Destination {
            transport: Arc::from(next.transport.as_str()),
            nexthop: next.nexthop,
            group: None,
        }
    }
}

/// Groups the destinations whose servers are known; says which others are worth waiting for.
fn group(exchangers: &Exchangers, arrival: &mut Arrival) -> Vec<Known> {
    let mut sought = Vec::new();
    for (_, to) in &mut arrival.recipients {
        match exchangers.of(&to.transport, &to.nexthop) {
            Known::Set(set) => to.group = set,
            soon @ Known::Soon(..) => sought.push(soon),
        }
    }
    sought
}
