//! The scheduler under any course of events: nobody is lost or tried twice at once, no limit is passed, and all ends.

use crate::Choices;
use mailcore::queue::scheduler::{
    Arrival, Attempt, Destination, Feedback, Next, Options, Scheduler, Settlement, Step,
    TransportOptions,
};
use mailcore_store::queue::Identity;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The input is a programme: octets from its end say how the scheduler is set up, then what happens.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut course = Course::new(&mut choices);
    while !choices.is_empty() {
        course.event(&mut choices);
    }
    course.end();
}

/// What should be so, kept beside the scheduler.
struct Course {
    scheduler: Scheduler,
    options: Options,
    now: Instant,
    running: Vec<Attempt>,
    /// Who of each message is not done with.
    open: BTreeMap<Identity, BTreeSet<u32>>,
    trying: BTreeSet<(Identity, u32)>,
}

impl Course {
    fn new(choices: &mut Choices<'_>) -> Self {
        let (options, now) = (options(choices), Instant::now());
        Self {
            scheduler: Scheduler::new(options.clone(), now),
            options,
            now,
            running: Vec::new(),
            open: BTreeMap::new(),
            trying: BTreeSet::new(),
        }
    }

    fn event(&mut self, choices: &mut Choices<'_>) {
        match choices.below(9) {
            0..=2 => self.arrive(choices),
            3 | 4 => self.finish(choices),
            5 => self.now += Duration::from_secs(u64::from(choices.octet()).pow(2)),
            6 => {
                let message = Identity(choices.below(16).try_into().unwrap_or(0));
                let here = self.scheduler.has(message);
                assert_eq!(self.scheduler.withdraw(message, self.now), here);
            }
            7 => self.scheduler.revive(self.now),
            _ => {
                // Limits that sink are reached as deliveries end, so that only the other options change here.
                let limits = (
                    self.options.transport.clone(),
                    self.options.transports.clone(),
                );
                self.options = options(choices);
                (self.options.transport, self.options.transports) = limits;
                self.scheduler.reload(self.options.clone(), self.now);
            }
        }
        for _ in 0..choices.below(8) {
            if !self.step() {
                break;
            }
        }
        let room = self.scheduler.room();
        assert!(room.messages <= self.options.messages);
        assert!(room.recipients <= self.options.recipients);
    }

    fn arrive(&mut self, choices: &mut Choices<'_>) {
        let message = Identity(choices.below(16).try_into().unwrap_or(0));
        let flags = choices.octet();
        let positions = (0..choices.below(12)).map(|_| {
            let way = choices.octet();
            let destination = Destination {
                transport: ["smtp", "local"][usize::from(way & 1)].into(),
                nexthop: format!("d{}", way >> 1 & 7).as_str().into(),
                group: (way & 128 != 0).then(|| format!("g{}", way >> 4 & 3).as_str().into()),
            };
            (u32::from(way >> 3) ^ u32::from(flags), destination)
        });
        let recipients: Vec<_> = positions.collect();
        let open = recipients.iter().map(|(position, _)| *position).collect();
        let arrival = Arrival {
            message,
            age: Duration::from_secs(u64::from(flags) * 300),
            sender: match flags & 17 {
                0 => None,
                16 => Some("bulk".into()),
                _ => Some("".into()),
            },
            null_sender: flags & 1 != 0,
            warned: flags & 2 != 0,
            urged: flags & 12 == 12,
            recipients,
        };
        let taken = self.scheduler.arrive(arrival, self.now).is_ok();
        // One that has been settled, but not yet said so, may come again: its end is still to be heard first.
        while taken && self.open.contains_key(&message) {
            assert!(self.step(), "a message is here twice");
        }
        if taken {
            self.open.insert(message, open);
        }
    }

    fn finish(&mut self, choices: &mut Choices<'_>) {
        if self.running.is_empty() {
            return;
        }
        let which = choices.below(self.running.len().min(256));
        let attempt = self.running.swap_remove(which);
        let feedback = match choices.below(6) {
            0..=2 => Feedback::Answered,
            3 | 4 => Feedback::Dead("dead".into()),
            _ => Feedback::Unavailable("broken".into()),
        };
        let few = usize::from(choices.octet());
        let done: Vec<u32> = attempt.recipients.iter().rev().take(few).copied().collect();
        self.ended(&attempt, feedback, &done);
    }

    fn ended(&mut self, attempt: &Attempt, feedback: Feedback, done: &[u32]) {
        let of = attempt.message;
        attempt
            .recipients
            .iter()
            .for_each(|p| assert!(self.trying.remove(&(of, *p))));
        let open = self
            .open
            .get_mut(&of)
            .expect("a message lives as long as its attempts");
        open.retain(|p| !done.contains(p));
        self.scheduler
            .finished(attempt.id, feedback, done, self.now);
    }

    /// Takes a step; says whether there was one.
    fn step(&mut self) -> bool {
        match self.scheduler.step(self.now) {
            Step::Start(attempt) => self.started(attempt),
            Step::Suspended(said) => {
                let open = &self.open[&said.message];
                assert!(said.recipients.iter().all(|p| open.contains(p)));
            }
            Step::Settled(said) => self.settled(&said),
            Step::Wait(until) => {
                assert!(until.is_none_or(|at| at > self.now));
                return false;
            }
        }
        true
    }

    fn started(&mut self, attempt: Attempt) {
        let options = self.options.of(&attempt.destination.transport);
        let most = usize::try_from(options.recipients).unwrap_or(usize::MAX);
        assert!(!attempt.recipients.is_empty());
        assert!(most == 0 || attempt.recipients.len() <= most);
        for p in attempt.recipients.iter() {
            assert!(
                self.open[&attempt.message].contains(p),
                "tried without need"
            );
            assert!(
                self.trying.insert((attempt.message, *p)),
                "tried twice at once"
            );
        }
        let place = |d: &Destination| {
            let name = d
                .group
                .clone()
                .map_or_else(|| (0, d.nexthop.clone()), |g| (1, g));
            (d.transport.clone(), name)
        };
        let here = place(&attempt.destination);
        let beside = self.running.iter().map(|a| place(&a.destination));
        let (mut in_transport, mut at_place) = (1, 1);
        for other in beside {
            in_transport += u32::from(other.0 == here.0);
            at_place += u32::from(other == here);
        }
        assert!(options.limit == 0 || at_place <= options.limit);
        assert!(options.deliveries == 0 || in_transport <= options.deliveries + options.stalled);
        self.running.push(attempt);
    }

    fn settled(&mut self, said: &Settlement) {
        let open = self.open.remove(&said.message).expect("settled once");
        assert!(!self.trying.iter().any(|(of, _)| *of == said.message));
        match said.next {
            Next::Withdrawn => assert!(said.deferred.iter().all(|p| open.contains(p))),
            Next::Remove => assert!(open.is_empty() && said.deferred.is_empty()),
            Next::Retry { .. } | Next::Expired => assert!(said.deferred.iter().eq(&open)),
        }
    }

    /// Everything ends well.
    fn end(mut self) {
        loop {
            while self.step() {}
            let Some(attempt) = self.running.pop() else {
                match self.scheduler.step(self.now) {
                    Step::Wait(Some(at)) => self.now = at,
                    Step::Wait(None) => break,
                    other => panic!("{other:?} after a wait"),
                }
                continue;
            };
            self.ended(&attempt, Feedback::Answered, &attempt.recipients);
        }
        assert!(self.scheduler.is_empty() && self.open.is_empty());
        assert_eq!(self.scheduler.destinations().count(), 0);
        assert_eq!(self.scheduler.room().recipients, self.options.recipients);
    }
}

fn options(choices: &mut Choices<'_>) -> Options {
    let mut number = |below: usize| u32::try_from(choices.below(below)).unwrap_or(0);
    let mut transport = || TransportOptions {
        deliveries: number(5),
        patience: Duration::from_secs(number(20).into()),
        stalled: number(3),
        initial: number(4),
        limit: number(4),
        failed_cohorts: f64::from(number(4)) / 2.0,
        recipients: number(4),
        rate_delay: Duration::from_secs(number(3).into()),
        transport_rate_delay: Duration::from_secs(number(2).into()),
        ..TransportOptions::default()
    };
    let (smtp, local) = (transport(), transport());
    let mut options = Options {
        messages: 1 + choices.below(40),
        recipients: 1 + choices.below(40),
        run_delay: Duration::from_secs(choices.octet().into()),
        lifetime: Duration::from_secs(u64::from(choices.octet()) * 100),
        minimal_backoff: Duration::from_secs(choices.octet().into()),
        maximal_backoff: Duration::from_secs(u64::from(choices.octet()) * 4),
        transport: smtp,
        ..Options::default()
    };
    options.transports.insert("local".into(), local);
    if choices.octet() > 200 {
        options.deferred_transports.insert("local".into());
    }
    options
}
