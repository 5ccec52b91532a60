//! The part of a report that programs read: `message/delivery-status` (RFC 3464 §2), or `message/global-delivery-status`
//! (RFC 6533 §4).

use super::choose::Told;
use super::fold::{Charset, write_line};
use super::words::reason;
use super::{Kind, Options, Settled, date};
use crate::deliver::Action;
use mailcore_base::address::ReversePath;
use std::fmt::Write as _;
use std::time::SystemTime;

/// Writes the fields of the message, then those of each recipient.
pub(super) fn write(
    options: &Options,
    settled: &Settled<'_>,
    kind: Kind,
    told: &[Told<'_>],
    charset: Charset,
    out: &mut Vec<u8>,
) {
    let mut fields = Fields { charset, out };
    fields.message(options, settled);
    for told in told {
        fields.out.extend_from_slice(b"\r\n");
        fields.recipient(told);
        if kind == Kind::Delay {
            // RFC 3464 §2.3.9
            let until = settled.arrived.checked_add(options.lifetime);
            fields.date("Will-Retry-Until", until.unwrap_or(settled.arrived));
        }
    }
}

struct Fields<'o> {
    charset: Charset,
    out: &'o mut Vec<u8>,
}

impl Fields<'_> {
    /// RFC 3464 §2.2
    fn message(&mut self, options: &Options, settled: &Settled<'_>) {
        self.field(
            "Reporting-MTA",
            &format!("dns; {}", options.hostname.as_ascii()),
        );
        if let Some(id) = &settled.envelope.parameters.envelope_id {
            self.field("Original-Envelope-Id", id.as_str());
        }
        self.field("X-Postfix-Queue-ID", settled.id);
        let sender = match &settled.envelope.sender {
            ReversePath::Null => format!("MAILER-DAEMON@{}", options.hostname.as_ascii()),
            sender => sender.to_string(),
        };
        self.address("X-Postfix-Sender", None, "; ", &sender);
        self.date("Arrival-Date", settled.arrived);
    }

    /// RFC 3464 §2.3
    fn recipient(&mut self, told: &Told<'_>) {
        let (recipient, fate) = (told.recipient, told.fate);
        self.address("Final-Recipient", None, "; ", &recipient.path.to_string());
        match &recipient.parameters.original {
            Some(original) => {
                let (kind, address) = (Some(original.kind()), original.address());
                self.address("Original-Recipient", kind, ";", address);
            }
            None => {
                let original = recipient.original.as_ref().unwrap_or(&recipient.path);
                self.address("Original-Recipient", None, ";", &original.to_string());
            }
        }
        self.field("Action", action(fate.action));
        self.field("Status", &fate.status.to_string());
        match &fate.remote {
            Some(remote) => {
                self.field("Remote-MTA", &format!("dns; {}", remote.name));
                self.field("Diagnostic-Code", &format!("smtp; {}", remote.reply));
            }
            None => self.field("Diagnostic-Code", &format!("X-Postfix; {}", reason(told))),
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        write_line(&format!("{name}: {value}"), self.charset, self.out);
    }

    fn date(&mut self, name: &str, at: SystemTime) {
        let mut value = Vec::new();
        date(at).write_to(&mut value);
        self.field(name, &String::from_utf8_lossy(&value));
    }

    /// An address with its type; what is not said is `rfc822`, or `utf-8` where it must be (RFC 6533 §3).
    fn address(&mut self, name: &str, kind: Option<&str>, separator: &str, address: &str) {
        let plain = address.is_ascii();
        let kind = kind.unwrap_or(if plain { "rfc822" } else { "utf-8" });
        let address = match self.charset {
            Charset::Ascii if !plain => escaped(address),
            _ => address.to_owned(),
        };
        self.field(name, &format!("{kind}{separator}{address}"));
    }
}

/// RFC 3464 §2.3.3
fn action(action: Action) -> &'static str {
    match action {
        Action::Delivered => "delivered",
        Action::Relayed { .. } => "relayed",
        Action::Expanded => "expanded",
        Action::Failed => "failed",
        Action::Deferred => "delayed",
    }
}

/// RFC 6533 §3, utf-8-addr-xtext: how an address of UTF-8 is said in US-ASCII.
fn escaped(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for c in address.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '\\' | '+' | '=' | '\0'..=' ' | '\u{7f}'.. => write!(out, "\\x{{{:X}}}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out
}
