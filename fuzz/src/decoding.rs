//! Transfer encodings, charsets and encoded words: the same in whatever pieces they come, and never much longer than
//! what they were made of.

use crate::Choices;
use base64::{Engine, engine::general_purpose::STANDARD};
use mailcore_base::message::{Charset, Decoder, Encoding, ToUtf8, decode_parameter, decode_words};

/// Charsets that take turns, one of each family.
const CHARSETS: [&[u8]; 12] = [
    b"utf-8",
    b"utf-7",
    b"us-ascii",
    b"iso-8859-1",
    b"windows-1252",
    b"koi8-r",
    b"iso-2022-jp",
    b"shift_jis",
    b"gb18030",
    b"big5",
    b"utf-16",
    b"utf-16be",
];

/// The input is a text; its last octets choose charset, encoding and pieces.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let charset = choices.one_of(&CHARSETS).unwrap_or(b"utf-8");
    let encoding = [
        Encoding::Identity,
        Encoding::Base64,
        Encoding::QuotedPrintable,
    ];
    let encoding = choices.one_of(&encoding).unwrap_or_default();
    let piece = 1 + choices.below(64);
    let text = choices.rest();
    undone(encoding, text, piece);
    converted(Charset::parse(charset).expect("known"), text, piece);
    let _ = Charset::parse(text).map(|charset| converted(charset, text, piece));

    let coded = STANDARD.encode(text);
    assert_eq!(Encoding::Base64.decode(coded.as_bytes()), text);
    words(text, &coded);
}

fn undone(encoding: Encoding, text: &[u8], piece: usize) {
    let whole = encoding.decode(text);
    assert!(whole.len() <= text.len());
    for size in [piece, 1] {
        let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
        text.chunks(size)
            .for_each(|piece| decoder.feed(piece, &mut out));
        decoder.finish(&mut out);
        assert_eq!(out, whole, "{encoding:?} in pieces of {size}");
    }
    let _ = Encoding::parse(text);
}

fn converted(charset: Charset, text: &[u8], piece: usize) {
    let whole = charset.decode(text);
    assert!(whole.len() <= 3 * text.len() + 16);
    for size in [piece, 1] {
        let (mut to_utf8, mut out) = (ToUtf8::new(charset), String::new());
        text.chunks(size)
            .for_each(|piece| to_utf8.feed(piece, &mut out));
        to_utf8.finish(&mut out);
        assert_eq!(out, whole, "{charset:?} in pieces of {size}");
    }
}

fn words(text: &[u8], coded: &str) {
    let decoded = decode_words(text);
    assert!(decoded.len() <= 3 * text.len() + 16);
    assert!(decode_parameter(text, text).len() <= 3 * text.len() + 16);
    assert!(decode_parameter(b"name*", text).len() <= 3 * text.len() + 16);
    if !text.windows(2).any(|pair| pair == b"=?") {
        let lines: Vec<u8> = text
            .iter()
            .copied()
            .filter(|b| !b"\r\n".contains(b))
            .collect();
        // However many octets in a row nothing explains, they may be one sign.
        assert_eq!(
            signs(&decoded),
            signs(&String::from_utf8_lossy(&lines)),
            "{decoded}"
        );
    }
    if std::str::from_utf8(text).is_ok_and(|text| !text.starts_with('\u{feff}')) {
        let word = format!("=?utf-8?B?{coded}?=");
        assert_eq!(decode_words(word.as_bytes()).as_bytes(), text);
        // RFC 2047 §6.2: white space between two of them goes.
        let twice = decode_words(format!("{word}\r\n {word}").as_bytes());
        assert_eq!(twice.as_bytes(), [text, text].concat());
    }
}

/// A text in which signs that stand for what nothing explains do not follow each other.
fn signs(text: &str) -> Vec<char> {
    let mut signs: Vec<char> = text.chars().collect();
    signs.dedup_by(|a, b| a == b && *a == char::REPLACEMENT_CHARACTER);
    signs
}
