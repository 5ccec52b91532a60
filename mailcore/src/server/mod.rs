//! The server: listeners, what they serve, and how they stop. Puts rooms together and decides nothing.

mod builder;
mod counter;
mod error;
mod protocol;
mod renewal;
mod start;
mod strangers;

pub use builder::Builder;
pub use error::StartError;
pub use protocol::Protocol;

use crate::net::Peer;
use crate::net::tls::{self, TlsError};
use crate::shutdown::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A mail server.
///
/// ```
/// # use mailcore::{Server, reception::{Message, Reception, Verdict, Visit}};
/// # use mailcore::base::envelope::{Envelope, Recipient};
/// #[derive(Debug)]
/// struct Printer;
///
/// #[mailcore::async_trait]
/// impl Reception for Printer {
///     async fn recipient(&self, _: &Visit, _: &Envelope, _: &Recipient) -> Verdict {
///         Verdict::Accept
///     }
///     async fn message(&self, _: &Visit, message: Message) -> Verdict {
///         println!("{}", String::from_utf8_lossy(&message.content));
///         Verdict::Accept
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let server = Server::builder("mail.example.test").reception(Printer).smtp("127.0.0.1:0".parse()?).start()?;
/// println!("listening on {}", server.address(mailcore::Protocol::Smtp).unwrap());
/// server.stop(std::time::Duration::from_secs(1)).await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Server {
    shutdown: Shutdown,
    addresses: Vec<(Protocol, Peer)>,
    tls: Vec<(Protocol, Arc<tls::Service>)>,
    runner: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to build the server `hostname`.
    pub fn builder(hostname: impl Into<String>) -> Builder {
        Builder::new(hostname.into())
    }

    /// The TCP address of the first listener of a protocol, with the port that was taken.
    pub fn address(&self, protocol: Protocol) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|(of, peer)| match peer {
            Peer::Tcp(address) if *of == protocol => Some(*address),
            _ => None,
        })
    }

    /// How many sessions run.
    pub fn sessions(&self) -> usize {
        self.shutdown.open()
    }

    /// Reads certificates again; connections that stand keep what they have. Touches files.
    ///
    /// # Errors
    /// The first that cannot be used: it stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.tls
            .iter()
            .try_for_each(|(_, service)| service.reload())
    }

    /// Stops: nobody new is let in, every session is told and has `patience` to finish, deliveries of the queue too.
    /// Returns how many sessions had to be cut off; a delivery that is cut off is begun anew at the next start.
    pub async fn stop(mut self, patience: Duration) -> usize {
        let until = tokio::time::Instant::now() + patience;
        let cut = self.shutdown.drain(patience).await;
        if let Some(mut runner) = self.runner.take()
            && tokio::time::timeout_at(until, &mut runner).await.is_err()
        {
            runner.abort();
            let _ = runner.await;
        }
        cut
    }
}

/// A server that is dropped goes down: sessions are told, and nobody waits for them.
impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}
