//! The bell while a question is open, while bytes are awaited, and while the peer does not read.

use crate::harness::pair;
use crate::toy::Serving;
use crate::toy::desk::{Store, Tally};
use crate::toy::server::Server;
use mailcore::net::{Bell, End, Ended, Stream, pump};
use mailcore_base::wire::{Limits, Notice};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

fn serve_with_bell(near: DuplexStream, store: Store) -> (Bell, JoinHandle<Ended>) {
    let bell = Bell::new();
    let mut end = End::new(Stream::plain(near), bell.clone());
    let server = tokio::spawn(async move {
        let machine = Server::new(Limits::default());
        let ended = pump(&mut Serving { machine, store }, &mut end).await;
        end.close().await;
        ended
    });
    (bell, server)
}

async fn rest(mut far: DuplexStream) -> String {
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_finishes_the_open_question_and_says_goodbye() {
    let (near, mut far) = pair(4096);
    let store = Store {
        word: Duration::from_secs(5),
        ..Store::default()
    };
    let (bell, server) = serve_with_bell(near, store);
    far.write_all(b"WORD a\r\nWORD b\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bell.ring(Notice::Shutdown);
    assert_eq!(rest(far).await, "HELLO\r\n= A\r\n* going down\r\n");
    assert!(matches!(server.await.unwrap(), Ended::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_reaches_an_idle_peer_at_once() {
    let (near, mut far) = pair(4096);
    let (bell, server) = serve_with_bell(near, Store::default());
    far.write_all(b"IDLE\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rung = tokio::time::Instant::now();
    bell.ring(Notice::Changed);
    tokio::time::sleep(Duration::from_millis(1)).await;
    bell.ring(Notice::Shutdown);
    assert_eq!(rest(far).await, "HELLO\r\n* changed\r\n* going down\r\n");
    assert!(rung.elapsed() < Duration::from_millis(5));
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_patience_with_a_peer_that_does_not_read_is_short() {
    let (near, mut far) = pair(1024);
    let (bell, server) = serve_with_bell(near, Store::default());
    far.write_all(b"LONG 100000000\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rung = tokio::time::Instant::now();
    bell.ring(Notice::Shutdown);
    server.await.unwrap();
    assert!(rung.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn patience_is_short_in_the_middle_of_a_question_too() {
    let (near, mut far) = pair(8);
    let store = Store {
        bytes: Duration::from_secs(3600),
        ..Store::default()
    };
    let (bell, server) = serve_with_bell(near, store);
    // The head of the answer does not fit, and is not read, while its first octets are being fetched.
    far.write_all(b"LONG 1000\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rung = tokio::time::Instant::now();
    bell.ring(Notice::Shutdown);
    server.await.unwrap();
    assert!(rung.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_kick_drops_reading_work_but_carries_a_commit_through() {
    let slow = Duration::from_secs(30);
    let store = Store {
        word: slow,
        commit: slow,
        ..Store::default()
    };
    let tally = store.tally.clone();
    for (command, commits) in [("WORD a\r\n", 0), ("PUT 1\r\nx", 1)] {
        let (near, mut far) = pair(1024);
        let (bell, server) = serve_with_bell(near, store.clone());
        far.write_all(command.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        bell.ring(Notice::Kicked);
        server.await.unwrap();
        assert_eq!(Tally::of(&tally.commits), commits);
        assert_eq!(Tally::of(&tally.dropped), 1);
    }
}

#[test]
fn a_session_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    let (near, _far) = pair(1024);
    is_send(async move {
        let mut end = End::new(Stream::plain(near), Bell::new());
        let (machine, store) = (Server::new(Limits::default()), Store::default());
        pump(&mut Serving { machine, store }, &mut end).await
    });
}
