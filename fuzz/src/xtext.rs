//! xtext: it encodes anything, and reads back what it encoded; what it reads it can write.

use mailcore_base::envelope::{decode_xtext, encode_xtext};

/// The input is octets to encode, and a text to decode.
pub fn body(input: &[u8]) {
    let encoded = encode_xtext(input);
    assert!(
        encoded
            .bytes()
            .all(|b| matches!(b, b'!'..=b'~' if b != b'='))
    );
    assert!(encoded.len() <= 3 * input.len());
    assert_eq!(decode_xtext(&encoded).as_deref(), Ok(input));

    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(decoded) = decode_xtext(text) {
        assert!(decoded.len() <= text.len());
        assert_eq!(decode_xtext(&encode_xtext(&decoded)), Ok(decoded));
    }
}
