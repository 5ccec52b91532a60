//! One destination as the scheduler knows it. Does nothing by itself.

use super::event::Destination;
use super::job::Offered;
use super::line::Line;
use super::options::TransportOptions;
use super::slab::Key;
use super::transport::{Pool, Transport};
use super::window::Window;
use std::sync::Arc;
use std::time::Instant;

/// What makes a destination one within its transport.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Nexthop(Arc<str>),
    Group(Arc<str>),
}

impl Name {
    pub(super) fn of(destination: &Destination) -> Self {
        match &destination.group {
            Some(group) => Self::Group(group.clone()),
            None => Self::Nexthop(destination.nexthop.clone()),
        }
    }
}

/// Whether a destination is worth trying.
///
/// ```text
///             enough cohorts failed               its time is over
///   Alive ────────────────────────────▶ Dead ─────────────────────────▶ Probing
///     ▲                                  │ ▲  somebody urges            │   │
///     │            answered              │ └────────────────────────────┘   │
///     ├──────────────────────────────────┘           failed                 │
///     └─────────────────────────────────────────────────────────────────────┘
///                                     answered
/// ```
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Health {
    Alive,
    /// Nothing is sent until then.
    Dead {
        until: Instant,
        why: Arc<str>,
    },
    /// One delivery at a time; if none comes, it is forgotten at that moment.
    Probing {
        forget: Instant,
    },
}

/// A destination that has something waiting or running, or is remembered for being dead or for having its rate.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) transport: Key<Transport>,
    pub(super) name: Name,
    pub(super) window: Window,
    pub(super) health: Health,
    /// It has answered, and nothing has failed to reach it since.
    pub(super) answers: bool,
    /// That is only remembered: it has not answered since it is here again.
    pub(super) recalled: bool,
    pub(super) running: u32,
    /// Those of them that have taken too long.
    pub(super) stalled: u32,
    /// The rate allows nothing before.
    pub(super) not_before: Option<Instant>,
    /// Who waits.
    pub(super) line: Line,
    /// Where its next delivery stands to be taken, if it can have one.
    pub(super) offered: Option<Offered>,
    /// Recipients here that take a place in the room.
    pub(super) counted: usize,
    pub(super) alarm: Option<Instant>,
}

impl Site {
    pub(super) fn new(transport: Key<Transport>, name: Name, options: &TransportOptions) -> Self {
        Self {
            transport,
            name,
            window: Window::new(options),
            health: Health::Alive,
            answers: false,
            recalled: false,
            running: 0,
            stalled: 0,
            not_before: None,
            line: Line::default(),
            offered: None,
            counted: 0,
            alarm: None,
        }
    }

    /// Whether a delivery may begin.
    pub(super) fn is_open(&self, now: Instant, options: &TransportOptions) -> bool {
        let most = match self.health {
            Health::Dead { .. } => return false,
            Health::Probing { .. } => 1,
            // A stranger that keeps us waiting gets no more of our places.
            Health::Alive if self.stalled > 0 && !self.answers => return false,
            Health::Alive => self.window.size(options),
        };
        self.running < most && self.not_before.is_none_or(|at| at <= now)
    }

    /// Which of the transport's places it may take.
    pub(super) fn pool(&self) -> Pool {
        if self.answers && self.stalled == 0 {
            Pool::Known
        } else {
            Pool::Strangers
        }
    }

    /// It answered when it was last here.
    pub(super) fn recall(&mut self) {
        self.answers = true;
        self.recalled = true;
    }

    /// One of its deliveries has taken too long. Of whom we only remember an answer, that weighs more.
    pub(super) fn stall(&mut self) {
        self.stalled += 1;
        if std::mem::take(&mut self.recalled) {
            self.answers = false;
        }
    }

    /// Answered: yes or no makes no difference.
    pub(super) fn answered(&mut self, options: &TransportOptions) {
        self.answers = true;
        self.recalled = false;
        match self.health {
            Health::Alive => self.window.answered(self.running, options),
            Health::Dead { .. } | Health::Probing { .. } => {
                self.health = Health::Alive;
                self.window = Window::new(options);
            }
        }
    }

    /// Not reached. It is dead until then if this was once too often; says whether it is now newly dead.
    pub(super) fn failed(
        &mut self,
        why: &Arc<str>,
        until: Instant,
        options: &TransportOptions,
    ) -> bool {
        self.answers = false;
        self.recalled = false;
        let dead = match self.health {
            Health::Alive => self.window.failed(options),
            Health::Probing { .. } => options.failed_cohorts > 0.0,
            Health::Dead { .. } => false,
        };
        if dead {
            let why = why.clone();
            self.health = Health::Dead { until, why };
        }
        dead
    }

    /// If it is dead it may be tried again, carefully; `forget` is until when it is remembered.
    pub(super) fn revive(&mut self, forget: Instant) {
        if let Health::Dead { .. } = self.health {
            self.health = Health::Probing { forget };
        }
    }

    /// When something changes here by itself.
    pub(super) fn next_alarm(&self, now: Instant) -> Option<Instant> {
        let rate = self.not_before.filter(|at| *at > now);
        let health = match self.health {
            Health::Alive => None,
            Health::Dead { until, .. } => Some(until),
            Health::Probing { forget } => Some(forget).filter(|at| *at > now),
        };
        rate.into_iter().chain(health).min()
    }

    /// Whether nothing is lost by forgetting it.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.line.is_empty() && self.running == 0 && self.next_alarm(now).is_none()
    }
}
