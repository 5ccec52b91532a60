//! Users and passwords in memory: for tests, and for programs that have their users from somewhere else.

use super::book::Book;
use super::{
    Enrolled, Entry, Found, Hasher, PasswordScheme, Passwords, Roll, Scheme, SchemeError, User,
    Users, Verdict,
};
use crate::Result;
use async_trait::async_trait;
use mailcore_base::login::{Login, Secret};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Users and passwords in memory. Names are compared without regard to the case of ASCII letters. Clones share
/// the users.
#[derive(Debug, Clone)]
pub struct MemoryUsers {
    hasher: Hasher,
    held: Arc<RwLock<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<String, Arc<Entry>>,
    book: Arc<Book>,
}

impl MemoryUsers {
    /// No users yet.
    pub fn new(hasher: Hasher) -> Self {
        Self {
            hasher,
            held: Arc::default(),
        }
    }

    /// Users with these passwords, kept as they are: every mechanism can be served, and whoever can read this
    /// process's memory can read them. For tests, and for passwords that the program holds in the clear anyhow.
    ///
    /// # Errors
    /// [`SchemeError::Password`] for one that could never be checked: too long, or with a NUL.
    pub fn with_passwords<N, P>(
        hasher: Hasher,
        pairs: impl IntoIterator<Item = (N, P)>,
    ) -> std::result::Result<Self, SchemeError>
    where
        N: Into<String>,
        P: Into<Vec<u8>>,
    {
        let entry = |(name, password): (N, P)| {
            let stored = PasswordScheme::Plain.hash(&Secret::new(password), &[], None)?;
            let user = User::new(name);
            Ok((
                user.name.to_ascii_lowercase(),
                Arc::new(Entry::new(user, stored)),
            ))
        };
        let entries: HashMap<_, _> = pairs
            .into_iter()
            .map(entry)
            .collect::<std::result::Result<_, _>>()?;
        let users = Self::new(hasher);
        users.change(|held| *held = entries);
        Ok(users)
    }

    /// Adds a user, or puts this entry in place of the one of the same name. Takes time in proportion to the
    /// number of users.
    pub fn insert(&self, entry: Entry) {
        let key = entry.user.name.to_ascii_lowercase();
        self.change(|entries| {
            entries.insert(key, Arc::new(entry));
        });
    }

    /// Removes a user; says whether he was there.
    pub fn remove(&self, name: &str) -> bool {
        self.change(|entries| entries.remove(&name.to_ascii_lowercase()).is_some())
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, Arc<Entry>>) -> T) -> T {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut held.entries);
        held.book = Arc::new(Book::of(held.entries.clone()));
        result
    }

    fn book(&self) -> Arc<Book> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held.book)
    }
}

#[async_trait]
impl Passwords for MemoryUsers {
    async fn verify(&self, login: &Login, secret: &Secret) -> Result<Verdict> {
        let name = login.name.to_ascii_lowercase();
        self.book()
            .verify((&name, &name), login, secret, &self.hasher)
            .await
    }

    async fn credential(&self, login: &Login, scheme: Scheme) -> Result<Option<Found>> {
        let name = login.name.to_ascii_lowercase();
        self.book()
            .credential((&name, &name), login, scheme, &self.hasher)
            .await
    }

    fn schemes(&self) -> Vec<Scheme> {
        self.book().schemes()
    }
}

#[async_trait]
impl Users for MemoryUsers {
    async fn user(&self, login: &Login) -> Result<Option<User>> {
        let name = login.name.to_ascii_lowercase();
        Ok(self.book().entry(&name).map(|entry| User {
            name,
            ..entry.user.clone()
        }))
    }
}

#[async_trait]
impl Roll for MemoryUsers {
    async fn entry(&self, login: &Login) -> Result<Option<Enrolled>> {
        let name = login.name.to_ascii_lowercase();
        Ok(self.book().enrolled((&name, &name), login))
    }

    async fn page(&self, after: Option<&str>, most: usize) -> Result<Vec<String>> {
        Ok(self.book().page(after, most))
    }
}
