//! The lines by which users are asked for, and those that answer: `USER`, `PASS`, `LIST`.

use super::words::{Malformed, Words, write_parameter, write_word};

/// Something asked of the user directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Who this user is and where his mail lies.
    User {
        /// The peer's number for it.
        id: u32,
        /// The user's name.
        name: String,
        /// For which service.
        service: String,
    },
    /// What a login as this user would learn, without a password.
    Pass {
        /// The peer's number for it.
        id: u32,
        /// The user's name.
        name: String,
        /// For which service.
        service: String,
    },
    /// All users.
    List {
        /// The peer's number for it.
        id: u32,
    },
}

impl Lookup {
    /// The peer's number for it.
    pub fn id(&self) -> u32 {
        match self {
            Self::User { id, .. } | Self::Pass { id, .. } | Self::List { id } => *id,
        }
    }

    /// Reads a whole line without its line end; `None` where it is no look-up.
    ///
    /// # Errors
    /// [`Malformed`] where it begins as one.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut words = Words::of(line);
        let command = words.word("an empty line")?;
        Ok(Some(match command.as_str() {
            "USER" => {
                let (id, name, service) = named(words, "broken USER", "USER without service")?;
                Self::User { id, name, service }
            }
            "PASS" => {
                let (id, name, service) = named(words, "broken PASS", "PASS without service")?;
                Self::Pass { id, name, service }
            }
            // Dovecot passes its filters over, and so its tools filter themselves.
            "LIST" => Self::List {
                id: words.id("broken LIST")?,
            },
            _ => return Ok(None),
        }))
    }

    /// Writes the line.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::User { .. } => b"USER",
            Self::Pass { .. } => b"PASS",
            Self::List { .. } => b"LIST",
        });
        write_word(out, &self.id().to_string());
        if let Self::User { name, service, .. } | Self::Pass { name, service, .. } = self {
            write_word(out, name);
            write_parameter(out, "service", service);
        }
        out.push(b'\n');
    }
}

fn named(
    mut words: Words<'_>,
    broken: &'static str,
    unserved: &'static str,
) -> Result<(u32, String, String), Malformed> {
    let id = words.id(broken)?;
    let name = words.word(broken)?;
    let mut service = None;
    for parameter in words.parameters() {
        if let (name, Some(value)) = parameter?
            && name == "service"
        {
            service = Some(value);
        }
    }
    Ok((id, name, service.ok_or(Malformed(unserved))?))
}

/// What is answered to a look-up, besides its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This user, with his fields (`uid`, `gid`, `home`, `mail` …).
    User(String, Vec<(String, String)>),
    /// What a login as this user learns.
    Pass(String, Vec<(String, String)>),
    /// One user of the list.
    Listed(String),
    /// The list is over; whether it is complete.
    Done(bool),
    /// The directory is sure that there is no such user.
    Nobody,
    /// The directory cannot tell just now.
    Unavailable,
}

impl Found {
    /// Writes the line.
    pub fn write_to(&self, id: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::User(..) => b"USER",
            Self::Pass(..) => b"PASS",
            Self::Listed(_) => b"LIST",
            Self::Done(_) => b"DONE",
            Self::Nobody => b"NOTFOUND",
            Self::Unavailable => b"FAIL",
        });
        write_word(out, &id.to_string());
        let fields: &[(String, String)] = match self {
            Self::User(name, fields) => {
                write_word(out, name);
                fields
            }
            Self::Pass(name, fields) => {
                write_parameter(out, "user", name);
                fields
            }
            Self::Listed(name) => {
                write_word(out, name);
                &[]
            }
            Self::Done(complete) => {
                write_word(out, if *complete { "" } else { "fail" });
                &[]
            }
            Self::Nobody | Self::Unavailable => &[],
        };
        for (name, value) in fields {
            match value.is_empty() {
                true => write_word(out, name),
                false => write_parameter(out, name, value),
            }
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_read_back() {
        for line in [
            "USER\t1\talice@example.test\tservice=lmtp",
            "PASS\t2\ta b\tservice=doveadm",
            "LIST\t3",
        ] {
            let mut out = Vec::new();
            let lookup = Lookup::parse(line.as_bytes()).unwrap().unwrap();
            lookup.write_to(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{line}\n"));
        }
    }

    #[test]
    fn broken_look_ups_are_told_apart_from_other_lines() {
        for bad in [
            "USER\tx\ta\tservice=b",
            "USER\t1",
            "USER\t1\ta",
            "PASS\t1\ta",
            "LIST\t0",
        ] {
            assert!(Lookup::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for other in ["", "CACHE-FLUSH\t1", "user\t1\ta\tservice=b", "AUTH\t1"] {
            assert_eq!(Lookup::parse(other.as_bytes()), Ok(None), "{other:?}");
        }
    }

    #[test]
    fn answers_are_dovecots() {
        let line = |found: Found| {
            let mut out = Vec::new();
            found.write_to(4, &mut out);
            String::from_utf8(out).unwrap()
        };
        let fields = vec![
            ("uid".to_owned(), "5000".to_owned()),
            ("nologin".to_owned(), String::new()),
        ];
        assert_eq!(
            line(Found::User("a@b".into(), fields.clone())),
            "USER\t4\ta@b\tuid=5000\tnologin\n"
        );
        assert_eq!(
            line(Found::Pass("a@b".into(), fields)),
            "PASS\t4\tuser=a@b\tuid=5000\tnologin\n"
        );
        assert_eq!(line(Found::Listed("a@b".into())), "LIST\t4\ta@b\n");
        assert_eq!(line(Found::Done(true)), "DONE\t4\t\n");
        assert_eq!(line(Found::Done(false)), "DONE\t4\tfail\n");
        assert_eq!(line(Found::Nobody), "NOTFOUND\t4\n");
        assert_eq!(line(Found::Unavailable), "FAIL\t4\n");
    }
}
