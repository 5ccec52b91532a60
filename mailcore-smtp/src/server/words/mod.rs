//! What is said to a client. The flavour decides in whose words; nobody else knows any.

mod lmtp;
mod smtp;

use super::options::Flavour;
use mailcore_base::{
    address::ParseError,
    reply::{Code, EnhancedStatus, Reply},
};

/// Occasions to say something; the list serves the test that all of them have words.
macro_rules! occasions {
    ($($name:ident,)*) => {
        /// An occasion to say something.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Say { $($name,)* }

        #[cfg(test)]
        const ALL: &[Say] = &[$(Say::$name,)*];
    };
}

occasions! {
    AccessDenied, Aborted, AttributeSyntax, AttributeWithoutValue, AlreadyLoggedIn, AuthEncryption, AuthFailed, AuthMechanism,
    AuthNotEnabled, AuthOk, AuthSyntax, AuthTemporary, AuthWeak, BadAttribute, BadBase64,
    BadBase64Initial, BadParameter, BadRcptParameter, BadSize, BadSyntax, BadUtf8,
    BareNewline, BadVerify, BdatEnd, BdatSyntax, Bye, ChunkOk, DataAfterBdat, DataOk, DataSyntax, EtrnBad, EtrnBusy,
    EtrnNeedHello, EtrnOk, EtrnSyntax, EtrnUnavailable, GoAhead, HeaderTooBig,
    HelloSyntax, InTransaction, Insufficient, LineTooLong, MailOk, MailSyntax, NeedHello,
    NeedMail, NeedMailForData, NeedTls, NestedMail, NoRecipients, NonSmtp, NullChunk, NullRecipient, Ok,
    Queued, QueuedChunk, RcptAfterBdat, RcptOk, RcptSyntax, RsetSyntax,
    ShuttingDown, SizeExceeded, SpaceBeforePath, StartTls, StartTlsSyntax, Synchronisation, Timeout,
    TlsActive, NotImplemented, TooBig, TooBigChunk, TooManyErrors, TooManyRecipients,
    UnicodeUndeclared, Unknown, UnknownAttribute, Unsupported, VerifyDisabled, VerifyOk, VerifySyntax, QuitSyntax,
}

impl Flavour {
    /// The reply for an occasion; `{host}` and `{0}`, `{1}` in the words stand for what is given.
    pub(super) fn say(self, say: Say, host: &str, given: &[&str]) -> Reply {
        let words = match self {
            Self::Smtp => smtp::words(say),
            Self::Lmtp => lmtp::words(say),
        };
        if !words.contains('{') {
            return parse(words);
        }
        let mut text = words.replace("{host}", host);
        for (n, value) in given.iter().enumerate().take(2) {
            text = text.replace(["{0}", "{1}"][n], value);
        }
        parse(&text)
    }

    /// The reply to an address that is none.
    pub(super) fn bad_path(self, keyword: &str, error: ParseError) -> Reply {
        match self {
            Self::Smtp => parse(smtp::bad_path(keyword, error)),
            Self::Lmtp => parse(&format!(
                "501 5.5.4 Invalid {keyword}: {}",
                lmtp::bad_path(error)
            )),
        }
    }
}

fn parse(words: &str) -> Reply {
    let unsayable = || Reply::new(Code::LOCAL_ERROR, EnhancedStatus::new(4, 3, 0), "Error");
    words.parse().unwrap_or_else(|_| unsayable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occasion_has_words_that_are_a_reply() {
        for &say in ALL {
            for words in [smtp::words(say), lmtp::words(say)] {
                assert!(words.parse::<Reply>().is_ok(), "{words}");
            }
        }
    }
}
