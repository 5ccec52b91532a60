//! All that an exchange cannot know by itself, given once at its start.

use super::Decoy;
use crate::{Bindings, Nonce, Offer};

/// What [`super::start`] is given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Materials {
    /// What was advertised on this connection, as it was advertised: SCRAM detects with it that somebody
    /// between took the -PLUS mechanisms away.
    pub offer: Offer,
    /// Fresh for this exchange.
    pub nonce: Nonce,
    /// What unknown users are made of.
    pub decoy: Decoy,
    /// The server's name, for the challenge of CRAM-MD5. `localhost` unless set.
    pub hostname: String,
    /// Seconds since 1970, for the challenge of CRAM-MD5. 0 unless set.
    pub timestamp: u64,
    /// The connection's channel bindings. None unless set.
    pub bindings: Bindings,
    /// Where OAuth clients get a token. Nothing unless set.
    pub discovery: Discovery,
}

impl Materials {
    /// With the defaults for the rest.
    pub fn new(offer: Offer, nonce: Nonce, decoy: Decoy) -> Self {
        Self {
            offer,
            nonce,
            decoy,
            hostname: String::from("localhost"),
            timestamp: 0,
            bindings: Bindings::default(),
            discovery: Discovery::default(),
        }
    }
}

/// What a client is told about tokens when its own was refused (RFC 7628 §3.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The scope that a token needs, words separated by spaces.
    pub scope: Option<String>,
    /// The URL of the OpenID Connect discovery document. Not sent by XOAUTH2, which has no field for it.
    pub openid_configuration: Option<String>,
}
