//! The header of a message on its way into the queue: told from the body, freed of fields that shall not travel, and
//! looked at for what it lacks. Works on pieces of any size; what it keeps is bounded, the rest passes through.

use super::fields::{Known, Seen};

/// Octets of header that are kept apart from the body; later fields are written with it.
const KEPT: usize = 128 * 1024;
/// Octets of a line within which its colon must come, or it is no field.
const NAME: usize = 1000;

/// A header that is coming in.
///
/// ```text
///            line that is no field, or blank
///   Start ──────────────────────────────────────▶ Over
///    ▲ │ field or continuation
///    │ ▼
///   Within (kept or dropped) up to the line's end
/// ```
#[derive(Debug)]
pub(super) struct Head {
    place: Place,
    /// The beginning of a line that is not judged yet.
    line: Vec<u8>,
    /// Whether the field that is being read is dropped; `None` before the first.
    dropping: Option<bool>,
    /// No line but mailbox separators has been seen.
    first: bool,
    seen: Seen,
    kept: Vec<u8>,
    /// What is not kept apart: it belongs in front of the body.
    over: Vec<u8>,
    /// More came than is kept.
    overflowed: bool,
    /// The empty line that ends the header, where it is kept or has to be made.
    blank: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Within { dropped: bool },
    Over,
}

/// A header that is complete.
#[derive(Debug)]
pub(super) struct Kept {
    /// The fields that are kept apart, without the empty line.
    pub(super) fields: Vec<u8>,
    /// Whether an empty line follows them.
    pub(super) blank: bool,
    /// Whether the header goes on in the body.
    pub(super) overflowed: bool,
}

impl Head {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Start,
            line: Vec::new(),
            dropping: None,
            first: true,
            seen: Seen::default(),
            kept: Vec::new(),
            over: Vec::new(),
            overflowed: false,
            blank: false,
        }
    }

    /// Takes as much of a piece of content as belongs to the header; what is left over is body.
    pub(super) fn feed<'c>(&mut self, mut piece: &'c [u8]) -> &'c [u8] {
        while !piece.is_empty() {
            piece = match self.place {
                Place::Over => return piece,
                Place::Start => self.begin(piece),
                Place::Within { dropped } => self.go_on(piece, dropped),
            };
        }
        piece
    }

    /// What belongs in front of the body by now.
    pub(super) fn spilled(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.over)
    }

    /// Which fields there were.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The content is complete. Take [`spilled`](Self::spilled) once more afterwards.
    pub(super) fn end(&mut self) -> Kept {
        if self.place == Place::Start && !self.line.is_empty() {
            self.judge();
        }
        Kept {
            fields: std::mem::take(&mut self.kept),
            blank: self.blank,
            overflowed: self.overflowed,
        }
    }

    /// Reads the beginning of a line up to its colon or its end, whichever comes first.
    fn begin<'c>(&mut self, piece: &'c [u8]) -> &'c [u8] {
        let room = NAME.saturating_sub(self.line.len()).max(1).min(piece.len());
        let (near, _) = piece.split_at(room);
        let taken = memchr::memchr2(b':', b'\n', near).map_or(room, |at| at + 1);
        let (taken, rest) = piece.split_at(taken);
        self.line.extend_from_slice(taken);
        if self.line.len() >= NAME || matches!(self.line.last(), Some(b':' | b'\n')) {
            self.judge();
        }
        rest
    }

    /// Passes the rest of a line on, or drops it.
    fn go_on<'c>(&mut self, piece: &'c [u8], dropped: bool) -> &'c [u8] {
        let end = memchr::memchr(b'\n', piece).map(|at| at + 1);
        let (part, rest) = piece.split_at(end.unwrap_or(piece.len()));
        if !dropped {
            self.put(part);
        }
        if end.is_some() {
            self.place = Place::Start;
        }
        rest
    }

    /// Decides what the line is that has begun.
    fn judge(&mut self) {
        let line = std::mem::take(&mut self.line);
        if self.first && is_separator(&line) {
            // A mailbox's `From ` line has no place in mail; Postfix keeps what it says.
            self.put(b"X-Mailbox-Line: ");
            return self.enter(&line, false);
        }
        let first = std::mem::take(&mut self.first);
        match line.as_slice() {
            b"\r\n" | b"\n" => self.close(&line, &[]),
            [b' ' | b'\t', ..] if !first && self.dropping.is_some() => {
                self.enter(&line, self.dropping == Some(true));
            }
            _ => match name(&line) {
                Some(name) => {
                    let known = Known::of(name);
                    let dropped = self.seen.note(known);
                    self.dropping = Some(dropped);
                    self.overflowed |= self.kept.len() >= KEPT;
                    self.enter(&line, dropped);
                }
                // A body that begins without an empty line is given one.
                None => self.close(b"\r\n", &line),
            },
        }
    }

    /// The line belongs to a field.
    fn enter(&mut self, line: &[u8], dropped: bool) {
        if !dropped {
            self.put(line);
        }
        self.place = match line.last() {
            Some(b'\n') => Place::Start,
            _ => Place::Within { dropped },
        };
    }

    /// The header is over; `body` is the beginning of what follows it.
    fn close(&mut self, blank: &[u8], body: &[u8]) {
        self.place = Place::Over;
        match self.overflowed {
            true => self.over.extend_from_slice(blank),
            false => self.blank = true,
        }
        self.over.extend_from_slice(body);
    }

    fn put(&mut self, octets: &[u8]) {
        // One field may be larger than all that is kept.
        self.overflowed |= self.kept.len() + octets.len() > 2 * KEPT;
        match self.overflowed {
            true => self.over.extend_from_slice(octets),
            false => self.kept.extend_from_slice(octets),
        }
    }
}

/// `From ` and its quoted forms, as they stand between messages in a mailbox file.
fn is_separator(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|b| **b == b'>').count();
    line.get(quotes..)
        .is_some_and(|line| line.starts_with(b"From "))
}

/// The name of a field (RFC 5322 §2.2), where the beginning of a line is that of a field.
fn name(line: &[u8]) -> Option<&[u8]> {
    let name = line.strip_suffix(b":")?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    good.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Header and body, however the content arrives.
    fn part(content: &[u8], size: usize) -> (String, String, Head) {
        let mut head = Head::new();
        let mut body = Vec::new();
        for piece in content.chunks(size) {
            let rest = head.feed(piece).to_vec();
            body.append(&mut head.spilled());
            body.extend(rest);
        }
        let mut kept = head.end();
        body.append(&mut head.spilled());
        if kept.blank {
            kept.fields.extend(b"\r\n");
        }
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (text(kept.fields), text(body), head)
    }

    fn parted(content: &str) -> (String, String) {
        let (head, body, _) = part(content.as_bytes(), usize::MAX);
        for size in [1, 2, 3, 7] {
            let (h, b, _) = part(content.as_bytes(), size);
            assert_eq!((&h, &b), (&head, &body), "chunks of {size}");
        }
        (head, body)
    }

    fn pair(head: &str, body: &str) -> (String, String) {
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn fields_that_shall_not_travel_are_dropped_with_their_continuations() {
        let content = "Bcc: a@b,\r\n\tc@d\r\nTo: x\r\n y\r\nRETURN-PATH : <q@r>\r\nContent-Length: 5\r\n\
                       Resent-Bcc: z\r\nSubject: Bcc: no\r\n\r\nBcc: in the body\r\n";
        let head = "To: x\r\n y\r\nSubject: Bcc: no\r\n\r\n";
        assert_eq!(parted(content), pair(head, "Bcc: in the body\r\n"));
    }

    #[test]
    fn a_body_without_an_empty_line_in_front_is_given_one() {
        let cases = [
            ("Hello\r\nTo: x\r\n", "\r\n", "Hello\r\nTo: x\r\n"),
            ("To: x\r\nHello\r\n", "To: x\r\n\r\n", "Hello\r\n"),
            ("To: x\r\nä: y\r\n", "To: x\r\n\r\n", "ä: y\r\n"),
            (" indented\r\n", "\r\n", " indented\r\n"),
            (" a:b\r\n", "\r\n", " a:b\r\n"),
            (": none\r\n", "\r\n", ": none\r\n"),
            ("no end", "\r\n", "no end"),
            ("\r\nbody\r\n", "\r\n", "body\r\n"),
            ("To: x\r\n", "To: x\r\n", ""),
            ("To: x", "To: x", ""),
            ("", "", ""),
        ];
        for (content, head, body) in cases {
            assert_eq!(parted(content), pair(head, body), "{content:?}");
        }
    }

    #[test]
    fn a_mailbox_separator_becomes_a_field() {
        let content = "From a@b Mon: x\r\n>From c\r\nTo: x\r\nFrom d: \r\n";
        let head = "X-Mailbox-Line: From a@b Mon: x\r\nX-Mailbox-Line: >From c\r\nTo: x\r\n\r\n";
        assert_eq!(parted(content), pair(head, "From d: \r\n"));
    }

    #[test]
    fn what_is_more_than_is_kept_goes_with_the_body_and_is_cleaned_all_the_same() {
        let field = format!("X-Filler: {}\r\n", "x".repeat(90));
        let mut content = field.repeat(KEPT / field.len() + 10);
        content.push_str("Bcc: secret\r\nDate: now\r\n\r\nBcc: body\r\n");
        for size in [100, 4096, usize::MAX] {
            let (kept, body, head) = part(content.as_bytes(), size);
            assert!(kept.len() <= KEPT + field.len() && kept.ends_with("x\r\n"));
            let rest = body.strip_prefix(&field.repeat(10 - 1)).unwrap_or(&body);
            assert!(rest.ends_with("Date: now\r\n\r\nBcc: body\r\n"), "{size}");
            assert!(!body.contains("secret"));
            assert_eq!(
                kept.len() + body.len(),
                content.len() - "Bcc: secret\r\n".len()
            );
            assert!(head.seen().has("date"));
        }
        let one = format!("X: {}\r\n\r\nbody", "x".repeat(3 * KEPT));
        let (kept, body, _) = part(one.as_bytes(), 1000);
        assert!(kept.len() <= 2 * KEPT);
        assert_eq!(kept + &body, one);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            lines in proptest::collection::vec("(Bcc|To|From |>From | |\t|:|x)?[a:ä \r]{0,5}(\r\n|\n)", 0..8),
            size in 1_usize..9,
        ) {
            let content = lines.concat();
            let (head, body, _) = part(content.as_bytes(), usize::MAX);
            // Text may be cut anywhere: compare octets.
            let mut piecewise = Head::new();
            let mut rest = Vec::new();
            for piece in content.as_bytes().chunks(size) {
                let left = piecewise.feed(piece).to_vec();
                rest.append(&mut piecewise.spilled());
                rest.extend(left);
            }
            let kept = piecewise.end();
            rest.append(&mut piecewise.spilled());
            let mut fields = kept.fields;
            if kept.blank {
                fields.extend(b"\r\n");
            }
            prop_assert_eq!(fields, head.into_bytes());
            prop_assert_eq!(rest, body.into_bytes());
        }
    }
}
