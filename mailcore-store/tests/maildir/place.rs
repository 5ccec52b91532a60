//! A folder of mail as other programs have left it, and a store on it.

use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::Result;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, RealDisk};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Mailbox, Stamp};
use std::collections::BTreeMap;
use std::fs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const LIST: &str = "3 V1795171207 N4 G2a6916168723006bf270000083ecc375\n\
    2 :1795171207.M389678P28916.vm,S=31,W=36\n3 :1795171207.M403944P28918.vm,S=31,W=36\n";
pub(crate) const MAIL: &str = "Subject: t1\nFrom: a@b\n\nhello\nw\n";

pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A mailbox as Dovecot 2.3 left it: flags in `new/`, keywords, and nothing open.
    pub(crate) fn of_dovecot() -> Self {
        let place = Self::new();
        for dir in ["cur", "new", "tmp", ".X.Y.&ANw-/cur"] {
            fs::create_dir_all(place.at(dir)).unwrap();
        }
        place.write("dovecot-uidlist", LIST);
        place.write("dovecot-keywords", "0 $Forwarded\n1 Junk\n");
        place.write("subscriptions", "V\t2\n\nEntw&APw-rfe\nA\tB\nINBOX\n");
        place.write("dovecot-uidvalidity", "6b002389");
        place.write("dovecot-uidvalidity.6b002389", "");
        place.write("new/1795171207.M389678P28916.vm,S=31,W=36:2,Sab", MAIL);
        place.write("cur/1795171207.M403944P28918.vm,S=31,W=36:2,PRb", MAIL);
        place
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("u").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    pub(crate) fn list(&self) -> String {
        fs::read_to_string(self.at("dovecot-uidlist")).unwrap()
    }

    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(dir))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn store(&self) -> Maildir {
        self.store_on(Arc::new(RealDisk::new(self.dir.path())))
    }

    pub(crate) fn store_on(&self, disk: Arc<dyn Disk>) -> Maildir {
        let mut options = Options::new("%n");
        options.patience = Duration::from_millis(50);
        options.patrol = Duration::from_millis(20);
        Maildir::on(disk, Clock::system(), options)
    }

    pub(crate) async fn account(&self) -> Arc<dyn Account> {
        self.store().account(&User::new("u")).await.unwrap()
    }

    pub(crate) async fn select(&self) -> Box<dyn Mailbox> {
        let inbox = MailboxName::inbox();
        self.account()
            .await
            .open(&inbox, Access::Write)
            .await
            .unwrap()
    }
}

pub(crate) async fn append(account: &dyn Account, octets: &[u8]) -> Result<u32> {
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(octets).await?;
    let appended = append.commit(Stamp::default()).await?;
    Ok(appended.uids.first().unwrap().number())
}

/// UIDs with flags by name.
pub(crate) async fn shown(mailbox: &dyn Mailbox) -> BTreeMap<u32, String> {
    let now = mailbox.sync(None).await.unwrap().now;
    let mut records = Vec::new();
    mailbox
        .records(&UidSet::all(), Fields::FLAGS, &mut records)
        .await
        .unwrap();
    let flags = |f: Flags| f.names(&now.keywords).collect::<Vec<_>>().join(" ");
    records
        .iter()
        .map(|r| (r.uid.number(), flags(r.flags)))
        .collect()
}

pub(crate) async fn octets(mailbox: &dyn Mailbox, uid: u32) -> Vec<u8> {
    let body = mailbox.body(Uid::new(uid).unwrap()).await.unwrap().unwrap();
    let mut out = Vec::new();
    while (out.len() as u64) < body.len() {
        out.extend_from_slice(&body.read(out.len() as u64..body.len()).await.unwrap());
    }
    out
}

pub(crate) fn all(op: FlagOp, flags: Flags) -> FlagChange {
    FlagChange::of(op, flags)
}
