//! What has become stale says nothing of what is there: it is looked for again, and whoever finds nothing is told to come
//! again.

use crate::net::{Host, clock, one, server};
use mailcore_base::mailbox::MailboxName;
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
    host.shown().await?;
    let inbox = host.select().await?;
    inbox.copy(&one(2), &work).await?;
    host.expunge(3).await?;
    Ok(uid)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_stale_for_a_while_is_nobodys_loss() {
    // Shorter than is borne without a word, and longer.
    for (count, step) in [(1, 1), (9, 3)] {
        let mut refused = 0;
        for n in (1..).step_by(step) {
            let disk = server();
            let host = Host::with(&disk, "a", clock(&disk, |now| now), |options| {
                options.patience = Duration::from_secs(5);
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
            if let Err(e) = &done {
                assert_eq!(e.kind(), Kind::Busy, "call {n}, {count} times: {e}");
                refused += 1;
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
        eprintln!("{count} times: {refused}");
        assert!(count < 9 || refused > 0);
    }
}
