//! A result on its way to the client: `* SEARCH 1 2 3`, `* SORT 2 1 3`, or `* ESEARCH (TAG "a") ALL 1:3`.

use crate::parse::returned::Returned;
use crate::server::found::{Found, Left, Names, Ranges};
use crate::server::turn::Out;
use crate::server::view::View;
use crate::write;
use mailcore_base::mailbox::{ModSeq, Uid};

/// ```text
///   Begin ──► Numbers ─────────────────► Over
///     └─────► Head ──► Ranges ──► Tail ────┘
/// ```
#[derive(Debug)]
pub(super) struct Told {
    at: At,
}

#[derive(Debug)]
enum At {
    Begin(&'static str, Found, Option<ModSeq>),
    Numbers(Left, Option<ModSeq>),
    Head(Box<Head>),
    Ranges(Ranges, Tail),
    Tail(Tail),
    Over,
}

#[derive(Debug)]
struct Head {
    tag: Vec<u8>,
    min: Option<Uid>,
    max: Option<Uid>,
    /// What stands in front of the ranges.
    label: String,
    list: Option<Found>,
    tail: Tail,
}

/// What stands behind the ranges.
#[derive(Debug, Clone, Copy)]
struct Tail {
    /// No range has been written.
    first: bool,
    partial: bool,
    count: Option<u64>,
    /// Of the messages that were found.
    highest: Option<ModSeq>,
}

impl Told {
    /// All numbers.
    pub(super) fn plain(found: Found, sorted: bool, highest: Option<ModSeq>) -> Self {
        let word = if sorted { "* SORT" } else { "* SEARCH" };
        Self {
            at: At::Begin(word, found, highest),
        }
    }

    /// What was asked for (RFC 4731 §3.1), in Dovecot's order.
    pub(super) fn returned(
        found: Found,
        returned: Returned,
        tag: &[u8],
        by_uid: bool,
        highest: Option<ModSeq>,
    ) -> Self {
        if returned.is_silent() {
            return Self { at: At::Over };
        }
        let mut label = String::new();
        let min = found.first().filter(|_| returned.min);
        let max = found.last().filter(|_| returned.max);
        let count = returned.count.then(|| found.len());
        let list = match returned.partial {
            Some((low, high)) => {
                // RFC 5267 §4.4
                label = format!(" PARTIAL ({low}:{high} ");
                Some(found.places(low, high))
            }
            None if returned.all && found.len() > 0 => {
                label.push_str(" ALL ");
                Some(found)
            }
            None => None,
        };
        let mut named = tag.to_vec();
        named.extend_from_slice(if by_uid { b"\") UID" } else { b"\")" });
        let tail = Tail {
            first: true,
            partial: returned.partial.is_some(),
            count,
            highest,
        };
        Self {
            at: At::Head(Box::new(Head {
                tag: named,
                min,
                max,
                label,
                list,
                tail,
            })),
        }
    }

    /// Writes as much as is welcome; whether all is written.
    pub(super) fn write(&mut self, out: &mut Out, view: &View, by_uid: bool) -> bool {
        let names = Names::new(by_uid, view);
        while !out.full() {
            match &mut self.at {
                At::Begin(word, found, highest) => {
                    out.say(word);
                    let found = std::mem::replace(found, Found::Order(Vec::new()));
                    self.at = At::Numbers(found.into_left(), *highest);
                }
                At::Numbers(left, highest) => match left.number(names) {
                    Some(number) => labelled(&mut out.bytes, " ", number),
                    None => {
                        if let Some(highest) = highest {
                            out.say(&format!(" (MODSEQ {highest})"));
                        }
                        out.say("\r\n");
                        self.at = At::Over;
                    }
                },
                At::Head(head) => {
                    head.write(&mut out.bytes, names);
                    let tail = head.tail;
                    self.at = match head.list.take() {
                        Some(list) => At::Ranges(Ranges::new(list), tail),
                        None => At::Tail(tail),
                    };
                }
                At::Ranges(ranges, tail) => {
                    if !ranges.write(&mut out.bytes, names, &mut tail.first) {
                        self.at = At::Tail(*tail);
                    }
                }
                At::Tail(tail) => {
                    tail.write(&mut out.bytes);
                    self.at = At::Over;
                }
                At::Over => return true,
            }
        }
        false
    }
}

impl Head {
    fn write(&self, out: &mut Vec<u8>, names: Names<'_>) {
        out.extend_from_slice(b"* ESEARCH (TAG \"");
        out.extend_from_slice(&self.tag);
        for (label, uid) in [(" MIN ", self.min), (" MAX ", self.max)] {
            if let Some(number) = uid.and_then(|uid| names.of(uid)) {
                labelled(out, label, number);
            }
        }
        out.extend_from_slice(self.label.as_bytes());
    }
}

impl Tail {
    fn write(self, out: &mut Vec<u8>) {
        if self.partial {
            out.extend_from_slice(if self.first { b"NIL)" } else { b")" });
        }
        if let Some(count) = self.count {
            out.extend_from_slice(b" COUNT ");
            write::number(out, count);
        }
        if let Some(highest) = self.highest {
            out.extend_from_slice(b" MODSEQ ");
            write::number(out, highest.0);
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn labelled(out: &mut Vec<u8>, label: &str, number: u32) {
    out.extend_from_slice(label.as_bytes());
    write::number(out, u64::from(number));
}
