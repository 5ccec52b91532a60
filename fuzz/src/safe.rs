//! What must hold of any text that goes on into a header, a reply, a command or a log line.

/// Panics if the text could begin a new line somewhere, or turn the direction of one.
#[track_caller]
pub fn one_line(text: &str) {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(bad), "not one safe line: {text:?}");
}

/// Panics if there is more than one CRLF, or a bare CR, LF or NUL, or if the line does not end in CRLF.
#[track_caller]
pub fn one_wire_line(line: &[u8]) {
    let shown = line.escape_ascii();
    let body = line.strip_suffix(b"\r\n");
    let body = body.unwrap_or_else(|| panic!("no CRLF at the end: {shown}"));
    assert!(
        !body.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)),
        "a line break within: {shown}"
    );
}
