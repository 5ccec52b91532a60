//! Headers: no octet of one is lost between its fields, values are one line, and addresses keep to their limit.

use crate::{Choices, imap_grammar};
use mailcore_base::message::{
    Address, Envelope, Fields, Structure, parse_addresses, write_envelope,
};

/// The input is a header, or the value of an address field; its last octet is the limit of addresses.
pub fn body(input: &[u8]) {
    fields(input);
    let envelope = Envelope::of(input);
    let mut out = Vec::new();
    write_envelope(&envelope, &mut out);
    imap_grammar::values(&out);
    assert_eq!(Structure::of(input).envelope(), Some(&envelope));

    let mut choices = Choices::new(input);
    let most = choices.below(256);
    let list = parse_addresses(choices.rest(), most);
    // A group's end follows its last member whatever the limit is.
    assert!(list.len() <= most + 1, "{} addresses of {most}", list.len());
    groups(&list);
    let held: usize = list.iter().map(octets).sum();
    // A NUL becomes a replacement character of three octets.
    assert!(held <= 3 * input.len() + 32 * list.len());
}

fn fields(header: &[u8]) {
    let mut seen = 0;
    for field in Fields::new(header) {
        assert!(header[seen..].starts_with(field.raw()));
        assert!(!field.raw().is_empty(), "a field of nothing");
        seen += field.raw().len();
        assert!(!field.value().contains(&b'\n') && !field.value().contains(&b'\r'));
        assert!(!field.is_field() || !field.name().contains(&b':'));
        assert!(field.raw().starts_with(field.name()));
    }
    let rest = &header[seen..];
    assert!(rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n"));
}

/// Groups do not nest, and each that starts ends.
fn groups(list: &[Address]) {
    let mut open = false;
    for address in list {
        match address {
            Address::GroupStart(_) => assert!(!std::mem::replace(&mut open, true)),
            Address::GroupEnd => assert!(std::mem::replace(&mut open, false)),
            Address::Mailbox(_) => {}
        }
    }
    assert!(!open, "a group without end");
}

fn octets(address: &Address) -> usize {
    match address {
        Address::GroupStart(name) => name.len(),
        Address::GroupEnd => 0,
        Address::Mailbox(mailbox) => {
            let kept = [&mailbox.name, &mailbox.route];
            let kept: usize = kept.into_iter().flatten().map(Vec::len).sum();
            kept + mailbox.address().map_or(0, |address| address.len() / 2)
        }
    }
}
