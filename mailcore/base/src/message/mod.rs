//! Messages read where they lie: structure, envelope and sections as offsets into the original bytes
//! (RFC 5322, RFC 2045-2049, RFC 2231, RFC 2047, RFC 6532).
//!
//! Reading never fails and never copies a body: whatever the bytes are, a [`Structure`] comes out, as a real
//! IMAP server would show it. [`Scanner`] takes a message in pieces of any size and keeps no more than its
//! [`Limits`] allow; [`Structure::of`] reads a message that is in memory. Nothing here writes mail, but for
//! [`SevenBit`], which writes it down again.
//!
//! | to have | use |
//! | --- | --- |
//! | parts, offsets, sizes, `Content-*` fields, envelopes | [`Scanner`], [`Structure`] |
//! | header fields by name | [`Fields`] |
//! | the header fields that a mailbox is listed by | [`CHOSEN_FIELDS`], [`write_chosen_fields`] |
//! | `ENVELOPE`, `BODY`, `BODYSTRUCTURE` as IMAP text | [`write_envelope`], [`write_structure`] |
//! | all that is told of a message without opening it again | [`Summarizing`], [`write_body_of`] |
//! | `BODY[1.2.HEADER]` and its like | [`Section`] |
//! | transfer encodings, charsets, encoded words | [`Decoder`], [`Charset`], [`decode_words`] |
//! | CRLF out of LF | [`ToCrlf`], [`Measure`] |
//! | a message for peers without 8BITMIME | [`SevenBit`] |

mod address;
mod address_line;
mod body_text;
mod boundary;
mod charset;
mod chosen;
mod content;
mod draft;
mod encoded_word;
mod envelope;
mod field;
mod imap_text;
mod limits;
mod lines;
mod parameter;
mod quoted_printable;
mod resolve;
mod scanner;
mod section;
mod seven_bit;
mod structure;
mod summary;
mod token;
mod transfer;
mod utf7;

pub use address::{Address, Domain, Mailbox, parse_addresses};
pub(crate) use address_line::write_address_line;
pub use body_text::write_body_of;
pub use charset::{Charset, ToUtf8};
pub use chosen::{CHOSEN_FIELDS, CHOSEN_FIELDS_VERSION, is_chosen_field, write_chosen_fields};
pub use content::{Content, ContentType, Disposition};
pub use encoded_word::{decode_parameter, decode_words};
pub use envelope::Envelope;
pub use field::{Field, Fields, header_length};
pub use imap_text::{write_envelope, write_nstring, write_string, write_structure};
pub use limits::Limits;
pub use lines::{Measure, ToCrlf};
pub use parameter::Parameter;
pub use resolve::Found;
pub use scanner::Scanner;
pub use section::{NotASection, Section, SectionPath, SectionText};
pub use seven_bit::SevenBit;
pub use structure::{Extent, Kind, Part, PartId, Structure};
pub use summary::{Summarizing, Summary};
pub use transfer::{Decoder, Encoding};
