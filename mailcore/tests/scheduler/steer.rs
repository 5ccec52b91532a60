//! What an administrator does while mail is under way.

use crate::world::{Way, World, mailing, message, millis, secs, to};
use mailcore::queue::scheduler::{Next, Options, Why};
use mailcore::store::queue::Identity;
use std::time::Duration;

fn exact() -> Options {
    Options {
        run_delay: Duration::ZERO,
        ..Options::default()
    }
}

#[test]
fn a_message_that_is_withdrawn_is_tried_no_more_and_settled_when_its_attempts_have_ended() {
    let mut world = World::new(exact());
    world.arrives(secs(0), mailing(1, "a", 1_000));
    world.arrives(secs(0), message(2, ["b"]));
    world.run_for(millis(50));
    assert!(world.scheduler.withdraw(Identity(1), world.now));
    assert!(world.scheduler.has(Identity(1)));
    world.run();
    assert_eq!(world.starts_of(1).len(), 5);
    assert_eq!(world.fate_of(1), (millis(100), Next::Withdrawn));
    assert_eq!(world.fate_of(2).1, Next::Remove);
    assert!(!world.scheduler.withdraw(Identity(1), world.now));
}

#[test]
fn a_message_is_here_once() {
    let mut world = World::new(exact());
    world.arrives(secs(0), message(1, ["a"]));
    world.run_for(millis(50));
    assert!(
        world
            .scheduler
            .arrive(message(1, ["b"]), world.now)
            .is_err()
    );
    world.run();
    assert_eq!(world.starts.len(), 1);
}

#[test]
fn mail_for_a_deferred_transport_waits_until_somebody_urges_it() {
    let mut options = exact();
    options.deferred_transports.insert("smtp".into());
    let mut world = World::new(options);
    let mut both = message(1, ["a", "b"]);
    both.recipients[0].1 = to("local", "here");
    world.arrives(secs(0), both);
    let mut urged = message(2, ["a"]);
    urged.urged = true;
    world.arrives(secs(0), urged);
    world.run_for(secs(10));
    assert_eq!(world.suspensions.len(), 1);
    assert_eq!(world.suspensions[0].1.why, Why::Deferred);
    assert_eq!(world.suspensions[0].1.recipients, [1]);
    assert!(world.delivered.contains_key(&(1, 0)));
    assert!(world.delivered.contains_key(&(2, 0)));
}

#[test]
fn urgent_mail_is_tried_though_its_destination_is_dead() {
    let mut world = World::new(exact());
    world.way("gone", Way::Fails(millis(10)));
    for n in 0..20 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    world.run_for(secs(10));
    world.way("gone", Way::Delivers(millis(10)));
    world.arrives(secs(0), message(20, ["gone"]));
    let mut urged = message(21, ["gone"]);
    urged.urged = true;
    world.arrives(secs(1), urged);
    world.run_for(secs(10));
    assert!(!world.delivered.contains_key(&(20, 0)));
    assert!(world.delivered.contains_key(&(21, 0)));
}

#[test]
fn who_revives_the_dead_has_them_tried_at_once() {
    let mut world = World::new(exact());
    world.way("gone", Way::Fails(millis(10)));
    world.way("broken", Way::Broken);
    for n in 0..20 {
        world.arrives(secs(0), message(n, ["gone"]));
    }
    let mut broken = message(20, ["x"]);
    broken.recipients[0].1 = to("pipe", "broken");
    world.arrives(secs(0), broken.clone());
    world.run_for(secs(10));
    world.scheduler.revive(world.now);
    world.way("broken", Way::Delivers(millis(10)));
    world.way("gone", Way::Delivers(millis(10)));
    broken.message.0 = 22;
    world.arrives(secs(0), broken);
    world.arrives(secs(0), message(21, ["gone"]));
    world.run_for(secs(1));
    assert!(world.delivered.contains_key(&(21, 0)));
    assert!(world.delivered.contains_key(&(22, 0)));
}

#[test]
fn other_options_hold_from_the_next_delivery_on() {
    let mut world = World::new(exact());
    world.arrives(secs(0), mailing(1, "a", 20_000));
    world.run_for(millis(1_050));
    assert_eq!(world.most_at_once["a"], 20);
    let mut less = exact();
    less.transport.limit = 2;
    world.scheduler.reload(less.clone(), world.now);
    world.run_for(millis(100));
    world.most_at_once.clear();
    world.run_for(secs(1));
    assert_eq!(world.most_at_once["a"], 2);

    less.deferred_transports.insert("smtp".into());
    world.scheduler.reload(less, world.now);
    let before = world.starts.len();
    world.run_for(secs(1));
    assert_eq!(world.starts.len(), before);
    assert_eq!(world.suspensions.len(), 1);
    assert!(matches!(world.fate_of(1).1, Next::Retry { .. }));
}
