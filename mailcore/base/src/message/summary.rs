//! What is told of a message without opening it again: its envelope, its structure and its chosen header fields, ready
//! to send, made in one pass while the message streams by.
//!
//! It holds at most a header at a time, and forgets that once the header has ended; a body never.

use super::chosen::write_chosen_fields;
use super::envelope::Envelope;
use super::imap_text::{write_envelope, write_structure};
use super::limits::Limits;
use super::scanner::Scanner;

/// Octets of a header that are held; of a message with a longer one neither envelope nor fields are told.
const LONGEST_HEADER: usize = 128 * 1024;
/// Octets of each text that is told; a longer one is left out.
const LONGEST_TEXT: usize = 64 * 1024;

/// A message in three texts. One that is missing was too long to keep: only reading the message tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// ENVELOPE with its parentheses, as [`write_envelope`] writes it.
    pub envelope: Option<Vec<u8>>,
    /// BODYSTRUCTURE with its parentheses, as [`write_structure`] writes it; BODY follows from it
    /// ([`write_body_of`](super::write_body_of)).
    pub structure: Option<Vec<u8>>,
    /// The chosen header fields, as [`write_chosen_fields`] writes them.
    pub headers: Option<Vec<u8>>,
}

/// Reads a message for its [`Summary`], fed to it piece by piece with CRLF line ends.
#[derive(Debug)]
pub struct Summarizing {
    scanner: Scanner,
    header: Header,
}

#[derive(Debug)]
enum Header {
    Open(Vec<u8>),
    Told {
        envelope: Option<Vec<u8>>,
        headers: Option<Vec<u8>>,
    },
}

impl Default for Summarizing {
    fn default() -> Self {
        Self::new()
    }
}

impl Summarizing {
    /// At the start of a message.
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(Limits::default()),
            header: Header::Open(Vec::new()),
        }
    }

    /// Takes the next piece of the message.
    pub fn feed(&mut self, piece: &[u8]) {
        self.scanner.feed(piece);
        let Header::Open(header) = &mut self.header else {
            return;
        };
        let behind = header.len().saturating_sub(3);
        let room = (LONGEST_HEADER + 1).saturating_sub(header.len());
        header.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if header.len() > LONGEST_HEADER && end(header, behind).is_none() {
            self.header = Header::Told {
                envelope: None,
                headers: None,
            };
        } else if let Some(end) = end(header, behind) {
            header.truncate(end);
            self.header = told(header);
        }
    }

    /// Envelope and fields are known; only the structure takes reading on.
    pub fn is_past_header(&self) -> bool {
        matches!(self.header, Header::Told { .. })
    }

    /// The message has ended.
    pub fn finish(self) -> Summary {
        let mut structure = Vec::new();
        write_structure(&self.scanner.finish(), true, &mut structure);
        let (envelope, headers) = match self.header {
            Header::Open(header) => match told(&header) {
                Header::Told { envelope, headers } => (envelope, headers),
                Header::Open(_) => (None, None),
            },
            Header::Told { envelope, headers } => (envelope, headers),
        };
        Summary {
            envelope,
            structure: kept(structure),
            headers,
        }
    }
}

/// Where the header ends, its empty line included; looked for from `behind` on.
fn end(header: &[u8], behind: usize) -> Option<usize> {
    if header.starts_with(b"\r\n") {
        return Some(2);
    }
    let at = memchr::memmem::find(header.get(behind..)?, b"\r\n\r\n")?;
    Some(behind + at + 4)
}

fn told(header: &[u8]) -> Header {
    let (mut envelope, mut headers) = (Vec::new(), Vec::new());
    write_envelope(&Envelope::of(header), &mut envelope);
    write_chosen_fields(header, &mut headers);
    Header::Told {
        envelope: kept(envelope),
        headers: kept(headers),
    }
}

fn kept(text: Vec<u8>) -> Option<Vec<u8>> {
    (text.len() <= LONGEST_TEXT).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::Structure;
    use super::*;
    use proptest::prelude::*;

    fn by_reading(message: &[u8]) -> Summary {
        let (mut envelope, mut structure, mut headers) = (Vec::new(), Vec::new(), Vec::new());
        write_envelope(&Envelope::of(message), &mut envelope);
        write_structure(&Structure::of(message), true, &mut structure);
        write_chosen_fields(message, &mut headers);
        Summary {
            envelope: Some(envelope),
            structure: Some(structure),
            headers: Some(headers),
        }
    }

    fn in_pieces(message: &[u8], size: usize) -> Summary {
        let mut reading = Summarizing::new();
        message.chunks(size).for_each(|piece| reading.feed(piece));
        reading.finish()
    }

    #[test]
    fn a_header_that_is_too_long_is_not_told_and_the_structure_is() {
        let message = format!(
            "Subject: x\r\nTo: {}\r\n\r\nbody\r\n",
            "a@example.test,\r\n ".repeat(10_000)
        );
        let told = in_pieces(message.as_bytes(), 1000);
        assert_eq!((told.envelope, told.headers), (None, None));
        assert!(told.structure.is_some());
    }

    proptest! {
        #[test]
        fn pieces_tell_what_reading_the_message_tells(
            lines in proptest::collection::vec(prop_oneof![
                Just("From: a <b@example.test>"), Just("Received: c"), Just(" folded"), Just("Subject: d"), Just(""),
                Just("Content-Type: multipart/mixed; boundary=x"), Just("--x"), Just("--x--"), Just("text\r"),
                Just("Content-Type: message/rfc822"),
            ], 0..16),
            ended in any::<bool>(), size in 1usize..40,
        ) {
            let mut message = lines.join("\r\n").into_bytes();
            if ended {
                message.extend(b"\r\n");
            }
            prop_assert_eq!(in_pieces(&message, size), by_reading(&message));
        }
    }
}
