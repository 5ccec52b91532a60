//! What the tests share: streams that chop, connections of every kind, and both sides run against each other.

use crate::toy::client::{Client, Order, Script};
use crate::toy::desk::Store;
use crate::toy::server::Server;
use crate::toy::{Serving, Talking};
use mailcore::net::tls::{self, Certificate, Options, Service, Side};
use mailcore::net::{Ended, Stream, Transport, pump};
use mailcore_base::wire::{Layer, Limits};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A small generator of numbers: tests are the same each time.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A stream that reads and writes at most so many octets at a time, and sometimes makes one wait.
#[derive(Debug)]
pub struct Choppy<S> {
    pub below: S,
    pub read: usize,
    pub write: usize,
    /// One poll in so many is pending for no reason; zero for never.
    pub lazy: u64,
    pub dice: Dice,
}

impl<S> Choppy<S> {
    pub fn new(below: S, read: usize, write: usize) -> Self {
        Self {
            below,
            read,
            write,
            lazy: 0,
            dice: Dice(1),
        }
    }

    fn waits(&mut self, cx: &mut Context<'_>) -> bool {
        let waits = self.lazy > 0 && self.dice.roll(self.lazy) == 0;
        if waits {
            cx.waker().wake_by_ref();
        }
        waits
    }
}

impl<S: Transport> AsyncRead for Choppy<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.waits(cx) {
            return Poll::Pending;
        }
        let most = this.read.min(buf.remaining());
        let mut some = buf.take(most);
        let polled = Pin::new(&mut this.below).poll_read(cx, &mut some);
        let n = some.filled().len();
        buf.initialize_unfilled_to(n);
        buf.advance(n);
        polled
    }
}

impl<S: Transport> AsyncWrite for Choppy<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.waits(cx) {
            return Poll::Pending;
        }
        let most = this.write.min(bytes.len());
        Pin::new(&mut this.below).poll_write(cx, &bytes[..most])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().below).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().below).poll_shutdown(cx)
    }
}

/// A certificate for `mx.example` with its key.
pub static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| certificate("mx.example"));

pub fn certificate(name: &str) -> Certificate {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Certificate::parse(
        made.cert.pem().as_bytes(),
        made.signing_key.serialize_pem().as_bytes(),
    )
    .unwrap()
}

/// The server's side of TLS.
pub fn serving() -> Side {
    Side::Serve(Service::with(&CERTIFICATE, Options::default()).unwrap())
}

/// The client's side of TLS, trusting that certificate alone.
pub fn connecting() -> Side {
    let config = tls::trusting([CERTIFICATE.chain()[0].clone()]).unwrap();
    Side::Connect(Arc::new(config), "mx.example".try_into().unwrap())
}

/// The kinds of connection, by the layers that are put up in the conversation.
pub const KINDS: [&[Layer]; 4] = [
    &[],
    &[Layer::Tls],
    &[Layer::Deflate],
    &[Layer::Tls, Layer::Deflate],
];

/// Two ends that choose their layers themselves.
pub fn pair(room: usize) -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(room)
}

/// One conversation that uses everything, behind the given layers.
pub fn conversation(layers: &[Layer]) -> Vec<Order> {
    let mut orders: Vec<Order> = layers.iter().map(|layer| Order::Layer(*layer)).collect();
    orders.extend([
        Order::Say("WORD one".into()),
        Order::Say("LONG 100".into()),
        Order::Put(77),
        Order::Say("NONSENSE".into()),
        Order::Say("LONG 0".into()),
        Order::Say("WORD two".into()),
        Order::Say("QUIT".into()),
    ]);
    orders
}

/// What a client hears in that conversation.
pub fn transcript(layers: &[Layer]) -> Vec<String> {
    let sum: u64 = (0..77).map(|at| u64::from(crate::toy::octet(at))).sum();
    let mut heard = vec!["HELLO".to_owned()];
    heard.extend(layers.iter().map(|_| "READY".to_owned()));
    heard.extend(
        [
            "= ONE",
            "#100",
            "",
            &format!("OK 1 {sum}"),
            "what?",
            "#0",
            "",
            "= TWO",
            "BYE",
        ]
        .map(str::to_owned),
    );
    heard
}

/// Runs the toy's server on `stream` until it ends, and says goodbye.
pub async fn serve<S: Transport>(stream: Stream<S>, store: Store, limits: Limits) -> Ended {
    let mut end = crate::toy::end(stream);
    let machine = Server::new(limits);
    let ended = pump(&mut Serving { machine, store }, &mut end).await;
    end.close().await;
    ended
}

/// Runs the toy's client on `stream` until its script is at its end; returns what it heard.
pub async fn talk<S: Transport>(stream: Stream<S>, script: Script) -> Script {
    let mut end = crate::toy::end(stream);
    let machine = Client::new(Limits::default());
    let mut talking = Talking { machine, script };
    let _ = pump(&mut talking, &mut end).await;
    end.close().await;
    talking.script
}
