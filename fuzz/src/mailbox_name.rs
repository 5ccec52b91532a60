//! Mailbox names in both encodings: one name has one spelling, cannot climb, and LIST matches it as defined.

use crate::Choices;
use mailcore_base::mailbox::{MailboxName, Pattern};

/// The input is a name in modified UTF-7, a line feed, and a pattern; its last octet chooses the separator.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let separator = choices.one_of(&['/', '.', '\\', '^']).unwrap_or('/');
    let wire = choices.line().unwrap_or_default();
    let pattern = choices.rest();

    let eight = MailboxName::parse_utf8(wire, separator);
    if let Ok(name) = &eight {
        lawful(name, separator);
    }
    let Ok(name) = MailboxName::parse_utf7(wire, separator) else {
        return;
    };
    lawful(&name, separator);
    let written = name.to_utf7(separator).expect("it was just read with it");
    assert!(same_but_inbox(written.as_bytes(), wire), "{written}");

    matching(&name, pattern, separator);
}

fn lawful(name: &MailboxName, separator: char) {
    assert!((1..=MailboxName::MAX_DEPTH).contains(&name.depth()));
    for component in name.components() {
        assert!((1..=MailboxName::MAX_COMPONENT).contains(&component.len()));
        assert!(component != "." && component != "..");
        assert!(!component.contains(|c: char| c.is_control() || c == separator));
    }
    let eight = name.to_utf8(separator).expect("no component holds it");
    assert!(eight.len() <= MailboxName::MAX);
    assert_eq!(
        MailboxName::parse_utf8(eight.as_bytes(), separator).as_ref(),
        Ok(name)
    );
    let seven = name.to_utf7(separator).expect("no component holds it");
    assert!(seven.bytes().all(|b| matches!(b, b' '..=b'~')));
    assert_eq!(
        MailboxName::parse_utf7(seven.as_bytes(), separator).as_ref(),
        Ok(name)
    );
    if let Some(parent) = name.parent() {
        assert!(name.is_below(&parent) && parent < *name);
        assert_eq!(parent.child(name.leaf()).as_ref(), Ok(name));
        let moved = name.renamed(&parent, &MailboxName::inbox());
        assert!(moved.is_some_and(|moved| moved.is_ok_and(|name| name.depth() == 2)));
    }
}

/// RFC 3501 §5.1: INBOX has no case.
fn same_but_inbox(written: &[u8], wire: &[u8]) -> bool {
    let both = written.split_at_checked(5).zip(wire.split_at_checked(5));
    written == wire
        || both.is_some_and(|((inbox, rest), (given, same))| {
            inbox == b"INBOX" && given.eq_ignore_ascii_case(b"inbox") && rest == same
        })
}

fn matching(name: &MailboxName, pattern: &[u8], separator: char) {
    let Some(text) = name.to_utf8(separator) else {
        return;
    };
    for (everything, want) in [("*", true), ("%", name.depth() == 1), ("", false)] {
        let pattern = Pattern::parse(everything, separator).expect("short");
        assert_eq!(pattern.matches(name), want, "{everything}");
    }
    if let Ok(own) = Pattern::parse(&text, separator) {
        assert!(own.matches(name), "a name does not match itself");
    }
    let Ok(asked) = std::str::from_utf8(pattern) else {
        return;
    };
    let Ok(pattern) = Pattern::parse(asked, separator) else {
        return;
    };
    // The definition costs time, and knows nothing of INBOX.
    let small = asked.len() <= 64 && text.len() <= 64;
    if small && name.components().next() != Some("INBOX") {
        assert_eq!(pattern.matches(name), plainly(asked, &text, separator));
    } else {
        let _ = pattern.matches(name);
    }
}

/// RFC 3501 §6.3.8, said with a table: `reached[j]` is whether what has been read of the pattern matches the first `j`
/// characters of the name.
fn plainly(pattern: &str, name: &str, separator: char) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for p in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for (j, &here) in reached.iter().enumerate() {
            match p {
                '*' | '%' => {
                    let from_left = j > 0 && next[j - 1] && (p == '*' || name[j - 1] != separator);
                    next[j] = here || from_left;
                }
                c if j < name.len() => next[j + 1] = here && name[j] == c,
                _ => {}
            }
        }
        reached = next;
    }
    reached[name.len()]
}
