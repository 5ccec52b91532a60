//! Postfix's words, as its smtpd says them on the wire: tools and people match on them.

use super::Say;
use mailcore_base::address::ParseError;

pub(super) fn words(say: Say) -> &'static str {
    match say {
        Say::AccessDenied => "503 5.7.0 Error: access denied for {0}",
        Say::Aborted => "501 5.7.0 Authentication aborted",
        Say::AttributeSyntax => "501 5.5.4 Syntax: {0} attribute=value...",
        Say::AttributeWithoutValue => "501 5.5.4 Error: attribute=value expected",
        Say::UnknownAttribute => "501 5.5.4 Bad {0} attribute name: {1}",
        Say::AlreadyLoggedIn => "503 5.5.1 Error: already authenticated",
        Say::AuthEncryption => {
            "538 5.7.0 Encryption required for requested authentication mechanism"
        }
        Say::AuthFailed => "535 5.7.8 Error: authentication failed: {0}",
        Say::AuthMechanism => {
            "535 5.7.8 Error: authentication failed: Invalid authentication mechanism"
        }
        Say::AuthNotEnabled => "503 5.5.1 Error: authentication not enabled",
        Say::AuthOk => "235 2.7.0 Authentication successful",
        Say::AuthSyntax => "501 5.5.4 Syntax: AUTH mechanism",
        Say::AuthTemporary => "454 4.7.0 Temporary authentication failure: {0}",
        Say::AuthWeak => "534 5.7.9 Error: authentication mechanism is too weak",
        Say::BadAttribute => "501 5.5.4 Bad {0} syntax: {1}",
        Say::BadBase64 => {
            "535 5.7.8 Error: authentication failed: Invalid base64 data in continued response"
        }
        Say::BadBase64Initial => {
            "535 5.7.8 Error: authentication failed: Invalid base64 data in initial response"
        }
        Say::BdatEnd | Say::BdatSyntax => "521 5.5.4 Syntax: BDAT count [LAST]",
        Say::BadParameter => "501 5.5.4 Bad {0} parameter syntax",
        Say::BadRcptParameter => "501 5.5.4 Error: Bad {0} parameter syntax",
        Say::BadSize => "501 5.5.4 Bad message size syntax",
        Say::BadSyntax => "500 5.5.2 Error: bad syntax",
        Say::BadUtf8 => "500 5.5.2 Error: bad UTF-8 syntax",
        Say::BareNewline => "550 5.5.2 {host} Error: bare <LF> received",
        Say::BadVerify | Say::NullRecipient => "501 5.1.3 Bad recipient address syntax",
        Say::Bye => "221 2.0.0 Bye",
        Say::ChunkOk => "250 2.0.0 Ok: {0} bytes",
        Say::DataAfterBdat => "503 5.5.1 Error: DATA after BDAT",
        Say::DataOk => "354 End data with <CR><LF>.<CR><LF>",
        Say::DataSyntax => "501 5.5.4 Syntax: DATA",
        Say::EtrnBad => "501 Error: invalid parameter syntax",
        Say::EtrnBusy => "503 Error: MAIL transaction in progress",
        Say::EtrnNeedHello => "503 Error: send HELO/EHLO first",
        Say::EtrnOk => "250 Queuing started",
        Say::EtrnSyntax => "500 Syntax: ETRN domain",
        Say::EtrnUnavailable => "459 <{0}>: service unavailable",
        Say::GoAhead => "334 {0}",
        Say::HeaderTooBig => "552 5.3.4 Error: message header too big",
        Say::HelloSyntax => "501 Syntax: {0} hostname",
        Say::InTransaction => "503 5.5.1 Error: MAIL transaction in progress",
        Say::Insufficient => "550 5.7.0 Error: insufficient authorization",
        Say::LineTooLong => "500 5.5.2 Error: line too long",
        Say::MailOk => "250 2.1.0 Ok",
        Say::MailSyntax => "501 5.5.4 Syntax: MAIL FROM:<address>",
        Say::NeedHello => "503 5.5.1 Error: send HELO/EHLO first",
        Say::NeedMail => "503 5.5.1 Error: need MAIL command",
        Say::NeedMailForData => "503 5.5.1 Error: need RCPT command",
        Say::NeedTls => "530 5.7.0 Must issue a STARTTLS command first",
        Say::NestedMail => "503 5.5.1 Error: nested MAIL command",
        Say::NoRecipients => "554 5.5.1 Error: no valid recipients",
        Say::NonSmtp => "221 2.7.0 Error: I can break rules, too. Goodbye.",
        Say::NullChunk => "551 5.7.1 Null BDAT request",
        Say::Ok => "250 2.0.0 Ok",
        Say::Queued => "250 2.0.0 Ok: queued as {0}",
        Say::QueuedChunk => "250 2.0.0 Ok: {1} bytes queued as {0}",
        Say::QuitSyntax => "501 5.5.4 Syntax: QUIT",
        Say::RcptAfterBdat => "503 5.5.1 Error: RCPT after BDAT",
        Say::RcptOk => "250 2.1.5 Ok",
        Say::RcptSyntax => "501 5.5.4 Syntax: RCPT TO:<address>",
        Say::RsetSyntax => "501 5.5.4 Syntax: RSET",
        Say::ShuttingDown => "421 4.3.2 {host} Error: server is shutting down",
        Say::SizeExceeded => "552 5.3.4 Message size exceeds fixed limit",
        Say::SpaceBeforePath => "501 5.5.4 Syntax: {0}:<address>",
        Say::StartTls => "220 2.0.0 Ready to start TLS",
        Say::StartTlsSyntax => "501 5.5.4 Syntax: STARTTLS",
        Say::Synchronisation => "554 5.5.0 Error: SMTP protocol synchronization",
        Say::Timeout => "421 4.4.2 {host} Error: timeout exceeded",
        Say::TlsActive => "554 5.5.1 Error: TLS already active",
        Say::NotImplemented => "502 5.5.1 Error: command not implemented",
        Say::TooBig => "552 5.3.4 Error: message file too big",
        Say::TooBigChunk => "552 5.3.4 Chunk exceeds message size limit",
        Say::TooManyErrors => "421 4.7.0 {host} Error: too many errors",
        Say::TooManyRecipients => "452 4.5.3 Error: too many recipients",
        Say::UnicodeUndeclared => "553 5.6.7 Must declare SMTPUTF8 to permit unicode address",
        Say::Unknown => "500 5.5.2 Error: command not recognized",
        Say::Unsupported => "555 5.5.4 Unsupported option: {0}",
        Say::VerifyDisabled => "502 5.5.1 VRFY command is disabled",
        Say::VerifyOk => "252 2.0.0 {0}",
        Say::VerifySyntax => "501 5.5.4 Syntax: VRFY address [SMTPUTF8]",
    }
}

pub(super) fn bad_path(keyword: &str, error: ParseError) -> &'static str {
    match (keyword, error) {
        ("FROM", ParseError::Empty) => "501 5.5.4 Syntax: MAIL FROM:<address>",
        ("FROM", _) => "501 5.1.7 Bad sender address syntax",
        _ => "501 5.1.3 Bad recipient address syntax",
    }
}
