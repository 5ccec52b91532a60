//! What a peer that leaves does to the work that was done for it.

use crate::harness::{pair, serve};
use crate::toy::desk::{Store, Tally};
use mailcore::net::{Ended, Stream};
use mailcore_base::wire::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn slow(millis: u64) -> Store {
    let time = Duration::from_millis(millis);
    Store {
        word: time,
        bytes: time,
        commit: time,
        ..Store::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_peer_gets_every_answer() {
    let (near, mut far) = pair(64 * 1024);
    let server = tokio::spawn(serve(Stream::plain(near), slow(900), Limits::default()));
    far.write_all(b"WORD a\r\nWORD b\r\nLONG 40\r\nPUT 3\r\nabcWORD z\r\n")
        .await
        .unwrap();
    far.shutdown().await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(
        heard,
        "HELLO\r\n= A\r\n= B\r\n#40\r\nabcdefghijklmnopqrstuvwxyz012345abcdefgh\r\nOK 1 294\r\n= Z\r\n"
    );
    assert!(matches!(server.await.unwrap(), Ended::Closed));
}

#[tokio::test(start_paused = true)]
async fn silent_work_for_a_peer_that_hung_up_ends_when_its_grace_does() {
    let (near, mut far) = pair(64 * 1024);
    let store = slow(3_600_000);
    let tally = store.tally.clone();
    let server = tokio::spawn(serve(Stream::plain(near), store, Limits::default()));
    far.write_all(b"WORD a\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Tally::of(&tally.begun), 1);
    let left = tokio::time::Instant::now();
    drop(far);
    server.await.unwrap();
    assert!(left.elapsed() < Duration::from_secs(10));
    assert_eq!(Tally::of(&tally.dropped), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_during_a_long_answer_ends_its_work_at_once() {
    let (near, mut far) = pair(1024);
    let store = slow(1);
    let tally = store.tally.clone();
    let limits = Limits {
        output: 4096,
        ..Limits::default()
    };
    let server = tokio::spawn(serve(Stream::plain(near), store, limits));
    far.write_all(b"LONG 1000000000\r\n").await.unwrap();
    let mut some = vec![0; 100_000];
    far.read_exact(&mut some).await.unwrap();
    let left = tokio::time::Instant::now();
    drop(far);
    assert!(matches!(server.await.unwrap(), Ended::Lost(_)));
    assert!(left.elapsed() <= Duration::from_millis(2));
    assert!(Tally::of(&tally.served) < 200_000);
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_carried_through_a_hang_up() {
    let (near, mut far) = pair(1024);
    let store = slow(60_000);
    let tally = store.tally.clone();
    let server = tokio::spawn(serve(Stream::plain(near), store, Limits::default()));
    far.write_all(b"PUT 5\r\nhello").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Tally::of(&tally.begun), 1);
    drop(far);
    server.await.unwrap();
    assert_eq!(Tally::of(&tally.commits), 1);
    assert_eq!(Tally::of(&tally.dropped), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_cut_short_is_abandoned_and_never_committed() {
    let (near, mut far) = pair(1024);
    let store = slow(1);
    let tally = store.tally.clone();
    let server = tokio::spawn(serve(Stream::plain(near), store, Limits::default()));
    far.write_all(b"PUT 50\r\nhello").await.unwrap();
    far.shutdown().await.unwrap();
    assert!(matches!(server.await.unwrap(), Ended::Closed));
    assert_eq!(Tally::of(&tally.commits), 0);
    assert_eq!(Tally::of(&tally.abandoned), 1);
}

#[tokio::test(start_paused = true)]
async fn work_for_a_silent_peer_says_that_it_goes_on() {
    let (near, mut far) = pair(1024);
    let server = tokio::spawn(serve(Stream::plain(near), slow(35_000), Limits::default()));
    far.write_all(b"WORD a\r\nQUIT\r\n").await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(
        heard,
        "HELLO\r\n* still working 1\r\n* still working 2\r\n* still working 3\r\n= A\r\nBYE\r\n"
    );
    server.await.unwrap();
}
