//! Destinations that cannot be reached, and transports that do not work.

use crate::world::{Way, World, mailing, message, millis, secs, to};
use mailcore::queue::scheduler::{Next, Options, TransportOptions, Why};
use std::time::Duration;

fn exact() -> Options {
    Options {
        run_delay: Duration::ZERO,
        ..Options::default()
    }
}

#[test]
fn a_dead_destination_is_left_alone_and_its_mail_deferred_without_an_attempt() {
    let mut world = World::new(exact());
    world.way("gone", Way::Fails(millis(10)));
    for n in 0..100 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    world.arrives(secs(200), message(100, ["gone"]));
    world.arrives(secs(200), message(101, ["well"]));
    world.run_for(secs(290));
    // One cohort of five, and what began while it failed.
    assert!((4..=9).contains(&world.starts.iter().filter(|(at, _)| *at < secs(1)).count()));
    assert!(world.starts_of(100).is_empty());
    assert_eq!(world.fate_of(100).0, secs(200));
    let (_, said) = world.suspensions.last().unwrap();
    assert_eq!(said.why, Why::Dead("no route to host".into()));
    assert_eq!(
        (&said.recipients[..], &said.destination),
        (&[0][..], &to("smtp", "gone"))
    );
    assert!(world.delivered.contains_key(&(101, 0)));
}

#[test]
fn what_was_dead_is_tried_by_one_delivery_until_it_answers() {
    let mut world = World::new(exact());
    world.way("gone", Way::Fails(secs(1)));
    for n in 0..50 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    world.run_for(secs(299));
    let before = world.starts.len();
    world.run_for(secs(100));
    assert_eq!(world.starts.len() - before, 1, "a single probe");
    world.way("gone", Way::Delivers(secs(1)));
    let before = world.starts.len();
    world.run();
    let probe = world.starts[before].0;
    let beside = world
        .starts
        .iter()
        .filter(|(at, _)| *at >= probe && *at < probe + secs(1));
    assert_eq!(beside.count(), 1, "nothing beside the probe");
    assert_eq!(world.delivered.len(), 50);
}

#[test]
fn the_dead_are_forgotten_when_nobody_asks_for_them() {
    let mut world = World::new(Options {
        lifetime: Duration::ZERO,
        ..exact()
    });
    world.way("gone", Way::Fails(millis(10)));
    for n in 0..10 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    world.run_for(secs(100));
    let known: Vec<_> = world.scheduler.destinations().collect();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].dead.as_deref(), Some("no route to host"));
    world.run_for(secs(300 + 4_000));
    assert_eq!(world.scheduler.destinations().count(), 0);
}

#[test]
fn a_destination_that_is_full_is_used_as_far_as_it_goes() {
    let mut options = exact();
    options.transport.failed_cohorts = 10.0;
    let mut world = World::new(options);
    world.way("small", Way::Holds(8, secs(1)));
    for n in 0..500 {
        world.arrives(secs(0), message(n, ["small"]));
    }
    world.run();
    assert_eq!(world.delivered.len(), 500);
    let turned_away = world.starts.len() - 500;
    assert!(turned_away < 250, "{turned_away}");
}

#[test]
fn a_limit_of_no_cohorts_means_that_nothing_is_ever_dead() {
    let mut options = exact();
    options.transport.failed_cohorts = 0.0;
    let mut world = World::new(options);
    world.way("gone", Way::Fails(millis(10)));
    for n in 0..100 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    world.run_for(secs(299));
    assert_eq!(world.starts.len(), 100);
    assert!(world.suspensions.is_empty());
}

#[test]
fn destinations_of_one_group_share_their_fate_and_their_limit() {
    let mut world = World::new(exact());
    for n in 0..200 {
        let mut arrival = message(n, ["x"]);
        arrival.recipients[0].1.nexthop = format!("d{n}").as_str().into();
        arrival.recipients[0].1.group = Some("mx.example".into());
        world.arrives(secs(0), arrival);
    }
    world.run();
    assert_eq!(world.most_at_once["mx.example"], 20);
    assert!(
        world
            .starts
            .iter()
            .any(|(_, a)| &*a.destination.nexthop == "d7")
    );
}

#[test]
fn mail_for_a_transport_that_does_not_work_is_deferred_and_others_go_on() {
    let mut world = World::new(exact());
    world.way("pipe", Way::Broken);
    for n in 0..10 {
        let mut arrival = message(n, ["pipe", "well"]);
        arrival.recipients[0].1 = to("pipe", "pipe");
        world.arrives(secs(0), arrival);
    }
    let mut late = mailing(10, "pipe", 1);
    late.recipients[0].1 = to("pipe", "other");
    world.arrives(secs(30), late.clone());
    late.message.0 = 11;
    world.arrives(secs(61), late);
    world.run_for(secs(100));
    let tried = world
        .starts
        .iter()
        .filter(|(_, a)| &*a.destination.transport == "pipe");
    let tried: Vec<_> = tried.map(|(at, a)| (at.as_secs(), a.message.0)).collect();
    assert_eq!(tried.iter().filter(|(at, _)| *at == 0).count(), 5);
    assert_eq!(tried.last(), Some(&(61, 11)));
    assert!(world.starts_of(10).is_empty());
    assert!(
        world
            .suspensions
            .iter()
            .all(|(_, s)| s.why == Why::Unavailable("no such program".into()))
    );
    for n in 0..10 {
        assert!(world.delivered.contains_key(&(n, 1)));
        assert!(matches!(world.fate_of(n).1, Next::Retry { .. }));
    }
}

#[test]
fn one_failure_of_many_deliveries_takes_little_away() {
    let mut options = exact();
    options.transport = TransportOptions {
        initial: 20,
        ..TransportOptions::default()
    };
    let mut world = World::new(options);
    world.arrives(secs(0), mailing(1, "a", 1_000));
    world.run_for(millis(50));
    world.way("a", Way::Fails(millis(10)));
    world.run();
    assert_eq!(world.delivered.len(), 1_000);
    assert!(world.suspensions.is_empty());
}
