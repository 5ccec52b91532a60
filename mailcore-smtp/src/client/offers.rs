//! What a peer offers: the reply to EHLO or LHLO as values (RFC 5321 §4.1.1.1).

use crate::{Keyword, Keywords};
use mailcore_base::{envelope::Text, reply::Reply};

/// Mechanisms that are kept; more than there are.
const MOST_MECHANISMS: usize = 64;

/// The extensions of a peer, as far as they are known here and believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Offers {
    /// The extensions.
    pub keywords: Keywords,
    /// The largest message that is taken, in octets; `None` where no limit was said.
    pub size: Option<u64>,
    /// SASL mechanisms, upper case, in the peer's order.
    pub mechanisms: Vec<Text>,
}

impl Offers {
    /// Reads them from a reply, whose first line is the peer's name. `discard` is not believed.
    #[must_use]
    pub fn parse(reply: &Reply, discard: Keywords) -> Self {
        let mut offers = Self::default();
        for line in reply.lines().skip(1) {
            offers.add(line, discard);
        }
        offers
    }

    /// Whether this is offered.
    #[must_use]
    pub fn has(&self, keyword: Keyword) -> bool {
        self.keywords.contains(keyword)
    }

    fn add(&mut self, line: &str, discard: Keywords) {
        // "AUTH=LOGIN" is how servers of before RFC 4954 say it.
        let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
        let keyword = words.next().and_then(|word| word.parse().ok());
        let Some(keyword) = keyword.filter(|it| !discard.contains(*it)) else {
            return;
        };
        self.keywords = self.keywords.with(keyword);
        match keyword {
            // RFC 1870 §3: without a number, or with zero, no limit is said.
            Keyword::Size => {
                let size = words.next().and_then(|word| word.parse().ok());
                self.size = size.filter(|size| *size > 0);
            }
            Keyword::Auth => words.for_each(|word| self.add_mechanism(word)),
            _ => {}
        }
    }

    // RFC 4422 §3.1: letters, digits, hyphens and underscores, at most twenty; some years have seen longer ones.
    fn add_mechanism(&mut self, word: &str) {
        let good = word.len() <= 64
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let name = Text::lossy(word.to_ascii_uppercase().as_bytes());
        if good && self.mechanisms.len() < MOST_MECHANISMS && !self.mechanisms.contains(&name) {
            self.mechanisms.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, discard: Keywords) -> Offers {
        Offers::parse(&text.parse().unwrap(), discard)
    }

    #[test]
    fn offers_are_read_in_any_case_and_once() {
        let text = "250 mx.test\nsize 1000\nPipelining\nAUTH plain LOGIN\nAUTH=LOGIN X-1\nXNEW a\nAUTH br@ken";
        let offers = read(text, Keywords::NONE);
        assert_eq!(offers.size, Some(1000));
        let names: Vec<_> = offers.mechanisms.iter().map(|name| name.as_str()).collect();
        assert_eq!(names, ["PLAIN", "LOGIN", "X-1"]);
        assert!(offers.has(Keyword::Pipelining) && !offers.has(Keyword::Dsn));
    }

    #[test]
    fn the_first_line_is_a_name_and_offers_nothing() {
        assert_eq!(read("250 PIPELINING", Keywords::NONE), Offers::default());
    }

    #[test]
    fn what_is_not_believed_is_not_offered() {
        let discard = Keywords::NONE.with(Keyword::Auth).with(Keyword::Size);
        assert_eq!(
            read("250 a\nAUTH PLAIN\nSIZE 5", discard),
            Offers::default()
        );
    }

    #[test]
    fn a_size_of_zero_is_no_limit() {
        for text in [
            "250 a\nSIZE 0",
            "250 a\nSIZE",
            "250 a\nSIZE x",
            "250 a\nSIZE 99999999999999999999",
        ] {
            let offers = read(text, Keywords::NONE);
            assert!(offers.has(Keyword::Size) && offers.size.is_none(), "{text}");
        }
    }
}
