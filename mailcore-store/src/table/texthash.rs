//! A text file as a table (Postfix: `texthash:`), read again when it changes. It never writes.
//!
//! A line is a key, blanks, and the value. `#` begins a comment line; a line that begins with a blank goes on
//! with the one before, comments and empty lines between them notwithstanding. A key holds blanks within
//! double quotes or behind a backslash, both of which stay part of it.

use super::{Shape, Table, fold};
use crate::Result;
use crate::source::{Faults, Keeping, Report, Source};
use async_trait::async_trait;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

type Entries = HashMap<String, String>;

/// How a text table is read.
#[derive(Clone)]
#[non_exhaustive]
pub struct TextHashOptions {
    /// Whether keys are compared without regard to case; yes.
    pub fold: bool,
    /// How long a look at the file is good for; 1 s.
    pub every: Duration,
    /// The longest file that is read, in octets; 64 MiB.
    pub limit: u64,
    /// Who is told of lines that make no sense; nobody.
    pub report: Report,
}

impl Default for TextHashOptions {
    fn default() -> Self {
        Self {
            fold: true,
            every: Duration::from_secs(1),
            limit: 64 * 1024 * 1024,
            report: Arc::new(|_| {}),
        }
    }
}

/// A table in a text file. A line that makes no sense is reported and skipped, as in Postfix; so is a
/// second value of a key.
#[derive(Debug)]
pub struct TextHash {
    source: Source<Entries>,
    fold: bool,
}

impl TextHash {
    /// Opens a file and reads it.
    ///
    /// # Errors
    /// When it cannot be read as a whole. What is wrong with a line goes to [`TextHashOptions::report`].
    pub fn open(path: &Path, options: TextHashOptions) -> Result<Self> {
        let keeping = Keeping {
            limit: options.limit,
            every: options.every,
            report: options.report,
        };
        let fold = options.fold;
        let source = Source::open(path, keeping, move |octets, faults| {
            parse(octets, fold, faults)
        })?;
        Ok(Self { source, fold })
    }

    /// Which file it is.
    pub fn path(&self) -> &Path {
        self.source.path()
    }
}

#[async_trait]
impl Table for TextHash {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        let entries = self.source.current().await;
        Ok(if self.fold {
            entries.get(&fold(key)).cloned()
        } else {
            entries.get(key).cloned()
        })
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

fn parse(octets: &[u8], folded: bool, faults: Faults<'_>) -> Entries {
    let mut entries = Entries::new();
    let mut take = |at: usize, line: &str, faults: Faults<'_>| match split(line) {
        Err(what) => faults(at, format!("{what}; this line is skipped")),
        Ok((key, value)) => {
            if key.ends_with(':') {
                faults(at, "in the form of an alias file (key: value)".to_owned());
            }
            let key = if folded { fold(key) } else { key.to_owned() };
            match entries.entry(key) {
                Entry::Vacant(place) => drop(place.insert(value.to_owned())),
                Entry::Occupied(place) => {
                    let key = place.key();
                    faults(
                        at,
                        format!("{key:?} is there already; the first one stands"),
                    );
                }
            }
        }
    };
    // The logical line that may yet go on, with the number of its first line.
    let mut open: Option<(usize, String)> = None;
    for (at, line) in octets.split(|octet| *octet == b'\n').enumerate() {
        let at = at + 1;
        let Ok(line) = std::str::from_utf8(line) else {
            faults(at, "not in UTF-8; this line is skipped".to_owned());
            continue;
        };
        let start = line.trim_ascii_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        if start.len() < line.len() {
            match &mut open {
                Some((_, whole)) => whole.push_str(line),
                None => faults(at, "begins with a blank; this line is skipped".to_owned()),
            }
        } else if let Some((first, whole)) = open.replace((at, line.to_owned())) {
            take(first, &whole, faults);
        }
    }
    if let Some((first, whole)) = open {
        take(first, &whole, faults);
    }
    entries
}

/// Parts a logical line into its key and its value.
fn split(line: &str) -> std::result::Result<(&str, &str), &'static str> {
    let mut quoted = false;
    let mut escaped = false;
    let end = line.char_indices().find(|(_, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            c if !quoted && c.is_ascii_whitespace() => return true,
            _ => {}
        }
        false
    });
    if quoted {
        return Err("unbalanced '\"'");
    }
    let (key, value) = line.split_at(end.map_or(line.len(), |(at, _)| at));
    let value = value.trim_ascii();
    if key.is_empty() || value.is_empty() {
        return Err("expected key, blank, value");
    }
    Ok((key, value))
}

impl std::fmt::Debug for TextHashOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextHashOptions")
            .field("fold", &self.fold)
            .field("every", &self.every)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], folded: bool) -> (Entries, Vec<(usize, String)>) {
        let mut faults = Vec::new();
        let entries = parse(text, folded, &mut |line, what| faults.push((line, what)));
        (entries, faults)
    }

    /// Each answer is what `postmap -q` gives for the same file.
    #[test]
    fn entries_are_read_as_postfix_reads_them() {
        let text = "# comment\n   # indented comment\nKey1 value one  \n\tcontinued\n  # c in the middle\n more\n\n\n\
            \"quoted key\" v2\n\"q\\\"x\\\\y\" v3\ncolon v4\n  \n  last\nA@B.c OK\nx\ty\n \"a\"\n\
            \"a b\"@x.y v5\na\"b c\"d v6\nA\\b v7\nz\\ y v8\n\"\" e\nq#x 1\nv  #notcomment\ncr v\r\na\\\"b c\" d";
        let (entries, faults) = read(text.as_bytes(), true);
        assert_eq!(faults, []);
        for (key, value) in [
            ("key1", "value one  \tcontinued more"),
            ("\"quoted key\"", "v2"),
            ("\"q\\\"x\\\\y\"", "v3"),
            ("colon", "v4  last"),
            ("a@b.c", "OK"),
            ("x", "y \"a\""),
            ("\"a b\"@x.y", "v5"),
            ("a\"b c\"d", "v6"),
            ("a\\b", "v7"),
            ("z\\ y", "v8"),
            ("\"\"", "e"),
            ("q#x", "1"),
            ("v", "#notcomment"),
            ("cr", "v"),
            ("a\\\"b", "c\" d"),
        ] {
            let found = entries.get(key).map(String::as_str);
            assert_eq!(found, Some(value), "{key}");
        }
        assert_eq!(entries.len(), 15);
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_first_line_and_skipped() {
        let text = b" leading\nnovalue\na 1\nA 2\n\"open v\n more\nc: 3\n\xff\xfe 4\nd 5";
        let (entries, faults) = read(text, true);
        let mut lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 2, 4, 5, 7, 8]);
        assert_eq!(entries.get("a").map(String::as_str), Some("1"));
        assert_eq!(entries.get("c:").map(String::as_str), Some("3"));
        assert_eq!(entries.get("d").map(String::as_str), Some("5"));
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn without_folding_keys_differ_by_case() {
        let (entries, faults) = read(b"a 1\nA 2", false);
        assert_eq!(faults, []);
        assert_eq!(entries.get("a").map(String::as_str), Some("1"));
        assert_eq!(entries.get("A").map(String::as_str), Some("2"));
    }
}
