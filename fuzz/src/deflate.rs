//! DEFLATE between slices: what was deflated inflates to itself in whatever pieces, and a stranger's octets move no more
//! than they are given room for.

use crate::Choices;
use mailcore_base::wire::{Deflater, Inflater, Progress};

/// The input is a text to pass through both, and a stream to inflate; its last octets choose pieces, rooms, rests.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let rests = choices.octet();
    let (piece, room) = (1 + choices.below(64), 1 + choices.below(200));
    let level = choices.octet() % 10;
    let text = choices.rest();
    let stream = deflate(text, piece, room, level, rests);
    for (piece, room, rests) in [
        (piece, room, rests),
        (1, 7, 0xff),
        (stream.len().max(1), 4096, 0),
    ] {
        let out = inflate(&stream, piece, room, rests, 2 * text.len() + 64);
        assert_eq!(out.as_deref(), Some(text));
    }
    // A stranger's octets; a bomb gives no more than was asked for.
    let one = inflate(text, piece, room, rests, 20_000);
    let other = inflate(text, 3, 4096, 0, 20_000);
    if let (Some(one), Some(other)) = (one, other) {
        let both = one.len().min(other.len());
        assert_eq!(one[..both], other[..both]);
    }
}

fn deflate(text: &[u8], piece: usize, room: usize, level: u8, rests: u8) -> Vec<u8> {
    let (mut deflater, mut out, mut buffer) = (Deflater::new(level), Vec::new(), vec![0; room]);
    for (n, mut piece) in text.chunks(piece).enumerate() {
        while !piece.is_empty() {
            let Progress { consumed, produced } = deflater.deflate(piece, &mut buffer);
            assert!(consumed + produced > 0, "no progress");
            out.extend_from_slice(&buffer[..produced]);
            piece = &piece[consumed..];
        }
        if rests >> (n % 8) & 1 == 1 {
            flush(&mut deflater, &mut out, &mut buffer);
            deflater.rest();
        }
    }
    flush(&mut deflater, &mut out, &mut buffer);
    out
}

fn flush(deflater: &mut Deflater, out: &mut Vec<u8>, buffer: &mut [u8]) {
    let mut turns = 0;
    while deflater.dirty() {
        turns += 1;
        assert!(turns < 100_000, "a flush without end");
        let n = deflater.flush(buffer);
        out.extend_from_slice(&buffer[..n]);
    }
}

/// What comes out, at most `most` octets of it; `None` where the stream is corrupt.
fn inflate(stream: &[u8], piece: usize, room: usize, rests: u8, most: usize) -> Option<Vec<u8>> {
    let (mut inflater, mut out, mut buffer) = (Inflater::new(), Vec::new(), vec![0; room]);
    for (n, mut piece) in stream.chunks(piece).enumerate() {
        let spent = |piece: &[u8], inflater: &Inflater| piece.is_empty() && inflater.drained();
        while !spent(piece, &inflater) && !inflater.ended() && out.len() < most {
            let Progress { consumed, produced } = inflater.inflate(piece, &mut buffer).ok()?;
            assert!(consumed + produced > 0 || inflater.drained(), "no progress");
            assert!(produced <= room && consumed <= piece.len());
            out.extend_from_slice(&buffer[..produced]);
            piece = &piece[consumed..];
        }
        if rests >> (n % 8) & 1 == 1 {
            inflater.rest();
        }
    }
    Some(out)
}
