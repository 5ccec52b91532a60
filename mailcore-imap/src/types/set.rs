//! Sequence sets as clients write them: `1:3,7,9:*` (RFC 3501 §9, `sequence-set`), or `$`, what the last search
//! saved (RFC 5182 §3).

/// Ranges of message numbers or UIDs, in the order and with the ends in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SequenceSet {
    ranges: Vec<(Option<u32>, Option<u32>)>,
    saved: bool,
}

impl SequenceSet {
    /// Reads a set; `None` where the text is not one.
    ///
    /// Numbers are from 1 to 4294967295; there are as many ranges as the text has commas, plus one.
    pub fn parse(text: &[u8]) -> Option<Self> {
        // RFC 5182 §3 `seq-last-command`: it stands alone.
        if text == b"$" {
            return Some(Self {
                ranges: Vec::new(),
                saved: true,
            });
        }
        let ranges = text
            .split(|b| *b == b',')
            .map(|range| {
                let mut ends = range.splitn(2, |b| *b == b':');
                let first = number(ends.next()?)?;
                let last = ends.next().map_or(Some(first), number)?;
                Some((first, last))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            ranges,
            saved: false,
        })
    }

    /// It is `$`, and names whatever the last search saved.
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// The ranges, none for `$`; `None` is `*`. The ends of a range stand in any order.
    pub fn ranges(&self) -> impl Iterator<Item = (Option<u32>, Option<u32>)> + '_ {
        self.ranges.iter().copied()
    }
}

/// A number that is not zero, or `*` (the inner `None`).
#[expect(clippy::option_option, reason = "not a number, the star, a number")]
fn number(text: &[u8]) -> Option<Option<u32>> {
    if text == b"*" {
        return Some(None);
    }
    let digits = !text.is_empty() && text.len() <= 10 && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| digits)?;
    number.parse().ok().filter(|n| *n > 0).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_as_it_is_written() {
        let set = SequenceSet::parse(b"1:3,7,*:9").unwrap();
        let want = [(Some(1), Some(3)), (Some(7), Some(7)), (None, Some(9))];
        assert_eq!(set.ranges().collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_dollar_alone_is_what_was_saved() {
        let set = SequenceSet::parse(b"$").unwrap();
        assert!(set.is_saved() && set.ranges().next().is_none());
        assert!(!SequenceSet::parse(b"1").unwrap().is_saved());
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for bad in [
            "",
            ",",
            "1,",
            "0",
            "1:",
            ":1",
            "1:2:3",
            "-1",
            "+1",
            "x",
            "4294967296",
            "1 2",
            "01x",
            "$,1",
            "1,$",
            "$:2",
            "$$",
        ] {
            assert_eq!(SequenceSet::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert!(SequenceSet::parse(b"4294967295:*").is_some());
    }
}
