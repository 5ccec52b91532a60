//! A file of aliases, one a line: `name: target, target …` as in aliases(5), or `name target, target …` as in
//! virtual(5). Read again when it changes. Programs, files and `:include:` are not understood, and said so.

use async_trait::async_trait;
use mailcore_base::address::{Address, Domain, ForwardPath, Repertoire};
use mailcore_store::table::{Shape, Table};
use mailcore_store::{Error, Kind, Result};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most octets of an alias file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The aliases of a file.
#[derive(Debug)]
pub struct Aliases {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stamp: Option<Stamp>,
    /// The file was old enough when it was read that a later change shows.
    settled: bool,
    entries: HashMap<String, String>,
}

/// Tells one state of the file from another, whatever time it is dressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Aliases {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it cannot be understood: the error names file and line.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let stamp = stamp(&path);
        let entries = load(&path)?;
        Ok(Self {
            path,
            state: Mutex::new(State {
                stamp,
                settled: stamp.is_none_or(Stamp::is_settled),
                entries,
            }),
        })
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a changed file in; one that cannot be read leaves the old entries and is told once.
    fn refresh(&self, state: &mut State) {
        let now = stamp(&self.path);
        let news = now != state.stamp;
        if !news && state.settled {
            return;
        }
        state.settled = now.is_none_or(Stamp::is_settled);
        state.stamp = now;
        match load(&self.path) {
            Ok(entries) => state.entries = entries,
            Err(error) if news => tracing::warn!("aliases stay as they were: {error}"),
            Err(_) => {}
        }
    }
}

#[async_trait]
impl Table for Aliases {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        let mut state = self.lock();
        self.refresh(&mut state);
        Ok(state.entries.get(key).cloned())
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some(Stamp {
        inode: (file.dev(), file.ino()),
        size: file.size(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    })
}

impl Stamp {
    /// File systems count time in ticks of up to two seconds: within one, a second change may not show.
    fn is_settled(self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        now.is_some_and(|now| now.saturating_sub(self.changed.0) > 2)
    }
}

fn load(path: &Path) -> Result<HashMap<String, String>> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .map_err(|e| Error::io(format!("{shown}"), e))?
        .len();
    if size > LARGEST {
        return Err(Error::new(
            Kind::Limit,
            format!("{shown}: larger than {LARGEST} octets"),
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(format!("{shown}"), e))?;
    parse(&text)
        .map_err(|(line, what)| Error::new(Kind::Corrupt, format!("{shown}, line {line}: {what}")))
}

/// Parses a file; an error is the line's number and what is wrong with it.
fn parse(text: &str) -> std::result::Result<HashMap<String, String>, (usize, String)> {
    let mut entries = HashMap::new();
    let mut open: Option<(usize, String)> = None;
    for (n, line) in text.lines().enumerate() {
        let continued = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if continued {
            let (_, entry) = open
                .as_mut()
                .ok_or((n + 1, "a continuation of nothing".to_owned()))?;
            entry.push(' ');
            entry.push_str(line);
        } else {
            close(open.replace((n + 1, line.to_owned())), &mut entries)?;
        }
    }
    close(open, &mut entries)?;
    Ok(entries)
}

fn close(
    entry: Option<(usize, String)>,
    entries: &mut HashMap<String, String>,
) -> std::result::Result<(), (usize, String)> {
    let Some((line, text)) = entry else {
        return Ok(());
    };
    // A quoted name ends at its quote.
    let quoted = text.strip_prefix('"').and_then(|rest| rest.find('"'));
    let end = quoted
        .map(|at| at + 2)
        .or_else(|| text.find([':', ' ', '\t']))
        .ok_or((line, format!("{text:?} has no target")))?;
    let (name, value) = text.split_at(end);
    let value = value.trim_start().trim_start_matches(':').trim();
    let name = name.trim_matches('"').to_lowercase();
    if name.is_empty() || value.is_empty() {
        return Err((
            line,
            format!(
                "{text:?} has no {}",
                if name.is_empty() { "name" } else { "target" }
            ),
        ));
    }
    for target in value.split(',').map(str::trim) {
        let special = target.trim_start_matches('"');
        if special.starts_with(['|', '/']) || special.starts_with(":include:") {
            return Err((
                line,
                format!("{target:?} is not supported: only addresses are"),
            ));
        }
    }
    for word in words(value) {
        if !matches!(
            ForwardPath::parse_prefix(word, Repertoire::Utf8),
            Ok((_, ""))
        ) {
            return Err((line, format!("`{}` is no address", word.escape_debug())));
        }
    }
    entries.insert(name, value.to_owned());
    Ok(())
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t']).filter(|w| !w.is_empty())
}

/// The addresses of a value.
pub(super) fn targets(value: &str, origin: &Domain) -> Result<Vec<Address>> {
    let address = |word: &str| match ForwardPath::parse_prefix(word, Repertoire::Utf8) {
        Ok((path, "")) => Ok(path.complete(origin)),
        _ => Err(Error::new(
            Kind::Corrupt,
            format!("{word:?} in an alias is no address"),
        )),
    };
    words(value).map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore_base::envelope::breaks_line;

    fn entry(text: &str, name: &str) -> Option<String> {
        parse(text).unwrap().get(name).cloned()
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
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in [
            ("a: b\nc\n", 2),
            ("  x\n", 1),
            ("a: |/bin/sh\n", 1),
            ("\n\na:\n", 3),
            ("a: :include:/x\n", 1),
            ("a: <<not an address\n", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().0, line, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_on_one_line() {
        let origin = "example.test".parse().unwrap();
        let word = "<\u{1b}[2J\u{202e}";
        let told = [
            parse(&format!("a{word}")).unwrap_err().1,
            parse(&format!("a: |{word}")).unwrap_err().1,
            parse(&format!(":\0{word}:")).unwrap_err().1,
            targets(word, &origin).unwrap_err().to_string(),
        ];
        for what in told {
            assert!(!what.chars().any(breaks_line), "{what:?}");
            assert!(what.contains("\\u{1b}[2J"), "{what}");
        }
    }
}
