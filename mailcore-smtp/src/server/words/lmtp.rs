//! Dovecot 2.3's words, as its LMTP server says them on the wire. Occasions that its LMTP does not know (a
//! header limit, XFORWARD) are worded in its manner.

use super::Say;
use mailcore_base::address::ParseError;

pub(super) fn words(say: Say) -> &'static str {
    match say {
        Say::AccessDenied => "503 5.7.0 Access denied",
        Say::Aborted => "501 5.7.0 Authentication aborted by client.",
        Say::AlreadyLoggedIn => "503 5.5.0 Already authenticated",
        Say::AuthEncryption => {
            "538 5.7.0 Encryption required for requested authentication mechanism"
        }
        Say::AuthFailed => "535 5.7.8 Authentication failed: {0}",
        Say::AuthMechanism => "504 5.5.4 Unsupported authentication mechanism",
        Say::AuthNotEnabled => "502 5.5.1 Unsupported command",
        Say::AuthOk => "235 2.7.0 Logged in.",
        Say::AuthSyntax
        | Say::DataSyntax
        | Say::MailSyntax
        | Say::AttributeSyntax
        | Say::AttributeWithoutValue
        | Say::UnknownAttribute
        | Say::QuitSyntax
        | Say::RcptSyntax
        | Say::RsetSyntax
        | Say::StartTlsSyntax
        | Say::VerifySyntax
        | Say::EtrnSyntax => "501 5.5.4 Invalid parameters",
        Say::AuthTemporary => "454 4.7.0 Temporary authentication failure: {0}",
        Say::AuthWeak => "534 5.7.9 Authentication mechanism is too weak",
        Say::BadAttribute => "501 5.5.4 Invalid {0} parameter: {1}",
        Say::BadBase64 | Say::BadBase64Initial => "501 5.5.2 Invalid Base64 data in AUTH response",
        Say::BdatEnd => "501 5.5.4 Invalid end marker parameter",
        Say::BdatSyntax => "501 5.5.4 Invalid chunk size parameter",
        Say::BadParameter | Say::BadRcptParameter => "501 5.5.4 Invalid {0} parameter value",
        Say::BadSize => "501 5.5.4 Unsupported SIZE parameter value",
        Say::BadSyntax | Say::Unknown => "500 5.5.1 Unknown command",
        Say::BadUtf8 => "500 5.5.2 Invalid command syntax",
        Say::BareNewline => "550 5.5.2 {host} Bare LF received",
        Say::BadVerify => "501 5.5.4 Invalid parameters",
        Say::Bye => "221 2.0.0 Bye",
        Say::ChunkOk => "250 2.0.0 Added {0} octets",
        Say::DataAfterBdat => "503 5.5.0 DATA not allowed after BDAT",
        Say::DataOk => "354 OK",
        Say::EtrnBad | Say::EtrnBusy | Say::EtrnNeedHello | Say::EtrnUnavailable => {
            "502 5.5.1 Unsupported command"
        }
        Say::EtrnOk => "250 2.0.0 OK",
        Say::GoAhead => "334 {0}",
        Say::HeaderTooBig => "552 5.3.4 Message header too big",
        Say::HelloSyntax => "501 Missing hostname",
        Say::InTransaction => "503 5.5.0 MAIL already given",
        Say::Insufficient => "550 5.7.14 You are not from trusted IP",
        Say::LineTooLong => "500 5.5.2 Line too long",
        Say::MailOk => "250 2.1.0 OK",
        Say::NeedHello => "503 5.5.0 LHLO needed first",
        Say::NeedMail | Say::NeedMailForData => "503 5.5.0 MAIL needed first",
        Say::NeedTls => "530 5.7.0 TLS required.",
        Say::NestedMail => "503 5.5.0 MAIL already given",
        Say::NoRecipients => "503 5.5.0 No valid recipients",
        Say::NonSmtp => "500 5.5.1 Unknown command",
        Say::NullChunk => "250 2.0.0 Added 0 octets",
        Say::NullRecipient => "501 5.5.4 Invalid TO: Null path not allowed",
        Say::Ok => "250 2.0.0 OK",
        Say::Queued | Say::QueuedChunk => "250 2.0.0 <{1}> {0} Saved",
        Say::RcptAfterBdat => "503 5.5.0 RCPT not allowed after BDAT",
        Say::RcptOk => "250 2.1.5 OK",
        Say::ShuttingDown => "421 4.3.2 {host} Shutting down",
        Say::SizeExceeded | Say::TooBig | Say::TooBigChunk => {
            "552 5.3.4 Message size exceeds administrative limit"
        }
        Say::SpaceBeforePath => "501 5.5.4 Invalid {0}: Unexpected whitespace before path",
        Say::StartTls => "220 2.0.0 Begin TLS negotiation now.",
        Say::Synchronisation => "554 5.5.0 Protocol synchronization error",
        Say::Timeout => "421 4.4.2 {host} Disconnected for inactivity",
        Say::TlsActive => "502 5.5.1 TLS is already active.",
        Say::NotImplemented => "502 5.5.1 Unsupported command",
        Say::TooManyErrors => "421 4.7.0 {host} Too many invalid commands.",
        Say::TooManyRecipients => "451 4.5.3 Too many recipients",
        Say::UnicodeUndeclared => "553 5.6.7 SMTPUTF8 needed for this address",
        Say::Unsupported => "555 5.5.4 Unsupported parameters",
        Say::VerifyDisabled | Say::VerifyOk => "252 2.3.3 Try RCPT instead",
    }
}

pub(super) fn bad_path(error: ParseError) -> &'static str {
    match error {
        ParseError::Empty => "Path is empty string",
        ParseError::Brackets => "Missing '>' at end of path",
        ParseError::Route => "Invalid source route",
        ParseError::NotAscii => "Invalid character in path",
        ParseError::TooLong => "Path too long",
        ParseError::Domain | ParseError::Literal | ParseError::NoDomain => "Invalid domain in path",
        _ => "Invalid character in localpart",
    }
}
