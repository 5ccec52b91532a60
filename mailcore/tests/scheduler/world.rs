//! A world in virtual time: destinations that deliver, refuse, hang or are full; a queue that gives messages back when
//! they are due. It keeps its own books and checks every step against them.

use mailcore::queue::scheduler::{
    Arrival, Attempt, AttemptId, Destination, Feedback, Next, Options, Scheduler, Settlement, Step,
    Suspension, TransportOptions,
};
use mailcore::store::queue::Identity;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a destination behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Takes mail after so long.
    Delivers(Duration),
    /// Answers, but not now.
    PutsOff(Duration),
    /// Cannot be reached, which takes so long to find out.
    Fails(Duration),
    /// Takes so many at once, and turns away whoever is more.
    Holds(u32, Duration),
    /// The transport itself does not work.
    Broken,
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn to(transport: &str, nexthop: &str) -> Destination {
    Destination {
        transport: transport.into(),
        nexthop: nexthop.into(),
        group: None,
    }
}

/// A message to these destinations by smtp, one recipient each.
pub(crate) fn message<'d>(n: u128, nexthops: impl IntoIterator<Item = &'d str>) -> Arrival {
    let to = nexthops.into_iter().map(|d| to("smtp", d));
    Arrival {
        message: Identity(n),
        age: Duration::ZERO,
        sender: None,
        null_sender: false,
        warned: false,
        urged: false,
        recipients: (0..).zip(to).collect(),
    }
}

/// A message to so many recipients at one destination.
pub(crate) fn mailing(n: u128, nexthop: &str, recipients: usize) -> Arrival {
    message(n, std::iter::repeat_n(nexthop, recipients))
}

struct Running {
    attempt: Attempt,
    way: Way,
}

pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    pub(crate) begin: Instant,
    pub(crate) now: Instant,
    pub(crate) ways: HashMap<String, Way>,
    pub(crate) way: Way,
    options: Options,
    running: HashMap<AttemptId, Running>,
    ends: BTreeSet<(Instant, AttemptId)>,
    arrivals: BTreeMap<(Instant, u64), Arrival>,
    arrived: u64,
    mail: HashMap<Identity, (Instant, Arrival)>,
    /// Who is being tried or waits here, to see that nobody is twice.
    trying: BTreeSet<(Identity, u32)>,
    at_once: HashMap<(Arc<str>, Arc<str>), u32>,
    pub(crate) most_at_once: HashMap<String, u32>,
    by_transport: HashMap<Arc<str>, u32>,
    pub(crate) most_by_transport: HashMap<String, u32>,
    /// When each recipient was delivered.
    pub(crate) delivered: HashMap<(u128, u32), Duration>,
    pub(crate) starts: Vec<(Duration, Attempt)>,
    pub(crate) suspensions: Vec<(Duration, Suspension)>,
    pub(crate) settled: Vec<(Duration, Settlement)>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let now = Instant::now();
        Self {
            scheduler: Scheduler::new(options.clone(), now),
            begin: now,
            now,
            ways: HashMap::new(),
            way: Way::Delivers(millis(100)),
            options,
            running: HashMap::new(),
            ends: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            arrived: 0,
            mail: HashMap::new(),
            trying: BTreeSet::new(),
            at_once: HashMap::new(),
            most_at_once: HashMap::new(),
            by_transport: HashMap::new(),
            most_by_transport: HashMap::new(),
            delivered: HashMap::new(),
            starts: Vec::new(),
            suspensions: Vec::new(),
            settled: Vec::new(),
        }
    }

    pub(crate) fn way(&mut self, nexthop: &str, way: Way) {
        self.ways.insert(nexthop.into(), way);
    }

    /// A message that arrives after so long.
    pub(crate) fn arrives(&mut self, after: Duration, arrival: Arrival) {
        let born = self.now + after;
        self.mail.insert(arrival.message, (born, arrival.clone()));
        self.arrived += 1;
        self.arrivals.insert((born, self.arrived), arrival);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.begin
    }

    /// Until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        self.run_for(secs(365 * 24 * 60 * 60));
        assert!(self.scheduler.is_empty() && self.trying.is_empty());
        assert_eq!(self.scheduler.room().recipients, self.options.recipients);
        assert_eq!(self.scheduler.room().messages, self.options.messages);
    }

    /// For so long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            while self
                .arrivals
                .first_key_value()
                .is_some_and(|((at, _), _)| *at <= self.now)
            {
                let (_, arrival) = self.arrivals.pop_first().unwrap();
                self.scheduler.arrive(arrival, self.now).unwrap();
            }
            while self.ends.first().is_some_and(|(at, _)| *at <= self.now) {
                let (_, id) = self.ends.pop_first().unwrap();
                self.end(id);
            }
            let wait = loop {
                match self.scheduler.step(self.now) {
                    Step::Start(attempt) => self.start(attempt),
                    Step::Suspended(suspension) => self.suspended(suspension),
                    Step::Settled(settlement) => self.settle(settlement),
                    Step::Wait(until) => break until,
                }
            };
            assert!(
                wait.is_none_or(|at| at > self.now),
                "a wait for what is over"
            );
            let arrival = self.arrivals.first_key_value().map(|((at, _), _)| *at);
            let end = self.ends.first().map(|(at, _)| *at);
            let Some(next) = [wait, arrival, end].into_iter().flatten().min() else {
                return;
            };
            if next > until {
                self.now = until;
                return;
            }
            self.now = next;
        }
    }

    fn transport(&self, name: &str) -> &TransportOptions {
        self.options.of(name)
    }

    fn start(&mut self, attempt: Attempt) {
        let Destination {
            transport,
            nexthop,
            group,
        } = &attempt.destination;
        let options = self.transport(transport).clone();
        assert!(!attempt.recipients.is_empty());
        assert!(options.recipients == 0 || attempt.recipients.len() <= options.recipients as usize);
        for position in attempt.recipients.iter() {
            assert!(
                self.trying.insert((attempt.message, *position)),
                "tried twice at once"
            );
        }
        let site = (transport.clone(), group.as_ref().unwrap_or(nexthop).clone());
        let name = site.1.to_string();
        let here = self.at_once.entry(site).or_default();
        *here += 1;
        assert!(
            options.limit == 0 || *here <= options.limit,
            "too many at once to {name}"
        );
        let most = self.most_at_once.entry(name).or_default();
        *most = (*most).max(*here);
        let all = self.by_transport.entry(transport.clone()).or_default();
        *all += 1;
        assert!(options.deliveries == 0 || *all <= options.deliveries + options.stalled);
        let most = self
            .most_by_transport
            .entry(transport.to_string())
            .or_default();
        *most = (*most).max(*all);

        let mut way = *self.ways.get(&**nexthop).unwrap_or(&self.way);
        if let Way::Holds(most, time) = way {
            way = if *here > most {
                Way::Fails(millis(1))
            } else {
                Way::Delivers(time)
            };
        }
        let time = match way {
            Way::Delivers(time) | Way::PutsOff(time) | Way::Fails(time) | Way::Holds(_, time) => {
                time
            }
            Way::Broken => Duration::ZERO,
        };
        self.ends.insert((self.now + time, attempt.id));
        self.starts.push((self.elapsed(), attempt.clone()));
        self.running.insert(attempt.id, Running { attempt, way });
    }

    fn end(&mut self, id: AttemptId) {
        let Running { attempt, way } = self.running.remove(&id).unwrap();
        let Destination {
            transport,
            nexthop,
            group,
        } = attempt.destination;
        *self.by_transport.get_mut(&transport).unwrap() -= 1;
        let site = (transport, group.unwrap_or(nexthop));
        *self.at_once.get_mut(&site).unwrap() -= 1;
        for position in attempt.recipients.iter() {
            assert!(self.trying.remove(&(attempt.message, *position)));
        }
        let (feedback, done) = match way {
            Way::Delivers(_) | Way::Holds(..) => (Feedback::Answered, &*attempt.recipients),
            Way::PutsOff(_) => (Feedback::Answered, &[][..]),
            Way::Fails(_) => (Feedback::Dead("no route to host".into()), &[][..]),
            Way::Broken => (Feedback::Unavailable("no such program".into()), &[][..]),
        };
        for position in done {
            let at = self.elapsed();
            let before = self.delivered.insert((attempt.message.0, *position), at);
            assert_eq!(before, None, "delivered twice");
        }
        self.scheduler.finished(id, feedback, done, self.now);
    }

    fn suspended(&mut self, suspension: Suspension) {
        self.suspensions.push((self.elapsed(), suspension));
    }

    /// Everybody is delivered or deferred, and whoever is to be tried again will be.
    fn settle(&mut self, settlement: Settlement) {
        let message = settlement.message;
        let (born, arrival) = &self.mail[&message];
        let done = |p: &u32| self.delivered.contains_key(&(message.0, *p));
        let of_it = (message, 0)..=(message, u32::MAX);
        assert_eq!(self.trying.range(of_it).next(), None);
        if settlement.next != Next::Withdrawn {
            let left: BTreeSet<u32> = arrival
                .recipients
                .iter()
                .map(|r| r.0)
                .filter(|p| !done(p))
                .collect();
            assert!(settlement.deferred.iter().eq(&left), "somebody is lost");
        }
        if let Next::Retry { after, warn } = settlement.next {
            let due = self.now + after;
            let mut again = arrival.clone();
            again.recipients.retain(|(p, _)| !done(p));
            again.age += due - *born;
            again.urged = false;
            again.warned |= warn;
            let warned = again.warned;
            self.arrived += 1;
            self.arrivals.insert((due, self.arrived), again);
            self.mail.get_mut(&message).unwrap().1.warned = warned;
        }
        self.settled.push((self.elapsed(), settlement));
    }

    /// When the last recipient of a message was delivered.
    pub(crate) fn delivery_of(&self, message: u128) -> Duration {
        let mail = &self.mail[&Identity(message)].1;
        let times = mail
            .recipients
            .iter()
            .map(|(p, _)| self.delivered[&(message, *p)]);
        times.max().unwrap()
    }

    /// When a message was begun with, each time.
    pub(crate) fn starts_of(&self, message: u128) -> Vec<Duration> {
        let of = self
            .starts
            .iter()
            .filter(|(_, a)| a.message == Identity(message));
        of.map(|(at, _)| *at).collect()
    }

    /// What was said of a message at last.
    pub(crate) fn fate_of(&self, message: u128) -> (Duration, Next) {
        let mut said = self.settled.iter().rev();
        let last = said.find(|(_, s)| s.message == Identity(message)).unwrap();
        (last.0, last.1.next)
    }
}
