//! A set of mechanisms, as it is advertised. An exchange for anything outside the offer is refused, so
//! advertised and accepted are one. What may be in it is told by the conditions.

use crate::{Conditions, Mechanism};
use std::fmt;

/// A set of mechanisms.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Offer(u16);

impl Offer {
    /// No mechanism at all.
    pub const NONE: Self = Self(0);

    /// Every mechanism of this crate.
    pub fn all() -> Self {
        Mechanism::ALL.into_iter().collect()
    }

    /// The mechanisms that a connection may be offered.
    pub fn of(conditions: &Conditions) -> Self {
        Mechanism::ALL
            .into_iter()
            .filter(|mechanism| conditions.permit(*mechanism))
            .collect()
    }

    /// The mechanisms named in a server's list, separated by spaces (a capability line or its rest). Words
    /// that name none of ours are passed over.
    pub fn parse(words: &str) -> Self {
        words
            .split_ascii_whitespace()
            .filter_map(Mechanism::parse)
            .collect()
    }

    /// Whether the mechanism is in the set.
    pub const fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & (1 << mechanism as u16) != 0
    }

    /// The set with this mechanism.
    #[must_use]
    pub const fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | (1 << mechanism as u16))
    }

    /// The set without this mechanism.
    #[must_use]
    pub const fn without(self, mechanism: Mechanism) -> Self {
        Self(self.0 & !(1 << mechanism as u16))
    }

    /// Whether there is nothing in it, so that no `AUTH` should be advertised.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The mechanisms, the strongest first.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL
            .into_iter()
            .filter(move |mechanism| self.contains(*mechanism))
    }

    /// Whether any -PLUS mechanism is in it, which is what RFC 5802 §6 calls a server that supports channel
    /// bindings.
    pub fn binds_channel(self) -> bool {
        self.iter().any(Mechanism::binds_channel)
    }
}

impl FromIterator<Mechanism> for Offer {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Self {
        mechanisms.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Offer {
    /// The names with a space between them, the strongest first: the tail of an `AUTH` line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mechanism) in self.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{mechanism}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offer({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_parses_back_and_strange_words_are_passed_over() {
        assert_eq!(Offer::parse(&Offer::all().to_string()), Offer::all());
        assert_eq!(Offer::parse("NTLM plain  x").to_string(), "PLAIN");
        assert_eq!(
            Offer::all()
                .without(Mechanism::Plain)
                .with(Mechanism::Plain),
            Offer::all()
        );
    }
}
