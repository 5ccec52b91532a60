//! What a listener can serve, and what follows from it alone: TLS from the start, the ALPN name. Opens nothing.

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// SMTP from other servers (25).
    Smtp,
    /// Submission with STARTTLS (587).
    Submission,
    /// Submission under TLS from the start (465).
    Submissions,
    /// LMTP (24, or a Unix socket).
    Lmtp,
    /// IMAP with STARTTLS (143).
    Imap,
    /// IMAP under TLS from the start (993).
    Imaps,
    /// POP3 with STLS (110).
    Pop3,
    /// POP3 under TLS from the start (995).
    Pop3s,
    /// Logins for other servers, by Dovecot's protocol (a Unix socket: `auth`).
    Auth,
    /// The directory of users for other programs, by Dovecot's protocol (a Unix socket: `auth-userdb`).
    Userdb,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Smtp,
        Self::Submission,
        Self::Submissions,
        Self::Lmtp,
        Self::Imap,
        Self::Imaps,
        Self::Pop3,
        Self::Pop3s,
        Self::Auth,
        Self::Userdb,
    ];

    /// What it is called where each listener stands for itself: as its port is in `/etc/services`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Imaps => "imaps",
            Self::Pop3s => "pop3s",
            other => other.service(),
        }
    }

    /// Whether TLS stands before the first word.
    pub(super) fn implicit_tls(self) -> bool {
        matches!(self, Self::Submissions | Self::Imaps | Self::Pop3s)
    }

    /// Whether a reception decides about what comes in here.
    pub(super) fn takes_mail(self) -> bool {
        matches!(
            self,
            Self::Smtp | Self::Submission | Self::Submissions | Self::Lmtp
        )
    }

    /// Whether TLS can stand there at all.
    pub(super) fn knows_tls(self) -> bool {
        !matches!(self, Self::Auth | Self::Userdb)
    }

    /// What logs call it: Postfix's names for services that take mail, Dovecot's for the others.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Lmtp => "lmtp",
            Self::Imap | Self::Imaps => "imap",
            Self::Pop3 | Self::Pop3s => "pop3",
            Self::Auth => "auth",
            Self::Userdb => "auth-userdb",
        }
    }

    /// The program that its lines are from where these are in Postfix's form.
    pub(super) fn smtpd(self) -> Option<&'static str> {
        match self {
            Self::Smtp => Some("postfix/smtpd"),
            Self::Submission => Some("postfix/submission/smtpd"),
            Self::Submissions => Some("postfix/submissions/smtpd"),
            _ => None,
        }
    }

    /// The ALPN name.
    pub(super) fn alpn(self) -> &'static str {
        match self {
            Self::Smtp | Self::Submission | Self::Submissions => "smtp",
            Self::Lmtp => "lmtp",
            Self::Imap | Self::Imaps => "imap",
            Self::Pop3 | Self::Pop3s => "pop3",
            Self::Auth | Self::Userdb => "",
        }
    }
}
