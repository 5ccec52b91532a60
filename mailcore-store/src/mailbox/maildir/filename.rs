//! Names of message files: `1732100000.M123456P321.host,S=2345,W=2400:2,FS`.
//!
//! The part in front of `:` names the message for good (its *base*); what stands behind, the *info*, are its flags
//! of the moment. `S=` is the file's length and `W=` its length with CRLF line ends, so that nobody needs to open it.
//! A delivery carries its identity as `R` and 32 hexadecimal digits in the unique part, where the Maildir
//! specification has randomness.

use crate::queue::Identity;

/// Longest name of a file; what is longer cannot be on any file system that we know.
pub(super) const LONGEST: usize = 255;

/// A file name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Split<'n> {
    /// In front of the `:`.
    pub(super) base: &'n [u8],
    /// From the `:` on.
    pub(super) info: &'n [u8],
}

/// Takes a name in `new/` or `cur/` apart; none for what is not a message, or could not be listed in a line.
pub(super) fn split(name: &[u8]) -> Option<Split<'_>> {
    let hidden = matches!(name.first(), None | Some(b'.' | b':'));
    if hidden || name.len() > LONGEST || name.iter().any(|b| matches!(b, b'\n' | b'\r' | 0 | b'/'))
    {
        return None;
    }
    let end = memchr::memchr(b':', name).unwrap_or(name.len());
    let (base, info) = name.split_at_checked(end)?;
    Some(Split { base, info })
}

/// The flag letters of an info, `:2,FS`.
pub(super) fn letters(info: &[u8]) -> &[u8] {
    let letters = info.strip_prefix(b":2,").unwrap_or_default();
    let end = memchr::memchr(b',', letters).unwrap_or(letters.len());
    letters.get(..end).unwrap_or_default()
}

/// The lengths that a base tells: of the file, and with CRLF line ends.
pub(super) fn sizes(base: &[u8]) -> (Option<u64>, Option<u64>) {
    (size(base, b"S="), size(base, b"W="))
}

fn size(base: &[u8], key: &[u8]) -> Option<u64> {
    let mut parts = base.split(|b| *b == b',').skip(1);
    let digits = parts.find_map(|part| part.strip_prefix(key));
    let digits = digits.filter(|d| !d.is_empty() && d.len() < 19)?;
    digits.iter().try_fold(0u64, |sum, digit| match digit {
        b'0'..=b'9' => Some(sum * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

/// What shows by a base that it is that of the delivery with some identity. Made once, looked for in many.
pub(super) struct Mark(memchr::memmem::Finder<'static>);

impl Mark {
    pub(super) fn of(identity: Identity) -> Self {
        let text = format!("R{identity}.");
        Self(memchr::memmem::Finder::new(text.as_bytes()).into_owned())
    }

    pub(super) fn is_in(&self, base: &[u8]) -> bool {
        let end = memchr::memchr(b',', base).unwrap_or(base.len());
        let unique = base.get(..end).unwrap_or_default();
        self.0.find(unique).is_some()
    }
}

/// The identity under which a message was delivered, if its base carries one.
pub(super) fn identity(base: &[u8]) -> Option<Identity> {
    let end = memchr::memchr(b',', base).unwrap_or(base.len());
    let unique = base.get(..end)?;
    memchr::memchr_iter(b'R', unique).find_map(|at| {
        let digits = unique.get(at + 1..at + 33)?;
        let lower = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if unique.get(at + 33) != Some(&b'.') || !digits.iter().all(lower) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        u128::from_str_radix(digits, 16).ok().map(Identity)
    })
}

/// The unique part of a new name; nobody else makes the same as long as `micros` is not used twice by one process.
pub(super) fn unique(micros: u64, pid: u32, identity: Option<Identity>, host: &str) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let identity = identity.map(|i| format!("R{i}")).unwrap_or_default();
    format!("{seconds}.M{rest}P{pid}{identity}.{host}")
}

/// A host's name as it may stand in a file name.
pub(super) fn host(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
        _ => '_',
    };
    let name: String = name.chars().map(plain).take(64).collect();
    match name.trim_matches('.') {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_flags_and_sizes() {
        let name = b"1795171207.M389678P28916.vm,S=31,W=36:2,Sab";
        let split = split(name).unwrap();
        assert_eq!(split.base, b"1795171207.M389678P28916.vm,S=31,W=36");
        assert_eq!(letters(split.info), b"Sab");
        assert_eq!(sizes(split.base), (Some(31), Some(36)));
        assert_eq!(sizes(b"1.x.host,S=,W=3x,Z"), (None, None));
        assert_eq!(sizes(b"1.x,S=99999999999999999999"), (None, None));
        assert_eq!(letters(b":2,S,extra"), b"S");
        assert_eq!(letters(b":1,S"), b"");
    }

    #[test]
    fn what_is_not_a_message_is_not_taken_for_one() {
        for bad in [&b""[..], b".", b"..", b".nfs0001", b":2,S", b"a\nb", b"a\0"] {
            assert_eq!(split(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_delivery_is_found_by_its_identity_alone() {
        let name = unique(
            1_700_000_000_000_042,
            7,
            Some(Identity(255)),
            &host("a/b:c"),
        );
        assert_eq!(
            name,
            "1700000000.M42P7R000000000000000000000000000000ff.a_b_c"
        );
        assert!(Mark::of(Identity(255)).is_in(name.as_bytes()));
        assert_eq!(identity(name.as_bytes()), Some(Identity(255)));
        assert_eq!(
            identity(b"1.R00ff.host,R000000000000000000000000000000ff."),
            None
        );
        assert!(!Mark::of(Identity(15)).is_in(name.as_bytes()));
        let behind = b"1.x,R000000000000000000000000000000ff.";
        assert!(!Mark::of(Identity(255)).is_in(behind));
    }
}
