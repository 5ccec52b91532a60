//! The words of a zone file (RFC 1035 §5.1): blanks part them, quotes and backslashes keep blanks within, a
//! semicolon begins a comment, parentheses hold lines together.

/// One word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it holds, escapes undone.
    pub(super) octets: Vec<u8>,
    /// It stood in quotes: an empty one is a value, and no keyword is meant.
    pub(super) quoted: bool,
}

impl Token {
    /// The word as text; names and numbers hold nothing but ASCII.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.octets)
            .ok()
            .filter(|text| text.is_ascii())
    }
}

/// An entry: the words of one line, or of several that parentheses hold together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number of its first line, from 1.
    pub(super) line: usize,
    /// The line begins with a blank: the owner is that of the entry before.
    pub(super) indented: bool,
    pub(super) tokens: Vec<Token>,
}

/// Reads the entries of a file; an error comes with the number of its line.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    let mut open: Option<Entry> = None;
    let mut depth = 0_usize;
    for (at, line) in text.lines().enumerate() {
        let at = at + 1;
        let entry = open.get_or_insert_with(|| Entry {
            line: at,
            indented: line.starts_with([' ', '\t']),
            tokens: Vec::new(),
        });
        words(line, &mut depth, &mut entry.tokens).map_err(|what| (at, what.to_owned()))?;
        if depth == 0 {
            entries.extend(open.take().filter(|entry| !entry.tokens.is_empty()));
        }
    }
    match open {
        Some(entry) => Err((entry.line, "a parenthesis is never closed".to_owned())),
        None => Ok(entries),
    }
}

fn words(line: &str, depth: &mut usize, into: &mut Vec<Token>) -> Result<(), &'static str> {
    let mut rest = line.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        match first {
            b' ' | b'\t' | b'\r' => rest = behind,
            b';' => return Ok(()),
            b'(' => {
                *depth += 1;
                rest = behind;
            }
            b')' => {
                *depth = depth
                    .checked_sub(1)
                    .ok_or("a parenthesis was never opened")?;
                rest = behind;
            }
            b'"' => {
                let (octets, behind) = word(behind, b"\"")?;
                rest = behind
                    .strip_prefix(b"\"")
                    .ok_or("a quote is never closed")?;
                into.push(Token {
                    octets,
                    quoted: true,
                });
            }
            _ => {
                let (octets, behind) = word(rest, b" \t\r;()\"")?;
                rest = behind;
                into.push(Token {
                    octets,
                    quoted: false,
                });
            }
        }
    }
    Ok(())
}

/// Reads up to any of `ends` that no backslash stands before.
fn word<'a>(mut rest: &'a [u8], ends: &[u8]) -> Result<(Vec<u8>, &'a [u8]), &'static str> {
    let mut octets = Vec::new();
    while let Some((&first, behind)) = rest.split_first() {
        if ends.contains(&first) {
            break;
        }
        rest = behind;
        if first != b'\\' {
            octets.push(first);
            continue;
        }
        // RFC 1035 §5.1: \X is X, \DDD the octet of that number.
        let (octet, behind) = match rest {
            [a, b, c, behind @ ..] if [a, b, c].iter().all(|d| d.is_ascii_digit()) => {
                let number = [a, b, c]
                    .iter()
                    .fold(0_u16, |n, d| n * 10 + u16::from(**d - b'0'));
                let octet = u8::try_from(number).map_err(|_| "no octet has that number")?;
                (octet, behind)
            }
            [plain, behind @ ..] => (*plain, behind),
            [] => return Err("a backslash stands before nothing"),
        };
        octets.push(octet);
        rest = behind;
    }
    Ok((octets, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        let entries = entries(text).unwrap();
        let text = |token: &Token| String::from_utf8(token.octets.clone()).unwrap();
        let texts = |entry: &Entry| entry.tokens.iter().map(text).collect();
        entries.iter().map(texts).collect()
    }

    #[test]
    fn quotes_escapes_and_comments_are_undone() {
        let read = texts("a TXT \"b ; c\" d\\;e \\102 \"\" ; the rest\n\n; nothing\n");
        assert_eq!(read, [["a", "TXT", "b ; c", "d;e", "f", ""]]);
    }

    #[test]
    fn parentheses_hold_lines_together() {
        let read = entries("a TLSA ( 3 1 ; usage\n 1\n ab )\n b A 192.0.2.1").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].tokens.len(), 6);
        assert_eq!((read[1].line, read[1].indented), (4, true));
    }

    #[test]
    fn what_is_never_closed_is_told_with_its_line() {
        assert_eq!(entries("a\n(b\nc").unwrap_err().0, 2);
        assert_eq!(entries("a\nb \"c").unwrap_err().0, 2);
        assert_eq!(entries("a )").unwrap_err().0, 1);
        assert_eq!(entries("a \\999").unwrap_err().0, 1);
    }
}
