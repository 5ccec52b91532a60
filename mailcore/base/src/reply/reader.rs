//! Reading a server's replies, whatever shape they come in.

use super::{Code, EnhancedStatus, Reply};
use thiserror::Error;

/// Puts a reply together from pieces as they arrive.
///
/// Taken besides the RFC's form: lines that end in a bare LF, a code with nothing behind it, lines of one reply
/// whose codes differ (the last one counts), octets that are not UTF-8 (shown as U+FFFD).
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    text: String,
    enhanced: Option<EnhancedStatus>,
    lines: usize,
    octets: usize,
}

/// Why what a server said is not a reply. The connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A line does not begin with a reply code.
    #[error("malformed reply")]
    Malformed,
    /// The reply is longer than [`Reader::MAX`].
    #[error("reply too long")]
    TooLong,
}

impl Reader {
    /// Octets that one reply may have on the wire. Of its text [`Reply::MAX_TEXT`] octets are kept.
    pub const MAX: usize = 64 * 1024;

    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a reply has begun and not ended.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.octets > 0
    }

    /// Takes what has arrived. Says how many octets belong to this reply, and the reply once it is whole;
    /// what lies behind it has not been looked at.
    ///
    /// # Errors
    /// [`ReadError`]; nothing more can be read from this server then.
    pub fn feed(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReadError> {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest);
            let piece = rest
                .get(..end.map_or(rest.len(), |at| at + 1))
                .unwrap_or(rest);
            used += piece.len();
            self.octets += piece.len();
            if self.octets > Self::MAX {
                return Err(ReadError::TooLong);
            }
            self.line.extend_from_slice(piece);
            if end.is_none() {
                break;
            }
            if let Some(reply) = self.end_line()? {
                return Ok((used, Some(reply)));
            }
        }
        Ok((used, None))
    }

    fn end_line(&mut self) -> Result<Option<Reply>, ReadError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_at_checked(3).ok_or(ReadError::Malformed)?;
        let code = Code::parse(digits).ok_or(ReadError::Malformed)?;
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReadError::Malformed),
        };
        self.add(code, &String::from_utf8_lossy(text));
        if !last {
            return Ok(None);
        }
        let whole = std::mem::take(self);
        Ok(Some(Reply::new(code, whole.enhanced, whole.text)))
    }

    fn add(&mut self, code: Code, text: &str) {
        let status = EnhancedStatus::parse_prefix(text);
        // RFC 2034 §4: a status stands where its class is the code's; any other number is text.
        let (status, text) = match status
            .filter(|(status, _)| status.under(code) == *status && code.number() / 100 != 3)
        {
            Some((status, rest)) => (Some(status), rest),
            None => (None, text),
        };
        if self.lines > 0 {
            self.text.push('\n');
        } else {
            self.enhanced = status;
        }
        self.lines += 1;
        self.text.push_str(text);
    }
}
