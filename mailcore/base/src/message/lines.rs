//! Line ends: sizes as if every line ended in CRLF, and the conversion itself. A bare LF becomes CRLF, CRLF
//! stays, a bare CR stays what it is: an ordinary byte (RFC 5322 §2.2 knows no such line end).

use memchr::{memchr, memchr_iter};

/// Bytes, octets and lines of what passed by, in pieces of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Bytes as they are.
    pub bytes: u64,
    /// Bytes once every line ends in CRLF; IMAP's RFC822.SIZE.
    pub octets: u64,
    /// Line ends. An unfinished last line does not count, as Dovecot has it.
    pub lines: u64,
    after_cr: bool,
}

impl Measure {
    /// The measure of `text`.
    pub fn of(text: &[u8]) -> Measure {
        let mut measure = Measure::default();
        measure.feed(text);
        measure
    }

    /// Takes in the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let Some(&last) = piece.last() else { return };
        let (mut lines, mut bare) = (0u64, 0u64);
        for at in memchr_iter(b'\n', piece) {
            let after_cr = if at == 0 {
                self.after_cr
            } else {
                piece[at - 1] == b'\r'
            };
            lines += 1;
            bare += u64::from(!after_cr);
        }
        self.bytes += piece.len() as u64;
        self.octets += piece.len() as u64 + bare;
        self.lines += lines;
        self.after_cr = last == b'\r';
    }
}

/// Converts LF to CRLF piece by piece; whatever the cut, the result is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToCrlf {
    after_cr: bool,
}

impl ToCrlf {
    /// A converter at the start of a text.
    pub fn new() -> ToCrlf {
        ToCrlf::default()
    }

    /// Converts the next piece onto the end of `out`, which grows by at most twice its length.
    pub fn convert(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(at) = memchr(b'\n', rest) {
            let after_cr = if at == 0 {
                self.after_cr
            } else {
                rest[at - 1] == b'\r'
            };
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(if after_cr { b"\n" } else { b"\r\n" });
            rest = &rest[at + 1..];
            self.after_cr = false;
        }
        out.extend_from_slice(rest);
        if let Some(&last) = rest.last() {
            self.after_cr = last == b'\r';
        }
    }
}
