//! A table that answers every key alike (Postfix: `static:value`).

use super::{Shape, Table};
use crate::Result;
use async_trait::async_trait;

/// A table with one value for all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Static(String);

impl Static {
    /// A table that always answers `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The table named by what stands behind `static:`. Braces go, with the blanks inside them:
    /// `{ DEFER try later }`.
    pub fn parse(name: &str) -> Self {
        let inner = name
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        Self::new(inner.map_or(name, str::trim))
    }
}

#[async_trait]
impl Table for Static {
    async fn get(&self, _key: &str) -> Result<Option<String>> {
        Ok(Some(self.0.clone()))
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_go_and_other_blanks_stay() {
        assert_eq!(Static::parse("foo"), Static::new("foo"));
        assert_eq!(Static::parse("{ foo bar }"), Static::new("foo bar"));
        assert_eq!(Static::parse(" foo "), Static::new(" foo "));
    }
}
