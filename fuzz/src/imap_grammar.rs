//! A checker for what IMAP servers say inside parentheses (RFC 3501 §9): lists, quoted strings, literals, atoms. It is
//! written from the grammar and shares nothing with the code that writes.

/// Panics unless the text is values parted by single spaces (or lists side by side), with every list closed.
#[track_caller]
pub fn values(text: &[u8]) {
    let mut rest = text;
    let mut depth = 0usize;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'(' => {
                depth += 1;
                after
            }
            b')' => {
                depth = depth.checked_sub(1).unwrap_or_else(|| wrong(text, after));
                after
            }
            b'"' => quoted(after).unwrap_or_else(|| wrong(text, after)),
            b'~' if after.starts_with(b"{") => {
                literal8(&after[1..]).unwrap_or_else(|| wrong(text, after))
            }
            b'{' => literal(after).unwrap_or_else(|| wrong(text, after)),
            b' ' if !matches!(after.first(), None | Some(b' ' | b')')) => after,
            b'!'..=b'~' => after,
            _ => wrong(text, after),
        };
    }
    assert_eq!(depth, 0, "a list is open: {}", text.escape_ascii());
}

#[track_caller]
fn wrong<T>(text: &[u8], after: &[u8]) -> T {
    let at = text.len() - after.len() - 1;
    panic!("not IMAP at octet {at} of {}", text.escape_ascii());
}

/// What follows a quoted string whose opening quote has been taken.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let (&b, after) = rest.split_first()?;
        rest = match b {
            b'"' => return Some(after),
            b'\\' => after
                .strip_prefix(b"\\")
                .or_else(|| after.strip_prefix(b"\""))?,
            0 | b'\r' | b'\n' | 0x80.. => return None,
            _ => after,
        };
    }
}

/// What follows a literal whose opening brace has been taken.
fn literal(text: &[u8]) -> Option<&[u8]> {
    let rest = literal8(text)?;
    let content = text.get(..text.len() - rest.len())?;
    (!content.contains(&0)).then_some(rest)
}

/// The same of one that may hold NUL.
fn literal8(text: &[u8]) -> Option<&[u8]> {
    let close = text.iter().position(|b| *b == b'}')?;
    let (digits, after) = text.split_at_checked(close)?;
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (_, rest) = after.strip_prefix(b"}\r\n")?.split_at_checked(length)?;
    Some(rest)
}

/// Panics unless the text is whole responses: lines that end in CRLF, with literals in them. `each` is told of every
/// line, its literals and its end left out. The connection may end within a literal.
#[track_caller]
pub fn responses(said: &[u8], mut each: impl FnMut(&[u8])) {
    let mut rest = said;
    let mut line = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let end = end.unwrap_or_else(|| panic!("no line end: {}", rest.escape_ascii()));
        let (piece, after) = rest.split_at(end);
        let bad = |b: &u8| matches!(b, 0 | b'\r' | b'\n');
        assert!(
            !piece.iter().any(bad),
            "a line break within: {}",
            piece.escape_ascii()
        );
        line.extend_from_slice(piece);
        rest = &after[2..];
        if let Some(length) = announced(piece) {
            let Some((content, behind)) = rest.split_at_checked(length) else {
                return;
            };
            // RFC 3516 §4.2: a literal8 may hold any octet.
            let any = piece
                .iter()
                .rposition(|b| *b == b'{')
                .is_some_and(|at| piece[..at].ends_with(b"~"));
            assert!(any || !content.contains(&0), "NUL in a literal");
            rest = behind;
            continue;
        }
        let whole = std::mem::take(&mut line);
        assert!(
            whole.contains(&b' '),
            "not a response: {}",
            whole.escape_ascii()
        );
        each(&whole);
    }
}

/// The length of the literal that follows a piece of a line that ends so.
fn announced(piece: &[u8]) -> Option<usize> {
    let digits = piece.strip_suffix(b"}")?;
    let open = digits.iter().rposition(|b| *b == b'{')?;
    let digits = std::str::from_utf8(&digits[open + 1..]).ok()?;
    digits.parse().ok()
}
