//! i;unicode-casemap (RFC 5051): texts that differ in case or in how characters are composed become the same.
//! SEARCH, SORT and THREAD compare by it (RFC 5255 §4.5). It knows no language and keeps no order but that of
//! octets.

use std::sync::LazyLock;
use unicode_normalization::char::decompose_compatible;

/// The text with each character in title case and decomposed.
pub fn casemap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    casemap_into(text, &mut out);
    out
}

/// Adds the text to `out`, each character in title case and decomposed. Each stands for itself, so that a text may
/// come in pieces.
pub fn casemap_into(text: &str, out: &mut String) {
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at(ascii_prefix(rest.as_bytes()));
        let start = out.len();
        out.push_str(plain);
        out[start..].make_ascii_uppercase();
        let mut characters = behind.chars();
        match characters.next() {
            Some(character) => fold(character, out),
            None => return,
        }
        rest = characters.as_str();
    }
}

/// How many octets at the start are ASCII.
fn ascii_prefix(text: &[u8]) -> usize {
    const WIDE: usize = 32;
    let wide = text.chunks_exact(WIDE).take_while(|some| some.is_ascii());
    let wide = wide.count() * WIDE;
    let rest = text.get(wide..).unwrap_or_default();
    wide + rest.iter().take_while(|octet| octet.is_ascii()).count()
}

/// Adds what a character that is not ASCII becomes.
fn fold(character: char, out: &mut String) {
    static LATIN: LazyLock<Vec<String>> = LazyLock::new(|| {
        let characters = ('\0'..BEHIND_LATIN).map(|latin| {
            let mut folded = String::new();
            fold_any(latin, &mut folded);
            folded
        });
        characters.collect()
    });
    match LATIN.get(character as usize) {
        Some(folded) => out.push_str(folded),
        None => fold_any(character, out),
    }
}

/// What stands in front of it is common, and looked up once.
const BEHIND_LATIN: char = '\u{250}';

fn fold_any(character: char, out: &mut String) {
    decompose_compatible(titlecase(character), |part| out.push(part));
}

/// The simple title case of a character: one for one, as RFC 5051 §2 (1) has it. It is the simple upper case but
/// for the digraphs and Georgian; characters whose upper case are several have none.
fn titlecase(character: char) -> char {
    match character {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        '\u{10d0}'..='\u{10ff}' => character,
        // Greek with an iota below, of which the full upper case are two characters and the simple one is one.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(u32::from(character) + 8).unwrap_or(character)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => {
            char::from_u32(u32::from(character) + 9).unwrap_or(character)
        }
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => character,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_make_no_difference() {
        for (one, other) in [
            ("Straße", "sTRAßE"),
            ("\u{c9}mile", "e\u{301}MILE"),
            ("\u{1c6}", "\u{1c4}"),
            ("\u{1c5}", "\u{1c4}"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("\u{1fb3}", "\u{1fbc}"),
            ("\u{1f80}", "\u{1f88}"),
            ("\u{ff32}\u{ff45}", "re"),
            ("\u{212b}", "a\u{30a}"),
            ("\u{ac00}", "\u{1100}\u{1161}"),
            ("каталог", "КАТАЛОГ"),
            ("dž", "D\u{17e}"),
        ] {
            assert_eq!(casemap(one), casemap(other), "{one} {other}");
        }
        assert_ne!(casemap("e"), casemap("é"));
        // Title case is one for one: a sharp s is not two.
        assert_ne!(casemap("ß"), casemap("ss"));
        assert_eq!(casemap("\u{10d0}"), "\u{10d0}");
    }

    #[test]
    fn characters_become_the_same_wherever_they_stand() {
        for before in 0..70 {
            let text = format!("{}\u{e9}{}", "a".repeat(before), "b".repeat(before));
            let want = format!("{}E\u{301}{}", "A".repeat(before), "B".repeat(before));
            assert_eq!(casemap(&text), want);
        }
        for character in '\0'..='\u{300}' {
            let mut folded = String::new();
            fold_any(character, &mut folded);
            assert_eq!(casemap(character.encode_utf8(&mut [0; 4])), folded);
        }
    }

    #[test]
    fn a_text_may_come_in_pieces() {
        let text = "aB\u{e9}\u{1c6}\u{ac01} x";
        let mut pieces = String::new();
        for character in text.chars() {
            casemap_into(character.encode_utf8(&mut [0; 4]), &mut pieces);
        }
        assert_eq!(pieces, casemap(text));
    }
}
