//! Message flags as bits, keywords as a table beside them, and the special uses of mailboxes.

use std::fmt;
use std::sync::Arc;

/// The flags of one message: system flags and up to [`Flags::KEYWORDS`] keywords, one bit each. Which
/// keyword a bit means stands in its mailbox's [`Keywords`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Flags(u64);

impl Flags {
    /// No flags.
    pub const NONE: Self = Self(0);
    /// `\Answered`
    pub const ANSWERED: Self = Self(1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(1 << 1);
    /// `\Deleted`
    pub const DELETED: Self = Self(1 << 2);
    /// `\Seen`
    pub const SEEN: Self = Self(1 << 3);
    /// `\Draft`
    pub const DRAFT: Self = Self(1 << 4);
    /// The five system flags that clients can set, in the order in which servers list them.
    pub const SYSTEM: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];
    /// How many keywords one mailbox can have.
    pub const KEYWORDS: usize = 58;
    const FIRST_KEYWORD: usize = 6;

    /// The flag of the `n`-th keyword of a mailbox (from 0); none beyond [`KEYWORDS`](Self::KEYWORDS).
    pub const fn keyword(n: usize) -> Option<Self> {
        if n < Self::KEYWORDS {
            Some(Self(1 << (n + Self::FIRST_KEYWORD)))
        } else {
            None
        }
    }

    /// The positions of the keywords that are set, lowest first.
    pub fn keywords(self) -> impl Iterator<Item = usize> {
        (0..Self::KEYWORDS).filter(move |n| self.0 & (1 << (n + Self::FIRST_KEYWORD)) != 0)
    }

    /// These flags without any keyword.
    pub const fn system(self) -> Self {
        Self(self.0 & ((1 << Self::FIRST_KEYWORD) - 1))
    }

    /// All of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Set in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Set in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Set here and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The bits, for a record on disk.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The flags of these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The names of all flags that are set, system flags first; a bit without a name in `table` is left out.
    pub fn names(self, table: &Keywords) -> impl Iterator<Item = &str> {
        let system = Self::SYSTEM
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name);
        system.chain(self.keywords().filter_map(|n| table.name(n)))
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#x})", self.0)
    }
}

/// A keyword: an IMAP atom that a client has made up for a flag (RFC 3501 §2.3.2), at most
/// [`Keyword::LONGEST`] octets. Keywords compare without regard to ASCII case and keep the case they came in.
#[derive(Debug, Clone, Eq)]
pub struct Keyword(Arc<str>);

/// Why something is no keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeywordError {
    /// Nothing there.
    #[error("a keyword cannot be empty")]
    Empty,
    /// Longer than [`Keyword::LONGEST`].
    #[error("keyword longer than {} octets", Keyword::LONGEST)]
    TooLong,
    /// A character that no atom may hold.
    #[error("a keyword must be an atom")]
    NotAnAtom,
}

impl Keyword {
    /// Most octets of a keyword.
    pub const LONGEST: usize = 100;

    /// The keyword of this name.
    ///
    /// # Errors
    /// When it is empty, too long or no atom (RFC 3501 §9, `atom`).
    pub fn parse(name: &str) -> Result<Self, KeywordError> {
        if name.is_empty() {
            return Err(KeywordError::Empty);
        }
        if name.len() > Self::LONGEST {
            return Err(KeywordError::TooLong);
        }
        let special = |b: u8| b <= b' ' || b >= 0x7f || b"(){%*\"\\]".contains(&b);
        if name.bytes().any(special) {
            Err(KeywordError::NotAnAtom)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keywords of a mailbox by position. A position once given keeps its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keywords {
    names: Vec<Keyword>,
    closed: bool,
}

impl Keywords {
    /// A table of these, in order; what is beyond [`Flags::KEYWORDS`] is left out.
    pub fn new(names: impl IntoIterator<Item = Keyword>) -> Self {
        Self {
            names: names.into_iter().take(Flags::KEYWORDS).collect(),
            closed: false,
        }
    }

    /// The same table, to which nothing can be added: the mailbox has no room for more.
    #[must_use]
    pub fn closed(self) -> Self {
        let closed = true;
        Self { closed, ..self }
    }

    /// Whether no keyword can be added.
    pub fn is_full(&self) -> bool {
        self.closed || self.names.len() >= Flags::KEYWORDS
    }

    /// The name of the keyword at this position.
    pub fn name(&self, n: usize) -> Option<&str> {
        self.names.get(n).map(Keyword::as_str)
    }

    /// The flag of this keyword, if the mailbox has it.
    pub fn flag(&self, keyword: &Keyword) -> Option<Flags> {
        self.names
            .iter()
            .position(|k| k == keyword)
            .and_then(Flags::keyword)
    }

    /// The flag of this keyword, which is added where it is new; none once the table is full.
    pub fn add(&mut self, keyword: &Keyword) -> Option<Flags> {
        if let Some(flag) = self.flag(keyword) {
            return Some(flag);
        }
        let flag = Flags::keyword(self.names.len()).filter(|_| !self.is_full())?;
        self.names.push(keyword.clone());
        Some(flag)
    }

    /// All keywords, by position.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Keyword> {
        self.names.iter()
    }
}

/// How a set of flags changes others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlagOp {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`
    Replace,
}

/// A change of flags, keywords by name: which bits they have is the mailbox's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    /// Add, remove or replace.
    pub op: FlagOp,
    /// The system flags concerned.
    pub system: Flags,
    /// The keywords concerned.
    pub keywords: Vec<Keyword>,
}

impl FlagChange {
    /// A change of system flags alone.
    pub fn of(op: FlagOp, system: Flags) -> Self {
        Self {
            op,
            system: system.system(),
            keywords: Vec::new(),
        }
    }

    /// What `flags` become; `keywords` are the bits of this change's keywords in the mailbox's table.
    pub fn apply(&self, flags: Flags, keywords: Flags) -> Flags {
        let these = self.system.union(keywords);
        match self.op {
            FlagOp::Add => flags.union(these),
            FlagOp::Remove => flags.difference(these),
            FlagOp::Replace => these,
        }
    }
}

/// What a mailbox is for (RFC 6154 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// All messages.
    All,
    /// Archived messages.
    Archive,
    /// Drafts.
    Drafts,
    /// Flagged messages.
    Flagged,
    /// Junk.
    Junk,
    /// Sent messages.
    Sent,
    /// Deleted messages.
    Trash,
    /// Important messages (RFC 8457).
    Important,
}

impl SpecialUse {
    /// All uses with their attribute names.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::All, "\\All"),
        (Self::Archive, "\\Archive"),
        (Self::Drafts, "\\Drafts"),
        (Self::Flagged, "\\Flagged"),
        (Self::Junk, "\\Junk"),
        (Self::Sent, "\\Sent"),
        (Self::Trash, "\\Trash"),
        (Self::Important, "\\Important"),
    ];

    /// The attribute, as LIST shows it.
    pub fn attribute(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    /// The use of this attribute name, without regard to case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_keeps_its_position_and_the_table_its_limit() {
        let mut table = Keywords::default();
        let one = Keyword::parse("$Forwarded").unwrap();
        let first = table.add(&one).unwrap();
        for n in 1..Flags::KEYWORDS {
            assert!(
                table
                    .add(&Keyword::parse(&format!("k{n}")).unwrap())
                    .is_some()
            );
        }
        assert_eq!(
            table.add(&Keyword::parse("$forwarded").unwrap()),
            Some(first)
        );
        assert_eq!(table.add(&Keyword::parse("straw").unwrap()), None);
        let flags = first | Flags::SEEN;
        assert_eq!(
            flags.names(&table).collect::<Vec<_>>(),
            ["\\Seen", "$Forwarded"]
        );
    }

    #[test]
    fn only_atoms_are_keywords() {
        for bad in ["", "a b", "a]", "\\Seen", "a\r\n", "ä", "a\0", "(x", "a{1}"] {
            assert!(Keyword::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Keyword::parse("$Label1").is_ok());
    }

    #[test]
    fn replacing_leaves_nothing_of_the_old() {
        let change = FlagChange::of(FlagOp::Replace, Flags::SEEN);
        assert_eq!(change.apply(Flags::DELETED, Flags::NONE), Flags::SEEN);
    }
}
