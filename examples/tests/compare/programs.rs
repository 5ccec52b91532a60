//! Search programs made by chance: keys, and what joins them.

use crate::chance::Chance;
use crate::phrases::{FOREIGN, PLAIN};

/// A program, as a tree.
#[derive(Debug, Clone)]
pub enum Program {
    Key(Key),
    Not(Box<Program>),
    Or(Box<Program>, Box<Program>),
    /// One after another, in parentheses where it is within another.
    All(Vec<Program>),
}

/// A key as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub name: &'static str,
    pub octets: Vec<u8>,
    /// Another charset than UTF-8.
    pub charset: Option<&'static str>,
    /// What it looks for, and for HEADER in which field.
    pub text: String,
    pub field: &'static str,
}

impl Program {
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Key(key) => out.extend_from_slice(&key.octets),
            Self::Not(of) => {
                out.extend_from_slice(b"NOT ");
                of.write_to(out);
            }
            Self::Or(one, other) => {
                out.extend_from_slice(b"OR ");
                one.write_to(out);
                out.push(b' ');
                other.write_to(out);
            }
            Self::All(all) => {
                out.push(b'(');
                for (at, program) in all.iter().enumerate() {
                    if at > 0 {
                        out.push(b' ');
                    }
                    program.write_to(out);
                }
                out.push(b')');
            }
        }
    }

    pub fn keys<'p>(&'p self, out: &mut Vec<&'p Key>) {
        match self {
            Self::Key(key) => out.push(key),
            Self::Not(of) => of.keys(out),
            Self::Or(one, other) => {
                one.keys(out);
                other.keys(out);
            }
            Self::All(all) => all.iter().for_each(|program| program.keys(out)),
        }
    }

    /// Whether it matches where these are the keys that do.
    pub fn holds(&self, key: &impl Fn(&Key) -> bool) -> bool {
        match self {
            Self::Key(this) => key(this),
            Self::Not(of) => !of.holds(key),
            Self::Or(one, other) => one.holds(key) || other.holds(key),
            Self::All(all) => all.iter().all(|program| program.holds(key)),
        }
    }
}

/// What programs are about.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Messages in the mailbox.
    pub count: usize,
    /// Reading bodies is allowed.
    pub bodies: bool,
}

/// A program of up to so many levels.
pub fn program(
    chance: &mut Chance,
    scope: Scope,
    charset: Option<&'static str>,
    deep: usize,
) -> Program {
    match chance.below(10) {
        0 | 1 if deep > 0 => Program::Not(Box::new(program(chance, scope, charset, deep - 1))),
        2 | 3 if deep > 0 => {
            let one = program(chance, scope, charset, deep - 1);
            Program::Or(
                Box::new(one),
                Box::new(program(chance, scope, charset, deep - 1)),
            )
        }
        4 | 5 if deep > 0 => {
            let count = chance.within(1, 3);
            Program::All(
                (0..count)
                    .map(|_| program(chance, scope, charset, deep - 1))
                    .collect(),
            )
        }
        _ => Program::Key(key(chance, scope, charset)),
    }
}

const FLAGS: [&str; 14] = [
    "ANSWERED",
    "DELETED",
    "DRAFT",
    "FLAGGED",
    "SEEN",
    "UNANSWERED",
    "UNDELETED",
    "UNDRAFT",
    "UNFLAGGED",
    "UNSEEN",
    "NEW",
    "OLD",
    "RECENT",
    "ALL",
];
const FIELDS: [&str; 16] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "In-Reply-To",
    "List-Id",
    "X-Long",
    "X-Empty",
    "X-Words",
    "Received",
    "Content-Type",
    "reply-to",
    "X-Absent",
];
const BITS: [&str; 22] = [
    "",
    "a",
    "@",
    "example.test",
    "alice",
    "bob baker",
    "Clark",
    "<",
    "\"",
    "x.test",
    "\\",
    "re:",
    "fwd",
    "list",
    "id.test",
    "MISSING",
    "group",
    ":",
    ",",
    "  ",
    "utf-8",
    "comment",
];
const TEXTS: [&str; 12] = [
    "text/plain",
    "base64",
    "From:",
    "=3D",
    "boundary",
    "--b",
    "Reporting-MTA",
    "signature",
    "preamble",
    "multipart",
    "report\r\n",
    "\t",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn key(chance: &mut Chance, scope: Scope, charset: Option<&'static str>) -> Key {
    let plain = |name: &'static str, octets: String| Key {
        name,
        text: octets
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .replace('"', ""),
        octets: octets.into_bytes(),
        charset: None,
        field: "",
    };
    match chance.below(if scope.bodies { 22 } else { 18 }) {
        0 | 1 => {
            let flag = chance.text(&FLAGS);
            plain(flag, flag.to_owned())
        }
        2 => {
            let name = chance.text(&["KEYWORD", "UNKEYWORD"]);
            plain(
                name,
                format!(
                    "{name} {}",
                    chance.text(&["red", "Blue", "$Forwarded", "absent"])
                ),
            )
        }
        3 => plain("UID", format!("UID {}", set(chance, scope.count))),
        4 => plain("set", set(chance, scope.count)),
        5 | 6 => {
            let name = chance.text(&["BEFORE", "ON", "SINCE"]);
            plain(name, format!("{name} {}", day(chance)))
        }
        7 | 8 => {
            let name = chance.text(&["SENTBEFORE", "SENTON", "SENTSINCE"]);
            plain(name, format!("{name} {}", day(chance)))
        }
        9 => {
            let name = chance.text(&["LARGER", "SMALLER"]);
            plain(name, format!("{name} {}", chance.below(6000)))
        }
        10 => {
            let name = chance.text(&["OLDER", "YOUNGER"]);
            // Messages came at half an hour; nothing comes to be of that age meanwhile.
            let hours = chance.within(1, 120);
            plain(name, format!("{name} {}", hours * 3600))
        }
        11..=13 => {
            let name = chance.text(&["FROM", "TO", "CC", "BCC", "SUBJECT", "SUBJECT"]);
            with_text(chance, name, "", charset, false)
        }
        14..=17 => {
            let field = chance.text(&FIELDS);
            with_text(chance, "HEADER", field, charset, false)
        }
        n => {
            let name = if n < 20 { "BODY" } else { "TEXT" };
            with_text(chance, name, "", charset, true)
        }
    }
}

fn with_text(
    chance: &mut Chance,
    name: &'static str,
    field: &'static str,
    charset: Option<&'static str>,
    body: bool,
) -> Key {
    let text = match (charset, chance.below(8)) {
        (Some(charset), 0..=4) => some_of(chance, charset),
        (None, 0..=2) => {
            let (_, text, _) = *chance.of(&FOREIGN);
            let characters: Vec<char> = text.chars().collect();
            let from = chance.below(characters.len());
            let to = chance.within(from + 1, characters.len());
            let part: String = characters[from..to].iter().collect();
            match chance.below(3) {
                0 => part.to_uppercase(),
                1 => part.to_lowercase(),
                _ => part,
            }
            .into_bytes()
        }
        (_, 7) if body => chance.text(&TEXTS).as_bytes().to_vec(),
        (_, 6 | 7) => chance.text(&BITS).as_bytes().to_vec(),
        _ => {
            let words = format!("{} {}", chance.text(&PLAIN), chance.text(&PLAIN));
            let from = chance.below(words.len());
            words
                .get(from..chance.within(from + 1, words.len()))
                .unwrap_or_default()
                .as_bytes()
                .to_vec()
        }
    };
    let mut octets = name.as_bytes().to_vec();
    octets.push(b' ');
    if !field.is_empty() {
        octets.extend([field.as_bytes(), b" "].concat());
    }
    let quotable = text
        .iter()
        .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'));
    match quotable && !chance.once_in(4) {
        true => octets.extend([b"\"", &text[..], b"\""].concat()),
        false => octets.extend([format!("{{{}+}}\r\n", text.len()).as_bytes(), &text].concat()),
    }
    let charset = charset.filter(|_| !text.is_ascii());
    let decoded = match charset {
        Some(_) => FOREIGN
            .iter()
            .find(|(name, _, octets)| Some(*name) == charset && *octets == text),
        None => None,
    };
    Key {
        name,
        octets,
        charset,
        text: match decoded {
            Some((_, decoded, _)) => (*decoded).to_owned(),
            None => String::from_utf8_lossy(&text).into_owned(),
        },
        field,
    }
}

/// A phrase in that charset.
fn some_of(chance: &mut Chance, charset: &str) -> Vec<u8> {
    let found = FOREIGN.iter().filter(|(name, ..)| *name == charset);
    let all: Vec<&[u8]> = found.map(|(_, _, octets)| *octets).collect();
    chance.of(&all).to_vec()
}

fn set(chance: &mut Chance, count: usize) -> String {
    let mut ranges = Vec::new();
    for _ in 0..chance.within(1, 4) {
        let one = chance.within(1, count);
        ranges.push(match chance.below(4) {
            0 => one.to_string(),
            1 => format!("{one}:*"),
            _ => format!("{}:{one}", chance.within(1, count)),
        });
    }
    ranges.join(",")
}

fn day(chance: &mut Chance) -> String {
    let year = chance.within(2016, 2027);
    let text = format!("{}-{}-{year}", chance.within(1, 28), chance.text(&MONTHS));
    if chance.once_in(3) {
        format!("\"{text}\"")
    } else {
        text
    }
}
