//! The form of a report: `multipart/report; report-type=delivery-status` (RFC 6522) with three parts, for people, for
//! programs, and the message or its header.

use super::choose::Told;
use super::fold::Charset;
use super::{Addressee, Kind, Options, Report, Returned, Settled, date, status, words};
use bytes::Bytes;
use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use mailcore_base::address::{ForwardPath, ReversePath};
use mailcore_base::envelope::{Body, Envelope, Recipient};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters that a boundary may have (RFC 2046 §5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// A report that is to be written.
pub(super) struct Letter<'a> {
    pub(super) kind: Kind,
    pub(super) to: Addressee,
    pub(super) from: ReversePath,
    pub(super) path: ForwardPath,
    pub(super) returned: Returned,
    pub(super) told: &'a [Told<'a>],
}

/// Writes a report.
pub(super) fn compose(
    options: &Options,
    settled: &Settled<'_>,
    letter: Letter<'_>,
    now: SystemTime,
) -> Report {
    let charset = charset(settled, &letter);
    let boundary = boundary(options, settled, now);
    let mut text = Vec::new();
    words::write(options, letter.kind, letter.to, letter.told, &mut text);
    let mut report = Vec::new();
    status::write(
        options,
        settled,
        letter.kind,
        letter.told,
        charset,
        &mut report,
    );
    let envelope = envelope(settled, &letter, charset, text.is_ascii());
    let parts = vec![
        text_part(text),
        status_part(charset, report),
        returned_part(&letter, charset, settled),
    ];
    let root = MimePart {
        headers: header(options, &letter, &boundary, now),
        contents: BodyPart::Multipart(parts),
    };
    let mut written = Vec::new();
    root.write_part(&mut written);
    let (header, before, after) = cut(written, &boundary);
    Report {
        kind: letter.kind,
        to: letter.to,
        envelope,
        header,
        before,
        returned: letter.returned,
        after,
    }
}

/// RFC 6533 §3: UTF-8 stands in the fields of a report on mail that was sent with SMTPUTF8, and of no other.
fn charset(settled: &Settled<'_>, letter: &Letter<'_>) -> Charset {
    let global = settled.envelope.parameters.smtputf8 || !letter.path.to_string().is_ascii();
    match global {
        true => Charset::Utf8,
        false => Charset::Ascii,
    }
}

/// `QUEUEID.time/host`, in the characters that a boundary may have.
fn boundary(options: &Options, settled: &Settled<'_>, now: SystemTime) -> String {
    let host = options.hostname.as_ascii();
    let whole = format!("{}.{}/{host}", settled.id, seconds(now));
    let may = |c: &char| c.is_ascii_alphanumeric() || "'()+_,-./:=?".contains(*c);
    whole.chars().filter(may).take(LONGEST_BOUNDARY).collect()
}

/// The envelope of the report. It asks for 8BITMIME and SMTPUTF8 only where it needs them, so that it gets through.
fn envelope(settled: &Settled<'_>, letter: &Letter<'_>, charset: Charset, plain: bool) -> Envelope {
    let mut envelope = Envelope::new(letter.from.clone());
    envelope
        .recipients
        .push(Recipient::new(letter.path.clone()));
    envelope.parameters.smtputf8 = charset == Charset::Utf8;
    let eight = charset == Charset::Utf8
        || !plain
        || settled
            .envelope
            .parameters
            .body
            .is_some_and(|b| b != Body::SevenBit);
    envelope.parameters.body = eight.then_some(Body::EightBitMime);
    envelope
}

type Headers<'x> = Vec<(Cow<'x, str>, HeaderType<'x>)>;

/// The header; the intake adds a Message-ID.
fn header<'x>(
    options: &Options,
    letter: &Letter<'_>,
    boundary: &str,
    now: SystemTime,
) -> Headers<'x> {
    let mut sent = Vec::new();
    date(now).write_to(&mut sent);
    // RFC 3834 §5: what answers a message is a reply; what the postmaster gets answers none.
    let submitted = match letter.to {
        Addressee::Sender => "auto-replied",
        Addressee::Postmaster => "auto-generated",
    };
    let to = letter.path.clone().complete(&options.origin);
    let kind = ContentType::new("multipart/report")
        .attribute("report-type", "delivery-status")
        .attribute("boundary", boundary.to_owned());
    let raw = |name: &'static str, value: String| (Cow::from(name), Raw::new(value).into());
    vec![
        raw("Date", String::from_utf8_lossy(&sent).into_owned()),
        raw(
            "From",
            format!(
                "Mail Delivery System <MAILER-DAEMON@{}>",
                options.origin.as_ascii()
            ),
        ),
        raw("Subject", words::subject(letter.kind, letter.to).to_owned()),
        raw("To", to.to_string()),
        raw("Auto-Submitted", submitted.to_owned()),
        raw("MIME-Version", "1.0".to_owned()),
        (Cow::from("Content-Type"), kind.into()),
        raw("Content-Transfer-Encoding", "8bit".to_owned()),
    ]
}

/// A part whose octets stand as they are.
fn part<'x>(
    description: &'static str,
    kind: ContentType<'x>,
    encoding: &'static str,
    content: Vec<u8>,
) -> MimePart<'x> {
    MimePart::new(kind, content)
        .header("Content-Description", Raw::new(description))
        .transfer_encoding(encoding)
}

fn text_part<'x>(text: Vec<u8>) -> MimePart<'x> {
    let kind = ContentType::new("text/plain").attribute("charset", "utf-8");
    part("Notification", kind, "8bit", text)
}

fn status_part<'x>(charset: Charset, report: Vec<u8>) -> MimePart<'x> {
    let (kind, encoding) = match charset {
        Charset::Ascii => ("message/delivery-status", "7bit"),
        Charset::Utf8 => ("message/global-delivery-status", "8bit"),
    };
    part("Delivery report", ContentType::new(kind), encoding, report)
}

/// The part that the message goes into: empty but for its `Return-Path`.
fn returned_part<'x>(letter: &Letter<'_>, charset: Charset, settled: &Settled<'_>) -> MimePart<'x> {
    let description = match (letter.kind, letter.returned) {
        (Kind::Success, _) => "Message Headers",
        (_, Returned::Whole) => "Undelivered Message",
        (_, Returned::Header) => "Undelivered Message Headers",
    };
    let kind = match (letter.returned, charset) {
        (Returned::Whole, Charset::Ascii) => "message/rfc822",
        (Returned::Whole, Charset::Utf8) => "message/global",
        (Returned::Header, Charset::Ascii) => "text/rfc822-headers",
        (Returned::Header, Charset::Utf8) => "message/global-headers",
    };
    let path = format!("Return-Path: <{}>\r\n", settled.envelope.sender);
    part(
        description,
        ContentType::new(kind),
        "8bit",
        path.into_bytes(),
    )
}

/// Parts what was written: the header, the body up to the end of the last part, and what ends that.
fn cut(mut written: Vec<u8>, boundary: &str) -> (Bytes, Bytes, Bytes) {
    let end = format!("\r\n--{boundary}--\r\n");
    let last = written.len().saturating_sub(end.len());
    let after = written.split_off(last);
    let blank = memchr::memmem::find(&written, b"\r\n\r\n").map_or(0, |at| at + 2);
    let body = written.split_off(blank);
    let mut before = b"\r\nThis is a MIME-encapsulated message.\r\n".to_vec();
    before.extend_from_slice(&body);
    (written.into(), before.into(), after.into())
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
