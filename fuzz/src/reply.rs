//! Replies of servers: read the same in whatever pieces they come, and safe to repeat to somebody else.

use crate::{Choices, safe};
use mailcore_base::reply::{EnhancedStatus, ReadError, Reader, Reply};

/// The input is what a server sends; its last octet says in what pieces.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(256);
    let sent = choices.rest();
    let whole = read(sent, sent.len().max(1));
    for size in [piece, 1] {
        assert_eq!(read(sent, size), whole, "in pieces of {size}");
    }
    for reply in &whole.0 {
        repeat(reply);
    }
}

fn read(sent: &[u8], size: usize) -> (Vec<Reply>, Option<ReadError>) {
    let (mut reader, mut replies) = (Reader::new(), Vec::new());
    for mut piece in sent.chunks(size) {
        while !piece.is_empty() {
            match reader.feed(piece) {
                Ok((used, reply)) => {
                    assert!(used > 0, "no progress");
                    assert_eq!(reply.is_none(), reader.is_midway());
                    replies.extend(reply);
                    piece = piece.get(used..).expect("no more than was given");
                }
                Err(error) => return (replies, Some(error)),
            }
        }
    }
    (replies, None)
}

fn repeat(reply: &Reply) {
    assert!(reply.text().len() <= Reply::MAX_TEXT);
    let mut wire = Vec::new();
    reply.write_to(&mut wire);
    for line in wire.split_inclusive(|b| *b == b'\n') {
        safe::one_wire_line(line);
        assert!(line.len() <= Reply::MAX_LINE);
    }
    safe::one_line(&reply.to_string());

    let (again, error) = read(&wire, wire.len());
    if error == Some(ReadError::TooLong) {
        assert!(wire.len() > Reader::MAX);
        return;
    }
    assert_eq!((error, again.len()), (None, 1));
    assert_eq!(again[0].code(), reply.code());
    // On the wire nothing tells a text that begins like a status from a status, nor a line that was too long for one from
    // two: such replies come back in other words, and as safe.
    let plain = |line: &str| EnhancedStatus::parse_prefix(line).is_none() && line.len() < 480;
    if reply.lines().all(plain) {
        assert_eq!(&again[0], reply);
    }
}
