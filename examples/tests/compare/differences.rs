//! Where Dovecot and we differ and are to differ: what it is, and why.

use crate::client::Value;
use crate::ledger::{Class, Difference};
use crate::maildir::Mail;
use crate::marks::{
    empty_part, encoded_words, folded, has, head, is_unknown, needle, odd_date, refers_to_itself,
    strange_encoding, typeless,
};

/// A class that the messages in front decide.
pub const PLACED_BY_OTHERS: &str = "a place given by others";

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
    Class {
        name: "language of an encoded word",
        why: "Dovecot takes =?charset*language?… for no encoded word (RFC 2231 §5 makes it one)",
        holds: |d| {
            looks_into_header(d)
                && encoded_words(&d.mail.octets)
                    .iter()
                    .any(|charset| charset.contains('*'))
        },
    },
    Class {
        name: "charset of an encoded word",
        why: "an encoded word in a charset that nobody knows is searched by us as it stands, and not at all by Dovecot (RFC 2047 §6.2 leaves what is shown open)",
        holds: |d| {
            looks_into_header(d)
                && encoded_words(&d.mail.octets)
                    .iter()
                    .any(|charset| is_unknown(charset))
        },
    },
    Class {
        name: "HEADER of addresses",
        why: "Dovecot searches the addresses that it has read in HEADER From and the like, too; RFC 3501 §6.4.4: the text behind the colon",
        holds: |d| {
            d.what == "HEADER"
                && ["from", "to", "cc", "bcc", "reply-to", "sender"]
                    .iter()
                    .any(|name| has(d.asked.as_bytes(), &format!("header {name} ")))
        },
    },
    Class {
        name: "blanks in fields",
        why: "Dovecot joins blanks to one, or not, depending on what its cache holds; we look for what stands there, folds undone (RFC 5322 §2.2.3)",
        holds: |d| ["SUBJECT", "HEADER", "TEXT"].contains(&d.what) && needle(d.asked).contains(' '),
    },
    Class {
        name: "unknown encoding is searched",
        why: "Dovecot searches no body whose encoding it does not know, or cannot read; we search it as it stands",
        holds: |d| {
            ["BODY", "TEXT"].contains(&d.what)
                && d.ours.is("true")
                && strange_encoding(&d.mail.octets)
        },
    },
    Class {
        name: "dates of another form",
        why: "Dovecot counts years before 1970 as the far future, and cannot read 14-Sep-2020; RFC 3501 §6.4.4 compares days",
        holds: |d| d.what.starts_with("SENT") && odd_date(&d.mail.octets),
    },
    Class {
        name: "Dovecot gives up",
        why: "NOT of all messages ends Dovecot's process (an assertion in its set arithmetic)",
        holds: |d| {
            d.what == "SEARCH verdict"
                && d.theirs.is("BYE")
                && d.ours.is("OK")
                && d.asked.contains("NOT")
        },
    },
    Class {
        name: "no MIME, searched",
        why: "as with BINARY: Dovecot decodes what no MIME-Version says to be encoded",
        holds: |d| {
            ["BODY", "TEXT"].contains(&d.what)
                && !has(&d.mail.octets, "mime-version:")
                && has(&d.mail.octets, "content-transfer-encoding:")
        },
    },
    Class {
        name: "type that cannot be read",
        why: "Dovecot searches no body whose Content-Type has no subtype; RFC 2045 §5.2: it is text",
        holds: |d| {
            ["BODY", "TEXT"].contains(&d.what) && d.ours.is("true") && typeless(&d.mail.octets)
        },
    },
    Class {
        name: "octets that nothing explains",
        why: "octets in a header that are no UTF-8: Dovecot makes one sign of several, we one of each; RFC 6532 knows UTF-8 alone",
        holds: |d| looks_into_header(d) && std::str::from_utf8(looked_into(d)).is_err(),
    },
    Class {
        name: "NUL in a header",
        why: "RFC 5322 §4.3 has no NUL; where one begins a word Dovecot ends the address there",
        holds: |d| looks_into_header(d) && looked_into(d).contains(&0),
    },
    Class {
        name: "a character in two encoded words",
        why: "Dovecot decodes each encoded word for itself; RFC 2047 §5 forbids to cut a character, and we put it together again",
        holds: |d| looks_into_header(d) && has(&d.mail.octets, HALF) && d.ours.is("true"),
    },
    Class {
        name: "the last letter of windows-1255",
        why: "Dovecot's converter holds a letter back for a point that may follow, and loses it at the end of a text",
        holds: |d| {
            (looks_into_header(d) || d.what == "BODY")
                && has(&d.mail.octets, "windows-1255")
                && d.ours.is("true")
        },
    },
    Class {
        name: "a message that answers itself",
        why: "its References name its own Message-ID: whose word stands then, RFC 5256 §3 leaves to the order of the mailbox; ours does not hang on it",
        holds: |_| false,
    },
    Class {
        name: PLACED_BY_OTHERS,
        why: "by RFC 5256 §3 (1) a message without references leaves the place that earlier messages gave it, and takes what later ones give it; ours keeps either, whatever the order of the mailbox",
        holds: |_| false,
    },
    Class {
        name: "an id within an id",
        why: "<one <two@host>: Dovecot makes an id of all of it, we read the one that is whole (RFC 5256 §2.2 leaves it open)",
        holds: |_| false,
    },
];

/// BINARY of something that we know the encoding of, and Dovecot does not.
fn unknown_to_them(difference: &Difference<'_>) -> bool {
    difference.what == "verdict"
        && difference.asked.contains("BINARY")
        && difference.theirs.is("NO UNKNOWN-CTE")
        && difference.ours.is("OK")
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

/// Where in an order or among threads a message stands may differ for one of the reasons above: which.
pub fn set_aside(key: &str, mail: &Mail) -> Option<&'static str> {
    let class = |name: &'static str, so: bool| so.then_some(name);
    let header = head(&mail.octets);
    let words = encoded_words(header);
    let language = || {
        class(
            "language of an encoded word",
            words.iter().any(|charset| charset.contains('*')),
        )
    };
    let charset = || {
        class(
            "charset of an encoded word",
            words.iter().any(|charset| is_unknown(charset)),
        )
    };
    let octets = || {
        class(
            "octets that nothing explains",
            std::str::from_utf8(header).is_err(),
        )
    };
    let nul = class("NUL in a header", header.contains(&0));
    match key {
        "REFERENCES" => class("an id within an id", has(header, "<broken <")).or(class(
            "a message that answers itself",
            refers_to_itself(&mail.octets),
        )),
        "FROM" | "TO" | "CC" => nul,
        "DATE" => class("dates of another form", odd_date(&mail.octets)),
        "SUBJECT" | "DISPLAYFROM" | "DISPLAYTO" => {
            let half = class("a character in two encoded words", has(header, HALF));
            let hebrew = class(
                "the last letter of windows-1255",
                has(header, "=?windows-1255"),
            );
            let words = language().or_else(charset).or_else(octets);
            words.or(nul).or(half).or(hebrew)
        }
        _ => None,
    }
}

/// The first two octets of three.
const HALF: &str = "=?utf-8?b?5pel5pw=?=";

/// What a key about headers looks into; TEXT, into those of parts as well.
fn looked_into<'a>(difference: &Difference<'a>) -> &'a [u8] {
    match difference.what {
        "TEXT" => &difference.mail.octets,
        _ => head(&difference.mail.octets),
    }
}

fn looks_into_header(difference: &Difference<'_>) -> bool {
    ["FROM", "TO", "CC", "BCC", "SUBJECT", "HEADER", "TEXT"].contains(&difference.what)
}
