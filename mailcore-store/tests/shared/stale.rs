//! What has become stale says nothing of what is there: it is looked for again, and whoever finds nothing is told to come
//! again.

use crate::net::{Host, clock, one, server};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::{Kind, Result};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// All that a session and a delivery do.
async fn life(host: &Host) -> Result<u32> {
    let account = host.account().await?;
    let work = MailboxName::parse("work", '/').unwrap();
    let there = account.list(None, 10).await?;
    if !there.iter().any(|listed| listed.name == work) {
        account.create(&work, None).await?;
    }
    account.subscribe(&work, true).await?;
    account.subscriptions().await?;
    account.status(&work).await?;
    let uid = host.deliver("new\r\n").await?;
    host.flag(1).await?;
    let shown = host.shown().await?;
    assert!(
        shown.contains_key(&1) && shown.contains_key(&2),
        "{shown:?}"
    );
    let inbox = host.select().await?;
    inbox.copy(&one(2), &work).await?;
    host.expunge(3).await?;
    Ok(uid)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_stale_for_a_while_is_nobodys_loss() {
    // Shorter than is borne without a word, and longer.
    for (count, step, patience) in [(1, 2, 5), (9, 5, 5), (60, 23, 0)] {
        for n in (1..).step_by(step) {
            let disk = server();
            let host = Host::with(&disk, "a", clock(&disk, |now| now), |options| {
                options.patience = Duration::from_secs(patience);
            });
            for text in ["one\r\n", "two\r\n", "three\r\n"] {
                host.deliver(text).await.unwrap();
            }
            let validity = host.select().await.unwrap().uid_validity();
            let before = host.net.calls.load(Ordering::SeqCst);
            host.net.stale_at(n, count);
            let done = life(&host).await;
            let calls = host.net.calls.load(Ordering::SeqCst) - before;
            *host.net.stale.lock().unwrap() = (0, 0);
            // A lock that could not be given back holds others up until it is stale.
            disk.advance(Duration::from_secs(130));
            if let Err(e) = &done {
                assert_eq!(e.kind(), Kind::Busy, "call {n}, {count} times: {e}");
            }
            // Another host, which remembers nothing, and the same.
            for host in [Host::new(&disk, "b"), host] {
                let shown = host.shown().await.unwrap();
                let text = |uid: u32| shown.get(&uid).map(|it| it.0.as_str());
                assert_eq!(text(1), Some("one\r\n"), "call {n}, {count} times");
                assert_eq!(text(2), Some("two\r\n"), "call {n}, {count} times");
                assert!(done.is_ok() || matches!(text(3), None | Some("three\r\n")));
                assert_eq!(host.select().await.unwrap().uid_validity(), validity);
                if let Ok(uid) = done {
                    assert_eq!(text(uid), Some("new\r\n"), "call {n}, {count} times");
                    assert_eq!(text(3), None);
                    assert!(shown[&1].1, "call {n}, {count} times");
                }
                assert!(shown.len() <= 4);
            }
            if n > calls {
                break;
            }
        }
    }
}

/// A command that is begun anew because something was stale does not take its own doing for somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_tried_again_is_not_refused_as_somebody_elses() {
    for n in 1.. {
        let disk = server();
        let host = Host::with(&disk, "a", clock(&disk, |now| now), |options| {
            options.patience = Duration::from_secs(5);
        });
        for text in ["one\r\n", "two\r\n", "three\r\n"] {
            host.deliver(text).await.unwrap();
        }
        let inbox = host.select().await.unwrap();
        let known = inbox.sync(None).await.unwrap().now.modseq;
        let before = host.net.calls.load(Ordering::SeqCst);
        host.net.stale_at(n, 5);
        let change = FlagChange::of(FlagOp::Add, Flags::FLAGGED);
        let later = inbox.flag(&UidSet::all(), &change, Some(known)).await;
        let calls = host.net.calls.load(Ordering::SeqCst) - before;
        assert_eq!(later.unwrap(), UidSet::new(), "stale from call {n} on");
        if n > calls {
            break;
        }
    }
}

#[tokio::test]
async fn a_message_that_is_being_read_is_opened_again_when_its_handle_is_stale() {
    let disk = server();
    let host = Host::new(&disk, "a");
    let text = "a line of it\r\n".repeat(20_000);
    host.deliver(&text).await.unwrap();
    host.deliver("short\r\n").await.unwrap();
    let inbox = host.select().await.unwrap();
    let open = async |uid| inbox.body(Uid::new(uid).unwrap()).await.unwrap().unwrap();
    let (long, other) = (open(1).await, open(1).await);
    host.net.lose_what_is_open();
    let mut read = Vec::new();
    while (read.len() as u64) < long.len() {
        let run = long.read(read.len() as u64..long.len()).await.unwrap();
        read.extend_from_slice(&run);
    }
    assert!(read == text.as_bytes());
    Host::new(&disk, "b").expunge(1).await.unwrap();
    let gone = other.read(200_000..200_010).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
}
