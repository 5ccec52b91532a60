//! What an administrator may say about scheduling. Knows no parameter names but in its documentation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How the scheduler behaves; the defaults are Postfix's where Postfix has the option.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Messages that may wait here at once; 20,000 (Postfix: qmgr_message_active_limit). See [`super::Room`].
    pub messages: usize,
    /// Recipients that may wait here at once; 20,000 (Postfix: qmgr_message_recipient_limit). See [`super::Room`].
    pub recipients: usize,
    /// The shortest time between two attempts, and how long a dead destination is left alone; 300 s
    /// (Postfix: minimal_backoff_time).
    pub minimal_backoff: Duration,
    /// The longest time between two attempts; 4,000 s (Postfix: maximal_backoff_time).
    pub maximal_backoff: Duration,
    /// Messages come back in runs that are so far apart, so that those for one destination come together; 300 s. Zero:
    /// each comes back when its own time is over (Postfix: queue_run_delay).
    pub run_delay: Duration,
    /// How old a message may grow before it is returned; five days. Zero: one attempt
    /// (Postfix: maximal_queue_lifetime).
    pub lifetime: Duration,
    /// The same for messages with the null sender; five days (Postfix: bounce_queue_lifetime).
    pub bounce_lifetime: Duration,
    /// The age at which a sender is told that his message is late; zero, which is the default: never
    /// (Postfix: delay_warning_time).
    pub warn_after: Duration,
    /// How long a transport that did not work is left alone; 60 s (Postfix: transport_retry_time).
    pub transport_retry: Duration,
    /// Destinations of which nothing is here and that are remembered for having answered; 10,000. So their next mail needs
    /// not stand among that for strangers.
    pub remembered: usize,
    /// How long they are; one hour.
    pub memory: Duration,
    /// Transports whose mail waits until somebody urges it; none (Postfix: defer_transports).
    pub deferred_transports: HashSet<Arc<str>>,
    /// For transports that are not named below.
    pub transport: TransportOptions,
    /// For single transports, by name (Postfix: `transport_…` in place of `default_…`).
    pub transports: HashMap<Arc<str>, TransportOptions>,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            messages: 20_000,
            recipients: 20_000,
            minimal_backoff: Duration::from_secs(300),
            maximal_backoff: Duration::from_secs(4_000),
            run_delay: Duration::from_secs(300),
            lifetime: Duration::from_secs(5 * DAY),
            bounce_lifetime: Duration::from_secs(5 * DAY),
            warn_after: Duration::ZERO,
            transport_retry: Duration::from_secs(60),
            remembered: 10_000,
            memory: Duration::from_secs(60 * 60),
            deferred_transports: HashSet::new(),
            transport: TransportOptions::default(),
            transports: HashMap::new(),
        }
    }
}

impl Options {
    /// What holds for a transport.
    pub fn of(&self, transport: &str) -> &TransportOptions {
        self.transports.get(transport).unwrap_or(&self.transport)
    }
}

/// How one transport is used.
#[derive(Debug, Clone, PartialEq)]
pub struct TransportOptions {
    /// Deliveries at once; 100. Zero: no limit (Postfix: default_process_limit, and maxproc in master.cf).
    pub deliveries: u32,
    /// A delivery that has taken so long is stalled and no longer counts among [`Self::deliveries`]; 10 s.
    pub patience: Duration,
    /// Stalled deliveries beside those; 400. So destinations that hang do not hold the places of those that move. Zero,
    /// as Postfix has it: a delivery counts until it ends; the setting for transports that start a process for each.
    pub stalled: u32,
    /// Deliveries at once to a destination that is new here; 5 (Postfix: initial_destination_concurrency).
    pub initial: u32,
    /// Deliveries at once to a destination that does well; 20. Zero: no limit
    /// (Postfix: default_destination_concurrency_limit).
    pub limit: u32,
    /// What a destination that answers gains; 1 (Postfix: default_destination_concurrency_positive_feedback).
    pub positive: Rate,
    /// What a destination that cannot be reached loses; 1
    /// (Postfix: default_destination_concurrency_negative_feedback).
    pub negative: Rate,
    /// So many times its concurrency must deliveries fail in a row for a destination to be dead; 1. Zero: it never is
    /// (Postfix: default_destination_concurrency_failed_cohort_limit).
    pub failed_cohorts: f64,
    /// Recipients in one delivery; 50. Zero: no limit (Postfix: default_destination_recipient_limit).
    pub recipients: u32,
    /// The time between the end of a delivery and the next one to the same destination; zero. Unless it is zero a
    /// destination gets one delivery at a time (Postfix: default_destination_rate_delay).
    pub rate_delay: Duration,
    /// The time between the starts of two deliveries by this transport, wherever they go; zero
    /// (Postfix: default_transport_rate_delay).
    pub transport_rate_delay: Duration,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            deliveries: 100,
            patience: Duration::from_secs(10),
            stalled: 400,
            initial: 5,
            limit: 20,
            positive: Rate::Fixed(1.0),
            negative: Rate::Fixed(1.0),
            failed_cohorts: 1.0,
            recipients: 50,
            rate_delay: Duration::ZERO,
            transport_rate_delay: Duration::ZERO,
        }
    }
}

impl TransportOptions {
    /// Deliveries at once to one destination, at most.
    pub(super) fn most(&self) -> u32 {
        if self.rate_delay.is_zero() {
            or_unlimited(self.limit)
        } else {
            1
        }
    }

    /// Deliveries at once to one destination, to begin with.
    pub(super) fn first(&self) -> u32 {
        self.initial.clamp(1, self.most())
    }
}

/// Zero is how Postfix says that there is no limit.
pub(super) fn or_unlimited(limit: u32) -> u32 {
    if limit == 0 { u32::MAX } else { limit }
}

/// How much one delivery changes a destination's concurrency. What is not between 0 and 1 counts as the nearer of the
/// two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// So much.
    Fixed(f64),
    /// So much by the concurrency: the whole of it together changes it by so much.
    PerConcurrency(f64),
    /// So much by the square root of the concurrency.
    PerRoot(f64),
}

impl Rate {
    /// The change at a concurrency.
    pub(super) fn at(self, concurrency: u32) -> f64 {
        let concurrency = f64::from(concurrency.max(1));
        let amount = match self {
            Self::Fixed(n) => n,
            Self::PerConcurrency(n) => n / concurrency,
            Self::PerRoot(n) => n / concurrency.sqrt(),
        };
        // `max` makes a zero of what is not a number.
        amount.max(0.0).clamp(0.0, 1.0)
    }
}
