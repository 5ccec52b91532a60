//! How far a conversation had come.

use std::fmt;

/// A stage of the conversation. It shows itself in the words that follow `lost connection with HOST while`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The peer has not greeted us.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// LHLO.
    Lhlo,
    /// STARTTLS and the handshake behind it.
    StartTls,
    /// AUTH.
    Auth,
    /// Nothing was being said.
    Idle,
    /// RSET before a message, to make sure that the connection still stands and nothing is left of the last one.
    Probe,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The content.
    Body,
    /// The end of the content: what has become of the message is not known.
    EndOfData,
    /// QUIT.
    Quit,
}

impl Stage {
    /// What was being done.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Self::Greeting => "receiving the initial server greeting",
            Self::Ehlo => "performing the EHLO handshake",
            Self::Helo => "performing the HELO handshake",
            Self::Lhlo => "performing the LHLO handshake",
            Self::StartTls => "receiving the STARTTLS response",
            Self::Auth => "performing SASL authentication",
            Self::Idle => "waiting for the next message",
            Self::Probe => "sending RSET probe",
            Self::Mail => "sending MAIL FROM",
            Self::Rcpt => "sending RCPT TO",
            Self::Data => "sending DATA command",
            Self::Body => "sending message body",
            Self::EndOfData => "sending end of data -- message may be sent more than once",
            Self::Quit => "sending QUIT",
        }
    }

    /// What a reply was a reply to, as in `(in reply to RCPT TO command)`.
    #[must_use]
    pub fn request(self) -> &'static str {
        match self {
            Self::Greeting => "connection",
            Self::Ehlo => "EHLO command",
            Self::Helo => "HELO command",
            Self::Lhlo => "LHLO command",
            Self::StartTls => "STARTTLS command",
            Self::Auth => "AUTH command",
            Self::Idle => "nothing",
            Self::Probe => "RSET command",
            Self::Mail => "MAIL FROM command",
            Self::Rcpt => "RCPT TO command",
            Self::Data => "DATA command",
            Self::Body | Self::EndOfData => "end of DATA command",
            Self::Quit => "QUIT command",
        }
    }

    /// Whether nothing had been said of any message.
    #[must_use]
    pub fn is_before_mail(self) -> bool {
        self <= Self::Probe
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.doing())
    }
}
