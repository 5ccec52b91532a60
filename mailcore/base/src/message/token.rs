//! The words of structured header fields (RFC 5322 §3.2, RFC 2045 §5.1), taken one after another and without
//! recursion. Every word says how it ended, since Dovecot's answers to broken fields turn on it.

use super::field::trim_end;

/// White space within a field; a fold is some of it.
const BLANKS: &[u8] = b" \t\r\n";
/// The replacement character, which stands for a NUL inside quoted text.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// How the reading of one word ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Something follows.
    More,
    /// The field ends here.
    End,
    /// What was asked for is not there, or a comment, quote or literal never closes.
    Broken,
}

/// A place in the value of a structured field.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// The text of the comment passed last; `addr (Name)` takes its name from it.
    pub(super) comment: Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(value: &'a [u8]) -> Cursor<'a> {
        Cursor {
            rest: value,
            comment: Vec::new(),
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Steps over `byte` if it is the next one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.advance();
        }
        there
    }

    /// The place, to come back to.
    pub(super) fn mark(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn back_to(&mut self, mark: &'a [u8]) {
        self.rest = mark;
    }

    fn here(&self) -> After {
        if self.rest.is_empty() {
            After::End
        } else {
            After::More
        }
    }

    /// Takes the longest run of bytes that satisfy `is`.
    fn run(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|&&b| is(b)).count();
        let (run, rest) = self.rest.split_at(length);
        self.rest = rest;
        run
    }

    /// Skips white space and comments (CFWS).
    pub(super) fn blanks(&mut self) -> After {
        loop {
            self.run(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            match self.peek() {
                Some(b'(') if self.skip_comment() => {}
                Some(b'(') => return After::Broken,
                _ => return self.here(),
            }
        }
    }

    /// Skips one comment with those nested in it; false if it never closes, and then nothing is left.
    fn skip_comment(&mut self) -> bool {
        self.comment.clear();
        self.advance();
        let text = trim_end(self.rest, BLANKS);
        let (mut depth, mut start, mut at) = (1u32, 0, 0);
        let whole = self.rest;
        self.rest = &[];
        while let Some(&byte) = text.get(at) {
            match byte {
                b'\\' if at + 1 == whole.len() => return false,
                b'\\' => {
                    push_text(&mut self.comment, &text[start..at]);
                    at += 1;
                    start = at;
                }
                0 | b'\n' => {
                    push_line(&mut self.comment, &text[start..at], byte);
                    start = at + 1;
                }
                b'(' => depth = depth.saturating_add(1),
                b')' if depth == 1 => {
                    push_text(&mut self.comment, &text[start..at]);
                    self.rest = &whole[at + 1..];
                    return true;
                }
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        false
    }

    /// One or more atom characters and the blanks after them.
    pub(super) fn atom(&mut self, out: &mut Vec<u8>) -> After {
        let atom = self.run(is_atext);
        if atom.is_empty() {
            return After::Broken;
        }
        out.extend_from_slice(atom);
        self.blanks()
    }

    /// Atoms with dots between them; blanks around the dots are left out (RFC 5322 §4.4).
    pub(super) fn dot_atom(&mut self, out: &mut Vec<u8>) -> After {
        let first = self.atom(out);
        if first != After::More {
            return first;
        }
        while self.take(b'.') {
            out.push(b'.');
            if self.blanks() != After::More {
                return After::Broken;
            }
            match self.atom(out) {
                After::More => {}
                other => return other,
            }
        }
        After::More
    }

    /// A MIME token, perhaps an empty one, and the blanks after it (RFC 2045 §5.1).
    pub(super) fn mime_token(&mut self, out: &mut Vec<u8>) -> After {
        out.extend_from_slice(self.run(is_token));
        if self.at_end() {
            After::End
        } else {
            self.blanks()
        }
    }

    /// A quoted string without its quotes, backslashes and line ends, and the blanks after it. What is written
    /// after the last backslash or line end of one that never closes is no text.
    pub(super) fn quoted_string(&mut self, out: &mut Vec<u8>) -> After {
        if !self.take(b'"') {
            return After::Broken;
        }
        let text = trim_end(self.rest, BLANKS);
        let (mut start, mut at) = (0, 0);
        let whole = self.rest;
        self.rest = &[];
        while let Some(&byte) = text.get(at) {
            match byte {
                b'\\' if at + 1 == whole.len() => return After::Broken,
                b'\\' => {
                    push_text(out, &text[start..at]);
                    at += 1;
                    start = at;
                }
                0 | b'\n' => {
                    push_line(out, &text[start..at], byte);
                    start = at + 1;
                }
                b'"' => {
                    push_text(out, &text[start..at]);
                    self.rest = &whole[at + 1..];
                    return self.blanks();
                }
                _ => {}
            }
            at += 1;
        }
        After::Broken
    }

    /// A phrase: atoms, dots and quoted strings with one space between them (RFC 5322 §3.2.5, §4.1).
    pub(super) fn phrase(&mut self, out: &mut Vec<u8>) -> After {
        match self.peek() {
            None => return After::End,
            Some(b'.') => return After::Broken,
            Some(_) => {}
        }
        loop {
            let after = match self.peek() {
                Some(b'"') => self.quoted_string(out),
                _ => {
                    out.extend_from_slice(self.run(|b| is_atext(b) || b == b'.'));
                    self.blanks()
                }
            };
            match (after, self.peek()) {
                (After::More, Some(next)) if is_atext(next) || matches!(next, b'"' | b'.') => {
                    out.push(b' ')
                }
                _ => return after,
            }
        }
    }

    /// `@` and a domain or a domain literal, and the blanks after it.
    pub(super) fn domain(&mut self, out: &mut Vec<u8>) -> After {
        if !self.take(b'@') || self.blanks() != After::More {
            return After::Broken;
        }
        if self.peek() == Some(b'[') {
            self.domain_literal(out)
        } else {
            self.dot_atom(out)
        }
    }

    fn domain_literal(&mut self, out: &mut Vec<u8>) -> After {
        loop {
            push_text(out, self.run(|b| !matches!(b, b']' | b'\\')));
            match self.peek() {
                None => return After::Broken,
                Some(b']') => {
                    out.push(b']');
                    self.advance();
                    return self.blanks();
                }
                Some(_) => {
                    push_text(out, self.rest.get(..2).unwrap_or_default());
                    self.advance();
                }
            }
            self.advance();
        }
    }

    /// Everything up to a semicolon or white space, but no NUL: what follows `name==` in broken parameters.
    pub(super) fn until_blank(&mut self, out: &mut Vec<u8>) {
        let text = self.run(|b| !matches!(b, b';' | b' ' | b'\t' | b'\r' | b'\n'));
        out.extend(text.iter().take_while(|&&b| b != 0));
    }
}

/// Adds quoted text up to a NUL, which is replaced, or a fold, which goes with its CR.
fn push_line(out: &mut Vec<u8>, text: &[u8], end: u8) {
    if end == 0 {
        push_text(out, text);
        out.extend_from_slice(REPLACEMENT);
    } else {
        push_text(out, text.strip_suffix(b"\r").unwrap_or(text));
    }
}

/// Adds text that may hold any byte; a NUL becomes the replacement character, since no IMAP string holds one.
pub(super) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(REPLACEMENT);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// RFC 5322 §3.2.3 `atext`, and everything above US-ASCII (RFC 6532 §3.2).
pub(super) fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_token(byte: u8) -> bool {
    byte == b'.' || is_atext(byte) && !matches!(byte, b'/' | b'?' | b'=')
}
