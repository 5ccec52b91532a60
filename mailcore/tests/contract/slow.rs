//! Peers that read slowly, or not at all.

use crate::harness::{KINDS, connecting, pair, serve, serving, talk};
use crate::toy::client::{Order, Script};
use crate::toy::desk::{Store, Tally};
use mailcore::net::{Ended, Stream};
use mailcore_base::wire::Limits;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test(start_paused = true)]
async fn a_reader_of_a_kibibyte_a_millisecond_gets_all_of_it() {
    for layers in KINDS {
        let (near, far) = pair(4096);
        let store = Store {
            bytes: Duration::from_micros(100),
            ..Store::default()
        };
        let server = tokio::spawn(serve(
            Stream::new(near, serving()),
            store,
            Limits::default(),
        ));
        let mut orders: Vec<_> = layers.iter().map(|layer| Order::Layer(*layer)).collect();
        orders.extend([Order::Say("LONG 3000000".into()), Order::Say("QUIT".into())]);
        let mut script = Script::new(orders);
        script.pace = Some((1024, Duration::from_millis(1)));
        let script = talk(Stream::new(far, connecting()), script).await;
        assert_eq!(script.body, 3_000_000);
        assert!(matches!(server.await.unwrap(), Ended::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_paused_then_lost() {
    let (near, mut far) = pair(4096);
    let store = Store {
        bytes: Duration::from_micros(100),
        ..Store::default()
    };
    let tally = store.tally.clone();
    let server = tokio::spawn(serve(Stream::plain(near), store, Limits::default()));
    let start = tokio::time::Instant::now();
    far.write_all(b"LONG 1000000000\r\n").await.unwrap();
    server.await.unwrap();
    let patience = Limits::default().stalled;
    assert!(start.elapsed() >= patience && start.elapsed() < patience * 2);
    assert!(Tally::of(&tally.served) < 80_000, "output is bounded");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_writes_is_bounded_too() {
    let (near, mut far) = pair(4096);
    let server = tokio::spawn(serve(
        Stream::plain(near),
        Store::default(),
        Limits::default(),
    ));
    // Each line is answered, no answer is read: the server stops reading, and in the end the line is lost.
    let mut written = 0_u64;
    while far.write_all(b"WORD abcdefghijklmnop\r\n").await.is_ok() {
        written += 23;
    }
    // What closing reads away for the sake of the last words comes on top.
    assert!(written < 400_000, "{written}");
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_told_so_at_its_deadline() {
    let (near, far) = pair(4096);
    let server = tokio::spawn(serve(
        Stream::plain(near),
        Store::default(),
        Limits::default(),
    ));
    let mut heard = String::new();
    let mut far = far;
    tokio::io::AsyncReadExt::read_to_string(&mut far, &mut heard)
        .await
        .unwrap();
    assert_eq!(heard, "HELLO\r\n* too slow\r\n");
    server.await.unwrap();
}
