//! Boundary lines (RFC 2046 §5.1.1): which of the open multiparts a line belongs to.

use super::structure::PartId;

/// Longer boundaries are cut here; RFC 2046 §5.1.1 allows 70.
const MAX_BOUNDARY: usize = 80;
/// Bytes of a line that decide: `--`, a boundary, `--` and CRLF.
pub(super) const LINE_START: usize = MAX_BOUNDARY + 2 + 2 + 2;

#[derive(Debug)]
struct Open {
    part: PartId,
    text: Box<[u8]>,
}

/// The boundaries of the multiparts that are open, outermost first. Their number is bounded by the depth.
#[derive(Debug, Default)]
pub(super) struct Boundaries {
    open: Vec<Open>,
}

/// A boundary line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// The multipart it belongs to.
    pub(super) part: PartId,
    /// It ends the multipart: `--boundary--`.
    pub(super) closing: bool,
}

impl Boundaries {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn open(&mut self, part: PartId, boundary: &[u8]) {
        let text = boundary.get(..MAX_BOUNDARY).unwrap_or(boundary).into();
        self.open.push(Open { part, text });
    }

    /// Forgets the multiparts inside the one that `delimiter` belongs to, and that one too if it is closed.
    pub(super) fn close(&mut self, delimiter: Delimiter) {
        let keep = self
            .open
            .iter()
            .rposition(|o| o.part == delimiter.part)
            .unwrap_or(0);
        self.open
            .truncate(if delimiter.closing { keep } else { keep + 1 });
    }

    /// Whether `line` is a boundary line; its first [`LINE_START`] bytes suffice, and `whole` says that it is
    /// all there with its line end. Anything may follow the boundary. If several fit, the longest one is
    /// meant, and of equal ones the innermost.
    pub(super) fn find(&self, line: &[u8], whole: bool) -> Option<Delimiter> {
        let text = line.strip_prefix(b"--")?;
        let text = if whole {
            super::field::strip_line_end(text)
        } else {
            text
        };
        // `--a--` closes `a` rather than beginning a part of `a--`, if both are open.
        let dashed = text.strip_suffix(b"--").filter(|t| whole && !t.is_empty());
        let mut best: Option<&Open> = None;
        for open in self.open.iter().rev() {
            if text.starts_with(&open.text) && best.is_none_or(|b| b.text.len() < open.text.len()) {
                best = Some(open);
                if *open.text == *text || dashed == Some(&*open.text) {
                    break;
                }
            }
        }
        let best = best?;
        Some(Delimiter {
            part: best.part,
            closing: text[best.text.len()..].starts_with(b"--"),
        })
    }
}
