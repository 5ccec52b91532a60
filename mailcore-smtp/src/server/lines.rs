//! Where content may be cut: line ends, stuffed dots and the end of the data, found in bulk.
//!
//! Pure: it looks at octets and says how many are content as they stand. It copies nothing and forgets nothing
//! between pieces, so it finds the same however the octets arrive.

use super::options::LineEnds;

/// How content comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By DATA: leading dots are doubled, a dot alone ends it (RFC 5321 §4.5.2).
    Dots,
    /// By BDAT: as many octets as were announced; `at_end` if all of them that there are can be seen.
    Chunk { at_end: bool },
}

/// What was before the octets that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// A line end; strict if it was CRLF, and at the very beginning.
    LineEnd { strict: bool },
    /// Anything else.
    Middle,
    /// A CR at the end of a chunk, which is not handed out yet; whether a line began with it.
    Cr { first: bool },
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Octets to drop, octets of content behind them, what comes before the next, and whether the last line of
    /// the content is an empty one.
    Pass {
        skip: usize,
        length: usize,
        then: Before,
        blank: bool,
    },
    /// Octets to drop, and what is content in their place.
    Instead {
        skip: usize,
        content: &'static [u8],
        then: Before,
        blank: bool,
    },
    /// The end of the data; so many octets of it are to be dropped.
    End { skip: usize },
    /// A line end that is refused.
    Refused,
    /// Nothing can be said before more is here.
    More,
}

const CRLF: &[u8] = b"\r\n";

/// Looks at what is here of the content. `stop_at_blank` cuts behind the first empty line.
pub(super) fn next(
    input: &[u8],
    before: Before,
    framing: Framing,
    ends: LineEnds,
    stop_at_blank: bool,
) -> Next {
    if input.is_empty() {
        return Next::More;
    }
    if let Before::Cr { first } = before {
        return after_cr(input, first);
    }
    let (skip, mut state) = match (framing, before) {
        (Framing::Dots, Before::LineEnd { strict }) => match dot(input, strict, ends) {
            Dot::None => (0, before),
            Dot::Stuffed => (1, Before::Middle),
            Dot::End(skip) => return Next::End { skip },
            Dot::More => return Next::More,
        },
        _ => (0, before),
    };
    let mut at = skip;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'\r', b'\n', rest) else {
            let then = if rest.is_empty() {
                state
            } else {
                Before::Middle
            };
            return pass(skip, input.len(), then, false);
        };
        let blank = found == 0 && matches!(state, Before::LineEnd { .. });
        let end = at + found;
        match rest.get(found..found + 2) {
            Some(CRLF) => {
                at = end + 2;
                state = Before::LineEnd { strict: true };
                let dotted = framing == Framing::Dots && input.get(at).is_none_or(|&b| b == b'.');
                if dotted || blank && stop_at_blank {
                    return pass(skip, at, state, blank);
                }
            }
            // Whatever is not CRLF is dealt with alone, once what stands before it has been passed on.
            _ if end > skip => {
                let then = if found > 0 { Before::Middle } else { state };
                return pass(skip, end, then, false);
            }
            _ if rest.get(found) == Some(&b'\n') => return bare_newline(skip + 1, ends, blank),
            None if framing == (Framing::Chunk { at_end: true }) => {
                let then = Before::Cr { first: blank };
                return Next::Instead {
                    skip: skip + 1,
                    content: b"",
                    then,
                    blank: false,
                };
            }
            None if skip > 0 => {
                return Next::Instead {
                    skip,
                    content: b"",
                    then: state,
                    blank: false,
                };
            }
            None => return Next::More,
            Some(_) => return stray_cr(skip + 1),
        }
    }
}

fn pass(skip: usize, end: usize, then: Before, blank: bool) -> Next {
    match end - skip {
        0 => Next::Instead {
            skip,
            content: b"",
            then,
            blank,
        },
        length => Next::Pass {
            skip,
            length,
            then,
            blank,
        },
    }
}

fn bare_newline(skip: usize, ends: LineEnds, blank: bool) -> Next {
    match ends {
        LineEnds::Reject => Next::Refused,
        LineEnds::Normalise | LineEnds::Trust => Next::Instead {
            skip,
            content: CRLF,
            then: Before::LineEnd { strict: false },
            blank,
        },
    }
}

/// A CR that ends no line becomes a space (Postfix: cleanup_replace_stray_cr_lf), so that nobody further on can take
/// it for a line end.
fn stray_cr(skip: usize) -> Next {
    Next::Instead {
        skip,
        content: b" ",
        then: Before::Middle,
        blank: false,
    }
}

/// A chunk ended in CR; what it was is known by the first octet of the next.
fn after_cr(input: &[u8], first: bool) -> Next {
    let then = Before::LineEnd { strict: true };
    match input.first() {
        Some(b'\n') => Next::Instead {
            skip: 1,
            content: CRLF,
            then,
            blank: first,
        },
        _ => stray_cr(0),
    }
}

enum Dot {
    None,
    Stuffed,
    End(usize),
    More,
}

// RFC 5321 §4.1.1.4: only CRLF.CRLF ends the data; the CRLF before may be the end of the line before, or of
// the DATA command. Anything shorter ends it for those alone who are trusted.
fn dot(input: &[u8], strict: bool, ends: LineEnds) -> Dot {
    let trust = ends == LineEnds::Trust;
    match input {
        [b'.', b'\r', b'\n', ..] if strict || trust => Dot::End(3),
        [b'.', b'\n', ..] if trust => Dot::End(2),
        [b'.'] | [b'.', b'\r'] => Dot::More,
        [b'.', ..] => Dot::Stuffed,
        _ => Dot::None,
    }
}
