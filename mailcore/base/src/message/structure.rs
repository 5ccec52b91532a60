//! The tree of parts of a message, stored flat: offsets, sizes, kinds. What IMAP's BODYSTRUCTURE says.

use super::content::Content;
use super::envelope::Envelope;
use super::limits::Limits;
use super::scanner::Scanner;

/// A run of the message: where it starts, and how long it is as stored and as served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Offset of its first byte in the stored message.
    pub offset: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// Bytes when every line ends in CRLF, as IMAP counts them.
    pub octets: u64,
    /// Line ends in it.
    pub lines: u64,
}

/// Names a [`Part`] of one [`Structure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub(super) u32);

impl PartId {
    /// The message itself.
    pub const ROOT: PartId = PartId(0);
}

/// What is inside a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Content that holds no parts.
    Leaf,
    /// `multipart/…`, perhaps without any part in it.
    Multipart {
        /// It is `multipart/digest`, whose parts are messages unless they say otherwise (RFC 2046 §5.1.5).
        digest: bool,
    },
    /// `message/rfc822`; its one child is the message in it.
    Message,
    /// A container that was not looked into, because of a limit; IMAP shows `application/octet-stream`.
    Opaque,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part it is in; `None` for the message itself.
    pub parent: Option<PartId>,
    /// The first part in it.
    pub first_child: Option<PartId>,
    /// The next part beside it.
    pub next: Option<PartId>,
    /// Levels above it.
    pub depth: u16,
    /// What is inside.
    pub kind: Kind,
    /// Its header, with the empty line that ends it.
    pub header: Extent,
    /// Its body, without the line end before the boundary that ends it (RFC 2046 §5.1.1).
    pub body: Extent,
    /// Its `Content-*` fields; `None` if it has none, or if they do not count because nothing says that the
    /// message is MIME.
    pub content: Option<Box<Content>>,
    /// The envelope, of the message itself and of a message in it.
    pub envelope: Option<Box<Envelope>>,
}

/// The parts of a message. There is always at least one: the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    pub(super) parts: Vec<Part>,
}

impl Structure {
    /// Reads a message that is in memory, within the default limits.
    pub fn of(message: &[u8]) -> Structure {
        let mut scanner = Scanner::new(Limits::default());
        scanner.feed(message);
        scanner.finish()
    }

    /// A message of which there is a header that nobody has looked into, and nothing else.
    pub(crate) fn of_header(header: &[u8]) -> Structure {
        let bytes = header.len() as u64;
        let header = Extent {
            bytes,
            octets: bytes,
            ..Extent::default()
        };
        Structure {
            parts: vec![Part {
                parent: None,
                first_child: None,
                next: None,
                depth: 0,
                kind: Kind::Leaf,
                header,
                body: Extent {
                    offset: bytes,
                    ..Extent::default()
                },
                content: None,
                envelope: None,
            }],
        }
    }

    /// The message itself.
    pub fn root(&self) -> &Part {
        // Whoever makes a structure starts with the root.
        &self.parts[0]
    }

    /// A part; `None` if `id` is of another structure.
    pub fn part(&self, id: PartId) -> Option<&Part> {
        self.parts.get(id.0 as usize)
    }

    /// All parts in the order of the message, each before the parts in it.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (PartId, &Part)> {
        self.parts
            .iter()
            .enumerate()
            .map(|(at, part)| (PartId(at as u32), part))
    }

    /// The parts directly in a part.
    pub fn children(&self, id: PartId) -> impl Iterator<Item = (PartId, &Part)> {
        let mut next = self.part(id).and_then(|part| part.first_child);
        std::iter::from_fn(move || {
            let id = next?;
            let part = self.part(id)?;
            next = part.next;
            Some((id, part))
        })
    }

    /// The envelope of the message.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.root().envelope.as_deref()
    }

    /// The size of the whole message; `octets` is IMAP's RFC822.SIZE.
    pub fn size(&self) -> Extent {
        self.root().whole()
    }
}

impl Part {
    /// Header and body.
    pub fn whole(&self) -> Extent {
        Extent {
            offset: self.header.offset,
            bytes: self.header.bytes + self.body.bytes,
            octets: self.header.octets + self.body.octets,
            lines: self.header.lines + self.body.lines,
        }
    }
}
