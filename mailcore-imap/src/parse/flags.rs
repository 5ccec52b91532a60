//! Lists of flags: `(\Seen $Forwarded)`, or the same without parentheses where STORE takes it.

use super::{Cursor, Wrong};
use mailcore_base::mailbox::{Flags, Keyword, KeywordError};

/// Most octets of a keyword that a client may set (Dovecot: `mail_max_keyword_length`).
const LONGEST: usize = 50;
const TOO_LONG: &str = "[CANNOT] Keyword length too long";

/// Flags that a client wants set or taken off, keywords by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FlagList {
    pub(crate) system: Flags,
    pub(crate) keywords: Vec<Keyword>,
    /// Why the list cannot be served although its syntax is right.
    pub(crate) refused: Option<&'static str>,
}

impl FlagList {
    /// A list in parentheses.
    pub(crate) fn parse(at: &mut Cursor<'_>) -> Result<Self, Wrong> {
        let mut list = Self::default();
        at.list(|at| list.flag(at))?;
        Ok(list)
    }

    /// A list with or without parentheses, to the end of the command; it may be empty.
    pub(crate) fn parse_open(at: &mut Cursor<'_>) -> Result<Self, Wrong> {
        if at.peek() == Some(b'(') {
            let list = Self::parse(at)?;
            at.end()?;
            return Ok(list);
        }
        let mut list = Self::default();
        while !at.rest().is_empty() {
            if !at.eat(b' ') {
                list.flag(at)?;
            }
        }
        Ok(list)
    }

    fn flag(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        if at.eat(b'\\') {
            let name = at.keyword()?;
            let known = Flags::SYSTEM
                .iter()
                .find(|(_, known)| known.trim_start_matches('\\').eq_ignore_ascii_case(&name));
            // RFC 3501 §2.3.2: \Recent cannot be set by a client.
            let (flag, _) =
                known.ok_or_else(|| Wrong::quoting("Invalid system flag \\", name.as_bytes()))?;
            self.system = self.system.union(*flag);
            return Ok(());
        }
        let name = at.atom()?;
        let name = std::str::from_utf8(name).unwrap_or("\u{fffd}");
        match Keyword::parse(name) {
            Ok(_) if name.len() > LONGEST => self.refused = Some(TOO_LONG),
            Ok(keyword) if self.keywords.len() < Flags::KEYWORDS => {
                if !self.keywords.contains(&keyword) {
                    self.keywords.push(keyword);
                }
            }
            Ok(_) => self.refused = Some("[LIMIT] Too many keywords"),
            Err(KeywordError::TooLong) => self.refused = Some(TOO_LONG),
            Err(_) => self.refused = Some("[CANNOT] Invalid characters in keyword"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_any_case_and_keywords_keep_theirs() {
        let list = FlagList::parse_open(&mut Cursor::new(b"\\SEEN $Forwarded \\draft")).unwrap();
        assert_eq!(list.system, Flags::SEEN | Flags::DRAFT);
        assert_eq!(list.keywords[0].as_str(), "$Forwarded");
        assert_eq!(
            FlagList::parse_open(&mut Cursor::new(b"()")),
            Ok(FlagList::default())
        );
        let recent = FlagList::parse(&mut Cursor::new(b"(\\Recent)"));
        assert_eq!(recent, Err(Wrong("Invalid system flag \\RECENT".into())));
        let bad = FlagList::parse(&mut Cursor::new(b"(a]b)")).unwrap();
        assert!(bad.refused.is_some());
    }
}
