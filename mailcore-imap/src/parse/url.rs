//! IMAP URLs that name a message or a part of one (RFC 5092), as CATENATE has them (RFC 4469 §3): relative to this
//! server, or to the mailbox that is selected. Knows no mailbox and asks nobody.

use mailcore_base::mailbox::{MailboxName, Uid, UidValidity};
use mailcore_base::message::Section;
use std::num::NonZeroU32;
use std::ops::Range;

/// Longest URL that is read, in octets.
pub(crate) const LONGEST: usize = 8 * 1024;

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageUrl {
    /// None: the mailbox that is selected.
    pub(crate) mailbox: Option<MailboxName>,
    pub(crate) uid_validity: Option<UidValidity>,
    pub(crate) uid: Uid,
    pub(crate) section: Section,
    /// Octets of the section (RFC 4467 §3, `;PARTIAL=`); to the end if that is the highest number.
    pub(crate) range: Range<u64>,
}

impl MessageUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, in Dovecot's words where it has any.
    pub(crate) fn parse(text: &[u8], separator: char) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("Invalid IMAP URL: Too long");
        }
        let (mailbox, mut rest) = split_mailbox(text)?;
        let mailbox = match mailbox {
            b"" => None,
            name => {
                let name = decoded(name).ok_or(BAD_ENCODING)?;
                let name = MailboxName::parse_utf8(&name, separator);
                Some(name.map_err(|_| "Invalid IMAP URL: Invalid mailbox name")?)
            }
        };
        let mut uid_validity = None;
        if let Some(value) = parameter(&mut rest, b";UIDVALIDITY=") {
            let number = number(value).and_then(|n| u32::try_from(n).ok());
            let number = number.and_then(NonZeroU32::new);
            uid_validity = Some(UidValidity(number.ok_or("Invalid UIDVALIDITY")?));
        }
        rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let uid = parameter(&mut rest, b";UID=").ok_or("Invalid IMAP URL: Missing message UID")?;
        let uid = number(uid).and_then(|n| u32::try_from(n).ok());
        let uid = uid.and_then(Uid::new).ok_or("Invalid UID")?;
        let mut section = Section::default();
        if let Some(value) = parameter(&mut rest, b"/;SECTION=") {
            let value = decoded(value).ok_or(BAD_ENCODING)?;
            section = Section::parse(&value).map_err(|_| "Invalid section")?;
        }
        let mut range = 0..u64::MAX;
        if let Some(value) = parameter(&mut rest, b"/;PARTIAL=") {
            range = partial(value).ok_or("Invalid PARTIAL")?;
        }
        match rest {
            b"" => Ok(Self {
                mailbox,
                uid_validity,
                uid,
                section,
                range,
            }),
            // URLAUTH is not offered (RFC 4467).
            _ => Err("Invalid IMAP URL: Unsupported parameter"),
        }
    }
}

const BAD_ENCODING: &str = "Invalid IMAP URL: Invalid encoding";

/// The mailbox, still encoded, and the parameters. No mailbox: the one that is selected.
fn split_mailbox(text: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let scheme = text
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"+-.".contains(b)))
        .unwrap_or(text.len());
    if text.get(scheme) == Some(&b':') && scheme > 0 {
        let imap = text.get(..scheme).unwrap_or_default();
        return Err(match imap.eq_ignore_ascii_case(b"imap") {
            // RFC 4469 §3: URLs of other servers need not be taken.
            true => "Invalid IMAP URL: Relative URL required",
            false => "Invalid IMAP URL: Not an IMAP URL",
        });
    }
    if text.starts_with(b"//") {
        return Err("Invalid IMAP URL: Relative URL required");
    }
    let absolute = text.strip_prefix(b"/");
    let path = absolute.unwrap_or(text);
    let end = memchr::memchr(b';', path).unwrap_or(path.len());
    let (mailbox, rest) = path.split_at(end);
    let (mailbox, rest) = match mailbox.strip_suffix(b"/") {
        Some(mailbox) => (mailbox, rest),
        None => (mailbox, rest),
    };
    if absolute.is_some() && mailbox.is_empty() {
        return Err("Invalid IMAP URL: Missing mailbox name");
    }
    Ok((mailbox, rest))
}

/// The value behind this name, if it is next; it goes up to the next slash.
fn parameter<'t>(rest: &mut &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let there = rest
        .get(..name.len())
        .is_some_and(|there| there.eq_ignore_ascii_case(name));
    let value = rest.get(name.len()..).filter(|_| there)?;
    let end = memchr::memchr(b'/', value).unwrap_or(value.len());
    let (value, behind) = value.split_at(end);
    *rest = behind;
    Some(value)
}

fn number(text: &[u8]) -> Option<u64> {
    super::cursor::decimal(text)
}

/// `from` or `from.count`.
fn partial(text: &[u8]) -> Option<Range<u64>> {
    match memchr::memchr(b'.', text) {
        None => Some(number(text)?..u64::MAX),
        Some(dot) => {
            let from = number(text.get(..dot)?)?;
            let count = number(text.get(dot + 1..)?).filter(|n| *n > 0)?;
            Some(from..from.checked_add(count)?)
        }
    }
}

/// RFC 3986 §2.1: `%41` for an octet, which is never NUL.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(b) = bytes.next() {
        let octet = match b {
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b => *b,
        };
        out.push(Some(octet).filter(|octet| *octet != 0)?);
    }
    Some(out)
}

/// The URL as a response code can say it again: printable, without a bracket.
pub(crate) fn sayable(text: &[u8]) -> String {
    let mut out = String::new();
    for b in text.iter().take(LONGEST) {
        match b {
            b'!'..=b'~' if !b"[]".contains(b) => out.push(char::from(*b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::message::SectionText;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<MessageUrl, &'static str> {
        MessageUrl::parse(text.as_bytes(), '/')
    }

    fn uid(n: u32) -> Uid {
        Uid::new(n).unwrap()
    }

    #[test]
    fn a_url_names_a_message_or_a_part_of_it() {
        let url = read(
            "/Dr%C3%A4fts/a%20b;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2.MIME/;PARTIAL=7.10",
        );
        let url = url.unwrap();
        assert_eq!(url.mailbox.unwrap().to_string(), "Dräfts/a b");
        assert_eq!(url.uid_validity.map(|v| v.0.get()), Some(385_759_045));
        assert_eq!((url.uid, url.range), (uid(20), 7..17));
        assert_eq!(url.section.path.0, [1, 2]);
        assert_eq!(url.section.text, SectionText::Mime);
        let bare = read("/INBOX/;UID=1").unwrap();
        assert_eq!((bare.uid_validity, bare.range), (None, 0..u64::MAX));
        assert!(bare.mailbox.unwrap().is_inbox());
        let fields = read(";uid=3/;section=HEADER.FIELDS%20(Subject%20To)/;partial=4").unwrap();
        assert_eq!((fields.mailbox, fields.range), (None, 4..u64::MAX));
        let names = vec![b"SUBJECT".to_vec(), b"TO".to_vec()];
        assert_eq!(fields.section.text, SectionText::Fields(names));
    }

    #[test]
    fn what_names_no_message_here_is_refused_with_its_reason() {
        for (text, why) in [
            (
                "imap://a@b/INBOX/;UID=1",
                "Invalid IMAP URL: Relative URL required",
            ),
            (
                "//b/INBOX/;UID=1",
                "Invalid IMAP URL: Relative URL required",
            ),
            ("http://x/", "Invalid IMAP URL: Not an IMAP URL"),
            ("", "Invalid IMAP URL: Missing message UID"),
            ("/INBOX", "Invalid IMAP URL: Missing message UID"),
            (
                "/INBOX;UIDVALIDITY=1",
                "Invalid IMAP URL: Missing message UID",
            ),
            ("/;UID=1", "Invalid IMAP URL: Missing mailbox name"),
            ("/INBOX;UIDVALIDITY=0/;UID=1", "Invalid UIDVALIDITY"),
            ("/INBOX/;UID=0", "Invalid UID"),
            ("/INBOX/;UID=4294967296", "Invalid UID"),
            ("/INBOX/;UID=1/;SECTION=MIME", "Invalid section"),
            ("/INBOX/;UID=1/;PARTIAL=1.0", "Invalid PARTIAL"),
            (
                "/INBOX/;UID=1/;PARTIAL=9223372036854775808",
                "Invalid PARTIAL",
            ),
            ("/INBOX/;UID=1;URLAUTH=anonymous", "Invalid UID"),
            (
                "/INBOX/;UID=1/;URLAUTH=anonymous",
                "Invalid IMAP URL: Unsupported parameter",
            ),
            ("/a%0/;UID=1", "Invalid IMAP URL: Invalid encoding"),
            ("/a%00/;UID=1", "Invalid IMAP URL: Invalid encoding"),
            ("/a%FF/;UID=1", "Invalid IMAP URL: Invalid mailbox name"),
            ("/a//b/;UID=1", "Invalid IMAP URL: Invalid mailbox name"),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
        let long = format!("/{}/;UID=1", "a".repeat(LONGEST));
        assert_eq!(read(&long), Err("Invalid IMAP URL: Too long"));
    }

    proptest! {
        #[test]
        fn no_url_breaks_a_reply(text in proptest::collection::vec(0u8..=255, 0..60)) {
            let _ = MessageUrl::parse(&text, '.');
            prop_assert!(sayable(&text).bytes().all(|b| b.is_ascii_graphic() && b != b']'));
        }
    }
}
