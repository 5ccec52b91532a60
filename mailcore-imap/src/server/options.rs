//! How a server session behaves: words, bounds and patience. Shared by all sessions of a listener; a reload
//! makes a new one and leaves old sessions theirs.

use mailcore_base::wire;
use std::time::Duration;

/// A SASL mechanism that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanism {
    /// Its name, upper-case.
    pub name: String,
    /// Whether it shows the password to whoever listens, so that it needs a secured connection.
    pub plaintext: bool,
    /// Whether it is bound to a TLS layer (the `-PLUS` mechanisms), so that it is offered under TLS alone.
    pub binds_channel: bool,
}

/// Bounds of what one client can make a session hold or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The buffers of the connection.
    pub wire: wire::Limits,
    /// Octets of a command's lines before login.
    pub line_before_login: usize,
    /// Octets of a command's lines after login.
    pub line: usize,
    /// Octets of a line of a SASL exchange; no more than the wire's input.
    pub sasl_line: usize,
    /// Octets of all literals of a command before login.
    pub literals_before_login: usize,
    /// Octets of all literals of a command after login, appended messages apart.
    pub literals: usize,
    /// Octets of a refused command that are swallowed before login; beyond, the connection is closed.
    pub swallow_before_login: u64,
    /// Octets of a refused command or message that are swallowed after login.
    pub swallow: u64,
    /// Octets of an appended message, literals and what CATENATE copies together; none: as large as the store takes it.
    pub message: Option<u64>,
    /// Messages that one APPEND may bring together.
    pub together: u32,
    /// Commands that make no sense before login, after which the connection is closed (Dovecot: 3).
    pub wrong_before_login: u32,
    /// The same after login, in a row (Dovecot: 20).
    pub wrong: u32,
    /// How deep parentheses, NOT and OR nest in a search.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wire: wire::Limits {
                input: 16 * 1024,
                ..wire::Limits::default()
            },
            line_before_login: 8 * 1024,
            line: 64 * 1024,
            sasl_line: 12 * 1024,
            literals_before_login: 4 * 1024,
            literals: 64 * 1024,
            swallow_before_login: 64 * 1024,
            swallow: 64 * 1024 * 1024,
            message: Some(2 << 30),
            together: 10_000,
            wrong_before_login: 3,
            wrong: 20,
            nesting: 100,
        }
    }
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The text of the greeting (Dovecot: `login_greeting`); one line.
    pub greeting: String,
    /// SASL mechanisms, in the order of the capability line.
    pub mechanisms: Vec<Mechanism>,
    /// Passwords are taken over unsecured connections too (Dovecot: `disable_plaintext_auth = no`).
    pub plaintext_everywhere: bool,
    /// STARTTLS is offered where there is no TLS yet.
    pub starttls: bool,
    /// COMPRESS=DEFLATE is offered to users.
    pub compress: bool,
    /// What the ID command tells (RFC 2971): field names and values.
    pub id: Vec<(String, String)>,
    /// Bounds.
    pub limits: Limits,
    /// How long a client may take to log in, from the greeting or its last complete command.
    pub login_timeout: Duration,
    /// How long a client may be silent after login; RFC 3501 §5.4 asks for no less than 30 minutes.
    pub idle_timeout: Duration,
    /// How often a client in IDLE hears that the server is still there (Dovecot: `imap_idle_notify_interval`).
    pub still_here: Duration,
}

impl Default for Options {
    /// PLAIN and LOGIN over secured connections, no STARTTLS (it needs a certificate).
    fn default() -> Self {
        let mechanism = |name: &str| Mechanism {
            name: name.into(),
            plaintext: true,
            binds_channel: false,
        };
        Self {
            greeting: "mailcore ready.".into(),
            mechanisms: vec![mechanism("PLAIN"), mechanism("LOGIN")],
            plaintext_everywhere: false,
            starttls: false,
            compress: true,
            id: vec![("name".into(), "mailcore".into())],
            limits: Limits::default(),
            login_timeout: Duration::from_secs(180),
            idle_timeout: Duration::from_secs(30 * 60),
            still_here: Duration::from_secs(120),
        }
    }
}
