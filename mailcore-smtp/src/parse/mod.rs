//! Command lines taken apart. Pure and total: a line goes in, a value or the kind of mistake comes out; what
//! is said about a mistake, and whether a command is welcome now, is the session's.

mod chunk;
mod parameters;
mod verb;
mod xattribute;

pub use chunk::{Chunk, ChunkError};
pub use parameters::{Allowed, ParameterError, mail_parameters, rcpt_parameters};
pub use verb::Verb;
pub use xattribute::{Attribute, AttributeError, attributes};

/// A command line without its line end: the verb's word, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLine<'a> {
    /// The first word, in the case it was sent.
    pub word: &'a str,
    /// Everything behind the spaces that follow the verb, trailing spaces cut.
    pub arguments: &'a str,
}

impl<'a> CommandLine<'a> {
    /// Parts the verb from its arguments. Spaces and tabs around both are cut (RFC 5321 §4.1.1 lets a server
    /// ignore trailing white space; leading is what people type).
    #[must_use]
    pub fn split(line: &'a str) -> Self {
        let line = line.trim_matches(is_space);
        let (word, arguments) = line.split_once(is_space).unwrap_or((line, ""));
        Self {
            word,
            arguments: arguments.trim_start_matches(is_space),
        }
    }

    /// The arguments, word by word.
    pub fn words(&self) -> impl Iterator<Item = &'a str> {
        self.arguments
            .split(is_space)
            .filter(|word| !word.is_empty())
    }

    /// What stands behind `FROM:` or `TO:`, and whether spaces stood between. `None` if the keyword is missing.
    #[must_use]
    pub fn behind(&self, keyword: &str) -> Option<(&'a str, bool)> {
        let head = self.arguments.get(..keyword.len())?;
        let rest = self.arguments.get(keyword.len()..)?;
        let trimmed = rest.trim_start_matches(is_space);
        head.eq_ignore_ascii_case(keyword)
            .then_some((trimmed, trimmed.len() < rest.len()))
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parted_however_it_was_typed() {
        let line = CommandLine::split("  mail\t From: <a b>  ");
        assert_eq!((line.word, line.arguments), ("mail", "From: <a b>"));
        assert_eq!(line.behind("FROM:"), Some(("<a b>", true)));
        assert_eq!(line.behind("TO:"), None);
        assert_eq!(CommandLine::split("").word, "");
        assert_eq!(CommandLine::split("RCPT TÖ:").behind("TO:"), None);
        assert_eq!(
            CommandLine::split("ETRN a  b").words().collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
