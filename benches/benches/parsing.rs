//! What it costs to read addresses, dates, messages and their envelopes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::address::{Address, ForwardPath, Repertoire};
use mailcore::base::date::DateTime;
use mailcore::base::message::{Envelope, Structure, write_envelope, write_structure};
use mailcore_benches::mime_message;
use std::hint::black_box;

fn addresses(c: &mut Criterion) {
    let mut group = c.benchmark_group("address");
    for (name, text) in [
        ("plain", "john.smith+tag@mail.example.com"),
        ("quoted", "\"john \\\"q\\\" smith\"@example.org"),
        ("utf8", "jörg@münchen.example"),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| Address::parse(black_box(text), Repertoire::Utf8));
        });
    }
    group.bench_function("path", |b| {
        let text = "<john.smith@mail.example.com> NOTIFY=NEVER";
        b.iter(|| {
            ForwardPath::parse_prefix(black_box(text), Repertoire::Ascii).map(|(path, _)| path)
        });
    });
    group.finish();
}

fn dates(c: &mut Criterion) {
    let mut group = c.benchmark_group("date");
    group.bench_function("field", |b| {
        b.iter(|| DateTime::parse(black_box(b"Thu, 13 Feb 2025 23:32:54 -0330 (NST)")));
    });
    group.bench_function("internal", |b| {
        b.iter(|| DateTime::parse_internal(black_box(b"17-Jul-2025 02:44:25 -0700")));
    });
    group.finish();
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("message");
    for (name, size) in [("10 KiB", 10 << 10), ("1 MiB", 1 << 20)] {
        let message = mime_message(1, size);
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(format!("structure, {name}"), |b| {
            b.iter(|| Structure::of(black_box(&message)));
        });
    }
    let message = mime_message(1, 10 << 10);
    let structure = Structure::of(&message);
    group.throughput(Throughput::Elements(1));
    group.bench_function("envelope", |b| b.iter(|| Envelope::of(black_box(&message))));
    group.bench_function("ENVELOPE and BODYSTRUCTURE as text", |b| {
        b.iter(|| {
            let mut out = Vec::new();
            if let Some(envelope) = structure.envelope() {
                write_envelope(envelope, &mut out);
            }
            write_structure(black_box(&structure), true, &mut out);
            out
        });
    });
    group.finish();
}

criterion_group!(benches, addresses, dates, messages);
criterion_main!(benches);
