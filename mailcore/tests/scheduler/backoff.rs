//! When a message comes back, and when no more.

use crate::world::{Way, World, message, millis, secs};
use mailcore::queue::scheduler::{Next, Options};
use std::time::Duration;

const DAY: u64 = 86_400;

fn exact() -> Options {
    Options {
        run_delay: Duration::ZERO,
        ..Options::default()
    }
}

#[test]
fn attempts_become_rarer_as_a_message_grows_old_and_end_with_its_lifetime() {
    let mut world = World::new(exact());
    world.way = Way::PutsOff(Duration::ZERO);
    world.arrives(secs(0), message(1, ["a"]));
    world.run();
    let starts: Vec<u64> = world.starts_of(1).iter().map(Duration::as_secs).collect();
    assert_eq!(starts[..7], [0, 300, 600, 1_200, 2_400, 4_800, 8_800]);
    assert!(
        starts[6..]
            .windows(2)
            .all(|pair| pair[1] - pair[0] == 4_000)
    );
    let (at, fate) = world.fate_of(1);
    assert_eq!(fate, Next::Expired);
    assert!((5 * DAY..5 * DAY + 4_000).contains(&at.as_secs()));
}

#[test]
fn messages_that_were_deferred_apart_come_back_in_one_run() {
    let mut world = World::new(Options::default());
    world.way = Way::PutsOff(Duration::ZERO);
    for n in 1..=9 {
        world.arrives(secs(n * 30), message(n.into(), ["a"]));
    }
    world.run_for(secs(700));
    for n in 1..=9 {
        assert_eq!(world.starts_of(n)[1], secs(600));
    }
}

#[test]
fn a_report_has_a_lifetime_of_its_own() {
    let mut world = World::new(Options {
        bounce_lifetime: secs(3_600),
        ..exact()
    });
    world.way = Way::PutsOff(Duration::ZERO);
    let mut report = message(1, ["a"]);
    report.null_sender = true;
    world.arrives(secs(0), report);
    world.arrives(secs(0), message(2, ["a"]));
    world.run();
    assert_eq!(world.fate_of(1), (secs(4_800), Next::Expired));
    assert!(world.fate_of(2).0 >= secs(5 * DAY));
}

#[test]
fn with_no_lifetime_there_is_one_attempt() {
    let mut world = World::new(Options {
        lifetime: Duration::ZERO,
        ..exact()
    });
    world.way = Way::PutsOff(Duration::ZERO);
    world.arrives(secs(0), message(1, ["a"]));
    world.run();
    assert_eq!(world.starts_of(1).len(), 1);
    assert_eq!(world.fate_of(1).1, Next::Expired);
}

#[test]
fn a_sender_is_told_once_that_his_message_is_late_and_a_null_sender_never() {
    let mut world = World::new(Options {
        warn_after: secs(4 * 3_600),
        ..exact()
    });
    world.way = Way::PutsOff(Duration::ZERO);
    let mut report = message(2, ["a"]);
    report.null_sender = true;
    world.arrives(secs(0), message(1, ["a"]));
    world.arrives(secs(0), report);
    world.run();
    let warnings = world
        .settled
        .iter()
        .filter(|(_, s)| matches!(s.next, Next::Retry { warn: true, .. }));
    let warned: Vec<_> = warnings
        .map(|(at, s)| (s.message.0, at.as_secs()))
        .collect();
    // The first attempt after four hours.
    assert_eq!(warned, [(1, 16_800)]);

    let mut world = World::new(exact());
    world.way = Way::PutsOff(Duration::ZERO);
    world.arrives(secs(0), message(1, ["a"]));
    world.run();
    assert!(
        !world
            .settled
            .iter()
            .any(|(_, s)| matches!(s.next, Next::Retry { warn: true, .. }))
    );
}

#[test]
fn who_was_delivered_is_not_tried_again_with_those_who_were_not() {
    let mut world = World::new(exact());
    world.way("late", Way::PutsOff(Duration::ZERO));
    world.arrives(secs(0), message(1, ["a", "late", "b", "late"]));
    world.run_for(secs(400));
    let second: Vec<_> = world
        .starts
        .iter()
        .filter(|(at, _)| *at >= secs(1))
        .collect();
    assert_eq!(second.len(), 1);
    assert_eq!(*second[0].1.recipients, [1, 3]);
    world.way("late", Way::Delivers(Duration::ZERO));
    world.run();
    assert_eq!(world.fate_of(1), (millis(600_200), Next::Remove));
}

#[test]
fn a_message_with_nobody_left_is_settled_at_once() {
    let mut world = World::new(exact());
    world.arrives(secs(0), message(1, []));
    world.run();
    assert_eq!(world.fate_of(1), (secs(0), Next::Remove));
}
