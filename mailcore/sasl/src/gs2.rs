//! The head of a first client message that SCRAM and OAUTHBEARER share (RFC 5801 §4): the channel binding
//! flag and the authorization identity. The rules about the flag are the mechanism's.

use std::borrow::Cow;

/// `gs2-cbind-flag`: what the client says about channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag<'m> {
    /// `n`: the client does not support it.
    Unsupported,
    /// `y`: the client does, but thinks that the server does not.
    Unused,
    /// `p`: it is used, with the binding type of this name.
    Used(&'m str),
}

/// A parsed `gs2-header`.
#[derive(Debug)]
pub(crate) struct Header<'m> {
    /// The octets as received, the last comma included: SCRAM's `c=` repeats them.
    pub(crate) raw: &'m str,
    pub(crate) flag: Flag<'m>,
    /// `a=`, decoded.
    pub(crate) authorization: Option<Cow<'m, str>>,
}

impl<'m> Header<'m> {
    /// The header and what follows it.
    pub(crate) fn parse(message: &'m str) -> Option<(Self, &'m str)> {
        let (flag, rest) = message.split_once(',')?;
        let (authorization, rest) = rest.split_once(',')?;
        let raw = message.get(..message.len() - rest.len())?;
        let flag = parse_flag(flag)?;
        let authorization = match authorization {
            "" => None,
            named => Some(decode_name(named.strip_prefix("a=")?)?),
        };
        Some((
            Self {
                raw,
                flag,
                authorization,
            },
            rest,
        ))
    }

    /// Composes a header.
    pub(crate) fn compose(flag: Flag<'_>, authorization: Option<&str>) -> String {
        let flag = match flag {
            Flag::Unsupported => Cow::Borrowed("n"),
            Flag::Unused => Cow::Borrowed("y"),
            Flag::Used(name) => Cow::Owned(format!("p={name}")),
        };
        match authorization {
            Some(name) => format!("{flag},a={},", encode_name(name)),
            None => format!("{flag},,"),
        }
    }
}

fn parse_flag(flag: &str) -> Option<Flag<'_>> {
    match flag {
        "n" => Some(Flag::Unsupported),
        "y" => Some(Flag::Unused),
        _ => {
            // RFC 5801 §4: cb-name = 1*(ALPHA / DIGIT / "." / "-")
            let name = flag.strip_prefix("p=").filter(|name| !name.is_empty())?;
            let plain = name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
            plain.then_some(Flag::Used(name))
        }
    }
}

/// RFC 5802 §5.1: `=2C` is a comma, `=3D` an equals sign, any other `=` is an error; not empty, no NUL.
pub(crate) fn decode_name(coded: &str) -> Option<Cow<'_, str>> {
    if coded.is_empty() || coded.contains(['\0', ',']) {
        return None;
    }
    let mut parts = coded.split('=');
    let first = parts.next()?;
    if first.len() == coded.len() {
        return Some(Cow::Borrowed(coded));
    }
    let mut name = first.to_owned();
    for part in parts {
        let (sign, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        name.push(sign);
        name.push_str(rest);
    }
    Some(Cow::Owned(name))
}

/// The inverse of [`decode_name`].
pub(crate) fn encode_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_read_by_the_letter() {
        let (header, rest) = Header::parse("p=tls-exporter,a=b=2Cc,n=user").unwrap();
        assert_eq!(header.raw, "p=tls-exporter,a=b=2Cc,");
        assert_eq!(header.flag, Flag::Used("tls-exporter"));
        assert_eq!(header.authorization.as_deref(), Some("b,c"));
        assert_eq!(rest, "n=user");
        assert_eq!(Header::parse("y,,").unwrap().0.flag, Flag::Unused);
        for wrong in [
            "", "n", "n,", "x,,", "p=,,", "p,,", "p=a_b,,", "N,,", "n,b,", "n,a=,", "n,a==,",
        ] {
            assert!(Header::parse(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_name_decodes_to_what_was_encoded(name in "[^\0]{1,40}") {
            let coded = encode_name(&name);
            let decoded = decode_name(&coded);
            prop_assert_eq!(decoded.as_deref(), Some(name.as_str()));
        }

        #[test]
        fn a_header_parses_to_what_was_composed(name in proptest::option::of("[^\0]{1,20}")) {
            let composed = Header::compose(Flag::Unused, name.as_deref());
            let (header, rest) = Header::parse(&composed).unwrap();
            prop_assert_eq!(rest, "");
            prop_assert_eq!(header.raw, composed.as_str());
            prop_assert_eq!(header.authorization.as_deref(), name.as_deref());
        }
    }
}
