//! What a session costs that waits: everything of the server's side, its task included, nothing of the client's.

use crate::harness::{CERTIFICATE, pair, serve, serving};
use crate::toy::desk::Store;
use crate::{HEAP, alone, run};
use mailcore::net::{Stream, Transport, tls};
use mailcore_base::wire::{Deflater, Inflater, Layer, Limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};

const SESSIONS: usize = 100;

async fn expect(far: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut heard = vec![0; text.len()];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, text.as_bytes());
}

fn packed(text: &str) -> Vec<u8> {
    let (mut deflater, mut room) = (Deflater::default(), vec![0; 1024]);
    deflater.deflate(text.as_bytes(), &mut room);
    let n = deflater.flush(&mut room);
    room.truncate(n);
    room
}

/// Has the server answer a word and then idle, compressed or not.
async fn converse(far: &mut impl Transport, compressed: bool) {
    let talk = "WORD a\r\nIDLE\r\n";
    if !compressed {
        far.write_all(talk.as_bytes()).await.unwrap();
        far.flush().await.unwrap();
        return expect(far, "= A\r\n").await;
    }
    far.write_all(b"PACK\r\n").await.unwrap();
    far.flush().await.unwrap();
    expect(far, "READY\r\n").await;
    far.write_all(&packed(talk)).await.unwrap();
    far.flush().await.unwrap();
    let (mut inflater, mut heard) = (Inflater::new(), Vec::new());
    while heard != b"= A\r\n" {
        let octet = far.read_u8().await.unwrap();
        let mut room = [0; 64];
        let n = inflater.inflate(&[octet], &mut room).unwrap().produced;
        heard.extend_from_slice(&room[..n]);
    }
}

/// One idle session; only the raw far end of its connection is kept.
async fn idle(layers: &[Layer], side: &tls::Side) -> DuplexStream {
    let (near, mut far) = pair(64);
    let stream = Stream::new(near, side.clone());
    tokio::spawn(serve(stream, Store::default(), Limits::default()));
    expect(&mut far, "HELLO\r\n").await;
    let compressed = layers.contains(&Layer::Deflate);
    if !layers.contains(&Layer::Tls) {
        converse(&mut far, compressed).await;
        return far;
    }
    far.write_all(b"TLS\r\n").await.unwrap();
    expect(&mut far, "READY\r\n").await;
    let config = tls::trusting([CERTIFICATE.chain()[0].clone()]).unwrap();
    let mut secured = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect("mx.example".try_into().unwrap(), far)
        .await
        .unwrap();
    converse(&mut secured, compressed).await;
    secured.into_inner().0
}

fn octets_of_an_idle_session(layers: &[Layer]) -> usize {
    run(async {
        let side = serving();
        // One that has set up whatever is set up once.
        let first = idle(layers, &side).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let mut kept = Vec::with_capacity(SESSIONS);
        let before = HEAP.current_usage();
        for _ in 0..SESSIONS {
            kept.push(idle(layers, &side).await);
        }
        // Long enough to be calm, too short for the deadline of silence.
        tokio::time::sleep(Duration::from_secs(30)).await;
        let after = HEAP.current_usage();
        drop((first, kept));
        (after - before) / SESSIONS
    })
}

#[test]
fn an_idle_session_is_small_behind_every_layer() {
    let _alone = alone();
    for (layers, most) in [
        (&[][..], 4 * 1024),
        (&[Layer::Deflate], 5 * 1024),
        (&[Layer::Tls], 16 * 1024),
        (&[Layer::Tls, Layer::Deflate], 17 * 1024),
    ] {
        let octets = octets_of_an_idle_session(layers);
        println!("{layers:?}: {octets} octets for an idle session");
        assert!(octets < most, "{layers:?}: {octets}");
    }
}
