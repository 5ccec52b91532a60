//! What scheduling costs: each recipient in its own delivery, to one destination or to a hundred thousand, among a
//! thousand messages or a million.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mailcore::queue::scheduler::{Arrival, Destination, Feedback, Options, Scheduler, Step};
use mailcore::store::queue::Identity;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

fn arrivals(messages: usize, destinations: usize) -> Vec<Arrival> {
    let nexthop = |n| format!("d{n}").as_str().into();
    let all: Vec<_> = (0..destinations).map(nexthop).collect();
    let transport: std::sync::Arc<str> = "smtp".into();
    let arrival = |n: usize| Arrival {
        message: Identity(n as u128),
        age: Duration::ZERO,
        sender: None,
        null_sender: false,
        warned: false,
        urged: false,
        recipients: vec![(
            0,
            Destination {
                transport: transport.clone(),
                nexthop: std::sync::Arc::clone(&all[n % destinations]),
                group: None,
            },
        )],
    };
    (0..messages).map(arrival).collect()
}

/// All in, all tried, all out.
fn drain(arrivals: Vec<Arrival>, now: Instant) -> usize {
    let mut scheduler = Scheduler::new(Options::default(), now);
    for arrival in arrivals {
        scheduler.arrive(arrival, now).expect("each comes once");
    }
    let (mut running, mut settled) = (VecDeque::new(), 0);
    loop {
        match scheduler.step(now) {
            Step::Start(attempt) => running.push_back(attempt),
            Step::Settled(_) => settled += 1,
            Step::Suspended(_) => (),
            Step::Wait(_) => {
                let Some(attempt) = running.pop_front() else {
                    return settled;
                };
                scheduler.finished(attempt.id, Feedback::Answered, &attempt.recipients, now);
            }
        }
    }
}

fn scheduling(c: &mut Criterion) {
    let mut group = c.benchmark_group("scheduler");
    group.sample_size(10);
    let now = Instant::now();
    for messages in [1_000, 100_000, 1_000_000] {
        group.throughput(Throughput::Elements(messages as u64));
        for destinations in [1, 1_000, 100_000] {
            let arrivals = arrivals(messages, destinations);
            let id = BenchmarkId::new(format!("{messages} messages to"), destinations);
            group.bench_function(id, |b| {
                b.iter_batched(
                    || arrivals.clone(),
                    |arrivals| assert_eq!(drain(arrivals, now), messages),
                    criterion::BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scheduling);
criterion_main!(benches);
