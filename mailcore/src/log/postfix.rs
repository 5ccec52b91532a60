//! Lines in Postfix's form: `postfix/smtpd[pid]: text`.

use super::{Clean, Client};
use mailcore_base::login::TlsFacts;
use std::fmt;
use std::io;
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

/// `SSL_accept error from …: lost connection`, and what the TLS library says where it was that.
pub fn handshake(program: &str, client: &Client, error: &io::Error) {
    let how = match super::Broken::of(error) {
        super::Broken::Closed => "lost connection",
        super::Broken::Late => "Connection timed out",
        super::Broken::Refused => "-1",
    };
    info(
        program,
        format_args!("SSL_accept error from {client}: {how}"),
    );
    if how == "-1" {
        let error = error.to_string();
        warning(
            program,
            format_args!("TLS library problem: {}", Clean(&error)),
        );
    }
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
    /// How long it took since the message came, in parts.
    pub delays: Delays,
    /// The enhanced status.
    pub dsn: &'a str,
    /// `sent`, `deferred`, `bounced` …
    pub status: &'a str,
    /// In the words of whoever took or refused it.
    pub text: &'a str,
}

/// The parts of a message's delay: `delays=a/b/c/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delays {
    /// From its arrival until it was taken up for delivery.
    pub incoming: Duration,
    /// From there until this delivery began.
    pub active: Duration,
    /// Connecting, greeting, TLS.
    pub setup: Duration,
    /// The transmission itself.
    pub transmission: Duration,
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.incoming + self.active + self.setup + self.transmission;
        write!(
            f,
            "delay={}, delays={}/{}/{}/{}",
            Seconds(total),
            Seconds(self.incoming),
            Seconds(self.active),
            Seconds(self.setup),
            Seconds(self.transmission)
        )
    }
}

/// `ID: to=<…>, orig_to=<…>, relay=…, delay=…, delays=a/b/c/d, dsn=…, status=sent (…)`
pub fn delivered(program: &str, d: Delivered<'_>) {
    let original = d
        .original
        .map(|o| format!(" orig_to=<{}>,", Clean(o)))
        .unwrap_or_default();
    info(
        program,
        format_args!(
            "{}: to=<{}>,{original} relay={}, {}, dsn={}, status={} ({})",
            d.id,
            Clean(d.to),
            Clean(d.relay),
            d.delays,
            d.dsn,
            d.status,
            Clean(d.text)
        ),
    );
}

/// Seconds with two significant digits, as Postfix's delays are written.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            s if s < 0.005 => f.write_str("0"),
            s if s < 0.1 => write!(f, "{s:.2}"),
            s if s < 10.0 => write!(f, "{s:.1}"),
            s => write!(f, "{s:.0}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_written_with_two_digits() {
        let delays = Delays {
            incoming: Duration::from_millis(12),
            active: Duration::from_millis(1),
            setup: Duration::from_millis(340),
            transmission: Duration::from_secs(125),
        };
        assert_eq!(delays.to_string(), "delay=125, delays=0.01/0/0.3/125");
    }
}
