//! How Dovecot reads what we read in another way, and are to: each manner writes a message anew, such that our own code,
//! which reads what is written, comes to Dovecot's answer. A difference is listed only where it does.

use crate::parts::{bodies, decoded_anyway, later_type};
use crate::rewrite::{
    apostrophes, as_in_files, as_they_are, ascii_alone, before_broken_words, blanks, dates,
    dates_in_doubt, fields_of, halves, hebrew, lossy, military, nested_ids, nuls, returns,
    words_of_unknown_charsets,
};

/// One of them.
#[derive(Debug)]
pub struct Manner {
    pub name: &'static str,
    /// Why ours is another, and by which words of which RFC.
    pub why: &'static str,
    /// The search keys and orders that look at it.
    pub about: &'static [&'static str],
    pub write: fn(&[u8]) -> Vec<u8>,
}

/// Of fields that are texts.
const WORDS: &[&str] = &[
    "FROM",
    "TO",
    "CC",
    "BCC",
    "SUBJECT",
    "HEADER",
    "TEXT",
    "DISPLAYFROM",
    "DISPLAYTO",
];
const BODIES: &[&str] = &["BODY", "TEXT"];

pub const MANNERS: &[Manner] = &[
    Manner {
        name: "charset of an encoded word",
        why: "an encoded word in a charset that nobody knows is to us what stands there (RFC 2047 §6.2 leaves open how it is shown); Dovecot takes its octets as they are, with regard to case, and =?charset*language?… (RFC 2231 §5) for such a charset",
        about: &["FROM", "TO", "CC", "BCC", "SUBJECT", "HEADER", "TEXT"],
        write: |text| words_of_unknown_charsets(text, as_they_are),
    },
    Manner {
        name: "charset of a displayed name",
        why: "the same in an order by names, without regard to case",
        about: &["DISPLAYFROM", "DISPLAYTO"],
        write: |text| words_of_unknown_charsets(text, lossy),
    },
    Manner {
        name: "no charset in an encoded word",
        why: "=??Q?…?= names no charset: Dovecot takes it for US-ASCII, we for UTF-8, as much as there is of it; RFC 2047 has no such word",
        about: WORDS,
        write: ascii_alone,
    },
    Manner {
        name: "apostrophes in names",
        why: "Dovecot searches names in quotes with a backslash in front of each apostrophe; RFC 5322 §3.2.4 needs none",
        about: &["FROM", "TO", "CC", "BCC"],
        write: apostrophes,
    },
    Manner {
        name: "a character in two encoded words",
        why: "Dovecot decodes each encoded word for itself; RFC 2047 §5 forbids to cut a character, and we put it together again",
        about: WORDS,
        write: halves,
    },
    Manner {
        name: "blanks in front of a broken word",
        why: "between an encoded word and =? that begins none, Dovecot drops the blanks; RFC 2047 §6.2 has it between encoded words alone",
        about: WORDS,
        write: before_broken_words,
    },
    Manner {
        name: "the last letter of windows-1255",
        why: "Dovecot's converter holds a letter back for a point that may follow, and loses it at the end of an encoded word",
        about: WORDS,
        write: hebrew,
    },
    Manner {
        name: "NUL in an order",
        why: "RFC 5322 §4.3 has no NUL; Dovecot's envelope ends the address there, as ours does, but its order does not",
        about: &[
            "SORT FROM",
            "SORT TO",
            "SORT CC",
            "SORT SUBJECT",
            "DISPLAYFROM",
            "DISPLAYTO",
        ],
        write: nuls,
    },
    Manner {
        name: "CR in an order",
        why: "a CR alone in a quoted string (RFC 5322 §4.1 has it) is nothing to Dovecot's envelope and ours, and a character to its order",
        about: &[
            "SORT FROM",
            "SORT TO",
            "SORT CC",
            "DISPLAYFROM",
            "DISPLAYTO",
        ],
        write: returns,
    },
    Manner {
        name: "years before 1970",
        why: "Dovecot keeps a date in 32 bits without a sign: what was sent before 1970 is in the far future; RFC 3501 §6.4.4 compares days",
        about: &["DATE", "SENTBEFORE", "SENTON", "SENTSINCE"],
        write: dates,
    },
    Manner {
        name: "dates in doubt",
        why: "Dovecot cannot read 14-Sep-2020 in a Date field, which some programs write, nor a year of three digits (RFC 5322 §4.3 has it)",
        about: &["DATE", "SENTBEFORE", "SENTON", "SENTSINCE"],
        write: dates_in_doubt,
    },
    Manner {
        name: "military zones",
        why: "Dovecot takes A for +0100 and so on; RFC 5322 §4.3 takes one letter for -0000, since RFC 822 had them wrong",
        about: &["DATE", "SENTBEFORE", "SENTON", "SENTSINCE"],
        write: military,
    },
    Manner {
        name: "an id within an id",
        why: "<one <two@host>: Dovecot makes an id of all of it, or nothing, we read the one that is whole (RFC 5256 §2.2 leaves it open)",
        about: &["REFERENCES"],
        write: nested_ids,
    },
    Manner {
        name: "blanks in fields",
        why: "Dovecot joins blanks to one in what its cache holds; we look for what stands there, folds undone (RFC 5322 §2.2.3)",
        about: &["SUBJECT", "HEADER", "TEXT"],
        write: blanks,
    },
    Manner {
        name: "unknown encoding is searched",
        why: "Dovecot searches no body whose encoding it does not know; we search it as it stands",
        about: BODIES,
        write: |text| {
            bodies(text, |header| {
                fields_of(header, "content-transfer-encoding")
                    .iter()
                    .any(|value| !KNOWN.contains(&value.as_str()))
            })
        },
    },
    Manner {
        name: "type that cannot be read",
        why: "Dovecot searches no body whose Content-Type has no subtype; RFC 2045 §5.2: it is text",
        about: BODIES,
        write: |text| {
            bodies(text, |header| {
                fields_of(header, "content-type")
                    .iter()
                    .any(|value| !value.contains('/'))
            })
        },
    },
    Manner {
        name: "no MIME, searched",
        why: "as with BINARY: Dovecot decodes what no MIME-Version says to be encoded",
        about: BODIES,
        write: decoded_anyway,
    },
    Manner {
        name: "line ends of a file",
        why: "Dovecot looks for CRLF in bodies as the file has them, which is LF; RFC 3501 §6.4.4 searches what it tells, where lines end with CRLF",
        about: BODIES,
        write: as_in_files,
    },
    Manner {
        name: "two types",
        why: "of two Content-Type fields Dovecot's search may take the later one, while its BODYSTRUCTURE and ours tell the first",
        about: BODIES,
        write: later_type,
    },
];

/// Encodings that both know.
const KNOWN: [&str; 5] = ["7bit", "8bit", "binary", "base64", "quoted-printable"];
