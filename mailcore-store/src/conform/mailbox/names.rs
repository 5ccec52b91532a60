//! Mailboxes by name: making, listing, renaming, removing, subscribing.

use super::{Tenant, name, octets, ok, promises, refused, uids};
use crate::Kind;
use mailcore_base::mailbox::{Flags, SpecialUse, Uid};

promises!(
    inbox_is_always_there,
    a_mailbox_is_made_once,
    missing_parents_are_listed,
    a_list_is_read_page_by_page,
    a_deleted_mailbox_is_gone_and_its_children_stay,
    inbox_cannot_be_deleted,
    a_mailbox_that_comes_back_is_another,
    rename_carries_children_messages_and_uids,
    rename_takes_no_name_that_is_taken,
    renaming_inbox_empties_it,
    names_in_any_script_come_back,
    subscriptions_outlive_their_mailboxes,
    a_special_use_is_listed_or_refused,
);

/// Also for an account that nobody has written to.
pub async fn inbox_is_always_there(t: &Tenant<'_>) {
    assert_eq!(t.listed().await, ["INBOX"]);
    assert_eq!(uids(&*t.select("inbox").await).await, []);
    let status = ok(t.account().await.status(&name("INBOX")).await);
    assert_eq!((status.messages, status.uid_next), (0, Uid::FIRST));
}

/// AlreadyExists, and NotFound for what is not there.
pub async fn a_mailbox_is_made_once(t: &Tenant<'_>) {
    let account = t.account().await;
    let work = name("Work");
    assert_eq!(refused(account.status(&work).await), Kind::NotFound);
    assert_eq!(refused(account.append(&work).await), Kind::NotFound);
    let access = crate::mailbox::Access::Read;
    assert_eq!(refused(account.open(&work, access).await), Kind::NotFound);
    t.create("Work").await;
    assert_eq!(
        refused(account.create(&work, None).await),
        Kind::AlreadyExists
    );
    let inbox = account.create(&name("InBox"), None).await;
    assert_eq!(refused(inbox), Kind::AlreadyExists);
    t.put("Work", "a\r\n", Flags::NONE).await;
    assert_eq!(t.listed().await, ["INBOX", "Work"]);
}

/// As mailboxes or as mere names; a mere name can be made a mailbox.
pub async fn missing_parents_are_listed(t: &Tenant<'_>) {
    t.create("a/b/c").await;
    let listed = ok(t.account().await.list(None, 10).await);
    let shown: Vec<_> = listed
        .iter()
        .map(|l| (l.name.to_string(), l.children))
        .collect();
    let expected = [
        ("INBOX", false),
        ("a", true),
        ("a/b", true),
        ("a/b/c", false),
    ];
    assert_eq!(shown, expected.map(|(n, c)| (n.to_owned(), c)));
    let made = t.account().await.create(&name("a/b"), None).await;
    match listed.iter().any(|l| l.name == name("a/b") && l.selectable) {
        true => assert_eq!(refused(made), Kind::AlreadyExists),
        false => ok(made),
    }
    t.put("a/b", "a\r\n", Flags::NONE).await;
}

/// In the order of names, none twice, none left out.
pub async fn a_list_is_read_page_by_page(t: &Tenant<'_>) {
    for n in 0..7 {
        t.create(&format!("box {n}/sub")).await;
    }
    let account = t.account().await;
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = ok(account.list(after.as_ref(), 4).await);
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        paged.extend(page);
    }
    assert!(paged.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(paged, ok(account.list(None, usize::MAX).await));
    assert_eq!(paged.len(), 15);
}

/// A name that still has children stays as a name.
pub async fn a_deleted_mailbox_is_gone_and_its_children_stay(t: &Tenant<'_>) {
    let account = t.account().await;
    t.create("a").await;
    t.create("a/b").await;
    t.put("a", "a\r\n", Flags::NONE).await;
    ok(account.delete(&name("a")).await);
    assert_eq!(t.listed().await, ["INBOX", "[a]", "a/b"]);
    assert_eq!(refused(account.status(&name("a")).await), Kind::NotFound);
    assert_eq!(refused(account.delete(&name("a")).await), Kind::NotFound);
    ok(account.delete(&name("a/b")).await);
    assert_eq!(t.listed().await, ["INBOX"]);
}

/// Denied, and nothing is lost.
pub async fn inbox_cannot_be_deleted(t: &Tenant<'_>) {
    t.put("INBOX", "a\r\n", Flags::NONE).await;
    let deleted = t.account().await.delete(&name("inbox")).await;
    assert_eq!(refused(deleted), Kind::Denied);
    assert_eq!(uids(&*t.select("INBOX").await).await, [1]);
}

/// RFC 3501 §2.3.1.1: its UIDs would otherwise be taken for those of the old one.
pub async fn a_mailbox_that_comes_back_is_another(t: &Tenant<'_>) {
    let account = t.account().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        t.create("a").await;
        t.put("a", "a\r\n", Flags::NONE).await;
        seen.push(ok(account.status(&name("a")).await).uid_validity);
        ok(account.delete(&name("a")).await);
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
}

/// Nobody needs to fetch anything again.
pub async fn rename_carries_children_messages_and_uids(t: &Tenant<'_>) {
    let account = t.account().await;
    t.create("a/b").await;
    t.create("a/b/c").await;
    t.create("ab").await;
    t.put("a/b", "first\r\n", Flags::NONE).await;
    t.put("a/b/c", "child\r\n", Flags::NONE).await;
    let before = ok(account.status(&name("a/b")).await).uid_validity;
    ok(account.rename(&name("a/b"), &name("x/y")).await);
    let listed = t.listed().await;
    assert!(!listed.contains(&"a/b".to_owned()) && !listed.contains(&"a/b/c".to_owned()));
    assert!(listed.contains(&"ab".to_owned()));
    let mailbox = t.select("x/y").await;
    assert_eq!(mailbox.uid_validity(), before);
    assert_eq!(uids(&*mailbox).await, [1]);
    assert_eq!(octets(&*mailbox, Uid::FIRST).await, b"first\r\n");
    assert_eq!(
        octets(&*t.select("x/y/c").await, Uid::FIRST).await,
        b"child\r\n"
    );
    t.put("x/y", "second\r\n", Flags::NONE).await;
    assert_eq!(uids(&*t.select("x/y").await).await, [1, 2]);
}

/// AlreadyExists, NotFound, and Unsupported below itself; nothing changes.
pub async fn rename_takes_no_name_that_is_taken(t: &Tenant<'_>) {
    let account = t.account().await;
    t.create("a").await;
    t.create("b").await;
    let before = t.listed().await;
    for (from, to, kind) in [
        ("a", "b", Kind::AlreadyExists),
        ("a", "INBOX", Kind::AlreadyExists),
        ("INBOX", "b", Kind::AlreadyExists),
        ("none", "c", Kind::NotFound),
        ("a", "a/b", Kind::Unsupported),
    ] {
        let renamed = account.rename(&name(from), &name(to)).await;
        assert_eq!(refused(renamed), kind, "{from} to {to}");
    }
    assert_eq!(t.listed().await, before);
}

/// RFC 3501 §6.3.5.
pub async fn renaming_inbox_empties_it(t: &Tenant<'_>) {
    let account = t.account().await;
    t.create("INBOX/child").await;
    t.put("INBOX", "one\r\n", Flags::SEEN).await;
    t.put("INBOX", "two\r\n", Flags::NONE).await;
    ok(account.rename(&name("INBOX"), &name("old")).await);
    assert_eq!(t.listed().await, ["INBOX", "INBOX/child", "old"]);
    assert_eq!(uids(&*t.select("INBOX").await).await, []);
    let old = t.select("old").await;
    assert_eq!(uids(&*old).await.len(), 2);
    let first = ok(old.sync(None).await).now.uids.uid(1);
    assert_eq!(octets(&*old, first.unwrap_or(Uid::FIRST)).await, b"one\r\n");
    assert_eq!(t.put("INBOX", "three\r\n", Flags::NONE).await.number(), 3);
}

/// Whatever the store makes of them on its medium. One that it cannot keep it refuses, and does not mangle.
pub async fn names_in_any_script_come_back(t: &Tenant<'_>) {
    let account = t.account().await;
    let odd = [
        "Entwürfe",
        "下書き",
        "a & b",
        "~",
        "~/x",
        "cur",
        "new",
        "tmp",
        "..a",
        "a..b",
        ".a",
        "a.",
        "100%",
        "dovecot-uidlist",
        "*",
        "a\\b",
        "\"",
        "a b ",
        "INBOX/inbox",
        "Inboxes",
        "&",
        "😀",
    ];
    let mut kept = vec!["INBOX".to_owned()];
    for odd in odd {
        match account.create(&name(odd), None).await {
            Ok(()) => kept.push(odd.to_owned()),
            Err(e) if matches!(e.kind(), Kind::Limit | Kind::Unsupported) => continue,
            Err(e) => panic!("{odd}: {e}"),
        }
        t.put(odd, "a\r\n", Flags::NONE).await;
    }
    assert!(kept.len() > 10, "ordinary names must be kept: {kept:?}");
    let listed = t.listed().await;
    assert!(
        kept.iter().all(|n| listed.contains(n)),
        "{kept:?} in {listed:?}"
    );
    assert_eq!(uids(&*t.select("INBOX").await).await, []);
    for kept in kept.iter().filter(|n| *n != "INBOX") {
        assert_eq!(uids(&*t.select(kept).await).await, [1], "{kept}");
        ok(account.subscribe(&name(kept), true).await);
    }
    let subscribed = ok(account.subscriptions().await);
    assert_eq!(subscribed.len(), kept.len() - 1);
}

/// RFC 3501 §6.3.6.
pub async fn subscriptions_outlive_their_mailboxes(t: &Tenant<'_>) {
    let account = t.account().await;
    t.create("b").await;
    for subscribed in ["b", "a/none", "INBOX", "b"] {
        ok(account.subscribe(&name(subscribed), true).await);
    }
    ok(account.delete(&name("b")).await);
    let shown = |names: Vec<mailcore_base::mailbox::MailboxName>| -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    };
    let subscribed = shown(ok(account.subscriptions().await));
    assert_eq!(subscribed, ["INBOX", "a/none", "b"]);
    ok(account.subscribe(&name("a/none"), false).await);
    ok(account.subscribe(&name("never was"), false).await);
    let subscribed = shown(ok(account.subscriptions().await));
    assert_eq!(subscribed, ["INBOX", "b"]);
}

/// Never silently dropped (RFC 6154 §3).
pub async fn a_special_use_is_listed_or_refused(t: &Tenant<'_>) {
    let account = t.account().await;
    let sent = Some(SpecialUse::Sent);
    match account.create(&name("Rausgang"), sent).await {
        Err(e) => {
            assert_eq!(e.kind(), Kind::Unsupported);
            assert_eq!(t.listed().await, ["INBOX"]);
        }
        Ok(()) => {
            let listed = ok(account.list(None, 10).await);
            let sent = listed.iter().find(|l| l.name == name("Rausgang"));
            assert_eq!(sent.and_then(|l| l.special), Some(SpecialUse::Sent));
        }
    }
}
