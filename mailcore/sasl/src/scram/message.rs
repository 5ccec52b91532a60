//! The four messages of SCRAM (RFC 5802 §7), read and composed by the letter. What they mean for the
//! exchange is told by the two sides.

use super::credential::parse_iterations;
use crate::gs2::{self, Header};
use crate::nonce::is_printable;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;

/// `client-first-message`.
#[derive(Debug)]
pub(crate) struct ClientFirst<'m> {
    pub(crate) header: Header<'m>,
    pub(crate) name: Cow<'m, str>,
    pub(crate) nonce: &'m str,
    /// `client-first-message-bare`, as received: a part of what is signed.
    pub(crate) bare: &'m str,
}

impl<'m> ClientFirst<'m> {
    pub(crate) fn parse(message: &'m [u8]) -> Option<Self> {
        let (header, bare) = Header::parse(std::str::from_utf8(message).ok()?)?;
        let mut parts = bare.split(',');
        // RFC 5802 §5.1: a mandatory extension ("m=") stands first and makes the exchange fail.
        let name = gs2::decode_name(parts.next()?.strip_prefix("n=")?)?;
        let nonce = parse_nonce(parts.next()?)?;
        parts.all(is_extension).then_some(Self {
            header,
            name,
            nonce,
            bare,
        })
    }

    /// `client-first-message-bare`.
    pub(crate) fn compose_bare(name: &str, nonce: &str) -> String {
        format!("n={},r={nonce}", gs2::encode_name(name))
    }
}

/// `server-first-message`.
#[derive(Debug)]
pub(crate) struct ServerFirst<'m> {
    pub(crate) nonce: &'m str,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
}

impl<'m> ServerFirst<'m> {
    pub(crate) fn parse(message: &'m str) -> Option<Self> {
        let mut parts = message.split(',');
        let nonce = parse_nonce(parts.next()?)?;
        let salt = parse_base64(parts.next()?, "s=")?;
        let iterations = parse_iterations(parts.next()?.strip_prefix("i=")?)?;
        parts.all(is_extension).then_some(Self {
            nonce,
            salt,
            iterations,
        })
    }

    pub(crate) fn compose(nonce: &str, salt: &[u8], iterations: u32) -> String {
        format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt))
    }
}

/// `client-final-message`.
#[derive(Debug)]
pub(crate) struct ClientFinal<'m> {
    /// `c=`, decoded: the GS2 header and the channel binding behind it.
    pub(crate) binding: Vec<u8>,
    pub(crate) nonce: &'m str,
    pub(crate) proof: Vec<u8>,
    /// `client-final-message-without-proof`, as received: a part of what is signed.
    pub(crate) without_proof: &'m str,
}

impl<'m> ClientFinal<'m> {
    pub(crate) fn parse(message: &'m [u8]) -> Option<Self> {
        let (without_proof, proof) = std::str::from_utf8(message).ok()?.rsplit_once(',')?;
        let proof = parse_base64(proof, "p=")?;
        let mut parts = without_proof.split(',');
        let binding = parse_base64(parts.next()?, "c=")?;
        let nonce = parse_nonce(parts.next()?)?;
        let whole = parts.all(is_extension);
        whole.then_some(Self {
            binding,
            nonce,
            proof,
            without_proof,
        })
    }

    pub(crate) fn compose_without_proof(header: &str, binding: &[u8], nonce: &str) -> String {
        let bound = [header.as_bytes(), binding].concat();
        format!("c={},r={nonce}", STANDARD.encode(bound))
    }

    pub(crate) fn compose(without_proof: &str, proof: &[u8]) -> String {
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }
}

/// `server-final-message`.
#[derive(Debug)]
pub(crate) enum ServerFinal<'m> {
    /// `v=`: the server's own proof.
    Verifier(Vec<u8>),
    /// `e=`: the exchange failed.
    Error(&'m str),
}

impl<'m> ServerFinal<'m> {
    pub(crate) fn parse(message: &'m str) -> Option<Self> {
        let mut parts = message.split(',');
        let first = parts.next()?;
        let this = match first.strip_prefix("e=") {
            Some(error) => Self::Error(error),
            None => Self::Verifier(parse_base64(first, "v=")?),
        };
        parts.all(is_extension).then_some(this)
    }

    pub(crate) fn compose(verifier: &[u8]) -> String {
        format!("v={}", STANDARD.encode(verifier))
    }
}

/// What both signatures are made over (RFC 5802 §3, `AuthMessage`), as parts, so that nothing is copied.
pub(crate) fn signed<'m>(
    bare: &'m str,
    server_first: &'m str,
    without_proof: &'m str,
) -> [&'m [u8]; 5] {
    [
        bare.as_bytes(),
        b",",
        server_first.as_bytes(),
        b",",
        without_proof.as_bytes(),
    ]
}

/// `ClientKey XOR ClientSignature`, which goes both ways.
pub(crate) fn xor(left: &[u8], right: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    zeroize::Zeroizing::new(left.iter().zip(right).map(|(l, r)| l ^ r).collect())
}

fn parse_nonce(part: &str) -> Option<&str> {
    part.strip_prefix("r=")
        .filter(|nonce| !nonce.is_empty() && is_printable(nonce))
}

fn parse_base64(part: &str, name: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(part.strip_prefix(name)?)
        .ok()
        .filter(|octets| !octets.is_empty())
}

/// RFC 5802 §7: `attr-val = ALPHA "=" value`; extensions that are not known are passed over (§5.1).
fn is_extension(part: &str) -> bool {
    let mut octets = part.bytes();
    let named = octets
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() && b != b'm');
    named && octets.next() == Some(b'=') && octets.len() > 0 && octets.all(|b| b != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_is_read_by_the_letter() {
        let first = ClientFirst::parse(b"n,,n=us=2Cer,r=abc,x=1").unwrap();
        assert_eq!((first.name.as_ref(), first.nonce), ("us,er", "abc"));
        assert_eq!(first.bare, "n=us=2Cer,r=abc,x=1");
        let wrong: [&[u8]; 12] = [
            b"",
            b"n,,",
            b"n,,n=u",
            b"n,,n=,r=a",
            b"n,,n=u,r=",
            b"n,,r=a,n=u",
            b"n,,m=1,n=u,r=a",
            b"n,,n=u,r=a,",
            b"n,,n=u,r=a,m=1",
            b"n,,n=u,r=a,xx",
            b"n,,n=u\xFF,r=a",
            b"n,,n=u,r=a b",
        ];
        for message in wrong {
            assert!(
                ClientFirst::parse(message).is_none(),
                "{}",
                message.escape_ascii()
            );
        }
    }

    #[test]
    fn the_servers_messages_are_read_by_the_letter() {
        let first = ServerFirst::parse("r=ab,s=QQ==,i=4096,x=y").unwrap();
        assert_eq!(
            (first.nonce, first.salt.as_slice(), first.iterations),
            ("ab", &b"A"[..], 4096)
        );
        for message in [
            "",
            "r=ab",
            "r=ab,s=,i=1",
            "r=ab,s=QQ==,i=01",
            "r=ab,s=QR==,i=1",
            "m=1,r=ab,s=QQ==,i=1",
        ] {
            assert!(ServerFirst::parse(message).is_none(), "{message}");
        }
        assert!(matches!(
            ServerFinal::parse("e=other-error"),
            Some(ServerFinal::Error("other-error"))
        ));
        assert!(ServerFinal::parse("v=").is_none());
        assert!(ServerFinal::parse("x=QQ==").is_none());
    }

    #[test]
    fn the_proof_stands_last() {
        let last = ClientFinal::parse(b"c=biws,r=ab,x=1,p=QQ==").unwrap();
        assert_eq!(last.without_proof, "c=biws,r=ab,x=1");
        assert_eq!(last.binding, b"n,,");
        assert!(ClientFinal::parse(b"c=biws,p=QQ==,r=ab").is_none());
        assert!(ClientFinal::parse(b"c=biws,r=ab").is_none());
    }
}
