//! What a directory tells other programs of its users: who they are, and what a login as one of them would learn.

use super::Fields;
use crate::Result;
use async_trait::async_trait;
use mailcore_base::login::Login;
use std::fmt::Debug;

/// An entry without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The canonical name.
    pub name: String,
    /// Further fields of the entry (`nologin`, `proxy` …).
    pub fields: Fields,
}

/// A directory that can tell who is in it.
#[async_trait]
pub trait Roll: Send + Sync + Debug {
    /// The entry that `login` would be checked against; `None` where there is none, and where the user may not come in
    /// from there.
    ///
    /// # Errors
    /// When the directory cannot tell for now.
    async fn entry(&self, login: &Login) -> Result<Option<Enrolled>>;

    /// Names of users behind `after`, in order, `most` of them at most; none: there are no more.
    ///
    /// # Errors
    /// When the directory cannot tell for now.
    async fn page(&self, after: Option<&str>, most: usize) -> Result<Vec<String>>;
}
