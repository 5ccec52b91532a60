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
        let fields = Fields::DATE | Fields::SIZE;
        mailbox.records(&batch, fields, &mut records).await?;
        for record in &records {
            let read = if needs_header {
                let Some(body) = mailbox.body(record.uid).await? else {
                    continue;
                };
                header(&*body).await?
            } else {
                Vec::new()
            };
            show(&Message {
                uid: record.uid,
                received: record.date.unwrap_or_default(),
                size: record.size.unwrap_or_default(),
                header: &read,
            });
            breath.spent(read.len()).await;
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
