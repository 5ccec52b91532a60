//! Whole messages, made by chance from a seed: what real mail looks like, and what broken mail looks like.

use crate::chance::Chance;
use crate::content::entity;
use crate::header;
use crate::phrases::{encoded_word, words};

/// How deep parts lie in parts.
const DEEPEST: usize = 4;

/// The message with that number, with the line ends that its file has.
pub fn message(seed: u64, number: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed ^ (number as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
    let chance = &mut chance;
    let mut text = match chance.below(200) {
        0 => Vec::new(),
        1 => b"\nno header at all\n".to_vec(),
        2 => b"no header, no empty line\n".to_vec(),
        3 => b"Subject: a header alone\n".to_vec(),
        4 => b"Subject: a header alone, cut".to_vec(),
        _ => whole(chance, number),
    };
    if chance.once_in(12) && text.ends_with(b"\n") {
        text.pop();
    }
    line_ends(chance, text)
}

fn line_ends(chance: &mut Chance, text: Vec<u8>) -> Vec<u8> {
    let style = chance.below(20);
    let mut out = Vec::with_capacity(text.len());
    for octet in text {
        if octet == b'\n' && (style == 0 || style == 1 && chance.once_in(2)) {
            out.push(b'\r');
        }
        out.push(octet);
        if octet == b' ' && style == 2 && chance.once_in(60) {
            out.push(*chance.of(b"\r\0"));
        }
    }
    out
}

fn whole(chance: &mut Chance, number: usize) -> Vec<u8> {
    let mut out = fields(chance, number);
    entity(chance, &mut out, DEEPEST, true);
    out
}

/// The fields of a message, without those of its content.
pub fn fields(chance: &mut Chance, number: usize) -> Vec<u8> {
    let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
    let count = chance.within(0, 2);
    for _ in 0..count {
        let date = header::date(chance);
        fields.push((
            "Received",
            format!("from a.test by b.test\n\twith ESMTP id {number}; {date}").into_bytes(),
        ));
    }
    for (name, times) in [
        ("From", 1),
        ("To", 1),
        ("Cc", 3),
        ("Bcc", 12),
        ("Reply-To", 6),
        ("Sender", 9),
    ] {
        if chance.once_in(times) && !(times == 1 && chance.once_in(30)) {
            fields.push((name, header::addresses(chance)));
            if chance.once_in(50) {
                fields.push((name, header::addresses(chance)));
            }
        }
    }
    for _ in 0..*chance.of(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]) {
        fields.push(("Subject", header::subject(chance)));
    }
    for _ in 0..*chance.of(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]) {
        fields.push(("Date", header::date(chance).into_bytes()));
    }
    header::threading(chance, number, &mut fields);
    if chance.once_in(4) {
        fields.push(("List-Id", b"A list <list.example.test>".to_vec()));
    }
    if chance.once_in(5) {
        let long = words(chance, 30, 90).replace(" the ", "\n the ");
        fields.push(("X-Long", long.into_bytes()));
    }
    if chance.once_in(6) {
        fields.push(("X-Empty", Vec::new()));
    }
    if chance.once_in(8) {
        fields.push(("X-Words", encoded_word(chance).into_bytes()));
    }
    let mut out = Vec::new();
    while !fields.is_empty() {
        // Nearly in this order.
        let at = if chance.once_in(4) {
            chance.below(fields.len())
        } else {
            0
        };
        let (name, value) = fields.remove(at);
        put(chance, &mut out, name, &value);
    }
    if chance.once_in(60) {
        out.extend_from_slice(b"this line is no field\n");
    }
    out
}

pub fn put(chance: &mut Chance, out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let name = match chance.below(40) {
        0 => name.to_ascii_uppercase(),
        1 => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    };
    out.extend_from_slice(name.as_bytes());
    let colon = match chance.below(30) {
        0 => ":",
        1 => " : ",
        2 => ":\n ",
        3 => ":\t",
        4 => ":   ",
        _ => ": ",
    };
    out.extend_from_slice(colon.as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}
