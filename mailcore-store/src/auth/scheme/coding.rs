//! How a scheme's octets are written: base64, hexadecimal, or as the scheme has it.

use super::SchemeError;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// Base64 with or without padding, whatever the last bits are.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Base64 of RFC 4648 §4, padded when written.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// The same without padding (Argon2's).
pub(super) const BARE: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT.with_encode_padding(false));
/// bcrypt's own alphabet.
pub(super) const BCRYPT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::BCRYPT, LENIENT.with_encode_padding(false));

/// What a scheme's name says of the writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As the scheme has it.
    Own,
    /// `.b64`, `.base64`
    Base64,
    /// `.hex`
    Hex,
}

impl Coding {
    /// Parts `SSHA.hex` into `SSHA` and its coding. An unknown ending stays with the name, which is then
    /// unknown too.
    pub(super) fn of(name: &str) -> (&str, Self) {
        let Some((base, ending)) = name.split_once('.') else {
            return (name, Self::Own);
        };
        match ending.to_ascii_lowercase().as_str() {
            "b64" | "base64" => (base, Self::Base64),
            "hex" => (base, Self::Hex),
            _ => (name, Self::Own),
        }
    }

    /// The text of a scheme that is text by itself.
    pub(super) fn text<'t>(
        self,
        data: &'t str,
        scheme: &'static str,
    ) -> Result<Cow<'t, str>, SchemeError> {
        let octets = match self {
            Self::Own => return Ok(Cow::Borrowed(data)),
            Self::Base64 => from_base64(data),
            Self::Hex => from_hex(data),
        };
        octets
            .and_then(|octets| String::from_utf8(octets).ok())
            .map(Cow::Owned)
            .ok_or(SchemeError::Malformed(scheme))
    }
}

/// Octets from base64.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Octets from hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| {
        char::from(octet)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

/// Hexadecimal digits of octets.
pub(super) fn write_hex(octets: &[u8], out: &mut String) {
    for octet in octets {
        for digit in [octet >> 4, octet & 15] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
    }
}
