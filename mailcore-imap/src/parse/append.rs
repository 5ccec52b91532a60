//! What stands between the octets of an APPEND: mailbox, flags and dates, and the parts of a CATENATE (RFC 3501
//! §6.3.11, RFC 3502 §6, RFC 4469 §3, RFC 3516 §4.4).

use super::flags::FlagList;
use super::frame::{Announced, stripped};
use super::{Cursor, Wrong};
use mailcore_base::date::DateTime;
use std::borrow::Cow;

/// What stands in front of a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) list: FlagList,
    pub(crate) date: Option<DateTime>,
    /// Its parts follow in parentheses, which have been opened.
    pub(crate) catenate: bool,
}

/// A part of a CATENATE.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Octets that are announced at the end of the line.
    Text,
    /// Octets of a message that is there already.
    Url(Cow<'a, [u8]>),
    /// Its URL is announced at the end of the line.
    UrlToCome,
    /// There are no more.
    Closed,
}

/// The mailbox, and the space behind it.
pub(crate) fn mailbox(at: &mut Cursor<'_>) -> Result<Vec<u8>, Wrong> {
    at.space()?;
    let mailbox = at.astring()?.into_owned();
    at.space()
        .map_err(|_| Wrong::from("Missing message size"))?;
    Ok(mailbox)
}

/// `[flags] [date]`, and then `CATENATE (` or what announces the message.
pub(crate) fn head(at: &mut Cursor<'_>, announced: Option<Announced>) -> Result<Head, Wrong> {
    let mut head = Head::default();
    if at.peek() == Some(b'(') {
        head.list = FlagList::parse(at)?;
        at.space()?;
    }
    if at.peek() == Some(b'"') {
        let text = at.string()?;
        let read = DateTime::parse_internal(&text);
        head.date = Some(read.map_err(|_| Wrong::from("Invalid internal date"))?);
        at.space()?;
    }
    if at.word("CATENATE") {
        at.space()?;
        if !at.eat(b'(') {
            return Err(Wrong::ARGUMENTS);
        }
        while at.eat(b' ') {}
        if at.peek() == Some(b')') {
            return Err("Empty CATENATE list".into());
        }
        head.catenate = true;
        return Ok(head);
    }
    match is_announced(at, announced) {
        true => Ok(head),
        false => Err(Wrong::ARGUMENTS),
    }
}

/// The next part of a CATENATE.
pub(crate) fn part<'a>(
    at: &mut Cursor<'a>,
    announced: Option<Announced>,
) -> Result<Part<'a>, Wrong> {
    while at.eat(b' ') {}
    if at.eat(b')') {
        return Ok(Part::Closed);
    }
    let name = at.keyword()?;
    at.space()?;
    match name.as_str() {
        "TEXT" if is_announced(at, announced) => Ok(Part::Text),
        "URL" if at.peek() == Some(b'{') && is_announced(at, announced) => Ok(Part::UrlToCome),
        "URL" => Ok(Part::Url(at.astring()?)),
        _ => Err(Wrong::ARGUMENTS),
    }
}

/// Whether nothing is left but what announces a literal, `~` in front of it or not (RFC 3516 §4.4).
fn is_announced(at: &mut Cursor<'_>, announced: Option<Announced>) -> bool {
    at.eat(b'~');
    let rest = stripped(at.rest());
    // A literal that has come already has its octets behind it.
    announced.is_some() && rest.starts_with(b"{") && memchr::memchr(b'\n', rest).is_none()
}

/// Whether the literal at the end of the command so far is octets of a message, right or wrong as the rest may be,
/// and no mailbox's name and no URL.
pub(crate) fn at_message(text: &[u8]) -> bool {
    let mut at = Cursor::new(text);
    at.run(|b| b != b' ');
    let named = at.space().and_then(|()| at.keyword());
    let first = named.and_then(|_| mailbox(&mut at));
    first.is_ok() && !ends_in_url(at.rest())
}

/// Whether what stands in front of the announced literal is the word URL.
fn ends_in_url(text: &[u8]) -> bool {
    let front = memchr::memrchr(b'{', text).and_then(|open| text.get(..open));
    let front = front.unwrap_or_default();
    let word = front.strip_suffix(b" ").unwrap_or_default();
    let word = word.get(word.len().saturating_sub(4)..).unwrap_or_default();
    word.eq_ignore_ascii_case(b" URL") || word.eq_ignore_ascii_case(b"(URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNOUNCED: Option<Announced> = Some(Announced {
        size: 3,
        waits: true,
    });

    #[test]
    fn what_stands_in_front_of_a_message_is_read() {
        let read = |text: &str| head(&mut Cursor::new(text.as_bytes()), ANNOUNCED);
        let all = read("(\\Seen work) \"01-Jan-2020 00:00:00 +0000\" {3}").unwrap();
        assert!(
            all.list
                .system
                .contains(mailcore_base::mailbox::Flags::SEEN)
        );
        assert_eq!(all.list.keywords.len(), 1);
        assert_eq!(all.date.map(|date| date.seconds), Some(1_577_836_800));
        for bare in ["{3}", "~{3+}", "() {3}"] {
            let bare = read(bare).unwrap();
            assert!(bare.date.is_none() && !bare.catenate);
        }
        assert!(read("CATENATE (URL x)").unwrap().catenate);
    }

    #[test]
    fn what_announces_no_message_is_refused() {
        for (text, why) in [
            ("CATENATE URL x)", "Invalid arguments"),
            ("CATENATE ()", "Empty CATENATE list"),
            ("CATENATE", "Missing arguments"),
            ("\"yesterday\" {3}", "Invalid internal date"),
            ("(\\Seen {3}", "Invalid arguments"),
            ("text", "Invalid arguments"),
            ("{3}\r\nabc", "Invalid arguments"),
        ] {
            let read = head(&mut Cursor::new(text.as_bytes()), ANNOUNCED);
            assert_eq!(read.err(), Some(Wrong::from(why)), "{text}");
        }
        let unannounced = head(&mut Cursor::new(b"{3}"), None);
        assert_eq!(unannounced.err(), Some(Wrong::ARGUMENTS));
    }

    #[test]
    fn the_parts_of_a_message_are_read() {
        let read = |text: &'static str| part(&mut Cursor::new(text.as_bytes()), ANNOUNCED);
        assert_eq!(read("TEXT {3}"), Ok(Part::Text));
        assert_eq!(read(" text ~{3+}"), Ok(Part::Text));
        assert_eq!(read("URL {3}"), Ok(Part::UrlToCome));
        assert_eq!(read("URL \"/x\""), Ok(Part::Url(b"/x"[..].into())));
        assert_eq!(read(" )"), Ok(Part::Closed));
        for bad in ["TEXT x", "TEXT", "FILE {3}", "URL", "(", ""] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_octets_of_a_message_are_those_of_a_message() {
        for (text, is) in [
            ("a APPEND INBOX {3}", true),
            ("a APPEND INBOX (\\Seen) {3}", true),
            ("a APPEND INBOX CATENATE (TEXT {3}", true),
            ("a APPEND INBOX CATENATE (URL {3}", false),
            ("a APPEND INBOX CATENATE (TEXT {1}\r\nx URL {3}", false),
            ("a APPEND {3}", false),
        ] {
            assert_eq!(at_message(text.as_bytes()), is, "{text}");
        }
    }
}
