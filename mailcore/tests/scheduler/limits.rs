//! Limits, rates and room.

use crate::world::{Way, World, mailing, message, millis, secs, to};
use mailcore::queue::scheduler::{Options, Room, TransportOptions};
use std::time::Duration;

#[test]
fn a_destination_begins_with_five_at_once_and_comes_to_twenty() {
    let mut world = World::new(Options::default());
    world.arrives(secs(0), mailing(1, "a", 10_000));
    world.run_for(millis(50));
    assert_eq!(world.most_at_once["a"], 5);
    world.run();
    assert_eq!(world.most_at_once["a"], 20);
    assert!(world.starts.iter().all(|(_, a)| a.recipients.len() == 50));
    let tried: Vec<u32> = world
        .starts
        .iter()
        .flat_map(|(_, a)| a.recipients.to_vec())
        .collect();
    assert!(
        tried.into_iter().eq(0..10_000),
        "in the order of the envelope"
    );
}

#[test]
fn a_transport_has_its_own_limits() {
    let mut options = Options::default();
    let own = TransportOptions {
        deliveries: 3,
        recipients: 1,
        ..TransportOptions::default()
    };
    options.transports.insert("local".into(), own);
    let mut world = World::new(options);
    let mut arrival = mailing(1, "here", 30);
    arrival
        .recipients
        .iter_mut()
        .for_each(|r| r.1 = to("local", "here"));
    world.arrives(secs(0), arrival);
    world.arrives(secs(0), mailing(2, "a", 30));
    world.run();
    assert_eq!(world.starts_of(1).len(), 30);
    assert_eq!(world.starts_of(2).len(), 1);
    assert_eq!(world.most_by_transport["local"], 3);
}

#[test]
fn a_transport_has_so_many_places_wherever_its_mail_goes() {
    let mut options = Options::default();
    options.transport.deliveries = 10;
    options.transport.stalled = 5;
    let mut world = World::new(options);
    world.way = Way::Delivers(secs(60));
    for n in 0..200 {
        world.arrives(secs(0), message(n, [format!("d{n}").as_str()]));
    }
    world.run_for(secs(9));
    // Strangers, all of them.
    assert_eq!(world.most_by_transport["smtp"], 8);
    world.run();
    assert_eq!(world.most_by_transport["smtp"], 13);
}

#[test]
fn limits_of_zero_are_none() {
    let transport = TransportOptions {
        deliveries: 0,
        limit: 0,
        initial: 1_000,
        recipients: 0,
        ..TransportOptions::default()
    };
    let options = Options {
        transport,
        ..Options::default()
    };
    let mut world = World::new(options);
    world.arrives(secs(0), mailing(1, "a", 1_000));
    for n in 2..502 {
        world.arrives(secs(0), message(n, ["a"]));
    }
    world.run();
    assert_eq!(world.starts_of(1).len(), 1);
    assert_eq!(world.most_at_once["a"], 501);
}

#[test]
fn a_rate_delay_leaves_a_pause_after_each_delivery_to_a_destination() {
    let mut options = Options::default();
    options.transport.rate_delay = secs(3);
    let mut world = World::new(options);
    world.way = Way::Delivers(secs(1));
    for n in 0..10 {
        world.arrives(secs(0), message(n, [["a", "b"][n as usize % 2]]));
    }
    world.run_for(secs(18));
    for first in [0, 1] {
        let starts = (0..5).map(|n| world.starts_of(first + 2 * n)[0].as_secs());
        assert!(starts.eq([0, 4, 8, 12, 16]));
    }
    // The pause holds also when nothing was waiting.
    world.arrives(secs(1), message(10, ["a"]));
    world.run();
    assert_eq!(world.starts_of(10)[0], secs(20));
    world.run_for(secs(100));
    assert_eq!(world.scheduler.destinations().count(), 0);
}

#[test]
fn a_rate_delay_of_a_transport_spaces_all_its_deliveries() {
    let mut options = Options::default();
    options.transport.transport_rate_delay = secs(2);
    let mut world = World::new(options);
    for n in 0..10 {
        world.arrives(secs(0), message(n, [format!("d{n}").as_str()]));
    }
    world.run();
    let starts = world.starts.iter().map(|(at, _)| at.as_secs());
    assert!(starts.eq((0..10).map(|n| n * 2)));
}

#[test]
fn room_shrinks_with_what_waits_and_comes_back() {
    let mut world = World::new(Options::default());
    assert_eq!(
        world.scheduler.room(),
        Room {
            messages: 20_000,
            recipients: 20_000
        }
    );
    world.arrives(secs(0), mailing(1, "a", 100));
    world.arrives(secs(0), message(2, ["b", "c"]));
    world.run_for(Duration::ZERO);
    assert_eq!(
        world.scheduler.room(),
        Room {
            messages: 19_998,
            recipients: 19_898
        }
    );
    world.run();
}

#[test]
fn neither_one_mailing_nor_one_slow_destination_fills_the_room() {
    let mut world = World::new(Options::default());
    world.way("slow", Way::Delivers(secs(300)));
    world.arrives(secs(0), mailing(1, "a", 50_000));
    for n in 2..30_000 {
        world.arrives(secs(0), message(n, ["slow"]));
    }
    world.run_for(secs(1));
    let room = world.scheduler.room();
    assert_eq!(room.recipients, 20_000 - 5_000 - 1_000);
    assert!(room.messages >= 14_000);

    for n in 30_000..90_000 {
        world.arrives(secs(0), message(n, ["slow"]));
    }
    world.run_for(secs(1));
    // The ceiling, whatever counts.
    assert_eq!(
        world.scheduler.room(),
        Room {
            messages: 0,
            recipients: 0
        }
    );
}
