//! Where Dovecot and we differ and are to differ: what it is, and why.

use crate::client::Value;
use crate::ledger::{Class, Difference};

pub const CLASSES: &[Class] = &[
    Class {
        name: "broken content",
        why: "a body that is not quite base64 or quoted-printable: Dovecot refuses BINARY ([PARSE]) or hangs up, we tell what can be decoded; RFC 3516 has no word for it",
        holds: |d| {
            let refused = d.theirs.is("NO PARSE") || d.theirs.is("BYE");
            let coded = has(d.near, "base64") || has(d.near, "quoted-printable");
            d.what == "verdict" && d.asked.contains("BINARY") && d.ours.is("OK") && refused && coded
        },
    },
    Class {
        name: "folded encoding",
        why: "Dovecot looks for the encoding in the first line of its field alone; RFC 5322 §2.2.3 folds any field",
        holds: |d| unknown_to_them(d) && folded(d.near, "content-transfer-encoding:"),
    },
    Class {
        name: "BINARY.SIZE of parts",
        why: "Dovecot's BINARY.SIZE of a part with parts in it is not the size of what its BINARY tells (RFC 3516 §4.2)",
        holds: |d| d.what == "contradiction" && d.asked.starts_with("BINARY.SIZE"),
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
                && has(&d.mail.octets, "content-transfer-encoding")
        },
    },
    Class {
        name: "no MIME",
        why: "Dovecot decodes for BINARY where nothing says that a message is MIME, while its BODYSTRUCTURE says 7bit; RFC 2045 §4: without MIME-Version it is plain text",
        holds: |d| {
            d.what.starts_with("BINARY")
                && !has(d.near, "mime-version:")
                && !has(d.near, "content-type:")
        },
    },
    Class {
        name: "octets of some fields",
        why: "Dovecot's BODY[HEADER.FIELDS …]<n> is not at that place of its whole (RFC 3501 §6.4.5)",
        holds: |d| {
            d.what == "contradiction"
                && d.asked.starts_with("BODY[")
                && d.asked.contains("HEADER.FIELDS")
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
        why: "where a part within is empty, or its header has no end, Dovecot's BINARY of what holds it adds line ends, leaves a wrong label or goes on behind the part",
        holds: |d| {
            let holds_parts = ["multipart/", "message/rfc822"]
                .iter()
                .any(|kind| has(d.near, kind))
                || has(&d.mail.octets, "multipart/digest");
            let goes_on = unknown_to_them(d)
                || matches!((&d.theirs, &d.ours), (Value::Text(theirs), Value::Text(ours)) if theirs.starts_with(ours));
            (d.what.starts_with("BINARY") || d.what == "verdict" && d.asked.contains("BINARY"))
                && holds_parts
                && (goes_on || empty_part(d.near))
        },
    },
];

/// BINARY of something that we know the encoding of, and Dovecot does not.
fn unknown_to_them(difference: &Difference<'_>) -> bool {
    difference.what == "verdict"
        && difference.asked.contains("BINARY")
        && difference.theirs.is("NO UNKNOWN-CTE")
        && difference.ours.is("OK")
}

/// Whether the text is in there, in any case.
fn has(octets: &[u8], text: &str) -> bool {
    octets
        .to_ascii_lowercase()
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Whether a field that begins so goes on in a second line.
fn folded(octets: &[u8], begin: &str) -> bool {
    let lines: Vec<Vec<u8>> = octets
        .split(|b| *b == b'\n')
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    lines.windows(2).any(|two| {
        two[0].starts_with(begin.as_bytes()) && matches!(two[1].first(), Some(b' ' | b'\t'))
    })
}

/// Whether a part has no body, or nothing but its header.
fn empty_part(octets: &[u8]) -> bool {
    let lines: Vec<u8> = octets.iter().copied().filter(|b| *b != b'\r').collect();
    lines.windows(4).any(|four| four == b"\n\n--") || lines.ends_with(b"\n\n")
}

/// Whether both are the same, but for what they say of encodings, and for the few octets that this makes them longer.
fn same_but_labels(difference: &Difference<'_>) -> bool {
    let (Value::Text(theirs), Value::Text(ours)) = (&difference.theirs, &difference.ours) else {
        return false;
    };
    let rest = |text: &[u8]| {
        let lines = text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec);
        let kept = lines.filter(|line| {
            !line
                .to_ascii_lowercase()
                .starts_with(b"content-transfer-encoding")
        });
        kept.collect::<Vec<_>>().concat()
    };
    let (theirs, ours) = (rest(theirs), rest(ours));
    ours.starts_with(&theirs) && ours.len() - theirs.len() < 8
}
