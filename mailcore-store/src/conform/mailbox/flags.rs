//! Flags: changing them, keywords, and changes under a condition.

use super::{Tenant, flags_of, keyword, ok, promises, records, refused, uids};
use crate::Kind;
use crate::mailbox::Access;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Uid, UidSet};

promises!(
    flags_are_added_removed_and_replaced,
    keywords_keep_their_case_and_compare_without,
    a_position_once_given_keeps_its_keyword,
    messages_that_are_not_there_are_passed_over,
    a_message_that_changed_since_is_left_alone,
    the_first_unseen_message_is_the_first_without_seen,
    a_handle_that_reads_changes_nothing,
    too_many_keywords_are_refused_and_nothing_is_lost,
);

fn change(op: FlagOp, system: Flags, keywords: &[&str]) -> FlagChange {
    FlagChange {
        keywords: keywords.iter().map(|k| keyword(k)).collect(),
        ..FlagChange::of(op, system)
    }
}

/// Other sessions see it after their next sync, later ones as well.
pub async fn flags_are_added_removed_and_replaced(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::SEEN).await;
    let (one, other) = (t.select("INBOX").await, t.select("INBOX").await);
    ok(one.sync(None).await);
    let steps = [
        (
            FlagOp::Add,
            Flags::FLAGGED,
            vec!["x"],
            vec!["\\Flagged", "\\Seen", "x"],
        ),
        (
            FlagOp::Remove,
            Flags::SEEN,
            vec!["none"],
            vec!["\\Flagged", "x"],
        ),
        (
            FlagOp::Add,
            Flags::DELETED | Flags::ANSWERED,
            vec![],
            vec!["\\Answered", "\\Deleted", "\\Flagged", "x"],
        ),
        (
            FlagOp::Replace,
            Flags::DRAFT,
            vec!["y"],
            vec!["\\Draft", "y"],
        ),
        (FlagOp::Remove, Flags::DRAFT, vec!["Y"], vec![]),
    ];
    for (op, system, keywords, expected) in steps {
        let change = change(op, system, &keywords);
        let left = ok(one.flag(&UidSet::one(uid), &change, None).await);
        assert!(left.is_empty());
        assert_eq!(flags_of(&*one, uid).await, expected);
        assert_eq!(flags_of(&*other, uid).await, expected);
        assert_eq!(flags_of(&*t.select("INBOX").await, uid).await, expected);
    }
}

/// RFC 3501 §2.3.2 leaves the case to us: the first spelling stays.
pub async fn keywords_keep_their_case_and_compare_without(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    ok(mailbox.sync(None).await);
    for spelling in ["$Label1", "$LABEL1"] {
        let add = change(FlagOp::Add, Flags::NONE, &[spelling]);
        ok(mailbox.flag(&UidSet::one(uid), &add, None).await);
    }
    assert_eq!(flags_of(&*mailbox, uid).await, ["$Label1"]);
}

/// Sessions keep flags as bits.
pub async fn a_position_once_given_keeps_its_keyword(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    ok(mailbox.sync(None).await);
    let mut seen: Vec<String> = Vec::new();
    for new in ["c", "a", "b"] {
        let replace = change(FlagOp::Replace, Flags::NONE, &[new]);
        ok(mailbox.flag(&UidSet::one(uid), &replace, None).await);
        let now = ok(mailbox.sync(None).await).now;
        let table: Vec<_> = now.keywords.iter().map(ToString::to_string).collect();
        assert!(table.starts_with(&seen), "{table:?} after {seen:?}");
        seen = table;
    }
    assert_eq!(seen, ["c", "a", "b"]);
}

/// A client may name what another has expunged.
pub async fn messages_that_are_not_there_are_passed_over(t: &Tenant<'_>) {
    t.put("INBOX", "a\r\n", Flags::NONE).await;
    let two = t.put("INBOX", "b\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    ok(mailbox.sync(None).await);
    ok(mailbox.expunge(&UidSet::one(Uid::FIRST)).await);
    let add = change(FlagOp::Add, Flags::SEEN, &[]);
    assert!(ok(mailbox.flag(&UidSet::all(), &add, None).await).is_empty());
    assert_eq!(flags_of(&*mailbox, two).await, ["\\Seen"]);
    let gone = UidSet::one(Uid::LAST);
    assert!(ok(mailbox.flag(&gone, &add, None).await).is_empty());
    assert!(ok(mailbox.expunge(&gone).await).is_empty());
}

/// Whether nobody has seen it yet, or somebody took the flag away again.
pub async fn the_first_unseen_message_is_the_first_without_seen(t: &Tenant<'_>) {
    let mailbox = t.select("INBOX").await;
    assert_eq!(ok(mailbox.first_unseen().await), None, "there is none");
    let mut there = Vec::new();
    for flags in [Flags::SEEN, Flags::SEEN, Flags::FLAGGED, Flags::NONE] {
        there.push(t.put("INBOX", "a\r\n", flags).await);
    }
    let add = change(FlagOp::Add, Flags::SEEN, &[]);
    let take = change(FlagOp::Remove, Flags::SEEN, &[]);
    let steps = [(2, &add), (1, &take), (0, &take), (3, &take)];
    ok(mailbox.sync(None).await);
    assert_eq!(ok(mailbox.first_unseen().await), there.get(2).copied());
    for ((at, change), first) in steps.into_iter().zip([3, 1, 0, 0]) {
        let uid = there.get(at).copied().unwrap_or(Uid::LAST);
        ok(mailbox.flag(&UidSet::one(uid), change, None).await);
        assert_eq!(ok(mailbox.first_unseen().await), there.get(first).copied());
    }
}

/// RFC 7162 §3.1.3.
pub async fn a_message_that_changed_since_is_left_alone(t: &Tenant<'_>) {
    let one = t.put("INBOX", "a\r\n", Flags::NONE).await;
    let two = t.put("INBOX", "b\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    let before = ok(mailbox.sync(None).await).now.modseq;
    let seen = change(FlagOp::Add, Flags::SEEN, &[]);
    ok(mailbox.flag(&UidSet::one(one), &seen, None).await);
    let flag = change(FlagOp::Add, Flags::FLAGGED, &[]);
    let left = ok(mailbox.flag(&UidSet::all(), &flag, Some(before)).await);
    assert_eq!(left, UidSet::one(one));
    assert_eq!(flags_of(&*mailbox, one).await, ["\\Seen"]);
    assert_eq!(flags_of(&*mailbox, two).await, ["\\Flagged"]);
    let now = ok(mailbox.sync(None).await).now.modseq;
    assert!(records(&*mailbox).await.iter().all(|r| r.modseq <= now));
}

/// EXAMINE.
pub async fn a_handle_that_reads_changes_nothing(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
    t.create("other").await;
    let mailbox = t.open("INBOX", Access::Read).await;
    ok(mailbox.sync(None).await);
    let all = UidSet::all();
    let add = change(FlagOp::Add, Flags::SEEN, &[]);
    assert_eq!(refused(mailbox.flag(&all, &add, None).await), Kind::Denied);
    assert_eq!(refused(mailbox.expunge(&all).await), Kind::Denied);
    let moved = mailbox.relocate(&all, &super::name("other")).await;
    assert_eq!(refused(moved), Kind::Denied);
    assert!(flags_of(&*mailbox, uid).await.is_empty());
    assert_eq!(uids(&*t.select("other").await).await, []);
    ok(mailbox.copy(&all, &super::name("other")).await);
    assert_eq!(uids(&*t.select("other").await).await, [1]);
}

/// With Limit, whatever the limit is.
pub async fn too_many_keywords_are_refused_and_nothing_is_lost(t: &Tenant<'_>) {
    let uid = t.put("INBOX", "a\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    ok(mailbox.sync(None).await);
    let mut kept = Vec::new();
    for n in 0..=Flags::KEYWORDS {
        let word = format!("word{n:02}");
        let add = change(FlagOp::Add, Flags::NONE, &[&word]);
        match mailbox.flag(&UidSet::one(uid), &add, None).await {
            Ok(_) => kept.push(word),
            Err(e) => {
                assert_eq!(e.kind(), Kind::Limit);
                break;
            }
        }
    }
    assert!((20..=Flags::KEYWORDS).contains(&kept.len()), "{kept:?}");
    assert_eq!(flags_of(&*mailbox, uid).await, kept);
    assert_eq!(flags_of(&*t.select("INBOX").await, uid).await, kept);
}
