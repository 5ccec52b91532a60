//! What connections to a destination are set to. Nothing in here changes while a session runs.

use super::Flavour;
use crate::Keywords;
use mailcore_base::{address::Domain, envelope::Text, wire::Limits};
use std::time::Duration;

/// Whether a connection is to be secured by STARTTLS. One that is secured from the start is not concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// Never.
    Off,
    /// Where the peer offers it; in the clear where it does not, or refuses to begin.
    #[default]
    May,
    /// Or nothing is sent at all.
    Required,
}

/// How long a peer may take, stage by stage. The defaults are Postfix's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For its greeting, and for the replies to EHLO, HELO, LHLO and AUTH.
    pub hello: Duration,
    /// For the reply to STARTTLS.
    pub starttls: Duration,
    /// For the reply to MAIL.
    pub mail: Duration,
    /// For the reply to each RCPT.
    pub rcpt: Duration,
    /// For the reply to DATA.
    pub data_init: Duration,
    /// For taking any of what is sent, and for the reply to a chunk that is not the last.
    pub transfer: Duration,
    /// For the reply to the end of the content; in LMTP for each reply.
    pub data_done: Duration,
    /// For the reply to RSET.
    pub rset: Duration,
    /// For the reply to QUIT, where it is waited for.
    pub quit: Duration,
}

impl Default for Timeouts {
    /// RFC 5321 §4.5.3.2 asks for 5 minutes, 2 for DATA, 3 for progress and 10 at the end.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            hello: seconds(300),
            starttls: seconds(300),
            mail: seconds(300),
            rcpt: seconds(300),
            data_init: seconds(120),
            transfer: seconds(180),
            data_done: seconds(600),
            rset: seconds(20),
            quit: seconds(300),
        }
    }
}

/// The settings of connections to a destination.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// SMTP or LMTP.
    pub flavour: Flavour,
    /// Our own name: a peer that calls itself so is ourselves.
    pub hostname: Domain,
    /// What EHLO, HELO and LHLO say (Postfix: smtp_helo_name).
    pub hello: Text,
    /// STARTTLS.
    pub tls: Tls,
    /// Whether [`Authenticate`](super::Authenticate) is asked where the peer offers mechanisms.
    pub login: bool,
    /// Whether a peer that calls itself by our name is refused as a mail loop.
    pub detect_loops: bool,
    /// Whether content goes as BDAT to those who offer it. Postfix sends DATA to all, and so does the default.
    pub chunking: bool,
    /// Keywords that are not believed (Postfix: smtp_discard_ehlo_keywords).
    pub discard: Keywords,
    /// Whether the reply to QUIT is waited for (Postfix: smtp_skip_quit_response = no); else QUIT is said and the
    /// connection closed at once.
    pub await_quit: bool,
    /// Octets of a line of content without its CRLF; a longer one is broken with CRLF and a space. `None` breaks
    /// none. RFC 5321 §4.5.3.1.6 allows 998.
    pub line_limit: Option<usize>,
    /// Octets of commands that may be sent ahead of their replies. It must be less than what the connection takes
    /// from a writer whose reader does not read, so that neither end ever waits for the other to read.
    pub ahead: usize,
    /// Buffers; how long a peer may take nothing is said by [`Timeouts::transfer`].
    pub limits: Limits,
    /// Patience.
    pub timeouts: Timeouts,
}

impl Options {
    /// The defaults for SMTP, which are those of Postfix 3.10.
    #[must_use]
    pub fn smtp(hostname: Domain) -> Self {
        Self {
            flavour: Flavour::Smtp,
            hello: Text::lossy(hostname.as_ascii().as_bytes()),
            hostname,
            tls: Tls::May,
            login: false,
            detect_loops: true,
            chunking: false,
            discard: Keywords::NONE,
            await_quit: false,
            line_limit: Some(998),
            ahead: 4096,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// The defaults for LMTP: the same, but that a peer of our name is none but the next program.
    #[must_use]
    pub fn lmtp(hostname: Domain) -> Self {
        Self {
            flavour: Flavour::Lmtp,
            detect_loops: false,
            ..Self::smtp(hostname)
        }
    }
}
