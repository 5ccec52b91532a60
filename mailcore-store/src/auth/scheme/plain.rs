//! `PLAIN`: the password itself. The one form that serves every mechanism, and the one that a thief can use.

use super::SchemeError;
use super::coding::{BASE64, Coding, from_base64, from_hex};
use base64::Engine as _;
use mailcore_base::login::Secret;
use subtle::ConstantTimeEq;

#[derive(Clone)]
pub(super) struct Plain(Secret);

impl Plain {
    pub(super) fn parse(data: &str, coding: Coding) -> Result<Self, SchemeError> {
        let octets = match coding {
            Coding::Own => Some(data.as_bytes().to_vec()),
            Coding::Base64 => from_base64(data),
            Coding::Hex => from_hex(data),
        };
        let secret = Secret::new(octets.ok_or(SchemeError::Malformed("PLAIN"))?);
        super::admissible(&secret).ok_or(SchemeError::Password)?;
        Ok(Self(secret))
    }

    pub(super) fn hash(password: &[u8]) -> Self {
        Self(Secret::new(password))
    }

    pub(super) fn write_to(&self, out: &mut String) {
        let plainly = |octet: &u8| octet.is_ascii_graphic() && *octet != b':';
        match std::str::from_utf8(self.expose()) {
            Ok(text) if self.expose().iter().all(plainly) => {
                out.push_str("{PLAIN}");
                out.push_str(text);
            }
            _ => {
                out.push_str("{PLAIN.b64}");
                BASE64.encode_string(self.expose(), out);
            }
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        self.expose().ct_eq(password).into()
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    pub(super) fn secret(&self) -> Secret {
        self.0.clone()
    }
}
