//! One pass over a message, in pieces of any size: from bytes to a [`Structure`].
//!
//! ```text
//!            empty line, boundary or end                boundary of an open multipart
//!  Header ──────────────────────────────▶ Body ─────────────────────────────────────▶ Header
//!    ▲                                      │  (of the next part; a closing one: Body, of the multipart)
//!    └──── message/rfc822: the message in it┘
//! ```
//! Lines are the unit: a boundary and the end of a header begin a line, and the line end before a boundary
//! belongs to the boundary (RFC 2046 §5.1.1). Of a body line only the first bytes are ever held.

use memchr::{memchr, memrchr};

use super::boundary::{Boundaries, Delimiter, LINE_START};
use super::draft::Draft;
use super::field::is_blank;
use super::limits::Limits;
use super::lines::Measure;
use super::structure::{Extent, Kind, Part, PartId, Structure};

/// Reads a message fed to it piece by piece. It holds the parts found so far, the header fields that a
/// structure shows, and at most one line of a header, all within its [`Limits`]; never a body.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    parts: Vec<Part>,
    /// The last child of each part that is open, by depth.
    open: PartId,
    last_child: Vec<PartId>,
    boundaries: Boundaries,
    /// The header being read; `None` in a body.
    draft: Option<Box<Draft>>,
    /// Bytes of header values kept.
    kept: usize,
    /// Up to the byte fed last.
    at: Measure,
    /// Up to the start of the line that is being read.
    line: Measure,
    /// Where the present header or body starts, or goes on after a part in it: its line ends lie behind.
    fresh: u64,
    /// Bytes of the line end before this line.
    line_end: u64,
    /// The start of that line, as far as it is needed.
    held: Vec<u8>,
}

impl Scanner {
    /// A scanner at the start of a message.
    pub fn new(limits: Limits) -> Scanner {
        let root = Part {
            parent: None,
            first_child: None,
            next: None,
            depth: 0,
            kind: Kind::Leaf,
            header: Extent::default(),
            body: Extent::default(),
            content: None,
            envelope: None,
        };
        Scanner {
            limits,
            parts: vec![root],
            open: PartId::ROOT,
            last_child: vec![PartId::ROOT],
            boundaries: Boundaries::default(),
            draft: Some(Box::new(Draft::new(false, false, true))),
            kept: 0,
            at: Measure::default(),
            line: Measure::default(),
            fresh: 0,
            line_end: 0,
            held: Vec::new(),
        }
    }

    /// Takes the next piece of the message.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() {
            if self.draft.is_none() && self.boundaries.is_empty() {
                // Nothing can end this body but the message.
                return self.at.feed(rest);
            }
            if self.draft.is_none() && self.held.is_empty() && self.at == self.line {
                rest = self.pass_by(rest);
            }
            let Some(end) = memchr(b'\n', rest) else {
                return self.hold(rest);
            };
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if self.held.is_empty() && self.at == self.line {
                self.at.feed(line);
                // No more of it counts than is held of one that comes in pieces.
                let line = line.get(..self.most()).unwrap_or(line);
                self.end_line(line, true);
            } else {
                self.hold(line);
                let held = std::mem::take(&mut self.held);
                self.end_line(&held, true);
                self.held = held;
                self.held.clear();
            }
        }
    }

    /// Takes whole lines of a body that cannot be boundary lines, since none begins with dashes; a line begins here. What
    /// is left begins with another line.
    fn pass_by<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        if piece.starts_with(b"-") {
            return piece;
        }
        // The last line may be cut: it is left, with its dashes still to come.
        let dashes = memchr::memmem::find(piece, b"\n-").or_else(|| memrchr(b'\n', piece));
        let (lines, rest) = piece.split_at(dashes.map_or(0, |at| at + 1));
        if !lines.is_empty() {
            self.at.feed(lines);
            self.line_end = if lines.ends_with(b"\r\n") { 2 } else { 1 };
            self.line = self.at;
        }
        rest
    }

    /// The message ended.
    pub fn finish(mut self) -> Structure {
        if self.at != self.line {
            let held = std::mem::take(&mut self.held);
            self.end_line(&held, false);
        }
        while self.draft.is_some() {
            self.end_header(self.at);
        }
        while let Some(parent) = self.end_part(self.at) {
            self.open = parent;
        }
        Structure { parts: self.parts }
    }

    /// Bytes of the line that is being read that are looked at: of a header's a name's worth more than of a value are kept.
    fn most(&self) -> usize {
        match self.draft {
            Some(_) => self.limits.field.saturating_add(LINE_START),
            None => LINE_START,
        }
    }

    /// Holds a piece of a line whose end, or start, came apart from it.
    fn hold(&mut self, piece: &[u8]) {
        self.at.feed(piece);
        let room = self.most().saturating_sub(self.held.len());
        self.held
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    /// A line was fed: all of it or its start, with its line end if it is `ended`.
    fn end_line(&mut self, line: &[u8], ended: bool) {
        if let Some(delimiter) = self.delimiter(line, ended) {
            self.delimit(delimiter, ended);
        } else if let Some(draft) = &mut self.draft {
            if is_blank(line) {
                self.end_header(self.at);
            } else {
                draft.line(line, &self.limits, &mut self.kept);
            }
        }
        if ended {
            let bare = self.at.octets - self.line.octets != self.at.bytes - self.line.bytes;
            self.line_end = if bare { 1 } else { 2 };
        }
        self.line = self.at;
    }

    fn delimiter(&self, line: &[u8], ended: bool) -> Option<Delimiter> {
        // The line may be cut to what decides; then its end is not in it.
        let whole = ended && line.last() == Some(&b'\n');
        let full = self.parts.len() >= self.limits.parts as usize;
        if full {
            None
        } else {
            self.boundaries.find(line, whole)
        }
    }

    /// The line is a boundary line: what is open in its multipart ends before it.
    fn delimit(&mut self, delimiter: Delimiter, ended: bool) {
        let mut end = self.before_line_end();
        if self.fresh == self.line.bytes && self.open != delimiter.part {
            self.cut_header();
        }
        if self.draft.is_some() {
            let cut = self.open;
            while self.draft.is_some() {
                self.end_header(end);
            }
            // As Dovecot counts: the line end taken from a cut header is in the body of what it is in.
            while self.open >= cut && self.open != delimiter.part {
                let Some(parent) = self.end_part(end) else {
                    break;
                };
                self.open = parent;
            }
            end = self.line;
        }
        while self.open != delimiter.part {
            let Some(parent) = self.end_part(end) else {
                break;
            };
            self.open = parent;
        }
        self.boundaries.close(delimiter);
        self.fresh = self.at.bytes;
        if !delimiter.closing && ended {
            self.begin_part(self.at);
        }
    }

    /// The boundary line comes right after the empty line of a header: that line end, too, is the boundary's.
    fn cut_header(&mut self) {
        let mut id = Some(self.open);
        while let Some(part) = id.and_then(|id| self.parts.get_mut(id.0 as usize)) {
            // Of a message in a part that has not begun, it is the part whose header ended.
            let header_ended =
                part.body.offset == self.line.bytes && part.header.offset < part.body.offset;
            if header_ended && part.first_child.is_none_or(|_| part.kind == Kind::Message) {
                part.header.bytes = part.header.bytes.saturating_sub(self.line_end);
                part.header.octets = part.header.octets.saturating_sub(2);
                part.header.lines = part.header.lines.saturating_sub(1);
                return;
            }
            if part.header.offset < self.line.bytes {
                return;
            }
            id = part.parent;
        }
    }

    /// The end of what came before this line, without the line end, which belongs to the boundary; right after
    /// a header or another boundary line there is none.
    fn before_line_end(&self) -> Measure {
        let mut end = self.line;
        if self.fresh < end.bytes {
            end.bytes -= self.line_end;
            end.octets -= 2;
            end.lines -= 1;
        }
        end
    }

    /// The header of the open part ends at `end`; its body, or the message in it, begins.
    fn end_header(&mut self, end: Measure) {
        let Some(draft) = self.draft.take() else {
            return;
        };
        let header = draft.end(&self.limits, &mut self.kept);
        let full = self.parts.len() >= self.limits.parts as usize;
        let part = &mut self.parts[self.open.0 as usize];
        self.fresh = end.bytes;
        part.header = extent(part.header, end);
        part.body = Extent {
            offset: end.bytes,
            bytes: end.bytes,
            octets: end.octets,
            lines: end.lines,
        };
        part.content = header.content;
        part.envelope = header.envelope;
        part.kind = match header.kind {
            Kind::Leaf => Kind::Leaf,
            _ if part.depth + 1 >= self.limits.depth => Kind::Opaque,
            Kind::Message if full => Kind::Opaque,
            kind => kind,
        };
        match (part.kind, header.boundary) {
            (Kind::Multipart { .. }, Some(boundary)) => self.boundaries.open(self.open, &boundary),
            (Kind::Message, _) => self.begin_part(end),
            _ => {}
        }
    }

    /// A part begins in the open one.
    fn begin_part(&mut self, start: Measure) {
        let id = PartId(self.parts.len() as u32);
        let parent = &mut self.parts[self.open.0 as usize];
        let depth = parent.depth + 1;
        let (in_multipart, in_digest) = match parent.kind {
            Kind::Multipart { digest } => (true, digest),
            _ => (false, false),
        };
        if parent.first_child.is_none() {
            parent.first_child = Some(id);
        } else if let Some(&last) = self.last_child.get(usize::from(depth)) {
            self.parts[last.0 as usize].next = Some(id);
        }
        self.last_child.truncate(usize::from(depth));
        self.last_child.push(id);
        let place = Extent {
            offset: start.bytes,
            bytes: start.bytes,
            octets: start.octets,
            lines: start.lines,
        };
        self.parts.push(Part {
            parent: Some(self.open),
            first_child: None,
            next: None,
            depth,
            kind: Kind::Leaf,
            header: place,
            body: place,
            content: None,
            envelope: None,
        });
        self.open = id;
        self.draft = Some(Box::new(Draft::new(in_multipart, in_digest, !in_multipart)));
    }

    /// The open part ends at `end`; its parent is returned.
    fn end_part(&mut self, end: Measure) -> Option<PartId> {
        let part = &mut self.parts[self.open.0 as usize];
        part.body = extent(part.body, end);
        part.parent
    }
}

/// While a header or body is being read its extent holds where it started; now it gets its size. An empty
/// part may start where it ends, or behind it: its header took the line end.
fn extent(started: Extent, end: Measure) -> Extent {
    Extent {
        offset: started.offset,
        bytes: end.bytes.saturating_sub(started.bytes),
        octets: end.octets.saturating_sub(started.octets),
        lines: end.lines.saturating_sub(started.lines),
    }
}
