//! One listener's side of the house: TLS from the start where the port asks for it, then the protocol's driver.

use super::{Protocol, strangers};
use crate::metrics::Sessions;
use crate::net::auth_server::{AuthServer, DirectoryServer};
use crate::net::imap_server::ImapServer;
use crate::net::listen::{Arrival, Attendant, Limits, Refused};
use crate::net::pop3_server::Pop3Server;
use crate::net::smtp_server::SmtpServer;
use crate::net::{Route, Stream, tls};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a client may take for the handshake of a TLS port.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// What stands behind a listener.
#[derive(Debug)]
pub(super) enum Service {
    Smtp(SmtpServer),
    Imap(ImapServer),
    Pop3(Pop3Server),
    Auth(AuthServer),
    Userdb(DirectoryServer),
}

/// One listener's side of the house.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) protocol: Protocol,
    pub(super) service: Arc<Service>,
    pub(super) tls: Option<Arc<tls::Service>>,
    pub(super) limits: Arc<Limits>,
    /// Where its sessions are counted.
    pub(super) sessions: Option<Arc<Sessions>>,
}

impl Attendant for Counter {
    fn receive(&self, arrival: Arrival) -> impl Future<Output = ()> + Send + 'static {
        let tls = self.tls.clone();
        let service = Arc::clone(&self.service);
        let protocol = self.protocol;
        let counted = self.sessions.as_ref().map(Sessions::begin);
        async move {
            let _counted = counted;
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
            if protocol.implicit_tls() {
                let began = Instant::now();
                let secured = tokio::select! {
                    secured = tokio::time::timeout(HANDSHAKE, stream.secure()) => secured,
                    // A shutdown, or somebody who ends it: nothing can be said before TLS stands.
                    _ = bell.hear() => return,
                };
                if let Err(error) = secured.unwrap_or_else(|late| Err(late.into())) {
                    return strangers::note_handshake(protocol, &error, began.elapsed(), &route);
                }
            }
            match &*service {
                Service::Smtp(server) => server.serve(stream, &route, bell).await,
                Service::Imap(server) => server.serve(stream, &route, bell).await,
                Service::Pop3(server) => server.serve(stream, &route, bell).await,
                Service::Auth(server) => server.serve(stream, bell).await,
                Service::Userdb(server) => server.serve(stream, bell).await,
            }
        }
    }

    fn refuse(&self, refused: Refused, route: &Route) -> Vec<u8> {
        if let Some(sessions) = &self.sessions {
            sessions.refused.one();
        }
        strangers::refuse(self.protocol, refused, &self.limits, route)
    }
}
