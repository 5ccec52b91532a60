//! Layers that go up in the middle of a conversation.

use crate::harness::{connecting, pair, serve, serving};
use crate::toy::desk::{Store, Tally};
use mailcore::net::{Bell, End, Ended, Pace, Stream};
use mailcore_base::wire::{Deflater, Layer, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

async fn until_ready(far: &mut DuplexStream) {
    let mut greeting = [0; 14];
    far.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"HELLO\r\nREADY\r\n");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_ahead_of_tls_in_the_clear_is_never_obeyed() {
    let (near, mut far) = pair(64 * 1024);
    let store = Store::default();
    let tally = store.tally.clone();
    let server = tokio::spawn(serve(
        Stream::new(near, serving()),
        store,
        Limits::default(),
    ));
    far.write_all(b"TLS\r\nWORD injected\r\nPUT 1\r\nx")
        .await
        .unwrap();
    until_ready(&mut far).await;
    let mut stream = Stream::new(far, connecting());
    stream.secure().await.unwrap();
    stream.write_all(b"WORD after\r\nQUIT\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "= AFTER\r\nBYE\r\n");
    assert_eq!(Tally::of(&tally.begun), 1);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_said_ahead_of_deflate_belongs_to_it() {
    let (near, mut far) = pair(64 * 1024);
    let server = tokio::spawn(serve(
        Stream::plain(near),
        Store::default(),
        Limits::default(),
    ));
    let mut packed = b"PACK\r\n".to_vec();
    let (mut deflater, mut room) = (Deflater::default(), [0; 256]);
    deflater.deflate(b"WORD early\r\nQUIT\r\n", &mut room);
    let n = deflater.flush(&mut room);
    packed.extend_from_slice(&room[..n]);
    far.write_all(&packed).await.unwrap();
    until_ready(&mut far).await;
    let mut stream = Stream::plain(far);
    std::future::poll_fn(|cx| stream.poll_layer(cx, Layer::Deflate, &[]))
        .await
        .unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "= EARLY\r\nBYE\r\n");
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handshake_with_junk_loses_the_connection() {
    let (near, mut far) = pair(64 * 1024);
    let server = tokio::spawn(serve(
        Stream::new(near, serving()),
        Store::default(),
        Limits::default(),
    ));
    far.write_all(b"TLS\r\n").await.unwrap();
    until_ready(&mut far).await;
    far.write_all(b"WORD in the clear\r\n").await.unwrap();
    assert!(matches!(server.await.unwrap(), Ended::Lost(_)));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_is_waited_for_so_long_only() {
    let (near, mut far) = pair(64 * 1024);
    let server = tokio::spawn(serve(
        Stream::new(near, serving()),
        Store::default(),
        Limits::default(),
    ));
    far.write_all(b"TLS\r\n").await.unwrap();
    until_ready(&mut far).await;
    let start = tokio::time::Instant::now();
    assert!(matches!(server.await.unwrap(), Ended::Lost(_)));
    assert!(start.elapsed() < Pace::default().handshake * 2);
    let (near, _far) = pair(1024);
    let mut end = End::new(Stream::new(near, serving()), Bell::new());
    assert!(end.secure().await.is_err());
}
