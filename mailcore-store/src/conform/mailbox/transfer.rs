//! Copying and moving between mailboxes.

use super::{Tenant, flags_of, keyword, name, octets, ok, promises, records, refused, uids};
use crate::Kind;
use crate::mailbox::Stamp;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, Uid, UidSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

promises!(
    a_copy_keeps_octets_flags_and_date,
    copies_pair_up_in_ascending_order,
    a_copy_into_nowhere_changes_nothing,
    a_mailbox_can_be_copied_into_itself,
    a_moved_message_is_in_the_target_alone,
    of_two_who_move_a_message_at_once_one_has_moved_it,
    a_copy_is_not_the_delivery,
);

fn stamp(seconds: i64) -> Stamp {
    Stamp {
        flags: Flags::SEEN,
        keywords: vec![keyword("$MDNSent"), keyword("b")],
        date: Some(DateTime { seconds, offset: 0 }),
        identity: None,
    }
}

/// Keywords by name, whatever bits they have there.
pub async fn a_copy_keeps_octets_flags_and_date(t: &Tenant<'_>) {
    t.create("to").await;
    let other = Stamp {
        keywords: vec![keyword("other"), keyword("b")],
        ..Stamp::default()
    };
    ok(t.append("to", b"there\r\n", other).await);
    ok(t.append("INBOX", b"copied\r\n", stamp(1_234_567_890)).await);
    let inbox = t.select("INBOX").await;
    ok(inbox.sync(None).await);
    let copied = ok(inbox.copy(&UidSet::all(), &name("to")).await);
    let to = t.select("to").await;
    assert_eq!(copied.uid_validity, to.uid_validity());
    assert_eq!(
        (copied.from.to_string(), copied.to.to_string()),
        ("1".into(), "2".into())
    );
    assert_eq!(uids(&*to).await, [1, 2]);
    let two = copied.to.first().unwrap_or(Uid::FIRST);
    assert_eq!(octets(&*to, two).await, b"copied\r\n");
    assert_eq!(flags_of(&*to, two).await, ["$MDNSent", "\\Seen", "b"]);
    assert_eq!(flags_of(&*to, Uid::FIRST).await, ["b", "other"]);
    let kept = records(&*to).await.last().and_then(|r| r.date);
    assert_eq!(kept.map(|d| d.seconds), Some(1_234_567_890));
    assert_eq!(uids(&*inbox).await, [1], "a copy takes nothing away");
}

/// What is not there is passed over.
pub async fn copies_pair_up_in_ascending_order(t: &Tenant<'_>) {
    t.create("to").await;
    for n in 1..=5 {
        t.put("INBOX", &format!("message {n}\r\n"), Flags::NONE)
            .await;
    }
    let inbox = t.select("INBOX").await;
    ok(inbox.sync(None).await);
    let third = UidSet::one(Uid::new(3).unwrap_or(Uid::FIRST));
    ok(inbox.expunge(&third).await);
    let copied = ok(inbox.copy(&UidSet::all(), &name("to")).await);
    assert_eq!(copied.from.to_string(), "1:2,4:5");
    assert_eq!(copied.to.to_string(), "1:4");
    let to = t.select("to").await;
    ok(to.sync(None).await);
    for (from, uid) in copied.from.iter().zip(copied.to.iter()) {
        assert_eq!(
            octets(&*to, uid).await,
            format!("message {from}\r\n").as_bytes()
        );
    }
    let none = ok(inbox.copy(&third, &name("to")).await);
    assert!(none.from.is_empty() && none.to.is_empty());
}

/// The client makes the mailbox and tries again (TRYCREATE).
pub async fn a_copy_into_nowhere_changes_nothing(t: &Tenant<'_>) {
    t.put("INBOX", "a\r\n", Flags::NONE).await;
    let inbox = t.select("INBOX").await;
    ok(inbox.sync(None).await);
    let all = UidSet::all();
    assert_eq!(
        refused(inbox.copy(&all, &name("none")).await),
        Kind::NotFound
    );
    assert_eq!(
        refused(inbox.relocate(&all, &name("none")).await),
        Kind::NotFound
    );
    assert_eq!(uids(&*inbox).await, [1]);
    assert_eq!(t.listed().await, ["INBOX"]);
}

/// And moved into itself, for new UIDs.
pub async fn a_mailbox_can_be_copied_into_itself(t: &Tenant<'_>) {
    t.put("INBOX", "a\r\n", Flags::FLAGGED).await;
    let inbox = t.select("INBOX").await;
    ok(inbox.sync(None).await);
    ok(inbox.copy(&UidSet::all(), &name("INBOX")).await);
    assert_eq!(uids(&*inbox).await, [1, 2]);
    let moved = ok(inbox
        .relocate(&UidSet::one(Uid::FIRST), &name("INBOX"))
        .await);
    assert_eq!(uids(&*inbox).await, [2, 3]);
    let third = moved.to.first().unwrap_or(Uid::FIRST);
    assert_eq!(octets(&*inbox, third).await, b"a\r\n");
    assert_eq!(flags_of(&*inbox, third).await, ["\\Flagged"]);
}

/// RFC 6851.
pub async fn a_moved_message_is_in_the_target_alone(t: &Tenant<'_>) {
    t.create("to").await;
    for n in 1..=3 {
        t.put("INBOX", &format!("message {n}\r\n"), Flags::NONE)
            .await;
    }
    let (inbox, other) = (t.select("INBOX").await, t.select("INBOX").await);
    ok(inbox.sync(None).await);
    ok(other.sync(None).await);
    let two = UidSet::one(Uid::new(2).unwrap_or(Uid::FIRST));
    let moved = ok(inbox.relocate(&two, &name("to")).await);
    assert_eq!(moved.from, two);
    assert_eq!(uids(&*inbox).await, [1, 3]);
    assert_eq!(uids(&*other).await, [1, 3]);
    let to = t.select("to").await;
    assert_eq!(uids(&*to).await, [1]);
    assert_eq!(octets(&*to, Uid::FIRST).await, b"message 2\r\n");
}

/// Each of them is told what it has moved, and nothing is in two places.
pub async fn of_two_who_move_a_message_at_once_one_has_moved_it(t: &Tenant<'_>) {
    t.create("one").await;
    t.create("two").await;
    for n in 1..=20 {
        t.put("INBOX", &format!("message {n}\r\n"), Flags::NONE)
            .await;
    }
    let (here, there) = (t.select("INBOX").await, t.select("INBOX").await);
    ok(here.sync(None).await);
    ok(there.sync(None).await);
    let (all, one, two) = (UidSet::all(), name("one"), name("two"));
    let (first, second) = at_once(here.relocate(&all, &one), there.relocate(&all, &two)).await;
    let (first, second) = (ok(first), ok(second));
    let (moved, either) = (
        first.from.len() + second.from.len(),
        first.from.union(&second.from),
    );
    assert_eq!((moved, either.len()), (20, 20), "each is moved once");
    assert!(uids(&*here).await.is_empty());
    for (moved, to) in [(first, "one"), (second, "two")] {
        let there = uids(&*t.select(to).await).await;
        let told: Vec<u32> = moved.to.iter().map(Uid::number).collect();
        assert_eq!(there, told, "{to} holds what was moved there");
    }
}

async fn at_once<A, B>(one: impl Future<Output = A>, two: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        first = first.take().or_else(|| ready(one.as_mut().poll(context)));
        second = second.take().or_else(|| ready(two.as_mut().poll(context)));
        match (first.is_some(), second.is_some()) {
            (true, true) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    match (first, second) {
        (Some(first), Some(second)) => (first, second),
        _ => unreachable!("both have answered"),
    }
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(it) => Some(it),
        Poll::Pending => None,
    }
}

/// A delivery that is repeated after its message was copied back and expunged is not swallowed by the copy.
pub async fn a_copy_is_not_the_delivery(t: &Tenant<'_>) {
    let delivery = Stamp {
        identity: Some(crate::queue::Identity(99)),
        ..Stamp::default()
    };
    t.create("to").await;
    let first = ok(t.append("INBOX", b"a\r\n", delivery.clone()).await);
    let inbox = t.select("INBOX").await;
    ok(inbox.sync(None).await);
    ok(inbox.copy(&UidSet::all(), &name("to")).await);
    let into = ok(t.append("to", b"a\r\n", delivery.clone()).await);
    assert_eq!(into.uids.to_string(), "2");
    assert_eq!(ok(t.append("INBOX", b"a\r\n", delivery).await), first);
}
