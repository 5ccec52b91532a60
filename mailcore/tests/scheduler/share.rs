//! Nobody's mail takes more than its share of the places, the turns and the room, in however many messages it comes.

use crate::world::{Way, World, message, millis, secs};
use mailcore::queue::scheduler::{Arrival, Options};

fn from(sender: &str, n: u128, nexthop: &str) -> Arrival {
    let mut arrival = message(n, [nexthop]);
    arrival.sender = Some(sender.into());
    arrival
}

/// Reports to 600 hosts that take connections and never say a word.
fn attacked() -> World {
    let mut world = World::new(Options::default());
    for n in 0..600 {
        let host = format!("forged{n}");
        world.way(&host, Way::Fails(secs(300)));
        world.arrives(secs(0), from("", n, &host));
    }
    world
}

#[test]
fn reports_to_600_hosts_that_hang_hold_up_nobody_elses_mail() {
    let mut world = attacked();
    let moments = [0, 5, 9, 11, 30, 60, 120, 240, 299];
    for (n, at) in (1_000..).zip(moments) {
        world.arrives(secs(at), from("alice", n, &format!("new{at}")));
    }
    world.run_for(secs(310));
    for (n, at) in (1_000..).zip(moments) {
        let began = world.starts_of(n)[0];
        assert!(began <= secs(at) + millis(100), "{at}: {began:?}");
    }
}

#[test]
fn every_further_sender_finds_places_beside_those_who_hang() {
    let mut world = attacked();
    // Others whose mail hangs too, one after the other, and at last one whose mail goes.
    for (n, sender) in (0..600).zip(["b", "c", "d"].into_iter().cycle()) {
        let host = format!("hangs{n}");
        world.way(&host, Way::Fails(secs(300)));
        world.arrives(secs(60), from(sender, 1_000 + n, &host));
    }
    world.arrives(secs(90), from("alice", 5_000, "new"));
    world.run_for(secs(120));
    assert_eq!(world.starts_of(5_000), [secs(90)]);
    let tried = |from: u128| {
        let starts = world.starts.iter().map(|(_, a)| a.message.0);
        starts
            .filter(|n| *n >= 1_000 && *n < 5_000 && n % 3 == from % 3)
            .count()
    };
    for n in [1_000, 1_001, 1_002] {
        assert!(tried(n) >= 4, "{n}: {}", tried(n));
    }
}

#[test]
fn those_who_hang_are_all_tried_in_the_end() {
    let mut world = attacked();
    world.run_for(secs(650));
    let first = (0..600).filter(|n| !world.starts_of(*n).is_empty());
    assert_eq!(first.count(), 600);
}

#[test]
fn a_destination_that_answered_an_hour_ago_is_no_stranger() {
    let mut options = Options::default();
    options.transport.stalled = 0;
    let mut world = World::new(options);
    world.arrives(secs(0), message(0, ["well"]));
    for n in 1..300 {
        let host = format!("hangs{n}");
        world.way(&host, Way::Fails(secs(300)));
        world.arrives(secs(3_500), message(n, [host.as_str()]));
    }
    world.arrives(secs(3_510), message(300, ["well"]));
    world.arrives(secs(3_510), message(301, ["new"]));
    world.run_for(secs(3_600));
    assert_eq!(world.starts_of(300), [secs(3_510)]);
    assert!(world.starts_of(301).is_empty(), "strangers wait here");
    assert!(world.scheduler.destinations().count() <= 300);
}

#[test]
fn who_answered_once_and_hangs_now_is_trusted_no_more_than_a_stranger() {
    let mut world = World::new(Options::default());
    world.arrives(secs(0), message(0, ["fickle"]));
    world.run_for(secs(60));
    world.way("fickle", Way::Fails(secs(300)));
    world.arrives(secs(0), message(1, ["fickle"]));
    for n in 2..20 {
        world.arrives(secs(15), message(n, ["fickle"]));
    }
    world.run_for(secs(200));
    assert_eq!(world.most_at_once["fickle"], 1);
}

#[test]
fn a_mailing_of_ten_thousand_messages_delays_a_message_by_no_more_than_one_does() {
    let mut world = World::new(Options::default());
    for n in 0..10_000 {
        // Two for each of most destinations, and a thousand for one.
        let host = match n % 10 {
            0 => "popular".to_owned(),
            _ => format!("d{}", n / 20 * 10 + n % 10),
        };
        world.arrives(secs(0), from("news", n, &host));
    }
    for (n, host) in (10_000..).zip(["elsewhere", "popular", "d4001"]) {
        world.arrives(millis(1_050), from("alice", n, host));
    }
    world.run();
    assert!(world.elapsed() >= secs(4), "{:?}", world.elapsed());
    for n in 10_000..10_003 {
        let waited = world.starts_of(n)[0] - millis(1_050);
        assert!(waited <= millis(150), "{n}: {waited:?}");
    }
}

#[test]
fn the_mail_of_one_sender_leaves_room_for_others() {
    let mut world = World::new(Options::default());
    world.way = Way::Fails(secs(300));
    for n in 0..19_000 {
        world.arrives(secs(0), from("", n, &format!("d{n}")));
    }
    world.run_for(secs(1));
    assert_eq!(world.scheduler.room().recipients, 10_000);
    assert_eq!(world.scheduler.room().messages, 10_000);
}
