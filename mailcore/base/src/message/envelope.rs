//! IMAP's envelope (RFC 3501 §7.4.2): ten header fields of a message, read.

use super::address::{Address, parse_addresses};
use super::field::Fields;
use super::limits::Limits;
use super::token::push_text;

/// The envelope of a message. Texts are as in the header after the first space, folds and encoded words left
/// in; of a text field given twice the last counts, address fields given twice are joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `Date`.
    pub date: Option<Vec<u8>>,
    /// `Subject`.
    pub subject: Option<Vec<u8>>,
    /// `From`.
    pub from: Vec<Address>,
    /// `Sender`; IMAP shows From if it is empty.
    pub sender: Vec<Address>,
    /// `Reply-To`; IMAP shows From if it is empty.
    pub reply_to: Vec<Address>,
    /// `To`.
    pub to: Vec<Address>,
    /// `Cc`.
    pub cc: Vec<Address>,
    /// `Bcc`.
    pub bcc: Vec<Address>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<Vec<u8>>,
    /// `Message-ID`.
    pub message_id: Option<Vec<u8>>,
}

impl Envelope {
    /// The envelope of a message whose header (or whole) is given.
    pub fn of(message: &[u8]) -> Envelope {
        let limits = Limits::default();
        let mut envelope = Envelope::default();
        let mut left = limits.header;
        for field in Fields::new(message) {
            if field.is_field() && is_envelope_field(field.name()) {
                let value = field.unfolded_by_line();
                let length = value.len().min(limits.field).min(left);
                left -= length;
                envelope.take(field.name(), &value[..length], limits.addresses);
            }
        }
        envelope
    }

    /// Takes in one field.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8], addresses: usize) {
        let list = match name.to_ascii_lowercase().as_slice() {
            b"date" => return set(&mut self.date, value),
            b"subject" => return set(&mut self.subject, value),
            b"in-reply-to" => return set(&mut self.in_reply_to, value),
            b"message-id" => return set(&mut self.message_id, value),
            b"from" => &mut self.from,
            b"sender" => &mut self.sender,
            b"reply-to" => &mut self.reply_to,
            b"to" => &mut self.to,
            b"cc" => &mut self.cc,
            b"bcc" => &mut self.bcc,
            _ => return,
        };
        let room = addresses.saturating_sub(list.len());
        list.extend(parse_addresses(value, room));
    }
}

fn set(slot: &mut Option<Vec<u8>>, value: &[u8]) {
    let mut text = Vec::with_capacity(value.len());
    push_text(&mut text, value);
    *slot = Some(text);
}

/// Whether an envelope is made of fields of that name.
pub(super) fn is_envelope_field(name: &[u8]) -> bool {
    const NAMES: [&str; 10] = [
        "date",
        "subject",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "in-reply-to",
        "message-id",
    ];
    NAMES
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
}
