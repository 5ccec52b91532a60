//! What LIST and LSUB ask with: names in which `*` and `%` stand for anything.

use super::{MailboxName, NameError, utf7};

/// A LIST pattern: `*` matches anything, `%` anything within one component (RFC 3501 §6.3.8).
///
/// Matching takes time of at most pattern times name, however many wildcards there are, and a pattern that needs
/// more characters than a name has is refused at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    atoms: Vec<Atom>,
    /// Characters that the pattern needs at the least.
    least: usize,
    separator: char,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Just(char),
    /// `%`
    Within,
    /// `*`
    Across,
}

impl Pattern {
    /// Octets of a pattern in UTF-8.
    pub const MAX: usize = 16 * 1024;

    /// Reads a pattern in UTF-8: reference and pattern, already joined by whoever knows how.
    ///
    /// # Errors
    /// [`NameError::TooLong`].
    pub fn parse(text: &str, separator: char) -> Result<Self, NameError> {
        if text.len() > Self::MAX {
            return Err(NameError::TooLong);
        }
        let mut atoms: Vec<Atom> = Vec::new();
        for c in text.chars() {
            match (c, atoms.last()) {
                // A run of wildcards with a `*` among them is one `*`, any other is one `%`.
                ('*', Some(Atom::Within)) => {
                    atoms.pop();
                    atoms.push(Atom::Across);
                }
                ('*' | '%', Some(Atom::Across)) | ('%', Some(Atom::Within)) => {}
                ('*', _) => atoms.push(Atom::Across),
                ('%', _) => atoms.push(Atom::Within),
                (c, _) => atoms.push(Atom::Just(c)),
            }
        }
        let least = atoms
            .iter()
            .filter(|atom| matches!(atom, Atom::Just(_)))
            .count();
        Ok(Self {
            atoms,
            least,
            separator,
        })
    }

    /// Reads a pattern in modified UTF-7.
    ///
    /// # Errors
    /// [`NameError::TooLong`] or [`NameError::Utf7`].
    pub fn parse_utf7(bytes: &[u8], separator: char) -> Result<Self, NameError> {
        if bytes.len() > Self::MAX {
            return Err(NameError::TooLong);
        }
        Self::parse(&utf7::decode(bytes).ok_or(NameError::Utf7)?, separator)
    }

    /// Whether the pattern holds a wildcard; without one it names one mailbox at most.
    #[must_use]
    pub fn is_wild(&self) -> bool {
        self.least < self.atoms.len()
    }

    /// Whether a name matches. The first component is compared without case where it is `INBOX`.
    #[must_use]
    pub fn matches(&self, name: &MailboxName) -> bool {
        let Some(text) = name.to_utf8(self.separator) else {
            return false;
        };
        let inbox = name
            .components()
            .next()
            .map_or(0, |first| if first == "INBOX" { first.len() } else { 0 });
        self.matches_text(&text, inbox)
    }

    /// `folded` characters at the front have no case.
    fn matches_text(&self, text: &str, folded: usize) -> bool {
        let length = text.chars().count();
        // Also bounds the table below: its width is at most twice the length of the name.
        if self.least > length {
            return false;
        }
        // live[i]: the atoms before i can match what has been read.
        let mut live = vec![false; self.atoms.len() + 1];
        live[0] = true;
        self.skip_wildcards(&mut live);
        for (at, c) in text.chars().enumerate() {
            let mut before = live[0];
            live[0] = false;
            for (i, atom) in self.atoms.iter().enumerate() {
                let stays = live[i + 1];
                live[i + 1] = match *atom {
                    Atom::Just(want) if at < folded => before && want.eq_ignore_ascii_case(&c),
                    Atom::Just(want) => before && want == c,
                    // A wildcard that is passed already may take one more.
                    Atom::Within => stays && c != self.separator,
                    Atom::Across => stays,
                };
                before = stays;
            }
            self.skip_wildcards(&mut live);
        }
        live.last().copied().unwrap_or_default()
    }

    /// Wildcards may match nothing: where one is reached, it is passed.
    fn skip_wildcards(&self, live: &mut [bool]) {
        for (i, atom) in self.atoms.iter().enumerate() {
            if live[i] && !matches!(atom, Atom::Just(_)) {
                live[i + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern, '/')
            .unwrap()
            .matches(&MailboxName::parse(name, '/').unwrap())
    }

    #[test]
    fn wildcards_know_the_separator() {
        for (pattern, name, want) in [
            ("*", "a/b/c", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("%/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("a%c", "a/b/c", false),
            ("a%c", "abc", true),
            ("a/*", "a", false),
            ("a*", "a", true),
            ("%*%", "a/b", true),
            ("", "a", false),
            ("%b/*x", "ab/c/dx", true),
            ("inbox", "INBOX", true),
            ("iNb%", "INBOX", true),
            ("inbox/x", "INBOX/x", true),
            ("inbox/X", "INBOX/x", false),
            ("a/inbox", "a/INBOX", false),
            ("Ä%", "ÄÖ", true),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn ten_thousand_wildcards_are_no_burden() {
        let name = "a".repeat(250) + "/b/" + &"a".repeat(250);
        for pattern in [
            "*".repeat(10_000),
            "%*".repeat(5_000),
            "*a".repeat(5_000),
            "%a".repeat(400) + "b",
        ] {
            let want = pattern.starts_with("**") || pattern.starts_with("%*");
            assert_eq!(matches(&pattern, &name), want);
        }
        let collapsed = Pattern::parse(&"%*".repeat(5_000), '/').unwrap();
        assert_eq!(collapsed.atoms, [Atom::Across]);
        assert_eq!(
            Pattern::parse(&"a".repeat(20_000), '/'),
            Err(NameError::TooLong)
        );
    }

    /// The definition, as plainly as it can be said.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((&wild @ ('*' | '%'), rest)) => {
                let reach = text
                    .iter()
                    .take_while(|&&c| wild == '*' || c != '/')
                    .count();
                (0..=reach).any(|n| plainly(rest, &text[n..]))
            }
            Some((c, rest)) => text.first() == Some(c) && plainly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab/*%]{0,8}", name in "[ab]{1,3}(/[ab]{1,3}){0,2}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), plainly(&chars(&pattern), &chars(&name)));
        }
    }
}
