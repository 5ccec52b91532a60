//! Messages: what goes in comes out, under a UID that is never given again.

use super::{Tenant, flags_of, keyword, octets, ok, only, promises, records, uids};
use crate::Kind;
use crate::mailbox::{Access, Stamp};
use crate::queue::Identity;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Uid, UidSet};

promises!(
    a_message_comes_back_octet_by_octet,
    any_range_of_a_body_can_be_read,
    flags_keywords_and_date_are_kept,
    uids_ascend_and_are_never_given_again,
    a_dropped_append_leaves_nothing,
    appends_at_once_all_arrive,
    messages_of_one_append_arrive_together_and_in_order,
    messages_of_one_append_arrive_all_or_none,
    a_delivery_that_is_repeated_adds_nothing,
    an_expunged_message_has_no_body,
);

fn odd_messages() -> Vec<Vec<u8>> {
    let mut long = b"Subject: long\r\n\r\n".to_vec();
    for n in 0..20_000 {
        long.extend_from_slice(format!("line {n} of many\r\n").as_bytes());
    }
    let mut wide = b"Subject: wide\r\n\r\n".to_vec();
    wide.extend(std::iter::repeat_n(b'x', 200_000));
    let mut short = Vec::new();
    short.extend(b"\r\n".repeat(70_000));
    vec![
        b"Subject: plain\r\n\r\nHello\r\n".to_vec(),
        b"no end of line".to_vec(),
        b"\r\n".to_vec(),
        b"bare \r CR, \r\r\r\n and NUL \0 and 8 bit \xff\xfe\r\n".to_vec(),
        b"ends in CR \r".to_vec(),
        long,
        wide,
        short,
    ]
}

/// In any chunks; line ends are CRLF, a bare CR, NUL and 8-bit octets are kept.
pub async fn a_message_comes_back_octet_by_octet(t: &Tenant<'_>) {
    let account = t.account().await;
    let mut sent = Vec::new();
    for (n, message) in odd_messages().into_iter().enumerate() {
        let mut append = ok(account.append(&super::name("INBOX")).await);
        for chunk in message.chunks([1, 2, 7, 4096, 100_000][n % 5].max(message.len() / 1000)) {
            ok(append.write(chunk).await);
        }
        let appended = ok(append.commit(Stamp::default()).await);
        sent.push((only(&appended), message));
    }
    for _ in 0..2 {
        let mailbox = t.select("INBOX").await;
        ok(mailbox.sync(None).await);
        for ((uid, message), record) in sent.iter().zip(records(&*mailbox).await) {
            assert_eq!(record.uid, *uid);
            assert_eq!(record.size, Some(message.len() as u64), "size of UID {uid}");
            assert!(octets(&*mailbox, *uid).await == *message, "UID {uid}");
        }
    }
}

/// In any order, past the end too.
pub async fn any_range_of_a_body_can_be_read(t: &Tenant<'_>) {
    let mut message = Vec::new();
    for n in 0..30_000 {
        message.extend_from_slice(&b"0123456789abcdef"[..n % 16]);
        message.extend_from_slice(b"\r\n");
    }
    let appended = ok(t.append("INBOX", &message, Stamp::default()).await);
    let mailbox = t.open("INBOX", Access::Read).await;
    ok(mailbox.sync(None).await);
    let Some(body) = ok(mailbox.body(only(&appended)).await) else {
        panic!("no body");
    };
    let len = message.len() as u64;
    assert_eq!(body.len(), len);
    let mut at = 1;
    for _ in 0..300 {
        at = (at * 48_271) % len; // hops through the whole of it
        for count in [1, 2, 700] {
            let run = ok(body.read(at..at + count).await);
            let from = usize::try_from(at).unwrap_or(0);
            let expected = message.get(from..from + run.len());
            assert!(!run.is_empty() && run.len() as u64 <= count);
            assert_eq!(Some(&run[..]), expected, "at {at}");
        }
    }
    #[allow(clippy::reversed_empty_ranges)]
    for nothing in [len..len + 10, u64::MAX - 1..u64::MAX, 5..5, 9..3] {
        assert!(ok(body.read(nothing).await).is_empty());
    }
}

/// Also for another session.
pub async fn flags_keywords_and_date_are_kept(t: &Tenant<'_>) {
    let date = DateTime {
        seconds: 1_000_000_000,
        offset: 0,
    };
    let stamp = Stamp {
        flags: Flags::SEEN | Flags::DRAFT,
        keywords: vec![keyword("$Forwarded"), keyword("Work")],
        date: Some(date),
        identity: None,
    };
    let uid = only(&ok(t.append("INBOX", b"a\r\n", stamp).await));
    let mailbox = t.select("INBOX").await;
    assert_eq!(
        flags_of(&*mailbox, uid).await,
        ["$Forwarded", "Work", "\\Draft", "\\Seen"]
    );
    let kept: Vec<_> = records(&*mailbox).await.iter().map(|r| r.date).collect();
    assert_eq!(kept, [Some(date)]);
}

/// Not even the highest, once it is gone.
pub async fn uids_ascend_and_are_never_given_again(t: &Tenant<'_>) {
    let mut last = 0;
    for round in 0..3 {
        let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
        assert!(uid.number() > last, "round {round}");
        last = uid.number();
        let mailbox = t.select("INBOX").await;
        let now = ok(mailbox.sync(None).await).now;
        assert!(now.uid_next.number() > last);
        assert_eq!(
            ok(mailbox.expunge(&UidSet::one(uid)).await),
            UidSet::one(uid)
        );
        assert_eq!(uids(&*mailbox).await, []);
    }
}

/// Nor one that was never committed counts.
pub async fn a_dropped_append_leaves_nothing(t: &Tenant<'_>) {
    let account = t.account().await;
    for octets in [b"short".as_slice(), &[b'x'; 300_000]] {
        let mut append = ok(account.append(&super::name("INBOX")).await);
        ok(append.write(octets).await);
        drop(append);
    }
    assert_eq!(uids(&*t.select("INBOX").await).await, []);
    assert_eq!(t.put("INBOX", "a\r\n", Flags::NONE).await, Uid::FIRST);
}

/// Whoever waits shares flushes.
pub async fn appends_at_once_all_arrive(t: &Tenant<'_>) {
    let account = t.account().await;
    let mut tickets = Vec::new();
    for n in 0..20 {
        let mut append = ok(account.append(&super::name("INBOX")).await);
        ok(append.write(format!("message {n}\r\n").as_bytes()).await);
        tickets.push(append.commit(Stamp::default()));
    }
    let mailbox = t.select("INBOX").await;
    let mut given = UidSet::new();
    for (n, ticket) in tickets.into_iter().enumerate() {
        let uid = only(&ok(ticket.await));
        ok(mailbox.sync(None).await);
        assert_eq!(
            octets(&*mailbox, uid).await,
            format!("message {n}\r\n").as_bytes()
        );
        given.insert(uid);
    }
    assert_eq!(given.len(), 20);
    assert_eq!(uids(&*mailbox).await.len(), 20);
}

/// Each with its own stamp, small and large ones mixed (RFC 3502).
pub async fn messages_of_one_append_arrive_together_and_in_order(t: &Tenant<'_>) {
    let account = t.account().await;
    let mut sent = odd_messages();
    sent.extend(
        (0..200).map(|n| format!("Subject: {n}\r\n\r\n{}\r\n", "y".repeat(997)).into_bytes()),
    );
    let before = t.put("INBOX", "before\r\n", Flags::NONE).await;
    let mut append = ok(account.append(&super::name("INBOX")).await);
    let stamp = |n: usize| Stamp {
        flags: if n.is_multiple_of(2) {
            Flags::SEEN
        } else {
            Flags::NONE
        },
        keywords: vec![keyword(&format!("k{}", n % 5))],
        date: Some(DateTime {
            seconds: 1_000_000_000 + n as i64,
            offset: 0,
        }),
        identity: None,
    };
    for (n, message) in sent.iter().enumerate() {
        for chunk in message.chunks(50_000) {
            ok(append.write(chunk).await);
        }
        if n + 1 < sent.len() {
            ok(append.another(stamp(n)).await);
        }
    }
    let mailbox = t.select("INBOX").await;
    assert_eq!(
        uids(&*mailbox).await.len(),
        1,
        "nothing is seen before the end"
    );
    let appended = ok(append.commit(stamp(sent.len() - 1)).await);
    assert_eq!(appended.uid_validity, mailbox.uid_validity());
    assert_eq!(appended.uids.len(), sent.len() as u64);
    assert!(appended.uids.first() > Some(before));
    ok(mailbox.sync(None).await);
    let records: Vec<_> = records(&*mailbox).await.into_iter().skip(1).collect();
    for (n, ((uid, message), record)) in appended.uids.iter().zip(&sent).zip(records).enumerate() {
        assert_eq!(record.uid, uid);
        assert_eq!(
            record.size,
            Some(message.len() as u64),
            "size of message {n}"
        );
        assert_eq!(
            record.date.map(|d| d.seconds),
            Some(1_000_000_000 + n as i64)
        );
        assert_eq!(record.flags.contains(Flags::SEEN), n.is_multiple_of(2));
        assert!(octets(&*mailbox, uid).await == *message, "message {n}");
    }
    let third = appended.uids.iter().nth(3).unwrap_or(Uid::FIRST);
    assert_eq!(flags_of(&*mailbox, third).await, ["k3"]);
}

/// One that cannot be kept takes the others with it, and so does one that is never ended.
pub async fn messages_of_one_append_arrive_all_or_none(t: &Tenant<'_>) {
    let account = t.account().await;
    let mut append = ok(account.append(&super::name("INBOX")).await);
    ok(append.write(b"first\r\n").await);
    ok(append.another(Stamp::default()).await);
    ok(append.write(&[b'x'; 100_000]).await);
    ok(append.another(Stamp::default()).await);
    drop(append);
    assert_eq!(uids(&*t.select("INBOX").await).await, []);
    // More keywords than any mailbox has a place for.
    let mut append = ok(account.append(&super::name("INBOX")).await);
    ok(append.write(b"first\r\n").await);
    ok(append.another(Stamp::default()).await);
    ok(append.write(b"second\r\n").await);
    let many = Stamp {
        keywords: (0..200).map(|n| keyword(&format!("k{n}"))).collect(),
        ..Stamp::default()
    };
    assert_eq!(super::refused(append.commit(many).await), Kind::Limit);
    let mailbox = t.select("INBOX").await;
    assert_eq!(uids(&*mailbox).await, []);
    assert_eq!(ok(mailbox.sync(None).await).now.keywords.iter().count(), 0);
}

/// Under whatever flags the first stands meanwhile; another identity is another message.
pub async fn a_delivery_that_is_repeated_adds_nothing(t: &Tenant<'_>) {
    let stamp = |n| Stamp {
        identity: Some(Identity(n)),
        ..Stamp::default()
    };
    let account = t.account().await;
    let tickets = {
        let mut tickets = Vec::new();
        for _ in 0..2 {
            let mut append = ok(account.append(&super::name("INBOX")).await);
            ok(append.write(b"once\r\n").await);
            tickets.push(append.commit(stamp(7 << 100)));
        }
        tickets
    };
    let mut first = Vec::new();
    for ticket in tickets {
        first.push(ok(ticket.await));
    }
    assert_eq!(first.first(), first.last());
    let mailbox = t.select("INBOX").await;
    assert_eq!(uids(&*mailbox).await, [1]);
    let seen = FlagChange::of(FlagOp::Add, Flags::SEEN | Flags::FLAGGED);
    ok(mailbox.flag(&UidSet::all(), &seen, None).await);
    let again = ok(t.append("INBOX", b"once\r\n", stamp(7 << 100)).await);
    assert_eq!(first.first(), Some(&again));
    let other = ok(t.append("INBOX", b"once\r\n", stamp(7)).await);
    assert_ne!(other, again);
    assert_eq!(uids(&*mailbox).await.len(), 2);
}

/// `None`, not an error.
pub async fn an_expunged_message_has_no_body(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
    let (one, other) = (t.select("INBOX").await, t.select("INBOX").await);
    ok(one.sync(None).await);
    ok(other.sync(None).await);
    ok(one.expunge(&UidSet::all()).await);
    assert!(ok(other.body(uid).await).is_none());
    assert!(records(&*other).await.is_empty());
    assert!(ok(other.expunge(&UidSet::all()).await).is_empty());
}
