//! Whose the lock is, and whether anybody has it.

use crate::net::{HOUR, Host, clock, server};
use mailcore_base::mailbox::{MailboxName, UidSet};
use mailcore_store::Kind;
use mailcore_store::disk::read;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LOCK: &str = "mail/dovecot-uidlist.lock";

#[tokio::test]
async fn a_lock_that_was_made_though_the_answer_says_no_is_held_and_given_back() {
    let disk = server();
    let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
    a.deliver("first\r\n").await.unwrap();
    a.net.twice.store(1, Ordering::SeqCst);
    a.deliver("second\r\n").await.unwrap();
    a.flag(1).await.unwrap();
    let work = MailboxName::parse("work", '/').unwrap();
    a.account()
        .await
        .unwrap()
        .create(&work, None)
        .await
        .unwrap();
    let inbox = a.select().await.unwrap();
    inbox.copy(&UidSet::all(), &work).await.unwrap();
    assert!(!a.has(LOCK));
    b.deliver("third\r\n").await.unwrap();
    assert_eq!(b.shown().await.unwrap().len(), 3);
    for tmp in ["mail/tmp", "mail/.work/tmp"] {
        assert_eq!(a.names(tmp), [""; 0], "nothing is left behind");
    }
}

#[tokio::test]
async fn a_lock_is_as_old_as_the_file_servers_clock_says() {
    for wrong in [|now| now + 3 * HOUR, |now| now - 3 * HOUR] {
        let disk = server();
        let host = Host::at(&disk, "a", clock(&disk, wrong));
        host.deliver("first\r\n").await.unwrap();
        host.put(LOCK, "1:elsewhere");
        disk.advance(Duration::from_secs(100));
        let refused = host.deliver("second\r\n").await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Busy);
        disk.advance(Duration::from_secs(30));
        host.deliver("second\r\n").await.unwrap();
        assert!(!host.has(LOCK));
    }
}

/// One that is started anew has the number of the one that was killed, and another process may be ours, too.
#[tokio::test]
async fn a_lock_with_our_own_number_is_of_an_earlier_life_if_it_is_older_than_we_are() {
    for wrong in [|now| now + 3 * HOUR, |now| now - 3 * HOUR] {
        let disk = server();
        Host::new(&disk, "a").deliver("first\r\n").await.unwrap();
        let early = Host::at(&disk, "a", clock(&disk, wrong));
        disk.advance(Duration::from_secs(1));
        early.put(LOCK, "4711:a");
        disk.advance(Duration::from_secs(1));
        let refused = early.deliver("second\r\n").await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Busy);
        let late = Host::at(&disk, "a", clock(&disk, wrong));
        late.deliver("second\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_looked_at_for_now_is_not_broken() {
    let disk = server();
    let host = Host::new(&disk, "a");
    host.deliver("first\r\n").await.unwrap();
    host.put(LOCK, "1:elsewhere");
    disk.advance(Duration::from_secs(60));
    for n in 1..60 {
        host.net.stale_at(n, 12);
        let refused = host.deliver("second\r\n").await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Busy, "stale from call {n} on");
        assert!(host.has(LOCK), "stale from call {n} on");
    }
}

/// Two find a lock that is stale; one is slower, and must not remove what the other has taken since.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lock_is_broken_by_one_of_those_who_find_it() {
    for n in 1..40 {
        let disk = server();
        let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
        a.deliver("first\r\n").await.unwrap();
        a.put(LOCK, "1:elsewhere");
        disk.advance(Duration::from_secs(130));
        let (other, runtime) = (b.clone(), tokio::runtime::Handle::current());
        a.net.meanwhile(n, move || {
            let _ = runtime.block_on(other.deliver("second\r\n"));
            if !other.has(LOCK) {
                other.put(LOCK, "2:third"); // and somebody else has taken it since
            }
        });
        let done = a.deliver("third\r\n").await;
        if a.net.still() {
            break;
        }
        let lock = read(&disk, Path::new(LOCK), 100);
        let lock = lock.map(|text| String::from_utf8(text).unwrap());
        match done {
            // It had been given the lock before the other came, who found it held.
            Ok(_) => assert!(
                lock.is_err() || lock.as_deref().is_ok_and(|l| l == "2:third"),
                "{n}: {lock:?}"
            ),
            Err(e) => {
                assert_eq!(e.kind(), Kind::Busy, "{n}");
                assert_eq!(lock.unwrap(), "2:third", "{n}: the other's lock is gone");
            }
        }
    }
}
