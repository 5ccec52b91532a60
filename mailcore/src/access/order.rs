//! Messages in an order and in threads: what matches is found first, then each message's header is read, batch by
//! batch, and only what the order needs of it is kept ([`mailcore_imap::sort`], [`mailcore_imap::thread`]).
//!
//! Dropped, the work ends at its next await, which is never far away; comparing many messages, which knows none, is
//! done on another thread.

use super::kept::{Kept, Order};
use super::search::{batches, search};
use super::{Breath, header};
use mailcore_base::mailbox::{Keywords, Uid, UidSet};
use mailcore_base::search::Query;
use mailcore_imap::sort::{self, By, Criterion, Message, Sorting};
use mailcore_imap::thread::{Algorithm, Threading, Threads};
use mailcore_store::mailbox::{Fields, Mailbox};
use mailcore_store::{Error, Kind, Result};
use std::hash::RandomState;
use std::sync::Arc;

/// Messages up to which they are put in order at once; more are, on another thread.
const FEW: u64 = 2_000;
/// What is no more than this part of an order is dealt with message by message.
const FEW_OF: u64 = 128;

/// What is looked for in a mailbox, and as of when.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'q> {
    /// Which messages.
    pub query: &'q Query,
    /// Among which.
    pub within: &'q UidSet,
    /// The mailbox's keywords.
    pub keywords: &'q Keywords,
    /// The time in seconds since 1970.
    pub now: i64,
}

/// The messages that match, in this order. An order of most of a mailbox's messages is kept beside it, and serves the next
/// who asks.
///
/// # Errors
/// When the store cannot read for now.
pub async fn sort(
    mailbox: &dyn Mailbox,
    sought: Sought<'_>,
    order: Arc<[Criterion]>,
) -> Result<Vec<Uid>> {
    let found = found(mailbox, sought).await?;
    let (kept, validity) = (Kept::of(mailbox), mailbox.uid_validity());
    if let Some(made) = kept.order(validity, &order) {
        // To go through all of it for a few is more than to read these few.
        let few = found.len() < made.uids().len() as u64 / FEW_OF;
        let lacks = made.lacks(&found);
        if !few && lacks.is_empty() {
            return Ok(made.choose(&found));
        }
        let there = sought.within;
        if !few && let Some(made) = insert(mailbox, &made, &lacks, there, &order).await? {
            let made = Arc::new(made);
            kept.keep_order(validity, &order, Arc::clone(&made));
            return Ok(made.choose(&found));
        }
    }
    let mut sorting = Sorting::new(Arc::clone(&order));
    each(mailbox, &found, needs(&order), |message| {
        sorting.add(message)
    })
    .await?;
    let exact = sorting.is_exact();
    let uids = apart(found.len(), move || sorting.order()).await?;
    if exact && is_most(&found, sought.within) {
        kept.keep_order(validity, &order, Arc::new(Order::new(uids.clone())));
    }
    Ok(uids)
}

/// Whether what was made of these messages is worth keeping.
fn is_most(found: &UidSet, within: &UidSet) -> bool {
    found.len() >= within.len() / 2
}

/// The order with those in it that it lacks, without those that are gone. None where there are too many for that, or
/// others cannot be read.
async fn insert(
    mailbox: &dyn Mailbox,
    made: &Order,
    lacks: &UidSet,
    there: &UidSet,
    order: &Arc<[Criterion]>,
) -> Result<Option<Order>> {
    if lacks.len() > made.uids().len() as u64 / FEW_OF {
        return Ok(None);
    }
    let mut uids = made.uids().to_vec();
    uids.retain(|uid| there.contains(*uid));
    for (key, uid) in keys(mailbox, lacks, order).await? {
        let (mut low, mut high) = (0, uids.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(beside) = uids.get(middle).copied() else {
                return Ok(None);
            };
            let beside = keys(mailbox, &UidSet::one(beside), order).await?.pop();
            match beside {
                Some(beside) if beside < (key.clone(), uid) => low = middle + 1,
                Some(_) => high = middle,
                None => return Ok(None),
            }
        }
        uids.insert(low, uid);
    }
    Ok(Some(Order::new(uids)))
}

/// The keys of messages, as far as these are there.
async fn keys(
    mailbox: &dyn Mailbox,
    of: &UidSet,
    order: &Arc<[Criterion]>,
) -> Result<Vec<(Vec<u8>, Uid)>> {
    let mut keys = Vec::new();
    each(mailbox, of, needs(order), |message| {
        keys.push((sort::key(order, message), message.uid));
    })
    .await?;
    Ok(keys)
}

/// The messages that match, in threads. Those of most of a mailbox's messages are kept beside it, until others are asked
/// for.
///
/// # Errors
/// When the store cannot read for now.
pub async fn thread(mailbox: &dyn Mailbox, sought: Sought<'_>, by: Algorithm) -> Result<Threads> {
    let found = found(mailbox, sought).await?;
    let (kept, validity) = (Kept::of(mailbox), mailbox.uid_validity());
    if let Some(threads) = kept.threads(validity, by, &found) {
        return Ok(threads);
    }
    let mut threading = Threading::new(by, [RandomState::new(), RandomState::new()]);
    let needs = Fields::DATE | Fields::HEADERS;
    each(mailbox, &found, needs, |message| threading.add(message)).await?;
    let threads = apart(found.len(), move || threading.threads()).await?;
    if is_most(&found, sought.within) {
        kept.keep_threads(validity, by, &found, &threads);
    }
    Ok(threads)
}

async fn found(mailbox: &dyn Mailbox, sought: Sought<'_>) -> Result<UidSet> {
    let Sought {
        query,
        within,
        keywords,
        now,
    } = sought;
    search(mailbox, query, within, keywords, now).await
}

/// What an order needs to know of messages.
fn needs(order: &[Criterion]) -> Fields {
    order.iter().fold(Fields::default(), |needs, criterion| {
        needs
            | match criterion.by {
                By::Arrival => Fields::DATE,
                By::Size => Fields::SIZE,
                By::Date => Fields::DATE | Fields::HEADERS,
                _ => Fields::HEADERS,
            }
    })
}

/// Shows all messages that are still there, with what is needed of each.
async fn each(
    mailbox: &dyn Mailbox,
    uids: &UidSet,
    needs: Fields,
    mut show: impl FnMut(&Message<'_>),
) -> Result<()> {
    let mut breath = Breath::default();
    let mut records = Vec::new();
    for batch in batches(uids) {
        records.clear();
        mailbox.records(&batch, needs, &mut records).await?;
        for record in &records {
            let read;
            let header = match &record.headers {
                _ if !needs.contains(Fields::HEADERS) => &[][..],
                Some(chosen) => &**chosen,
                None => {
                    // The store keeps none apart: the message is opened.
                    let Some(body) = mailbox.body(record.uid).await? else {
                        continue;
                    };
                    read = header(&*body).await?;
                    &*read
                }
            };
            show(&Message {
                uid: record.uid,
                received: record.date.unwrap_or_default(),
                size: record.size.unwrap_or_default(),
                header,
            });
            breath.spent(header.len()).await;
        }
    }
    Ok(())
}

/// Work of `count` messages that awaits nothing.
async fn apart<T: Send + 'static>(
    count: u64,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if count <= FEW {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(Kind::Unavailable, "ordering messages").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::mailbox::MailboxName;
    use mailcore_base::search::Key;
    use mailcore_store::auth::User;
    use mailcore_store::mailbox::{Access, MailStore, MemoryStore, Stamp};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    async fn mailbox_of(headers: impl IntoIterator<Item = String>) -> Box<dyn Mailbox> {
        let account = MemoryStore::new().account(&User::new("u")).await.unwrap();
        let inbox = MailboxName::inbox();
        for header in headers {
            let mut append = account.append(&inbox).await.unwrap();
            let text = format!("{header}\r\n\r\nbody\r\n");
            append.write(text.as_bytes()).await.unwrap();
            append.commit(Stamp::default()).await.unwrap();
        }
        account.open(&inbox, Access::Write).await.unwrap()
    }

    async fn all(mailbox: &dyn Mailbox) -> UidSet {
        mailbox.sync(None).await.unwrap().now.uids.set()
    }

    fn by(by: By) -> Arc<[Criterion]> {
        [Criterion { by, reverse: false }].into()
    }

    #[tokio::test]
    async fn what_matches_is_put_in_order_by_what_its_header_says() {
        let mailbox = mailbox_of(
            [
                "Subject: b",
                "Subject: c\r\nMessage-ID: <3@x>",
                "Subject: Re: a\r\nReferences: <3@x>",
            ]
            .map(str::to_owned),
        )
        .await;
        let (all, query) = (all(&*mailbox).await, Query::from(Key::All));
        let later = all.difference(&UidSet::one(Uid::FIRST));
        let keywords = Keywords::default();
        let sought = Sought {
            query: &query,
            within: &all,
            keywords: &keywords,
            now: 0,
        };
        let some = Sought {
            within: &later,
            ..sought
        };
        let numbers = |found: Vec<Uid>| found.into_iter().map(Uid::number).collect::<Vec<_>>();
        let found = sort(&*mailbox, sought, by(By::Subject)).await.unwrap();
        assert_eq!(numbers(found), [3, 1, 2]);
        let found = sort(&*mailbox, some, by(By::Subject)).await.unwrap();
        assert_eq!(numbers(found), [3, 2]);
        let threads = thread(&*mailbox, sought, Algorithm::Refs).await.unwrap();
        assert_eq!(threads.len(), 3);
        assert_eq!(threads.get(1).unwrap().children, 1);
    }

    /// The order as it is made of messages one by one.
    async fn made_anew(mailbox: &dyn Mailbox, order: &Arc<[Criterion]>) -> Vec<Uid> {
        let mut keys = keys(mailbox, &all(mailbox).await, order).await.unwrap();
        keys.sort();
        keys.into_iter().map(|(_, uid)| uid).collect()
    }

    #[tokio::test]
    async fn an_order_that_is_kept_takes_in_what_comes_and_leaves_out_what_goes() {
        let subject = |n: u32| format!("Subject: {}", n * 7919 % 300);
        let mailbox = mailbox_of((0..400).map(subject)).await;
        let (query, keywords) = (Query::from(Key::All), Keywords::default());
        let order: Arc<[Criterion]> = [Criterion {
            by: By::Subject,
            reverse: true,
        }]
        .into();
        let sorted = async |within: &UidSet| {
            let sought = Sought {
                query: &query,
                within,
                keywords: &keywords,
                now: 0,
            };
            sort(&*mailbox, sought, order.clone()).await.unwrap()
        };
        let kept = || Kept::of(&*mailbox).order(mailbox.uid_validity(), &order);
        assert!(kept().is_none());
        let first = sorted(&all(&*mailbox).await).await;
        assert_eq!(first, made_anew(&*mailbox, &order).await);
        assert_eq!(kept().unwrap().uids(), first);

        let some: UidSet = [3, 77, 400].into_iter().filter_map(Uid::new).collect();
        mailbox.expunge(&some).await.unwrap();
        let gone = sorted(&all(&*mailbox).await).await;
        assert_eq!(gone, made_anew(&*mailbox, &order).await);

        let inbox = MailboxName::inbox();
        let more: UidSet = [5, 9].into_iter().filter_map(Uid::new).collect();
        mailbox.copy(&more, &inbox).await.unwrap();
        let there = all(&*mailbox).await;
        let lacks = kept().unwrap().lacks(&there);
        assert_eq!(lacks.to_string(), "401:402");
        let (made, want) = (kept().unwrap(), made_anew(&*mailbox, &order).await);
        let grown = insert(&*mailbox, &made, &lacks, &there, &order).await;
        assert_eq!(grown.unwrap().unwrap().uids(), want);
        assert_eq!(sorted(&there).await, want);
        assert_eq!(kept().unwrap().uids(), want);

        let half: UidSet = (100..=300).filter_map(Uid::new).collect();
        let chosen = want.into_iter().filter(|uid| half.contains(*uid));
        assert_eq!(sorted(&half).await, chosen.collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn threads_are_those_of_the_messages_that_are_asked_for() {
        let message = |n: u32| format!("Message-ID: <{n}@x>\r\nReferences: <{}@x>", n / 2);
        let mailbox = mailbox_of((1..50).map(message)).await;
        let (query, keywords) = (Query::from(Key::All), Keywords::default());
        let threads = async |within: &UidSet, by: Algorithm| {
            let sought = Sought {
                query: &query,
                within,
                keywords: &keywords,
                now: 0,
            };
            thread(&*mailbox, sought, by).await.unwrap()
        };
        let whole = all(&*mailbox).await;
        let first = threads(&whole, Algorithm::References).await;
        assert_eq!(threads(&whole, Algorithm::References).await, first);
        let fewer = whole.difference(&UidSet::one(Uid::FIRST));
        assert_ne!(threads(&fewer, Algorithm::References).await, first);
        assert_ne!(threads(&fewer, Algorithm::OrderedSubject).await, first);
        assert_eq!(threads(&whole, Algorithm::References).await, first);
    }

    #[tokio::test]
    async fn others_get_turns_while_much_is_looked_at_and_dropped_it_ends() {
        let mailbox = mailbox_of((0..3_000).map(|n| format!("Subject: {n}"))).await;
        let (within, keywords) = (all(&*mailbox).await, Keywords::default());
        let query = Query::from(Key::Body("nowhere".into())).not();
        let sought = Sought {
            query: &query,
            within: &within,
            keywords: &keywords,
            now: 0,
        };
        // The store answers at once, always; the work rests all the same.
        let mut turns = 0;
        {
            let mut work = pin!(search(&*mailbox, &query, &within, &keywords, 0));
            let mut context = Context::from_waker(Waker::noop());
            while work.as_mut().poll(&mut context).is_pending() {
                turns += 1;
            }
        }
        assert!(turns > 3, "{turns}");
        let all = sort(&*mailbox, sought, by(By::Subject)).await.unwrap();
        assert_eq!(all.len(), 3_000);
        let mut work = pin!(thread(&*mailbox, sought, Algorithm::References));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(work.as_mut().poll(&mut context), Poll::Pending));
    }
}
