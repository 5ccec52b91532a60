//! Why a message, or a whole connection, came to nothing.

use super::Stage;
use mailcore_base::{
    envelope::Text,
    reply::{Class, Code, EnhancedStatus, ReadError, Reply},
};

/// Why something came to nothing. [`Trouble::words`] says it as Postfix logs it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The peer said so. The reply need not be a refusal: one that does not fit the command counts as one.
    Said {
        /// To what.
        stage: Stage,
        /// In these words.
        reply: Reply,
    },
    /// The connection broke, or the peer closed it.
    Lost(Stage),
    /// The peer took too long.
    TimedOut(Stage),
    /// What the peer said is not a reply, or no reply was due.
    Garbled(Stage, Option<ReadError>),
    /// TLS is required and not offered.
    TlsNotOffered,
    /// TLS is required and was refused.
    TlsRefused(Reply),
    /// The handshake failed.
    Handshake,
    /// TLS stands, and whoever answered [`Secured`](super::Secured) does not like it, for this reason.
    Untrusted(Text),
    /// The peer, or somebody between, sent something between its reply to STARTTLS and the handshake (RFC 3207 §5).
    Injected,
    /// The peer refused the login.
    LoginRefused(Reply),
    /// We could not, or would not, go on with the login, for this reason.
    LoginFailed(Text),
    /// None of the peer's mechanisms will do.
    NoMechanism,
    /// The peer calls itself by our name.
    Loop,
    /// The message is larger than the peer announced to take; nothing was sent of it.
    TooLarge {
        /// Octets of the message.
        size: u64,
        /// Octets that the peer takes.
        limit: u64,
    },
    /// The peer lacks something that the message needs; nothing was sent of it.
    Needs(Needs),
    /// Whoever was asked for the content failed to give it.
    Content,
    /// The session was ended from our side.
    Stopped,
}

/// What a message needs of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// 8BITMIME. The same message, converted, can be sent over the same connection.
    EightBit,
    /// BINARYMIME, which this client does not speak. The same message, converted, can be sent over the same
    /// connection.
    Binary,
    /// SMTPUTF8. Nothing can be converted.
    SmtpUtf8,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// We said QUIT, as ordered.
    Quit,
    /// Otherwise. A message that was on its way has been told of.
    Trouble(Trouble),
}

impl Trouble {
    /// The status for a report (RFC 3463): class 4 if it may be otherwise another time, class 5 if not.
    #[must_use]
    pub fn status(&self) -> EnhancedStatus {
        match self {
            // A peer that does not even greet us says nothing about the message (Postfix: smtp_skip_5xx_greeting).
            Self::Said {
                stage: Stage::Greeting,
                reply,
            }
            | Self::LoginRefused(reply) => transient(of(reply)),
            Self::Said { reply, .. } | Self::TlsRefused(reply) => of(reply),
            Self::Lost(_) | Self::TimedOut(_) => const { status(4, 4, 2) },
            Self::Garbled(..) => const { status(4, 5, 0) },
            Self::TlsNotOffered => const { status(4, 7, 4) },
            Self::Handshake | Self::Untrusted(_) | Self::Injected => const { status(4, 7, 5) },
            Self::LoginFailed(_) | Self::NoMechanism => const { status(4, 7, 0) },
            Self::Loop => const { status(5, 4, 6) },
            Self::TooLarge { .. } => const { status(5, 3, 4) },
            Self::Needs(Needs::SmtpUtf8) => const { status(5, 6, 7) },
            // RFC 3463 §3.7: conversion required but not supported.
            Self::Needs(Needs::EightBit | Needs::Binary) => const { status(5, 6, 3) },
            Self::Content => const { status(4, 3, 0) },
            Self::Stopped => const { status(4, 3, 2) },
        }
    }

    /// Whether it would be no better another time.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.status().class() == 5
    }

    /// The reply that says so, if it is the peer that says so (for the diagnostic code of a report).
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Said { reply, .. } | Self::TlsRefused(reply) | Self::LoginRefused(reply) => {
                Some(reply)
            }
            _ => None,
        }
    }

    /// What is said about it in the log and in reports: `host` is the peer as `name[address]`, `nexthop` the
    /// destination that it is asked for.
    #[must_use]
    pub fn words(&self, host: &str, nexthop: &str) -> String {
        match self {
            Self::Said {
                stage: Stage::Greeting | Stage::Ehlo | Stage::Helo | Stage::Lhlo,
                reply,
            } => format!("host {host} refused to talk to me: {reply}"),
            Self::Said { stage, reply } => {
                let odd = if reply.code().is_refusal() {
                    ""
                } else {
                    "Protocol error: "
                };
                let request = stage.request();
                format!("{odd}host {host} said: {reply} (in reply to {request})")
            }
            Self::Lost(stage) => format!("lost connection with {host} while {stage}"),
            Self::TimedOut(stage) => format!("conversation with {host} timed out while {stage}"),
            Self::Garbled(stage, why) => {
                let why = why.map_or_else(String::new, |why| format!(" ({why})"));
                format!("Protocol error: unexpected reply from host {host} while {stage}{why}")
            }
            Self::TlsNotOffered => {
                format!("TLS is required, but was not offered by host {host}")
            }
            Self::TlsRefused(reply) => {
                format!("TLS is required, but host {host} refused to start TLS: {reply}")
            }
            Self::Handshake => "Cannot start TLS: handshake failure".to_owned(),
            Self::Untrusted(why) => why.to_string(),
            Self::Injected => format!("host {host} sent data ahead of the TLS handshake"),
            Self::LoginRefused(reply) => {
                format!("SASL authentication failed; server {host} said: {reply}")
            }
            Self::LoginFailed(why) => {
                format!("SASL authentication failed; cannot authenticate to server {host}: {why}")
            }
            Self::NoMechanism => format!(
                "SASL authentication failed: server {host} offered no compatible authentication \
                 mechanisms for this type of connection security"
            ),
            Self::Loop => format!("mail for {nexthop} loops back to myself"),
            Self::TooLarge { size, limit } => {
                format!("message size {size} exceeds size limit {limit} of server {host}")
            }
            Self::Needs(Needs::EightBit) => {
                format!("8BITMIME is required, but was not offered by host {host}")
            }
            Self::Needs(Needs::Binary) => {
                format!("BINARYMIME is required, but was not offered by host {host}")
            }
            Self::Needs(Needs::SmtpUtf8) => {
                format!("SMTPUTF8 is required, but was not offered by host {host}")
            }
            Self::Content => format!("local data error while talking to {host}"),
            Self::Stopped => format!("conversation with {host} was ended by this server"),
        }
    }
}

/// What a reply amounts to as a refusal.
fn of(reply: &Reply) -> EnhancedStatus {
    match (reply.code().class(), reply.enhanced()) {
        (Class::Transient | Class::Permanent, Some(status)) => status,
        (Class::Transient, None) => const { status(4, 0, 0) },
        (Class::Permanent, None) => const { status(5, 0, 0) },
        // The command was understood in a way that it was not meant (Postfix: 5.5.0, "Protocol error").
        (Class::Completed | Class::Intermediate, _) => const { status(5, 5, 0) },
    }
}

fn transient(status: EnhancedStatus) -> EnhancedStatus {
    status.under(Code::LOCAL_ERROR)
}

/// Evaluated by the compiler alone.
const fn status(class: u8, subject: u16, detail: u16) -> EnhancedStatus {
    match EnhancedStatus::new(class, subject, detail) {
        Some(status) => status,
        None => panic!("not a status"),
    }
}
