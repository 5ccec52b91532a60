//! `dovecot-uidlist`, version 3: which file has which UID.
//!
//! ```text
//! 3 V1795171207 N4 G2a6916168723006bf270000083ecc375
//! 2 :1795171207.M389678P28916.vm,S=31,W=36
//! 3 W36 :1795171207.M403944P28918.vm
//! ```
//!
//! The first line has UIDVALIDITY, the next UID when it was written, and the mailbox's GUID; further lines are
//! appended, so the next UID is above the header's and the last line's alike. A line is there once its line end is:
//! what a crash has cut or blanked is passed over (nobody was told of those UIDs) and asks for the file to be written
//! anew before the next append.

use super::filename;

/// Longest file that is read: some millions of messages.
pub(super) const LONGEST_FILE: u64 = 1 << 30;

/// What the first line says, and what the rest comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) validity: u32,
    /// Above every UID given so far.
    pub(super) next: u64,
    pub(super) guid: String,
    /// Whether there are lines that make no sense.
    pub(super) torn: bool,
    /// How many lines do.
    pub(super) lines: usize,
}

/// A message's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'f> {
    pub(super) uid: u32,
    /// `W36 P2`, nothing mostly.
    pub(super) extensions: &'f str,
    pub(super) base: &'f [u8],
}

/// Reads a file, line by line; none if its first line is not that of a version 3 list.
pub(super) fn read<'f>(file: &'f [u8], mut each: impl FnMut(Line<'f>)) -> Option<Header> {
    let (first, mut rest) = cut(file)?;
    let mut header = head(first)?;
    while !rest.is_empty() {
        let Some((text, behind)) = cut(rest) else {
            header.torn = true;
            break;
        };
        rest = behind;
        match line(text) {
            // UIDs ascend; one that does not is a line in the wrong place.
            Some(line) if line.uid > header.last => {
                header.next = header.next.max(u64::from(line.uid) + 1);
                header.lines += 1;
                header.last = line.uid;
                each(line);
            }
            _ => header.torn = true,
        }
    }
    Some(header.done())
}

/// A first line while the rest is read.
struct Reading {
    validity: u32,
    next: u64,
    guid: String,
    torn: bool,
    lines: usize,
    last: u32,
}

impl Reading {
    fn done(self) -> Header {
        Header {
            validity: self.validity,
            next: self.next,
            guid: self.guid,
            torn: self.torn,
            lines: self.lines,
        }
    }
}

fn cut(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', file)?;
    Some((file.get(..end)?, file.get(end + 1..)?))
}

fn head(text: &[u8]) -> Option<Reading> {
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    if words.next() != Some("3") {
        return None;
    }
    let (mut validity, mut next, mut guid) = (None, None, String::new());
    for word in words {
        match word.split_at_checked(1)? {
            ("V", value) => validity = value.parse().ok().filter(|v| *v > 0),
            ("N", value) => next = value.parse::<u32>().ok().filter(|n| *n > 0),
            ("G", value) => value.clone_into(&mut guid),
            _ => {}
        }
    }
    Some(Reading {
        validity: validity?,
        next: u64::from(next?),
        guid,
        torn: false,
        lines: 0,
        last: 0,
    })
}

fn line(text: &[u8]) -> Option<Line<'_>> {
    let colon = memchr::memchr(b':', text)?;
    let front = std::str::from_utf8(text.get(..colon)?).ok()?;
    let (uid, extensions) = front.split_once(' ')?;
    if !uid.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(Line {
        uid: uid.parse().ok().filter(|uid| *uid > 0)?,
        extensions: extensions.trim(),
        base: filename::split(text.get(colon + 1..)?)?.base,
    })
}

/// The length with CRLF line ends that a line's extensions tell.
pub(super) fn virtual_size(extensions: &str) -> Option<u64> {
    let word = extensions.split(' ').find_map(|w| w.strip_prefix('W'));
    word?.parse().ok()
}

/// Adds a first line to a new file.
pub(super) fn write_header(out: &mut Vec<u8>, validity: u32, next: u64, guid: &str) {
    // A next UID beyond the last is said by the last line alone.
    let next = next.min(u64::from(u32::MAX));
    out.extend_from_slice(format!("3 V{validity} N{next} G{guid}\n").as_bytes());
}

/// Adds a message's line.
pub(super) fn write_line(out: &mut Vec<u8>, line: Line<'_>) {
    out.extend_from_slice(line.uid.to_string().as_bytes());
    if !line.extensions.is_empty() {
        out.push(b' ');
        out.extend_from_slice(line.extensions.as_bytes());
    }
    out.extend_from_slice(b" :");
    out.extend_from_slice(line.base);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(file: &[u8]) -> Option<(Header, Vec<(u32, String)>)> {
        let mut lines = Vec::new();
        let header = read(file, |l| {
            lines.push((l.uid, String::from_utf8_lossy(l.base).into_owned()));
        })?;
        Some((header, lines))
    }

    #[test]
    fn what_dovecot_wrote_is_read() {
        let file = b"3 V1795171208 N1 Gb6cffe\n1 W36 :a.b,S=31:2,S\n2 :c\n";
        let (header, lines) = all(file).unwrap();
        assert_eq!(
            (header.validity, header.next, header.torn),
            (1_795_171_208, 3, false)
        );
        assert_eq!(header.guid, "b6cffe");
        assert_eq!(lines, [(1, "a.b,S=31".into()), (2, "c".into())]);
        assert_eq!(virtual_size("P2 W36"), Some(36));
    }

    #[test]
    fn a_list_that_is_none_is_not_believed() {
        for bad in [
            &b""[..],
            b"3 V1 N1",
            b"1 5 6\n",
            b"3 V0 N1\n",
            b"3 V1\n",
            b"\0\0\0\n",
            b"3 V1 N0 Gx\n",
        ] {
            assert_eq!(all(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_list_loses_only_what_was_cut(cut in 0usize..120, blank in any::<bool>()) {
            let mut whole = Vec::new();
            write_header(&mut whole, 7, 1, "00");
            let head = whole.len();
            for uid in [1, 2, 30, 400] {
                let base = format!("base{uid}");
                write_line(&mut whole, Line { uid, extensions: "", base: base.as_bytes() });
            }
            let full = all(&whole).unwrap();
            prop_assert_eq!(full.0.next, 401);
            let mut torn = whole.clone();
            let cut = (head + cut).min(whole.len());
            match blank {
                true => torn.iter_mut().skip(cut).for_each(|b| *b = 0),
                false => torn.truncate(cut),
            }
            let (header, lines) = all(&torn).unwrap();
            prop_assert!(full.1.starts_with(&lines));
            let clean = whole.get(cut - 1) == Some(&b'\n') && (!blank || cut == whole.len());
            prop_assert_eq!(header.torn, !clean);
        }

        #[test]
        fn no_list_makes_it_panic(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut prefixed = b"3 V1 N1 G0\n".to_vec();
            prefixed.extend(&file);
            all(&file);
            all(&prefixed);
        }
    }
}
