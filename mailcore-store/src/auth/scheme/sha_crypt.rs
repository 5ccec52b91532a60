//! `SHA256-CRYPT` and `SHA512-CRYPT`: `$5$` and `$6$` of crypt(3), `$6$[rounds=N$]salt$digest`.

use super::{PasswordScheme, SchemeError};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};
use subtle::ConstantTimeEq;

/// The most rounds that a stored form may ask for: about 0.3 s.
const MAX_ROUNDS: u32 = 1_000_000;
/// As many octets of salt matter.
const SALT: usize = 16;
/// crypt(3)'s digits.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[derive(Clone)]
pub(super) struct ShaCrypt {
    scheme: PasswordScheme,
    /// As it was written; none where it was not.
    rounds: Option<u32>,
    salt: String,
    digest: String,
}

impl ShaCrypt {
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("$6$") {
            (PasswordScheme::Sha512Crypt, rest)
        } else {
            (PasswordScheme::Sha256Crypt, text.get(3..).unwrap_or(""))
        };
        let malformed = || SchemeError::Malformed(scheme.name());
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            None => (None, rest),
            Some(rest) => {
                let (digits, rest) = rest.split_once('$').ok_or_else(malformed)?;
                let count = digits.parse().map_err(|_| malformed())?;
                (Some(bounded(count)?), rest)
            }
        };
        let (salt, digest) = rest.split_once('$').ok_or_else(malformed)?;
        // A salt of anything else could end the field or the line of the file it is written to.
        let digits = |text: &str| text.bytes().all(|d| DIGITS.contains(&d));
        if digest.len() != digest_len(scheme) || !digits(digest) || !digits(salt) {
            return Err(malformed());
        }
        Ok(Self {
            scheme,
            rounds,
            salt: salt.to_owned(),
            digest: digest.to_owned(),
        })
    }

    pub(super) fn hash(
        scheme: PasswordScheme,
        password: &[u8],
        salt: &[u8],
        cost: Option<u32>,
    ) -> Result<Self, SchemeError> {
        let mut form = Self {
            scheme,
            rounds: cost.map(bounded).transpose()?,
            salt: String::with_capacity(SALT),
            digest: String::new(),
        };
        let (triples, _) = salt.as_chunks::<3>();
        for [high, middle, low] in triples {
            push_digits([*high, *middle, *low], 4, &mut form.salt);
        }
        form.digest = form.digest_of(password);
        Ok(form)
    }

    pub(super) fn write_to(&self, out: &mut String) {
        out.push_str(match self.scheme {
            PasswordScheme::Sha512Crypt => "{SHA512-CRYPT}$6$",
            _ => "{SHA256-CRYPT}$5$",
        });
        if let Some(rounds) = self.rounds {
            out.push_str(&format!("rounds={rounds}$"));
        }
        out.push_str(&self.salt);
        out.push('$');
        out.push_str(&self.digest);
    }

    pub(super) fn scheme(&self) -> PasswordScheme {
        self.scheme
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(Params::RECOMMENDED_ROUNDS)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let digest = self.digest_of(password);
        digest.as_bytes().ct_eq(self.digest.as_bytes()).into()
    }

    fn digest_of(&self, password: &[u8]) -> String {
        let params = Params::new(self.rounds()).unwrap_or_default();
        let mut out = String::with_capacity(digest_len(self.scheme));
        let salt = self.salt.as_bytes();
        if self.scheme == PasswordScheme::Sha512Crypt {
            let octets = sha512_crypt(password, salt, params);
            // The octets are written by threes in an order of their own: each triple is the one before it,
            // turned by one place and every index one up.
            let mut triple = [0_usize, 21, 42];
            for _ in 0..21 {
                push_digits(triple.map(|at| octets[at]), 4, &mut out);
                triple = [triple[1] + 1, triple[2] + 1, triple[0] + 1];
            }
            push_digits([0, 0, octets[63]], 2, &mut out);
        } else {
            let octets = sha256_crypt(password, salt, params);
            let mut triple = [0_usize, 10, 20];
            for _ in 0..10 {
                push_digits(triple.map(|at| octets[at]), 4, &mut out);
                triple = [triple[2] + 1, triple[0] + 1, triple[1] + 1];
            }
            push_digits([0, octets[31], octets[30]], 3, &mut out);
        }
        out
    }
}

/// crypt(3) too refuses less than 1,000 rounds.
fn bounded(rounds: u32) -> Result<u32, SchemeError> {
    if (Params::ROUNDS_MIN..=MAX_ROUNDS).contains(&rounds) {
        Ok(rounds)
    } else {
        Err(SchemeError::Cost("the number of rounds"))
    }
}

fn digest_len(scheme: PasswordScheme) -> usize {
    if scheme == PasswordScheme::Sha512Crypt {
        86
    } else {
        43
    }
}

/// Writes the lowest `count` digits of 24 bits, lowest first.
fn push_digits([high, middle, low]: [u8; 3], count: u32, out: &mut String) {
    let bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
    for place in 0..count {
        let digit = (bits >> (6 * place)) & 63;
        out.push(char::from(DIGITS[digit as usize]));
    }
}
