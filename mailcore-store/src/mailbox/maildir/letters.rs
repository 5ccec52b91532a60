//! Flags as letters in file names, and `dovecot-keywords`, which says what `a` to `z` mean: lines of `0 $Forwarded`.
//!
//! A mailbox has at most 26 keywords here; one more is refused with Limit rather than kept where the next program
//! does not find it.

use crate::{Error, Kind, Result};
use mailcore_base::mailbox::{Flags, Keyword, Keywords};

const SYSTEM: [(u8, Flags); 5] = [
    (b'D', Flags::DRAFT),
    (b'F', Flags::FLAGGED),
    (b'R', Flags::ANSWERED),
    (b'S', Flags::SEEN),
    (b'T', Flags::DELETED),
];

/// A mailbox's keywords, in the order in which sessions know them, each with its letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Letters(Vec<(u8, Keyword)>);

impl Letters {
    /// Longest file that is read.
    pub(super) const LONGEST_FILE: u64 = 64 * 1024;

    /// Takes over what a file says now: keywords known keep their position, new ones come behind. A letter that now
    /// means another keyword, or none, is the file's affair: the files' names follow it. False if it says nothing of a letter
    /// that is known.
    pub(super) fn learn(&mut self, file: &[u8]) -> bool {
        let told: Vec<(u8, Keyword)> = file
            .split(|b| *b == b'\n')
            .filter_map(|line| {
                let line = std::str::from_utf8(line).ok()?;
                let (number, name) = line.split_once(' ')?;
                let number: u8 = number.parse().ok().filter(|n| *n < 26)?;
                Some((b'a' + number, Keyword::parse(name).ok()?))
            })
            .collect();
        let is_told = |letter: u8| told.iter().any(|(told, _)| *told == letter);
        let whole = self.0.iter().all(|(letter, _)| is_told(*letter));
        for (letter, keyword) in told {
            match self.0.iter().position(|(_, known)| *known == keyword) {
                Some(at) => {
                    if let Some(known) = self.0.get_mut(at) {
                        known.0 = letter;
                    }
                }
                None if self.0.len() < Flags::KEYWORDS => self.0.push((letter, keyword)),
                None => {}
            }
        }
        whole
    }

    /// Keywords in the order in which sessions know them, with their letters; none if they are too many, or letters are
    /// none.
    pub(super) fn of(letters: Vec<(u8, Keyword)>) -> Option<Self> {
        let sound = letters
            .iter()
            .all(|(letter, _)| letter.is_ascii_lowercase());
        (sound && letters.len() <= Flags::KEYWORDS).then_some(Self(letters))
    }

    /// Each keyword with its letter.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &Keyword)> {
        self.0.iter().map(|(letter, keyword)| (*letter, keyword))
    }

    /// The file's new content.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_by_key(|(letter, _)| *letter);
        let mut out = String::new();
        for (letter, keyword) in lines {
            out.push_str(&format!("{} {keyword}\n", letter - b'a'));
        }
        out.into_bytes()
    }

    /// Gives those of `keywords` that have none a letter, all or none; says whether there were any.
    pub(super) fn allot(&mut self, keywords: &[Keyword]) -> Result<bool> {
        let mut all = self.0.clone();
        for keyword in keywords {
            if all.iter().any(|(_, known)| known == keyword) {
                continue;
            }
            let full = || Error::new(Kind::Limit, "keywords of a mailbox");
            all.push((free(&all).ok_or_else(full)?, keyword.clone()));
        }
        let more = all.len() > self.0.len();
        self.0 = all;
        Ok(more)
    }

    /// The table that sessions see.
    pub(super) fn table(&self) -> Keywords {
        let table = Keywords::new(self.0.iter().map(|(_, keyword)| keyword.clone()));
        match free(&self.0) {
            Some(_) => table,
            None => table.closed(),
        }
    }

    /// Whether all of these have their letter.
    pub(super) fn knows(&self, keywords: &[Keyword]) -> bool {
        let known = |keyword: &Keyword| self.0.iter().any(|(_, known)| known == keyword);
        keywords.iter().all(known)
    }

    /// The bits of these keywords, as far as they are known.
    pub(super) fn flags(&self, keywords: &[Keyword]) -> Flags {
        let known = keywords.iter().filter_map(|keyword| {
            let at = self.0.iter().position(|(_, known)| known == keyword)?;
            Flags::keyword(at)
        });
        known.fold(Flags::NONE, Flags::union)
    }

    /// The flags that letters mean.
    pub(super) fn read(&self, letters: &[u8]) -> Flags {
        let meant = letters.iter().filter_map(|letter| {
            let system = SYSTEM.iter().find(|(known, _)| known == letter);
            system.map(|(_, flag)| *flag).or_else(|| {
                let at = self.0.iter().position(|(known, _)| known == letter)?;
                Flags::keyword(at)
            })
        });
        meant.fold(Flags::NONE, Flags::union)
    }

    /// The info for these flags; letters of `old` that mean nothing to us stay.
    pub(super) fn info(&self, flags: Flags, old: &[u8]) -> Vec<u8> {
        let mut letters: Vec<u8> = old
            .iter()
            .copied()
            .filter(|letter| letter.is_ascii_alphabetic() && self.read(&[*letter]).is_empty())
            .collect();
        let system = SYSTEM.iter().filter(|(_, flag)| flags.contains(*flag));
        letters.extend(system.map(|(letter, _)| *letter));
        let keywords = flags.keywords().filter_map(|n| self.0.get(n));
        letters.extend(keywords.map(|(letter, _)| *letter));
        letters.sort_unstable();
        letters.dedup();
        let mut info = b":2,".to_vec();
        info.append(&mut letters);
        info
    }
}

/// The first letter that is nobody's.
fn free(letters: &[(u8, Keyword)]) -> Option<u8> {
    (b'a'..=b'z').find(|letter| letters.iter().all(|(taken, _)| taken != letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyword(name: &str) -> Keyword {
        Keyword::parse(name).unwrap()
    }

    #[test]
    fn letters_are_read_and_written_as_dovecot_does() {
        let mut letters = Letters::default();
        letters.learn(b"0 $Forwarded\n1 Junk\n25 last\nrubbish\n99 far\n3\n");
        let flags = letters.read(b"Sab");
        assert_eq!(
            flags.names(&letters.table()).collect::<Vec<_>>(),
            ["\\Seen", "$Forwarded", "Junk"]
        );
        assert_eq!(letters.info(flags, b""), b":2,Sab");
        assert_eq!(
            letters.info(Flags::SEEN, b"PabT"),
            b":2,PS",
            "P is not ours"
        );
        assert_eq!(letters.file(), b"0 $Forwarded\n1 Junk\n25 last\n");
    }

    #[test]
    fn the_twenty_seventh_keyword_is_refused_and_takes_nothing() {
        let mut letters = Letters::default();
        letters.learn(b"1 Junk\n");
        let many: Vec<_> = (0..25).map(|n| keyword(&format!("k{n}"))).collect();
        assert!(letters.allot(&many[1..]).unwrap());
        assert!(!letters.table().is_full());
        assert!(letters.allot(&many).unwrap());
        assert!(letters.table().is_full(), "nobody is asked for more");
        assert!(!letters.allot(&[keyword("JUNK")]).unwrap());
        let before = letters.clone();
        let more = [keyword("Junk"), keyword("straw")];
        assert_eq!(letters.allot(&more).unwrap_err().kind(), Kind::Limit);
        assert_eq!(letters, before);
        let mut again = Letters::default();
        again.learn(&letters.file());
        assert_eq!(again.file(), letters.file());
    }

    proptest! {
        #[test]
        fn an_info_gives_back_the_flags(system in 0u64..32, chosen in proptest::collection::vec(0usize..26, 0..10)) {
            let mut letters = Letters::default();
            letters.allot(&(0..26).map(|n| keyword(&format!("k{n}"))).collect::<Vec<_>>()).unwrap();
            let keywords = chosen.into_iter().filter_map(Flags::keyword);
            let flags = keywords.fold(Flags::from_bits(system), Flags::union);
            let info = letters.info(flags, b"");
            prop_assert_eq!(letters.read(super::super::filename::letters(&info)), flags);
            prop_assert!(super::super::filename::letters(&info).is_sorted());
        }
    }
}
