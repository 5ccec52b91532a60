//! The lines that answer an exchange: `CONT`, `OK`, `FAIL`.

use super::words::{Malformed, Words, write_parameter, write_word};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// What kind of failure it was, where a server in front can say more than no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// A backend could not tell just now.
    Temporary,
    /// He is who he says, and may not act for whom he wants to.
    Authorization,
    /// The user may not come in.
    Disabled,
    /// The password was right once.
    Expired,
    /// What was sent is no base64.
    Base64,
}

impl Code {
    const ALL: [Self; 5] = [
        Self::Temporary,
        Self::Authorization,
        Self::Disabled,
        Self::Expired,
        Self::Base64,
    ];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Temporary => "temp_fail",
            Self::Authorization => "authz_fail",
            Self::Disabled => "user_disabled",
            Self::Expired => "pass_expired",
            Self::Base64 => "invalid_base64",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is answered to an exchange, besides its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The mechanism says this to the client (before base64), and wants to hear it again.
    Challenge(Vec<u8>),
    /// The client is this user.
    Granted {
        /// The canonical name.
        user: String,
        /// What is to be known of him besides.
        fields: Vec<(String, String)>,
    },
    /// The client does not come in.
    Refused {
        /// The name that was tried, as far as it is known.
        user: Option<String>,
        /// The kind, where it is a particular one.
        code: Option<Code>,
        /// Words for the server in front.
        reason: Option<String>,
    },
}

impl Reply {
    /// A refusal of this kind with these words.
    pub fn refused(code: Option<Code>, reason: &str) -> Self {
        Self::Refused {
            user: None,
            code,
            reason: Some(reason.to_owned()),
        }
    }

    /// Reads a whole line without its line end: the exchange's number and the reply.
    ///
    /// # Errors
    /// [`Malformed`], also for a line that is no reply.
    pub fn parse(line: &[u8]) -> Result<(u32, Self), Malformed> {
        const BROKEN: &str = "broken reply";
        let mut words = Words::of(line);
        let command = words.word(BROKEN)?;
        let id = words.id(BROKEN)?;
        let reply = match command.as_str() {
            "CONT" => {
                let base64 = words.rest().unwrap_or_default();
                let plain = STANDARD.decode(base64);
                Self::Challenge(plain.map_err(|_| Malformed("no base64 in CONT"))?)
            }
            "OK" => {
                let (mut user, mut fields) = (None, Vec::new());
                for parameter in words.parameters() {
                    match parameter? {
                        (name, Some(value)) if name == "user" => user = Some(value),
                        (name, value) => fields.push((name, value.unwrap_or_default())),
                    }
                }
                let user = user.ok_or(Malformed("OK without a user"))?;
                Self::Granted { user, fields }
            }
            "FAIL" => {
                let (mut user, mut code, mut reason) = (None, None, None);
                for parameter in words.parameters() {
                    let (name, value) = parameter?;
                    match (name.as_str(), value) {
                        ("user", value) => user = value,
                        ("reason", value) => reason = value,
                        // The word of old versions.
                        ("temp", _) => code = Some(Code::Temporary),
                        ("code", value) => {
                            let value = value.unwrap_or_default();
                            code = Code::ALL.into_iter().find(|code| code.name() == value);
                        }
                        _ => {}
                    }
                }
                Self::Refused { user, code, reason }
            }
            _ => return Err(Malformed("unknown reply")),
        };
        Ok((id, reply))
    }

    /// Writes the line.
    pub fn write_to(&self, id: u32, out: &mut Vec<u8>) {
        let begin = |out: &mut Vec<u8>, command: &[u8]| {
            out.extend_from_slice(command);
            write_word(out, &id.to_string());
        };
        match self {
            Self::Challenge(octets) => {
                begin(out, b"CONT");
                write_word(out, &STANDARD.encode(octets));
            }
            Self::Granted { user, fields } => {
                begin(out, b"OK");
                write_parameter(out, "user", user);
                for (name, value) in fields {
                    match value.is_empty() {
                        true => write_word(out, name),
                        false => write_parameter(out, name, value),
                    }
                }
            }
            Self::Refused { user, code, reason } => {
                begin(out, b"FAIL");
                let code = code.map(Code::name);
                for (name, value) in [
                    ("user", user.as_deref()),
                    ("code", code),
                    ("reason", reason.as_deref()),
                ] {
                    if let Some(value) = value {
                        write_parameter(out, name, value);
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write_to(5, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_dovecots_and_read_back() {
        let refused = |user: Option<&str>, code, reason: Option<&str>| Reply::Refused {
            user: user.map(str::to_owned),
            code,
            reason: reason.map(str::to_owned),
        };
        for (reply, line) in [
            (
                Reply::Challenge(b"Username:".to_vec()),
                "CONT\t5\tVXNlcm5hbWU6\n",
            ),
            (Reply::Challenge(Vec::new()), "CONT\t5\t\n"),
            (
                Reply::Granted {
                    user: "a@b.test".to_owned(),
                    fields: vec![("nologin".to_owned(), String::new())],
                },
                "OK\t5\tuser=a@b.test\tnologin\n",
            ),
            (refused(None, None, None), "FAIL\t5\n"),
            (
                refused(Some("a\nb"), Some(Code::Temporary), None),
                "FAIL\t5\tuser=a\x01nb\tcode=temp_fail\n",
            ),
            (
                refused(None, Some(Code::Base64), Some("no base64")),
                "FAIL\t5\tcode=invalid_base64\treason=no base64\n",
            ),
        ] {
            assert_eq!(written(&reply), line);
            assert_eq!(
                Reply::parse(line.trim_end_matches('\n').as_bytes()),
                Ok((5, reply))
            );
        }
    }

    #[test]
    fn what_dovecot_says_is_understood() {
        let (id, reply) = Reply::parse(b"OK\t1\tuser=o@b.test\t\toriginal_user=r@b.test").unwrap();
        let Reply::Granted { user, fields } = reply else {
            panic!("{reply:?}")
        };
        assert_eq!((id, user.as_str(), fields.len()), (1, "o@b.test", 1));
        let (_, reply) = Reply::parse(b"FAIL\t1\ttemp").unwrap();
        assert!(matches!(
            reply,
            Reply::Refused {
                code: Some(Code::Temporary),
                ..
            }
        ));
        for bad in [&b"OK\t1"[..], b"CONT\t1\t!", b"FAIL", b"FAIL\t0", b"YES\t1"] {
            assert!(Reply::parse(bad).is_err());
        }
    }
}
