//! What extensions add to commands in parentheses (RFC 4466 §2): `SELECT x (CONDSTORE)`,
//! `FETCH 1 FLAGS (CHANGEDSINCE 9)`, `STORE 1 (UNCHANGEDSINCE 9) …`. None is ever silently ignored; the words for
//! what is wrong are Dovecot's.

use super::{Cursor, Wrong};
use crate::types::SequenceSet;
use mailcore_base::mailbox::{ModSeq, Uid, UidSet};

/// What SELECT and EXAMINE are asked for besides (RFC 7162 §3.1.8, §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ForSelect {
    pub(crate) condstore: bool,
    pub(crate) qresync: Option<Resync>,
}

/// What a client that comes back knows of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resync {
    /// Under which the UIDs that it knows hold.
    pub(crate) uid_validity: u32,
    /// As of when it knows the mailbox.
    pub(crate) modseq: ModSeq,
    /// The UIDs that it knows; none: all that there were.
    pub(crate) known: Option<UidSet>,
    /// Message numbers and the UIDs that they had.
    pub(crate) matches: Option<(UidSet, UidSet)>,
}

/// What FETCH is asked for besides (RFC 7162 §3.1.4.1, §3.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ForFetch {
    pub(crate) changed_since: Option<ModSeq>,
    pub(crate) vanished: bool,
}

impl ForSelect {
    /// Reads the list, the cursor standing at its parenthesis or at something else that it leaves alone.
    pub(crate) fn parse(at: &mut Cursor<'_>) -> Result<Self, Wrong> {
        let mut found = Self::default();
        each(at, |at, name| {
            match name {
                "CONDSTORE" => found.condstore = true,
                "QRESYNC" => found.qresync = Some(resync(at)?),
                // Dovecot's slip.
                _ => return Err("Unknown FETCH modifier".into()),
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl ForFetch {
    /// Reads the list; `by_uid`: of a UID FETCH, `qresync`: the client has enabled QRESYNC.
    pub(crate) fn parse(at: &mut Cursor<'_>, by_uid: bool, qresync: bool) -> Result<Self, Wrong> {
        let mut found = Self::default();
        each(at, |at, name| {
            match name {
                "CHANGEDSINCE" => {
                    found.changed_since = Some(modseq(at, "Invalid CHANGEDSINCE modseq")?);
                }
                // RFC 7162 §3.2.6: only with UID FETCH, and only once QRESYNC is enabled.
                "VANISHED" if by_uid && !qresync => return Err("QRESYNC not enabled".into()),
                "VANISHED" if by_uid => found.vanished = true,
                _ => return Err("Unknown FETCH modifier".into()),
            }
            Ok(())
        })?;
        match found.vanished && found.changed_since.is_none() {
            true => Err("VANISHED used without CHANGEDSINCE".into()),
            false => Ok(found),
        }
    }
}

/// What STORE is asked for besides: `UNCHANGEDSINCE` (RFC 7162 §3.1.3).
pub(crate) fn unchanged_since(at: &mut Cursor<'_>) -> Result<Option<ModSeq>, Wrong> {
    let mut found = None;
    each(at, |at, name| match name {
        "UNCHANGEDSINCE" if at.peek() != Some(b' ') => Err("Invalid STORE modifiers".into()),
        "UNCHANGEDSINCE" => {
            found = Some(modseq(at, "Invalid modseq")?);
            Ok(())
        }
        _ => Err("Unknown STORE modifier".into()),
    })?;
    Ok(found)
}

/// Of a command to which no extension that is in adds anything.
pub(crate) fn none(at: &mut Cursor<'_>, command: &str) -> Result<(), Wrong> {
    each(at, |_, name| {
        Err(Wrong::quoting(
            &format!("Unknown {command} modifier "),
            name.as_bytes(),
        ))
    })
}

fn each(
    at: &mut Cursor<'_>,
    mut one: impl FnMut(&mut Cursor<'_>, &str) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    if at.peek() != Some(b'(') {
        return Ok(());
    }
    at.list(|at| {
        let name = at.keyword()?;
        one(at, &name)
    })?;
    Ok(())
}

/// A space and a modification sequence; Dovecot takes zero too.
fn modseq(at: &mut Cursor<'_>, wrong: &'static str) -> Result<ModSeq, Wrong> {
    at.space().map_err(|_| Wrong::from(wrong))?;
    value(at).map(ModSeq).ok_or_else(|| wrong.into())
}

/// A number that ends where a word does.
fn value(at: &mut Cursor<'_>) -> Option<u64> {
    let number = at.number();
    number.filter(|_| matches!(at.peek(), None | Some(b' ' | b')')))
}

/// ` (uidvalidity modseq [known-uids] [(numbers uids)])`
fn resync(at: &mut Cursor<'_>) -> Result<Resync, Wrong> {
    let wrong = || Wrong::from("Invalid QRESYNC parameters");
    let missing = |_| Wrong::from("QRESYNC parameters missing");
    at.space().map_err(missing)?;
    if !at.eat(b'(') {
        return Err("QRESYNC parameters missing".into());
    }
    let validity = value(at).and_then(|n| u32::try_from(n).ok());
    let uid_validity = validity.ok_or_else(wrong)?;
    at.space().map_err(|_| wrong())?;
    let modseq = ModSeq(value(at).ok_or_else(wrong)?);
    let mut found = Resync {
        uid_validity,
        modseq,
        known: None,
        matches: None,
    };
    while at.eat(b' ') {}
    if at.peek().is_some_and(|b| b.is_ascii_digit() || b == b'*') {
        let known = uids(at).ok_or("Invalid QRESYNC known-uids")?;
        found.known = Some(known);
        while at.eat(b' ') {}
    }
    if at.eat(b'(') {
        found.matches = Some(matches(at).ok_or("Invalid QRESYNC sets")?);
        while at.eat(b' ') {}
    }
    match at.eat(b')') {
        true => Ok(found),
        false => Err(wrong()),
    }
}

/// Numbers and UIDs, as many of each, and the closing parenthesis.
fn matches(at: &mut Cursor<'_>) -> Option<(UidSet, UidSet)> {
    let numbers = uids(at)?;
    at.space().ok()?;
    let uids = uids(at)?;
    (numbers.len() == uids.len() && at.eat(b')')).then_some((numbers, uids))
}

/// A set without `*`, which means nothing to a client that only remembers (RFC 7162 §7, `known-uids`).
fn uids(at: &mut Cursor<'_>) -> Option<UidSet> {
    let text = at.run(|b| !matches!(b, b' ' | b'(' | b')'));
    let mut set = UidSet::new();
    for (a, b) in SequenceSet::parse(text)?.ranges() {
        let (a, b) = (Uid::new(a?)?, Uid::new(b?)?);
        set.insert_range(a.min(b)..=a.max(b));
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(text: &str) -> Result<ForSelect, Wrong> {
        ForSelect::parse(&mut Cursor::new(text.as_bytes()))
    }

    fn set(text: &str) -> UidSet {
        uids(&mut Cursor::new(text.as_bytes())).unwrap()
    }

    #[test]
    fn what_a_client_knows_is_read_in_all_its_forms() {
        let resync = |known: Option<&str>, matches: Option<(&str, &str)>| Resync {
            uid_validity: 67,
            modseq: ModSeq(20_050_715),
            known: known.map(set),
            matches: matches.map(|(a, b)| (set(a), set(b))),
        };
        for (text, wanted) in [
            ("(QRESYNC (67 20050715))", resync(None, None)),
            (
                "(QRESYNC (67 20050715 41,43:49))",
                resync(Some("41,43:49"), None),
            ),
            (
                "(QRESYNC (67 20050715 9:1 (1,3 2,7)))",
                resync(Some("1:9"), Some(("1,3", "2,7"))),
            ),
            (
                "(QRESYNC (67 20050715 (1:2 5:6)) CONDSTORE)",
                resync(None, Some(("1:2", "5:6"))),
            ),
        ] {
            let read = select(text).unwrap();
            assert_eq!(read.qresync, Some(wanted), "{text}");
            assert_eq!(read.condstore, text.contains("CONDSTORE"), "{text}");
        }
        assert_eq!(select("()").unwrap(), ForSelect::default());
        assert_eq!(select("").unwrap(), ForSelect::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_dovecots_words() {
        for (text, why) in [
            ("(QRESYNC)", "QRESYNC parameters missing"),
            ("(QRESYNC 1 1)", "QRESYNC parameters missing"),
            ("(QRESYNC ())", "Invalid QRESYNC parameters"),
            ("(QRESYNC (1))", "Invalid QRESYNC parameters"),
            ("(QRESYNC (1 x))", "Invalid QRESYNC parameters"),
            ("(QRESYNC (1 1x))", "Invalid QRESYNC parameters"),
            ("(QRESYNC (4294967296 1))", "Invalid QRESYNC parameters"),
            (
                "(QRESYNC (1 9223372036854775808))",
                "Invalid QRESYNC parameters",
            ),
            ("(QRESYNC (1 1 *))", "Invalid QRESYNC known-uids"),
            ("(QRESYNC (1 1 1:*))", "Invalid QRESYNC known-uids"),
            ("(QRESYNC (1 1 1:3 (1:3 1:2)))", "Invalid QRESYNC sets"),
            ("(QRESYNC (1 1 (1 1) 5))", "Invalid QRESYNC parameters"),
            ("(QRESYNC (1 1", "Invalid QRESYNC parameters"),
            ("(FOO)", "Unknown FETCH modifier"),
            ("(CONDSTORE", "Missing ')'"),
        ] {
            assert_eq!(select(text), Err(Wrong::from(why)), "{text}");
        }
        let fetch = |text: &str, by_uid, qresync| {
            ForFetch::parse(&mut Cursor::new(text.as_bytes()), by_uid, qresync)
        };
        for (text, why) in [
            ("(CHANGEDSINCE)", "Invalid CHANGEDSINCE modseq"),
            ("(CHANGEDSINCE x)", "Invalid CHANGEDSINCE modseq"),
            (
                "(CHANGEDSINCE 99999999999999999999)",
                "Invalid CHANGEDSINCE modseq",
            ),
            ("(VANISHED)", "VANISHED used without CHANGEDSINCE"),
            ("(FOO)", "Unknown FETCH modifier"),
        ] {
            assert_eq!(fetch(text, true, true), Err(Wrong::from(why)), "{text}");
        }
        let both = "(CHANGEDSINCE 1 VANISHED)";
        assert!(fetch(both, true, true).unwrap().vanished);
        assert_eq!(fetch(both, true, false), Err("QRESYNC not enabled".into()));
        assert_eq!(
            fetch(both, false, true),
            Err("Unknown FETCH modifier".into())
        );
        let store = |text: &str| unchanged_since(&mut Cursor::new(text.as_bytes()));
        assert_eq!(store("(UNCHANGEDSINCE 0)"), Ok(Some(ModSeq(0))));
        assert_eq!(
            store("(UNCHANGEDSINCE)"),
            Err("Invalid STORE modifiers".into())
        );
        assert_eq!(store("(UNCHANGEDSINCE x)"), Err("Invalid modseq".into()));
        assert_eq!(store("(FOO 1)"), Err("Unknown STORE modifier".into()));
    }
}
