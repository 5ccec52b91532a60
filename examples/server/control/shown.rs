//! Text from anywhere, made fit for a terminal: what would move its cursor, change its title or turn its lines about is
//! shown, not sent. Nothing is left out.

/// A line, its line feed aside, as a terminal may have it.
pub fn shown(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => out.push(c),
                c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                c if is_dangerous(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                c => out.push(c),
            }
        }
        for octet in chunk.invalid() {
            out.push_str(&format!("\\x{octet:02x}"));
        }
    }
    out
}

/// Controls of eight bits, and those of direction.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_all_else_stays() {
        for (line, shows) in [
            (&b"Subject: gr\xc3\xbc\xc3\x9fe\tx"[..], "Subject: grüße\tx"),
            (b"\x1b[2J\x07\r\x7f", "\\x1b[2J\\x07\\x0d\\x7f"),
            (b"\xc2\x9b31m", "\\u{9b}31m"),
            (b"\x9b31m\xff", "\\x9b31m\\xff"),
            (b"\xe2\x80\xae", "\\u{202e}"),
        ] {
            assert_eq!(shown(line), shows);
        }
    }
}
