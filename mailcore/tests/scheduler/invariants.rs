//! Whatever happens: nobody is lost, nobody is tried twice at once, no limit is passed, everything ends. The world
//! checks it at every step.

use crate::world::{Way, World, message, millis, secs, to};
use mailcore::queue::scheduler::{Next, Options, Rate, TransportOptions};
use mailcore::store::queue::Identity;
use proptest::prelude::*;
use std::time::Duration;

fn way() -> impl Strategy<Value = Way> {
    let time = prop_oneof![Just(0), 1_u64..500, 5_000_u64..400_000].prop_map(millis);
    prop_oneof![
        4 => time.clone().prop_map(Way::Delivers),
        1 => time.clone().prop_map(Way::PutsOff),
        1 => time.clone().prop_map(Way::Fails),
        1 => (0_u32..6, time).prop_map(|(most, time)| Way::Holds(most, time)),
        1 => Just(Way::Broken),
    ]
}

prop_compose! {
    fn options()(
        deliveries in 0_u32..9,
        stalled in 0_u32..4,
        (initial, limit) in (0_u32..7, 0_u32..7),
        recipients in 0_u32..5,
        rate in prop_oneof![3 => Just(0_u64), 1 => 1_u64..3_000],
        all in prop_oneof![3 => Just(0_u64), 1 => 1_u64..500],
        (positive, negative) in (0.0..1.0, 0.0..1.0),
        failed_cohorts in prop_oneof![Just(0.0), Just(1.0), 0.5..4.0],
        (room, run) in (1_usize..50, 0_u64..400),
        (lifetime, backoff, warn) in (0_u64..20_000, 0_u64..2_000, 0_u64..5_000),
    ) -> Options {
        Options {
            messages: room,
            recipients: room,
            run_delay: secs(run),
            lifetime: secs(lifetime),
            minimal_backoff: secs(backoff),
            maximal_backoff: secs(backoff * 3),
            warn_after: secs(warn),
            transport: TransportOptions {
                deliveries, stalled, initial, limit, recipients, failed_cohorts,
                rate_delay: millis(rate),
                transport_rate_delay: millis(all),
                positive: Rate::PerRoot(positive),
                negative: Rate::PerConcurrency(negative),
                ..TransportOptions::default()
            },
            ..Options::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nobody_is_lost_or_tried_twice_at_once_and_everything_ends(
        // Attempts with hardly any time between them take long to come to an end.
        options in options().prop_filter("a pause", |o| o.minimal_backoff.max(o.run_delay) >= secs(200)),
        ways in prop::collection::vec(way(), 6),
        mail in prop::collection::vec(
            (0_u64..3_000, prop::collection::vec((0_usize..6, 0_usize..3), 0..15), any::<[bool; 4]>()), 1..12),
        withdrawn in prop::collection::vec((0_u64..20_000, 0_usize..12), 0..5),
        change in prop::option::of((0_u64..20_000, any::<bool>())),
    ) {
        let mut world = World::new(options.clone());
        for (n, way) in ways.iter().enumerate() {
            world.way(&format!("d{n}"), *way);
        }
        for (n, (at, recipients, [null, urged, grouped, bulk])) in mail.iter().enumerate() {
            let mut arrival = message(n as u128, []);
            arrival.recipients = (0..).zip(recipients.iter().map(|(d, t)| {
                let mut to = to(["smtp", "relay", "pipe"][*t], &format!("d{d}"));
                to.group = grouped.then(|| format!("g{}", d % 2).as_str().into());
                to
            })).collect();
            (arrival.null_sender, arrival.urged) = (*null, *urged);
            arrival.sender = (*null || *bulk).then(|| if *null { "" } else { "bulk" }.into());
            world.arrives(millis(*at), arrival);
        }
        let mut events: Vec<(u64, Option<usize>)> =
            withdrawn.iter().map(|(at, n)| (*at, Some(*n))).collect();
        events.extend(change.map(|(at, _)| (at, None)));
        events.sort_unstable();
        let mut passed = 0;
        for (at, event) in events {
            world.run_for(millis(at - passed));
            passed = at;
            match event {
                Some(n) => _ = world.scheduler.withdraw(Identity(n as u128), world.now),
                None if change.is_some_and(|(_, revive)| revive) => world.scheduler.revive(world.now),
                None => {
                    let mut other = options.clone();
                    other.deferred_transports.insert("relay".into());
                    world.scheduler.reload(other, world.now);
                }
            }
        }
        world.run();
        prop_assert_eq!(world.scheduler.destinations().count(), 0);
        let ends = |next: &Next| !matches!(next, Next::Retry { .. });
        let ended = world.settled.iter().filter(|(_, s)| ends(&s.next)).count();
        prop_assert_eq!(ended, mail.len());
    }
}

#[test]
fn a_position_named_twice_is_one_recipient() {
    let mut world = World::new(Options::default());
    let mut arrival = message(1, ["a", "b"]);
    arrival.recipients.push((0, to("smtp", "c")));
    world.arrives(Duration::ZERO, arrival);
    world.run();
    assert_eq!(world.starts.len(), 2);
}
