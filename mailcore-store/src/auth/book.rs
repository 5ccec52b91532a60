//! The entries of an account file or of the memory by name, and the answers that follow from them. It opens
//! nothing and knows no file format.

use super::{
    Credential, Enrolled, Entry, Fields, Found, Hasher, Password, Scheme, Stored, Verdict,
};
use crate::Result;
use mailcore_base::login::{Login, Secret};
use std::collections::HashMap;
use std::sync::Arc;

/// Entries by name.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: HashMap<String, Arc<Entry>>,
    /// A stored password of the commonest effort, which strangers are checked against.
    prevailing: Option<Arc<Stored>>,
    schemes: Vec<Scheme>,
}

impl Book {
    /// A book of these entries; the first of a name stands.
    pub(super) fn of(entries: HashMap<String, Arc<Entry>>) -> Self {
        let mut efforts: HashMap<_, (usize, &Arc<Stored>)> = HashMap::new();
        for stored in entries.values().filter_map(|entry| entry.stored()) {
            efforts.entry(stored.effort()).or_insert((0, stored)).0 += 1;
        }
        let prevailing = efforts
            .iter()
            .max_by_key(|(effort, (count, _))| (*count, **effort))
            .map(|(_, (_, stored))| Arc::clone(stored));
        let serves = |scheme: &Scheme| {
            let mut stored = entries.values().filter_map(|entry| entry.stored());
            stored.any(|stored| stored.serves(*scheme))
        };
        let mut schemes = vec![Scheme::Plain, Scheme::ScramSha1, Scheme::ScramSha256];
        schemes.retain(serves);
        Self {
            entries,
            prevailing,
            schemes,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Arc<Entry>> {
        self.entries.get(key)
    }

    #[cfg(feature = "files")]
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The entry `key`, for somebody who needs no password.
    pub(super) fn enrolled(&self, (key, name): (&str, &str), login: &Login) -> Option<Enrolled> {
        let entry = self.entry(key)?;
        entry.may_come_from(login.peer).then(|| Enrolled {
            name: canonical(entry, name),
            fields: entry.fields.clone(),
        })
    }

    /// The names behind `after`, in order.
    pub(super) fn page(&self, after: Option<&str>, most: usize) -> Vec<String> {
        let behind = |name: &&String| after.is_none_or(|after| name.as_str() > after);
        let mut names: Vec<&String> = self.entries.keys().filter(behind).collect();
        if names.len() > most {
            names.select_nth_unstable(most);
            names.truncate(most);
        }
        names.sort_unstable();
        names.into_iter().cloned().collect()
    }

    pub(super) fn schemes(&self) -> Vec<Scheme> {
        self.schemes.clone()
    }

    /// Whether `secret` is the password of the entry `key`, whose canonical name is `name`. Somebody unknown,
    /// and somebody without a password, costs what most of the others do.
    pub(super) async fn verify(
        &self,
        (key, name): (&str, &str),
        login: &Login,
        secret: &Secret,
        hasher: &Hasher,
    ) -> Result<Verdict> {
        let entry = self.entry(key);
        let password = entry.map_or(&Password::None, |entry| &entry.password);
        let right = match (password, &self.prevailing) {
            (Password::Any, _) => true,
            (Password::Stored(stored), _) => {
                hasher
                    .verify(login.peer, Arc::clone(stored), secret)
                    .await?
            }
            (Password::None, Some(other)) => {
                hasher.verify(login.peer, Arc::clone(other), secret).await?;
                false
            }
            (Password::None, None) => false,
        };
        Ok(match entry {
            None => Verdict::Unknown,
            Some(_) if !right => Verdict::Mismatch,
            Some(entry) if !entry.admits(login.peer) => Verdict::Barred {
                name: canonical(entry, name),
                fields: match entry.may_come_from(login.peer) {
                    true => entry.fields.clone(),
                    false => Fields::new(),
                },
            },
            Some(entry) => Verdict::Granted {
                name: canonical(entry, name),
                fields: entry.fields.clone(),
            },
        })
    }

    /// The credential of the entry `key`; see [`verify`](Self::verify) for the names and the effort.
    pub(super) async fn credential(
        &self,
        (key, name): (&str, &str),
        login: &Login,
        scheme: Scheme,
        hasher: &Hasher,
    ) -> Result<Option<Found>> {
        let entry = self.entry(key).filter(|entry| entry.admits(login.peer));
        let stored = entry.and_then(|entry| entry.stored());
        let Some(asked) = stored.or(self.prevailing.as_ref()).map(Arc::clone) else {
            return Ok(None);
        };
        let credential: Option<Credential> =
            hasher.credential(login.peer, asked, scheme, name).await?;
        let (Some(entry), Some(_), Some(credential)) = (entry, stored, credential) else {
            return Ok(None);
        };
        Ok(Some(Found {
            name: canonical(entry, name),
            credential,
            fields: entry.fields.clone(),
        }))
    }
}

/// The field `user` renames (Dovecot's extra field of that name).
fn canonical(entry: &Entry, name: &str) -> String {
    entry
        .fields
        .get("user")
        .cloned()
        .unwrap_or_else(|| name.to_owned())
}
