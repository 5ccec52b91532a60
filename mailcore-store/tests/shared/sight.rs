//! What other hosts do is seen at the next look, whatever a host remembers, and none of it is taken for something else.

use crate::net::{HOUR, Host, clock, one, server};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName};
use mailcore_store::disk::{Disk, Open};
use mailcore_store::mailbox::Stamp;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::task::JoinHandle;

#[tokio::test]
async fn what_another_host_does_is_seen_at_the_next_look_whatever_is_remembered() {
    let disk = server();
    let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
    a.net.remembers.store(true, Ordering::SeqCst);
    b.net.remembers.store(true, Ordering::SeqCst);
    a.select().await.unwrap();
    assert_eq!(b.deliver("one\r\n").await.unwrap(), 1);
    assert_eq!(a.shown().await.unwrap()[&1], ("one\r\n".to_owned(), false));
    assert_eq!(a.deliver("two\r\n").await.unwrap(), 2);
    b.flag(2).await.unwrap();
    assert_eq!(a.shown().await.unwrap()[&2], ("two\r\n".to_owned(), true));
    b.expunge(1).await.unwrap();
    assert_eq!(a.shown().await.unwrap().len(), 1);
    assert_eq!(a.deliver("three\r\n").await.unwrap(), 3);
    assert_eq!(b.shown().await.unwrap().len(), 2);
}

/// Both have seen that there is no list; the second finds that of the first, and does not begin another.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_two_hosts_meet_for_the_first_time_at_once_begins_once() {
    for n in 1..80 {
        let disk = server();
        for dir in ["mail", "mail/cur", "mail/new", "mail/tmp"] {
            disk.mkdir(Path::new(dir)).unwrap();
        }
        let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
        a.put("mail/new/1.x", "first\n");
        a.net.remembers.store(true, Ordering::SeqCst);
        let (other, runtime) = (b.clone(), tokio::runtime::Handle::current());
        a.net.meanwhile(n, move || {
            let _ = runtime.block_on(other.select()); // it may be locked
        });
        let mailbox = a.select().await.unwrap();
        if a.net.still() {
            break;
        }
        let there = b.select().await.unwrap();
        assert_eq!(mailbox.uid_validity(), there.uid_validity(), "{n}");
        assert_eq!(a.shown().await.unwrap(), b.shown().await.unwrap(), "{n}");
    }
}

/// A change in the same second as the last look does not show in the times of directories that know no less.
#[tokio::test]
async fn a_change_in_the_same_tick_of_the_servers_clock_is_found_a_second_later() {
    for wrong in [|now| now + 3 * HOUR, |now| now - 3 * HOUR] {
        let disk = server();
        let a = Host::at(&disk, "a", clock(&disk, wrong));
        let b = Host::new(&disk, "b");
        a.net.coarse.store(true, Ordering::SeqCst);
        b.deliver("one\r\n").await.unwrap();
        let inbox = a.select().await.unwrap();
        b.deliver("two\r\n").await.unwrap();
        disk.advance(Duration::from_millis(1200));
        let there = inbox.sync(None).await.unwrap().now.uids;
        assert_eq!(there.len(), 2);
    }
}

#[tokio::test]
async fn a_client_that_goes_to_another_host_is_told_of_what_it_does_not_know() {
    let disk = server();
    let ahead = Host::at(&disk, "a", clock(&disk, |now| now + 3 * HOUR));
    let behind = Host::at(&disk, "b", clock(&disk, |now| now - 3 * HOUR));
    for text in ["one\r\n", "two\r\n", "three\r\n"] {
        ahead.deliver(text).await.unwrap();
    }
    let (here, there) = (
        ahead.select().await.unwrap(),
        behind.select().await.unwrap(),
    );
    let mut known = here.sync(None).await.unwrap().now.modseq;
    for round in 0..6 {
        disk.advance(Duration::from_secs(1));
        let (op, uid) = (
            if round < 3 {
                FlagOp::Add
            } else {
                FlagOp::Remove
            },
            round % 3 + 1,
        );
        let change = FlagChange::of(op, Flags::FLAGGED);
        let (doer, other) = match round % 2 {
            0 => (&there, &here),
            _ => (&here, &there),
        };
        doer.flag(&one(uid), &change, None).await.unwrap();
        for host in [doer, other] {
            let told = host.sync(Some(known)).await.unwrap();
            let uids: Vec<u32> = told.flagged.iter().map(|f| f.0.number()).collect();
            assert!(uids.contains(&uid), "{round}: {uid} is not among {uids:?}");
            assert!(told.now.modseq > known, "{round}");
        }
        known = other.sync(None).await.unwrap().now.modseq;
    }
}

#[tokio::test]
async fn there_is_no_index_no_watch_and_no_flush_of_all_that_others_have_written() {
    let disk = server();
    let host = Host::new(&disk, "a");
    let account = host.account().await.unwrap();
    let inbox = host.select().await.unwrap();
    let mut tickets = Vec::new();
    for n in 0..20 {
        let name = MailboxName::inbox();
        let mut append = account.append(&name).await.unwrap();
        append.write(format!("{n}\r\n").as_bytes()).await.unwrap();
        tickets.push(append.commit(Stamp::default()));
    }
    for ticket in tickets {
        ticket.await.unwrap();
    }
    let known = inbox.sync(None).await.unwrap().now.modseq;
    let waits = inbox.changed(known);
    assert!(
        tokio::time::timeout(Duration::from_millis(1), waits)
            .await
            .is_err()
    );
    assert!(!host.net.listened.load(Ordering::SeqCst));
    assert_eq!(host.net.systems.load(Ordering::SeqCst), 0);
    let names = host.names("mail");
    assert!(
        !names.iter().any(|name| name.starts_with("mailcore")),
        "{names:?}"
    );
}

/// A client of NFS keeps a file that somebody has open under such a name when it is removed.
#[tokio::test]
async fn a_file_that_is_removed_and_still_open_is_no_message_and_keeps_no_mailbox() {
    let disk = server();
    let host = Host::new(&disk, "a");
    let account = host.account().await.unwrap();
    let work = MailboxName::parse("work", '/').unwrap();
    account.create(&work, None).await.unwrap();
    for dir in [
        "mail/cur",
        "mail/new",
        "mail/tmp",
        "mail",
        "mail/.work/cur",
        "mail/.work",
    ] {
        host.put(&format!("{dir}/.nfs0001"), "x\n");
    }
    assert_eq!(host.shown().await.unwrap().len(), 0);
    assert_eq!(account.list(None, 10).await.unwrap().len(), 2);
    // In the directory of what is removed it goes once it is closed.
    host.net.silly.store(true, Ordering::SeqCst);
    account.delete(&work).await.unwrap();
    assert_eq!(account.list(None, 10).await.unwrap().len(), 1);
    let gone = || {
        host.names("mail")
            .iter()
            .any(|name| name.starts_with("..mailcore"))
    };
    assert!(gone());
    let aside = host.names("mail");
    let aside = aside.iter().find(|name| name.starts_with("..mailcore"));
    let left = host.names(&format!("mail/{}", aside.unwrap()));
    assert_eq!(left, [".nfs0001", "cur"], "what could go has gone");
    host.net.silly.store(false, Ordering::SeqCst);
    host.account().await.unwrap();
    assert!(!gone());
}

/// What another host is making is not cleared away; what a crash has left of ours is.
#[tokio::test]
async fn a_mailbox_that_another_host_is_making_is_left_alone() {
    let disk = server();
    let host = Host::new(&disk, "a");
    host.account().await.unwrap();
    let (theirs, ours) = ("..mailcore-new.1.M1P1.b", "..mailcore-new.1.M1P1.a");
    for name in [theirs, ours, "..mailcore-gone.1.M1P1.b"] {
        disk.mkdir(&Path::new("mail").join(name)).unwrap();
    }
    host.account().await.unwrap();
    let mut left = host.names("mail");
    left.retain(|name| name.starts_with("..mailcore"));
    assert_eq!(left, [theirs]);
}

#[tokio::test]
async fn what_was_abandoned_in_tmp_is_as_old_as_the_file_servers_clock_says() {
    let disk = server();
    let host = Host::at(&disk, "a", clock(&disk, |now| now + 100 * HOUR));
    host.account().await.unwrap();
    host.put("mail/tmp/old", "x");
    disk.advance(30 * HOUR);
    host.put("mail/tmp/young", "x");
    let again = |wrong: Duration| Host::at(&disk, "a", clock(&disk, move |now| now + wrong));
    again(100 * HOUR).select().await.unwrap();
    assert_eq!(host.names("mail/tmp"), ["old", "young"]);
    disk.advance(10 * HOUR);
    host.put("mail/tmp/younger", "x");
    again(Duration::ZERO).select().await.unwrap();
    assert_eq!(host.names("mail/tmp"), ["young", "younger"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_hosts_note_at_once_in_maildirsize_is_all_there() {
    for n in 1..200 {
        let disk = server();
        let (a, b) = (Host::new(&disk, "a"), Host::new(&disk, "b"));
        a.select().await.unwrap();
        a.put("mail/maildirsize", "1000S\n0 0\n");
        let (other, runtime) = (b.clone(), tokio::runtime::Handle::current());
        let task = Arc::<Mutex<Option<JoinHandle<_>>>>::default();
        let begun = task.clone();
        a.net.meanwhile(n, move || {
            let other = other.clone();
            let (done, finished) = mpsc::channel();
            let task = runtime.spawn(async move {
                let _ = other.deliver("four\r\n").await; // it may be locked
                let _ = done.send(()); // or nobody waits any more
            });
            // It is done, or waits for us.
            let _ = finished.recv_timeout(Duration::from_millis(20));
            *begun.lock().unwrap() = Some(task);
        });
        a.deliver("three\r\n").await.unwrap();
        if a.net.still() {
            assert!(n > 20);
            break;
        }
        let waited = task.lock().unwrap().take().unwrap();
        waited.await.unwrap();
        let file = disk
            .open(Path::new("mail/maildirsize"), Open::Read)
            .unwrap();
        let mut text = vec![0; 200];
        let len = file.read_at(&mut text, 0).unwrap();
        let text = String::from_utf8(text[..len].to_vec()).unwrap();
        let count: usize = text
            .lines()
            .skip(1)
            .map(|line| line.split_once(' ').unwrap().1.parse::<usize>().unwrap())
            .sum();
        assert_eq!(count, a.shown().await.unwrap().len(), "{n}: {text:?}");
    }
}
