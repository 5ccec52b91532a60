//! One connection of a program that asks for users.

use super::{note, service};
use crate::net::bell::Bell;
use crate::net::end::{End, Happened, now};
use crate::net::pump::{Dialog, pump};
use crate::net::stream::{Stream, Transport};
use mailcore_base::login::Login;
use mailcore_base::wire::Notice;
use mailcore_sasl::socket::lookups::{Find, Page, Session, Step};
use mailcore_sasl::socket::{Found, Lookup};
use mailcore_store::auth::{Roll, User, Users};
use std::fmt::Debug;
use std::sync::Arc;

/// Names of a list that are told at a time.
const PAGE: usize = 200;

/// Where a user's mail lies and whose it is, in Dovecot's terms: the fields `uid`, `gid`, `home` and `mail`, as far as the
/// user has none of his own.
pub trait MailPlace: Send + Sync + Debug {
    /// The fields of a user.
    fn fields(&self, user: &User) -> Vec<(String, String)>;
}

/// A listener's service for look-ups. Shared by its connections.
#[derive(Debug)]
pub struct DirectoryServer {
    users: Arc<dyn Users>,
    roll: Arc<dyn Roll>,
    place: Option<Arc<dyn MailPlace>>,
}

impl DirectoryServer {
    /// A service of this directory; `place` knows what its entries leave out.
    pub fn new(
        users: Arc<dyn Users>,
        roll: Arc<dyn Roll>,
        place: Option<Arc<dyn MailPlace>>,
    ) -> Self {
        Self { users, roll, place }
    }

    /// Serves one connection to its end.
    pub async fn serve<S: Transport>(&self, stream: Stream<S>, bell: Bell) {
        let session = Session::new(std::process::id());
        let mut conversation = Box::new(Conversation {
            session,
            server: self,
        });
        let mut end = End::new(stream, bell);
        // How it ended, the machine knows too.
        let _ = pump(&mut *conversation, &mut end).await;
        note("auth-master client", conversation.session.ended());
        Box::pin(end.close()).await;
    }

    async fn find(&self, lookup: Option<Lookup>) -> Found {
        let found = match lookup {
            Some(Lookup::User {
                name, service: of, ..
            }) => {
                let found = self.users.user(&Login::new(name, service(&of))).await;
                found.map(|found| found.map(|user| self.shown(user)))
            }
            Some(Lookup::Pass {
                name, service: of, ..
            }) => {
                let found = self.roll.entry(&Login::new(name, service(&of))).await;
                found.map(|found| {
                    found.map(|entry| Found::Pass(entry.name, entry.fields.into_iter().collect()))
                })
            }
            _ => Ok(None),
        };
        match found {
            Ok(found) => found.unwrap_or(Found::Nobody),
            Err(error) => {
                tracing::error!("userdb: {error}");
                Found::Unavailable
            }
        }
    }

    /// A user as Dovecot's programs want him.
    fn shown(&self, user: User) -> Found {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                fields.push((name.to_owned(), value));
            }
        };
        put("uid", user.uid.map(|uid| uid.to_string()));
        put("gid", user.gid.map(|gid| gid.to_string()));
        let home = user.home.as_ref();
        put("home", home.map(|home| home.display().to_string()));
        put("mail", user.location.clone());
        let own = fields.len();
        for (name, value) in self.place.iter().flat_map(|place| place.fields(&user)) {
            if !fields.iter().take(own).any(|(known, _)| *known == name) {
                fields.push((name, value));
            }
        }
        fields.extend(user.fields);
        Found::User(user.name, fields)
    }
}

struct Conversation<'c> {
    session: Session,
    server: &'c DirectoryServer,
}

impl<S: Transport> Dialog<S> for Conversation<'_> {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.session.step(now()) {
            Step::Io(io) => return end.race(io).await,
            Step::Find(asked) => Box::pin(find(self.server, asked, end)).await,
            Step::Page(asked) => Box::pin(page(self.server, asked, end)).await,
            // A step of a later version, to which nothing can be said: the connection ends.
            _ => return Happened::Closed,
        }
        Happened::Answered
    }

    fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
    }
}

async fn find<S: Transport>(server: &DirectoryServer, mut asked: Find<'_>, end: &mut End<S>) {
    let (lookup, mut line) = asked.parts();
    let lookup = lookup.cloned();
    if let Some(found) = end.attend(&mut line, server.find(lookup)).await {
        asked.answer(&found);
    }
}

async fn page<S: Transport>(server: &DirectoryServer, mut asked: Page<'_>, end: &mut End<S>) {
    let (after, mut line) = asked.parts();
    let names = server.roll.page(after, PAGE);
    let Some(names) = end.attend(&mut line, names).await else {
        return;
    };
    if let Err(error) = &names {
        tracing::error!("userdb: {error}");
    }
    asked.answer(names.ok());
}
