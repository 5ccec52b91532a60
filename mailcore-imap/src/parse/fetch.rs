//! What FETCH asks for (RFC 3501 §6.4.5, `fetch-att`).

use super::{Cursor, Wrong};
use crate::write;
use mailcore_base::message::{Section, SectionPath, SectionText};
use std::borrow::Cow;

/// Most items in one FETCH.
const ITEMS: usize = 256;
/// Most part numbers in one path.
const DEEPEST: usize = 128;
/// Most header fields named in one section.
const FIELDS: usize = 256;

/// One item that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Uid,
    Flags,
    Date,
    Size,
    Envelope,
    Body,
    Structure,
    ModSeq,
    Section(Box<Wanted>),
    /// How long a section is without its encoding.
    BinarySize(Box<Wanted>),
}

/// A section that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) section: Section,
    pub(crate) partial: Option<Partial>,
    /// Without its content transfer encoding (RFC 3516).
    pub(crate) decoded: bool,
    /// Reading it does not set `\Seen`.
    pub(crate) peek: bool,
    /// What the response calls it: `BODY[1.HEADER]<0>`.
    pub(crate) label: Vec<u8>,
}

/// A run of a section's octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partial {
    /// The first octet, from 0.
    pub(crate) from: u64,
    /// How many at most; none: all that follow (as Dovecot takes `<5>`).
    pub(crate) most: Option<u64>,
}

/// Reads one item, a macro or a list of items; each item is named once.
pub(crate) fn items(at: &mut Cursor<'_>) -> Result<Vec<Item>, Wrong> {
    let mut found = Vec::new();
    if at.peek() == Some(b'(') {
        let all = at.list(item)?;
        if all.is_empty() {
            return Err("FETCH list is empty".into());
        }
        for one in all {
            add(&mut found, one)?;
        }
        return Ok(found);
    }
    let mut ahead = at.clone();
    let name = ahead.run(|b| b.is_ascii_alphanumeric() || b == b'.');
    // RFC 3501 §6.4.5: a macro stands alone.
    let fast = [Item::Flags, Item::Date, Item::Size];
    if name.eq_ignore_ascii_case(b"FAST") {
        found.extend(fast);
    } else if name.eq_ignore_ascii_case(b"ALL") {
        found.extend(fast.into_iter().chain([Item::Envelope]));
    } else if name.eq_ignore_ascii_case(b"FULL") {
        found.extend(fast.into_iter().chain([Item::Envelope, Item::Body]));
    } else {
        return item(at).map(|item| vec![item]);
    }
    *at = ahead;
    Ok(found)
}

fn add(items: &mut Vec<Item>, item: Item) -> Result<(), Wrong> {
    if !items.contains(&item) {
        items.push(item);
    }
    match items.len() > ITEMS {
        true => Err("Too many FETCH items".into()),
        false => Ok(()),
    }
}

fn item(at: &mut Cursor<'_>) -> Result<Item, Wrong> {
    let name = at.run(|b| b.is_ascii_alphanumeric() || b == b'.');
    let upper = name.to_ascii_uppercase();
    let whole = |text, label: &str, peek| {
        let section = Section {
            path: SectionPath::default(),
            text,
        };
        Item::Section(Box::new(Wanted {
            section,
            partial: None,
            decoded: false,
            peek,
            label: label.into(),
        }))
    };
    let sectioned = at.peek() == Some(b'[');
    Ok(match upper.as_slice() {
        b"BODY" | b"BODY.PEEK" if sectioned => {
            let wanted = wanted(at, "BODY", upper.ends_with(b"PEEK"))?;
            return Ok(Item::Section(Box::new(wanted)));
        }
        b"BINARY" | b"BINARY.PEEK" if sectioned => {
            let wanted = wanted(at, "BINARY", upper.ends_with(b"PEEK"))?;
            return Ok(Item::Section(Box::new(wanted)));
        }
        b"BINARY.SIZE" if sectioned => {
            let wanted = wanted(at, "BINARY.SIZE", true)?;
            // RFC 3516 §4.3: of the part, whole.
            return match wanted.partial {
                None => Ok(Item::BinarySize(Box::new(wanted))),
                Some(_) => Err(BAD_SECTION),
            };
        }
        _ if upper.starts_with(b"BINARY") => {
            return Err("Invalid BINARY[..] parameter: Missing '['".into());
        }
        _ if sectioned => return Err(unknown(at, name)),
        b"UID" => Item::Uid,
        b"FLAGS" => Item::Flags,
        b"INTERNALDATE" => Item::Date,
        b"RFC822.SIZE" => Item::Size,
        b"ENVELOPE" => Item::Envelope,
        b"BODY" => Item::Body,
        b"BODYSTRUCTURE" => Item::Structure,
        // RFC 7162 §3.1.4.2
        b"MODSEQ" => Item::ModSeq,
        b"RFC822" => whole(SectionText::Whole, "RFC822", false),
        b"RFC822.HEADER" => whole(SectionText::Header, "RFC822.HEADER", true),
        b"RFC822.TEXT" => whole(SectionText::Text, "RFC822.TEXT", false),
        _ => return Err(unknown(at, name)),
    })
}

fn unknown(at: &mut Cursor<'_>, name: &[u8]) -> Wrong {
    let rest = at.run(|b| b > b' ' && b != b')');
    Wrong::quoting("Unknown parameter: ", &[name, rest].concat())
}

const BAD_SECTION: Wrong = Wrong(Cow::Borrowed("Invalid BODY[..] section"));

/// `[section]` and perhaps `<from.most>`.
fn wanted(at: &mut Cursor<'_>, name: &str, peek: bool) -> Result<Wanted, Wrong> {
    at.eat(b'[');
    let path = path(at)?;
    let text = text(at, path.0.is_empty())?;
    if !at.eat(b']') {
        return Err("Invalid BODY[..] parameter: Missing ']'".into());
    }
    let section = Section { path, text };
    let partial = partial(at)?;
    let label = label(name, &section, partial);
    Ok(Wanted {
        section,
        partial,
        decoded: name != "BODY",
        peek,
        label,
    })
}

/// `1.2.3`, with the dot behind it where more follows.
fn path(at: &mut Cursor<'_>) -> Result<SectionPath, Wrong> {
    let mut part = Vec::new();
    while at.peek().is_some_and(|b| b.is_ascii_digit()) {
        let number = at.number().and_then(|n| u32::try_from(n).ok());
        // RFC 3501 §9: a part number is never zero.
        part.push(number.filter(|n| *n > 0).ok_or(BAD_SECTION)?);
        if part.len() > DEEPEST {
            return Err(BAD_SECTION);
        }
        if !at.eat(b'.') {
            return match at.peek() {
                Some(b']') | None => Ok(SectionPath(part)),
                Some(_) => Err(BAD_SECTION),
            };
        }
    }
    match (part.is_empty(), at.peek()) {
        (false, Some(b']') | None) => Err(BAD_SECTION),
        _ => Ok(SectionPath(part)),
    }
}

fn text(at: &mut Cursor<'_>, of_message: bool) -> Result<SectionText, Wrong> {
    let name = at.run(|b| b.is_ascii_alphabetic() || b == b'.');
    Ok(match name.to_ascii_uppercase().as_slice() {
        b"" => SectionText::Whole,
        b"HEADER" => SectionText::Header,
        b"TEXT" => SectionText::Text,
        // RFC 3501 §6.4.5: MIME refers to a part and so has numbers in front.
        b"MIME" if !of_message => SectionText::Mime,
        b"HEADER.FIELDS" => SectionText::Fields(fields(at)?),
        b"HEADER.FIELDS.NOT" => SectionText::FieldsNot(fields(at)?),
        _ => return Err(BAD_SECTION),
    })
}

fn fields(at: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, Wrong> {
    at.space().map_err(|_| BAD_SECTION)?;
    let mut left = FIELDS;
    let names = at.list(|at| {
        let name = at.astring()?;
        left = left.checked_sub(1).ok_or(BAD_SECTION)?;
        // RFC 5322 §2.2: printable, without the colon.
        let named = name.iter().all(|b| matches!(b, b'!'..=b'~') && *b != b':');
        match named && !name.is_empty() {
            true => Ok(name.to_ascii_uppercase()),
            false => Err(BAD_SECTION),
        }
    })?;
    if names.is_empty() {
        return Err(BAD_SECTION);
    }
    Ok(names)
}

/// `<from.most>`; Dovecot takes `<from>` too.
fn partial(at: &mut Cursor<'_>) -> Result<Option<Partial>, Wrong> {
    if !at.eat(b'<') {
        return Ok(None);
    }
    let from = at.number();
    let from = from.ok_or("Invalid BODY[..] parameter: Too big partial start")?;
    let most = match at.eat(b'.') {
        true => Some(
            at.number()
                .ok_or("Invalid BODY[..] parameter: Too big partial end")?,
        ),
        false => None,
    };
    match at.eat(b'>') {
        true => Ok(Some(Partial { from, most })),
        false => Err("Invalid BODY[..] parameter: Missing '>' in partial".into()),
    }
}

/// What a response calls the section (RFC 3501 §7.4.2).
fn label(name: &str, section: &Section, partial: Option<Partial>) -> Vec<u8> {
    let mut out = name.as_bytes().to_vec();
    out.push(b'[');
    section.write_to(&mut out);
    out.push(b']');
    if let Some(partial) = partial {
        out.push(b'<');
        write::number(&mut out, partial.from);
        out.push(b'>');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Item>, Wrong> {
        let mut at = Cursor::new(text.as_bytes());
        let items = items(&mut at)?;
        at.end()?;
        Ok(items)
    }

    fn named(text: &str) -> String {
        match read(text).unwrap().as_slice() {
            [Item::Section(wanted)] => String::from_utf8(wanted.label.clone()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn sections_are_read_and_named() {
        // As deep as BODYSTRUCTURE tells of parts.
        let deep = format!("BODY[{}1]", "1.".repeat(99));
        for (text, label) in [
            (deep.as_str(), deep.as_str()),
            ("BODY[]", "BODY[]"),
            ("body.peek[1.2.mime]", "BODY[1.2.MIME]"),
            ("BODY[3]<5.10>", "BODY[3]<5>"),
            ("BODY[TEXT]<5>", "BODY[TEXT]<5>"),
            (
                "BODY[2.HEADER.FIELDS (Subject \"from\" {2}\r\nto)]",
                "BODY[2.HEADER.FIELDS (SUBJECT FROM TO)]",
            ),
            (
                "BODY.PEEK[HEADER.FIELDS.NOT (a)]",
                "BODY[HEADER.FIELDS.NOT (A)]",
            ),
            ("RFC822.TEXT", "RFC822.TEXT"),
        ] {
            assert_eq!(named(text), label);
        }
    }

    #[test]
    fn macros_stand_alone_and_items_once() {
        assert_eq!(read("full").unwrap().len(), 5);
        assert!(read("(ALL)").is_err());
        assert_eq!(read("(FLAGS UID FLAGS)").unwrap(), [Item::Flags, Item::Uid]);
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for (text, why) in [
            ("FOO", "Unknown parameter: FOO"),
            ("()", "FETCH list is empty"),
            ("(FLAGS", "Missing ')'"),
            ("BODY[FOO]", "Invalid BODY[..] section"),
            ("BODY[0]", "Invalid BODY[..] section"),
            ("BODY[1.]", "Invalid BODY[..] section"),
            ("BODY[.1]", "Invalid BODY[..] section"),
            ("BODY[MIME]", "Invalid BODY[..] section"),
            ("BODY[1", "Invalid BODY[..] parameter: Missing ']'"),
            ("BODY[HEADER.FIELDS ()]", "Invalid BODY[..] section"),
            ("BODY[HEADER.FIELDS (a:b)]", "Invalid BODY[..] section"),
            (
                "BODY[]<x>",
                "Invalid BODY[..] parameter: Too big partial start",
            ),
            (
                "BODY[]<1.x>",
                "Invalid BODY[..] parameter: Too big partial end",
            ),
            (
                "BODY[]<1.2",
                "Invalid BODY[..] parameter: Missing '>' in partial",
            ),
            ("FLAGS UID", "Invalid arguments"),
        ] {
            assert_eq!(read(text), Err(Wrong::from(why)), "{text}");
        }
        let deep = format!("BODY[{}1]", "1.".repeat(1000));
        assert!(read(&deep).is_err());
        let many = format!(
            "({})",
            "BODY[1] ".repeat(10) + &(1..400).map(|n| format!("BODY[{n}] ")).collect::<String>()
        );
        assert!(read(&many).is_err());
    }
}
