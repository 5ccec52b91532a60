//! Files of aliases: whatever a line holds, the others are used, and every name leads somewhere or is put off with its
//! line.

use crate::{safe, scratch};
use mailcore::route::Aliases;
use mailcore_store::Kind;
use mailcore_store::table::Table;

/// The input is a file.
pub fn body(input: &[u8]) {
    let aliases = scratch::holding(input, |path| {
        let aliases = Aliases::open(path).expect("any octets are read");
        let lines = input.split(|b| *b == b'\n');
        assert!(aliases.len() <= lines.clone().count());
        for line in lines {
            let line = String::from_utf8_lossy(line);
            let name = line.split([':', ' ', '\t']).next().unwrap_or_default();
            match scratch::at_once(aliases.get(&name.to_lowercase())) {
                Ok(found) => assert!(found.is_none_or(|targets| !targets.trim().is_empty())),
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Corrupt);
                    safe::one_line(&error.to_string());
                }
            }
        }
        aliases
    });
    // A good line is used, whatever stands before it.
    let more = [input, b"\nGood-Line: somebody@example.test\n"].concat();
    let name = "good-line";
    let before = scratch::holding(input, |_| scratch::at_once(aliases.get(name)));
    scratch::holding(&more, |path| {
        let aliases = Aliases::open(path).expect("any octets are read");
        let found = scratch::at_once(aliases.get(name));
        match before {
            // What came first holds.
            Ok(Some(first)) => assert_eq!(found.ok().flatten(), Some(first)),
            Ok(None) => assert_eq!(
                found.ok().flatten().as_deref(),
                Some("somebody@example.test")
            ),
            Err(_) => assert!(found.is_err()),
        }
    });
}
