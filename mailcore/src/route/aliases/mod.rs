//! A file of aliases, one a line: `name: target, target …` as in aliases(5), or `name target, target …` as in
//! virtual(5). Read again when it changes. Programs, files and `:include:` are not understood, and said so.
//!
//! A line that is wrong is named in the log and spoils no other. The name that it is about is neither unknown nor led
//! anywhere: looking it up fails, so that its mail waits until the line is mended.

mod parse;

use crate::reread::{Read, Reread};
use async_trait::async_trait;
use mailcore_base::address::{Address, Domain, ForwardPath, Repertoire};
use mailcore_store::table::{Shape, Table};
use mailcore_store::{Error, Kind, Result};
use parse::{Entry, Parsed};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most octets of an alias file.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Most lines of a file that are named as wrong.
const MOST_TOLD: usize = 20;

/// The aliases of a file.
#[derive(Debug)]
pub struct Aliases {
    file: Reread<Parsed, Error>,
}

impl Aliases {
    /// Reads the file. Lines that are wrong are named in the log; so are those of its later states.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than 64 MiB.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let file = Reread::open("aliases", path.into(), load)?;
        Ok(Self { file })
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.file.now().entries.len()
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[async_trait]
impl Table for Aliases {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        match self.file.now().entries.get(key) {
            None => Ok(None),
            Some(Entry::Targets(targets)) => Ok(Some(targets.clone())),
            Some(Entry::Wrong(line, what)) => {
                let place = told(self.file.path(), *line, what);
                Err(Error::new(Kind::Corrupt, place))
            }
        }
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

fn load(path: &Path) -> Result<Read<Parsed>> {
    let io = |e| Error::io(format!("{}", path.display()), e);
    let file = std::fs::File::open(path).map_err(io)?;
    let mut octets = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut octets)
        .map_err(io)?;
    if octets.len() as u64 > LARGEST {
        let what = format!("{}: larger than {LARGEST} octets", path.display());
        return Err(Error::new(Kind::Limit, what));
    }
    let parsed = parse::parse(&octets);
    let wrong = parsed.wrong.iter().take(MOST_TOLD);
    let mut faults: Vec<_> = wrong.map(|(n, what)| told(path, *n, what)).collect();
    let more = parsed.wrong.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        faults.push(format!("{}: {more} more lines are wrong", path.display()));
    }
    Ok((parsed, faults))
}

fn told(path: &Path, line: usize, what: &str) -> String {
    format!("{}, line {line}: {what}", path.display())
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

    #[test]
    fn what_is_wrong_with_a_target_is_told_on_one_line() {
        let origin = "example.test".parse().unwrap();
        let what = targets("<\u{1b}[2J\u{202e}", &origin)
            .unwrap_err()
            .to_string();
        assert!(!what.chars().any(breaks_line), "{what:?}");
        assert!(what.contains("\\u{1b}[2J"), "{what}");
    }

    #[tokio::test]
    async fn a_wrong_line_puts_its_own_name_off_and_nobody_elses() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a: b\nroot: |/bin/sh\nnothing\nc: d\n").unwrap();
        let aliases = Aliases::open(file.path()).unwrap();
        assert_eq!(aliases.get("a").await.unwrap().as_deref(), Some("b"));
        assert_eq!(aliases.get("c").await.unwrap().as_deref(), Some("d"));
        assert_eq!(aliases.get("e").await.unwrap(), None);
        for (name, line) in [("root", "line 2: "), ("nothing", "line 3: ")] {
            let error = aliases.get(name).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Corrupt);
            assert!(error.to_string().contains(line), "{error}");
        }
    }

    #[test]
    fn many_wrong_lines_are_counted_and_not_all_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "wrong\n".repeat(1000)).unwrap();
        let (_, faults) = load(file.path()).unwrap();
        assert_eq!(faults.len(), MOST_TOLD + 1);
        assert!(faults[MOST_TOLD].ends_with(": 980 more lines are wrong"));
    }
}
