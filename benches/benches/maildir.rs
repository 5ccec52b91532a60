//! Mailboxes of 100 to 1,000,000 messages on the disk that `TMPDIR` is on (a tmpfs spares it): what opening one costs whose
//! index is there, what flags, envelopes and a search by subject cost for each message, and one delivery.
//!
//! `MAILCORE_BENCH_MESSAGES` names the largest mailbox that is made (100,000 unless set): a million takes its time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mailcore::access;
use mailcore::base::mailbox::{Keywords, MailboxName, UidSet};
use mailcore::base::search::{Key, Query};
use mailcore::store::auth::User;
use mailcore::store::disk::RealDisk;
use mailcore::store::mailbox::maildir::{Maildir, Options};
use mailcore::store::mailbox::{Access, Account, Clock, Fields, MailStore, Mailbox, Stamp};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Messages of one batch of records, as the driver asks for them.
const BATCH: u32 = 1000;

fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    runtime.expect("a runtime")
}

fn store(folder: &Path) -> Maildir {
    let mut options = Options::new("Maildir");
    options.patrol = Duration::ZERO;
    Maildir::on(Arc::new(RealDisk::new(folder)), Clock::system(), options)
}

async fn account(folder: &Path) -> Arc<dyn Account> {
    let user = User::new("u");
    store(folder).account(&user).await.expect("an account")
}

async fn open(account: &dyn Account) -> Box<dyn Mailbox> {
    let inbox = MailboxName::inbox();
    let mailbox = account.open(&inbox, Access::Read).await.expect("INBOX");
    mailbox.sync(None).await.expect("INBOX");
    mailbox
}

async fn deliver(account: &dyn Account, n: u32) -> mailcore::store::mailbox::Ticket {
    let inbox = MailboxName::inbox();
    let mut append = account.append(&inbox).await.expect("INBOX");
    let text = format!(
        "Return-Path: <a@example.test>\r\nReceived: from a by b; 1 Jan 2024 00:00:00 +0000\r\n\
         From: Somebody <a{n}@example.test>\r\nTo: b@example.test\r\nSubject: message number {n}\r\n\
         Message-ID: <{n}@example.test>\r\nDate: 1 Jan 2024 00:00:00 +0000\r\n\r\nHello\r\n"
    );
    append.write(text.as_bytes()).await.expect("room");
    append.commit(Stamp::default())
}

/// A mailbox of so many messages, which a store has seen for a while.
async fn fill(folder: &Path, messages: u32) {
    let account = account(folder).await;
    for first in (0..messages).step_by(256) {
        let mut tickets = Vec::new();
        for n in first..messages.min(first + 256) {
            tickets.push(deliver(&*account, n).await);
        }
        for ticket in tickets {
            ticket.await.expect("room");
        }
    }
}

async fn records(mailbox: &dyn Mailbox, fields: Fields) -> usize {
    let all = mailbox.sync(None).await.expect("INBOX").now.uids;
    let mut out = Vec::new();
    let mut count = 0;
    for first in (1..=all.len()).step_by(BATCH as usize) {
        out.clear();
        let batch: UidSet = all.slice(first, first + BATCH - 1);
        mailbox
            .records(&batch, fields, &mut out)
            .await
            .expect("INBOX");
        count += out.len();
    }
    count
}

fn largest() -> u32 {
    let told = std::env::var("MAILCORE_BENCH_MESSAGES").ok();
    told.and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

fn mailboxes(c: &mut Criterion) {
    let runtime = runtime();
    for messages in [100, 1_000, 10_000, 100_000, 1_000_000] {
        if messages > largest() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        runtime.block_on(fill(folder, messages));
        // The store looks once more, a while after its own last change.
        std::thread::sleep(Duration::from_millis(1100) + Duration::from_micros(200) * messages);
        runtime.block_on(async { drop(open(&*account(folder).await).await) });
        one(c, &runtime, folder, messages);
    }
}

fn one(c: &mut Criterion, runtime: &Runtime, folder: &Path, messages: u32) {
    let mut group = c.benchmark_group("Maildir");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(messages)));
    let id = |what: &str| BenchmarkId::new(what, messages);
    group.bench_function(id("SELECT by a new process"), |b| {
        b.iter(|| runtime.block_on(async { open(&*account(folder).await).await.uid_validity() }));
    });
    let account = runtime.block_on(account(folder));
    let mailbox = runtime.block_on(open(&*account));
    for (what, fields) in [
        ("FLAGS", Fields::FLAGS),
        ("ENVELOPE", Fields::FLAGS | Fields::ENVELOPE),
    ] {
        group.bench_function(id(what), |b| {
            b.iter(|| runtime.block_on(records(&*mailbox, fields)));
        });
    }
    let query = Query::from(Key::Header {
        name: "Subject".to_owned(),
        value: "number 7".to_owned(),
    });
    let all = runtime.block_on(mailbox.sync(None)).expect("INBOX");
    let all = all.now.uids.set();
    group.bench_function(id("SEARCH SUBJECT"), |b| {
        b.iter(|| {
            let keywords = Keywords::default();
            let found = access::search(&*mailbox, &query, &all, &keywords, 0);
            runtime.block_on(found).expect("INBOX").len()
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function(id("one delivery"), |b| {
        b.iter(|| runtime.block_on(async { deliver(&*account, 0).await.await.expect("room") }));
    });
    group.finish();
}

criterion_group!(benches, mailboxes);
criterion_main!(benches);
