//! What a LIST asks for: selection and return options (RFC 5258 §3, RFC 5819, RFC 6154 §2).

use crate::parse::{Cursor, Wrong};
use crate::server::command::status::Items;

/// Which mailboxes are told, and what of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// In the words of LIST-EXTENDED.
    pub(super) extended: bool,
    /// Those subscribed to alone, whether they exist or not.
    pub(super) subscribed_only: bool,
    /// Those with a special use alone.
    pub(super) special_only: bool,
    /// Those above such ones too.
    pub(super) recursive: bool,
    pub(super) subscribed: bool,
    pub(super) special: bool,
    pub(super) children: bool,
    pub(super) status: Option<Items>,
}

impl Wanted {
    /// What a plain LIST tells.
    pub(super) const PLAIN: Self = Self {
        extended: false,
        special: true,
        children: true,
        ..Self::NOTHING
    };
    const NOTHING: Self = Self {
        extended: true,
        subscribed_only: false,
        special_only: false,
        recursive: false,
        subscribed: false,
        special: false,
        children: false,
        status: None,
    };

    /// What follows is in the words of LIST-EXTENDED, which tells what was asked for alone.
    pub(super) fn extend(&mut self) {
        if !self.extended {
            *self = Self::NOTHING;
        }
    }

    /// `(option …)` and the space behind it.
    pub(super) fn select(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        *self = Self::NOTHING;
        at.list(|at| {
            match at.keyword()?.as_str() {
                "SUBSCRIBED" => (self.subscribed_only, self.subscribed) = (true, true),
                "SPECIAL-USE" => (self.special_only, self.special) = (true, true),
                "RECURSIVEMATCH" => self.recursive = true,
                // There are no mailboxes elsewhere.
                "REMOTE" => {}
                _ => return Err("Unknown select options".into()),
            }
            Ok(())
        })?;
        // RFC 5258 §3.1
        if self.recursive && !self.subscribed_only && !self.special_only {
            return Err("RECURSIVEMATCH must not be the only selection".into());
        }
        at.space()
    }

    /// `RETURN (option …)`, the end of the command.
    pub(super) fn returned(&mut self, at: &mut Cursor<'_>) -> Result<(), Wrong> {
        if !at.word("RETURN") || at.space().is_err() || at.peek() != Some(b'(') {
            return Err("Extra arguments".into());
        }
        self.extend();
        at.list(|at| {
            match at.keyword()?.as_str() {
                "SUBSCRIBED" => self.subscribed = true,
                "SPECIAL-USE" => self.special = true,
                "CHILDREN" => self.children = true,
                "STATUS" if at.peek() == Some(b' ') => {
                    at.space()?;
                    self.status = Some(Items::parse(at)?);
                }
                _ => return Err("Unknown return options".into()),
            }
            Ok(())
        })?;
        at.end()
    }
}
