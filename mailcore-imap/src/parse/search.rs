//! What SEARCH looks for (RFC 3501 §6.4.4, RFC 5032), and SORT and THREAD among what (RFC 5256). Message numbers become UIDs
//! while they are read, and what is recent in this session becomes UIDs too, so that whoever answers knows neither.

use super::{Cursor, Wrong};
use crate::types::SequenceSet;
use mailcore_base::date::Day;
use mailcore_base::mailbox::{Flags, Keyword, ModSeq, UidSet};
use mailcore_base::message::Charset;
use mailcore_base::search::{Key, Query, When};
use std::borrow::Cow;

/// What of the session's mailbox a search refers to.
pub(crate) trait Numbered {
    /// The messages with these numbers; numbers that no message has are passed over.
    fn numbers(&self, set: &SequenceSet) -> UidSet;
    /// The messages with these UIDs.
    fn uids(&self, set: &SequenceSet) -> UidSet;
    /// The messages that are recent.
    fn recent(&self) -> UidSet;
}

/// Why there is nothing to search for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsearchable {
    /// The command is wrong.
    Wrong(Wrong),
    /// The charset is not known (`NO [BADCHARSET]`).
    Charset,
}

impl From<Wrong> for Unsearchable {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Messages with `\Deleted`.
pub(crate) fn deleted() -> Query {
    Query::from(Key::Flags(Flags::DELETED))
}

/// Reads the arguments of SEARCH to their end; parentheses, NOT and OR nest at most `deep`.
pub(crate) fn parse(
    at: &mut Cursor<'_>,
    mailbox: &dyn Numbered,
    deep: usize,
) -> Result<Query, Unsearchable> {
    if !at.word("CHARSET") {
        return keys(at, mailbox, None, deep);
    }
    at.space().map_err(|_| CHARSET)?;
    parse_within(at, mailbox, deep)
}

const CHARSET: Wrong = Wrong(Cow::Borrowed("Invalid charset argument"));

/// Reads a charset and search keys to the end of the command, as SORT and THREAD have them (RFC 5256 §3).
pub(crate) fn parse_within(
    at: &mut Cursor<'_>,
    mailbox: &dyn Numbered,
    deep: usize,
) -> Result<Query, Unsearchable> {
    let name = at.astring().map_err(|_| CHARSET)?;
    let charset = charset(&name)?;
    if at.space().is_err() {
        return Err(Wrong::from("Missing search parameters").into());
    }
    keys(at, mailbox, charset, deep)
}

fn keys(
    at: &mut Cursor<'_>,
    mailbox: &dyn Numbered,
    charset: Option<Charset>,
    deep: usize,
) -> Result<Query, Unsearchable> {
    let reader = Reader { mailbox, charset };
    let mut keys = Vec::new();
    loop {
        while at.eat(b' ') {}
        if at.rest().is_empty() {
            break;
        }
        keys.push(reader.key(at, deep)?);
    }
    if keys.is_empty() {
        return Err(Wrong::from("Missing search parameters").into());
    }
    Ok(Query::all(keys))
}

/// `None`: the text is UTF-8 as it is.
fn charset(name: &[u8]) -> Result<Option<Charset>, Unsearchable> {
    if name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"US-ASCII") {
        return Ok(None);
    }
    let known = Charset::parse(name);
    known.map(Some).ok_or(Unsearchable::Charset)
}

struct Reader<'m> {
    mailbox: &'m dyn Numbered,
    charset: Option<Charset>,
}

impl Reader<'_> {
    fn key(&self, at: &mut Cursor<'_>, deep: usize) -> Result<Query, Wrong> {
        let deep = deep
            .checked_sub(1)
            .ok_or_else(|| Wrong::from("Too deeply nested search parameters"))?;
        match at.peek() {
            None => Err("Missing argument".into()),
            Some(b'(') => {
                let keys = at.list(|at| self.key(at, deep))?;
                if keys.is_empty() {
                    return Err("No search parameters inside list".into());
                }
                Ok(Query::all(keys))
            }
            Some(b'0'..=b'9' | b'*' | b'$') => {
                let set = at.sequence_set()?;
                Ok(Key::Uids(self.mailbox.numbers(&set)).into())
            }
            Some(b')') => Err("Unexpected ')'".into()),
            Some(_) => self.named(at, deep),
        }
    }

    fn named(&self, at: &mut Cursor<'_>, deep: usize) -> Result<Query, Wrong> {
        let name = at.keyword()?;
        if let Some(query) = flag(&name) {
            return Ok(query);
        }
        let key = match name.as_str() {
            "ALL" => Key::All,
            "RECENT" => Key::Uids(self.mailbox.recent()),
            "OLD" => return Ok(Query::from(Key::Uids(self.mailbox.recent())).not()),
            "NEW" => {
                let unseen = Query::from(Key::Flags(Flags::SEEN)).not();
                return Ok(Query::all([
                    Key::Uids(self.mailbox.recent()).into(),
                    unseen,
                ]));
            }
            "NOT" => return Ok(self.operand(at, deep)?.not()),
            "OR" => {
                let one = self.operand(at, deep)?;
                return Ok(one.or(self.operand(at, deep)?));
            }
            "KEYWORD" => return keyword(at, &name),
            "UNKEYWORD" => return Ok(keyword(at, &name)?.not()),
            "UID" => {
                argument(at, &name)?;
                let set = at.set_or("Invalid UID messageset".into())?;
                Key::Uids(self.mailbox.uids(&set))
            }
            "BCC" | "CC" | "FROM" | "TO" => Key::Address {
                value: self.text(at, &name)?,
                name,
            },
            "SUBJECT" => Key::Header {
                value: self.text(at, &name)?,
                name,
            },
            "HEADER" => Key::Header {
                name: self.text(at, &name)?,
                value: self.text(at, &name)?,
            },
            "BODY" => Key::Body(self.text(at, &name)?),
            "TEXT" => Key::Text(self.text(at, &name)?),
            "BEFORE" => Key::Received(When::Before(day(at, &name)?)),
            "ON" => Key::Received(When::On(day(at, &name)?)),
            "SINCE" => Key::Received(When::Since(day(at, &name)?)),
            "SENTBEFORE" => Key::Sent(When::Before(day(at, &name)?)),
            "SENTON" => Key::Sent(When::On(day(at, &name)?)),
            "SENTSINCE" => Key::Sent(When::Since(day(at, &name)?)),
            "MODSEQ" => Key::ModSeq(modseq(at, &name)?),
            "LARGER" => Key::Larger(size(at, &name)?),
            "SMALLER" => Key::Smaller(size(at, &name)?),
            "OLDER" => Key::Older(interval(at, &name)?),
            "YOUNGER" => Key::Younger(interval(at, &name)?),
            _ => return Err(Wrong::quoting("Unknown argument ", name.as_bytes())),
        };
        Ok(key.into())
    }

    fn operand(&self, at: &mut Cursor<'_>, deep: usize) -> Result<Query, Wrong> {
        at.space().map_err(|_| Wrong::from("Missing argument"))?;
        self.key(at, deep)
    }

    /// A text in the charset of the search.
    fn text(&self, at: &mut Cursor<'_>, key: &str) -> Result<String, Wrong> {
        argument(at, key)?;
        let text = at.astring()?;
        match self.charset {
            Some(charset) => Ok(charset.decode(&text)),
            None => {
                String::from_utf8(text.into_owned()).map_err(|_| Wrong::from("Invalid search key"))
            }
        }
    }
}

/// A key that is a system flag, or its absence.
fn flag(name: &str) -> Option<Query> {
    let (name, not) = match name.strip_prefix("UN") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (flag, _) = Flags::SYSTEM
        .into_iter()
        .find(|(_, known)| known.trim_start_matches('\\').eq_ignore_ascii_case(name))?;
    let query = Query::from(Key::Flags(flag));
    Some(if not { query.not() } else { query })
}

/// A keyword; what can be none is on no message.
fn keyword(at: &mut Cursor<'_>, key: &str) -> Result<Query, Wrong> {
    argument(at, key)?;
    let name = at.astring()?;
    let keyword = std::str::from_utf8(&name)
        .ok()
        .and_then(|name| Keyword::parse(name).ok());
    Ok(match keyword {
        Some(keyword) => Key::Keyword(keyword).into(),
        None => Query::from(Key::All).not(),
    })
}

fn argument(at: &mut Cursor<'_>, key: &str) -> Result<(), Wrong> {
    let missing = format!("Missing parameter for search key (for search key: {key})");
    at.space().map_err(|_| Wrong(missing.into()))
}

fn day(at: &mut Cursor<'_>, key: &str) -> Result<Day, Wrong> {
    argument(at, key)?;
    let text = at.astring()?;
    Day::parse(&text).map_err(|_| Wrong::from("Invalid search date parameter"))
}

/// RFC 7162 §3.1.5. All flags of a message share one modification sequence, so what the client names besides, an entry
/// and its type, makes no difference.
fn modseq(at: &mut Cursor<'_>, key: &str) -> Result<ModSeq, Wrong> {
    argument(at, key)?;
    if at.peek() == Some(b'"') {
        let entry = at.string()?.to_ascii_lowercase();
        if !entry.starts_with(b"/flags/") {
            return Err("Invalid MODSEQ value".into());
        }
        at.space()?;
        let kind = at.keyword()?;
        if !matches!(kind.as_str(), "ALL" | "PRIV" | "SHARED") {
            return Err("Invalid MODSEQ type".into());
        }
        at.space()?;
    }
    let value = at.number().map(ModSeq);
    value.ok_or_else(|| "Invalid MODSEQ value".into())
}

fn size(at: &mut Cursor<'_>, key: &str) -> Result<u64, Wrong> {
    argument(at, key)?;
    at.number()
        .ok_or_else(|| Wrong::from("Invalid search size parameter"))
}

/// Seconds, at least one (RFC 5032 §3).
fn interval(at: &mut Cursor<'_>, key: &str) -> Result<u32, Wrong> {
    argument(at, key)?;
    let seconds = at.number().and_then(|n| u32::try_from(n).ok());
    seconds
        .filter(|n| *n > 0)
        .ok_or_else(|| Wrong::from("Invalid search interval parameter"))
}

#[cfg(test)]
mod tests;
