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
    let close = text.iter().position(|b| *b == b'}')?;
    let (digits, after) = text.split_at_checked(close)?;
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (content, rest) = after.strip_prefix(b"}\r\n")?.split_at_checked(length)?;
    (!content.contains(&0)).then_some(rest)
}
