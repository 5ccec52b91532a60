//! What a server says, taken apart as far as these tests need it.

use std::collections::BTreeSet;

/// An untagged response.
#[derive(Debug, PartialEq, Eq)]
pub enum Untagged {
    Exists(usize),
    Recent(usize),
    Expunge(usize),
    /// UIDs; whether they went earlier, so that nobody counts them any more.
    Vanished(Vec<u32>, bool),
    Fetch(usize, Fetched),
    /// What was found, and the highest modification sequence of it.
    Search(Vec<u32>, Option<u64>),
    /// `OK [CODE …]`
    Code(String),
    /// The server hangs up.
    Bye,
    Other(String),
}

/// The items of a FETCH response.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub uid: Option<u32>,
    /// Without `\Recent`.
    pub flags: Option<BTreeSet<String>>,
    pub recent: bool,
    pub size: Option<usize>,
    pub modseq: Option<u64>,
    /// How long the body is that came.
    pub body: Option<usize>,
}

impl Untagged {
    /// `line` is all behind the `* `, literals included, without its end.
    pub fn parse(line: &str) -> Self {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Ok(number) = first.parse() {
            return match rest.split_once(' ').unwrap_or((rest, "")) {
                ("EXISTS", "") => Self::Exists(number),
                ("RECENT", "") => Self::Recent(number),
                ("EXPUNGE", "") => Self::Expunge(number),
                ("FETCH", items) => Self::Fetch(number, Fetched::parse(items)),
                _ => panic!("not understood: {line}"),
            };
        }
        match first {
            "SEARCH" => {
                let (found, highest) = rest.split_once("(MODSEQ ").unwrap_or((rest, ""));
                let found = found.split_whitespace().map(|n| n.parse().unwrap());
                let highest = highest.strip_suffix(')').map(|n| n.parse().unwrap());
                Self::Search(found.collect(), highest)
            }
            "VANISHED" => match rest.strip_prefix("(EARLIER) ") {
                Some(set) => Self::Vanished(numbers(set), true),
                None => Self::Vanished(numbers(rest), false),
            },
            "BYE" => Self::Bye,
            "OK" if rest.starts_with('[') => {
                Self::Code(rest[1..].split(']').next().unwrap_or_default().to_owned())
            }
            _ => Self::Other(line.to_owned()),
        }
    }
}

impl Fetched {
    fn parse(items: &str) -> Self {
        let mut fetched = Self::default();
        let mut rest = items.strip_prefix('(').unwrap().strip_suffix(')').unwrap();
        while !rest.is_empty() {
            let (name, value) = rest.split_once(' ').unwrap();
            let value = match name {
                "FLAGS" => {
                    let (flags, after) = value[1..].split_once(')').unwrap();
                    let mut flags: BTreeSet<String> =
                        flags.split_whitespace().map(str::to_owned).collect();
                    fetched.recent = flags.remove("\\Recent");
                    fetched.flags = Some(flags);
                    after
                }
                "MODSEQ" => {
                    let (modseq, after) = value[1..].split_once(')').unwrap();
                    fetched.modseq = Some(modseq.parse().unwrap());
                    after
                }
                // The message has been expunged since its flags were read.
                "BODY[]" if value.starts_with("NIL") => &value[3..],
                "BODY[]" => {
                    let (length, octets) = value[1..].split_once("}\r\n").unwrap();
                    let length = length.parse().unwrap();
                    fetched.body = Some(length);
                    &octets[length..]
                }
                "UID" | "RFC822.SIZE" => {
                    let end = value.find(' ').unwrap_or(value.len());
                    let number = value[..end].parse::<u32>().unwrap();
                    match name {
                        "UID" => fetched.uid = Some(number),
                        _ => fetched.size = Some(number as usize),
                    }
                    &value[end..]
                }
                _ => panic!("not asked for: {name}"),
            };
            rest = value.strip_prefix(' ').unwrap_or(value);
        }
        fetched
    }
}

/// The numbers of a set such as `1:3,7`.
pub fn numbers(set: &str) -> Vec<u32> {
    set.split(',')
        .flat_map(|range| {
            let (a, b) = range.split_once(':').unwrap_or((range, range));
            let (a, b): (u32, u32) = (a.parse().unwrap(), b.parse().unwrap());
            a.min(b)..=a.max(b)
        })
        .collect()
}

/// The number behind this name in a response code.
pub fn coded(code: &str, name: &str) -> Option<u64> {
    code.strip_prefix(name)?.trim_start().parse().ok()
}

/// `COPYUID` in a response code: from which UIDs, to which.
pub fn copied(code: &str) -> Option<(Vec<u32>, Vec<u32>)> {
    let mut words = code.strip_prefix("COPYUID ")?.split(' ').skip(1);
    Some((numbers(words.next()?), numbers(words.next()?)))
}
