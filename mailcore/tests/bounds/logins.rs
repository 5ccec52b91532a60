//! A thousand wrong passwords in flight do not delay a right one: hashing is bounded, and addresses take turns.

use mailcore::auth::{Gate, Link, Options};
use mailcore::base::login::{Secret, Service};
use mailcore::store::auth::{Entry, Hasher, MemoryUsers, PasswordScheme, User};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

const ATTACKERS: u64 = 10;
const WRONG: u64 = 1_000;

/// A secured connection from an address.
fn link(last: u8) -> Link {
    let here = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Link::new(Service::Imap, Some(here), Some(here), None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_wrong_passwords_do_not_delay_a_right_one() {
    let hasher = Hasher::new([1; 32]);
    let users = MemoryUsers::new(hasher.clone());
    let scheme = PasswordScheme::named("SCRAM-SHA-256").unwrap();
    let salt = vec![3; scheme.salt_len()];
    let stored = scheme.hash(&Secret::new("right"), &salt, None).unwrap();
    users.insert(Entry::new(User::new("alice"), stored));
    let users = Arc::new(users);
    let mut options = Options::new("mail.example.test");
    options.failure_delay = Duration::ZERO;
    let gate = Gate::new(users.clone(), users, options);
    let wrong: Vec<_> = (0..WRONG)
        .map(|n| {
            let gate = Arc::clone(&gate);
            let link = link((n % ATTACKERS) as u8);
            tokio::spawn(async move { gate.password(&link, "alice", &Secret::new("wrong")).await })
        })
        .collect();
    while hasher.load().waiting < 500 {
        tokio::task::yield_now().await;
    }
    let before = hasher.load().done;
    let right = gate
        .password(&link(200), "alice", &Secret::new("right"))
        .await;
    let first = hasher.load().done - before;
    assert!(right.is_ok());
    assert!(hasher.load().waiting > 0, "the others are still in flight");
    // One of each address before it, and what was under way; the rest waits behind.
    println!("{first} passwords were checked before the right one was answered");
    assert!(first < 6 * ATTACKERS, "{first}");
    for wrong in wrong {
        assert!(wrong.await.unwrap().is_err());
    }
    let load = hasher.load();
    assert_eq!((load.waiting, load.working), (0, 0));
}
