//! SORT and THREAD: through the driver over ten thousand messages in the memory store, and the ordering alone, of ten
//! thousand and a million messages, their headers at hand.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::date::DateTime;
use mailcore::base::mailbox::Uid;
use mailcore::imap::sort::{By, Criterion as Key, Message, Sorting};
use mailcore::imap::thread::{Algorithm, Threading};
use mailcore_benches::{mailbox_of, runtime};
use std::hash::RandomState;

const MESSAGES: usize = 10_000;

fn driven(c: &mut Criterion) {
    let runtime = runtime();
    let mut client = runtime.block_on(mailbox_of(MESSAGES, 4 << 10));
    let mut group = c.benchmark_group("order of 10,000, driven");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MESSAGES as u64));
    for what in [
        "SORT (ARRIVAL) UTF-8 ALL",
        "SORT (REVERSE DATE) UTF-8 ALL",
        "SORT (SUBJECT) UTF-8 ALL",
        "THREAD ORDEREDSUBJECT UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "THREAD REFS UTF-8 ALL",
    ] {
        group.bench_function(what, |b| {
            b.iter(|| runtime.block_on(client.imap(what)));
        });
    }
    group.finish();
}

/// A header of a mailbox in which every tenth message begins a thread.
fn header(number: u32) -> String {
    let first = number - number % 10;
    let (re, before) = match number % 10 {
        0 => ("", String::new()),
        _ => (
            "Re: ",
            format!("References: <{first}@x> <{}@x>\r\n", number - 1),
        ),
    };
    format!(
        "Subject: {re}what is said of {first}\r\nFrom: Somebody <s{}@example.test>\r\nDate: {} Jan 2024 {:02}:{:02}:00 +0000\r\nMessage-ID: <{number}@x>\r\n{before}",
        number % 997,
        1 + number % 28,
        number % 24,
        number % 60
    )
}

fn shown(headers: &[String], mut show: impl FnMut(&Message<'_>)) {
    for (number, header) in (1..).zip(headers) {
        if let Some(uid) = Uid::new(number) {
            show(&Message {
                uid,
                received: DateTime::utc(i64::from(number)),
                size: 1_000,
                header: header.as_bytes(),
            });
        }
    }
}

fn alone(c: &mut Criterion) {
    for count in [10_000, 1_000_000] {
        let headers: Vec<String> = (0..count).map(header).collect();
        let mut group = c.benchmark_group("order, alone");
        group
            .sample_size(10)
            .throughput(Throughput::Elements(u64::from(count)));
        for by in [By::Date, By::Subject, By::From] {
            let key = Key { by, reverse: false };
            let name = BenchmarkId::new(format!("SORT {by:?}"), count);
            group.bench_function(name, |b| {
                let new = || Sorting::new([key].into());
                b.iter_batched(
                    new,
                    |mut sorting| {
                        shown(&headers, |message| sorting.add(message));
                        sorting.order()
                    },
                    BatchSize::LargeInput,
                );
            });
        }
        for by in [
            Algorithm::OrderedSubject,
            Algorithm::References,
            Algorithm::Refs,
        ] {
            let name = BenchmarkId::new(format!("THREAD {by:?}"), count);
            group.bench_function(name, |b| {
                let new = || Threading::new(by, [RandomState::new(), RandomState::new()]);
                b.iter_batched(
                    new,
                    |mut threading| {
                        shown(&headers, |message| threading.add(message));
                        threading.threads()
                    },
                    BatchSize::LargeInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, driven, alone);
criterion_main!(benches);
