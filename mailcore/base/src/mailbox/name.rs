//! Names of mailboxes: a path of components, apart from any separator and from any encoding.
//!
//! On the wire a name is one string with a separator in it, in modified UTF-7 (RFC 3501 §5.1.3) or in UTF-8
//! (RFC 6855); in here it is neither. Names are bounded and cannot climb: no component is empty, `.` or `..`,
//! and none holds a control character. What else a store cannot keep (a `/` inside a component, names of its own
//! files) the store refuses. The other half is [`Pattern`], what LIST asks with.

mod pattern;
mod utf7;

pub use pattern::Pattern;

use std::fmt;
use thiserror::Error;

/// A mailbox name of one or more components. `INBOX` in any case is `INBOX`, also in front of children
/// (RFC 3501 §5.1); every other component keeps its case.
///
/// The order is that of a tree: a parent stands before its children, and they before its next sibling.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName {
    /// The components, joined by NUL, which no component holds.
    joined: Box<str>,
}

/// Why a text is not a mailbox name. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name or one of its components is empty.
    #[error("Empty name")]
    Empty,
    /// A component is `.` or `..`.
    #[error("Name climbs the hierarchy")]
    Climbs,
    /// It holds a control character or a line separator.
    #[error("Control character in name")]
    Control,
    /// It is not UTF-8.
    #[error("Not valid UTF-8")]
    Utf8,
    /// It is not modified UTF-7.
    #[error("Not valid mUTF-7")]
    Utf7,
    /// It or one of its components is too long.
    #[error("Name too long")]
    TooLong,
    /// It has more than [`MailboxName::MAX_DEPTH`] components.
    #[error("Too many levels of hierarchy")]
    TooDeep,
}

const JOINT: char = '\0';

impl MailboxName {
    /// Octets of a name in UTF-8, separators counted.
    pub const MAX: usize = 1024;
    /// Octets of a component in UTF-8: what a file name may have.
    pub const MAX_COMPONENT: usize = 255;
    /// Components of a name.
    pub const MAX_DEPTH: usize = 50;

    /// The mailbox that every user has.
    #[must_use]
    pub fn inbox() -> Self {
        Self {
            joined: "INBOX".into(),
        }
    }

    /// Reads a name in UTF-8 whose components are parted by `separator`.
    ///
    /// A separator at the end makes an empty component and is refused; where a command allows one (CREATE,
    /// RFC 3501 §6.3.3), its caller takes it off first.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong.
    pub fn parse(text: &str, separator: char) -> Result<Self, NameError> {
        if text.len() > Self::MAX {
            return Err(NameError::TooLong);
        }
        Self::from_components(text.split(separator))
    }

    /// Reads a name in modified UTF-7, as IMAP4rev1 sends it.
    ///
    /// # Errors
    /// [`NameError`]; [`NameError::Utf7`] for anything that modified UTF-7 would have encoded otherwise.
    pub fn parse_utf7(bytes: &[u8], separator: char) -> Result<Self, NameError> {
        // A shift of one character of two octets takes five, the worst there is: more cannot fit.
        if bytes.len() > 4 * Self::MAX {
            return Err(NameError::TooLong);
        }
        Self::parse(&utf7::decode(bytes).ok_or(NameError::Utf7)?, separator)
    }

    /// Reads a name in UTF-8, as IMAP sends it after ENABLE UTF8=ACCEPT or IMAP4rev2.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse_utf8(bytes: &[u8], separator: char) -> Result<Self, NameError> {
        Self::parse(
            std::str::from_utf8(bytes).map_err(|_| NameError::Utf8)?,
            separator,
        )
    }

    /// Joins components.
    ///
    /// # Errors
    /// [`NameError`], [`NameError::Empty`] if there are none.
    pub fn from_components<'a>(
        components: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NameError> {
        let mut joined = String::new();
        for (depth, component) in components.into_iter().enumerate() {
            if depth == Self::MAX_DEPTH {
                return Err(NameError::TooDeep);
            }
            check(component)?;
            if depth > 0 {
                joined.push(JOINT);
            }
            joined.push_str(
                match depth == 0 && component.eq_ignore_ascii_case("inbox") {
                    true => "INBOX",
                    false => component,
                },
            );
            if joined.len() > Self::MAX {
                return Err(NameError::TooLong);
            }
        }
        match joined.is_empty() {
            true => Err(NameError::Empty),
            false => Ok(Self {
                joined: joined.into(),
            }),
        }
    }

    /// The components from the top down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.joined.split(JOINT)
    }

    /// The last component.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.joined.rsplit(JOINT).next().unwrap_or_default()
    }

    /// The name above this one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.joined.rsplit_once(JOINT).map(|(parent, _)| Self {
            joined: parent.into(),
        })
    }

    /// This name with one more component.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn child(&self, leaf: &str) -> Result<Self, NameError> {
        Self::from_components(self.components().chain([leaf]))
    }

    /// How many components there are.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// Whether this is `INBOX` itself.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        &*self.joined == "INBOX"
    }

    /// Whether this name lies below `ancestor`, at any depth. No name lies below itself.
    #[must_use]
    pub fn is_below(&self, ancestor: &Self) -> bool {
        self.joined
            .strip_prefix(&*ancestor.joined)
            .is_some_and(|rest| rest.starts_with(JOINT))
    }

    /// The name as RENAME of `from` to `to` changes it: `None` if it is neither `from` nor below it.
    ///
    /// # Errors
    /// [`NameError`] if the new name would go beyond a limit.
    pub fn renamed(&self, from: &Self, to: &Self) -> Option<Result<Self, NameError>> {
        if self == from {
            return Some(Ok(to.clone()));
        }
        let rest = self.components().skip(from.depth());
        self.is_below(from)
            .then(|| Self::from_components(to.components().chain(rest)))
    }

    /// The name in UTF-8 with `separator` between components. `None` if a component holds the separator: then
    /// this name cannot be said there.
    #[must_use]
    pub fn to_utf8(&self, separator: char) -> Option<String> {
        if self.joined.contains(separator) {
            return None;
        }
        let mut buffer = [0; 4];
        Some(
            self.joined
                .replace(JOINT, separator.encode_utf8(&mut buffer)),
        )
    }

    /// The name in modified UTF-7, else as [`MailboxName::to_utf8`].
    #[must_use]
    pub fn to_utf7(&self, separator: char) -> Option<String> {
        self.to_utf8(separator).map(|text| utf7::encode(&text))
    }
}

fn check(component: &str) -> Result<(), NameError> {
    match component {
        "" => return Err(NameError::Empty),
        "." | ".." => return Err(NameError::Climbs),
        _ if component.len() > MailboxName::MAX_COMPONENT => return Err(NameError::TooLong),
        _ => {}
    }
    // RFC 6855 §3 by way of Net-Unicode (RFC 5198 §2): no C0, DEL, C1, no line or paragraph separator.
    match component
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        true => Err(NameError::Control),
        false => Ok(()),
    }
}

/// With `/` between components, whatever the store's separator is.
impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined.replace(JOINT, "/"))
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName({:?})", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text, '/').unwrap()
    }

    #[test]
    fn inbox_has_no_case_but_its_children_have() {
        assert!(name("iNbOx").is_inbox());
        assert_eq!(name("inbox/Work").to_string(), "INBOX/Work");
        assert_ne!(name("inbox/Work"), name("INBOX/work"));
        assert_eq!(name("Work/inbox").to_string(), "Work/inbox");
        assert_eq!(name("inboxes").to_string(), "inboxes");
    }

    #[test]
    fn names_that_climb_or_break_lines_are_refused() {
        for (text, error) in [
            ("", NameError::Empty),
            ("/", NameError::Empty),
            ("/etc/passwd", NameError::Empty),
            ("a//b", NameError::Empty),
            ("a/", NameError::Empty),
            ("..", NameError::Climbs),
            ("a/../b", NameError::Climbs),
            ("a/.", NameError::Climbs),
            ("a\0b", NameError::Control),
            ("a\r\nb", NameError::Control),
            ("a\u{7f}", NameError::Control),
            ("a\u{85}", NameError::Control),
            ("a\u{2028}", NameError::Control),
        ] {
            assert_eq!(MailboxName::parse(text, '/'), Err(error), "{text:?}");
        }
        assert_eq!(
            MailboxName::parse_utf7(b"&AAA-", '/'),
            Err(NameError::Control)
        );
        assert_eq!(MailboxName::parse_utf8(b"a\xff", '/'), Err(NameError::Utf8));
    }

    #[test]
    fn names_have_limits() {
        let part = "a".repeat(255);
        assert!(MailboxName::parse(&[&*part; 4].join("/"), '/').is_ok());
        assert_eq!(
            MailboxName::parse(&[&*part; 5].join("/"), '/'),
            Err(NameError::TooLong)
        );
        assert_eq!(
            MailboxName::parse(&"a".repeat(256), '/'),
            Err(NameError::TooLong)
        );
        assert_eq!(
            MailboxName::parse(&["a"; 51].join("/"), '/'),
            Err(NameError::TooDeep)
        );
        assert_eq!(
            MailboxName::from_components([&*part; 5]),
            Err(NameError::TooLong)
        );
        assert_eq!(
            MailboxName::parse_utf7(&[b'a'; 20_000], '/'),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn the_separator_is_a_matter_of_the_wire() {
        let dotted = MailboxName::parse("Lists.rust", '.').unwrap();
        assert_eq!(dotted, name("Lists/rust"));
        assert_eq!(name("a.b/c").to_utf8('.'), None);
        assert_eq!(
            name("Entwürfe/Ü").to_utf7('.').as_deref(),
            Some("Entw&APw-rfe.&ANw-")
        );
        assert_eq!(
            MailboxName::parse_utf7(b"Entw&APw-rfe.&ANw-", '.'),
            Ok(name("Entwürfe/Ü"))
        );
    }

    #[test]
    fn rename_carries_the_children() {
        let (from, to) = (name("a/b"), name("x"));
        assert_eq!(name("a/b/c/d").renamed(&from, &to), Some(Ok(name("x/c/d"))));
        assert_eq!(from.renamed(&from, &to), Some(Ok(name("x"))));
        assert_eq!(name("a/bc").renamed(&from, &to), None);
        assert_eq!(name("a").renamed(&from, &to), None);
        assert_eq!(name("a/b/c").parent(), Some(from));
        assert!(name("a/b") < name("a/b/c") && name("a/b/c") < name("a/b c"));
    }

    proptest! {
        #[test]
        fn a_name_survives_both_encodings(text in "[ -.0-~äß\u{4e2d}\u{1f600}]{1,30}(/[ -.0-~é]{1,30}){0,4}") {
            if let Ok(name) = MailboxName::parse(&text, '/') {
                let (seven, eight) = (name.to_utf7('/').unwrap(), name.to_utf8('/').unwrap());
                prop_assert_eq!(MailboxName::parse_utf7(seven.as_bytes(), '/'), Ok(name.clone()));
                prop_assert_eq!(MailboxName::parse_utf8(eight.as_bytes(), '/'), Ok(name));
            }
        }
    }
}
