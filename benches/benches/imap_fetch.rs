//! FETCH over ten thousand messages in the memory store, through the driver and a pipe in memory.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore_benches::{mailbox_of, runtime};

const MESSAGES: usize = 10_000;

fn fetch(c: &mut Criterion) {
    let runtime = runtime();
    let mut client = runtime.block_on(mailbox_of(MESSAGES, 4 << 10));
    let mut group = c.benchmark_group("FETCH of 10,000");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MESSAGES as u64));
    for what in [
        "FLAGS",
        "ENVELOPE",
        "BODYSTRUCTURE",
        "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
    ] {
        group.bench_function(what, |b| {
            b.iter(|| runtime.block_on(client.imap(&format!("FETCH 1:* {what}"))));
        });
    }
    let octets = runtime.block_on(client.imap("FETCH 1:* BODY.PEEK[]"));
    group.throughput(Throughput::Bytes(octets as u64));
    group.bench_function("BODY[]", |b| {
        b.iter(|| runtime.block_on(client.imap("FETCH 1:* BODY.PEEK[]")));
    });
    group.finish();
}

criterion_group!(benches, fetch);
criterion_main!(benches);
