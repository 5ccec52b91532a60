//! What becomes of a message whose recipients have all had their turn. Keeps nothing.

use super::event::Next;
use super::job::Message;
use super::options::Options;
use std::time::{Duration, Instant};

/// What to do with a message at `now`; runs are counted from `epoch`.
pub(super) fn next(message: &Message, epoch: Instant, now: Instant, options: &Options) -> Next {
    if message.withdrawn {
        return Next::Withdrawn;
    }
    if message.deferred.is_empty() {
        return Next::Remove;
    }
    let age = message
        .age
        .saturating_add(now.saturating_duration_since(message.came));
    let lifetime = if message.null_sender {
        options.bounce_lifetime
    } else {
        options.lifetime
    };
    if age >= lifetime {
        return Next::Expired;
    }
    let late = !options.warn_after.is_zero() && age >= options.warn_after;
    Next::Retry {
        after: after(age, now.saturating_duration_since(epoch), options),
        warn: late && !message.warned && !message.null_sender,
    }
}

/// In how long a message of this age is tried again: when it is twice as old, within the limits, at the next run.
fn after(age: Duration, now: Duration, options: &Options) -> Duration {
    let wait = age
        .min(options.maximal_backoff)
        .max(options.minimal_backoff);
    let run = options.run_delay.as_nanos();
    if run == 0 {
        return wait;
    }
    let due = now.saturating_add(wait);
    let late = due.as_nanos() % run;
    // A run that begins now is no pause.
    let until_run = if late == 0 && !wait.is_zero() {
        0
    } else {
        run - late
    };
    wait.saturating_add(Duration::from_nanos(
        u64::try_from(until_run).unwrap_or(u64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_message_waits_as_long_as_it_is_old_within_the_limits() {
        let options = Options {
            run_delay: Duration::ZERO,
            ..Options::default()
        };
        for (age, wait) in [
            (0, 300),
            (299, 300),
            (600, 600),
            (3_999, 3_999),
            (90_000, 4_000),
        ] {
            assert_eq!(after(secs(age), secs(7), &options), secs(wait));
        }
    }

    #[test]
    fn messages_come_back_in_runs() {
        let options = Options::default();
        for (age, now, due) in [
            (0, 0, 300),
            (0, 1, 600),
            (600, 650, 1_500),
            (600, 900, 1_500),
        ] {
            assert_eq!(secs(now) + after(secs(age), secs(now), &options), secs(due));
        }
    }
}
