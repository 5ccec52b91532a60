//! Two hosts at work on one mailbox, at once: no UID is given twice, no message is lost.

use crate::net::{HOUR, Host, clock, server};
use mailcore_base::mailbox::Flags;
use mailcore_store::Kind;
use mailcore_store::disk::SimDisk;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;

/// Hosts whose clocks are hours apart and whose net does what it can.
fn hosts(disk: &SimDisk) -> (Host, Host) {
    let a = Host::at(disk, "a", clock(disk, |now| now + 3 * HOUR));
    let b = Host::at(disk, "b", clock(disk, |now| now - 3 * HOUR));
    for (host, every) in [(&a, 3), (&b, 4)] {
        host.net.remembers.store(true, Ordering::SeqCst);
        host.net.twice.store(every, Ordering::SeqCst);
    }
    (a, b)
}

/// What is there, the same for both and for one that comes anew.
async fn agreed(disk: &SimDisk, a: &Host, b: &Host) -> BTreeMap<u32, (String, bool)> {
    disk.advance(Duration::from_secs(2));
    let (one, two) = (a.shown().await.unwrap(), b.shown().await.unwrap());
    let three = Host::new(disk, "c").shown().await.unwrap();
    assert_eq!(one, two);
    assert_eq!(one, three);
    one
}

/// One of them is interrupted in front of each thing it asks of the server, and the other does something there.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_does_in_the_midst_of_what_the_other_does_both_have_it() {
    for (what, other) in (0..3).flat_map(|what| (0..3).map(move |other| (what, other))) {
        for n in 1.. {
            let disk = server();
            let (a, b) = hosts(&disk);
            for text in ["one\r\n", "two\r\n", "three\r\n"] {
                a.deliver(text).await.unwrap();
            }
            b.shown().await.unwrap();
            let came = Arc::new(Mutex::new(None));
            let (host, runtime, told) = (b.clone(), Handle::current(), came.clone());
            a.net.meanwhile(n, move || {
                let done = runtime.block_on(async {
                    match other {
                        0 => host.deliver("meanwhile\r\n").await,
                        1 => host.flag(2).await.map(|()| 2),
                        _ => host.expunge(3).await.map(|()| 3),
                    }
                });
                *told.lock().unwrap() = Some(done);
            });
            let done = match what {
                0 => a.deliver("at once\r\n").await,
                1 => a.flag(1).await.map(|()| 1),
                _ => a.expunge(2).await.map(|()| 2),
            };
            if a.net.still() {
                assert!(n > 10);
                break;
            }
            let done = done.unwrap();
            let there = agreed(&disk, &a, &b).await;
            let at = format!("{what} and {other} at {n}: {there:?}");
            let text = |uid: u32| there.get(&uid).map(|it| it.0.as_str());
            assert_eq!(text(1), Some("one\r\n"), "{at}");
            match what {
                0 => assert_eq!(text(done), Some("at once\r\n"), "{at}"),
                1 => assert!(there[&1].1, "{at}"),
                _ => assert_eq!(text(2), None, "{at}"),
            }
            let came = came.lock().unwrap().take().unwrap();
            match (came, other) {
                (Err(e), _) => assert_eq!(e.kind(), Kind::Busy, "{at}"),
                (Ok(uid), 0) => assert_eq!(text(uid), Some("meanwhile\r\n"), "{at}"),
                (Ok(_), 1) => assert!(what == 2 || there[&2].1, "{at}"),
                (Ok(_), _) => assert_eq!(text(3), None, "{at}"),
            }
        }
    }
}

/// A client that was told all that a host knew goes to the other one, where somebody has changed something meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_changes_in_the_midst_of_what_the_other_does_is_told_by_one_of_them() {
    for what in 0..3 {
        for n in 1.. {
            let disk = server();
            let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
            for text in ["one\r\n", "two\r\n", "three\r\n"] {
                a.deliver(text).await.unwrap();
            }
            let (here, there) = (a.select().await.unwrap(), b.select().await.unwrap());
            disk.advance(Duration::from_secs(2));
            there.sync(None).await.unwrap();
            let known = here.sync(None).await.unwrap().now.modseq;
            let flagged = Arc::new(AtomicBool::new(false));
            let (host, runtime, told) = (b.clone(), Handle::current(), flagged.clone());
            a.net.meanwhile(n, move || {
                disk_passes(&host);
                let done = runtime.block_on(host.flag(2));
                told.store(done.is_ok(), Ordering::SeqCst);
                disk_passes(&host);
            });
            match what {
                0 => drop(a.deliver("at once\r\n").await.unwrap()),
                1 => a.flag(1).await.unwrap(),
                _ => a.expunge(3).await.unwrap(),
            }
            if a.net.still() {
                assert!(n > 10);
                break;
            }
            let first = here.sync(Some(known)).await.unwrap();
            let then = there.sync(Some(first.now.modseq)).await.unwrap();
            let all = first.flagged.iter().chain(&then.flagged);
            let is_told = all
                .into_iter()
                .any(|(uid, flags, _)| uid.number() == 2 && flags.contains(Flags::FLAGGED));
            let was = flagged.load(Ordering::SeqCst);
            assert!(is_told || !was, "{what}, in front of call {n}");
        }
    }
}

/// The server's clock goes on a little.
fn disk_passes(host: &Host) {
    host.disk.advance(Duration::from_millis(1));
}

/// As a queue does, or a client.
macro_rules! again {
    ($work:expr) => {
        loop {
            match $work.await {
                Err(e) if e.kind() == Kind::Busy => {}
                other => break other.unwrap(),
            }
        }
    };
}

/// Both at once, as fast as they can, each with its threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_that_deliver_flag_and_expunge_at_once_lose_nothing_and_give_no_uid_twice() {
    let disk = server();
    let patient = |name: &str, wrong: i64| {
        let wrong = move |now: std::time::SystemTime| match wrong > 0 {
            true => now + 3 * HOUR,
            false => now - 3 * HOUR,
        };
        let host = Host::with(&disk, name, clock(&disk, wrong), |options| {
            options.patience = Duration::from_secs(60);
        });
        host.net.remembers.store(true, Ordering::SeqCst);
        host.net.twice.store(5, Ordering::SeqCst);
        host
    };
    let (a, b) = (patient("a", 1), patient("b", -1));
    let mut tasks = Vec::new();
    for (name, host) in [("a", &a), ("b", &b)] {
        for lane in 0..3 {
            let host = host.clone();
            tasks.push(tokio::spawn(async move {
                let mut came = Vec::new();
                for n in 0..12 {
                    let text = format!("{name}{lane}{n}\r\n");
                    let calls = host.net.calls.load(Ordering::SeqCst);
                    if n % 3 == 0 {
                        host.net.stale_at(calls % 17, 2);
                    }
                    let uid = again!(host.deliver(&text));
                    came.push((uid, text));
                    if n % 2 == 0 {
                        again!(host.flag(uid));
                    }
                    if n % 4 == 3 {
                        again!(host.expunge(uid));
                        came.pop();
                    }
                }
                came
            }));
        }
    }
    let mut came = BTreeMap::new();
    for task in tasks {
        for (uid, text) in task.await.unwrap() {
            assert_eq!(came.insert(uid, text), None, "{uid} was given twice");
        }
    }
    let there = agreed(&disk, &a, &b).await;
    let texts = there.into_iter().map(|(uid, (text, _))| (uid, text));
    assert_eq!(texts.collect::<BTreeMap<_, _>>(), came);
}
