//! What a search is to tell of its result: `RETURN (MIN MAX ALL COUNT SAVE PARTIAL … CONTEXT UPDATE)`
//! (RFC 4731 §3.1, RFC 5182 §2, RFC 5267 §4).

use super::{Cursor, Wrong};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Returned {
    pub(crate) min: bool,
    pub(crate) max: bool,
    pub(crate) all: bool,
    pub(crate) count: bool,
    /// The result is what `$` stands for from now on.
    pub(crate) save: bool,
    /// The client is to be told of every later change of the result.
    pub(crate) update: bool,
    /// The results at these places, from 1, the lower one first.
    pub(crate) partial: Option<(u32, u32)>,
}

impl Returned {
    /// Reads `RETURN (…)` and the space behind it, where it is next.
    pub(crate) fn parse(at: &mut Cursor<'_>) -> Result<Option<Self>, Wrong> {
        let mut ahead = at.clone();
        if !ahead.word("RETURN") || ahead.space().is_err() || ahead.peek() != Some(b'(') {
            // Like Dovecot: the word alone is a key that nobody knows.
            return Ok(None);
        }
        *at = ahead;
        let mut returned = Self::default();
        at.list(|at| returned.option(at))?;
        if returned.partial.is_some() && returned.all {
            return Err("PARTIAL conflicts with ALL".into());
        }
        // RFC 4731 §3.1: an empty list asks for all; CONTEXT only says what the client means to do next.
        returned.all |= returned == Self::default();
        at.space()
            .map_err(|_| Wrong::from("Missing search parameters"))?;
        Ok(Some(returned))
    }

    fn option(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        match at.keyword()?.as_str() {
            "MIN" => self.min = true,
            "MAX" => self.max = true,
            "ALL" => self.all = true,
            "COUNT" => self.count = true,
            "SAVE" => self.save = true,
            // RFC 5267 §4.2: a hint, which needs no answer.
            "CONTEXT" => {}
            "UPDATE" => self.update = true,
            "PARTIAL" if self.partial.is_some() => {
                return Err("PARTIAL can be used only once".into());
            }
            "PARTIAL" => self.partial = Some(range(at)?),
            _ => return Err("Unknown SEARCH return option".into()),
        }
        Ok(())
    }

    /// Nothing of the result is told.
    pub(crate) fn is_silent(self) -> bool {
        self == Self {
            save: true,
            ..Self::default()
        }
    }

    /// RFC 5182 §2.1: only the lowest, only the highest, or both are saved where nothing else is asked for.
    pub(crate) fn saves_ends_alone(self) -> bool {
        (self.min || self.max) && !self.all && !self.count && self.partial.is_none()
    }
}

fn range(at: &mut Cursor<'_>) -> Result<(u32, u32), Wrong> {
    at.space()
        .map_err(|_| Wrong::from("PARTIAL range missing"))?;
    if at.peek() == Some(b')') {
        return Err("PARTIAL range missing".into());
    }
    let mut place = || {
        let place = at.number().and_then(|n| u32::try_from(n).ok());
        at.eat(b':');
        place.filter(|n| *n > 0)
    };
    match (place(), place()) {
        (Some(a), Some(b)) if matches!(at.peek(), Some(b' ' | b')')) => Ok((a.min(b), a.max(b))),
        _ => Err("PARTIAL range broken".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Returned>, Wrong> {
        Returned::parse(&mut Cursor::new(text.as_bytes()))
    }

    #[test]
    fn what_is_to_be_told_is_read() {
        let all = Returned {
            all: true,
            ..Returned::default()
        };
        for text in ["RETURN () ALL", "return (all) x", "RETURN (CONTEXT) ALL"] {
            assert_eq!(read(text), Ok(Some(all)), "{text}");
        }
        let partial = read("RETURN (PARTIAL 9:3 COUNT) ALL").unwrap().unwrap();
        assert_eq!((partial.partial, partial.count), (Some((3, 9)), true));
        for text in ["ALL", "RETURN ALL", "RETURN", "RETURNED (ALL) 1"] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        assert!(read("RETURN (SAVE) x").unwrap().unwrap().is_silent());
        assert!(!read("RETURN (SAVE UPDATE) x").unwrap().unwrap().is_silent());
    }

    #[test]
    fn what_cannot_be_told_is_refused_in_dovecots_words() {
        for (text, why) in [
            ("RETURN (FOO) ALL", "Unknown SEARCH return option"),
            ("RETURN (ALL ALL", "Missing ')'"),
            ("RETURN (COUNT)", "Missing search parameters"),
            ("RETURN (PARTIAL 0:3) ALL", "PARTIAL range broken"),
            ("RETURN (PARTIAL 3) ALL", "PARTIAL range broken"),
            ("RETURN (PARTIAL 3:4:5) ALL", "PARTIAL range broken"),
            ("RETURN (PARTIAL 1:4294967296) ALL", "PARTIAL range broken"),
            ("RETURN (PARTIAL) ALL", "PARTIAL range missing"),
            ("RETURN (PARTIAL ) ALL", "PARTIAL range missing"),
            ("RETURN (PARTIAL 1:3 ALL) ALL", "PARTIAL conflicts with ALL"),
            (
                "RETURN (PARTIAL 1:3 PARTIAL 1:2) x",
                "PARTIAL can be used only once",
            ),
        ] {
            assert_eq!(read(text), Err(why.into()), "{text}");
        }
    }
}
