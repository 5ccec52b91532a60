//! Maildir++ as Dovecot 2.3 keeps it, on a [`Disk`]: Dovecot can be stopped and this store started on its
//! directories, and back, and both can be at work at once.
//!
//! ```text
//! Maildir/                       INBOX
//!   cur/ new/ tmp/               messages; `filename` says how they are named
//!   dovecot-uidlist              which file has which UID; `uidlist`; changed under dovecot-uidlist.lock
//!   dovecot-keywords             what the letters a to z mean; `letters`
//!   dovecot-uidvalidity[.HEX]    the last UIDVALIDITY given; `validity`
//!   subscriptions                `subscriptions`
//!   maildirsize                  what the account holds, where somebody has made the file; `maildirsize`
//!   mailcore.index, .cache       ours alone, and made anew from the rest; `index`
//!   .Lists.rust/                 the mailbox Lists/rust, with the same files and `maildirfolder`
//!   ..mailcore-*/                a mailbox being made or removed; a crash may leave it, the next start (of its host) removes it
//! ```
//!
//! Promises, and where they are kept: messages and their UIDs are durable before anybody is told of them (`deliver`, `desk`);
//! flags and removals before the command is answered (`edit`); a move is a durable copy before it is a removal
//! (`transfer`); what other programs did is seen at the next look (`scan`). A sync that failed is answered with an
//! error and never repeated in its stead: lists are then written anew, messages taken back.
//!
//! Limits: 26 keywords a mailbox; names of mailboxes up to 254 octets in modified UTF-7, without `/`, `.` inside of a
//! component, or `~` in front; only INBOX and mailboxes by their conventional names have special uses. Modification
//! sequences begin anew, above all earlier ones, after power was lost and where the index is. LAYOUT=fs and separate INDEX or
//! CONTROL directories are refused.

mod body;
mod book;
mod deliver;
mod desk;
mod dotlock;
mod edit;
mod filename;
mod folder;
mod fresh;
mod handle;
mod home;
mod index;
mod letters;
mod lines;
mod listing;
mod location;
mod lookout;
mod maildirsize;
mod parcel;
mod read;
mod room;
mod row;
mod scan;
mod site;
mod subscriptions;
mod sweep;
mod table;
mod tally;
mod tenant;
mod transfer;
mod uidlist;
mod validity;
mod works;

#[cfg(test)]
mod tests;

use super::{Account, Clock, MailStore};
use crate::auth::User;
use crate::disk::{Disk, RealDisk, SharedDisk};
use crate::figures::MailboxFigures;
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use home::Home;
use lookout::Lookout;
use mailcore_base::mailbox::{MailboxName, SpecialUse};
use site::Site;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tenant::Tenant;
use works::Works;

/// How a Maildir store behaves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where mail lies for users without a location of their own: `%u` is the user's name, `%n` and `%d` its parts
    /// in front of and behind the `@`, `%h` and `~/` the home. Relative to the disk's root, or absolute.
    pub template: String,
    /// The name of this host, for file names and locks.
    pub host: String,
    /// This process's number, likewise.
    pub pid: u32,
    /// What mailboxes are for, by name: LIST tells it of those that are there.
    pub specials: Vec<(MailboxName, SpecialUse)>,
    /// How many threads may wait for the disk at once, deliveries apart, which have two.
    pub threads: usize,
    /// How many mailboxes are kept in memory after the last session has left them, so that a delivery or STATUS need not
    /// read them anew.
    pub kept: usize,
    /// How long another program's lock is waited for.
    pub patience: Duration,
    /// How often mailboxes that sessions wait on are looked at for changes made by other programs; zero: never. One that is
    /// watched is looked at a twelfth as often.
    pub patrol: Duration,
    /// How many mailboxes that sessions have selected are watched at most, so that what other programs do is told at once:
    /// where the disk can tell ([`Disk::listen`]). Each takes three watches of the kernel's,
    /// about a kilobyte each. Zero: none.
    pub watches: usize,
    /// Whether mailboxes get an index, beside their lists: it opens them quickly, and keeps what is told of messages
    /// without opening them. One that is there and not wanted is left alone, and is worthless afterwards.
    pub index: bool,
    /// Whether other hosts, ours or Dovecot's, are at work on the same directories over a network file system such as NFS
    /// (what Dovecot does with `mmap_disable=yes`, `mail_fsync=always`, `mail_nfs_storage=yes` and `mail_nfs_index=yes`).
    ///
    /// With it, locks are made by a link and judged by the file server's clock; directories and lists are looked at by
    /// opening them, which makes a client of NFS ask its server (so not on a mount with `nocto`); what becomes stale is looked
    /// for again; files and directories are flushed one by one. There are no watches, but a patrol, and no index: two hosts
    /// would each take the other's for its own. What another host has done is seen at the next look: a command's, or the
    /// patrol's. `host` must be another on each host.
    ///
    /// Without it, on such a file system two hosts may give one UID to two messages, or take a message for gone that has
    /// only been renamed.
    pub shared: bool,
    /// What it counts.
    pub figures: Arc<MailboxFigures>,
}

impl Options {
    /// Usual values: Drafts, Sent, Trash, Junk and Archive are what they are called; 16 threads; 64
    /// mailboxes kept; 30 seconds for a lock; a look every 5 seconds; 10,000 mailboxes watched.
    pub fn new(template: impl Into<String>) -> Self {
        let specials = [
            ("Drafts", SpecialUse::Drafts),
            ("Sent", SpecialUse::Sent),
            ("Trash", SpecialUse::Trash),
            ("Junk", SpecialUse::Junk),
            ("Archive", SpecialUse::Archive),
        ];
        let named = |(name, special)| Some((MailboxName::parse(name, '/').ok()?, special));
        Self {
            template: template.into(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            pid: std::process::id(),
            specials: specials.into_iter().filter_map(named).collect(),
            threads: 16,
            kept: 64,
            patience: Duration::from_secs(30),
            patrol: Duration::from_secs(5),
            watches: 10_000,
            index: true,
            shared: false,
            figures: Arc::default(),
        }
    }
}

/// A mail store of Maildir++ directories. Clones are the same store; use one for a directory in a process.
///
/// It needs a tokio runtime: disk work goes to its blocking threads.
#[derive(Debug, Clone)]
pub struct Maildir {
    works: Arc<Works>,
    template: Arc<str>,
    specials: Arc<[(MailboxName, SpecialUse)]>,
}

impl Maildir {
    /// The directory that is a user's INBOX, by a template for users without a location of their own.
    ///
    /// # Errors
    /// When the location is none that this store serves, or the user's name can be no part of a path.
    pub fn place(user: &User, template: &str) -> Result<PathBuf> {
        location::root(user, template)
    }

    /// A store on the operating system's files, by a template with absolute paths.
    pub fn new(template: impl Into<String>) -> Self {
        Self::with(Options::new(template))
    }

    /// The same with other [`Options`].
    pub fn with(options: Options) -> Self {
        Self::on(Arc::new(RealDisk::new("/")), Clock::system(), options)
    }

    /// A store on any disk, by any clock.
    pub fn on(disk: Arc<dyn Disk>, clock: Clock, options: Options) -> Self {
        let shared = options.shared;
        let disk = match shared {
            true => Arc::new(SharedDisk::new(disk)) as Arc<dyn Disk>,
            false => disk,
        };
        let mut site = Site::new(disk, clock, &options.host, options.pid, options.kept);
        site.shared = shared;
        site.figures = options.figures;
        site.indexed = options.index && !shared;
        let watches = if shared { 0 } else { options.watches };
        site.lookout = Lookout::new(site.disk.clone(), watches);
        let site = Arc::new(site);
        Self {
            works: Arc::new(Works::new(
                site,
                options.threads,
                options.patience,
                options.patrol,
            )),
            template: options.template.into(),
            specials: options.specials.into(),
        }
    }
}

#[async_trait]
impl MailStore for Maildir {
    async fn account(&self, user: &User) -> Result<Arc<dyn Account>> {
        if user.name.contains('\0') {
            return Err(Error::new(Kind::Denied, "user name"));
        }
        let root = location::root(user, &self.template)?;
        let site = self.works.site.clone();
        let home = site.clone().home(&root, || {
            Home::new(site, root.clone(), self.specials.clone())
        });
        if !home.is_ready() {
            let prepared = home.clone();
            let prepare = move || prepared.prepare().map_err(|e| e.at(&prepared.root));
            self.works.run(prepare).await?;
        }
        Ok(Arc::new(Tenant {
            works: self.works.clone(),
            home,
        }))
    }
}
