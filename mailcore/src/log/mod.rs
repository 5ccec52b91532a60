//! The mail log: what happens to a connection or a message, one line each, in the forms that administrators and
//! log analysers know. SMTP speaks Postfix's, LMTP, IMAP and POP3 speak Dovecot's.
//!
//! Lines are `tracing` events; time stamps, host name and where they go are the subscriber's. Nothing here
//! ever sees a password.

pub mod dovecot;
pub mod postfix;

use mailcore_base::envelope::breaks_line;
use std::fmt;
use std::io;
use std::net::IpAddr;

/// The target of lines in Postfix's form; their `program` field is `postfix/smtpd` and the like.
pub const POSTFIX: &str = "mailcore::log::postfix";
/// The target of lines in Dovecot's form; their `program` field is `imap-login`, `imap(user)<pid><session>` …
pub const DOVECOT: &str = "mailcore::log::dovecot";

/// Text from a peer, fit for a log: control characters and what ends a line or turns its direction become `?`, so
/// that no peer can begin a line of its own or have one read as another; bounded to [`Clean::LONGEST`] characters.
#[derive(Clone, Copy, Debug)]
pub struct Clean<'a>(pub &'a str);

impl Clean<'_> {
    /// Most characters of a peer's text in a log line.
    pub const LONGEST: usize = 512;
}

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for c in self.0.chars().take(Self::LONGEST) {
            f.write_char(if breaks_line(c) { '?' } else { c })?;
        }
        Ok(())
    }
}

/// A user name between `<` and `>` in a line of fields: [`Clean`], and what would end the field becomes `?` too, so that
/// nobody can write fields of his own (an address for a log analyser to ban, say).
#[derive(Debug)]
pub struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self
            .0
            .chars()
            .map(|c| if "<>,=".contains(c) { '?' } else { c })
            .collect();
        Clean(&text).fmt(f)
    }
}

/// How a TLS handshake came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// The peer went away.
    Closed,
    /// It took too long.
    Late,
    /// One side did not like what the other said.
    Refused,
}

impl Broken {
    fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe => Self::Closed,
            Kind::TimedOut => Self::Late,
            _ => Self::Refused,
        }
    }
}

/// A client as Postfix names it: `name[address]`, where the name is `unknown` unless it is vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The verified host name.
    pub name: Option<String>,
    /// The address; none for a Unix socket.
    pub address: Option<IpAddr>,
}

impl Client {
    /// A client of this address. Loopback addresses are `localhost`, as in every hosts file; others stay
    /// unknown until a resolver vouches for them.
    pub fn at(address: Option<IpAddr>) -> Self {
        let local = address.is_none_or(|ip| ip.to_canonical().is_loopback());
        Self {
            name: local.then(|| "localhost".to_owned()),
            address: address.map(|ip| ip.to_canonical()),
        }
    }

    /// The name, or `unknown`.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("unknown")
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(ip) => write!(f, "{}[{ip}]", Clean(self.name())),
            None => write!(f, "{}[127.0.0.1]", Clean(self.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_text_cannot_begin_a_line() {
        assert_eq!(
            Clean("a\r\nNov 20 forged\0\u{85}\u{2028}\u{202e}").to_string(),
            "a??Nov 20 forged????"
        );
        assert_eq!(Clean(&"x".repeat(9999)).to_string().len(), Clean::LONGEST);
    }

    #[test]
    fn a_user_name_cannot_end_its_field() {
        let name = "x>, rip=192.0.2.1, session=<y";
        assert_eq!(Name(name).to_string(), "x?? rip?192.0.2.1? session??y");
    }

    #[test]
    fn loopback_is_localhost_and_strangers_are_unknown() {
        assert_eq!(
            Client::at("127.0.0.1".parse().ok()).to_string(),
            "localhost[127.0.0.1]"
        );
        assert_eq!(
            Client::at("192.0.2.7".parse().ok()).to_string(),
            "unknown[192.0.2.7]"
        );
        assert_eq!(
            Client::at("::ffff:192.0.2.7".parse().ok()).to_string(),
            "unknown[192.0.2.7]"
        );
    }
}
