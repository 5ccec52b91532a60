//! What stands behind a header: texts, attachments, parts in parts, and what says so.

use crate::chance::Chance;
use crate::mail::{fields, put};
use crate::phrases::{FOREIGN, base64, encoded_word, quoted_printable, words};

/// `Content-*` fields, an empty line and the content; `deep` levels of parts may be in it.
pub fn entity(chance: &mut Chance, out: &mut Vec<u8>, deep: usize, top: bool) {
    if top && !chance.once_in(6) {
        put(chance, out, "MIME-Version", b"1.0");
    }
    if chance.once_in(12) {
        put(chance, out, "Content-ID", b"<part@id.test>");
    }
    if chance.once_in(15) {
        let words = encoded_word(chance);
        put(chance, out, "Content-Description", words.as_bytes());
    }
    if chance.once_in(25) {
        put(chance, out, "Content-MD5", b"Q2hlY2sgSW50ZWdyaXR5IQ==");
    }
    if chance.once_in(25) {
        let language = chance.text(&["en", "de, en-GB", "", "fr (French)"]);
        put(chance, out, "Content-Language", language.as_bytes());
    }
    if chance.once_in(30) {
        put(
            chance,
            out,
            "Content-Location",
            b"http://example.test/a\n /b",
        );
    }
    if chance.once_in(6) {
        disposition(chance, out);
    }
    if chance.once_in(60) {
        // One type too many, in front of the other.
        let kind = chance.text(&["multipart/mixed; boundary=other", "text/plain", "image/gif"]);
        put(chance, out, "Content-Type", kind.as_bytes());
    }
    match chance.below(20) {
        0..=7 if deep > 0 => multipart(chance, out, deep),
        8 if deep > 0 => message_within(chance, out, deep),
        9 | 10 => attachment(chance, out),
        11 => {
            let kind = chance.text(&[
                "message/delivery-status",
                "text/rfc822-headers",
                "application/pgp-signature",
                "message/partial; id=a; number=1",
            ]);
            put(chance, out, "Content-Type", kind.as_bytes());
            out.extend_from_slice(b"\nReporting-MTA: dns; a.test\n\nFinal-Recipient: rfc822; b@x.test\nAction: failed\n");
        }
        12 => {
            let kind = chance.text(&[
                "",
                "text",
                "garbage",
                "text/",
                "/plain",
                "text/plain charset=utf-8",
                "text/plain;; charset=utf-8",
                "TEXT/Plain; Charset=\"US-ASCII\"",
                "text/plain; =x; name",
                "multipart/",
                "multipart",
                "text/plain; format=flowed; delsp=\"yes\"",
            ]);
            put(chance, out, "Content-Type", kind.as_bytes());
            out.push(b'\n');
            prose(chance, out);
        }
        _ => text(chance, out),
    }
}

fn disposition(chance: &mut Chance, out: &mut Vec<u8>) {
    let value = chance.text(&[
        "inline",
        "attachment; filename=plain.txt",
        "attachment;\n filename=\"quoted name.txt\"; size=10",
        "ATTACHMENT",
        "attachment; filename*=utf-8''na%C3%AFve.txt",
        "attachment; filename*0=\"long \";\n filename*1=\"name\"; filename*2=.txt",
        "attachment; filename*0*=utf-8''a%20; filename*1=b%",
        "attachment; filename==?utf-8?Q?enc=20oded?=",
        "attachment; filename=\"=?utf-8?B?w7w=?=.txt\"",
        "attachment; filename=",
        "; filename=x",
        "",
        "attachment; filename*1=late; filename*0=early",
        "attachment; filename=\"open",
        "inline; filename=a b c",
    ]);
    put(chance, out, "Content-Disposition", value.as_bytes());
}

/// A text in some charset and some encoding.
fn text(chance: &mut Chance, out: &mut Vec<u8>) {
    let foreign = chance.once_in(2);
    let (charset, octets) = match foreign {
        true => {
            let (charset, _, octets) = *chance.of(&FOREIGN);
            (charset, octets.to_vec())
        }
        false => ("us-ascii", words(chance, 2, 8).into_bytes()),
    };
    if foreign || !chance.once_in(3) {
        let charset = match chance.below(12) {
            0 => format!("\"{charset}\""),
            1 => charset.to_ascii_uppercase(),
            2 if chance.once_in(4) => "x-unheard-of".to_owned(),
            _ => charset.to_owned(),
        };
        let kind = chance.text(&["text/plain", "text/html", "text/plain", "Text/Enriched"]);
        let parameter = chance.text(&[
            "; charset=",
            ";\n\tcharset=",
            ";charset=",
            "; format=flowed; CHARSET=",
        ]);
        put(
            chance,
            out,
            "Content-Type",
            format!("{kind}{parameter}{charset}").as_bytes(),
        );
    }
    let mut body = Vec::new();
    for _ in 0..chance.within(0, 12) {
        body.extend_from_slice(words(chance, 0, 10).as_bytes());
        body.push(b'\n');
        if chance.once_in(3) {
            body.extend_from_slice(&octets);
            body.extend_from_slice(chance.text(&["\n", " ", "\n\n", " <br>\n"]).as_bytes());
        }
    }
    encode(chance, out, &body);
}

/// The body in an encoding, with the field that names it.
fn encode(chance: &mut Chance, out: &mut Vec<u8>, body: &[u8]) {
    match chance.below(12) {
        0..=3 => {
            let name = chance.text(&[
                "7bit",
                "8bit",
                "binary",
                "8BIT",
                "7bit (comment)",
                "x-unknown",
                "8bit;",
                "\"8bit\"",
            ]);
            put(chance, out, "Content-Transfer-Encoding", name.as_bytes());
            out.push(b'\n');
            out.extend_from_slice(body);
        }
        4..=6 => {
            put(
                chance,
                out,
                "Content-Transfer-Encoding",
                b"quoted-printable",
            );
            out.push(b'\n');
            for line in body.split_inclusive(|b| *b == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let mut text = quoted_printable(line, ' ');
                if chance.once_in(5) && !text.is_empty() && text.is_ascii() {
                    let at = text.rfind(' ').unwrap_or(0);
                    text.insert_str(at, "=\n");
                }
                if chance.once_in(25) {
                    text.push_str(chance.text(&["=", "=4", "=zz", " \t", "==41", "=\r"]));
                }
                out.extend_from_slice(text.as_bytes());
                out.push(b'\n');
            }
        }
        7..=8 => {
            put(chance, out, "Content-Transfer-Encoding", b"base64");
            out.push(b'\n');
            in_base64(chance, out, body);
        }
        _ => {
            out.push(b'\n');
            out.extend_from_slice(body);
        }
    }
}

fn in_base64(chance: &mut Chance, out: &mut Vec<u8>, body: &[u8]) {
    let mut text = base64(
        &String::from_utf8_lossy(body)
            .replace('\n', "\r\n")
            .into_bytes(),
    );
    if chance.once_in(2) {
        text = base64(body);
    }
    for line in text.as_bytes().chunks(76) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    if chance.once_in(10) {
        out.extend_from_slice(
            chance
                .text(&["!!!!\n", "QUJD\n", "QUJ\n", "=\n", "\nQUJD\n", "QU JD\n"])
                .as_bytes(),
        );
    }
}

fn prose(chance: &mut Chance, out: &mut Vec<u8>) {
    for _ in 0..chance.within(0, 5) {
        out.extend_from_slice(words(chance, 1, 12).as_bytes());
        out.push(b'\n');
    }
}

fn attachment(chance: &mut Chance, out: &mut Vec<u8>) {
    let kind = chance.text(&[
        "application/octet-stream",
        "image/png; name=\"a b.png\"",
        "application/pdf;\n name*0=a;\n name*1=b.pdf",
        "x-a/x-b; P=Q; p2=\"\"",
    ]);
    let value = chance.text(&["base64", "BASE64", "base64 (x)"]);
    let mut fields = [("Content-Type", kind), ("Content-Transfer-Encoding", value)];
    if chance.once_in(3) {
        fields.reverse();
    }
    for (name, value) in fields {
        put(chance, out, name, value.as_bytes());
        if chance.once_in(4) {
            disposition(chance, out);
        }
    }
    let octets: Vec<u8> = (0..chance.within(0, 400))
        .map(|_| chance.next() as u8)
        .collect();
    out.push(b'\n');
    in_base64(chance, out, &octets);
}

fn message_within(chance: &mut Chance, out: &mut Vec<u8>, deep: usize) {
    let value = chance.text(&["message/rfc822", "MESSAGE/RFC822; name=x"]);
    put(chance, out, "Content-Type", value.as_bytes());
    if chance.once_in(3) {
        let value = chance.text(&["7bit", "8bit", "base64"]);
        put(chance, out, "Content-Transfer-Encoding", value.as_bytes());
    }
    out.push(b'\n');
    if chance.once_in(15) {
        return;
    }
    let number = chance.below(1000) + 100_000;
    out.extend_from_slice(&fields(chance, number));
    entity(chance, out, deep - 1, true);
}

fn multipart(chance: &mut Chance, out: &mut Vec<u8>, deep: usize) {
    let kind = chance.text(&[
        "mixed",
        "alternative",
        "related",
        "digest",
        "report; report-type=delivery-status",
        "Mixed",
        "signed; micalg=x",
        "x-odd",
    ]);
    let mut boundary = format!("b{}", chance.below(1_000_000));
    let quoted = match chance.below(6) {
        0 => {
            boundary = format!("=_{boundary}'()+_,-./:=? x");
            format!("\"{boundary}\"")
        }
        1 => format!("\"{boundary}\""),
        2 if chance.once_in(6) => "\"\"".to_owned(),
        _ => boundary.clone(),
    };
    // Sometimes there is none.
    let parameter = if chance.once_in(40) {
        String::new()
    } else {
        format!(";{}boundary={quoted}", chance.text(&[" ", "\n\t", "\n "]))
    };
    put(
        chance,
        out,
        "Content-Type",
        format!("multipart/{kind}{parameter}").as_bytes(),
    );
    if chance.once_in(30) {
        let value = chance.text(&["base64", "8bit", "quoted-printable"]);
        put(chance, out, "Content-Transfer-Encoding", value.as_bytes());
    }
    // Sometimes the first boundary ends the header, or is a field of it.
    if !chance.once_in(50) {
        out.push(b'\n');
    }
    if chance.once_in(3) {
        out.extend_from_slice(
            chance
                .text(&[
                    "This is a message in MIME format.\n",
                    "\n",
                    "preamble\n\n",
                    "--\n",
                ])
                .as_bytes(),
        );
    }
    let count = if chance.once_in(30) {
        0
    } else {
        chance.within(1, 4)
    };
    for _ in 0..count {
        delimiter(chance, out, &boundary, "");
        entity(chance, out, deep - 1, false);
        if chance.once_in(3) {
            out.push(b'\n');
        }
    }
    if !chance.once_in(15) {
        delimiter(chance, out, &boundary, "--");
    }
    if chance.once_in(4) {
        out.extend_from_slice(
            chance
                .text(&["epilogue\n", "\n\n", "-- \nsignature\n"])
                .as_bytes(),
        );
    }
}

fn delimiter(chance: &mut Chance, out: &mut Vec<u8>, boundary: &str, end: &str) {
    let behind = if chance.once_in(20) {
        chance.text(&[" ", "\t", "x", "-", "--"])
    } else {
        ""
    };
    out.extend_from_slice(format!("--{boundary}{end}{behind}\n").as_bytes());
}
