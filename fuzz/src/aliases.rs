//! Files of aliases: read whole or refused with the line that is wrong, and every entry leads somewhere.

use crate::{safe, scratch};
use mailcore::route::Aliases;
use mailcore_store::table::Table;

/// The input is a file.
pub fn body(input: &[u8]) {
    match scratch::holding(input, |path| Aliases::open(path)) {
        Ok(aliases) => {
            let text = std::str::from_utf8(input).expect("only text is read");
            assert!(aliases.len() <= text.lines().count());
            for line in text.lines() {
                let name = line.split([':', ' ', '\t']).next().unwrap_or_default();
                let found = scratch::at_once(aliases.get(name)).expect("it was read");
                assert!(found.is_none_or(|targets| !targets.trim().is_empty()));
            }
        }
        Err(error) => safe::one_line(&error.to_string()),
    }
}
