//! The place of what extensions add to commands in parentheses (RFC 4466 §2): `SELECT x (CONDSTORE)`,
//! `FETCH 1 FLAGS (CHANGEDSINCE 9)`, `STORE 1 (UNCHANGEDSINCE 9) …`. Each extension adds its field here and
//! its arm below; commands that know none of them need no change.

use super::{Cursor, Wrong};

/// What was asked for beyond the command's own arguments. No extension that asks for anything is in yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Modifiers {}

impl Modifiers {
    /// Reads the list that may be next, the cursor standing at its parenthesis or somewhere else.
    ///
    /// # Errors
    /// For one that is not known, so that none is ever silently ignored.
    pub(crate) fn parse(at: &mut Cursor<'_>, command: &str) -> Result<Self, Wrong> {
        if at.peek() != Some(b'(') {
            return Ok(Self::default());
        }
        let command = format!("Unknown {command} modifier ");
        at.list(|at| {
            let name = at.keyword()?;
            Err::<(), _>(Wrong::quoting(&command, name.as_bytes()))
        })?;
        Ok(Self::default())
    }
}
