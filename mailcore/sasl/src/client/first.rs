//! The mechanisms in which the client says all it has to say in its first message: PLAIN, EXTERNAL,
//! ANONYMOUS, OAUTHBEARER, XOAUTH2.

use super::{Credentials, Failure, Materials, Message, Proof};
use crate::gs2::{Flag, Header};
use crate::{Mechanism, Secret};

/// Composes that message.
pub(super) fn compose(
    mechanism: Mechanism,
    credentials: &Credentials,
    materials: &Materials,
) -> Result<Message, Failure> {
    let authorization = credentials.authorization.as_deref();
    match (mechanism, &credentials.proof) {
        (Mechanism::Plain, Proof::Password(password)) => {
            let parts = [
                authorization.unwrap_or("").as_bytes(),
                credentials.name.as_bytes(),
                password.expose(),
            ];
            Ok(Message::new(parts.join(&0)))
        }
        (Mechanism::External, Proof::Certificate) => Ok(text(authorization.unwrap_or(""))),
        (Mechanism::Anonymous, Proof::Nobody) => Ok(text(&credentials.name)),
        (Mechanism::OauthBearer, Proof::Token(token)) => Ok(oauthbearer(
            authorization.unwrap_or(&credentials.name),
            token,
            materials,
        )),
        (Mechanism::Xoauth2, Proof::Token(token)) => {
            let name = authorization.unwrap_or(&credentials.name);
            Ok(bearer(&format!("user={name}\u{1}"), token))
        }
        _ => Err(Failure::Unfit(mechanism)),
    }
}

/// What a client says to the error challenge, only to end the exchange.
pub(super) fn error_reply(mechanism: Mechanism) -> &'static [u8] {
    match mechanism {
        Mechanism::OauthBearer => b"\x01", // RFC 7628 §3.2.3
        _ => b"",
    }
}

/// RFC 7628 §3.1. The name goes as the authorization identity, for the token says who we are.
fn oauthbearer(name: &str, token: &Secret, materials: &Materials) -> Message {
    let mut head = Header::compose(Flag::Unsupported, Some(name));
    head.push('\u{1}');
    if let Some((host, port)) = &materials.server {
        head.push_str(&format!("host={host}\u{1}port={port}\u{1}"));
    }
    bearer(&head, token)
}

fn bearer(head: &str, token: &Secret) -> Message {
    Message::new(
        [
            head.as_bytes(),
            b"auth=Bearer ",
            token.expose(),
            b"\x01\x01",
        ]
        .concat(),
    )
}

fn text(text: &str) -> Message {
    Message::new(text.as_bytes().to_vec())
}
