//! The line that offers a mechanism, with what is to be known of it before it is offered on.

use super::words::{Malformed, Words, write_word};
use crate::Mechanism;

/// A mechanism as it is offered: `MECH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    /// The mechanism's name.
    pub name: String,
    /// What an observer or a meddler could do with it (`plaintext`, `dictionary`, `active`, …).
    pub flags: Vec<String>,
}

impl Offering {
    /// One of our mechanisms.
    pub fn of(mechanism: Mechanism) -> Self {
        Self {
            name: mechanism.name().to_owned(),
            flags: flags(mechanism).map(str::to_owned).collect(),
        }
    }

    /// Reads the words behind `MECH`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(mut words: Words<'_>) -> Result<Self, Malformed> {
        let name = words.word("MECH without a name")?;
        let mut flags = Vec::new();
        for flag in words.parameters() {
            flags.push(flag?.0);
        }
        Ok(Self { name, flags })
    }

    /// Writes the line.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MECH");
        write_word(out, &self.name);
        self.flags.iter().for_each(|flag| write_word(out, flag));
        out.push(b'\n');
    }
}

/// What Dovecot says of a mechanism. Postfix goes by it (`smtpd_sasl_security_options`).
pub fn flags(mechanism: Mechanism) -> impl Iterator<Item = &'static str> {
    [
        ("anonymous", mechanism.is_anonymous()),
        ("plaintext", mechanism.is_plaintext()),
        // Dovecot says one or the other of a password that crosses the wire.
        (
            "dictionary",
            mechanism.is_open_to_dictionary() && !mechanism.is_plaintext(),
        ),
        ("active", mechanism.is_open_to_active()),
        ("mutual-auth", mechanism.is_mutual()),
    ]
    .into_iter()
    .filter_map(|(flag, so)| so.then_some(flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_dovecots() {
        let line = |mechanism| {
            let mut out = Vec::new();
            Offering::of(mechanism).write_to(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(line(Mechanism::Plain), "MECH\tPLAIN\tplaintext\n");
        assert_eq!(line(Mechanism::Login), "MECH\tLOGIN\tplaintext\n");
        assert_eq!(
            line(Mechanism::CramMd5),
            "MECH\tCRAM-MD5\tdictionary\tactive\n"
        );
        assert_eq!(
            line(Mechanism::ScramSha256),
            "MECH\tSCRAM-SHA-256\tmutual-auth\n"
        );
        assert_eq!(line(Mechanism::External), "MECH\tEXTERNAL\n");
        assert_eq!(line(Mechanism::Anonymous), "MECH\tANONYMOUS\tanonymous\n");
    }

    #[test]
    fn a_line_reads_back() {
        for mechanism in Mechanism::ALL {
            let mut out = Vec::new();
            Offering::of(mechanism).write_to(&mut out);
            let mut words = Words::of(out.strip_suffix(b"\n").unwrap());
            assert_eq!(words.word("").unwrap(), "MECH");
            assert_eq!(Offering::parse(words), Ok(Offering::of(mechanism)));
        }
    }
}
