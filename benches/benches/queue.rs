//! The queue's log on the disk that `TMPDIR` is on: what a durable commit costs alone and in company, what a start takes
//! with 100,000 messages, and what a claim costs among few and among a million, and what a message costs there from its coming to its going.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::address::{Address, ForwardPath, Repertoire};
use mailcore::base::envelope::{Envelope, Recipient};
use mailcore::store::Kind;
use mailcore::store::queue::{Identity, Lane, Outcome, Queue, SegmentQueue};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};

const TEN_KIB: usize = 10 << 10;

fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn envelope() -> Envelope {
    let address = |text| Address::parse(text, Repertoire::Ascii).expect("an address");
    let mut envelope = Envelope::new(address("sender@example.org"));
    let path = ForwardPath::Address(address("one@example.test"));
    envelope.recipients.push(Recipient::new(path));
    envelope
}

async fn commit(queue: &SegmentQueue, body: &[u8]) -> Identity {
    let mut draft = queue.create().await.expect("a draft");
    draft.write(body).await.expect("room");
    let header = bytes::Bytes::from_static(b"Subject: a message\r\n");
    let committed = draft.commit(header, envelope(), SystemTime::now(), Lane::Incoming);
    committed.await.expect("room")
}

/// So many messages, by so many sessions at once.
async fn fill(queue: &SegmentQueue, messages: u64, sessions: u64, body: usize) {
    let tasks: Vec<_> = (0..sessions)
        .map(|n| {
            let queue = queue.clone();
            let count = messages / sessions + u64::from(n < messages % sessions);
            tokio::spawn(async move {
                let body = vec![b'x'; body];
                for _ in 0..count {
                    commit(&queue, &body).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

fn filled(runtime: &Runtime, folder: &Path, messages: u64, body: usize) -> SegmentQueue {
    let queue = SegmentQueue::open(folder).expect("a queue");
    runtime.block_on(fill(&queue, messages, 256, body));
    runtime.block_on(queue.quiet());
    queue
}

fn commits(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("queue, commit of 10 KiB");
    group.throughput(Throughput::Elements(1));
    group.sample_size(10);
    for sessions in [1, 8, 64] {
        let folder = folder();
        let queue = SegmentQueue::open(folder.path()).expect("a queue");
        group.bench_function(format!("{sessions} at once"), |b| {
            b.iter_custom(|count| {
                let begun = Instant::now();
                runtime.block_on(fill(&queue, count, sessions, TEN_KIB));
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn starts(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("queue, start");
    group.sample_size(10);
    let (folder, mut full) = (folder(), false);
    group.bench_function("100,000 messages of 10 KiB", |b| {
        // Once, and only where it is asked for.
        if !std::mem::replace(&mut full, true) {
            drop(filled(&runtime, folder.path(), 100_000, TEN_KIB));
        }
        b.iter(|| {
            let queue = SegmentQueue::open(folder.path()).expect("a queue");
            assert_eq!(queue.len(), 100_000);
        });
    });
    group.finish();
}

fn claims(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("queue, claim of one");
    group.sample_size(10);
    // Of the first, the envelopes are at hand; of the others each is read, whatever the number.
    for messages in [1_000, 50_000, 1_000_000] {
        let (folder, mut queue) = (folder(), None);
        group.bench_function(format!("among {messages}"), |b| {
            let queue = queue.get_or_insert_with(|| filled(&runtime, folder.path(), messages, 10));
            let lease = Duration::ZERO; // it runs out at once
            b.iter(|| {
                let claims = runtime.block_on(queue.claim(SystemTime::now(), lease, 1));
                assert_eq!(claims.expect("a claim").len(), 1);
            });
        });
    }
    group.finish();
}

/// A message comes, the oldest is taken up, put off and given back, and the one that came goes: what a queue does for a
/// message, among so many that wait.
fn lives(c: &mut Criterion) {
    const SESSIONS: u64 = 64;
    let runtime = runtime();
    let mut group = c.benchmark_group("queue, a message's life, 64 at once");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for messages in [1, 1_000, 1_000_000] {
        let (folder, mut queue) = (folder(), None);
        group.bench_function(format!("among {messages}"), |b| {
            let queue = queue.get_or_insert_with(|| filled(&runtime, folder.path(), messages, 10));
            b.iter_custom(|count| {
                let begun = Instant::now();
                let tasks: Vec<_> = (0..SESSIONS)
                    .map(|n| {
                        let count = count / SESSIONS + u64::from(n < count % SESSIONS);
                        runtime.spawn(live(queue.clone(), count))
                    })
                    .collect();
                for task in tasks {
                    runtime.block_on(task).expect("no panic");
                }
                begun.elapsed()
            });
            assert!(queue.len() as u64 >= messages);
        });
    }
    group.finish();
}

async fn live(queue: SegmentQueue, count: u64) {
    for _ in 0..count {
        let message = commit(&queue, &[b'x'; 1024]).await;
        let now = SystemTime::now();
        let claims = queue.claim(now, Duration::from_secs(60), 1).await;
        if let Some(claim) = claims.expect("a claim").first() {
            let deferred = [(0, Outcome::Deferred("not now".into()))];
            // It may be another session's, and gone meanwhile.
            match queue.mark(claim, &deferred, Some(now)).await {
                Err(error) if error.kind() != Kind::NotFound => panic!("{error}"),
                _ => {}
            }
        }
        queue.remove(message).await.expect("it was there");
    }
}

criterion_group!(benches, commits, starts, claims, lives);
criterion_main!(benches);
