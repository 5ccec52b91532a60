//! How many mistakes a client has made, and what they cost it.

use super::options::{Flavour, Options};
use mailcore_base::reply::Code;

/// Mistakes and idle commands since the last message that was accepted.
#[derive(Debug, Default)]
pub(super) struct Errors {
    errors: u32,
    junk: u32,
}

/// What a reply costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Nothing,
    /// It is held back for a while.
    Delay,
    /// The connection ends in place of it.
    Instead,
}

impl Errors {
    /// Counts a reply. SMTP counts every refusal; LMTP only what is no command at all, and only in a row, since a
    /// server that delivers to many unknown users does nothing wrong.
    pub(super) fn count(&mut self, code: Code, options: &Options) -> Cost {
        match options.flavour {
            Flavour::Smtp if code.is_refusal() => {
                self.errors = self.errors.saturating_add(1);
                if self.errors > options.soft_errors {
                    Cost::Delay
                } else {
                    Cost::Nothing
                }
            }
            Flavour::Smtp => Cost::Nothing,
            Flavour::Lmtp if matches!(code.number(), 500..=502) => {
                self.errors = self.errors.saturating_add(1);
                if self.errors > options.hard_errors {
                    Cost::Instead
                } else {
                    Cost::Nothing
                }
            }
            Flavour::Lmtp => {
                self.errors = 0;
                Cost::Nothing
            }
        }
    }

    /// Counts a command that does nothing for any message.
    pub(super) fn junk(&mut self, options: &Options) {
        self.junk = self.junk.saturating_add(1);
        if self.junk > options.junk_commands {
            self.errors = self.errors.saturating_add(1);
        }
    }

    /// Whether the client has had its chances.
    pub(super) fn too_many(&self, options: &Options) -> bool {
        match options.flavour {
            Flavour::Smtp => self.errors >= options.hard_errors,
            Flavour::Lmtp => self.errors > options.hard_errors,
        }
    }

    /// A message was accepted: all is forgiven.
    pub(super) fn forgive(&mut self) {
        *self = Self::default();
    }
}
