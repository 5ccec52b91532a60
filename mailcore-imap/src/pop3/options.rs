//! How a session behaves: words, bounds and patience. Shared by all sessions of a listener; a reload makes a new
//! one and leaves old sessions theirs.

use super::UidlFormat;
use mailcore_base::wire;
use std::time::Duration;

/// Bounds of what one client can make a session hold or do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The buffers of the connection.
    pub wire: wire::Limits,
    /// Octets of a command line, its end included.
    pub line: usize,
    /// Octets of a line of a SASL exchange, its end included; no more than the wire's input.
    pub sasl_line: usize,
    /// Unknown commands in a row before login, with the last of which the connection is closed (Dovecot: 3).
    pub wrong_before_login: u32,
    /// Commands in a row after login that may fail; one more, and the connection is closed (Dovecot: 20).
    pub wrong: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wire: wire::Limits {
                input: 16 * 1024,
                ..wire::Limits::default()
            },
            line: 8 * 1024,
            sasl_line: 12 * 1024,
            wrong_before_login: 3,
            wrong: 20,
        }
    }
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The text of the greeting (Dovecot: `login_greeting`); one line.
    pub greeting: String,
    /// STLS is offered where there is no TLS yet.
    pub stls: bool,
    /// The form of unique ids (Dovecot: `pop3_uidl_format`).
    pub uidl: UidlFormat,
    /// One session at a time has a maildrop (Dovecot: `pop3_lock_session`; RFC 1939 §4 wants it so).
    pub exclusive: bool,
    /// Messages that were retrieved whole are marked as seen at QUIT (Dovecot: not `pop3_no_flag_updates`).
    pub marks_seen: bool,
    /// The LAST command of RFC 1460 is known (Dovecot: `pop3_enable_last`).
    pub last: bool,
    /// Bounds.
    pub limits: Limits,
    /// How long a client may be silent before login.
    pub login_timeout: Duration,
    /// How long a client may be silent after login; RFC 1939 §3 asks for no less than ten minutes.
    pub idle_timeout: Duration,
}

impl Default for Options {
    /// Dovecot's defaults, and no STLS (it needs a certificate).
    fn default() -> Self {
        Self {
            greeting: "mailcore ready.".into(),
            stls: false,
            uidl: UidlFormat::default(),
            exclusive: false,
            marks_seen: true,
            last: false,
            limits: Limits::default(),
            login_timeout: Duration::from_secs(180),
            idle_timeout: Duration::from_secs(600),
        }
    }
}
