//! Words as the charsets of the world write them.

use crate::chance::Chance;

/// A phrase in a charset: its name, the text, its octets there.
pub type Phrase = (&'static str, &'static str, &'static [u8]);

pub const FOREIGN: [Phrase; 20] = [
    ("iso-8859-1", "Grüße aus Köln", b"Gr\xfc\xdfe aus K\xf6ln"),
    ("iso-8859-15", "preço 5 €", b"pre\xe7o 5 \xa4"),
    (
        "windows-1252",
        "“naïve” façade…",
        b"\x93na\xefve\x94 fa\xe7ade\x85",
    ),
    (
        "iso-8859-2",
        "Zażółć gęślą",
        b"Za\xbf\xf3\xb3\xe6 g\xea\xb6l\xb1",
    ),
    (
        "koi8-r",
        "Привет мир",
        b"\xf0\xd2\xc9\xd7\xc5\xd4 \xcd\xc9\xd2",
    ),
    (
        "windows-1251",
        "Почта России",
        b"\xcf\xee\xf7\xf2\xe0 \xd0\xee\xf1\xf1\xe8\xe8",
    ),
    (
        "iso-8859-7",
        "Καλημέρα",
        b"\xca\xe1\xeb\xe7\xec\xdd\xf1\xe1",
    ),
    (
        "windows-1254",
        "İstanbul ışık",
        b"\xddstanbul \xfd\xfe\xfdk",
    ),
    (
        "iso-2022-jp",
        "日本語の件名",
        b"\x1b$BF|K\x5c8l$N7oL>\x1b(B",
    ),
    (
        "shift_jis",
        "会議の議事録",
        b"\x89\xef\x8bc\x82\xcc\x8bc\x8e\x96\x98^",
    ),
    (
        "euc-jp",
        "東京タワー",
        b"\xc5\xec\xb5\xfe\xa5\xbf\xa5\xef\xa1\xbc",
    ),
    ("gb2312", "中文邮件", b"\xd6\xd0\xce\xc4\xd3\xca\xbc\xfe"),
    ("gb18030", "简体测试", b"\xbc\xf2\xcc\xe5\xb2\xe2\xca\xd4"),
    ("big5", "繁體中文", b"\xc1c\xc5\xe9\xa4\xa4\xa4\xe5"),
    (
        "euc-kr",
        "한국어 메일",
        b"\xc7\xd1\xb1\xb9\xbe\xee \xb8\xde\xc0\xcf",
    ),
    (
        "windows-1255",
        "שלום עולם",
        b"\xf9\xec\xe5\xed \xf2\xe5\xec\xed",
    ),
    ("iso-8859-6", "مرحبا", b"\xe5\xd1\xcd\xc8\xc7"),
    ("tis-620", "ภาษาไทย", b"\xc0\xd2\xc9\xd2\xe4\xb7\xc2"),
    (
        "utf-8",
        "naïve café ☕",
        b"na\xc3\xafve caf\xc3\xa9 \xe2\x98\x95",
    ),
    ("utf-8", "日本語テスト", "日本語テスト".as_bytes()),
];

pub const PLAIN: [&str; 24] = [
    "invoice", "meeting", "Plans", "report", "for", "the", "quarter", "and", "holiday", "build",
    "failed", "notes", "Weekly", "release", "urgent", "question", "about", "lunch", "tomorrow",
    "re", "budget", "x-ray", "100%", "(draft)",
];

/// A few plain words.
pub fn words(chance: &mut Chance, low: usize, high: usize) -> String {
    let count = chance.within(low, high);
    let words: Vec<&str> = (0..count).map(|_| chance.text(&PLAIN)).collect();
    words.join(" ")
}

/// Base64 in one line (RFC 4648 §4).
pub fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in octets.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= three.len() {
                digit as char
            } else {
                '='
            });
        }
    }
    out
}

/// Every octet that is no letter or digit as `=XX`; blanks as they are, or as `blank`.
pub fn quoted_printable(octets: &[u8], blank: char) -> String {
    let mut out = String::new();
    for octet in octets {
        match octet {
            b' ' => out.push(blank),
            b if b.is_ascii_alphanumeric() => out.push(*b as char),
            b => out.push_str(&format!("={b:02X}")),
        }
    }
    out
}

/// An encoded word, sometimes a broken one (RFC 2047 §2).
pub fn encoded_word(chance: &mut Chance) -> String {
    let (charset, _, octets) = *chance.of(&FOREIGN);
    let charset = match chance.below(6) {
        0 => charset.to_ascii_uppercase(),
        1 if chance.once_in(4) => "x-unheard-of".to_owned(),
        2 if chance.once_in(3) => format!("{charset}*en"),
        3 if chance.once_in(12) => String::new(),
        _ => charset.to_owned(),
    };
    let word = match chance.below(2) {
        0 => format!(
            "=?{charset}?{}?{}?=",
            chance.text(&["B", "b"]),
            base64(octets)
        ),
        _ => format!(
            "=?{charset}?{}?{}?=",
            chance.text(&["Q", "q"]),
            quoted_printable(octets, '_')
        ),
    };
    match chance.below(30) {
        0 => word[..word.len() - 1].to_owned(),
        1 => word.replace("?=", "="),
        _ => word,
    }
}
