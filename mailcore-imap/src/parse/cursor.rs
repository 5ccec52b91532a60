//! The words of a command whose frame is complete: atoms, strings, numbers, lists (RFC 3501 §9).
//!
//! A cursor borrows the frame, steps over one word at a time and never beyond its end.

use crate::types::SequenceSet;
use std::borrow::Cow;

/// Why a command cannot be understood: the text behind `BAD Error in IMAP command X:`, in Dovecot's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong(pub(crate) Cow<'static, str>);

impl Wrong {
    pub(crate) const ARGUMENTS: Self = Self(Cow::Borrowed("Invalid arguments"));
    pub(crate) const MISSING: Self = Self(Cow::Borrowed("Missing arguments"));
    pub(crate) const SET: Self = Self(Cow::Borrowed("Invalid messageset"));
    pub(crate) const UID_SET: Self = Self(Cow::Borrowed("Invalid uidset"));
    pub(crate) const TOO_LONG: Self = Self(Cow::Borrowed("Too long argument"));
    pub(crate) const OPEN_LIST: Self = Self(Cow::Borrowed("Missing ')'"));

    /// A wrong that is no constant; what it repeats of the command is cut and printable.
    pub(crate) fn quoting(text: &str, word: &[u8]) -> Self {
        let word: String = word
            .iter()
            .take(64)
            .map(|b| match b {
                b' '..=b'~' => char::from(*b),
                _ => '?',
            })
            .collect();
        Self(format!("{text}{word}").into())
    }
}

impl From<&'static str> for Wrong {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

/// A place in a command.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

/// No atom holds these (`atom-specials` without `]`, which Dovecot takes in atoms too), nor a control.
fn special(b: u8) -> bool {
    b <= b' ' || b == 0x7f || b"(){%*\"\\".contains(&b)
}

impl<'a> Cursor<'a> {
    /// At the front of a complete command, its last line end taken off.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next octet.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn step(&mut self, n: usize) -> &'a [u8] {
        let (word, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Steps over this octet if it is next.
    pub(crate) fn eat(&mut self, b: u8) -> bool {
        let there = self.peek() == Some(b);
        if there {
            self.step(1);
        }
        there
    }

    /// A space between words; like Dovecot we take several for one.
    pub(crate) fn space(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            None => Err(Wrong::MISSING),
            Some(b' ') => {
                self.run(|b| b == b' ');
                Ok(())
            }
            Some(_) => Err(Wrong::ARGUMENTS),
        }
    }

    /// Nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Wrong> {
        while self.eat(b' ') {}
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Wrong::ARGUMENTS)
        }
    }

    /// The longest run of octets of which `take` holds; it may be empty.
    pub(crate) fn run(&mut self, take: impl Fn(u8) -> bool) -> &'a [u8] {
        let n = self.rest.iter().take_while(|b| take(**b)).count();
        self.step(n)
    }

    /// An atom; never empty.
    pub(crate) fn atom(&mut self) -> Result<&'a [u8], Wrong> {
        self.bare(|b| !special(b))
    }

    /// An atom as upper-case text, as names of commands and items are compared; at most 64 octets.
    pub(crate) fn keyword(&mut self) -> Result<String, Wrong> {
        let atom = self.atom()?;
        match std::str::from_utf8(atom) {
            Ok(text) if text.len() <= 64 => Ok(text.to_ascii_uppercase()),
            _ => Err(Wrong::ARGUMENTS),
        }
    }

    /// Looks whether the next word is this one, without regard to case, and steps over it if so.
    pub(crate) fn word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let there = ahead
            .atom()
            .is_ok_and(|a| a.eq_ignore_ascii_case(word.as_bytes()));
        if there {
            *self = ahead;
        }
        there
    }

    /// A quoted string or a literal.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, [u8]>, Wrong> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            None => Err(Wrong::MISSING),
            Some(_) => Err(Wrong::ARGUMENTS),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Wrong> {
        self.step(1);
        let mut text: Cow<'a, [u8]> =
            Cow::Borrowed(self.run(|b| b != b'"' && b != b'\\' && b != 0));
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.step(1);
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.step(1);
                    // RFC 3501 §9: only these two are quoted; like Dovecot we take any octet but NUL.
                    match self.step(1) {
                        [0] => return Err("NULs not allowed in strings".into()),
                        [b] => text.to_mut().push(*b),
                        _ => return Err("Missing '\"'".into()),
                    }
                }
                Some(0) => return Err("NULs not allowed in strings".into()),
                Some(_) => {
                    let more = self.run(|b| b != b'"' && b != b'\\' && b != 0);
                    text.to_mut().extend_from_slice(more);
                }
                None => return Err("Missing '\"'".into()),
            }
        }
    }

    /// A literal whose octets are in the frame.
    fn literal(&mut self) -> Result<&'a [u8], Wrong> {
        self.step(1);
        let digits = self.run(|b| b.is_ascii_digit());
        let size = decimal(digits).ok_or(Wrong::ARGUMENTS)?;
        self.eat(b'+');
        let closed = self.eat(b'}');
        self.eat(b'\r');
        if !closed || !self.eat(b'\n') {
            return Err("Missing LF after literal size".into());
        }
        let size = usize::try_from(size).map_err(|_| Wrong::ARGUMENTS)?;
        if size > self.rest.len() {
            return Err(Wrong::ARGUMENTS);
        }
        let text = self.step(size);
        if memchr::memchr(0, text).is_some() {
            // RFC 3501 §9: CHAR8 is any octet but NUL.
            return Err("NULs not allowed in strings".into());
        }
        Ok(text)
    }

    /// An atom or a string (`astring`).
    pub(crate) fn astring(&mut self) -> Result<Cow<'a, [u8]>, Wrong> {
        self.astring_of(|b| !special(b) || b == b'\\')
    }

    /// A string, or a bare word in which wildcards may stand (`list-mailbox`).
    pub(crate) fn list_mailbox(&mut self) -> Result<Cow<'a, [u8]>, Wrong> {
        self.astring_of(|b| !special(b) || b == b'\\' || b == b'*' || b == b'%')
    }

    fn astring_of(&mut self, take: impl Fn(u8) -> bool) -> Result<Cow<'a, [u8]>, Wrong> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.string();
        }
        self.bare(take).map(Cow::Borrowed)
    }

    /// A word without quotes; never empty.
    fn bare(&mut self, take: impl Fn(u8) -> bool) -> Result<&'a [u8], Wrong> {
        let bare = self.run(take);
        match (bare.is_empty(), self.peek()) {
            (false, None | Some(b' ' | b')')) if bare.is_ascii() => Ok(bare),
            (false, None | Some(b' ' | b')')) => Err("8bit data in atom".into()),
            (true, None) => Err(Wrong::MISSING),
            (true, _) => Err(Wrong::ARGUMENTS),
            (false, _) => Err("Invalid characters in atom".into()),
        }
    }

    /// A decimal number of at most 63 bits.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let digits = self.run(|b| b.is_ascii_digit());
        decimal(digits)
    }

    /// A set of UIDs, which is written as one of numbers is.
    pub(crate) fn uid_set(&mut self) -> Result<SequenceSet, Wrong> {
        self.set_or(Wrong::UID_SET)
    }

    /// A sequence set.
    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet, Wrong> {
        self.set_or(Wrong::SET)
    }

    /// A set, or what is wrong with it.
    pub(crate) fn set_or(&mut self, wrong: Wrong) -> Result<SequenceSet, Wrong> {
        let text = self.run(|b| b != b' ' && b != b')' && b != b'(');
        match (text.is_empty(), SequenceSet::parse(text)) {
            (true, _) => Err(Wrong::MISSING),
            (_, Some(set)) => Ok(set),
            (_, None) => Err(wrong),
        }
    }

    /// A parenthesised list, each of whose members `member` reads; members are parted by single spaces.
    pub(crate) fn list<T>(
        &mut self,
        mut member: impl FnMut(&mut Self) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        if !self.eat(b'(') {
            return Err(Wrong::ARGUMENTS);
        }
        let mut members = Vec::new();
        loop {
            while self.eat(b' ') {}
            match self.peek() {
                Some(b')') => {
                    self.step(1);
                    return Ok(members);
                }
                None => return Err(Wrong::OPEN_LIST),
                Some(_) => members.push(member(self)?),
            }
        }
    }
}

/// Digits, at least one and of at most 63 bits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, d| {
        let digit = d.checked_sub(b'0').filter(|d| *d < 10)?;
        n.checked_mul(10)?
            .checked_add(u64::from(digit))
            .filter(|n| i64::try_from(*n).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_in_all_three_forms() {
        let mut at = Cursor::new(b"abc \"d\\\"e\\\\\" {3}\r\nx y {2+}\n\r\n)");
        assert_eq!(at.astring().unwrap(), &b"abc"[..]);
        at.space().unwrap();
        assert_eq!(at.astring().unwrap(), &b"d\"e\\"[..]);
        at.space().unwrap();
        assert_eq!(at.astring().unwrap(), &b"x y"[..]);
        at.space().unwrap();
        assert_eq!(at.astring().unwrap(), &b"\r\n"[..]);
        assert_eq!(at.rest(), b")");
    }

    #[test]
    fn broken_strings_are_refused() {
        for (bad, why) in [
            (&b"\"abc"[..], "Missing '\"'"),
            (b"\"abc\\", "Missing '\"'"),
            (b"\"\\", "Missing '\"'"),
            (b"\"a\0b\"", "NULs not allowed in strings"),
            (b"\"a\\\0b\"", "NULs not allowed in strings"),
            (b"{1}\r\n\0", "NULs not allowed in strings"),
            (b"{9}\r\nabc", "Invalid arguments"),
            (b"{99999999999999999999}\r\nabc", "Invalid arguments"),
            (b"{3}abc", "Missing LF after literal size"),
            (b"", "Missing arguments"),
            (b"a\"b", "Invalid characters in atom"),
            (b"caf\xc3\xa9", "8bit data in atom"),
        ] {
            assert_eq!(
                Cursor::new(bad).astring(),
                Err(Wrong::from(why)),
                "{}",
                bad.escape_ascii()
            );
        }
    }

    #[test]
    fn a_list_ends_where_it_is_closed() {
        let words = |text: &'static [u8]| Cursor::new(text).list(|c| c.keyword());
        assert_eq!(words(b"()"), Ok(vec![]));
        assert_eq!(words(b"(a B)x"), Ok(vec!["A".to_string(), "B".to_string()]));
        assert_eq!(words(b"(a b"), Err(Wrong::OPEN_LIST));
        assert_eq!(words(b"("), Err(Wrong::OPEN_LIST));
    }

    #[test]
    fn no_name_of_anything_has_more_than_64_octets() {
        let keyword = |length: usize| Cursor::new(&b"x".repeat(length)).keyword();
        assert_eq!(keyword(64), Ok("X".repeat(64)));
        assert_eq!(keyword(65), Err(Wrong::ARGUMENTS));
    }

    #[test]
    fn numbers_do_not_overflow() {
        assert_eq!(decimal(b"9223372036854775807"), Some(i64::MAX as u64));
        assert_eq!(decimal(b"9223372036854775808"), None);
        assert_eq!(decimal(b"99999999999999999999"), None);
        assert_eq!(decimal(b""), None);
    }
}
