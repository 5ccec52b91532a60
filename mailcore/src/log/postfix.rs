//! Lines in Postfix's form: `postfix/smtpd[pid]: text`.

use super::{Clean, Client};
use mailcore_base::login::TlsFacts;
use std::fmt;
use std::time::Duration;

/// Emits a line of `program` (`postfix/smtpd`, `postfix/submission/smtpd`, `postfix/qmgr` …).
pub fn info(program: &str, line: fmt::Arguments<'_>) {
    tracing::info!(target: "mailcore::log::postfix", program, "{line}");
}

/// Emits a `warning: …` line.
pub fn warning(program: &str, line: fmt::Arguments<'_>) {
    tracing::warn!(target: "mailcore::log::postfix", program, "warning: {line}");
}

/// `Anonymous TLS connection established from …`
pub fn tls(program: &str, client: &Client, tls: &TlsFacts) {
    let trust = if tls.client_name.is_some() {
        "Trusted"
    } else {
        "Anonymous"
    };
    info(
        program,
        format_args!(
            "{trust} TLS connection established from {client}: {} with cipher {} ({bits}/{bits} bits)",
            tls.version,
            tls.cipher,
            bits = tls.bits
        ),
    );
}

/// Who a message is from, as the line for its acceptance says it.
#[derive(Debug, Clone, Copy)]
pub struct Accepted<'a> {
    /// The queue id.
    pub id: &'a str,
    /// The client.
    pub client: &'a Client,
    /// The SASL mechanism and user name, where the client has logged in.
    pub login: Option<(&'a str, &'a str)>,
}

/// `ID: client=…, sasl_method=…, sasl_username=…`
pub fn accepted(program: &str, a: Accepted<'_>) {
    match a.login {
        Some((method, user)) => info(
            program,
            format_args!(
                "{}: client={}, sasl_method={method}, sasl_username={}",
                a.id,
                a.client,
                Clean(user)
            ),
        ),
        None => info(program, format_args!("{}: client={}", a.id, a.client)),
    }
}

/// `ID: message-id=<…>`
pub fn message_id(id: &str, message_id: &str) {
    let message_id = if message_id.is_empty() {
        "<>"
    } else {
        message_id
    };
    info(
        "postfix/cleanup",
        format_args!("{id}: message-id={}", Clean(message_id)),
    );
}

/// `ID: from=<…>, size=…, nrcpt=… (queue active)`
pub fn active(id: &str, sender: &str, size: u64, recipients: usize) {
    info(
        "postfix/qmgr",
        format_args!(
            "{id}: from=<{}>, size={size}, nrcpt={recipients} (queue active)",
            Clean(sender)
        ),
    );
}

/// `ID: removed`
pub fn removed(id: &str) {
    info("postfix/qmgr", format_args!("{id}: removed"));
}

/// What became of one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The queue id.
    pub id: &'a str,
    /// The recipient delivered to.
    pub to: &'a str,
    /// The recipient as it was given, where it was another.
    pub original: Option<&'a str>,
    /// Where it went.
    pub relay: &'a str,
    /// Since the message came.
    pub delay: Duration,
    /// The enhanced status.
    pub dsn: &'a str,
    /// `sent`, `deferred`, `bounced` …
    pub status: &'a str,
    /// In the words of whoever took or refused it.
    pub text: &'a str,
}

/// `ID: to=<…>, orig_to=<…>, relay=…, delay=…, delays=a/b/c/d, dsn=…, status=sent (…)`
pub fn delivered(program: &str, d: Delivered<'_>) {
    let seconds = d.delay.as_secs_f64();
    let delay = Seconds(seconds);
    let original = d
        .original
        .map(|o| format!(" orig_to=<{}>,", Clean(o)))
        .unwrap_or_default();
    info(
        program,
        format_args!(
            "{}: to=<{}>,{original} relay={}, delay={delay}, delays={delay}/0/0/0, dsn={}, status={} ({})",
            d.id,
            Clean(d.to),
            d.relay,
            d.dsn,
            d.status,
            Clean(d.text)
        ),
    );
}

/// Seconds with two significant digits, as Postfix's delays are written.
struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s < 0.005 => f.write_str("0"),
            s if s < 0.1 => write!(f, "{s:.2}"),
            s if s < 10.0 => write!(f, "{s:.1}"),
            s => write!(f, "{s:.0}"),
        }
    }
}
