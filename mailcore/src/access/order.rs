//! Messages in an order and in threads: what matches is found first, then each message's header is read, batch by
//! batch, and only what the order needs of it is kept ([`mailcore_imap::sort`], [`mailcore_imap::thread`]).
//!
//! Dropped, the work ends at its next await, which is never far away; comparing many messages, which knows none, is
//! done on another thread.

use super::search::{batches, search};
use super::{Breath, header};
use mailcore_base::mailbox::{Keywords, Uid, UidSet};
use mailcore_base::search::Query;
use mailcore_imap::sort::{Criterion, Message, Sorting};
use mailcore_imap::thread::{Algorithm, Threading, Threads};
use mailcore_store::mailbox::{Fields, Mailbox};
use mailcore_store::{Error, Kind, Result};
use std::hash::RandomState;
use std::sync::Arc;

/// Messages up to which they are put in order at once; more are, on another thread.
const FEW: u64 = 2_000;

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

/// The messages that match, in this order.
///
/// # Errors
/// When the store cannot read for now.
pub async fn sort(
    mailbox: &dyn Mailbox,
    sought: Sought<'_>,
    order: Arc<[Criterion]>,
) -> Result<Vec<Uid>> {
    let mut sorting = Sorting::new(order);
    let needs_header = sorting.needs_header();
    let found = found(mailbox, sought).await?;
    each(mailbox, &found, needs_header, |message| {
        sorting.add(message)
    })
    .await?;
    apart(found.len(), move || sorting.order()).await
}

/// The messages that match, in threads.
///
/// # Errors
/// When the store cannot read for now.
pub async fn thread(mailbox: &dyn Mailbox, sought: Sought<'_>, by: Algorithm) -> Result<Threads> {
    let mut threading = Threading::new(by, [RandomState::new(), RandomState::new()]);
    let found = found(mailbox, sought).await?;
    each(mailbox, &found, true, |message| threading.add(message)).await?;
    apart(found.len(), move || threading.threads()).await
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

/// Shows all messages that are still there, each with its header if that is needed.
async fn each(
    mailbox: &dyn Mailbox,
    uids: &UidSet,
    needs_header: bool,
    mut show: impl FnMut(&Message<'_>),
) -> Result<()> {
    let mut breath = Breath::default();
    let mut records = Vec::new();
    for batch in batches(uids) {
        records.clear();
        let mut fields = Fields::DATE | Fields::SIZE;
        if needs_header {
            fields = fields | Fields::HEADERS;
        }
        mailbox.records(&batch, fields, &mut records).await?;
        for record in &records {
            let read;
            let header = match &record.headers {
                _ if !needs_header => &[][..],
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
    use mailcore_imap::sort::By;
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
        account.open(&inbox, Access::Read).await.unwrap()
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
        let (all, query) = (UidSet::all(), Query::from(Key::All));
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

    #[tokio::test]
    async fn others_get_turns_while_much_is_looked_at_and_dropped_it_ends() {
        let mailbox = mailbox_of((0..3_000).map(|n| format!("Subject: {n}"))).await;
        let (within, keywords) = (UidSet::all(), Keywords::default());
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
