//! The attributes of XCLIENT and XFORWARD: `NAME=value`, the value as xtext.

use mailcore_base::envelope::{Text, decode_xtext};
use thiserror::Error;

/// One attribute of a client, as a proxy tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in upper case; one of those that were asked for.
    pub name: &'static str,
    /// Its value; `None` for `[UNAVAILABLE]` and `[TEMPUNAVAIL]`.
    pub value: Option<Text>,
}

/// What is wrong with an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttributeError {
    /// There is none at all.
    #[error("no attribute")]
    Missing,
    /// It has no `=`.
    #[error("attribute=value expected")]
    NoValue,
    /// Its name is not known; the name as far as it can be shown.
    #[error("unknown attribute")]
    Unknown(Text),
    /// Its value is not xtext, holds a control character, or is none of its kind; name, and value as far as it
    /// can be shown.
    #[error("bad value of {0}")]
    BadValue(&'static str, Text),
}

/// Reads attributes, each of which must have one of `names`.
///
/// # Errors
/// The first mistake.
pub fn attributes(text: &str, names: &[&'static str]) -> Result<Vec<Attribute>, AttributeError> {
    let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let read: Vec<_> = words
        .map(|word| attribute(word, names))
        .collect::<Result<_, _>>()?;
    match read.is_empty() {
        true => Err(AttributeError::Missing),
        false => Ok(read),
    }
}

fn attribute(word: &str, names: &[&'static str]) -> Result<Attribute, AttributeError> {
    let (name, value) = word.split_once('=').ok_or(AttributeError::NoValue)?;
    let known = names.iter().find(|known| known.eq_ignore_ascii_case(name));
    let name = *known.ok_or_else(|| AttributeError::Unknown(Text::lossy(name.as_bytes())))?;
    if ["[UNAVAILABLE]", "[TEMPUNAVAIL]"]
        .iter()
        .any(|none| none.eq_ignore_ascii_case(value))
    {
        return Ok(Attribute { name, value: None });
    }
    let text = decode_xtext(value)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text
        .and_then(|text| Text::new(&text).ok())
        .filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| AttributeError::BadValue(name, Text::lossy(value.as_bytes())))?;
    Ok(Attribute {
        name,
        value: Some(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_carries_a_line_break() {
        let read = |text| attributes(text, &["NAME", "ADDR"]);
        let name = Text::new("a b").unwrap();
        let bad = |value: &str| AttributeError::BadValue("NAME", Text::new(value).unwrap());
        assert_eq!(
            read("name=a+20b ADDR=[unavailable]"),
            Ok(vec![
                Attribute {
                    name: "NAME",
                    value: Some(name)
                },
                Attribute {
                    name: "ADDR",
                    value: None
                }
            ])
        );
        assert_eq!(read("NAME=a+0D+0Ab"), Err(bad("a+0D+0Ab")));
        assert_eq!(read("NAME=a+00"), Err(bad("a+00")));
        assert_eq!(read("NAME="), Err(bad("")));
        assert_eq!(read("NAME"), Err(AttributeError::NoValue));
        assert_eq!(read(""), Err(AttributeError::Missing));
        assert!(matches!(read("X=Y"), Err(AttributeError::Unknown(_))));
    }
}
