//! The verbs of SMTP and LMTP.

use std::fmt;

/// A verb that a server of mailcore knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
#[allow(missing_docs)] // each is the word it names
pub enum Verb {
    Helo,
    Ehlo,
    Lhlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Etrn,
    Quit,
    XClient,
    XForward,
}

impl Verb {
    /// All of them, in the order in which Postfix counts them in its log.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::Helo, "HELO"),
        (Self::Ehlo, "EHLO"),
        (Self::Lhlo, "LHLO"),
        (Self::StartTls, "STARTTLS"),
        (Self::Auth, "AUTH"),
        (Self::Mail, "MAIL"),
        (Self::Rcpt, "RCPT"),
        (Self::Data, "DATA"),
        (Self::Bdat, "BDAT"),
        (Self::Rset, "RSET"),
        (Self::Noop, "NOOP"),
        (Self::Vrfy, "VRFY"),
        (Self::Etrn, "ETRN"),
        (Self::Quit, "QUIT"),
        (Self::XClient, "XCLIENT"),
        (Self::XForward, "XFORWARD"),
    ];

    /// The verb that a word names, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let named = Self::ALL
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(word));
        named.map(|(verb, _)| *verb)
    }

    /// The word, upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(verb, _)| *verb == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether a client must wait for the answer before it sends anything more (RFC 2920 §3.1, and the
    /// verbs after which both sides' state is new).
    #[must_use]
    pub fn ends_group(self) -> bool {
        !matches!(self, Self::Mail | Self::Rcpt | Self::Bdat | Self::Rset)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
