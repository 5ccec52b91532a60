//! A message's keys as octets: compared one by one, they compare as the messages do.
//!
//! A number is eight octets, the highest first; a text ends with a zero, which is in none. Reversed, each octet is
//! turned over. No key is the beginning of another one's for the same criteria, so that the next key follows.

use super::{By, Criterion, Message, Subject};
use mailcore_base::casemap::casemap;
use mailcore_base::date::DateTime;
use mailcore_base::message::{Address, Domain, Fields, Mailbox, decode_words, parse_addresses};
use std::borrow::Cow;

/// Octets of a field that are looked at.
const FIELD: usize = 64 * 1024;

/// Writes a message's key.
pub(super) fn write(
    out: &mut Vec<u8>,
    criterion: Criterion,
    message: &Message<'_>,
    longest: usize,
) {
    let start = out.len();
    match criterion.by {
        By::Arrival => number(out, message.received.seconds),
        By::Size => number(out, i64::try_from(message.size).unwrap_or(i64::MAX)),
        By::Date => number(out, date(message).seconds),
        By::Subject => text(out, Subject::of(message.header).base(), longest),
        By::From => text(out, &local(message.header, "from"), longest),
        By::To => text(out, &local(message.header, "to"), longest),
        By::Cc => text(out, &local(message.header, "cc"), longest),
        By::DisplayFrom => text(out, &displayed(message.header, "from"), longest),
        By::DisplayTo => text(out, &displayed(message.header, "to"), longest),
    }
    if criterion.reverse {
        for octet in out.get_mut(start..).unwrap_or_default() {
            *octet = !*octet;
        }
    }
}

/// Copies the key that is first in `keys`, its text cut, and gives what follows it.
pub(super) fn copy<'k>(
    out: &mut Vec<u8>,
    criterion: Criterion,
    keys: &'k [u8],
    longest: usize,
) -> &'k [u8] {
    let end = if criterion.reverse { !0 } else { 0 };
    let (key, text, rest) = if criterion.by.is_number() {
        let (key, rest) = keys.split_at(keys.len().min(8));
        (key, None, rest)
    } else {
        let length = memchr::memchr(end, keys).unwrap_or(keys.len());
        let (key, rest) = keys.split_at(length);
        let key = key.get(..longest).unwrap_or(key);
        (key, Some(end), rest.get(1..).unwrap_or_default())
    };
    out.extend_from_slice(key);
    out.extend(text);
    rest
}

fn number(out: &mut Vec<u8>, number: i64) {
    // The sign turned over, negative numbers come first.
    let number = number.cast_unsigned() ^ (1 << 63);
    out.extend_from_slice(&number.to_be_bytes());
}

fn text(out: &mut Vec<u8>, text: &str, longest: usize) {
    let text = text.as_bytes();
    let text = text.get(..longest).unwrap_or(text);
    out.extend(text.iter().map(|octet| (*octet).max(1)));
    out.push(0);
}

/// When a message was sent (RFC 5256 §2.2): its `Date`; where that cannot be read, when it came.
pub(crate) fn date(message: &Message<'_>) -> DateTime {
    let field = first_field(message.header, "date");
    let sent = field.and_then(|value| DateTime::parse(&value).ok());
    sent.unwrap_or(message.received)
}

/// The value of the first field of that name, folds undone and the first 64 KiB of it.
pub(crate) fn first_field<'h>(header: &'h [u8], name: &str) -> Option<Cow<'h, [u8]>> {
    let field = Fields::new(header).named(name).next()?;
    Some(match field.value() {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(..FIELD).unwrap_or(value)),
        Cow::Owned(mut value) => {
            value.truncate(FIELD);
            Cow::Owned(value)
        }
    })
}

fn first_address(header: &[u8], name: &str) -> Option<Address> {
    let value = first_field(header, name)?;
    parse_addresses(&value, 1).into_iter().next()
}

/// The local part of the first address, or the name of the group that begins there (RFC 5256 §3).
fn local(header: &[u8], name: &str) -> String {
    let local = match first_address(header, name) {
        Some(Address::Mailbox(mailbox)) => mailbox.local.unwrap_or_else(missing),
        Some(Address::GroupStart(group)) => group,
        _ => return String::new(),
    };
    casemap(&String::from_utf8_lossy(&local))
}

/// What stands in an ENVELOPE, and so here, for a local part that is not there.
fn missing() -> Vec<u8> {
    b"MISSING_MAILBOX".to_vec()
}

/// The display name of the first address, decoded; where it has none, the address (RFC 5957 §3).
fn displayed(header: &[u8], name: &str) -> String {
    let shown = match first_address(header, name) {
        Some(Address::Mailbox(mailbox)) => {
            let name = mailbox.name.as_deref().map(decode_words);
            match name.filter(|name| !name.is_empty()) {
                Some(name) => name,
                None => address(mailbox),
            }
        }
        Some(Address::GroupStart(group)) => decode_words(&group),
        _ => return String::new(),
    };
    casemap(&shown)
}

fn address(mailbox: Mailbox) -> String {
    let mut address = mailbox.local.unwrap_or_else(missing);
    address.push(b'@');
    address.extend_from_slice(match &mailbox.domain {
        Domain::Named(domain) => domain,
        Domain::Missing => b"MISSING_DOMAIN",
        Domain::Broken => b"SYNTAX_ERROR",
    });
    String::from_utf8_lossy(&address).into_owned()
}
