//! One user with his password, as an account file or the memory has it.

use super::scheme::Stored;
use super::{Fields, Nets, User};
use std::net::IpAddr;
use std::sync::Arc;

/// What is known of a user's password.
#[derive(Debug, Clone, Default)]
pub enum Password {
    /// There is none, so none is right.
    #[default]
    None,
    /// Any is right (Dovecot: `nopassword`).
    Any,
    /// The one that this was made of.
    Stored(Arc<Stored>),
}

/// A user with his password.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The user, under the name that he logs in with.
    pub user: User,
    /// His password.
    pub password: Password,
    /// What a login learns besides. `nologin` bars the user.
    pub fields: Fields,
    /// From where he may come; from anywhere by default.
    pub nets: Option<Nets>,
}

impl Entry {
    /// A user with this password and nothing else.
    pub fn new(user: User, password: Stored) -> Self {
        Self {
            user,
            password: Password::Stored(Arc::new(password)),
            fields: Fields::new(),
            nets: None,
        }
    }

    /// The stored password, where there is one.
    pub fn stored(&self) -> Option<&Arc<Stored>> {
        match &self.password {
            Password::Stored(stored) => Some(stored),
            Password::None | Password::Any => None,
        }
    }

    /// Whether the user may come in from `peer`, the password being right.
    pub fn admits(&self, peer: Option<IpAddr>) -> bool {
        // Whatever else it says: nothing is proxied here, so `proxy` and `host` open no door.
        !self.fields.contains_key("nologin") && self.may_come_from(peer)
    }

    /// Whether `peer` is in one of his networks.
    pub(super) fn may_come_from(&self, peer: Option<IpAddr>) -> bool {
        self.nets.as_ref().is_none_or(|nets| nets.admits(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nologin_bars_whatever_stands_beside_it() {
        for (fields, admitted) in [
            (&[][..], true),
            (&["host"], true),
            (&["proxy", "host"], true),
            (&["nologin"], false),
            (&["nologin", "host"], false),
            (&["nologin", "proxy"], false),
            (&["nologin", "proxy", "host", "port", "reason"], false),
        ] {
            let stored = Stored::parse("{PLAIN}pw").expect("a stored form");
            let mut entry = Entry::new(User::new("alice"), stored);
            let named = fields
                .iter()
                .map(|field| ((*field).to_owned(), "x".to_owned()));
            entry.fields.extend(named);
            assert_eq!(entry.admits(None), admitted, "{fields:?}");
        }
    }
}
