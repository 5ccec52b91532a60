//! Parameters of `Content-Type` and `Content-Disposition` (RFC 2045 §5.1), with continued values joined again
//! (RFC 2231 §3). Values stay encoded: `name*` says that a charset and percent signs are in them.

use super::token::{After, Cursor};

/// One parameter, as IMAP shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name as it was written; `name*` if the value is in the encoded form of RFC 2231 §4.
    pub name: Vec<u8>,
    /// The value without quotes.
    pub value: Vec<u8>,
}

/// The first parameter of a name, in any case.
pub(super) fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a [u8]> {
    parameters
        .iter()
        .find(|p| p.name.eq_ignore_ascii_case(name.as_bytes()))
        .map(|p| p.value.as_slice())
}

/// A piece of a continued value: `name*1*=value`.
#[derive(Debug)]
struct Piece {
    name: Vec<u8>,
    index: u32,
    encoded: bool,
    value: Vec<u8>,
}

/// Reads what follows the first word of the field: `; name=value` as often as it is there. Broken ones are
/// passed over up to the next semicolon.
pub(super) fn parse(cursor: &mut Cursor<'_>, most: usize) -> Vec<Parameter> {
    let mut plain = Vec::new();
    let mut pieces = Vec::new();
    while !cursor.at_end() && plain.len() + pieces.len() < most {
        match one(cursor) {
            None => cursor.advance(),
            Some(parameter) => match piece(parameter) {
                Ok(piece) => pieces.push(piece),
                Err(parameter) => plain.push(parameter),
            },
        }
    }
    join(pieces, &mut plain);
    plain
}

fn one(cursor: &mut Cursor<'_>) -> Option<Parameter> {
    let (mut name, mut value) = (Vec::new(), Vec::new());
    if !cursor.take(b';')
        || cursor.blanks() != After::More
        || cursor.mime_token(&mut name) != After::More
    {
        return None;
    }
    if !cursor.take(b'=') {
        return None;
    }
    let after = match (cursor.blanks(), cursor.peek()) {
        (After::More, Some(b'"')) => cursor.quoted_string(&mut value),
        // `name==?utf-8?b?…?=`, an encoded word where none may be (RFC 2047 §5).
        (After::More, Some(b'=')) => {
            cursor.until_blank(&mut value);
            After::More
        }
        (After::More, _) => cursor.mime_token(&mut value),
        (after, _) => after,
    };
    (after != After::Broken).then_some(Parameter { name, value })
}

/// Tells `name*`, `name*1` and `name*1*` from plain names.
fn piece(parameter: Parameter) -> Result<Piece, Parameter> {
    let Some(star) = parameter.name.iter().position(|&b| b == b'*') else {
        return Err(parameter);
    };
    let suffix = &parameter.name[star + 1..];
    let digits = suffix.iter().take_while(|b| b.is_ascii_digit()).count();
    // Too large an index wraps, as in Dovecot: it will not be the one that is missing.
    let index = suffix[..digits].iter().fold(0u32, |n, b| {
        n.wrapping_mul(10).wrapping_add(u32::from(b - b'0'))
    });
    let encoded = match (&suffix[digits..], digits) {
        (b"", 0) | (b"*", _) => true,
        (b"", _) => false,
        _ => return Err(parameter),
    };
    Ok(Piece {
        name: parameter.name[..star].to_vec(),
        index,
        encoded,
        value: parameter.value,
    })
}

/// Joins pieces by name and index; a name with a piece missing is shown piece by piece.
fn join(mut pieces: Vec<Piece>, out: &mut Vec<Parameter>) {
    pieces.sort_by(|a, b| (&a.name, a.index).cmp(&(&b.name, b.index)));
    for group in pieces.chunk_by(|a, b| a.name.eq_ignore_ascii_case(&b.name)) {
        let whole = (0..).zip(group).all(|(at, piece)| piece.index == at);
        if whole {
            out.push(joined(group))
        } else {
            out.extend(group.iter().map(apart))
        }
    }
}

fn joined(group: &[Piece]) -> Parameter {
    let mut name = group.first().map(|p| p.name.clone()).unwrap_or_default();
    let mut value = Vec::new();
    if group.iter().any(|p| p.encoded) {
        name.push(b'*');
        if group.first().is_some_and(|p| !p.encoded) {
            value.extend_from_slice(b"''");
        }
        for piece in group {
            push_encoded(&mut value, piece);
        }
    } else {
        value = group.iter().flat_map(|p| p.value.iter().copied()).collect();
    }
    Parameter { name, value }
}

/// A piece that was not encoded among such as were: its percent signs are escaped.
fn push_encoded(out: &mut Vec<u8>, piece: &Piece) {
    for &byte in &piece.value {
        match byte {
            b'%' if !piece.encoded => out.extend_from_slice(b"%25"),
            _ => out.push(byte),
        }
    }
}

fn apart(piece: &Piece) -> Parameter {
    let mut name = piece.name.clone();
    name.extend_from_slice(format!("*{}", piece.index).as_bytes());
    if piece.encoded {
        name.push(b'*');
    }
    Parameter {
        name,
        value: piece.value.clone(),
    }
}
