//! Destinations that neither answer nor fail.

use crate::world::{Way, World, message, millis, secs};
use mailcore::queue::scheduler::Options;
use std::time::Duration;

/// When the last of the good destinations had all its mail, where so many of 1,000 hang for five minutes.
fn good_are_done(hanging: usize, options: Options) -> Duration {
    let mut world = World::new(options);
    for n in 0..hanging {
        world.way(&format!("d{}", n * 1_000 / hanging), Way::Fails(secs(300)));
    }
    for n in 0..20_000_u128 {
        let nexthop = format!("d{}", n % 1_000);
        world.arrives(millis(n as u64 * 2), message(n, [nexthop.as_str()]));
    }
    world.run_for(secs(299));
    let good = (0..20_000).filter(|n| !world.ways.contains_key(&format!("d{}", n % 1_000)));
    good.map(|n| world.delivery_of(n)).max().unwrap()
}

#[test]
fn a_tenth_of_the_destinations_hang_and_the_others_are_done_as_soon() {
    let without = good_are_done(0, Options::default());
    let with = good_are_done(100, Options::default());
    assert!(
        with <= without + millis(500),
        "{with:?} in place of {without:?}"
    );
}

#[test]
fn the_places_of_the_stalled_are_what_saves_the_others() {
    let mut as_postfix = Options::default();
    as_postfix.transport.stalled = 0;
    let mut world = World::new(as_postfix);
    for n in 0..200 {
        world.way(&format!("d{n}"), Way::Fails(secs(300)));
        world.arrives(secs(0), message(n, [format!("d{n}").as_str()]));
    }
    world.arrives(secs(1), message(200, ["new"]));
    world.run_for(secs(299));
    // A quarter of the places is kept for destinations that answer, and `new` has not yet.
    assert_eq!(world.most_by_transport["smtp"], 75);
    assert!(world.starts_of(200).is_empty());
}

#[test]
fn a_destination_that_answers_has_places_that_strangers_cannot_take() {
    let mut options = Options::default();
    options.transport.stalled = 0;
    let mut world = World::new(options);
    world.way = Way::Fails(secs(300));
    world.way("well", Way::Delivers(millis(100)));
    for n in 0..100 {
        world.arrives(millis(50 * n), message(n.into(), ["well"]));
    }
    for n in 100..400 {
        world.arrives(secs(1), message(n, [format!("d{n}").as_str()]));
    }
    world.run_for(secs(200));
    let last = world.delivery_of(99);
    assert!(last <= millis(99 * 50 + 200), "{last:?}");
}

#[test]
fn a_stranger_that_hangs_gets_no_more_places() {
    let mut world = World::new(Options::default());
    world.way("hangs", Way::Fails(secs(300)));
    world.arrives(secs(0), message(0, ["hangs"]));
    for n in 1..10 {
        world.arrives(secs(20 + n), message(n.into(), ["hangs"]));
    }
    world.run_for(secs(290));
    assert_eq!(world.most_at_once["hangs"], 1);
}
