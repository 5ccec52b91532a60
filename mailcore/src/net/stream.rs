//! A connection with its layers: plain, TLS, DEFLATE, or DEFLATE within TLS.
//!
//! Generic over what is underneath, so that an embedder can bring any byte stream. Layers go up while the
//! connection is in use and never come down. Nothing here knows a protocol or a deadline.

use super::deflated::Deflated;
use super::tls::{Served, Side};
use mailcore_base::login::TlsFacts;
use mailcore_base::wire::Layer;
use rustls::pki_types::CertificateDer;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{Accept, Connect, LazyConfigAcceptor, TlsStream};

/// What a [`Stream`] can be built on: a socket, a pipe, anything polled.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for S {}

/// A connection and the layers around it.
pub struct Stream<S> {
    base: Base<S>,
    deflated: Option<Box<Deflated>>,
    side: Option<Side>,
    /// The certificate that was served, once a handshake has chosen it.
    served: Option<Arc<Served>>,
}

/// ```text
///            ┌─► Hello ─► Accepting ─┐           (server)
///  Plain ────┤                       ├─► Tls     a failure on the way ends in Gone
///            └──────► Connecting ────┘           (client)
/// ```
enum Base<S> {
    Plain(S),
    Hello(Box<LazyConfigAcceptor<S>>),
    Accepting(Box<Accept<S>>),
    Connecting(Box<Connect<S>>),
    Tls(Box<TlsStream<S>>),
    Gone,
}

impl<S> std::fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let base = match &self.base {
            Base::Plain(_) => "plain",
            Base::Tls(_) => "tls",
            Base::Hello(_) | Base::Accepting(_) | Base::Connecting(_) => "handshake",
            Base::Gone => "gone",
        };
        f.debug_struct("Stream")
            .field("base", &base)
            .field("deflated", &self.deflated.is_some())
            .finish_non_exhaustive()
    }
}

impl<S: Transport> Stream<S> {
    /// A plain connection on which TLS cannot be put.
    pub fn plain(below: S) -> Self {
        Self {
            base: Base::Plain(below),
            deflated: None,
            side: None,
            served: None,
        }
    }

    /// A connection, still plain, on which TLS may be put as `side` says.
    pub fn new(below: S, side: Side) -> Self {
        Self {
            side: Some(side),
            ..Self::plain(below)
        }
    }

    /// Whether [`Layer::Tls`] can be asked for: there is a certificate (or a server to connect to) and no TLS yet.
    pub fn can_secure(&self) -> bool {
        self.side.is_some() && matches!(self.base, Base::Plain(_)) && self.deflated.is_none()
    }

    /// Whether what passes is secured by TLS.
    pub fn secured(&self) -> bool {
        matches!(self.base, Base::Tls(_))
    }

    /// Whether a TLS handshake was begun and did not come to its end.
    pub(in crate::net) fn is_half_secured(&self) -> bool {
        !matches!(self.base, Base::Plain(_) | Base::Tls(_))
    }

    /// What the TLS layer is like; nothing without one.
    pub fn tls(&self) -> Option<TlsFacts> {
        match &self.base {
            Base::Tls(tls) => Some(super::tls::facts(tls, self.served.as_deref())),
            _ => None,
        }
    }

    /// The certificates that the other side showed, its own first; a resumed session remembers them. None without
    /// TLS.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        match &self.base {
            Base::Tls(tls) => tls.get_ref().1.peer_certificates().unwrap_or_default(),
            _ => &[],
        }
    }

    /// Whether the TLS session was resumed by a ticket of an earlier one.
    pub fn resumed(&self) -> bool {
        match &self.base {
            Base::Tls(tls) => {
                let (_, state) = tls.get_ref();
                state.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
            }
            _ => false,
        }
    }

    /// Whether what passes is compressed by DEFLATE.
    pub fn compressed(&self) -> bool {
        self.deflated.is_some()
    }

    /// Puts up TLS before anything else passes (implicit TLS). Dropped and called again, it carries on.
    ///
    /// # Errors
    /// When the handshake fails, or TLS cannot be put on this connection.
    pub async fn secure(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_layer(cx, Layer::Tls, &[])).await
    }

    /// Puts up `layer`; `early` is what was read ahead of it. Called again after `Pending`, it carries on.
    ///
    /// # Errors
    /// When the handshake fails, or the layer cannot be put on this connection.
    pub fn poll_layer(
        &mut self,
        cx: &mut Context<'_>,
        layer: Layer,
        early: &[u8],
    ) -> Poll<io::Result<()>> {
        match layer {
            // RFC 4978 §3: once, and never below TLS.
            Layer::Deflate if self.deflated.is_none() => {
                self.deflated = Some(Box::new(Deflated::new(early)));
                Poll::Ready(Ok(()))
            }
            Layer::Tls if self.deflated.is_none() => self.poll_tls(cx),
            _ => Poll::Ready(Err(unsupported())),
        }
    }

    fn poll_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let next = match std::mem::replace(&mut self.base, Base::Gone) {
                Base::Plain(below) => self.greet(below)?,
                Base::Hello(mut hello) => match Pin::new(&mut *hello).poll(cx) {
                    Poll::Ready(start) => {
                        let start = start?;
                        let served = match &self.side {
                            Some(Side::Serve(service)) => service.choose(&start.client_hello()),
                            _ => return Poll::Ready(Err(unsupported())),
                        };
                        let accept = start.into_stream(served.config());
                        self.served = Some(served);
                        Base::Accepting(Box::new(accept))
                    }
                    Poll::Pending => return self.later(Base::Hello(hello)),
                },
                Base::Accepting(mut accept) => match Pin::new(&mut *accept).poll(cx) {
                    Poll::Ready(tls) => Base::Tls(Box::new(tls?.into())),
                    Poll::Pending => return self.later(Base::Accepting(accept)),
                },
                Base::Connecting(mut connect) => match Pin::new(&mut *connect).poll(cx) {
                    Poll::Ready(tls) => Base::Tls(Box::new(tls?.into())),
                    Poll::Pending => return self.later(Base::Connecting(connect)),
                },
                Base::Tls(_) | Base::Gone => return Poll::Ready(Err(unsupported())),
            };
            self.base = next;
            if let Base::Tls(_) = self.base {
                self.side = None;
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// The first state of a handshake.
    fn greet(&self, below: S) -> io::Result<Base<S>> {
        match &self.side {
            Some(Side::Serve(_)) => Ok(Base::Hello(Box::new(LazyConfigAcceptor::new(
                Default::default(),
                below,
            )))),
            Some(Side::Connect(config, name)) => Ok(Base::Connecting(Box::new(
                tokio_rustls::TlsConnector::from(Arc::clone(config)).connect(name.clone(), below),
            ))),
            None => Err(unsupported()),
        }
    }

    fn later(&mut self, base: Base<S>) -> Poll<io::Result<()>> {
        self.base = base;
        Poll::Pending
    }

    /// Nothing has passed for a while: gives back what the layers hold and do not need.
    pub fn rest(&mut self) {
        if let Some(deflated) = &mut self.deflated {
            deflated.rest();
        }
    }
}

impl<S: Transport> Base<S> {
    fn gone() -> io::Error {
        io::ErrorKind::NotConnected.into()
    }
}

fn unsupported() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this layer cannot be put on this connection",
    )
}

impl<S: Transport> AsyncRead for Base<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_read(cx, buf),
            Self::Tls(tls) => match ready!(Pin::new(&mut **tls).poll_read(cx, buf)) {
                // Closed without close_notify. Mail's protocols say by themselves where a thing ends, so a
                // cut-off cannot pass for a whole: it is a hang-up like any other.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                other => Poll::Ready(other),
            },
            _ => Poll::Ready(Err(Self::gone())),
        }
    }
}

impl<S: Transport> AsyncWrite for Base<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
            _ => Poll::Ready(Err(Self::gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
            _ => Poll::Ready(Err(Self::gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<S: Transport> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.deflated {
            Some(deflated) => deflated.poll_read(&mut this.base, cx, buf),
            None => Pin::new(&mut this.base).poll_read(cx, buf),
        }
    }
}

impl<S: Transport> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match &mut this.deflated {
            Some(deflated) => deflated.poll_write(&mut this.base, cx, bytes),
            None => Pin::new(&mut this.base).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.deflated {
            Some(deflated) => deflated.poll_flush(&mut this.base, cx),
            None => Pin::new(&mut this.base).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(deflated) = &mut this.deflated {
            ready!(deflated.poll_flush(&mut this.base, cx))?;
        }
        Pin::new(&mut this.base).poll_shutdown(cx)
    }
}
