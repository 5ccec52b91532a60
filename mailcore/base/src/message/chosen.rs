//! The header fields that are worth keeping at hand: those that clients list, sort and thread mailboxes by. A store
//! may keep them apart from its messages; what is asked of other fields takes reading the header.

use super::field::Fields;
use super::lines::ToCrlf;

/// Which list [`CHOSEN_FIELDS`] is. Whoever keeps fields by it keeps this number with them, and picks them anew
/// when it has changed.
pub const CHOSEN_FIELDS_VERSION: u16 = 1;

/// Names of the fields, in lower case and in order.
pub const CHOSEN_FIELDS: [&str; 39] = [
    "auto-submitted",
    "bcc",
    "cc",
    "chat-version",
    "content-description",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "disposition-notification-to",
    "from",
    "importance",
    "in-reply-to",
    "lines",
    "list-id",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
    "mail-followup-to",
    "mail-reply-to",
    "message-id",
    "mime-version",
    "newsgroups",
    "precedence",
    "priority",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-draft-info",
    "x-label",
    "x-msmail-priority",
    "x-original-to",
    "x-priority",
    "x-spam-flag",
    "x-uniform-type-identifier",
    "x-universally-unique-identifier",
];

/// Whether fields of that name, in any case, are among the chosen ones.
pub fn is_chosen_field(name: &[u8]) -> bool {
    let longest = CHOSEN_FIELDS.iter().map(|n| n.len()).max().unwrap_or(0);
    if name.len() > longest {
        return false;
    }
    let name = name.to_ascii_lowercase();
    CHOSEN_FIELDS
        .binary_search_by(|chosen| chosen.as_bytes().cmp(&name))
        .is_ok()
}

/// Adds the chosen fields of a header, or of a message, to `out`: each as it stands there and in that order, with CRLF
/// line ends, without an empty line behind them; one that the message ends in may lack its line end. What [`Found::filter`](super::Found::filter) picks from a header by
/// names of the list it picks from this, too.
pub fn write_chosen_fields(header: &[u8], out: &mut Vec<u8>) {
    for field in Fields::new(header) {
        if field.is_field() && is_chosen_field(field.name()) {
            let mut crlf = ToCrlf::new();
            crlf.convert(field.raw(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Extent, Found, Section, Structure};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(CHOSEN_FIELDS.is_sorted());
        for name in CHOSEN_FIELDS {
            assert!(is_chosen_field(name.to_ascii_uppercase().as_bytes()));
        }
        for name in ["", "received", "x", "fro", "fromm"] {
            assert!(!is_chosen_field(name.as_bytes()), "{name}");
        }
    }

    fn picked(header: &[u8], names: &str) -> Vec<u8> {
        let section = Section::parse(format!("HEADER.FIELDS ({names})").as_bytes()).unwrap();
        let found = Structure::of(header).find(&section);
        let Found::Fields {
            header: Extent { bytes, .. },
            ..
        } = found
        else {
            panic!("{found:?}");
        };
        let mut out = Vec::new();
        found.filter(&header[..bytes as usize], &mut out);
        out
    }

    proptest! {
        #[test]
        fn what_is_picked_from_them_is_picked_from_the_header(
            lines in proptest::collection::vec(prop_oneof![
                Just("From: a\r\n"), Just("to : b\n"), Just(" folded\r\n"), Just("\tfolded\n"), Just("Received: c\r\n"),
                Just("no field\r\n"), Just("Subject:\r\n"), Just("subject: d\r\r\n"), Just(": nameless\r\n"),
            ], 0..12),
            end in prop_oneof![Just(""), Just("\r\n"), Just("\nbody"), Just("Cc: cut"), Just("Cc: cut\r")],
        ) {
            let header = format!("{}{end}", lines.concat()).into_bytes();
            let mut chosen = Vec::new();
            write_chosen_fields(&header, &mut chosen);
            for names in ["FROM", "SUBJECT TO", "CC", "FROM CC SUBJECT TO", "DATE"] {
                prop_assert_eq!(
                    String::from_utf8(picked(&chosen, names)).unwrap(),
                    String::from_utf8(picked(&header, names)).unwrap(),
                );
            }
        }
    }
}
