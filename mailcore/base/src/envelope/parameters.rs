//! The parameters of MAIL and RCPT (RFC 1870, 3030, 3461, 4954, 6152, 6531) as values.

use super::{Text, XtextError, decode_xtext, encode_xtext};
use crate::address::{Address, Repertoire};
use std::{fmt, ops::BitOr};

/// What MAIL asked besides the sender. New extensions add fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MailParameters {
    /// SIZE: octets that the sender expects to send (RFC 1870).
    pub size: Option<u64>,
    /// BODY: what the content holds. `None` if not said, which means 7BIT.
    pub body: Option<Body>,
    /// SMTPUTF8: addresses or headers are internationalised (RFC 6531).
    pub smtputf8: bool,
    /// RET: how much of the message comes back with a failure report (RFC 3461 §4.3).
    pub ret: Option<Return>,
    /// ENVID: the sender's own name for this transaction (RFC 3461 §4.4).
    pub envelope_id: Option<EnvelopeId>,
    /// AUTH: who submitted the message first (RFC 4954 §5).
    pub auth: Option<Submitter>,
}

/// What RCPT asked besides the recipient. New extensions add fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RcptParameters {
    /// NOTIFY: when the sender wants a report (RFC 3461 §4.1). `None` leaves it to the server.
    pub notify: Option<Notify>,
    /// ORCPT: the recipient as the first sender wrote it (RFC 3461 §4.2).
    pub original: Option<OriginalRecipient>,
}

/// BODY= of MAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// Seven bits in each octet.
    SevenBit,
    /// Lines of any octets (RFC 6152).
    EightBitMime,
    /// Octets with no notion of lines; only BDAT can carry it (RFC 3030).
    BinaryMime,
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        })
    }
}

/// RET= of MAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Return {
    /// The whole message.
    Full,
    /// Its header only.
    Headers,
}

impl fmt::Display for Return {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        })
    }
}

/// ENVID= of MAIL, decoded: printable ASCII of at most 100 octets, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvelopeId(Text);

impl EnvelopeId {
    /// Octets of the encoded value (RFC 3461 §4.4).
    pub const MAX: usize = 100;

    /// Decodes the parameter's value.
    ///
    /// # Errors
    /// [`XtextError`] if it is not xtext, empty, too long, or hides anything but printable ASCII.
    pub fn parse(xtext: &str) -> Result<Self, XtextError> {
        match xtext.len() {
            1..=Self::MAX => printable(xtext).map(Self),
            _ => Err(XtextError),
        }
    }

    /// The decoded value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As xtext.
impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_xtext(self.0.as_bytes()))
    }
}

/// AUTH= of MAIL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitter {
    /// `<>`: not known, or the relaying server does not trust who told it.
    Unknown,
    /// The identity that submitted the message.
    Address(Address),
}

impl Submitter {
    /// Reads the parameter's value: `<>`, or an address as xtext.
    ///
    /// # Errors
    /// [`XtextError`] if it is neither.
    pub fn parse(value: &str) -> Result<Self, XtextError> {
        if value == "<>" {
            return Ok(Self::Unknown);
        }
        let decoded = String::from_utf8(decode_xtext(value)?).map_err(|_| XtextError)?;
        Address::parse(&decoded, Repertoire::Utf8)
            .map(Self::Address)
            .map_err(|_| XtextError)
    }
}

/// `<>`, or the address as xtext.
impl fmt::Display for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("<>"),
            Self::Address(address) => f.write_str(&encode_xtext(address.to_string().as_bytes())),
        }
    }
}

/// NOTIFY= of RCPT: never, or a set of occasions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify(u8);

impl Notify {
    /// No report whatever happens.
    pub const NEVER: Self = Self(0);
    /// When the message was delivered.
    pub const SUCCESS: Self = Self(1);
    /// When it can not be delivered.
    pub const FAILURE: Self = Self(2);
    /// When it is late.
    pub const DELAY: Self = Self(4);

    const WORDS: [(Self, &'static str); 3] = [
        (Self::SUCCESS, "SUCCESS"),
        (Self::FAILURE, "FAILURE"),
        (Self::DELAY, "DELAY"),
    ];

    /// Reads `NEVER`, or a list of the others; a word said twice counts once.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.eq_ignore_ascii_case("never") {
            return Some(Self::NEVER);
        }
        // RFC 3461 §4.1: NEVER must stand alone, so it is not among the words of a list.
        value.split(',').try_fold(Self::NEVER, |set, word| {
            let (flag, _) = Self::WORDS
                .iter()
                .find(|(_, name)| name.eq_ignore_ascii_case(word))?;
            Some(set | *flag)
        })
    }

    /// Whether all occasions of `other` are in this set; for [`Notify::NEVER`] whether this set is empty.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        match other {
            Self::NEVER => self == Self::NEVER,
            _ => self.0 & other.0 == other.0,
        }
    }
}

impl BitOr for Notify {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            return f.write_str("NEVER");
        }
        let said = Self::WORDS.iter().filter(|(flag, _)| self.contains(*flag));
        for (n, (_, word)) in said.enumerate() {
            write!(f, "{}{word}", if n > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// ORCPT= of RCPT, decoded: an address type and an address of that type, which need not be one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    kind: Text,
    address: Text,
}

impl OriginalRecipient {
    /// Octets of the encoded value (RFC 3461 §4.2).
    pub const MAX: usize = 500;

    /// Reads `addr-type;xtext`. Under the type `utf-8` UTF-8 and `\x{…}` may stand (RFC 6533 §3).
    ///
    /// # Errors
    /// [`XtextError`] if a part is missing, malformed, too long (as it stands or as it will be sent on), or hides
    /// a control character.
    pub fn parse(value: &str) -> Result<Self, XtextError> {
        let (kind, xtext) = value.split_once(';').ok_or(XtextError)?;
        let kind_good =
            !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !kind_good || xtext.is_empty() || value.len() > Self::MAX {
            return Err(XtextError);
        }
        let address = match kind.eq_ignore_ascii_case("utf-8") {
            true => utf8_address(xtext)?,
            false => printable(xtext)?,
        };
        let kind = Text::new(kind).map_err(|_| XtextError)?;
        Self { kind, address }.bounded()
    }

    /// An original recipient of the type `rfc822`, or `utf-8` where the address needs it.
    ///
    /// # Errors
    /// [`XtextError`] if it would be too long to send.
    pub fn of(address: &Address) -> Result<Self, XtextError> {
        let text = address.to_string();
        let kind = if text.is_ascii() { "rfc822" } else { "utf-8" };
        let new = |text| Text::new(text).map_err(|_| XtextError);
        let (kind, address) = (new(kind)?, new(&text)?);
        Self { kind, address }.bounded()
    }

    /// It may be longer as it is written than it was read: a bare "+" becomes six octets.
    fn bounded(self) -> Result<Self, XtextError> {
        match self.to_string().len() {
            0..=Self::MAX => Ok(self),
            _ => Err(XtextError),
        }
    }

    /// The address type, as it was said.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The decoded address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// `addr-type;xtext`, with UTF-8 as it is (RFC 6533 §3, utf-8-addr-unitext; for SMTPUTF8 peers only).
impl fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};", self.kind)?;
        if !self.kind.eq_ignore_ascii_case("utf-8") {
            return f.write_str(&encode_xtext(self.address.as_bytes()));
        }
        for c in self.address.chars() {
            match c {
                '+' | '=' | '\\' | ' ' => write!(f, "\\x{{{:X}}}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

// RFC 3461 §4.2 and §4.4: once decoded there must be nothing but printable US-ASCII.
fn printable(xtext: &str) -> Result<Text, XtextError> {
    let decoded = String::from_utf8(decode_xtext(xtext)?).map_err(|_| XtextError)?;
    match decoded.bytes().all(|b| matches!(b, b' '..=b'~')) {
        true => Text::new(&decoded).map_err(|_| XtextError),
        false => Err(XtextError),
    }
}

// RFC 6533 §3: EmbeddedUnicodeChar = "\x{" 1*6HEXDIG "}"; elsewhere QCHAR and, for SMTPUTF8 peers, UTF-8.
fn utf8_address(text: &str) -> Result<Text, XtextError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '\\' => {
                let (hex, behind) = rest
                    .strip_prefix("\\x{")
                    .and_then(|rest| rest.split_once('}'))
                    .ok_or(XtextError)?;
                if !(1..=6).contains(&hex.len()) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(XtextError);
                }
                let point = u32::from_str_radix(hex, 16).map_err(|_| XtextError)?;
                out.push(char::from_u32(point).ok_or(XtextError)?);
                rest = behind;
            }
            '=' | '\0'..=' ' => return Err(XtextError),
            // A "+" is not in QCHAR, but senders that encode as plain xtext under this type exist.
            c => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Text::new(&out).map_err(|_| XtextError)
}
