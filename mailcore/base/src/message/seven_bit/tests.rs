//! What comes out is seven bits wide, and says the same.

use super::*;
use proptest::prelude::*;

fn converted(message: &[u8], cut: usize) -> Vec<u8> {
    let mut plan = SevenBit::of(&Structure::of(message));
    message.chunks(cut).for_each(|piece| plan.look(piece));
    let mut writer = plan.begin();
    let mut out = Vec::new();
    message
        .chunks(cut)
        .for_each(|piece| writer.feed(piece, &mut out));
    writer.finish(&mut out);
    out
}

fn becomes(message: &str, expected: &str) {
    for cut in [1, 2, 7, message.len().max(1)] {
        let out = String::from_utf8(converted(message.as_bytes(), cut)).unwrap();
        assert_eq!(out, expected, "pieces of {cut}");
    }
}

#[test]
fn a_part_with_an_eighth_bit_is_encoded_and_labelled() {
    becomes(
        "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         content-transfer-encoding:\r\n 8bit\r\nX-Last: 1\r\n\r\nf\u{fc}r = dich\r\n",
        "Subject: hi\r\nContent-Type: text/plain; charset=utf-8\r\n\
         X-Last: 1\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nf=C3=BCr =3D dich\r\n",
    );
}

#[test]
fn parts_are_encoded_one_by_one_and_their_container_is_labelled() {
    becomes(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n\
         --b\r\n\r\nall = seven\r\n\
         --b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u{e4} \r\n\
         --b\r\nContent-Transfer-Encoding: base64\r\n\r\n5A==\r\n\
         --b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u{f6}\r\n\
         --b--\r\nepilogue\r\n",
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n\
         --b\r\n\r\nall = seven\r\n\
         --b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=20\r\n\
         --b\r\nContent-Transfer-Encoding: base64\r\n\r\n5A==\r\n\
         --b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=B6\r\n\
         --b--\r\nepilogue\r\n",
    );
}

#[test]
fn text_that_nobody_labelled_is_said_to_be_unknown() {
    becomes(
        "Subject: hi\r\n\r\n\u{fc}\r\n",
        "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n",
    );
}

#[test]
fn a_message_within_that_nobody_labelled_says_that_it_is_mime() {
    let parts = "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n";
    becomes(
        &format!("{parts}Subject: hi\r\n\r\n\u{fc}\r\n"),
        &format!(
            "{parts}Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n"
        ),
    );
}

#[test]
fn lines_that_end_in_lf_alone_are_lines_and_cr_alone_is_an_octet() {
    becomes(
        "MIME-Version: 1.0\nContent-Type: text/plain\n\n\u{fc} \n.\ra\r\r\n",
        "Content-Type: text/plain\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\n\
         =C3=BC=20\r\n.=0Da=0D\r\n",
    );
}

#[test]
fn what_is_seven_bits_wide_stays_as_it_is_but_for_its_label() {
    let plain = "Subject: a=b\r\n\r\na = b \r\n";
    becomes(plain, plain);
    becomes("\r\na = b \r\n", "\r\na = b \r\n");
    becomes("", "");
    becomes(
        "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\na = b\r\n",
        "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\na = b\r\n",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn however_it_is_cut_and_whatever_it_is_the_result_is_the_same(
        lines in proptest::collection::vec(prop_oneof![
            Just("--b\r\n"), Just("--b--\r\n"), Just("\r\n"), Just("\u{e9}=\r\n"), Just(" \t\r\n"), Just("text"),
            Just("Content-Type: multipart/mixed; boundary=b\r\n"), Just("MIME-Version: 1.0\r\n"),
            Just("Content-Transfer-Encoding: 8bit\r\n"), Just("Content-Type: message/rfc822\r\n"),
        ], 0..30),
        cut in 1..40_usize,
    ) {
        let message = format!("MIME-Version: 1.0\r\n{}", lines.concat());
        let whole = converted(message.as_bytes(), usize::MAX);
        prop_assert_eq!(&whole, &converted(message.as_bytes(), cut));
        // Done again, there is nothing left to do but for what lies outside all parts.
        let structure = Structure::of(&whole);
        for (_, part) in structure.parts().filter(|(_, part)| part.kind == Kind::Leaf) {
            let message = part.content.as_deref().and_then(|it| it.content_type.as_ref());
            let message = message.is_some_and(|it| it.top.eq_ignore_ascii_case(b"message"));
            let (from, len) = (part.body.offset as usize, part.body.bytes as usize);
            prop_assert!(message || whole[from..from + len].is_ascii());
        }
    }
}
