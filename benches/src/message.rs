//! A message as people send it: a text, its HTML twin and an attachment.

use std::fmt::Write;

const SENTENCE: &str =
    "The quick brown fox jumps over the lazy dog, and =C3=A9 is a letter of its own =";
const BASE64: &str = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZywgYW5kIGFnYWluLg==";

/// The `number`-th message, of about `octets` octets (at least two thousand), with CRLF line ends.
pub fn mime_message(number: usize, octets: usize) -> Vec<u8> {
    let mut out = format!(
        "Return-Path: <sender@example.org>\r\n\
         Received: from a.example.org (a.example.org [192.0.2.1])\r\n\tby b.example.test with ESMTPS id {number};\r\n\
         \tThu, 1 Jan 2026 10:00:00 +0000\r\n\
         From: =?utf-8?q?J=C3=B6rg?= Sender <sender@example.org>\r\n\
         To: \"First, Second\" <one@example.test>, two@example.test, friends: three@example.test;\r\n\
         Subject: =?utf-8?b?TnVtYmVyIMOpw6k=?= of many {number}\r\n\
         Date: Thu, 01 Jan 2026 11:00:00 +0100\r\n\
         Message-ID: <{number}@example.org>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"outer=_{number}\"\r\n\r\n\
         --outer=_{number}\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    );
    let third = octets.saturating_sub(1_500) / 3;
    lines(&mut out, SENTENCE, third);
    out.push_str("\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n");
    out.push_str("Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>\r\n");
    lines(&mut out, SENTENCE, third);
    let _ = write!(
        out,
        "</p>\r\n--inner--\r\n--outer=_{number}\r\nContent-Type: application/pdf; name*=utf-8''n%C3%A9.pdf\r\n\
         Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    lines(&mut out, BASE64, third);
    let _ = write!(out, "--outer=_{number}--\r\n");
    out.into_bytes()
}

fn lines(out: &mut String, line: &str, octets: usize) {
    for _ in 0..octets / (line.len() + 2) {
        out.push_str(line);
        out.push_str("\r\n");
    }
}
