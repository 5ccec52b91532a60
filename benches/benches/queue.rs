//! The queue's log on the disk that `TMPDIR` is on: what a durable commit costs alone and in company, what a start takes
//! with 100,000 messages, and what a claim costs among few and among a million, and what a message costs there from its coming to its going.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::address::{Address, ForwardPath, Repertoire};
use mailcore::base::envelope::{Envelope, Recipient};
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
    let mut group = c.benchmark_group("queue, claim");
    group.sample_size(10);
    // Of the first, the envelopes are at hand; of the others each is read, whatever the number.
    for messages in [1_000, 100_000, 1_000_000] {
        let (folder, mut queue) = (folder(), None);
        for at_once in [1, 64] {
            group.throughput(Throughput::Elements(at_once));
            group.bench_function(format!("{at_once} at once, among {messages}"), |b| {
                let queue =
                    queue.get_or_insert_with(|| filled(&runtime, folder.path(), messages, 10));
                let lease = Duration::ZERO; // it runs out at once
                b.iter(|| {
                    let limit = at_once as usize;
                    let claims = runtime.block_on(queue.claim(SystemTime::now(), lease, limit));
                    assert_eq!(claims.expect("a claim").len(), limit);
                });
            });
        }
    }
    group.finish();
}

/// Messages come, the oldest are taken up together as the server does, put off and given back, and those that came go: what
/// a queue does for a message, among so many that wait. Told is the processors' time, which no other program's flushes
/// blur.
fn lives(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("queue, processors' time of a message's life");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for messages in [64, 1_000, 100_000, 1_000_000] {
        let (folder, mut queue) = (folder(), None);
        group.bench_function(format!("among {messages}"), |b| {
            let queue = queue.get_or_insert_with(|| filled(&runtime, folder.path(), messages, 10));
            b.iter_custom(|count| {
                let begun = processors();
                let rounds = count.div_ceil(AT_ONCE);
                for _ in 0..rounds {
                    runtime.block_on(live(queue));
                }
                (processors() - begun).mul_f64(count as f64 / (rounds * AT_ONCE) as f64)
            });
            assert_eq!(queue.len() as u64, messages);
        });
    }
    group.finish();
}

/// Time that the processors have spent on this process.
fn processors() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("it does not run backwards")
}

/// Messages that come, are taken up and go together.
const AT_ONCE: u64 = 64;

async fn live(queue: &SegmentQueue) {
    let came = all((0..AT_ONCE).map(|_| {
        let queue = queue.clone();
        async move { commit(&queue, &[b'x'; 1024]).await }
    }));
    let came = came.await;
    let now = SystemTime::now();
    let limit = AT_ONCE as usize;
    let claims = queue.claim(now, Duration::from_secs(60), limit).await;
    let marked = claims.expect("claims").into_iter().map(|claim| {
        let queue = queue.clone();
        async move {
            let deferred = [(0, Outcome::Deferred("not now".into()))];
            let marked = queue.mark(&claim, &deferred, Some(now)).await;
            assert!(marked.expect("room"));
        }
    });
    assert_eq!(all(marked).await.len(), limit);
    let gone = came.into_iter().map(|message| {
        let queue = queue.clone();
        async move { assert!(queue.remove(message).await.expect("room")) }
    });
    all(gone).await;
}

/// Does all of this at once.
async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = work.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("no panic"));
    }
    done
}

criterion_group!(benches, commits, starts, claims, lives);
criterion_main!(benches);
