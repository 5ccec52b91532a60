//! The text of an alias file into names and targets. A line that is wrong is noted, with the name that it is about
//! where it has one; reading goes on behind it.

use super::words;
use mailcore_base::address::{ForwardPath, Repertoire};
use std::collections::HashMap;
use std::collections::hash_map;

/// Most characters of a line that a fault repeats.
const SHOWN: usize = 60;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) entries: HashMap<String, Entry>,
    /// The numbers of lines that are wrong, from 1, and what is wrong with them.
    pub(super) wrong: Vec<(usize, String)>,
}

/// What a file says of one name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Where it leads.
    Targets(String),
    /// Nothing that makes sense: the line's number, and what is wrong with it.
    Wrong(usize, String),
}

/// An entry that may go on.
struct Open {
    /// The number of its first line.
    line: usize,
    text: String,
    /// All of it was UTF-8.
    is_text: bool,
}

/// Reads a file, all of it whatever it holds.
pub(super) fn parse(octets: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut open: Option<Open> = None;
    for (at, line) in octets.split(|b| *b == b'\n').enumerate() {
        let number = at + 1;
        let continued = line.starts_with(b" ") || line.starts_with(b"\t");
        let is_text = std::str::from_utf8(line).is_ok();
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match &mut open {
            Some(open) if continued => {
                open.text.push(' ');
                open.text.push_str(line);
                open.is_text &= is_text;
            }
            None if continued => {
                let what = "a continuation of nothing".to_owned();
                parsed.wrong.push((number, what));
            }
            _ => parsed.close(open.replace(Open {
                line: number,
                text: line.to_owned(),
                is_text,
            })),
        }
    }
    parsed.close(open);
    parsed
}

impl Parsed {
    /// Takes in an entry that is complete.
    fn close(&mut self, entry: Option<Open>) {
        let Some(entry) = entry else {
            return;
        };
        let Open {
            line,
            text,
            is_text,
        } = entry;
        let (name, value) = part(&text);
        if name.is_empty() {
            let what = format!("{} has no name", shown(&text));
            return self.wrong.push((line, what));
        }
        let fault = match is_text {
            true => fault(&text, value),
            false => Some(format!("{} is not UTF-8", shown(&text))),
        };
        match self.entries.entry(name) {
            hash_map::Entry::Vacant(place) => {
                place.insert(match fault {
                    None => Entry::Targets(value.to_owned()),
                    Some(what) => {
                        self.wrong.push((line, what.clone()));
                        Entry::Wrong(line, what)
                    }
                });
            }
            // Postfix's postalias keeps the first too.
            hash_map::Entry::Occupied(known) => {
                let what = format!(
                    "{} stands here again: what came first holds",
                    shown(known.key())
                );
                self.wrong.push((line, what));
            }
        }
    }
}

/// A name in lower case, and what stands behind it.
fn part(text: &str) -> (String, &str) {
    // A quoted name ends at its quote.
    let quoted = text.strip_prefix('"').and_then(|rest| rest.find('"'));
    let end = quoted
        .map(|at| at + 2)
        .or_else(|| text.find([':', ' ', '\t']))
        .unwrap_or(text.len());
    let (name, value) = text.split_at_checked(end).unwrap_or((text, ""));
    let value = value.trim_start().trim_start_matches(':').trim();
    (name.trim_matches('"').to_lowercase(), value)
}

/// What is wrong with an entry's targets.
fn fault(text: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return Some(format!("{} has no target", shown(text)));
    }
    for target in value.split(',').map(str::trim) {
        let special = target.trim_start_matches('"');
        if special.starts_with(['|', '/']) || special.starts_with(":include:") {
            let shown = shown(target);
            return Some(format!("{shown} is not supported: only addresses are"));
        }
    }
    let is_address = |word: &&str| {
        matches!(
            ForwardPath::parse_prefix(word, Repertoire::Utf8),
            Ok((_, ""))
        )
    };
    let wrong = words(value).find(|word| !is_address(word))?;
    Some(format!("{} is no address", shown(wrong)))
}

/// Text of the file for the log: on one line, and no longer than is needed to find it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}…", text.get(..at).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::envelope::breaks_line;

    fn entry(text: &str, name: &str) -> Option<String> {
        match parse(text.as_bytes()).entries.remove(name)? {
            Entry::Targets(targets) => Some(targets),
            Entry::Wrong(line, what) => panic!("{line}: {what}"),
        }
    }

    #[test]
    fn both_forms_and_continuations_are_read() {
        let text = "# staff\nRoot: alice,\n  bob\n\npostmaster:root\nsales@a.test carol@a.test dave\n\"odd name\": x\n";
        assert_eq!(entry(text, "root").as_deref(), Some("alice, bob"));
        assert_eq!(entry(text, "postmaster").as_deref(), Some("root"));
        assert_eq!(
            entry(text, "sales@a.test").as_deref(),
            Some("carol@a.test dave")
        );
        assert_eq!(entry(text, "odd name").as_deref(), Some("x"));
        assert!(parse(text.as_bytes()).wrong.is_empty());
    }

    #[test]
    fn a_wrong_line_is_named_and_the_rest_is_used() {
        for (text, line) in [
            ("a: b\nc\n", 2),
            ("  x\n", 1),
            ("a: |/bin/sh\n", 1),
            ("\n\na:\n", 3),
            ("a: :include:/x\n", 1),
            ("a: <<not an address\n", 1),
            ("a: b\nx: b,\n c, <<\n", 2),
            ("one: b\nOne: c\n", 2),
        ] {
            for (before, after) in [("", "good: y\n"), ("good: y\n", "last: y\n")] {
                let whole = [before, text, after].concat();
                let parsed = parse(whole.as_bytes());
                let lines: Vec<_> = parsed.wrong.iter().map(|(n, _)| *n).collect();
                let continues = !before.is_empty() && text.starts_with(' ');
                if !continues {
                    assert_eq!(lines, [line + before.lines().count()], "{whole:?}");
                    let good = Entry::Targets("y".to_owned());
                    assert_eq!(parsed.entries["good"], good, "{whole:?}");
                }
            }
        }
    }

    #[test]
    fn octets_that_are_no_text_spoil_their_own_line_alone() {
        let parsed = parse(b"a: b\nc: \xff@x.test\nd\xfe: e\nf: g\n");
        let lines: Vec<_> = parsed.wrong.iter().map(|(n, _)| *n).collect();
        assert_eq!(lines, [2, 3]);
        assert_eq!(parsed.entries["a"], Entry::Targets("b".to_owned()));
        assert!(matches!(parsed.entries["c"], Entry::Wrong(2, _)));
        assert_eq!(parsed.entries["f"], Entry::Targets("g".to_owned()));
    }

    #[test]
    fn what_comes_first_of_two_holds() {
        assert_eq!(entry("a: b\na: c\n", "a").as_deref(), Some("b"));
    }

    #[test]
    fn what_is_wrong_is_told_on_one_short_line() {
        let word = "<\u{1b}[2J\u{202e}";
        let long = "x".repeat(100_000);
        for text in [
            format!("a{word}"),
            format!("a: |{word}"),
            format!(":\0{word}:"),
            format!("a: {word}{long}"),
            format!("{word}{long}"),
        ] {
            let parsed = parse(text.as_bytes());
            assert_eq!(parsed.wrong.len(), 1, "{text:.30}");
            let what = &parsed.wrong[0].1;
            assert!(!what.chars().any(breaks_line), "{what:?}");
            assert!(what.contains("\\u{1b}[2J"), "{what}");
            assert!(what.len() < 600, "{}", what.len());
        }
    }
}
