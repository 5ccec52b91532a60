//! Work on the queue that is done beside the deliveries: outcomes are recorded, messages settled, orders obeyed.

use super::{Chore, LEASE, Runner, now, settle};
use crate::queue::orders::Heard;
use crate::queue::scheduler::Settlement;
use mailcore_store::queue::Claim;
use std::sync::Arc;
use tokio::task::JoinError;
use tokio::time::Instant;

impl Runner {
    pub(super) fn settle(&mut self, settlement: Settlement) {
        let message = settlement.message;
        self.unnoted.remove(&message);
        let Some(hand) = self.hands.remove(&message) else {
            return;
        };
        self.settling.insert(message);
        let (parts, closing) = (Arc::clone(&self.parts), self.closing.subscribe());
        self.chores.spawn(async move {
            let settled = settle::settle(parts, hand, settlement.next, closing).await;
            Chore::Settled(message, settled)
        });
    }

    /// Records deliveries of messages that have others still waiting: a crash then repeats none of them.
    pub(super) fn note_done(&mut self) {
        for message in std::mem::take(&mut self.unnoted) {
            let Some(hand) = self.hands.get_mut(&message) else {
                continue;
            };
            let outcomes = hand.take_delivered();
            if outcomes.is_empty() {
                continue;
            }
            let parts = Arc::clone(&self.parts);
            let claim = hand.claim.clone();
            self.chores.spawn(async move {
                if let Err(error) = parts.queue.mark(&claim, &outcomes, None).await {
                    tracing::error!("queue: {error}");
                }
                Chore::Noted
            });
        }
    }

    pub(super) fn done(&mut self, chore: Result<Chore, JoinError>) {
        match chore {
            Ok(Chore::Settled(message, settled)) => {
                self.settling.remove(&message);
                if let Some(due) = settled.due {
                    let wait = due.duration_since(self.parts.clock.now());
                    let at = Instant::now() + wait.unwrap_or_default();
                    self.next_look = self.next_look.min(at);
                }
                if settled.reported || self.waits_for_room {
                    self.next_look = Instant::now();
                }
            }
            Ok(Chore::Noted) => {}
            Ok(Chore::Found(arrival)) => self.found(arrival),
            Ok(Chore::Renewed(claims)) => {
                for claim in claims {
                    if let Some(hand) = self.hands.get_mut(&claim.entry.identity) {
                        hand.claim = claim;
                    }
                }
            }
            Err(error) => tracing::error!("queue: {error}"),
        }
    }

    pub(super) async fn obey(&mut self, heard: Heard) {
        if heard.flush {
            self.scheduler.revive(now());
        }
        self.urged.extend(heard.urge);
        for message in heard.forget {
            let Some(hand) = self.hands.get(&message) else {
                continue;
            };
            // It may have been given to us again since the order was given.
            let until = self.parts.clock.now() + LEASE;
            if let Ok(None) = self.parts.queue.renew(&hand.claim, until).await
                && !self.unseek(message)
            {
                self.scheduler.withdraw(message, now());
            }
        }
        self.next_look = Instant::now();
    }

    /// Keeps what is in hand from running out.
    pub(super) fn renew(&mut self) {
        self.next_renewal = Instant::now() + LEASE / 3;
        let claims: Vec<Claim> = self.hands.values().map(|hand| hand.claim.clone()).collect();
        let parts = Arc::clone(&self.parts);
        self.chores.spawn(async move {
            let mut renewed = Vec::with_capacity(claims.len());
            for claim in claims {
                let until = parts.clock.now() + LEASE;
                match parts.queue.renew(&claim, until).await {
                    Ok(claim) => renewed.extend(claim),
                    Err(error) => tracing::error!("queue: {error}"),
                }
            }
            Chore::Renewed(renewed)
        });
    }
}
