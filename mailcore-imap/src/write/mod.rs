//! Writing the words of responses: numbers, strings, flags, dates. What is written can always be read again;
//! nothing of a client or of a message breaks a line.

use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{Flags, Keyword, Keywords, MailboxName, ModSeq};

/// A decimal number.
pub(crate) fn number(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
        used += 1;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Octets of a message in a `literal`, which holds no NUL (RFC 3501 §9, CHAR8): as Dovecot tells them.
pub(crate) fn char8(out: &mut Vec<u8>, octets: &[u8]) {
    let start = out.len();
    out.extend_from_slice(octets);
    let mut rest = out.get_mut(start..).unwrap_or_default();
    while let Some(at) = memchr::memchr(0, rest) {
        let (_, behind) = rest.split_at_mut(at);
        if let Some((nul, behind)) = behind.split_first_mut() {
            *nul = 0x80;
            rest = behind;
        } else {
            return;
        }
    }
}

/// `low:high`, or the number where both are one.
pub(crate) fn range(out: &mut Vec<u8>, low: u32, high: u32) {
    number(out, u64::from(low));
    if low < high {
        out.push(b':');
        number(out, u64::from(high));
    }
}

/// `MODSEQ (n)` (RFC 7162 §7, `fetch-mod-resp`).
pub(crate) fn modseq(out: &mut Vec<u8>, modseq: ModSeq) {
    out.extend_from_slice(b"MODSEQ ");
    modseq_value(out, modseq);
}

/// `(n)`
pub(crate) fn modseq_value(out: &mut Vec<u8>, modseq: ModSeq) {
    out.push(b'(');
    number(out, modseq.0);
    out.push(b')');
}

/// An atom where that will do, else a string.
pub(crate) fn astring(out: &mut Vec<u8>, text: &[u8]) {
    let plain = |b: &u8| matches!(b, b'!'..=b'~') && !b"(){%*\"\\]".contains(b);
    // A bare NIL would read as no string at all.
    if !text.is_empty() && text.iter().all(plain) && !text.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(text);
    } else {
        string(out, text);
    }
}

/// A quoted string where that will do, else a literal (RFC 3501 §4.3).
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().all(|b| matches!(b, b' '..=b'~')) {
        out.push(b'"');
        for b in text {
            if matches!(b, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*b);
        }
        out.push(b'"');
    } else {
        out.push(b'{');
        number(out, text.len() as u64);
        out.extend_from_slice(b"}\r\n");
        out.extend_from_slice(text);
    }
}

/// A mailbox name in modified UTF-7; whether it can be said with this separator at all.
pub(crate) fn mailbox(out: &mut Vec<u8>, name: &MailboxName, separator: char) -> bool {
    match name.to_utf7(separator) {
        Some(text) => {
            astring(out, text.as_bytes());
            true
        }
        None => false,
    }
}

/// `(\Seen \Recent $Forwarded)`: system flags, `\Recent`, keywords, as Dovecot orders them.
pub(crate) fn flags(out: &mut Vec<u8>, flags: Flags, recent: bool, keywords: &Keywords) {
    out.push(b'(');
    let mut first = true;
    let mut add = |name: &str| {
        if !std::mem::take(&mut first) {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    };
    for (flag, name) in Flags::SYSTEM {
        if flags.contains(flag) {
            add(name);
        }
    }
    if recent {
        add("\\Recent");
    }
    if flags != flags.system() {
        for name in flags.keywords().filter_map(|n| keywords.name(n)) {
            add(name);
        }
    }
    out.push(b')');
}

/// The flags that a mailbox has, for `FLAGS` and `PERMANENTFLAGS`: system flags, keywords, and `\*` where
/// clients may add to them.
pub(crate) fn known_flags(out: &mut Vec<u8>, keywords: &Keywords, new_keywords: bool) {
    out.push(b'(');
    let system = Flags::SYSTEM.into_iter().map(|(_, name)| name);
    let star = new_keywords.then_some("\\*");
    for (n, name) in system
        .chain(keywords.iter().map(Keyword::as_str))
        .chain(star)
        .enumerate()
    {
        if n > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b')');
}

/// A date in quotes.
pub(crate) fn date(out: &mut Vec<u8>, date: DateTime) {
    out.push(b'"');
    date.write_internal_to(out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Cursor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in proptest::collection::vec(1u8..=255, 0..40)) {
            let mut out = Vec::new();
            astring(&mut out, &text);
            let mut at = Cursor::new(&out);
            prop_assert_eq!(at.astring().unwrap().into_owned(), text);
            prop_assert!(at.rest().is_empty());
        }

        #[test]
        fn numbers_are_decimal(n: u64) {
            let mut out = Vec::new();
            number(&mut out, n);
            prop_assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }
    }

    #[test]
    fn words_that_would_mislead_are_quoted() {
        for (text, want) in [
            (&b"NIL"[..], &b"\"NIL\""[..]),
            (b"", b"\"\""),
            (b"a b", b"\"a b\""),
            (b"a\\\"b", b"\"a\\\\\\\"b\""),
            (b"a\r\nb", b"{4}\r\na\r\nb"),
            (b"INBOX", b"INBOX"),
        ] {
            let mut out = Vec::new();
            astring(&mut out, text);
            assert_eq!(out, want);
        }
    }
}
