//! Frames: where a command ends. Lines and the literals in them are put together, within stated bounds and
//! before anything looks at what they say; whether a literal may come is asked before it does.
//!
//! ```text
//!             ┌──────────── line without a literal at its end ─────────────► Whole
//!   push ──► Line ── `{n}` or `{n+}` at its end ──► Announced ── accept ──► Literal ──► Line …
//!             │                                         └────── refuse ──► swallowed, then Refused
//!             └── longer than its bound ──► swallowed to its end, then Refused
//! ```
//!
//! What is refused is swallowed without being kept, so that none of it is ever read as a command.

use super::cursor::{Wrong, decimal};

/// The bounds of one command, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// All lines of the command together.
    pub(crate) lines: usize,
    /// All literals of the command together.
    pub(crate) literals: usize,
    /// What is swallowed of a refused command before the connection is given up.
    pub(crate) swallow: u64,
}

/// A literal that the client announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Its octets.
    pub(crate) size: u64,
    /// The client waits for a continuation before it sends them (RFC 3501 §4.3; not so `{n+}`, RFC 7888 §4).
    pub(crate) waits: bool,
}

/// What has become of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Framed {
    /// More input is needed.
    More,
    /// The command is complete.
    Whole,
    /// A literal is announced: [`Frame::accept`] it or [`Frame::refuse`] it.
    Announced(Announced),
    /// The command was refused and is over; nothing of it is left in the stream.
    Refused(Wrong),
    /// Too much would have to be swallowed: the connection can only be given up.
    Flood,
}

/// A command that is being put together.
#[derive(Default)]
pub(crate) struct Frame {
    text: Vec<u8>,
    /// Where the line that is being read begins.
    line: usize,
    /// Octets of lines so far.
    lines: usize,
    /// Octets of literals announced so far.
    literals: u64,
    /// Octets of the current literal that have not come yet.
    left: u64,
    /// The last octets of a line that is not kept: enough to see a literal announced.
    tail: Vec<u8>,
    refused: Option<Wrong>,
    swallowed: u64,
}

/// A command may hold a password.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("octets", &self.text.len())
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

/// Of a refused command this much is kept: its tag and name.
const STUB: usize = 256;
/// `{18446744073709551615+}` and the line end are no longer than this.
const TAIL: usize = 32;

impl Frame {
    /// The command so far; once it is whole, without its last line end.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Octets of the command's lines so far.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Nothing has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines == 0 && self.swallowed == 0
    }

    /// Takes from `input` what belongs to this command: how much of it is done with, and what came of it.
    pub(crate) fn push(&mut self, input: &[u8], bounds: &Bounds) -> (usize, Framed) {
        if self.left > 0 {
            return self.push_literal(input, bounds);
        }
        let (line, ended) = match memchr::memchr(b'\n', input) {
            Some(at) => (input.get(..=at).unwrap_or_default(), true),
            None => (input, false),
        };
        self.lines = self.lines.saturating_add(line.len());
        let mut lost = line.len();
        if self.refused.is_none() && self.lines > bounds.lines {
            // The line may end in an announcement whose front was kept already.
            let kept = self.text.get(self.line..).unwrap_or_default().to_vec();
            self.keep_tail(&kept);
            // Kept, and not swallowed, is what is within the bound: the same whatever pieces the line comes in.
            lost = lost.min(self.lines - bounds.lines);
            let within = line.get(..line.len() - lost).unwrap_or_default();
            self.text.extend_from_slice(within);
            self.refuse(Wrong::TOO_LONG);
        }
        if self.refused.is_some() {
            if self.swallow(lost as u64, bounds) {
                return (line.len(), Framed::Flood);
            }
            self.keep_tail(line);
        } else {
            self.text.extend_from_slice(line);
        }
        let framed = if ended {
            self.end_line(bounds)
        } else {
            Framed::More
        };
        (line.len(), framed)
    }

    fn push_literal(&mut self, input: &[u8], bounds: &Bounds) -> (usize, Framed) {
        let n = input
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= n as u64;
        if self.refused.is_some() {
            if self.swallow(n as u64, bounds) {
                return (n, Framed::Flood);
            }
        } else {
            self.text
                .extend_from_slice(input.get(..n).unwrap_or_default());
        }
        if self.left == 0 {
            self.line = self.text.len();
        }
        (n, Framed::More)
    }

    /// The octets are not kept; whether that is more than is borne.
    fn swallow(&mut self, n: u64, bounds: &Bounds) -> bool {
        self.swallowed = self.swallowed.saturating_add(n);
        self.swallowed > bounds.swallow
    }

    fn keep_tail(&mut self, line: &[u8]) {
        let from = line.len().saturating_sub(TAIL);
        self.tail
            .extend_from_slice(line.get(from..).unwrap_or_default());
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }

    /// A line has ended: with a literal to come, or the command with it.
    fn end_line(&mut self, bounds: &Bounds) -> Framed {
        if let Some(why) = self.refused.clone() {
            let announced = announcement(stripped(&self.tail), true);
            self.tail.clear();
            return match announced {
                // A client that waits is answered at once and sends nothing more (RFC 3501 §4.3).
                Some(Announced { waits: true, .. }) | None => Framed::Refused(why),
                Some(Announced { size, .. }) => {
                    if self.swallowed.saturating_add(size) > bounds.swallow {
                        return Framed::Flood;
                    }
                    self.left = size;
                    Framed::More
                }
            };
        }
        let line = self.text.get(self.line..).unwrap_or_default();
        if let Some(announced) = announcement(stripped(line), false) {
            return Framed::Announced(announced);
        }
        // Commands may end in a bare LF.
        self.text.truncate(stripped(&self.text).len());
        Framed::Whole
    }

    /// The literal that was announced may come, if all of the command's literals together stay within their
    /// bound.
    pub(crate) fn accept(&mut self, announced: Announced, bounds: &Bounds) -> bool {
        let all = self.literals.saturating_add(announced.size);
        if all > bounds.literals as u64 {
            return false;
        }
        self.literals = all;
        self.left = announced.size;
        self.line = self.text.len();
        true
    }

    /// The command is refused: the rest of its line is swallowed, and whatever it announced without waiting.
    pub(crate) fn refuse(&mut self, why: Wrong) {
        self.text.truncate(STUB);
        self.refused = Some(why);
    }

    /// As [`refuse`](Self::refuse), at an announced literal: what has to be done now.
    pub(crate) fn refuse_literal(
        &mut self,
        announced: Announced,
        why: Wrong,
        bounds: &Bounds,
    ) -> Framed {
        self.refuse(why.clone());
        if announced.waits {
            return Framed::Refused(why);
        }
        if announced.size > bounds.swallow {
            return Framed::Flood;
        }
        self.left = announced.size;
        Framed::More
    }
}

/// The literal announced at the end of this line, its end taken off. In a quoted string that is still open
/// there is none; of a line whose front is `cut` off that is not known.
pub(crate) fn announcement(line: &[u8], cut: bool) -> Option<Announced> {
    let inner = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inner)?;
    let size = inner.get(open + 1..)?;
    let (size, waits) = match size.strip_suffix(b"+") {
        Some(size) => (size, false),
        None => (size, true),
    };
    let size = decimal(size)?;
    if !cut && in_quotes(inner.get(..open)?) {
        return None;
    }
    Some(Announced { size, waits })
}

/// A line without its end.
pub(crate) fn stripped(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a quoted string is open at the end of the text.
fn in_quotes(text: &[u8]) -> bool {
    let mut open = false;
    let mut escaped = false;
    for b in text {
        match b {
            _ if escaped => escaped = false,
            b'\\' if open => escaped = true,
            b'"' => open = !open,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        lines: 64,
        literals: 32,
        swallow: 200,
    };

    /// Feeds `input` in pieces and accepts what may be accepted: each frame's text or refusal, then how it ended.
    fn frames(mut input: &[u8], piece: usize) -> Vec<String> {
        let mut out = Vec::new();
        let mut frame = Frame::default();
        while !input.is_empty() {
            let (n, mut framed) = frame.push(&input[..piece.min(input.len())], &BOUNDS);
            input = &input[n..];
            if let Framed::Announced(announced) = framed {
                framed = if frame.accept(announced, &BOUNDS) {
                    out.push(format!("literal {}", announced.size));
                    Framed::More
                } else {
                    frame.refuse_literal(announced, "too large".into(), &BOUNDS)
                };
            }
            match framed {
                Framed::Whole => {
                    out.push(frame.text().escape_ascii().to_string());
                    frame = Frame::default();
                }
                Framed::Refused(why) => {
                    out.push(format!("refused {}", why.0));
                    frame = Frame::default();
                }
                Framed::Flood => {
                    out.push("flood".into());
                    return out;
                }
                Framed::More | Framed::Announced(_) => {}
            }
        }
        out
    }

    #[test]
    fn a_command_ends_where_its_last_line_does() {
        let input = b"a NOOP\r\nb LOGIN {3}\r\na\r\n {2+}\r\n{9 \"{3}\r\nc\n";
        for piece in [1, 2, 1000] {
            assert_eq!(
                frames(input, piece),
                [
                    "a NOOP",
                    "literal 3",
                    "literal 2",
                    r#"b LOGIN {3}\r\na\r\n {2+}\r\n{9 \"{3}"#,
                    "c"
                ]
            );
        }
    }

    #[test]
    fn as_much_is_swallowed_of_a_line_in_pieces_as_of_one_that_comes_whole() {
        // 64 octets are within the bound of lines, 200 more are borne.
        for (length, end) in [(264, "refused"), (265, "flood")] {
            let line = format!("a {}\n", "x".repeat(length - 3));
            for piece in [1, 7, 63, 1000] {
                let ended = frames(line.as_bytes(), piece);
                assert!(ended[0].starts_with(end), "{length} by {piece}: {ended:?}");
            }
        }
        let mut frame = Frame::default();
        frame.push(&[b'x'; 100], &BOUNDS);
        assert_eq!(frame.text().len(), 64, "what is within the bound is kept");
    }

    #[test]
    fn what_is_refused_is_swallowed_whole() {
        for piece in [1, 2, 1000] {
            let long = format!("a {}\r\nb\r\n", "x".repeat(100));
            assert_eq!(
                frames(long.as_bytes(), piece),
                ["refused Too long argument", "b"]
            );
            // A refused literal that comes anyway, line ends in it, and another one behind it.
            let forty = "y\r\nz".repeat(10);
            let input = format!("a {{40+}}\r\n{forty} {{3+}}\r\nc\r\n x\r\nb\r\n");
            assert_eq!(frames(input.as_bytes(), piece), ["refused too large", "b"]);
            // One that is waited with never comes.
            assert_eq!(
                frames(b"a {40}\r\nb\r\n", piece),
                ["refused too large", "b"]
            );
            // The sum counts, not the one.
            let input = b"a {20+}\r\n01234567890123456789 {20+}\r\n01234567890123456789\r\nb\r\n";
            assert_eq!(
                frames(input, piece),
                ["literal 20", "refused too large", "b"]
            );
            assert_eq!(frames(b"a {201+}\r\nxxx", piece), ["flood"]);
            let flood = vec![b'x'; 300];
            assert_eq!(frames(&flood, piece), ["flood"]);
        }
    }

    proptest! {
        #[test]
        fn a_frame_is_the_same_however_it_arrives(
            words in proptest::collection::vec("[a{}+0-9\" \\\\\r\n]{0,12}|\\{[0-9]{1,2}\\+?\\}\r\n", 0..30),
            piece in 1usize..9,
        ) {
            let input = words.concat();
            prop_assert_eq!(frames(input.as_bytes(), piece), frames(input.as_bytes(), usize::MAX));
        }
    }

    #[test]
    fn a_literal_behind_a_line_that_is_too_long_is_swallowed_however_the_line_is_cut() {
        let mut input = vec![b'x'; 60];
        input.extend_from_slice(b"{3+}\r\nABC\r\nb NOOP\r\n");
        let whole = frames(&input, input.len());
        for piece in 1..input.len() {
            assert_eq!(frames(&input, piece), whole, "pieces of {piece}");
        }
        assert!(
            whole.last().is_some_and(|last| last.starts_with("b NOOP")),
            "{whole:?}"
        );
    }
}
