//! Many of everything. No time is asserted: what is not linear does not end.

use crate::world::{World, message, secs, to};
use mailcore::queue::scheduler::{Feedback, Options, Scheduler, Step};
use std::time::Instant;

#[test]
fn a_million_recipients_at_a_hundred_thousand_destinations_all_have_their_turn() {
    let now = Instant::now();
    let mut scheduler = Scheduler::new(Options::default(), now);
    let sites: Vec<_> = (0..100_000).map(|n| to("smtp", &format!("d{n}"))).collect();
    for n in 0..2_u32 {
        let mut arrival = message(n.into(), []);
        let everybody = sites.iter().cloned().cycle().take(500_000);
        arrival.recipients = (0..).zip(everybody).collect();
        scheduler.arrive(arrival, now).unwrap();
    }
    let (mut tried, mut settled, mut most) = (0, 0, 0);
    let mut running = std::collections::VecDeque::new();
    loop {
        match scheduler.step(now) {
            Step::Start(attempt) => {
                tried += attempt.recipients.len();
                running.push_back(attempt);
                most = most.max(running.len());
            }
            Step::Settled(_) => settled += 1,
            Step::Suspended(said) => panic!("{said:?}"),
            Step::Wait(_) => {
                let Some(attempt) = running.pop_front() else {
                    break;
                };
                scheduler.finished(attempt.id, Feedback::Answered, &attempt.recipients, now);
            }
        }
    }
    assert_eq!((tried, settled, most), (1_000_000, 2, 100));
    assert!(scheduler.is_empty());
    assert_eq!(scheduler.destinations().count(), 0);
}

#[test]
fn days_of_a_thousand_messages_to_the_dead_pass() {
    let mut world = World::new(Options::default());
    world.way = crate::world::Way::Fails(secs(30));
    for n in 0..1_000_u128 {
        world.arrives(
            secs(n as u64 / 10),
            message(n, [format!("d{}", n % 100).as_str()]),
        );
    }
    world.run();
    let expired = world
        .settled
        .iter()
        .filter(|(_, s)| s.next == mailcore::queue::scheduler::Next::Expired);
    assert_eq!(expired.count(), 1_000);
    assert_eq!(world.scheduler.destinations().count(), 0);
}
