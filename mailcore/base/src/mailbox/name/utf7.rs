//! Modified UTF-7, both ways (RFC 3501 §5.1.3). Strict: of all ways to write a text only the one that
//! [`encode`] produces is read, so that no two wire names are one mailbox.

use base64::{
    Engine,
    alphabet::IMAP_MUTF7,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// Writes a text in modified UTF-7.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if stands_for_itself(c) {
            out.push(c);
            if c == '&' {
                out.push('-');
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(stands_for_itself).unwrap_or(rest.len());
        let (shifted, behind) = rest.split_at(end);
        let units: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
        out.push('&');
        BASE64.encode_string(units, &mut out);
        out.push('-');
        rest = behind;
    }
    out
}

/// Reads modified UTF-7, or `None` if it is not exactly what [`encode`] writes.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&b, behind)) = rest.split_first() {
        if b != b'&' {
            // 8-bit octets and controls have no place outside a shift.
            out.push(Some(char::from(b)).filter(|&c| stands_for_itself(c))?);
            rest = behind;
            continue;
        }
        let end = memchr::memchr(b'-', behind)?;
        let (shifted, behind) = behind.split_at_checked(end)?;
        rest = behind.get(1..)?;
        match shifted {
            [] => out.push('&'),
            _ => unshift(shifted, &mut out)?,
        }
        // Two shifts side by side could have been one.
        if !shifted.is_empty() && matches!(rest, [b'&', next, ..] if *next != b'-') {
            return None;
        }
    }
    Some(out)
}

fn unshift(shifted: &[u8], out: &mut String) -> Option<()> {
    let units = BASE64.decode(shifted).ok()?;
    if units.len() % 2 != 0 {
        return None;
    }
    let units = units
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    for c in char::decode_utf16(units) {
        // "MUST NOT be used to represent any printing US-ASCII character which can represent itself"
        out.push(c.ok().filter(|&c| !stands_for_itself(c))?);
    }
    Some(())
}

fn stands_for_itself(c: char) -> bool {
    matches!(c, ' '..='~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_written_and_read() {
        for (text, wire) in [
            ("INBOX", "INBOX"),
            ("a & b", "a &- b"),
            ("&&", "&-&-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("☺!", "&Jjo-!"),
            ("ä&ö", "&AOQ-&-&APY-"),
            ("\u{1f600}", "&2D3eAA-"),
        ] {
            assert_eq!(encode(text), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_could_be_written_otherwise_is_refused() {
        for wire in [
            "a&",
            "a&AOQ",
            "&AOQ",
            "&AOQ!-",
            "&A-",
            "&AO-",
            "&AOR-",
            "&AOQ=-",
            "&AOQA-",
            "&AGE-",
            "&ACY-",
            "&2D0-",
            "&3gA-",
            "&AOQ-&APY-",
            "&U/BTFw-",
            "\u{e4}",
            "a\tb",
            "a\0",
            "&-&AOQ-&APY-",
        ] {
            assert_eq!(decode(wire.as_bytes()), None, "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,40}|[&\\-aä\u{1f600}\0]{0,40}") {
            prop_assert_eq!(decode(encode(&text).as_bytes()), Some(text));
        }

        #[test]
        fn what_is_read_is_written_the_same(wire in "[&\\-AOQP,Za]{0,24}") {
            if let Some(text) = decode(wire.as_bytes()) {
                prop_assert_eq!(encode(&text), wire);
            }
        }
    }
}
