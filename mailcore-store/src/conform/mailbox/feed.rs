//! The change feed: what a session is told, and when.

use super::{Tenant, name, ok, promises, refused, uids};
use crate::Kind;
use crate::mailbox::{Access, Mailbox};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, ModSeq, Uid, UidSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

promises!(
    sync_tells_whose_flags_changed_since,
    changed_resolves_at_once_for_what_was_missed,
    a_waiter_is_told_of_what_another_session_does,
    recent_goes_to_the_first_that_writes,
    status_counts,
    a_session_on_a_removed_mailbox_is_told,
    the_lowest_modseq_gets_every_flag,
    what_was_expunged_since_is_told,
);

fn is_ready(future: impl Future) -> bool {
    pending(pin!(future), Waker::noop()).is_err()
}

fn pending<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Result<(), F::Output> {
    match future.poll(&mut Context::from_waker(waker)) {
        Poll::Pending => Ok(()),
        Poll::Ready(it) => Err(it),
    }
}

/// Whether a future asked to be polled again, without polling it.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().for_each(Waker::wake_by_ref);
    }
}

impl Bell {
    async fn heard(&self) {
        poll_fn(|cx| {
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            match self.rung.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

async fn flag(mailbox: &dyn Mailbox, uids: &UidSet, flags: Flags) {
    let change = FlagChange::of(FlagOp::Add, flags);
    assert!(ok(mailbox.flag(uids, &change, None).await).is_empty());
}

/// And only theirs; messages that came and went show in the snapshot.
pub async fn sync_tells_whose_flags_changed_since(t: &Tenant<'_>) {
    for n in 1..=3 {
        t.put("INBOX", &format!("{n}\r\n"), Flags::NONE).await;
    }
    let (one, other) = (t.select("INBOX").await, t.select("INBOX").await);
    let before = ok(one.sync(None).await);
    assert!(before.flagged.is_empty());
    let two = UidSet::one(Uid::new(2).unwrap_or(Uid::FIRST));
    flag(&*other, &two, Flags::SEEN).await;
    ok(other.expunge(&UidSet::one(Uid::FIRST)).await);
    let changes = ok(one.sync(Some(before.now.modseq)).await);
    let told: Vec<_> = changes
        .flagged
        .iter()
        .map(|(uid, flags, _)| (uid.number(), *flags))
        .collect();
    assert_eq!(told, [(2, Flags::SEEN)]);
    assert!(changes.now.modseq > before.now.modseq);
    assert_eq!(changes.now.uids.set().to_string(), "2:3");
    let later = ok(one.sync(Some(changes.now.modseq)).await);
    assert!(later.flagged.is_empty());
    assert_eq!(later.now, changes.now, "nothing happened meanwhile");
}

/// A session that comes back from elsewhere asks what it knew.
pub async fn the_lowest_modseq_gets_every_flag(t: &Tenant<'_>) {
    t.put("INBOX", "1\r\n", Flags::SEEN).await;
    t.put("INBOX", "2\r\n", Flags::NONE).await;
    let changes = ok(t.select("INBOX").await.sync(Some(ModSeq(0))).await);
    let told: Vec<_> = changes.flagged.iter().map(|(_, f, _)| *f).collect();
    assert_eq!(told, [Flags::SEEN, Flags::NONE]);
    assert!(
        changes
            .flagged
            .iter()
            .all(|(_, _, m)| *m <= changes.now.modseq)
    );
}

/// By each hand and in each way that takes a message out of a mailbox; what is there is never among it.
pub async fn what_was_expunged_since_is_told(t: &Tenant<'_>) {
    t.create("other").await;
    for n in 1..=6 {
        t.put("INBOX", &format!("{n}\r\n"), Flags::NONE).await;
    }
    let (one, other) = (t.select("INBOX").await, t.select("INBOX").await);
    let now = async || ok(one.sync(None).await).now.modseq;
    let since = async |known| match ok(one.expunged(known).await) {
        Some(uids) => uids.to_string(),
        None => panic!("the history does not reach back to {known:?}"),
    };
    let set = |numbers: &[u32]| -> UidSet { numbers.iter().filter_map(|n| Uid::new(*n)).collect() };
    let first = now().await;
    assert_eq!(since(first).await, "");
    ok(other.expunge(&set(&[2, 4])).await);
    let second = now().await;
    assert!(second > first, "an expunge is a change");
    flag(&*other, &set(&[5]), Flags::SEEN).await;
    ok(one.relocate(&set(&[1]), &name("other")).await);
    t.put("INBOX", "7\r\n", Flags::NONE).await;
    let third = now().await;
    assert_eq!(since(first).await, "1:2,4");
    assert_eq!(since(second).await, "1");
    assert_eq!(since(third).await, "");
    ok(other.expunge(&set(&[2, 7])).await);
    now().await;
    assert_eq!(since(first).await, "1:2,4,7", "also what came after");
    assert_eq!(since(third).await, "7");
    let reader = t.open("INBOX", Access::Read).await;
    ok(reader.sync(None).await);
    let told = ok(reader.expunged(third).await).map(|uids| uids.to_string());
    assert_eq!(told.as_deref(), Some("7"));
    if let Some(all) = ok(one.expunged(ModSeq(0)).await) {
        assert_eq!(all, set(&[1, 2, 4, 7]), "or it does not know");
    }
}

/// Level-triggered: nothing falls between two calls.
pub async fn changed_resolves_at_once_for_what_was_missed(t: &Tenant<'_>) {
    t.put("INBOX", "1\r\n", Flags::NONE).await;
    let mailbox = t.select("INBOX").await;
    let known = ok(mailbox.sync(None).await).now.modseq;
    assert!(!is_ready(mailbox.changed(known)), "nothing has happened");
    flag(&*t.select("INBOX").await, &UidSet::all(), Flags::SEEN).await;
    mailbox.changed(known).await;
    mailbox.changed(known).await;
    let known = ok(mailbox.sync(None).await).now.modseq;
    assert!(!is_ready(mailbox.changed(known)));
}

/// New messages, flags, expunges; IDLE lives on it.
pub async fn a_waiter_is_told_of_what_another_session_does(t: &Tenant<'_>) {
    let (waiting, acting) = (t.select("INBOX").await, t.select("INBOX").await);
    for step in 0..3 {
        let known = ok(waiting.sync(None).await).now.modseq;
        let mut changed = pin!(waiting.changed(known));
        let bell = Arc::new(Bell::default());
        assert!(pending(changed.as_mut(), &bell.clone().into()).is_ok());
        match step {
            0 => drop(t.put("INBOX", "a\r\n", Flags::NONE).await),
            1 => flag(&*acting, &UidSet::all(), Flags::SEEN).await,
            _ => drop(ok(acting.expunge(&UidSet::all()).await)),
        }
        bell.heard().await;
        changed.await;
    }
    assert_eq!(uids(&*waiting).await, []);
}

/// RFC 3501 §2.3.2; one that only reads takes them from nobody.
pub async fn recent_goes_to_the_first_that_writes(t: &Tenant<'_>) {
    t.put("INBOX", "1\r\n", Flags::NONE).await;
    let reader = t.open("INBOX", Access::Read).await;
    ok(reader.sync(None).await);
    assert_eq!(reader.recent().to_string(), "1");
    let status = ok(t.account().await.status(&name("INBOX")).await);
    assert_eq!(status.recent, 1);
    let first = t.select("INBOX").await;
    ok(first.sync(None).await);
    assert_eq!(first.recent().to_string(), "1");
    let second = t.select("INBOX").await;
    ok(second.sync(None).await);
    assert!(second.recent().is_empty());
    t.put("INBOX", "2\r\n", Flags::SEEN).await;
    ok(second.sync(None).await);
    ok(first.sync(None).await);
    assert_eq!(second.recent().to_string(), "2");
    assert_eq!(
        first.recent().to_string(),
        "1",
        "they stay with the session"
    );
    ok(second.expunge(&UidSet::all()).await);
    ok(first.sync(None).await);
    assert!(first.recent().is_empty());
    let status = ok(t.account().await.status(&name("INBOX")).await);
    assert_eq!(status.recent, 0);
}

/// Without opening the mailbox.
pub async fn status_counts(t: &Tenant<'_>) {
    t.create("a").await;
    for flags in [Flags::NONE, Flags::SEEN, Flags::SEEN | Flags::DELETED] {
        t.put("a", "four\r\n", flags).await;
    }
    let status = ok(t.account().await.status(&name("a")).await);
    assert_eq!((status.messages, status.unseen, status.deleted), (3, 1, 1));
    assert_eq!((status.size, status.uid_next.number()), (18, 4));
    let mailbox = t.select("a").await;
    let now = ok(mailbox.sync(None).await).now;
    assert_eq!(status.uid_validity, now.uid_validity);
    assert_eq!(status.uid_validity, mailbox.uid_validity());
    ok(mailbox.expunge(&UidSet::one(Uid::FIRST)).await);
    let status = ok(t.account().await.status(&name("a")).await);
    assert_eq!((status.messages, status.unseen, status.size), (2, 0, 12));
    assert_eq!(status.uid_next.number(), 4);
    assert!(status.modseq > now.modseq);
}

/// Its waiter wakes, and then it is NotFound.
pub async fn a_session_on_a_removed_mailbox_is_told(t: &Tenant<'_>) {
    t.create("a").await;
    t.put("a", "a\r\n", Flags::NONE).await;
    let mailbox = t.select("a").await;
    let known = ok(mailbox.sync(None).await).now.modseq;
    ok(t.account().await.delete(&name("a")).await);
    mailbox.changed(known).await;
    assert_eq!(refused(mailbox.sync(None).await), Kind::NotFound);
    assert_eq!(refused(mailbox.expunged(known).await), Kind::NotFound);
    t.create("a").await;
    assert_eq!(refused(mailbox.sync(None).await), Kind::NotFound);
    assert_eq!(uids(&*t.select("a").await).await, []);
}
