//! SASLprep (RFC 4013): one spelling for names and passwords that look the same. It does not fold case and
//! does not judge whether a name is a good one.

use stringprep::tables;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Why a string cannot be a name or a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unprepared {
    /// Nothing is left of it (RFC 4616 §2, RFC 5802 §5.1 demand something).
    #[error("the string is empty")]
    Empty,
    /// A control, private, unprintable or otherwise prohibited character (RFC 4013 §2.3).
    #[error("the string has a prohibited character")]
    Prohibited,
    /// Left-to-right and right-to-left characters mixed (RFC 4013 §2.4).
    #[error("the string mixes writing directions")]
    Direction,
    /// A character that Unicode 3.2 did not have (RFC 4013 §2.5).
    #[error("the string has a character that is unassigned in Unicode 3.2")]
    Unassigned,
    /// Octets that are not UTF-8.
    #[error("the string is not UTF-8")]
    NotText,
}

/// Prepares what was presented (a "query" of RFC 3454 §7): newer characters, emoji for instance, pass.
pub fn prepare_query(text: &str) -> Result<Zeroizing<String>, Unprepared> {
    if !text.is_empty() && text.bytes().all(|b| matches!(b, 0x20..=0x7E)) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let mapped: Zeroizing<String> = Zeroizing::new(text.chars().filter_map(map).collect());
    let normal: Zeroizing<String> = Zeroizing::new(mapped.nfkc().collect());
    if normal.is_empty() {
        return Err(Unprepared::Empty);
    }
    if normal.chars().any(is_prohibited) {
        return Err(Unprepared::Prohibited);
    }
    if mixes_directions(&normal) {
        return Err(Unprepared::Direction);
    }
    Ok(normal)
}

/// Prepares what keys are derived from (a "stored string" of RFC 3454 §7, as RFC 5802 §2.2 demands for the
/// password of SCRAM): characters unassigned in Unicode 3.2 are refused.
pub fn prepare_stored(text: &str) -> Result<Zeroizing<String>, Unprepared> {
    let normal = prepare_query(text)?;
    if normal.chars().any(tables::unassigned_code_point) {
        return Err(Unprepared::Unassigned);
    }
    Ok(normal)
}

/// RFC 4013 §2.1.
fn map(c: char) -> Option<char> {
    if tables::non_ascii_space_character(c) {
        Some(' ')
    } else {
        Some(c).filter(|c| !tables::commonly_mapped_to_nothing(*c))
    }
}

/// RFC 4013 §2.3; surrogates (C.5) cannot be in a `char`.
fn is_prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
}

/// RFC 3454 §6: with a right-to-left character there is no left-to-right one, and the first and the last
/// are right-to-left.
fn mixes_directions(text: &str) -> bool {
    if !text.contains(tables::bidi_r_or_al) {
        return false;
    }
    let encloses = text.starts_with(tables::bidi_r_or_al) && text.ends_with(tables::bidi_r_or_al);
    text.contains(tables::bidi_l) || !encloses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> Result<String, Unprepared> {
        prepare_stored(text).map(|text| text.to_string())
    }

    #[test]
    fn the_examples_of_rfc_4013_hold() {
        // RFC 4013 §3
        assert_eq!(prepared("I\u{AD}X").as_deref(), Ok("IX"));
        assert_eq!(prepared("user").as_deref(), Ok("user"));
        assert_eq!(prepared("USER").as_deref(), Ok("USER"));
        assert_eq!(prepared("\u{AA}").as_deref(), Ok("a"));
        assert_eq!(prepared("\u{2168}").as_deref(), Ok("IX"));
        assert_eq!(prepared("\u{7}"), Err(Unprepared::Prohibited));
        assert_eq!(prepared("\u{627}\u{31}"), Err(Unprepared::Direction));
    }

    #[test]
    fn spaces_become_one_kind_and_nothing_is_not_a_name() {
        assert_eq!(prepared("a\u{A0}b").as_deref(), Ok("a b"));
        assert_eq!(prepared(""), Err(Unprepared::Empty));
        assert_eq!(prepared("\u{AD}"), Err(Unprepared::Empty));
        assert_eq!(prepared("a\0b"), Err(Unprepared::Prohibited));
    }

    #[test]
    fn an_emoji_may_be_presented_but_no_keys_are_made_from_it() {
        assert_eq!(
            prepare_query("\u{1F600}").as_deref().map(String::as_str),
            Ok("\u{1F600}")
        );
        assert_eq!(prepared("\u{1F600}"), Err(Unprepared::Unassigned));
    }

    #[test]
    fn right_to_left_words_pass() {
        assert!(prepared("\u{5E9}\u{5DC}\u{5D5}\u{5DD}").is_ok());
        assert_eq!(prepared("\u{5E9}a\u{5DD}"), Err(Unprepared::Direction));
    }
}
