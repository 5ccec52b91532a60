//! SEARCH over ten thousand messages in the memory store, through the driver and a pipe in memory.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore_benches::{mailbox_of, runtime};

const MESSAGES: usize = 10_000;

fn search(c: &mut Criterion) {
    let runtime = runtime();
    let mut client = runtime.block_on(mailbox_of(MESSAGES, 4 << 10));
    let mut group = c.benchmark_group("SEARCH of 10,000");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MESSAGES as u64));
    for what in [
        "UNSEEN",
        "SINCE 1-Jan-2020 LARGER 1000",
        "SUBJECT \"many 9999\"",
        "BODY \"is nowhere\"",
    ] {
        group.bench_function(what, |b| {
            b.iter(|| runtime.block_on(client.imap(&format!("SEARCH {what}"))));
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
