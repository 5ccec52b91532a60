//! Users and passwords in a text file (Dovecot: passwd-file), read again when it changes. It never writes.
//!
//! ```text
//! user:{SCHEME}password:uid:gid:(gecos):home:(shell):field=value field=value userdb_field=value
//! ```
//!
//! Fields with `userdb_` in front describe the user ([`User`]), the others the login. Lines that begin with
//! `#` or `:` and empty ones are passed over. A line that makes no sense is reported and skipped; one whose
//! password makes no sense is reported, and no password is right for it (as Dovecot has it: a failed login,
//! no temporary failure, so that a later backend is asked).

use super::book::Book;
use super::{Enrolled, Entry, Fields, Found, Hasher, Nets, Password, Passwords};
use super::{Roll, Scheme, Stored, User, Users, Verdict};
use crate::Result;
use crate::source::{Faults, Keeping, Report, Source};
use async_trait::async_trait;
use mailcore_base::address::{Domain, Repertoire};
use mailcore_base::login::{Login, Secret};
use std::collections::{BTreeSet, HashMap, hash_map};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest line that is read, in octets.
const MAX_LINE: usize = 16 * 1024;

/// Under what name of a login the file is asked (Dovecot: `username_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NameForm {
    /// The whole name (`%u`).
    #[default]
    Whole,
    /// What stands before the `@` (`%n`): the file's users then exist in every domain.
    Local,
}

/// How a file of users is read.
#[derive(Clone)]
#[non_exhaustive]
pub struct PasswdFileOptions {
    /// Under what name the file is asked.
    pub names: NameForm,
    /// What stands behind the `@` of a name that has none, in the file and in a login, where whole names are asked for
    /// (Dovecot: `auth_default_realm`); nothing.
    pub realm: Option<String>,
    /// The scheme of passwords that name none (`PLAIN`); without one these are forms of crypt(3).
    pub scheme: Option<String>,
    /// How long a look at the file is good for; 1 s.
    pub every: Duration,
    /// The longest file that is read, in octets; 64 MiB.
    pub limit: u64,
    /// Who is told of faults; nobody.
    pub report: Report,
}

impl Default for PasswdFileOptions {
    fn default() -> Self {
        Self {
            names: NameForm::default(),
            realm: None,
            scheme: None,
            every: Duration::from_secs(1),
            limit: 64 * 1024 * 1024,
            report: Arc::new(|_| {}),
        }
    }
}

/// Users and passwords in a file. The case of ASCII letters in names does not matter, neither in a login nor in the
/// file: of names that differ in it alone the first one stands.
#[derive(Debug)]
pub struct PasswdFile {
    source: Source<Book>,
    naming: Naming,
    hasher: Hasher,
}

/// How names are made alike, those of the file and those of logins.
#[derive(Debug, Clone)]
struct Naming {
    form: NameForm,
    realm: Option<String>,
}

impl Naming {
    fn whole(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        match (name.rsplit_once('@'), &self.realm, self.form) {
            (None, Some(realm), NameForm::Whole) => format!("{name}@{realm}"),
            // Domains are compared as A-labels, and mail is delivered to these.
            (Some((local, domain)), ..) if !domain.is_ascii() => {
                match Domain::parse(domain, Repertoire::Utf8) {
                    Ok(domain) => format!("{local}@{}", domain.as_ascii()),
                    Err(_) => name,
                }
            }
            _ => name,
        }
    }

    /// The part of a whole name that the file is asked for.
    fn key<'n>(&self, whole: &'n str) -> &'n str {
        match self.form {
            NameForm::Whole => whole,
            NameForm::Local => whole.split_once('@').map_or(whole, |(local, _)| local),
        }
    }
}

impl PasswdFile {
    /// Opens a file and reads it.
    ///
    /// # Errors
    /// When it cannot be read as a whole. What is wrong with a line goes to [`PasswdFileOptions::report`].
    pub fn open(path: &Path, options: PasswdFileOptions, hasher: Hasher) -> Result<Self> {
        let keeping = Keeping {
            limit: options.limit,
            every: options.every,
            report: options.report,
        };
        let naming = Naming {
            form: options.names,
            realm: options.realm.map(|realm| realm.to_ascii_lowercase()),
        };
        let (scheme, names) = (options.scheme, naming.clone());
        let source = Source::open(path, keeping, move |octets, faults| {
            parse(octets, scheme.as_deref(), &names, faults)
        })?;
        Ok(Self {
            source,
            naming,
            hasher,
        })
    }

    /// Which file it is.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The domains of its users as lower-case A-labels and in order, as of the last time that the file was read; none of users
    /// without a domain.
    pub fn domains(&self) -> BTreeSet<String> {
        let book = self.source.held();
        let domains = book.keys().filter_map(|name| name.rsplit_once('@'));
        domains.map(|(_, domain)| domain.to_owned()).collect()
    }
}

#[async_trait]
impl Passwords for PasswdFile {
    async fn verify(&self, login: &Login, secret: &Secret) -> Result<Verdict> {
        let book = self.source.current().await;
        let name = self.naming.whole(&login.name);
        book.verify((self.naming.key(&name), &name), login, secret, &self.hasher)
            .await
    }

    async fn credential(&self, login: &Login, scheme: Scheme) -> Result<Option<Found>> {
        let book = self.source.current().await;
        let name = self.naming.whole(&login.name);
        book.credential((self.naming.key(&name), &name), login, scheme, &self.hasher)
            .await
    }

    /// As of the last time that the file was read.
    fn schemes(&self) -> Vec<Scheme> {
        self.source.current_now().schemes()
    }
}

#[async_trait]
impl Users for PasswdFile {
    async fn user(&self, login: &Login) -> Result<Option<User>> {
        let book = self.source.current().await;
        let name = self.naming.whole(&login.name);
        Ok(book.entry(self.naming.key(&name)).map(|entry| User {
            name: name.clone(),
            ..entry.user.clone()
        }))
    }
}

#[async_trait]
impl Roll for PasswdFile {
    async fn entry(&self, login: &Login) -> Result<Option<Enrolled>> {
        let book = self.source.current().await;
        let name = self.naming.whole(&login.name);
        Ok(book.enrolled((self.naming.key(&name), &name), login))
    }

    async fn page(&self, after: Option<&str>, most: usize) -> Result<Vec<String>> {
        Ok(self.source.current().await.page(after, most))
    }
}

fn parse(octets: &[u8], scheme: Option<&str>, naming: &Naming, faults: Faults<'_>) -> Book {
    let mut entries = HashMap::new();
    for (at, line) in octets.split(|octet| *octet == b'\n').enumerate() {
        let mut fault = |what: String| faults(at + 1, what);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match parse_line(line, scheme, naming, &mut fault) {
            Ok(None) => {}
            Ok(Some(entry)) => match entries.entry(entry.user.name.clone()) {
                hash_map::Entry::Vacant(place) => drop(place.insert(Arc::new(entry))),
                hash_map::Entry::Occupied(_) => {
                    let name = entry.user.name.escape_debug();
                    fault(format!(
                        "user {name} is there already; the first one stands"
                    ));
                }
            },
            Err(what) => fault(format!("{what}; this line is skipped")),
        }
    }
    Book::of(entries)
}

/// One line; `fault` is for what does not make the line useless.
fn parse_line(
    line: &[u8],
    scheme: Option<&str>,
    naming: &Naming,
    fault: &mut dyn FnMut(String),
) -> std::result::Result<Option<Entry>, String> {
    if line.len() > MAX_LINE {
        return Err(format!("longer than {MAX_LINE} octets"));
    }
    let line = std::str::from_utf8(line).map_err(|_| "not in UTF-8")?;
    if line.contains('\0') {
        return Err("holds a NUL".to_owned());
    }
    let start = line.trim_start();
    if start.is_empty() || start.starts_with('#') || line.starts_with(':') {
        return Ok(None);
    }
    let mut parts = line.splitn(8, ':');
    let name = parts.next().unwrap_or_default();
    let password = parts.next().ok_or("no password field")?;
    let [uid, gid, _gecos, home, _shell, extra] = [(); 6].map(|()| parts.next().unwrap_or(""));
    let mut user = User::new(naming.whole(name));
    user.uid = number("uid", uid)?;
    user.gid = number("gid", gid)?;
    user.home = (!home.is_empty()).then(|| home.into());
    let mut fields = Fields::new();
    for item in extra.split_ascii_whitespace() {
        let (field, value) = item.split_once('=').unwrap_or((item, ""));
        match field.strip_prefix("userdb_") {
            Some(field) => set_user_field(&mut user, field, value)?,
            None => drop(fields.insert(field.to_owned(), value.to_owned())),
        }
    }
    let nets = fields
        .get("allow_nets")
        .map(|list| {
            Nets::parse(list)
                .map_err(|bad| format!("allow_nets: no network: {}", bad.escape_debug()))
        })
        .transpose()?;
    let any = password.is_empty() && fields.contains_key("nopassword");
    Ok(Some(Entry {
        user,
        password: if any {
            Password::Any
        } else {
            parse_password(password, scheme, fault)
        },
        fields,
        nets,
    }))
}

/// An empty field and the marks of a locked account are no password, and no fault.
fn parse_password(text: &str, scheme: Option<&str>, fault: &mut dyn FnMut(String)) -> Password {
    let named = match scheme {
        // An empty password would otherwise be right where PLAIN is the rule.
        _ if text.is_empty() => return Password::None,
        Some(scheme) if !text.starts_with('{') => &format!("{{{scheme}}}{text}"),
        None if text.starts_with(['*', '!']) || text == "x" => return Password::None,
        _ => text,
    };
    match Stored::parse(named) {
        Ok(stored) => Password::Stored(Arc::new(stored)),
        Err(error) => {
            fault(format!("{error}; no password is right for this user"));
            Password::None
        }
    }
}

fn set_user_field(
    user: &mut User,
    field: &str,
    value: &str,
) -> std::result::Result<(), &'static str> {
    match field {
        "uid" => user.uid = number("userdb_uid", value)?,
        "gid" => user.gid = number("userdb_gid", value)?,
        "home" => user.home = Some(value.into()),
        "mail" => user.location = Some(value.to_owned()),
        _ => drop(user.fields.insert(field.to_owned(), value.to_owned())),
    }
    Ok(())
}

/// Names of system users are not looked up: that is the business of whoever has the system's databases.
fn number(what: &'static str, text: &str) -> std::result::Result<Option<u32>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| match what {
        "uid" | "userdb_uid" => "the uid is no number",
        _ => "the gid is no number",
    })
}

impl std::fmt::Debug for PasswdFileOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswdFileOptions")
            .field("names", &self.names)
            .field("realm", &self.realm)
            .field("scheme", &self.scheme)
            .field("every", &self.every)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
