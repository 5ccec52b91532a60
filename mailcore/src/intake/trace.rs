//! The trace fields in front of a message (RFC 5321 §4.4): Received when it comes; Return-Path, Delivered-To and
//! X-Original-To when it is put into a mailbox.

use crate::reception::{Role, Visit};
use mailcore_base::address::ReversePath;
use mailcore_base::date::DateTime;
use std::io::Write as _;

/// What a Received field says besides the connection.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The name of this server.
    pub hostname: &'a str,
    /// Where reports go.
    pub sender: &'a ReversePath,
    /// The recipient as the client gave it; none where telling it would tell one recipient of another.
    pub recipient: Option<&'a str>,
    /// Whether the client said SMTPUTF8.
    pub smtputf8: bool,
    /// The message's id.
    pub id: &'a str,
    /// When it came.
    pub now: DateTime,
}

/// What is written in front of a message as it is put into a mailbox, whichever way it came.
#[derive(Debug, Clone, Copy)]
pub struct Final<'a> {
    /// Where reports go.
    pub sender: &'a ReversePath,
    /// The recipient as the client gave it, where the mailbox is another's by an alias.
    pub original: Option<&'a str>,
    /// The mailbox's user.
    pub user: &'a str,
}

/// Writes Return-Path, X-Original-To and Delivered-To, with CRLF line ends.
pub fn write_final(trace: Final<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = match trace.sender {
        ReversePath::Null => write!(out, "Return-Path: <>\r\n"),
        sender => write!(out, "Return-Path: <{sender}>\r\n"),
    };
    if let Some(original) = trace.original {
        let _ = write!(out, "X-Original-To: {original}\r\n");
    }
    let _ = write!(out, "Delivered-To: {}\r\n", trace.user);
}

/// Writes the Received field of mail from a client, with CRLF line ends.
pub fn write_received(visit: &Visit, trace: Received<'_>, out: &mut Vec<u8>) {
    match visit.role {
        Role::Lmtp => lmtp(visit, trace, out),
        _ => smtp(visit, trace, out),
    }
}

/// Writes the Received field of mail that this server itself has written: `by HOST (mailcore) id ID`.
pub fn write_received_own(hostname: &str, id: &str, now: DateTime, out: &mut Vec<u8>) {
    let _ = write!(out, "Received: by {hostname} (mailcore)\r\n\tid {id}; ");
    now.write_to(out);
    out.extend_from_slice(b"\r\n");
}

/// `Received: from helo (name [address])` and so on, as Postfix writes it.
fn smtp(visit: &Visit, trace: Received<'_>, out: &mut Vec<u8>) {
    let hello = hello(visit);
    let address = visit.client.address.map_or_else(
        || "127.0.0.1".to_owned(),
        |ip| match ip {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            // RFC 5321 §4.1.3: an address literal says that it is IPv6.
            std::net::IpAddr::V6(ip) => format!("IPv6:{ip}"),
        },
    );
    let _ = write!(
        out,
        "Received: from {hello} ({} [{address}])\r\n",
        visit.client.name()
    );
    if let Some(tls) = &visit.tls {
        let _ = write!(
            out,
            "\t(using {} with cipher {} ({bits}/{bits} bits))\r\n",
            tls.version,
            tls.cipher,
            bits = tls.bits
        );
    }
    if let Some(login) = &visit.login {
        let _ = write!(
            out,
            "\t(Authenticated sender: {})\r\n",
            comment(&login.name)
        );
    }
    let _ = write!(
        out,
        "\tby {} (mailcore) with {} id {}",
        trace.hostname,
        protocol(visit, trace.smtputf8),
        trace.id
    );
    if trace.recipient.is_none() {
        // As Postfix folds it.
        out.extend_from_slice(b";\r\n\t");
        trace.now.write_to(out);
        return out.extend_from_slice(b"\r\n");
    }
    finish(trace, out);
}

/// The short form that Dovecot's LMTP writes.
fn lmtp(visit: &Visit, trace: Received<'_>, out: &mut Vec<u8>) {
    let hello = hello(visit);
    let sender = match trace.sender {
        ReversePath::Null => String::new(),
        sender => sender.to_string(),
    };
    let _ = write!(
        out,
        "Received: from {hello}\r\n\tby {} with {}\r\n\tid {}\r\n\t(envelope-from <{sender}>)",
        trace.hostname,
        protocol(visit, false),
        trace.id
    );
    finish(trace, out);
}

/// What the client calls itself, without what has a meaning in a Received field (as Postfix has it).
fn hello(visit: &Visit) -> String {
    let name = visit.hello.as_ref().map_or("unknown", |h| h.as_str());
    let special = |c: char| "<>()\\\";@,".contains(c) || c.is_whitespace();
    name.chars()
        .map(|c| if special(c) { '?' } else { c })
        .collect()
}

fn finish(trace: Received<'_>, out: &mut Vec<u8>) {
    if let Some(recipient) = trace.recipient {
        let _ = write!(out, "\r\n\tfor <{recipient}>");
    }
    out.extend_from_slice(b"; ");
    trace.now.write_to(out);
    out.extend_from_slice(b"\r\n");
}

/// RFC 3848: the protocol, with S for TLS and A for a login. RFC 6531 §4.3: another word for SMTPUTF8.
fn protocol(visit: &Visit, smtputf8: bool) -> String {
    let word = match (visit.role, visit.extended, smtputf8) {
        (Role::Lmtp, ..) => "LMTP",
        (_, false, _) => return "SMTP".to_owned(),
        (_, true, false) => "ESMTP",
        (_, true, true) => "UTF8SMTP",
    };
    let secured = if visit.tls.is_some() { "S" } else { "" };
    let known = if visit.login.is_some() { "A" } else { "" };
    format!("{word}{secured}{known}")
}

/// Text inside a comment: what would end it is quoted.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| {
            if "()\\".contains(c) || c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect()
}
