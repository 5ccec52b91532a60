//! Tables in text: what makes no sense is told by its line and skipped, what is read can be asked for.

use crate::{safe, scratch};
use mailcore_store::table::{Inline, Table, TextHash, TextHashOptions};
use std::sync::{Arc, Mutex};

/// The input is an inline table, and a text file.
pub fn body(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match Inline::parse(text) {
            Ok(table) => {
                assert!(text.starts_with('{') && text.ends_with('}') && text.contains('='));
                assert_eq!(scratch::at_once(table.get("")).expect("inline"), None);
            }
            Err(error) => safe::one_line(&error.to_string()),
        }
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let mut options = TextHashOptions::default();
    options.report = Arc::new(move |fault| tell.lock().expect("sound").push(fault.clone()));
    let table = scratch::holding(input, |path| TextHash::open(path, options)).expect("it is small");
    let lines = input.split(|b| *b == b'\n').count();
    for fault in told.lock().expect("sound").iter() {
        safe::one_line(&fault.what);
        assert!(fault.line.is_some_and(|line| (1..=lines).contains(&line)));
    }
    first_words(input, &table);
}

/// Of plain lines the first of each key is found, whatever stands around them.
fn first_words(input: &[u8], table: &TextHash) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for line in text.split('\n') {
        let plain = |word: &str| !word.contains(['"', '\\']) && word.is_ascii();
        let mut words = line.split([' ', '\t']);
        if let (Some(key), Some(value)) = (words.next(), words.next())
            && !key.is_empty()
            && !key.starts_with('#')
            && plain(line)
            && !line.contains(|c: char| c.is_ascii_control())
            && !value.is_empty()
        {
            let found = scratch::at_once(table.get(key)).expect("it was read");
            assert!(
                found.is_some_and(|value| !value.is_empty()),
                "{key:?} is lost"
            );
        }
    }
}
