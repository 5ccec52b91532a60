//! Messages: what goes in comes out, under a UID that is never given again.

use super::{Tenant, flags_of, keyword, octets, ok, promises, records, uids};
use crate::mailbox::{Access, Fields, Stamp};
use crate::queue::Identity;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Uid, UidSet};
use mailcore_base::message::{
    Envelope, Structure, write_chosen_fields, write_envelope, write_structure,
};

promises!(
    a_message_comes_back_octet_by_octet,
    any_range_of_a_body_can_be_read,
    flags_keywords_and_date_are_kept,
    uids_ascend_and_are_never_given_again,
    a_dropped_append_leaves_nothing,
    appends_at_once_all_arrive,
    a_delivery_that_is_repeated_adds_nothing,
    an_expunged_message_has_no_body,
    what_a_record_tells_is_what_reading_tells,
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
        sent.push((appended.uid, message));
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
    let Some(body) = ok(mailbox.body(appended.uid).await) else {
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
    let uid = ok(t.append("INBOX", b"a\r\n", stamp).await).uid;
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
        let uid = ok(ticket.await).uid;
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

/// A store may keep envelopes, structures and header fields at hand or not: those that it tells are the message's.
pub async fn what_a_record_tells_is_what_reading_tells(t: &Tenant<'_>) {
    let mut sent = odd_messages();
    sent.extend([
        b"From: a@example.test\r\nTo: b@example.test,\r\n\tc@example.test\r\nReceived: x\r\nSubject: =?utf-8?q?=C3=A4?=\r\n\
          Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n"
            .to_vec(),
        b"Subject: no end".to_vec(),
    ]);
    for message in &sent {
        ok(t.append("INBOX", message, Stamp::default()).await);
    }
    let wanted = Fields::ENVELOPE | Fields::STRUCTURE | Fields::HEADERS;
    // Told when it comes, and told again by what was kept.
    for _ in 0..2 {
        let mailbox = t.open("INBOX", Access::Read).await;
        let mut told = Vec::new();
        ok(mailbox.records(&UidSet::all(), wanted, &mut told).await);
        assert_eq!(told.len(), sent.len());
        for (message, record) in sent.iter().zip(told) {
            let (mut envelope, mut structure, mut headers) = (Vec::new(), Vec::new(), Vec::new());
            write_envelope(&Envelope::of(message), &mut envelope);
            write_structure(&Structure::of(message), true, &mut structure);
            write_chosen_fields(message, &mut headers);
            let uid = record.uid;
            assert!(
                record.envelope.is_none_or(|e| e == envelope),
                "envelope of UID {uid}"
            );
            assert!(
                record.structure.is_none_or(|s| s == structure),
                "structure of UID {uid}"
            );
            assert!(
                record.headers.is_none_or(|h| h == headers),
                "header fields of UID {uid}"
            );
        }
    }
}
