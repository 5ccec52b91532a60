//! A mailbox on a simulated disk that is watched: which message files are opened, which directories are read.

use crate::common::{Call, Hook, Hooked};
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName, ModSeq, Uid, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Open, SimDisk};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Mailbox, Record, Stamp};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// What a store does to a disk.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    opened: AtomicUsize,
    listed: AtomicUsize,
}

impl Seen {
    /// Message files opened, and message directories read, since the last call.
    pub(crate) fn take(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (take(&self.opened), take(&self.listed))
    }
}

impl Hook for Seen {
    fn before(&self, _: Option<&dyn Disk>, call: &Call<'_>) -> io::Result<()> {
        match call {
            Call::Open(path, _) => {
                let dir = path.parent().and_then(Path::file_name);
                if dir.is_some_and(|dir| dir == "cur" || dir == "new") {
                    self.opened.fetch_add(1, Ordering::SeqCst);
                }
            }
            Call::List(path) if path.ends_with("cur") || path.ends_with("new") => {
                self.listed.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        Ok(())
    }
}

pub(crate) fn disk() -> SimDisk {
    SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

/// A new life of the server on the disk.
pub(crate) struct House {
    pub(crate) disk: SimDisk,
    pub(crate) seen: Arc<Seen>,
    store: Maildir,
}

impl House {
    pub(crate) fn on(disk: &SimDisk) -> Self {
        Self::set_back(disk, true, Duration::ZERO)
    }

    /// With an index, or as if there were none; by a clock that has been set back by so much.
    pub(crate) fn set_back(disk: &SimDisk, index: bool, back: Duration) -> Self {
        let clock = {
            let disk = disk.clone();
            Clock::new(move || disk.now() - back)
        };
        let mut options = Options::new("mail");
        options.patience = Duration::ZERO;
        options.patrol = Duration::ZERO;
        options.kept = 1;
        options.index = index;
        let seen = Arc::<Seen>::default();
        let watched = Hooked::new(disk.clone(), seen.clone());
        Self {
            disk: disk.clone(),
            seen,
            store: Maildir::on(Arc::new(watched), clock, options),
        }
    }

    pub(crate) async fn account(&self) -> Arc<dyn Account> {
        self.store.account(&User::new("u")).await.unwrap()
    }

    pub(crate) async fn select(&self) -> Box<dyn Mailbox> {
        let account = self.account().await;
        let mailbox = account.open(&MailboxName::inbox(), Access::Write).await;
        let mailbox = mailbox.unwrap();
        mailbox.sync(None).await.unwrap();
        mailbox
    }

    pub(crate) async fn deliver(&self, text: &str) -> Uid {
        let account = self.account().await;
        let mut append = account.append(&MailboxName::inbox()).await.unwrap();
        append.write(text.as_bytes()).await.unwrap();
        append
            .commit(Stamp::default())
            .await
            .unwrap()
            .uids
            .first()
            .unwrap()
    }

    /// Puts a file where another program would.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let file = self.disk.open(Path::new(path), Open::Create).unwrap();
        file.write_at(text.as_bytes(), 0).unwrap();
    }
}

pub(crate) fn message(n: usize) -> String {
    format!(
        "From: a{n}@example.test\r\nTo: b@example.test\r\nSubject: message {n}\r\nReceived: x\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    )
}

/// Everything that records can tell.
pub(crate) async fn records(mailbox: &dyn Mailbox) -> Vec<Record> {
    let wanted = Fields::FLAGS
        | Fields::DATE
        | Fields::SIZE
        | Fields::ENVELOPE
        | Fields::STRUCTURE
        | Fields::HEADERS;
    let mut out = Vec::new();
    mailbox
        .records(&UidSet::all(), wanted, &mut out)
        .await
        .unwrap();
    out
}

pub(crate) async fn modseq(mailbox: &dyn Mailbox) -> ModSeq {
    mailbox.sync(None).await.unwrap().now.modseq
}

pub(crate) fn set(uids: &[u32]) -> UidSet {
    uids.iter().filter_map(|n| Uid::new(*n)).collect()
}

pub(crate) async fn flag(mailbox: &dyn Mailbox, uids: &[u32], op: FlagOp, flags: Flags) {
    let change = FlagChange::of(op, flags);
    mailbox.flag(&set(uids), &change, None).await.unwrap();
}
