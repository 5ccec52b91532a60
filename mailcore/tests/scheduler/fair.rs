//! Nobody waits for more than his share of the others.

use crate::world::{Way, World, mailing, message, millis, secs};
use mailcore::queue::scheduler::Options;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("d{n}")).collect()
}

#[test]
fn a_message_beside_a_huge_mailing_to_its_own_destination_waits_for_one_delivery() {
    let mut world = World::new(Options::default());
    world.arrives(secs(0), mailing(1, "a", 100_000));
    world.arrives(millis(2_050), message(2, ["a"]));
    world.run();
    // The mailing takes ten seconds; at most a hundredth of one until a place is free, then one turn.
    assert!(world.delivery_of(1) >= secs(10));
    let waited = world.starts_of(2)[0] - millis(2_050);
    assert!(waited <= millis(150), "{waited:?}");
}

#[test]
fn a_message_beside_a_mailing_to_everywhere_waits_for_one_delivery() {
    let everywhere = names(100_000);
    let mut world = World::new(Options::default());
    world.arrives(secs(0), message(1, everywhere.iter().map(String::as_str)));
    world.arrives(millis(2_050), message(2, ["elsewhere"]));
    // The mailing's own delivery to this destination is far down its list.
    world.arrives(millis(2_050), message(3, ["d99000"]));
    world.run();
    assert!(world.delivery_of(1) >= secs(90));
    for n in [2, 3] {
        let waited = world.starts_of(n)[0] - millis(2_050);
        assert!(waited <= millis(150), "{n}: {waited:?}");
    }
}

#[test]
fn mailings_that_meet_get_equal_shares() {
    let everywhere = names(2_000);
    let mut world = World::new(Options::default());
    for n in 0..4 {
        world.arrives(
            secs(0),
            message(n, everywhere[..].iter().map(String::as_str)),
        );
    }
    world.run_for(secs(3));
    let counts: Vec<_> = (0..4).map(|n| world.starts_of(n).len()).collect();
    let (most, least) = (counts.iter().max().unwrap(), counts.iter().min().unwrap());
    assert!(*least >= 600 && most - least <= most / 10, "{counts:?}");
}

#[test]
fn a_destination_with_a_thousand_messages_does_not_delay_one_with_one() {
    let mut world = World::new(Options::default());
    for n in 0..10_000 {
        world.arrives(secs(0), message(n, [format!("noisy{}", n % 10).as_str()]));
    }
    world.arrives(millis(1_050), message(10_000, ["quiet"]));
    world.run();
    assert!(world.elapsed() >= secs(9));
    assert!(world.starts_of(10_000)[0] <= millis(1_250));
}

#[test]
fn a_slow_destination_holds_back_nobody_elses_mail() {
    let time = |slow: Way| {
        let mut world = World::new(Options::default());
        world.way("slow", slow);
        for n in 0..2_000 {
            let nexthop = if n % 2 == 0 { "slow" } else { "d" };
            world.arrives(secs(0), message(n, [nexthop]));
        }
        world.run();
        (0..2_000)
            .filter(|n| n % 2 == 1)
            .map(|n| world.delivery_of(n))
            .max()
            .unwrap()
    };
    assert_eq!(
        time(Way::Delivers(secs(60))),
        time(Way::Delivers(millis(100)))
    );
}

#[test]
fn a_mailing_is_not_starved_by_messages_that_keep_coming() {
    let mut options = Options::default();
    options.transport.deliveries = 2;
    let mut world = World::new(options);
    world.arrives(secs(0), mailing(1, "a", 1_000));
    // Twice as much as the places can do.
    for n in 2..2_002 {
        world.arrives(
            millis(25 * n),
            message(n.into(), [format!("d{n}").as_str()]),
        );
    }
    world.run_for(secs(25));
    assert!(
        world.starts_of(1).len() >= 5,
        "{}",
        world.starts_of(1).len()
    );

    // And all of them to its own destination.
    let mut world = World::new(Options::default());
    world.arrives(secs(0), mailing(1, "a", 1_000));
    for n in 2..20_002 {
        world.arrives(millis(2 * n), message(n.into(), ["a"]));
    }
    world.run_for(secs(25));
    // What waits grows by 300 a second, so its share shrinks.
    assert!(
        world.starts_of(1).len() >= 8,
        "{}",
        world.starts_of(1).len()
    );
}
