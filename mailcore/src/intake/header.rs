//! Finds the Message-ID of a message while its content passes by, for the log. Bounded: a header that is larger
//! than it looks at has no Message-ID.

use mailcore_base::envelope::Text;

/// Octets of header that are looked at.
const LOOKED_AT: usize = 64 * 1024;

/// A Message-ID that is being looked for.
#[derive(Debug, Default)]
pub struct MessageId {
    seen: Vec<u8>,
    done: bool,
}

impl MessageId {
    /// Looks at the next piece of content.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.done {
            return;
        }
        let from = self.seen.len().saturating_sub(3);
        let room = LOOKED_AT - self.seen.len().min(LOOKED_AT);
        self.seen
            .extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        let behind = self.seen.get(from..).unwrap_or_default();
        let blank = match self.seen.starts_with(b"\r\n") {
            // No header at all.
            true => Some(0),
            false => memchr::memmem::find(behind, b"\r\n\r\n").map(|at| from + at + 2),
        };
        if let Some(end) = blank {
            self.seen.truncate(end);
        }
        self.done = blank.is_some() || self.seen.len() >= LOOKED_AT;
    }

    /// What was found, unfolded and safe to log.
    pub fn found(&self) -> Option<Text> {
        let mut lines = self
            .seen
            .split(|b| *b == b'\n')
            .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
            .peekable();
        while let Some(line) = lines.next() {
            let Some((name, value)) = line.split_at_checked(11) else {
                continue;
            };
            if !name.eq_ignore_ascii_case(b"message-id:") {
                continue;
            }
            let mut value = value.to_vec();
            while let Some(more) = lines.next_if(|l| l.first().is_some_and(|b| b" \t".contains(b)))
            {
                value.extend_from_slice(more);
            }
            return Some(Text::lossy(value.trim_ascii()));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_found_however_it_arrives_and_never_in_the_body() {
        let text = b"Subject: x\r\nMESSAGE-ID:\r\n <a@b>\r\nTo: y\r\n\r\nMessage-ID: <body@b>\r\n";
        for size in [1, 2, 3, 7, text.len()] {
            let mut id = MessageId::default();
            text.chunks(size).for_each(|c| id.feed(c));
            assert_eq!(id.found().unwrap().as_str(), "<a@b>", "chunks of {size}");
        }
        let mut none = MessageId::default();
        none.feed(b"Subject: x\r\n\r\nMessage-ID: <body@b>\r\n");
        assert_eq!(none.found(), None);
        let mut bodily = MessageId::default();
        bodily.feed(b"\r\nMessage-ID: <body@b>\r\n\r\nx");
        assert_eq!(bodily.found(), None);
    }

    #[test]
    fn a_huge_header_is_looked_at_up_to_a_bound() {
        let mut id = MessageId::default();
        for _ in 0..1000 {
            id.feed(&[b'x'; 1000]);
        }
        assert!(id.seen.len() <= LOOKED_AT);
    }
}
