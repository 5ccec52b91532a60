//! A table written where it is used (Postfix: `inline:{ key=value, { key = text with blanks } }`).

use super::{Shape, Table, fold};
use crate::Result;
use async_trait::async_trait;
use std::collections::HashMap;

/// A small table of fixed entries. Keys are compared without regard to case; the last of several values of a
/// key stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inline {
    entries: HashMap<String, String>,
}

/// What is wrong with the text of an inline table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InlineError {
    /// It does not begin with `{`, does not end with the `}` to it, or holds nothing.
    #[error("an inline table is written {{name=value, {{name = text}} …}}")]
    Braces,
    /// An entry has no `=` behind its name, or no name.
    #[error("missing name or '=' in {0:?}")]
    NoValue(String),
    /// Something follows upon a `}` without blank or comma.
    #[error("{0:?} follows upon '}}'")]
    Behind(String),
}

impl Inline {
    /// The table named by what stands behind `inline:`. Entries are parted by commas and blanks. One without
    /// braces is `name=value` with no blank in it; one within braces may have blanks around `=` and in its
    /// value.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse(name: &str) -> std::result::Result<Self, InlineError> {
        let inner = name
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or(InlineError::Braces)?;
        let mut entries = HashMap::new();
        let mut rest = inner.trim_start_matches(is_separator);
        while !rest.is_empty() {
            let (item, behind) = rest.split_at(item_len(rest)?);
            let (key, value) = match item.strip_prefix('{').and_then(|i| i.strip_suffix('}')) {
                Some(item) => braced(item)?,
                None => item
                    .split_once('=')
                    .ok_or_else(|| InlineError::NoValue(item.to_owned()))?,
            };
            if key.is_empty() {
                return Err(InlineError::NoValue(item.to_owned()));
            }
            entries.insert(fold(key), value.to_owned());
            rest = behind.trim_start_matches(is_separator);
        }
        if entries.is_empty() {
            return Err(InlineError::Braces);
        }
        Ok(Self { entries })
    }
}

/// The length of the entry that `text` begins with: up to a separator outside of braces.
fn item_len(text: &str) -> std::result::Result<usize, InlineError> {
    let mut depth = 0_usize;
    let is_braced = text.starts_with('{');
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1).ok_or(InlineError::Braces)?;
                let behind = text.get(at + 1..).unwrap_or("");
                if depth == 0 && is_braced {
                    return if behind.is_empty() || behind.starts_with(is_separator) {
                        Ok(at + 1)
                    } else {
                        Err(InlineError::Behind(behind.to_owned()))
                    };
                }
            }
            c if depth == 0 && is_separator(c) => return Ok(at),
            _ => {}
        }
    }
    if depth == 0 {
        Ok(text.len())
    } else {
        Err(InlineError::Braces)
    }
}

/// `name = value`: the name is one word.
fn braced(item: &str) -> std::result::Result<(&str, &str), InlineError> {
    let item = item.trim();
    item.split_once('=')
        .map(|(key, value)| (key.trim_end(), value.trim_start()))
        .filter(|(key, _)| !key.contains(char::is_whitespace))
        .ok_or_else(|| InlineError::NoValue(item.to_owned()))
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ',')
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Inline {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self {
            entries: pairs.map(|(k, v)| (fold(k.as_ref()), v.into())).collect(),
        }
    }
}

#[async_trait]
impl Table for Inline {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self.entries.get(&fold(key)).cloned())
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `postmap -q KEY inline:TEXT` answers.
    #[test]
    fn entries_are_read_as_postfix_reads_them() {
        for (text, key, value) in [
            ("{ {a = b c , d}, e=f , g=h}", "a", "b c , d"),
            ("{ {a = b c , d}  e=f g=h}", "g", "h"),
            ("{k=v a=b}", "a", "b"),
            ("{ K=v }", "k", "v"),
            ("{ K=v }", "k", "v"),
            ("{ {k =  v=w  } }", "k", "v=w"),
            ("{ k=1, k=2 }", "k", "2"),
            ("{ {{k} = v} }", "{k}", "v"),
            ("{ {a = { b } } }", "a", "{ b }"),
            ("{ k=v,, ,j=w }", "j", "w"),
            ("{{a=b},{c=d}}", "c", "d"),
            ("{a=b=c}", "a", "b=c"),
            ("{ a={b c} }", "a", "{b c}"),
            ("{ a=b{c d}e, f=g }", "a", "b{c d}e"),
            ("{{a = b},}", "a", "b"),
        ] {
            let table = Inline::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found = table.entries.get(key).map(String::as_str);
            assert_eq!(found, Some(value), "{text}");
        }
    }

    #[test]
    fn what_postfix_refuses_is_refused() {
        for text in [
            "k=v",
            "{}",
            "{k}",
            "{ k = v }",
            "{ k = v, w }",
            "{ =v }",
            "{ {k = v} x }",
            "{ k=v } trail",
            "  { a=b }  ",
            "{ {a = b }",
            "{ {a=b}{c=d}}",
            "{ {a} = b }",
            "{ {a b = c} }",
            "{ a=b } }",
        ] {
            assert!(Inline::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn braces_without_end_are_no_trouble() {
        assert!(Inline::parse(&"{".repeat(100_000)).is_err());
        let deep = format!("{{a={}b{}}}", "{".repeat(50_000), "}".repeat(50_000));
        assert!(Inline::parse(&deep).is_ok());
    }

    #[test]
    fn pairs_make_the_same_table() {
        let pairs: Inline = [("K", "v"), ("a", "b c")].into_iter().collect();
        assert_eq!(Ok(pairs), Inline::parse("{ k=v {a = b c} }"));
    }
}
