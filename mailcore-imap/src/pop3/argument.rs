//! Arguments: message numbers and line counts, and what is said where they are none.

use super::words::quoted;

/// Why an argument is none, in Dovecot's words.
pub(super) type Wrong = String;

/// Reads a message number from the start of `said`, and what is behind it.
///
/// # Errors
/// No number, or one that no maildrop reaches.
pub(super) fn number(said: &[u8]) -> Result<(u32, &[u8]), Wrong> {
    let (digits, rest) = digits(said);
    if digits.is_empty() {
        return Err(format!("Invalid message number: {}", quoted(said)));
    }
    match value(digits).and_then(|n| u32::try_from(n).ok()) {
        Some(number) => Ok((number, rest)),
        None => Err(format!("Message number too large: {}", quoted(rest))),
    }
}

/// Reads a message number that is all there is.
///
/// # Errors
/// As [`number`], or something behind it.
pub(super) fn only_number(said: &[u8]) -> Result<u32, Wrong> {
    let (number, rest) = number(said)?;
    if rest.is_empty() {
        Ok(number)
    } else {
        Err(noise(rest))
    }
}

/// Reads a message number and a count of lines (TOP).
///
/// # Errors
/// As [`number`], or no count, or something behind it.
pub(super) fn number_and_lines(said: &[u8]) -> Result<(u32, u64), Wrong> {
    let (number, rest) = number(said)?;
    if rest.first() != Some(&b' ') {
        return Err(noise(rest));
    }
    let rest = rest.trim_ascii_start();
    let (digits, behind) = digits(rest);
    if digits.is_empty() {
        return Err(format!("Invalid size: {}", quoted(rest)));
    }
    let Some(lines) = value(digits) else {
        return Err(format!("Size too large: {}", quoted(rest)));
    };
    if behind.is_empty() {
        Ok((number, lines))
    } else {
        Err(format!("Noise after size: {}", quoted(behind)))
    }
}

fn noise(rest: &[u8]) -> Wrong {
    format!("Noise after message number: {}", quoted(rest))
}

fn digits(said: &[u8]) -> (&[u8], &[u8]) {
    let end = said.iter().position(|b| !b.is_ascii_digit());
    said.split_at(end.unwrap_or(said.len()))
}

fn value(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |n, digit| {
        n.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}
