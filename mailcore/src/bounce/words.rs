//! The part of a report that people read. Postfix's words, since programs look for them.

use super::choose::Told;
use super::fold::{Charset, write_line};
use super::{Addressee, Kind, Options};
use crate::deliver::Action;
use std::time::Duration;

const FAILURE: &str = "\
I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.
";

const WARNING: &str = "\
####################################################################
# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #
####################################################################
";

const ASSISTANCE: &str = "
For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.
";

const SUCCESS: &str = "\
Your message was successfully delivered to the destination(s)
listed below. If the message was delivered to mailbox you will
receive no further notifications. Otherwise you may still receive
notifications of mail delivery errors from other systems.
";

const SIGNED: &str = "\n                   The mail system\n";

/// The subject.
pub(super) fn subject(kind: Kind, to: Addressee) -> &'static str {
    match (to, kind) {
        (Addressee::Sender, Kind::Failure) => "Undelivered Mail Returned to Sender",
        (Addressee::Sender, Kind::Delay) => "Delayed Mail (still being retried)",
        (_, Kind::Success) => "Successful Mail Delivery Report",
        (Addressee::Postmaster, Kind::Failure) => "Postmaster Copy: Undelivered Mail",
        (Addressee::Postmaster, Kind::Delay) => "Postmaster Warning: Delayed Mail",
    }
}

/// Writes the text: what happened, then a paragraph for each recipient. A postmaster needs no explanations.
pub(super) fn write(
    options: &Options,
    kind: Kind,
    to: Addressee,
    told: &[Told<'_>],
    out: &mut Vec<u8>,
) {
    if to == Addressee::Sender {
        let host = options.hostname.as_ascii();
        let greeting = format!("This is the mail system at host {host}.\n\n");
        crlf(&greeting, out);
        crlf(&explanation(options, kind), out);
        crlf(SIGNED, out);
    }
    for told in told {
        out.extend_from_slice(b"\r\n");
        write_line(&paragraph(told), Charset::Utf8, out);
    }
}

fn explanation(options: &Options, kind: Kind) -> String {
    match kind {
        Kind::Failure => FAILURE.to_owned(),
        Kind::Success => SUCCESS.to_owned(),
        Kind::Delay => {
            let whole = |span: Duration, unit: u64| span.as_secs() / unit;
            let late = whole(options.warning, 60 * 60);
            let lifetime = whole(options.lifetime, 24 * 60 * 60);
            format!(
                "{WARNING}\nYour message could not be delivered for more than {late} hour(s).\n\
                 It will be retried until it is {lifetime} day(s) old.\n{ASSISTANCE}"
            )
        }
    }
}

/// `<final> (expanded from <original>): why`
fn paragraph(told: &Told<'_>) -> String {
    let path = &told.recipient.path;
    let expanded = match &told.recipient.original {
        Some(original) if original != path => format!(" (expanded from <{original}>)"),
        _ => String::new(),
    };
    format!("<{path}>{expanded}: {}", reason(told))
}

/// What the log said of it; of what was delivered also by what.
pub(super) fn reason(told: &Told<'_>) -> String {
    let fate = told.fate;
    match fate.action {
        Action::Delivered | Action::Relayed { .. } if fate.relay != "none" => {
            format!("delivery via {}: {}", fate.relay, fate.text)
        }
        _ => fate.text.clone(),
    }
}

fn crlf(text: &str, out: &mut Vec<u8>) {
    for line in text.lines() {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}
