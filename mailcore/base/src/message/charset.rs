//! Character sets of mail, to UTF-8.

use super::utf7::Utf7;

/// A character set that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(Known);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Utf7,
    Other(&'static encoding_rs::Encoding),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Charset = Charset(Known::Other(encoding_rs::UTF_8));

    /// The charset of that MIME name or common alias, in any case; US-ASCII is read as UTF-8, of which it is a
    /// part.
    pub fn parse(name: &[u8]) -> Option<Charset> {
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"utf-8") {
            return Some(Charset::UTF_8);
        }
        if name.eq_ignore_ascii_case(b"utf-7") || name.eq_ignore_ascii_case(b"unicode-1-1-utf-7") {
            return Some(Charset(Known::Utf7));
        }
        if name.eq_ignore_ascii_case(b"us-ascii") || name.eq_ignore_ascii_case(b"ascii") {
            return Some(Charset::UTF_8);
        }
        // Charsets that cannot be read (ISO-2022-KR, HZ …) are not known, rather than known and unreadable.
        encoding_rs::Encoding::for_label_no_replacement(name)
            .map(|encoding| Charset(Known::Other(encoding)))
    }

    /// The text as UTF-8; what cannot be read is the replacement character.
    pub fn decode(self, text: &[u8]) -> String {
        let mut out = String::new();
        let mut to_utf8 = ToUtf8::new(self);
        to_utf8.feed(text, &mut out);
        to_utf8.finish(&mut out);
        out
    }
}

/// Converts a text to UTF-8; whatever the cut of the pieces, the result is the same.
pub struct ToUtf8(Converter);

enum Converter {
    Utf7(Utf7),
    Other(Box<encoding_rs::Decoder>),
}

impl std::fmt::Debug for ToUtf8 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Converter::Utf7(_) => "ToUtf8(UTF-7)",
            Converter::Other(decoder) => decoder.encoding().name(),
        })
    }
}

impl ToUtf8 {
    /// A converter at the start of a text.
    pub fn new(charset: Charset) -> ToUtf8 {
        ToUtf8(match charset.0 {
            Known::Utf7 => Converter::Utf7(Utf7::default()),
            // Only UTF-16 may be turned around by its byte order mark (RFC 2781 §4.3).
            Known::Other(encoding) if encoding == encoding_rs::UTF_16LE => {
                Converter::Other(Box::new(encoding.new_decoder()))
            }
            Known::Other(encoding) => {
                Converter::Other(Box::new(encoding.new_decoder_with_bom_removal()))
            }
        })
    }

    /// Converts the next piece onto the end of `out`, which grows by at most three times its length.
    pub fn feed(&mut self, piece: &[u8], out: &mut String) {
        self.convert(piece, out, false);
    }

    /// The text ended: half a character at its end becomes a replacement character.
    pub fn finish(&mut self, out: &mut String) {
        self.convert(b"", out, true);
    }

    fn convert(&mut self, mut piece: &[u8], out: &mut String, last: bool) {
        match &mut self.0 {
            Converter::Utf7(utf7) => {
                utf7.feed(piece, out);
                if last {
                    utf7.finish(out);
                }
            }
            Converter::Other(decoder) => loop {
                out.reserve(
                    decoder
                        .max_utf8_buffer_length(piece.len())
                        .unwrap_or(piece.len())
                        .max(16),
                );
                let (result, read, _) = decoder.decode_to_string(piece, out, last);
                piece = piece.get(read..).unwrap_or_default();
                if result == encoding_rs::CoderResult::InputEmpty {
                    return;
                }
            },
        }
    }
}
