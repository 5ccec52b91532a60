//! Domain names as mail uses them: compared as A-labels, shown as they were given.

use super::{ParseError, Repertoire};
use crate::envelope::breaks_line;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

/// A domain name of at least one label.
///
/// It keeps what was given for display and knows its A-label form in lower case (RFC 5890), which alone is
/// compared, hashed and looked up: `MÜNCHEN.example`, `münchen.example` and `xn--mnchen-3ya.EXAMPLE` are one.
#[derive(Clone)]
pub struct Domain {
    given: Box<str>,
    /// The A-label form, where it differs from `given`.
    ascii: Option<Box<str>>,
}

impl Domain {
    /// Octets of a domain in A-label form (RFC 1035 §2.3.4 as text: 255 octets on the wire of DNS are 253 here).
    pub const MAX: usize = 253;
    /// Octets of one label.
    pub const MAX_LABEL: usize = 63;

    /// Reads a domain. One dot at the end (the root) is dropped, as Postfix does. Underscores are taken, since
    /// host names that hold them exist. Digits and dots alone are no name: an address belongs in brackets (Postfix:
    /// resolve_numeric_domain = no).
    ///
    /// # Errors
    /// [`ParseError::Domain`], [`ParseError::TooLong`], or [`ParseError::NotAscii`] for UTF-8 that was not allowed.
    pub fn parse(text: &str, repertoire: Repertoire) -> Result<Self, ParseError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_ascii() {
            return Self::from_ascii(text);
        }
        if repertoire == Repertoire::Ascii {
            return Err(ParseError::NotAscii);
        }
        Self::from_unicode(text)
    }

    fn from_ascii(text: &str) -> Result<Self, ParseError> {
        if text.len() > Self::MAX {
            return Err(ParseError::TooLong);
        }
        let numeric = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if numeric || !text.split('.').all(is_label) {
            return Err(ParseError::Domain);
        }
        let upper = text.bytes().any(|b| b.is_ascii_uppercase());
        Ok(Self {
            given: text.into(),
            ascii: upper.then(|| text.to_ascii_lowercase().into()),
        })
    }

    fn from_unicode(text: &str) -> Result<Self, ParseError> {
        // A U-label of 63 octets as A-label is never longer than this in UTF-8; it bounds the work below.
        if text.len() > 4 * Self::MAX {
            return Err(ParseError::TooLong);
        }
        let ascii = Uts46::new()
            .to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| ParseError::Domain)?;
        // Mapping may turn full-width characters into ASCII, so the result is judged like any other name.
        let mut domain = Self::from_ascii(&ascii)?;
        domain.ascii = Some(domain.ascii.unwrap_or(domain.given));
        domain.given = shown(text)?.into();
        Ok(domain)
    }

    /// The A-label form in lower case: the key for comparison, look-up and DNS.
    #[must_use]
    pub fn as_ascii(&self) -> &str {
        self.ascii.as_deref().unwrap_or(&self.given)
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The name in U-labels for people; a label that is no valid A-label stays as it is.
    #[must_use]
    pub fn to_unicode(&self) -> Cow<'_, str> {
        Uts46::new()
            .to_unicode(
                self.as_ascii().as_bytes(),
                AsciiDenyList::EMPTY,
                Hyphens::Allow,
            )
            .0
    }

    /// Whether a text names this domain, in whichever form and case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.as_ascii() == name || Self::parse(name, Repertoire::Utf8).is_ok_and(|it| *self == it)
    }

    /// The labels from left to right, in A-label form.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.as_ascii().split('.')
    }

    /// The domain above this one, in A-label form: what tables are asked for next.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.as_ascii().split_once('.').map(|(_, parent)| parent)
    }

    /// Whether the name has at least two labels.
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        self.parent().is_some()
    }
}

/// What is kept for display: no character in it may disturb a line or its direction.
fn shown(text: &str) -> Result<&str, ParseError> {
    let unseen =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let disturbs = |c: char| breaks_line(c) || c.is_whitespace() || unseen(c);
    // ZWJ and ZWNJ are legitimate in some scripts (RFC 5892 Appendix A); IDNA has judged their place.
    match text
        .chars()
        .any(|c| disturbs(c) && !matches!(c, '\u{200c}' | '\u{200d}'))
    {
        true => Err(ParseError::Domain),
        false => Ok(text),
    }
}

// RFC 5321 §4.1.2: sub-domain = Let-dig [Ldh-str], and the underscore besides.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= Domain::MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.as_ascii() == other.as_ascii()
    }
}

impl Eq for Domain {}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ascii().hash(state);
    }
}

impl PartialOrd for Domain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Domain {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ascii().cmp(other.as_ascii())
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({:?})", self.given)
    }
}

impl FromStr for Domain {
    type Err = ParseError;

    /// Reads a domain from configuration or a program, where UTF-8 needs no permission.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, Repertoire::Utf8)
    }
}
