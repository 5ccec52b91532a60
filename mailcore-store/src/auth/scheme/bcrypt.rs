//! `BLF-CRYPT`: bcrypt, `$2y$COST$` and 53 digits of salt and digest. Only the first 72 octets of a password
//! matter, as everywhere.

use super::SchemeError;
use super::coding::BCRYPT;
use base64::Engine as _;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The highest exponent that a stored form may ask for: a few seconds.
const MAX_COST: u32 = 16;
const MIN_COST: u32 = 4;
const DEFAULT_COST: u32 = 10;
/// As many octets are kept of bcrypt's 24.
const DIGEST: usize = 23;
const MALFORMED: SchemeError = SchemeError::Malformed("BLF-CRYPT");

#[derive(Clone)]
pub(super) struct Bcrypt {
    /// `2a`, `2b` and `2y` are the same computation; the name is kept as it was.
    minor: char,
    cost: u32,
    salt: [u8; 16],
    digest: Vec<u8>,
}

impl Bcrypt {
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let rest = text.strip_prefix("$2").ok_or(MALFORMED)?;
        let (minor, rest) = rest.split_once('$').ok_or(MALFORMED)?;
        let (cost, digits) = rest.split_once('$').ok_or(MALFORMED)?;
        let minor = match minor {
            "a" => 'a',
            "b" => 'b',
            "y" => 'y',
            _ => return Err(MALFORMED),
        };
        if cost.len() != 2 || digits.len() != 53 {
            return Err(MALFORMED);
        }
        let cost = bounded(cost.parse().map_err(|_| MALFORMED)?)?;
        let (salt, digest) = digits.split_at_checked(22).ok_or(MALFORMED)?;
        let salt = BCRYPT.decode(salt).map_err(|_| MALFORMED)?;
        let digest = BCRYPT.decode(digest).map_err(|_| MALFORMED)?;
        // A padding in the place of a digit makes a digest that no password has.
        if digest.len() != DIGEST {
            return Err(MALFORMED);
        }
        Ok(Self {
            minor,
            cost,
            salt: salt.try_into().map_err(|_| MALFORMED)?,
            digest,
        })
    }

    pub(super) fn hash(
        password: &[u8],
        salt: &[u8],
        cost: Option<u32>,
    ) -> Result<Self, SchemeError> {
        let cost = bounded(cost.unwrap_or(DEFAULT_COST))?;
        let salt = salt.try_into().map_err(|_| SchemeError::Salt(16))?;
        Ok(Self {
            minor: 'y',
            cost,
            salt,
            digest: digest(cost, salt, password),
        })
    }

    pub(super) fn write_to(&self, out: &mut String) {
        out.push_str(&format!("{{BLF-CRYPT}}$2{}${:02}$", self.minor, self.cost));
        BCRYPT.encode_string(self.salt, out);
        BCRYPT.encode_string(&self.digest, out);
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        digest(self.cost, self.salt, password)
            .ct_eq(&self.digest)
            .into()
    }
}

fn bounded(cost: u32) -> Result<u32, SchemeError> {
    if (MIN_COST..=MAX_COST).contains(&cost) {
        Ok(cost)
    } else {
        Err(SchemeError::Cost("the cost of bcrypt"))
    }
}

/// The octets that are kept. The key ends in a NUL where there is room for one.
fn digest(cost: u32, salt: [u8; 16], password: &[u8]) -> Vec<u8> {
    let mut key = Zeroizing::new([0_u8; 72]);
    let taken = password.len().min(72);
    key[..taken].copy_from_slice(&password[..taken]);
    let used = (taken + 1).min(72);
    bcrypt::bcrypt(cost, salt, &key[..used])[..DIGEST].to_vec()
}
