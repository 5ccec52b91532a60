//! `ARGON2ID` and `ARGON2I`: `$argon2id$v=19$m=65536,t=3,p=1$salt$digest`.

use super::coding::BARE;
use super::{PasswordScheme, SchemeError};
use argon2::{Algorithm, Params, Version};
use base64::Engine as _;
use subtle::ConstantTimeEq;

/// The most memory that a stored form may ask for, in KiB.
const MAX_MEMORY: u32 = 256 * 1024;
/// The most memory that may be passed over, in KiB: memory times passes.
const MAX_PASSED_OVER: u64 = 1024 * 1024;
/// The most lanes. They are computed one after the other.
const MAX_LANES: u32 = 64;
const OUT_OF_LIMITS: SchemeError = SchemeError::Cost("Argon2's memory, passes or lanes");

#[derive(Clone)]
pub(super) struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Argon2 {
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let malformed = || SchemeError::Malformed("ARGON2");
        let mut parts = text.split('$').skip(1);
        let algorithm = match parts.next() {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            _ => return Err(malformed()),
        };
        let mut costs = parts.next().ok_or_else(malformed)?;
        // Version 1.0 wrote no version.
        let mut version = Version::V0x10;
        if let Some(number) = costs.strip_prefix("v=") {
            version = match number {
                "16" => Version::V0x10,
                "19" => Version::V0x13,
                _ => return Err(malformed()),
            };
            costs = parts.next().ok_or_else(malformed)?;
        }
        let mut decode = || {
            let text = parts.next().ok_or_else(malformed)?;
            BARE.decode(text).map_err(|_| malformed())
        };
        let (salt, digest) = (decode()?, decode()?);
        if parts.next().is_some() || salt.len() < 8 || !(16..=64).contains(&digest.len()) {
            return Err(malformed());
        }
        let (memory, passes, lanes) = read_costs(costs).ok_or_else(malformed)?;
        Ok(Self {
            algorithm,
            version,
            params: params(memory, passes, lanes, digest.len())?,
            salt,
            digest,
        })
    }

    pub(super) fn hash(
        scheme: PasswordScheme,
        password: &[u8],
        salt: &[u8],
        cost: Option<u32>,
    ) -> Result<Self, SchemeError> {
        let (algorithm, memory, passes) = if scheme == PasswordScheme::Argon2i {
            (Algorithm::Argon2i, 32 * 1024, 4)
        } else {
            (Algorithm::Argon2id, 64 * 1024, 3)
        };
        let mut form = Self {
            algorithm,
            version: Version::V0x13,
            params: params(memory, cost.unwrap_or(passes), 1, 32)?,
            salt: salt.to_vec(),
            digest: vec![0; 32],
        };
        form.digest = form.digest_of(password).ok_or(OUT_OF_LIMITS)?;
        Ok(form)
    }

    pub(super) fn write_to(&self, out: &mut String) {
        out.push_str(&format!(
            "{{{}}}${}$v={}$m={},t={},p={}$",
            self.scheme().name(),
            self.algorithm,
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
        ));
        BARE.encode_string(&self.salt, out);
        out.push('$');
        BARE.encode_string(&self.digest, out);
    }

    pub(super) fn scheme(&self) -> PasswordScheme {
        match self.algorithm {
            Algorithm::Argon2i => PasswordScheme::Argon2i,
            _ => PasswordScheme::Argon2id,
        }
    }

    /// How much memory a check passes over, in KiB.
    pub(super) fn passed_over(&self) -> u64 {
        u64::from(self.params.m_cost()) * u64::from(self.params.t_cost())
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        self.digest_of(password)
            .is_some_and(|digest| digest.ct_eq(&self.digest).into())
    }

    /// None where the machine has not the memory.
    fn digest_of(&self, password: &[u8]) -> Option<Vec<u8>> {
        let mut digest = vec![0; self.digest.len()];
        argon2::Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into(password, &self.salt, &mut digest)
            .ok()?;
        Some(digest)
    }
}

/// `m=65536,t=3,p=1`
fn read_costs(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',');
    let mut number = |name: &str| parts.next()?.strip_prefix(name)?.parse().ok();
    let costs = (number("m=")?, number("t=")?, number("p=")?);
    parts.next().is_none().then_some(costs)
}

fn params(memory: u32, passes: u32, lanes: u32, len: usize) -> Result<Params, SchemeError> {
    let over = u64::from(memory) * u64::from(passes);
    if memory > MAX_MEMORY || over > MAX_PASSED_OVER || lanes > MAX_LANES {
        return Err(OUT_OF_LIMITS);
    }
    Params::new(memory, passes, lanes, Some(len)).map_err(|_| OUT_OF_LIMITS)
}
