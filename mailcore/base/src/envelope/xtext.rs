//! xtext: how arbitrary printable text travels in one SMTP parameter (RFC 3461 §4).

use thiserror::Error;

/// Why a text is not xtext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not xtext")]
#[non_exhaustive]
pub struct XtextError;

/// Decodes xtext into octets. Upper and lower case hexadecimal digits are taken.
///
/// # Errors
/// [`XtextError`] for an octet that must be encoded and is not, and for a cut or wrong `+XX`.
pub fn decode(text: &str) -> Result<Vec<u8>, XtextError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => match (bytes.next().and_then(digit), bytes.next().and_then(digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(XtextError),
            },
            // xchar = any printable US-ASCII but "+" and "="
            b'=' => return Err(XtextError),
            b'!'..=b'~' => b,
            _ => return Err(XtextError),
        });
    }
    Ok(out)
}

/// Encodes octets as xtext.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        match b {
            b'+' | b'=' => push_hex(&mut out, b),
            b'!'..=b'~' => out.push(char::from(b)),
            _ => push_hex(&mut out, b),
        }
    }
    out
}

fn push_hex(out: &mut String, b: u8) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.extend([
        '+',
        DIGITS[usize::from(b >> 4)],
        DIGITS[usize::from(b & 15)],
    ]);
}

fn digit(b: u8) -> Option<u8> {
    char::from(b)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
