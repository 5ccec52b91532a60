//! Messages written anew as another reads them. They are taken apart by their lines alone, by nobody's parser.

use crate::phrases::base64;
use mailcore::base::casemap::casemap;
use mailcore::base::date::DateTime;
use mailcore::base::message::{Charset, Encoding};

/// An encoded word in a text: where it is, its charset in small letters, and its octets.
struct Word {
    from: usize,
    to: usize,
    charset: String,
    octets: Vec<u8>,
}

/// All encoded words.
fn words(text: &[u8]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(from) = find(&text[at..], b"=?").map(|found| at + found) {
        at = from + 2;
        let mut parts = text[at..].splitn(4, |b| *b == b'?');
        let (Some(charset), Some(encoding), Some(coded), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            break;
        };
        let octets = match encoding {
            b"b" | b"B" => Encoding::Base64.decode(coded),
            b"q" | b"Q" => q(coded),
            _ => continue,
        };
        if rest.first() == Some(&b'=') {
            let to = at + charset.len() + encoding.len() + coded.len() + 4;
            let charset = String::from_utf8_lossy(charset).to_ascii_lowercase();
            words.push(Word {
                from,
                to,
                charset,
                octets,
            });
            at = to;
        }
    }
    words
}

fn q(coded: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = coded
        .iter()
        .map(|b| if *b == b'_' { b' ' } else { *b })
        .collect();
    Encoding::QuotedPrintable.decode(&blanks)
}

pub fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len())
        .position(|window| window == sought)
}

/// Other texts in the place of some words.
fn replaced(text: &[u8], other: impl Fn(&Word) -> Option<String>) -> Vec<u8> {
    replaced_behind(text, |word, _| other(word))
}

/// The same, where it matters whether the word in front ends with a sign for what nothing explains.
fn replaced_behind(text: &[u8], other: impl Fn(&Word, bool) -> Option<String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    let mut before: Option<(usize, bool)> = None;
    for word in words(text) {
        let between = before.and_then(|(end, lost)| Some((text.get(end..word.from)?, lost)));
        let behind_lost = between
            .is_some_and(|(between, lost)| lost && between.iter().all(u8::is_ascii_whitespace));
        let other = other(&word, behind_lost);
        let shown = match &other {
            Some(other) => other.clone(),
            None => as_dovecot_has_it(&word),
        };
        before = Some((
            word.to,
            shown.ends_with(LOST) || shown.is_empty() && behind_lost,
        ));
        let Some(other) = other else {
            continue;
        };
        out.extend_from_slice(&text[at..word.from]);
        out.extend_from_slice(format!("=?utf-8?B?{}?=", base64(other.as_bytes())).as_bytes());
        at = word.to;
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// A word as Dovecot decodes it, as far as it matters how it ends.
fn as_dovecot_has_it(word: &Word) -> String {
    match Charset::parse(word.charset.as_bytes()) {
        _ if word.charset.is_empty() => ascii(&word.octets),
        Some(charset) if word.charset != "utf-8" => charset.decode(&word.octets),
        _ => lossy(&word.octets),
    }
}

const LOST: char = char::REPLACEMENT_CHARACTER;

/// Words of charsets that Dovecot does not know, as another text: where one follows a sign that nothing explains, it does
/// not begin with one more.
pub fn words_of_unknown_charsets(text: &[u8], other: fn(&[u8]) -> String) -> Vec<u8> {
    replaced_behind(text, |word, behind_lost| {
        let unknown = word.charset.contains('*') || word.charset.starts_with("x-unheard");
        unknown.then(|| without_a_second(other(&word.octets), behind_lost))
    })
}

fn without_a_second(text: String, behind_lost: bool) -> String {
    match behind_lost {
        true => text.trim_start_matches(LOST).to_owned(),
        false => text,
    }
}

/// Octets as UTF-8; those in a row that are none are one sign.
pub fn lossy(octets: &[u8]) -> String {
    let mut out = String::new();
    for chunk in octets.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !out.ends_with(LOST) {
            out.push(LOST);
        }
    }
    out
}

/// The same, compared with regard to case: signs stand for letters that fold to the same octets.
pub fn as_they_are(octets: &[u8]) -> String {
    let sign = |c: char| match c {
        // MATHEMATICAL BOLD SMALL A and so on, whose folded form is a small letter.
        'a'..='z' => char::from_u32(0x1d41a + u32::from(c) - u32::from('a')).unwrap_or(c),
        c => match casemap(&c.to_string()).chars().collect::<Vec<_>>()[..] {
            // Its own octets, or those of its neighbour.
            [one] => one,
            _ => '\u{d0}',
        },
    };
    lossy(octets).chars().map(sign).collect()
}

/// Words in UTF-8, each decoded for itself.
pub fn halves(text: &[u8]) -> Vec<u8> {
    replaced_behind(text, |word, behind_lost| {
        let half = word.charset == "utf-8" && std::str::from_utf8(&word.octets).is_err();
        half.then(|| without_a_second(lossy(&word.octets), behind_lost))
    })
}

/// Words that name no charset, as US-ASCII.
pub fn ascii_alone(text: &[u8]) -> Vec<u8> {
    replaced(text, |word| {
        word.charset.is_empty().then(|| ascii(&word.octets))
    })
}

/// Octets as US-ASCII; others in a row are one sign.
fn ascii(octets: &[u8]) -> String {
    let octet = |b: &u8| if b.is_ascii() { *b } else { 0xff };
    lossy(&octets.iter().map(octet).collect::<Vec<u8>>())
}

/// The blanks between an encoded word and what only begins as one are gone.
pub fn before_broken_words(text: &[u8]) -> Vec<u8> {
    let words = words(text);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for word in &words {
        let blanks = text[word.to..]
            .iter()
            .take_while(|b| b.is_ascii_whitespace())
            .count();
        let behind = word.to + blanks;
        let is_word = || words.iter().any(|word| word.from == behind);
        if blanks > 0 && text[behind..].starts_with(b"=?") && !is_word() {
            out.extend_from_slice(&text[at..word.to]);
            at = behind;
        }
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// Words in windows-1255 without the letter that they end with.
pub fn hebrew(text: &[u8]) -> Vec<u8> {
    let charset = Charset::parse(b"windows-1255").unwrap();
    replaced(text, |word| {
        match (word.charset.as_str(), word.octets.split_last()) {
            ("windows-1255", Some((0xe0..=0xfa, rest))) => Some(charset.decode(rest)),
            _ => None,
        }
    })
}

/// Names in quotes, and comments that a name is made of in quotes, with a backslash in front of each apostrophe.
pub fn apostrophes(text: &[u8]) -> Vec<u8> {
    with_fields(text, |field| {
        let (mut quoted, mut comment) = (false, false);
        let mut out = Vec::new();
        for (at, octet) in field.iter().enumerate() {
            match octet {
                b'"' => quoted = !quoted,
                b'(' if !quoted => {
                    let inside = field[at..].split(|b| *b == b')').next();
                    comment = inside.is_some_and(|text| text.iter().any(|b| b"@<>,;:".contains(b)));
                }
                b')' => comment = false,
                b'\'' if quoted || comment => out.extend_from_slice(b"\\\\"),
                _ => {}
            }
            out.push(*octet);
        }
        out
    })
}

pub fn nuls(text: &[u8]) -> Vec<u8> {
    let sign = |b: &u8| if *b == 0 { 0x80 } else { *b };
    text.iter().map(sign).collect()
}

/// Quoted strings with another control character in the place of each CR that no line ends with.
pub fn returns(text: &[u8]) -> Vec<u8> {
    with_fields(text, |field| {
        let mut quoted = false;
        let sign = |(at, octet): (usize, &u8)| {
            quoted ^= *octet == b'"';
            match octet {
                b'\r' if quoted && field.get(at + 1) != Some(&b'\n') => 0x0e,
                octet => *octet,
            }
        };
        field.iter().enumerate().map(sign).collect()
    })
}

/// Where the header ends: in front of the empty line, if there is one.
fn header_end(text: &[u8]) -> usize {
    if text.starts_with(b"\r\n") {
        return 0;
    }
    find(text, b"\r\n\r\n").map_or(text.len(), |at| at + 2)
}

/// The fields of a header, each with its folds and line ends.
pub fn fields(header: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in header.split_inclusive(|b| *b == b'\n') {
        match (fields.last_mut(), line.first()) {
            (Some(field), Some(b' ' | b'\t')) => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    fields
}

/// The value of a field, if it is of that name: its folds undone, in small letters.
pub fn value(field: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(field).to_ascii_lowercase();
    let (found, value) = text
        .split_once(':')
        .filter(|(name, _)| !name.contains('\n'))?;
    let value: String = value
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    (found.trim_end() == name).then(|| value.trim().to_owned())
}

/// The values of all fields of that name.
pub fn fields_of(header: &[u8], name: &str) -> Vec<String> {
    fields(header)
        .iter()
        .filter_map(|field| value(field, name))
        .collect()
}

/// The message with other fields in its header.
pub fn with_fields(text: &[u8], other: impl FnMut(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (header, rest) = text.split_at(header_end(text));
    let mut out: Vec<u8> = fields(header).into_iter().flat_map(other).collect();
    out.extend_from_slice(rest);
    out
}

/// Dates before 1970, as many seconds after 2106.
pub fn dates(text: &[u8]) -> Vec<u8> {
    with_fields(text, |field| {
        let sent = value(&field, "date").and_then(|value| DateTime::parse(value.as_bytes()).ok());
        match sent.filter(|sent| sent.seconds < 0) {
            Some(sent) => {
                let mut out = b"Date: ".to_vec();
                let seconds = sent.seconds + (1 << 32);
                DateTime { seconds, ..sent }.write_to(&mut out);
                [out, b"\r\n".to_vec()].concat()
            }
            None => field,
        }
    })
}

/// The header without what Dovecot cannot read in a Date: 14-Sep-2020, and years of three digits.
pub fn dates_in_doubt(text: &[u8]) -> Vec<u8> {
    let doubtful = |value: String| {
        let parts = |word: &str| word.split('-').map(str::len).collect::<Vec<_>>();
        let number = |word: &str| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
        value
            .split_whitespace()
            .any(|word| parts(word) == [2, 3, 4] || number(word))
    };
    with_fields(text, |field| {
        match value(&field, "date").is_some_and(doubtful) {
            true => b"Date: none\r\n".to_vec(),
            false => field,
        }
    })
}

/// Dates with the hours that zones of one letter stand for.
pub fn military(text: &[u8]) -> Vec<u8> {
    let hours = |zone: &str| match zone.as_bytes() {
        [zone @ b'a'..=b'i'] => Some(i32::from(zone - b'a') + 1),
        [zone @ b'k'..=b'm'] => Some(i32::from(zone - b'a')),
        [zone @ b'n'..=b'y'] => Some(i32::from(b'm') - i32::from(*zone)),
        _ => None,
    };
    with_fields(text, |field| {
        let date = value(&field, "date");
        let parts = date.as_deref().and_then(|date| date.rsplit_once(' '));
        match parts.and_then(|(before, zone)| Some((before, hours(zone)?))) {
            Some((before, hours)) => format!("Date: {before} {hours:+03}00\r\n").into_bytes(),
            None => field,
        }
    })
}

/// The message with LF alone behind the lines of its body.
pub fn as_in_files(text: &[u8]) -> Vec<u8> {
    let (header, body) = text.split_at(header_end(text));
    let body =
        body.split_inclusive(|b| *b == b'\n')
            .flat_map(|line| match line.strip_suffix(b"\r\n") {
                Some(line) => [line, b"\n"].concat(),
                None => line.to_vec(),
            });
    header.iter().copied().chain(body).collect()
}

/// References in which an id that holds the beginning of another is one; none at all, if there is what has to be parsed.
pub fn nested_ids(text: &[u8]) -> Vec<u8> {
    with_fields(text, |field| {
        let Some(_) = value(&field, "references") else {
            return field;
        };
        let mut out = Vec::new();
        let mut rest = &field[..];
        while let Some(from) = rest.iter().position(|b| *b == b'<') {
            let Some(to) = rest.iter().position(|b| *b == b'>').filter(|to| *to > from) else {
                break;
            };
            let id = &rest[from + 1..to];
            out.extend_from_slice(&rest[..from]);
            if !id.contains(&b'<') {
                out.extend_from_slice(&rest[from..=to]);
            } else if !id.contains(&b'(') {
                let sign = |b: &u8| if b"<\" ".contains(b) { b'+' } else { *b };
                out.push(b'<');
                out.extend(id.iter().map(sign));
                out.push(b'>');
            }
            rest = &rest[to + 1..];
        }
        out.extend_from_slice(rest);
        out
    })
}

/// Fields with single spaces in them.
pub fn blanks(text: &[u8]) -> Vec<u8> {
    with_fields(text, |field| {
        let first = field.split(|b| *b == b'\n').next();
        if first.is_none_or(|line| !line.contains(&b':')) {
            // A name in two lines is none.
            return field;
        }
        let mut out = Vec::new();
        for octet in field {
            match octet {
                b'\r' | b'\n' => {}
                b' ' | b'\t' if out.last() == Some(&b' ') => {}
                b' ' | b'\t' => out.push(b' '),
                octet => out.push(octet),
            }
        }
        [out, b"\r\n".to_vec()].concat()
    })
}
