//! Serves Dovecot's authentication protocol: [`AuthServer`] to servers that log their clients in here (a Postfix with
//! `smtpd_sasl_type = dovecot`), [`DirectoryServer`] to programs that ask for users. Joins the machines to the gate and
//! the directory. Decides nothing itself.
//!
//! Who reaches such a socket may try passwords and be told of users: its mode, or the network in front of it, is its lock.

mod directory;
mod logins;

pub use directory::{DirectoryServer, MailPlace};

use super::bell::Bell;
use super::end::End;
use super::pump::pump;
use super::stream::{Stream, Transport};
use crate::auth::Gate;
use crate::log::dovecot;
use mailcore_base::login::Service;
use mailcore_sasl::socket::Ended;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A listener's service for logins. Shared by its connections.
#[derive(Debug)]
pub struct AuthServer {
    gate: Arc<Gate>,
    /// How many connections there have been.
    connections: AtomicU32,
}

impl AuthServer {
    /// A service before this gate.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            connections: AtomicU32::new(0),
        }
    }

    /// Serves one connection to its end.
    pub async fn serve<S: Transport>(&self, stream: Stream<S>, bell: Bell) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let conversation =
            logins::Conversation::begin(&self.gate, number.wrapping_add(1), bell.clone());
        let mut conversation = Box::new(conversation);
        let mut end = End::new(stream, bell);
        // How it ended, the machine knows too.
        let _ = pump(&mut *conversation, &mut end).await;
        note("Authentication client", conversation.ended());
        drop(conversation);
        Box::pin(end.close()).await;
    }
}

/// Says in the log what an administrator can do something about.
fn note(who: &str, ended: Option<Ended>) {
    match ended {
        Some(Ended::Broken(what)) => {
            dovecot::error(format_args!("auth"), format_args!("BUG: {who} sent {what}"));
        }
        Some(Ended::Silent) => dovecot::warning(
            format_args!("auth"),
            format_args!("{who} did not say who it is"),
        ),
        _ => {}
    }
}

/// Which service a name of Dovecot's stands for. Others' names count as mail transfer: what is stored of a user tells no
/// others apart.
fn service(name: &str) -> Service {
    match name {
        "imap" => Service::Imap,
        "pop3" => Service::Pop3,
        "lmtp" | "lda" | "doveadm" => Service::Lmtp,
        "sieve" | "managesieve" => Service::ManageSieve,
        _ => Service::Smtp,
    }
}
