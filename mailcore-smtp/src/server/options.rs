//! What a listener is set to. Nothing in here changes while a session runs.

use crate::Keywords;
use mailcore_base::{address::Domain, envelope::Text, wire::Limits};
use std::time::Duration;

/// Which protocol is spoken, and in whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// SMTP (RFC 5321), as Postfix words it.
    Smtp,
    /// LMTP (RFC 2033), as Dovecot words it: one reply for each recipient after the content.
    Lmtp,
}

/// Whether the connection can or must be secured by STARTTLS. A connection that is secured already is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartTls {
    /// There is no TLS.
    #[default]
    Off,
    /// Announced, and nobody is held to it.
    Offered,
    /// Hardly anything is answered before it.
    Required,
}

/// What is done with a line end that is not CRLF, in content. Commands may end in LF always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// It counts as a line end, and CRLF is handed out for it; only CRLF.CRLF ends the content.
    #[default]
    Normalise,
    /// The message is refused, and the connection closed.
    Reject,
    /// As [`LineEnds::Normalise`], and LF.LF ends the content too. To be granted only to programs on trusted
    /// machines that cannot do better: it allows them to smuggle messages.
    Trust,
}

/// The SASL mechanisms that are announced. An empty list announces no AUTH.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthOffer {
    /// Without TLS.
    pub clear: Vec<Text>,
    /// Under TLS.
    pub secured: Vec<Text>,
    /// Whether `AUTH=` is announced besides, for clients of before RFC 4954 (Postfix: broken_sasl_auth_clients).
    pub broken_clients: bool,
}

/// The settings of a listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Protocol and words.
    pub flavour: Flavour,
    /// The server's name in replies.
    pub hostname: Domain,
    /// What the greeting says behind `220 `.
    pub banner: Text,
    /// Buffers. The input buffer is made large enough for the longest line.
    pub limits: Limits,
    /// Octets of a command line with its line end. A longer one is swallowed and refused.
    pub line_limit: usize,
    /// Octets of a line of an AUTH exchange (RFC 4954 §4 asks for 12,288).
    pub auth_line_limit: usize,
    /// Octets of a message; `None` for no limit.
    pub size_limit: Option<u64>,
    /// Octets of a message's header; a longer one is refused.
    pub header_limit: u64,
    /// Recipients of a transaction (RFC 5321 §4.5.3.1.8: at least 100).
    pub recipient_limit: usize,
    /// How long a client may take for a command, or for the next piece of content.
    pub timeout: Duration,
    /// Errors after which each further one costs `error_delay`.
    pub soft_errors: u32,
    /// Errors at which the connection ends.
    pub hard_errors: u32,
    /// NOOP, RSET, VRFY, ETRN and empty chunks that are free between two messages; each further one is an error.
    pub junk_commands: u32,
    /// How long the reply to an error beyond `soft_errors` is held back.
    pub error_delay: Duration,
    /// STARTTLS.
    pub starttls: StartTls,
    /// AUTH.
    pub auth: AuthOffer,
    /// Whether MAIL, AUTH and ETRN need a HELO or EHLO before them (RFC 5321 §4.1.4 says so).
    pub hello_required: bool,
    /// Keywords that are not announced, and whose service is then not given (Postfix:
    /// smtpd_discard_ehlo_keywords).
    pub discard: Keywords,
    /// Whether UTF-8 addresses are taken.
    pub smtputf8: bool,
    /// Whether they are taken only in a transaction that says SMTPUTF8.
    pub strict_smtputf8: bool,
    /// Whether VRFY is answered.
    pub verify: bool,
    /// Line ends in content.
    pub line_ends: LineEnds,
    /// Whether a client that sends ahead where it must wait for an answer is put off (Postfix:
    /// smtpd_forbid_unauth_pipelining). Ends the simplest injections into a plaintext session.
    pub forbid_pipelining: bool,
    /// Words that show that the client does not speak SMTP at all; any case.
    pub forbidden: Vec<Text>,
}

impl Options {
    /// The defaults for SMTP, which are those of Postfix 3.10.
    #[must_use]
    pub fn smtp(hostname: Domain) -> Self {
        let forbidden = ["CONNECT", "GET", "POST"].map(|word| Text::lossy(word.as_bytes()));
        Self {
            flavour: Flavour::Smtp,
            banner: Text::lossy(format!("{} ESMTP mailcore", hostname.as_ascii()).as_bytes()),
            hostname,
            limits: Limits::default(),
            line_limit: 2048,
            auth_line_limit: 12_288,
            size_limit: Some(10_240_000),
            header_limit: 1024 * 1024,
            recipient_limit: 1000,
            timeout: Duration::from_secs(300),
            soft_errors: 10,
            hard_errors: 20,
            junk_commands: 100,
            error_delay: Duration::from_secs(1),
            starttls: StartTls::Off,
            auth: AuthOffer::default(),
            hello_required: false,
            discard: Keywords::NONE,
            smtputf8: true,
            strict_smtputf8: false,
            verify: true,
            line_ends: LineEnds::Normalise,
            forbid_pipelining: true,
            forbidden: forbidden.into(),
        }
    }

    /// The defaults for LMTP, which are those of Dovecot: no size limit, commands sent ahead at will, and an end
    /// after ten mistakes in a row.
    #[must_use]
    pub fn lmtp(hostname: Domain) -> Self {
        let banner = Text::lossy(format!("{} mailcore ready.", hostname.as_ascii()).as_bytes());
        Self {
            flavour: Flavour::Lmtp,
            banner,
            line_limit: 8192,
            size_limit: None,
            soft_errors: u32::MAX,
            hard_errors: 10,
            forbid_pipelining: false,
            forbidden: Vec::new(),
            ..Self::smtp(hostname)
        }
    }
}
