//! The addresses of a field as one line, as they are searched: what an envelope tells of them, and no comments.

use super::address::{Address, Domain, Mailbox};
use super::token::is_atext;

/// Writes addresses as `Name <local@domain>, Group: <local@domain>;`, as Dovecot does: a name that is no atom is quoted,
/// and where a part is missing stands what an envelope tells instead. Encoded words are left as they are.
pub(crate) fn write_address_line(addresses: &[Address], out: &mut Vec<u8>) {
    let mut between: &[u8] = b"";
    for address in addresses {
        match address {
            Address::GroupStart(name) => {
                out.extend_from_slice(between);
                write_word(name, false, out);
                out.push(b':');
                between = b" ";
            }
            Address::GroupEnd => {
                out.push(b';');
                between = b", ";
            }
            Address::Mailbox(mailbox) => {
                out.extend_from_slice(between);
                write_mailbox(mailbox, out);
                between = b", ";
            }
        }
    }
}

fn write_mailbox(mailbox: &Mailbox, out: &mut Vec<u8>) {
    if let Some(name) = mailbox.name.as_deref().filter(|name| !name.is_empty()) {
        match memchr::memmem::find(name, b"=?") {
            // RFC 2047 §5 (3): no encoded word stands in quotes.
            Some(_) => out.extend_from_slice(name),
            None => write_word(name, false, out),
        }
        out.push(b' ');
    }
    out.push(b'<');
    if let Some(route) = &mailbox.route {
        out.extend_from_slice(route);
        out.push(b':');
    }
    match &mailbox.local {
        Some(local) => write_word(local, true, out),
        None => out.extend_from_slice(mailbox.local_text()),
    }
    out.push(b'@');
    match &mailbox.domain {
        Domain::Named(name) => out.extend_from_slice(name),
        _ => out.extend_from_slice(mailbox.domain_text()),
    }
    out.push(b'>');
}

/// An atom, with dots in it or not, as it is; anything else in quotes.
fn write_word(word: &[u8], dots: bool, out: &mut Vec<u8>) {
    let plain = |b: &u8| is_atext(*b) || dots && *b == b'.';
    if !word.is_empty() && word.iter().all(plain) {
        return out.extend_from_slice(word);
    }
    out.push(b'"');
    for &byte in word {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::address::parse_addresses;
    use super::*;

    #[test]
    fn addresses_stand_in_one_line_as_an_envelope_tells_them() {
        for (value, line) in [
            ("a@x.test", "<a@x.test>"),
            ("a@x.test (A Comment)", "\"A Comment\" <a@x.test>"),
            ("Bob(by) <b@x.test>", "Bob <b@x.test>"),
            (
                "\"Q \\\" x\" <\"l p\"@x.test>",
                "\"Q \\\" x\" <\"l p\"@x.test>",
            ),
            ("J. R. T <d.o.t@t>", "\"J. R. T\" <d.o.t@t>"),
            ("Name <a@x.test", "Name <a@SYNTAX_ERROR>"),
            ("a@", "<a@MISSING_DOMAIN>"),
            ("a@x,,b@y", "<a@x>, <MISSING_MAILBOX@MISSING_DOMAIN>, <b@y>"),
            ("<@r.test:a@x.test>", "<@r.test:a@x.test>"),
            ("G: a@x, B <b@y>;, c@z", "G: <a@x>, B <b@y>;, <c@z>"),
            ("None:;", "None:;"),
            ("=?utf-8?Q?a?= b. <u@x>", "=?utf-8?Q?a?= b. <u@x>"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            write_address_line(&parse_addresses(value.as_bytes(), 100), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), line, "{value}");
        }
    }
}
