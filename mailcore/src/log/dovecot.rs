//! Lines in Dovecot's form: `imap-login: Info: text`, `imap(user)<pid><session>: Info: text`.

use super::{Broken, Clean, Name};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// Emits an `Info` line of `program` (`imap-login`, `imap(user)<pid><session>`, `lmtp(pid)` …).
pub fn info(program: fmt::Arguments<'_>, line: fmt::Arguments<'_>) {
    tracing::info!(target: "mailcore::log::dovecot", program = %program, "{line}");
}

/// Emits a `Warning` line.
pub fn warning(program: fmt::Arguments<'_>, line: fmt::Arguments<'_>) {
    tracing::warn!(target: "mailcore::log::dovecot", program = %program, "{line}");
}

/// Emits an `Error` line.
pub fn error(program: fmt::Arguments<'_>, line: fmt::Arguments<'_>) {
    tracing::error!(target: "mailcore::log::dovecot", program = %program, "{line}");
}

/// The facts of a connection that the login lines end in.
#[derive(Debug, Clone)]
pub struct Rip<'a> {
    /// The service: `imap`, `pop3`.
    pub service: &'a str,
    /// The mechanism that was used or tried last.
    pub method: &'a str,
    /// The client's address.
    pub remote: Option<IpAddr>,
    /// The address that it connected to.
    pub local: Option<IpAddr>,
    /// Over TLS.
    pub tls: bool,
    /// The session's id.
    pub session: &'a str,
}

impl fmt::Display for Rip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.method.is_empty() {
            write!(f, "method={}, ", Name(self.method))?;
        }
        if let Some(ip) = self.remote {
            write!(f, "rip={}, ", ip.to_canonical())?;
        }
        if let Some(ip) = self.local {
            write!(f, "lip={}, ", ip.to_canonical())?;
        }
        Ok(())
    }
}

impl Rip<'_> {
    /// `TLS, ` or, where both ends are one host, `secured, `.
    fn security(&self) -> &'static str {
        match (self.tls, self.remote, self.local) {
            (true, ..) => "TLS, ",
            (false, Some(a), Some(b)) if a == b => "secured, ",
            (false, None, _) => "secured, ",
            _ => "",
        }
    }
}

/// `imap-login: Info: Login: user=<…>, method=…, rip=…, lip=…, mpid=…, TLS, session=<…>`
pub fn login(user: &str, rip: &Rip<'_>) {
    info(
        format_args!("{}-login", rip.service),
        format_args!(
            "Login: user=<{}>, {rip}mpid={}, {}session=<{}>",
            Name(user),
            std::process::id(),
            rip.security(),
            rip.session
        ),
    );
}

/// `imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<…>, …`
pub fn turned_away(reason: &str, user: &str, rip: &Rip<'_>) {
    let tail = if rip.tls {
        "TLS: Connection closed, "
    } else {
        rip.security()
    };
    info(
        format_args!("{}-login", rip.service),
        format_args!(
            "Disconnected: {reason}: user=<{}>, {rip}{tail}session=<{}>",
            Name(user),
            rip.session
        ),
    );
}

/// `imap-login: Info: Disconnected: Connection closed: SSL_accept() failed: … (no auth attempts in 0 secs): user=<>, …, \
/// TLS handshaking: SSL_accept() failed: …, session=<…>`
pub fn handshake(error: &io::Error, lasted: Duration, rip: &Rip<'_>) {
    let text = error.to_string();
    let failed = format!("SSL_accept() failed: {}", Clean(&text));
    let (how, shaking) = match Broken::of(error) {
        Broken::Closed => (
            "Connection closed".to_owned(),
            ": Connection closed".to_owned(),
        ),
        Broken::Late => ("Inactivity".to_owned(), String::new()),
        Broken::Refused => (
            format!("Connection closed: {failed}"),
            format!(": {failed}"),
        ),
    };
    info(
        format_args!("{}-login", rip.service),
        format_args!(
            "Disconnected: {how} (no auth attempts in {} secs): user=<>, {rip}TLS handshaking{shaking}, session=<{}>",
            lasted.as_secs(),
            rip.session
        ),
    );
}

/// `imap(user)<pid><session>: Info: Disconnected: …`
pub fn left(service: &str, user: &str, session: &str, line: fmt::Arguments<'_>) {
    info(
        format_args!(
            "{service}({})<{}><{session}>",
            Name(user),
            std::process::id()
        ),
        format_args!("Disconnected: {line}"),
    );
}

/// `lmtp(user)<pid><session>: Info: msgid=<…>: saved mail to INBOX`
pub fn saved(user: &str, session: &str, message_id: &str) {
    info(
        format_args!("lmtp({})<{}><{session}>", Name(user), std::process::id()),
        format_args!("msgid={}: saved mail to INBOX", Clean(message_id)),
    );
}
