//! Deliveries: begun when the scheduler says so, logged and reported to it when they end.

use super::attempt::{self, Ended, Lost};
use super::{Chore, Runner, lines, now};
use crate::deliver::{Fate, Pace, Report};
use crate::queue::scheduler::{Attempt, Feedback, Suspension, Why};
use mailcore_store::queue::Lane;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError};

impl Runner {
    pub(super) fn start(&mut self, attempt: Attempt) {
        let Some(hand) = self.hands.get(&attempt.message) else {
            return self
                .scheduler
                .finished(attempt.id, Feedback::Answered, &[], now());
        };
        let waited = hand.taken_up.elapsed();
        let job = attempt::job_of(hand, &attempt);
        let queue = Arc::clone(&self.parts.queue);
        let ways = Arc::clone(&self.parts.ways);
        let known = attempt.clone();
        let delivery = async move {
            let result = attempt::run(queue, ways, &attempt, job).await;
            Ended {
                attempt,
                waited,
                result,
            }
        };
        let task = self.deliveries.spawn(delivery);
        self.running.insert(task.id(), (known, waited));
    }

    /// A delivery has ended, one way or another.
    pub(super) fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let ended = match ended {
            Ok((task, ended)) => {
                self.running.remove(&task);
                ended
            }
            Err(error) => {
                let Some((attempt, waited)) = self.running.remove(&error.id()) else {
                    return;
                };
                tracing::error!("a delivery by {} panicked", attempt.destination.transport);
                let fate = Fate::deferred((3, 0), "unknown mail transport error");
                let result = Ok(Report::new(vec![fate; attempt.recipients.len()]));
                Ended {
                    attempt,
                    waited,
                    result,
                }
            }
        };
        let Ended {
            attempt,
            waited,
            result,
        } = ended;
        match result {
            Ok(report) => self.reported(&attempt, waited, report),
            Err(lost) => self.lost(&attempt, waited, lost),
        }
    }

    pub(super) fn reported(&mut self, attempt: &Attempt, waited: Duration, mut report: Report) {
        // A transport that reports too little has not told: the rest is tried again.
        let silent = || Fate::deferred((3, 0), "unknown mail transport error");
        report.fates.resize_with(attempt.recipients.len(), silent);
        let mut done = Vec::new();
        let Some(hand) = self.hands.get_mut(&attempt.message) else {
            return self
                .scheduler
                .finished(attempt.id, Feedback::Answered, &[], now());
        };
        let envelope = Arc::clone(&hand.claim.entry.envelope);
        let age = self
            .parts
            .clock
            .now()
            .duration_since(hand.claim.entry.arrived);
        for (position, fate) in attempt.recipients.iter().zip(report.fates) {
            if let Some(metrics) = &self.metrics {
                let transport = &attempt.destination.transport;
                metrics.delivered(transport, fate.action, age.clone().unwrap_or_default());
            }
            if let Some(recipient) = envelope.recipients.get(*position as usize) {
                lines::attempt(
                    hand,
                    &attempt.destination.transport,
                    recipient,
                    &fate,
                    waited,
                    report.pace,
                );
            }
            if fate.is_final() {
                done.push(*position);
            }
            hand.fates.insert(*position, fate);
        }
        self.unnoted.insert(attempt.message);
        let feedback = match report.feedback {
            crate::deliver::Feedback::Alive => Feedback::Answered,
            crate::deliver::Feedback::Dead(why) => Feedback::Dead(why.into()),
            crate::deliver::Feedback::Unavailable(why) => Feedback::Unavailable(why.into()),
        };
        self.scheduler.finished(attempt.id, feedback, &done, now());
    }

    /// There was nothing to deliver.
    pub(super) fn lost(&mut self, attempt: &Attempt, waited: Duration, lost: Lost) {
        self.scheduler.withdraw(attempt.message, now());
        let damage = match lost {
            Lost::Gone => None,
            Lost::Corrupt(why, report) => Some((why, report)),
        };
        if let (Some((why, _)), Some(hand)) = (&damage, self.hands.get(&attempt.message)) {
            tracing::error!("{}: {why}; moved to the corrupt lane", hand.id);
            let parts = Arc::clone(&self.parts);
            let message = attempt.message;
            self.chores.spawn(async move {
                if let Err(error) = parts.queue.assign(message, Lane::Corrupt).await {
                    tracing::error!("queue: {error}");
                }
                Chore::Noted
            });
        }
        match damage {
            Some((_, Some(report))) => self.reported(attempt, waited, report),
            _ => self
                .scheduler
                .finished(attempt.id, Feedback::Answered, &[], now()),
        }
    }

    /// Recipients are deferred without an attempt.
    pub(super) fn suspend(&mut self, suspension: Suspension) {
        let Some(hand) = self.hands.get_mut(&suspension.message) else {
            return;
        };
        let fate = match suspension.why {
            Why::Dead(why) => {
                Fate::deferred((4, 1), format!("delivery temporarily suspended: {why}"))
            }
            Why::Unavailable(why) => Fate::deferred((3, 0), &*why),
            Why::Deferred => Fate::deferred((3, 2), "deferred transport"),
        };
        let envelope = Arc::clone(&hand.claim.entry.envelope);
        let waited = hand.taken_up.elapsed();
        for position in suspension.recipients {
            if let Some(recipient) = envelope.recipients.get(position as usize) {
                lines::attempt(hand, "error", recipient, &fate, waited, Pace::default());
            }
            hand.fates.insert(position, fate.clone());
        }
    }
}
