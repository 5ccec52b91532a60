//! Where Dovecot and we differ and are to differ: what it is, and why.

use crate::client::Value;
use crate::ledger::{Class, Difference};
use crate::marks::{
    boundary_ends_header, empty_part, encoded_multipart, encoded_without_mime, folded, has,
    several_types, undecodable, word_in_broken_word,
};
use crate::predict::{OF_ADDRESSES, TIES_IN_REFS};
use std::collections::BTreeSet;

pub const CLASSES: &[Class] = &[
    Class {
        name: "broken content",
        why: "a body that is not quite base64 or quoted-printable: Dovecot refuses BINARY ([PARSE]) or hangs up, we tell what can be decoded; RFC 3516 has no word for it",
        holds: |d| {
            let refused = d.theirs.is("NO PARSE") || d.theirs.is("BYE");
            d.what == "verdict"
                && d.asked.contains("BINARY")
                && d.ours.is("OK")
                && refused
                && (undecodable(d.near) || boundary_ends_header(d.near))
        },
    },
    Class {
        name: "folded encoding",
        why: "Dovecot looks for the encoding in the first line of its field alone; RFC 5322 §2.2.3 folds any field",
        holds: |d| unknown_to_them(d) && folded(d.near, "content-transfer-encoding:"),
    },
    Class {
        name: "BINARY.SIZE",
        why: "Dovecot's BINARY.SIZE is at times not the size of what its own BINARY tells, which ours is (RFC 3516 §4.2)",
        holds: |d| d.what == "contradiction" && d.asked.starts_with("BINARY.SIZE"),
    },
    Class {
        name: "BINARY of two types",
        why: "where a second Content-Type follows that of a multipart, Dovecot decodes what its own BODYSTRUCTURE says to have parts; RFC 2045 §6.4 has no encoding there",
        holds: |d| {
            (d.what.starts_with("BINARY") || d.what == "verdict" && d.asked.contains("BINARY"))
                && several_types(d.near)
        },
    },
    Class {
        name: "BINARY of encoded multiparts",
        why: "a multipart without parts is decoded by Dovecot where it is said to be encoded, be it by what stands behind a boundary that ends its header; RFC 2045 §6.4 has no encoding there",
        holds: |d| {
            let no_parts = boundary_ends_header(d.near) && has(d.near, "multipart/");
            d.what == "BINARY" && (encoded_multipart(d.near) || no_parts)
        },
    },
    Class {
        name: "size among others",
        why: "Dovecot measures all parts for the BINARY.SIZE of one, and refuses it where it cannot read another",
        holds: |d| {
            let refused =
                d.theirs.is("NO PARSE") || d.theirs.is("NO UNKNOWN-CTE") || d.theirs.is("BYE");
            d.what == "verdict"
                && d.asked.contains("BINARY.SIZE")
                && d.ours.is("OK")
                && refused
                && !d.asked.contains("BINARY.PEEK")
                && (undecodable(&d.mail.octets)
                    || boundary_ends_header(&d.mail.octets)
                    || folded(&d.mail.octets, "content-transfer-encoding:"))
        },
    },
    Class {
        name: "no MIME",
        why: "Dovecot decodes for BINARY where nothing says that a message is MIME, while its BODYSTRUCTURE says 7bit; RFC 2045 §4: without MIME-Version it is plain text",
        holds: |d| {
            d.what.starts_with("BINARY") && encoded_without_mime(d.near)
                || unknown_to_them(d) && encoded_without_mime(&d.mail.octets)
        },
    },
    Class {
        name: "octets of a section",
        why: "Dovecot's BODY[…]<n>, of HEADER.FIELDS above all, is not at that place of its whole (RFC 3501 §6.4.5), or it finds too little there and hangs up",
        holds: |d| {
            let hangs_up = d.what == "verdict" && d.theirs.is("BYE") && d.ours.is("OK");
            d.what == "contradiction" && d.asked.starts_with("BODY[")
                || hangs_up && d.asked.contains("HEADER.FIELDS") && d.asked.contains(")]<")
        },
    },
    Class {
        name: "no empty line",
        why: "some fields of a message within, whose header a boundary ends: Dovecot goes on behind the boundary, or adds an empty line (RFC 3501 §6.4.5: not where there is none)",
        holds: |d| {
            let (Value::Text(theirs), Value::Text(ours)) = (&d.theirs, &d.ours) else {
                return false;
            };
            let open = !ours.ends_with(b"\r\n\r\n") && ours != b"\r\n";
            d.what == "BODY"
                && d.asked.contains(".HEADER.FIELDS")
                && open
                && theirs.starts_with(ours)
                && (ours.is_empty() || theirs[ours.len()..].starts_with(b"\r\n"))
        },
    },
    Class {
        name: "NUL in BINARY",
        why: "Dovecot tells 0x80 for each NUL of parts that it does not decode, as it does in BODY[]; RFC 3516 §4.2 has NUL in a literal8",
        holds: |d| {
            let (Value::Text(theirs), Value::Text(ours)) = (&d.theirs, &d.ours) else {
                return false;
            };
            let sign = |b: &u8| if *b == 0 { 0x80 } else { *b };
            let shown: Vec<u8> = ours.iter().map(sign).collect();
            d.what == "BINARY" && ours.contains(&0) && (unlabelled(theirs) == unlabelled(&shown))
        },
    },
    Class {
        name: "labels in BINARY",
        why: "what is said of an encoding that is undone stands elsewhere in the header, or still says what it was",
        holds: |d| d.what == "BINARY" && same_but_labels(d),
    },
    Class {
        name: "capitals of the commonest BODY",
        why: "Dovecot keeps no text for text/plain in US-ASCII and 7bit: it tells BODY as it was spelt first, and in small letters later",
        holds: |d| {
            let small = |value: &Value| format!("{value:?}").to_ascii_lowercase();
            d.what == "BODY"
                && d.asked == "BODY"
                && small(&d.theirs) == small(&d.ours)
                && small(&d.ours).contains("us-ascii")
        },
    },
    Class {
        name: "BINARY of parts in parts",
        why: "where a part within is empty, or its header has no end, Dovecot's BINARY of what holds it adds line ends, leaves a wrong label, tells a header twice, goes on behind the part or finds too little there and hangs up",
        holds: |d| {
            let holds_parts = ["multipart/", "message/rfc822"]
                .iter()
                .any(|kind| has(d.near, kind))
                || has(&d.mail.octets, "multipart/digest");
            let goes_on = match (&d.theirs, &d.ours) {
                (Value::Text(theirs), Value::Text(ours)) => {
                    squeezed(theirs).starts_with(&squeezed(ours))
                        || told_more(theirs, ours, &d.mail.octets)
                }
                _ => unknown_to_them(d) || d.theirs.is("BYE") && empty_part(d.near),
            };
            (d.what.starts_with("BINARY") || d.what == "verdict" && d.asked.contains("BINARY"))
                && holds_parts
                && goes_on
        },
    },
    Class {
        name: OF_ADDRESSES,
        why: "Dovecot searches the addresses that it has read in HEADER From and the like, too; RFC 3501 §6.4.4: the text behind the colon",
        holds: |_| false,
    },
    Class {
        name: TIES_IN_REFS,
        why: "of threads that end at the same moment Dovecot's REFS puts one whose first message is not there in front of all others; we put them by their first message that is, as RFC 5256 §3 has it for REFERENCES",
        holds: |_| false,
    },
    Class {
        name: "bodies of two types",
        why: "of two Content-Type fields Dovecot's search takes one and its BODYSTRUCTURE, as ours, the first; what it finds where they differ in having parts is not predicted",
        holds: |d| ["BODY", "TEXT"].contains(&d.what) && several_types(&d.mail.octets),
    },
    Class {
        name: "a word in a broken word",
        why: "what begins as an encoded word and does not end before another does (=?big5?B?wWPF6aSkpOU=? =?big5?Q?=C1?=): Dovecot reads it as one, which it cannot decode, and loses what stands in its middle; RFC 2047 §2 has no blank in a word, so that the second one is whole",
        holds: |d| {
            ["FROM", "TO", "CC", "BCC", "SUBJECT", "HEADER", "TEXT"].contains(&d.what)
                && word_in_broken_word(&d.mail.octets)
        },
    },
    Class {
        name: "a backslash alone",
        why: "in addresses Dovecot does not find a backslash that is the last of what is sought; RFC 3501 §6.4.4 has any text",
        holds: |d| {
            ["FROM", "TO", "CC", "BCC"].contains(&d.what)
                && d.asked.ends_with("\\\\")
                && d.theirs.is("false")
        },
    },
    Class {
        name: "none of several times",
        why: "of NOT BEFORE one NOT BEFORE another, Dovecot keeps the one that says less",
        holds: |d| {
            let times = ["BEFORE", "SINCE", "OLDER", "YOUNGER"];
            d.what.starts_with("theirs is not")
                && d.asked.contains("NOT")
                && times
                    .map(|time| d.asked.matches(time).count())
                    .iter()
                    .sum::<usize>()
                    > 1
        },
    },
    Class {
        name: "BINARY of nothing",
        why: "of a part that is not there Dovecot looks at the encoding of another; RFC 3516 §4.2 has NIL",
        holds: |d| {
            d.what == "verdict"
                && d.asked.contains("BINARY")
                && !has(d.near, "\r\n\r\n")
                && d.theirs.is("NO UNKNOWN-CTE")
                && d.ours.is("OK")
        },
    },
    Class {
        name: "sets that end twice",
        why: "beside another set, Dovecot finds nothing of one that goes on to the last message in two ways (233:*,22:*) and has a number in it",
        holds: |d| d.what.starts_with("theirs is not") && ends_twice(d.asked),
    },
    Class {
        name: "a header that a boundary ends",
        why: "with no empty line between them, Dovecot searches as a body what its BODYSTRUCTURE and ours have none for",
        holds: |d| ["BODY", "TEXT"].contains(&d.what) && boundary_ends_header(&d.mail.octets),
    },
    Class {
        name: "the last letter of a body in windows-1255",
        why: "as with encoded words: the letter that a body ends with",
        holds: |d| {
            ["BODY", "TEXT"].contains(&d.what)
                && d.ours.is("true")
                && has(&d.mail.octets, "windows-1255")
                && ["\\xd7\\x9d", "\\xed"]
                    .iter()
                    .any(|last| d.asked.ends_with(last))
        },
    },
    Class {
        name: "Dovecot gives up",
        why: "NOT of all messages ends Dovecot's process (an assertion in its set arithmetic), as does a set that ends twice",
        holds: |d| {
            d.what == "SEARCH verdict"
                && d.theirs.is("BYE")
                && d.ours.is("OK")
                && (d.asked.contains("NOT") || ends_twice(d.asked))
        },
    },
];

/// Whether a set in there goes on to the last message in two ways.
fn ends_twice(asked: &str) -> bool {
    asked
        .split([' ', '(', ')'])
        .any(|set| set.matches('*').count() > 1 && set.matches(',').count() > 1)
}

/// BINARY of something that we know the encoding of, and Dovecot does not.
fn unknown_to_them(difference: &Difference<'_>) -> bool {
    difference.what == "verdict"
        && difference.asked.contains("BINARY")
        && difference.theirs.is("NO UNKNOWN-CTE")
        && difference.ours.is("OK")
}

/// Whether both are the same, but for what they say of encodings, and for the end: Dovecot measures other labels than it
/// tells, and tells so many octets.
fn same_but_labels(difference: &Difference<'_>) -> bool {
    let (Value::Text(theirs), Value::Text(ours)) = (&difference.theirs, &difference.ours) else {
        return false;
    };
    let (shorter, as_long) = (theirs.len() < ours.len(), theirs.len() == ours.len());
    let (theirs, ours) = (unlabelled(theirs), unlabelled(ours));
    ours.starts_with(&theirs) && (!shorter || ours.len() - theirs.len() < 8)
        || as_long && theirs.starts_with(&ours)
}

/// Whether theirs is ours with more lines in it, all of which are ours or the message's.
fn told_more(theirs: &[u8], ours: &[u8], message: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let text = unlabelled(text);
        let lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
        lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (theirs, ours, message) = (lines(theirs), lines(ours), lines(message));
    let known: BTreeSet<&Vec<u8>> = ours.iter().chain(&message).collect();
    let mut rest = theirs.iter();
    theirs.len() > ours.len()
        && theirs.iter().all(|line| known.contains(line))
        && ours.iter().all(|line| rest.any(|theirs| theirs == line))
}

/// A text without the fields that name encodings.
fn unlabelled(text: &[u8]) -> Vec<u8> {
    let is_label = |line: &[u8]| {
        line.to_ascii_lowercase()
            .starts_with(b"content-transfer-encoding")
    };
    let lines = text.split_inclusive(|b| *b == b'\n');
    lines
        .filter(|line| !is_label(line))
        .flatten()
        .copied()
        .collect()
}

/// The same without line ends.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let mut text = unlabelled(text);
    text.retain(|b| !matches!(b, b'\r' | b'\n'));
    text
}
