//! A whole SMTP session through the bare machine: what the protocol itself costs, without a runtime.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailcore::base::envelope::Text;
use mailcore::base::wire::Io;
use mailcore::smtp::server::{Ask, Options, Outcomes, Session, Step};
use mailcore_benches::mime_message;
use std::sync::Arc;
use std::time::Instant;

/// What the client says, one turn after another.
fn turns(message: &[u8]) -> Vec<Vec<u8>> {
    let content = [message, b".\r\n"].concat();
    let commands: [&[u8]; 4] = [
        b"EHLO client.example.org\r\n",
        b"MAIL FROM:<sender@example.org> BODY=8BITMIME\r\n",
        b"RCPT TO:<one@example.test>\r\n",
        b"DATA\r\n",
    ];
    let mut turns: Vec<Vec<u8>> = commands.iter().map(|command| command.to_vec()).collect();
    turns.extend([content, b"QUIT\r\n".to_vec()]);
    turns
}

/// Runs a session; how many octets the server said and kept.
fn converse(options: &Arc<Options>, turns: &[Vec<u8>], now: Instant) -> usize {
    let mut session = Session::new(Arc::clone(options));
    let mut octets = 0;
    let mut left = turns.iter();
    let mut turn: &[u8] = &[];
    loop {
        match session.step(now) {
            Step::Io(Io::Read(mut room)) => {
                if turn.is_empty() {
                    turn = left.next().map_or(&[], Vec::as_slice);
                }
                let n = turn.len().min(room.spare().len());
                let (piece, rest) = turn.split_at(n);
                room.spare()[..n].copy_from_slice(piece);
                turn = rest;
                room.filled(n);
            }
            Step::Io(Io::Write(output)) => {
                let n = output.bytes().len();
                octets += n;
                output.sent(n);
            }
            Step::Io(Io::Close) => return octets,
            Step::Content(content) => {
                let n = content.bytes().len();
                octets += n;
                content.taken(n);
            }
            Step::Ask(ask) => consent(ask),
            other => panic!("{other:?}"),
        }
    }
}

fn consent(ask: Ask<'_>) {
    match ask {
        Ask::Connect(question) => question.answer(Ok(Default::default())),
        Ask::Hello(question) => question.answer(Ok(Default::default())),
        Ask::Mail(question) => question.answer(Ok(())),
        Ask::Rcpt(question) => question.answer(Ok(())),
        Ask::Begin(question) => question.answer(Ok(())),
        Ask::Header(question) => question.answer(Ok(())),
        Ask::Finish(question) => question.answer(Outcomes::All(Ok(Text::lossy(b"ID")))),
        other => other.decline(),
    }
}

fn transactions(c: &mut Criterion) {
    let options = Arc::new(Options::smtp(
        "mail.example.test".parse().expect("a domain"),
    ));
    let now = Instant::now();
    let mut group = c.benchmark_group("SMTP machine");
    for (name, size) in [("10 KiB", 10 << 10), ("1 MiB", 1 << 20)] {
        let message = mime_message(1, size);
        let turns = turns(&message);
        assert!(
            converse(&options, &turns, now) > message.len(),
            "the message was taken"
        );
        group.throughput(Throughput::Bytes(
            turns.iter().map(Vec::len).sum::<usize>() as u64
        ));
        group.bench_function(format!("session with a message of {name}"), |b| {
            b.iter(|| converse(&options, &turns, now));
        });
    }
    group.finish();
}

criterion_group!(benches, transactions);
criterion_main!(benches);
