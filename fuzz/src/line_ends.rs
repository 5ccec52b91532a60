//! Line ends: CRLF out of LF, and sizes as if it were so, the same in whatever pieces a text comes.

use crate::Choices;
use mailcore_base::message::{Measure, ToCrlf};

/// The input is a text; its last octet says in what pieces.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(256);
    let text = choices.rest();
    let whole = convert(text, text.len().max(1));
    let measure = Measure::of(text);
    assert_eq!(measure.bytes, text.len() as u64);
    assert_eq!(measure.octets, whole.len() as u64);
    assert_eq!(
        measure.lines,
        text.iter().filter(|b| **b == b'\n').count() as u64
    );
    for size in [piece, 1, 2] {
        assert_eq!(convert(text, size), whole);
        let mut again = Measure::default();
        text.chunks(size).for_each(|piece| again.feed(piece));
        assert_eq!(again, measure);
    }
    let bare = |pair: &[u8]| pair[1] == b'\n' && pair[0] != b'\r';
    assert!(whole.first() != Some(&b'\n') && !whole.windows(2).any(bare));
    assert_eq!(convert(&whole, piece), whole, "CRLF stays");
}

fn convert(text: &[u8], size: usize) -> Vec<u8> {
    let (mut crlf, mut out) = (ToCrlf::new(), Vec::new());
    for piece in text.chunks(size) {
        let before = out.len();
        crlf.convert(piece, &mut out);
        assert!(out.len() - before <= 2 * piece.len());
    }
    out
}
