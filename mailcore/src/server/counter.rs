//! One listener's side of the house: TLS from the start where the port asks for it, then the protocol's driver;
//! and the words for who is not let in.

use super::Protocol;
use crate::net::imap_server::ImapServer;
use crate::net::listen::{Arrival, Attendant, Refused};
use crate::net::pop3_server::Pop3Server;
use crate::net::smtp_server::SmtpServer;
use crate::net::{Route, Stream, tls};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take for the handshake of a TLS port.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// What stands behind a listener.
#[derive(Debug)]
pub(super) enum Service {
    Smtp(SmtpServer),
    Imap(ImapServer),
    Pop3(Pop3Server),
}

/// One listener's side of the house.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) protocol: Protocol,
    pub(super) service: Arc<Service>,
    pub(super) tls: Option<Arc<tls::Service>>,
}

impl Attendant for Counter {
    fn receive(&self, arrival: Arrival) -> impl Future<Output = ()> + Send + 'static {
        let tls = self.tls.clone();
        let service = Arc::clone(&self.service);
        let implicit = self.protocol.implicit_tls();
        async move {
            let Arrival {
                socket,
                route,
                bell,
                ..
            } = arrival;
            let mut stream = match tls {
                Some(tls) => Stream::new(socket, tls::Side::Serve(tls)),
                None => Stream::plain(socket),
            };
            if implicit {
                let secured = tokio::select! {
                    secured = tokio::time::timeout(HANDSHAKE, stream.secure()) => secured,
                    // A shutdown, or somebody who ends it: nothing can be said before TLS stands.
                    _ = bell.hear() => return,
                };
                match secured {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        return tracing::info!(peer = %route.peer, %error, "no TLS handshake");
                    }
                    Err(_) => {
                        return tracing::info!(peer = %route.peer, "the TLS handshake took too long");
                    }
                }
            }
            match &*service {
                Service::Smtp(server) => server.serve(stream, &route, bell).await,
                Service::Imap(server) => server.serve(stream, &route, bell).await,
                Service::Pop3(server) => server.serve(stream, &route, bell).await,
            }
        }
    }

    fn refuse(&self, refused: Refused, route: &Route) -> Vec<u8> {
        // Under TLS nothing can be said before the handshake.
        if self.protocol.implicit_tls() {
            return Vec::new();
        }
        match self.protocol {
            Protocol::Imap => {
                b"* BYE Maximum number of connections from user+IP exceeded\r\n".to_vec()
            }
            Protocol::Pop3 => {
                b"-ERR [IN-USE] Maximum number of connections from user+IP exceeded\r\n".to_vec()
            }
            _ => {
                let client = crate::log::Client::at(route.peer.ip());
                match refused {
                    Refused::Address => {
                        format!("421 4.7.0 Error: too many connections from {client}\r\n")
                            .into_bytes()
                    }
                    _ => b"421 4.3.2 All server ports are busy\r\n".to_vec(),
                }
            }
        }
    }
}
