//! The Maildir store beside other programs: what Dovecot or a delivery agent did is understood, and nothing outside of
//! the store is touched.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used)]

use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, File, FileKind, Open, RealDisk, Stat};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Mailbox, Stamp};
use mailcore_store::{Kind, Result};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

const LIST: &str = "3 V1795171207 N4 G2a6916168723006bf270000083ecc375\n\
    2 :1795171207.M389678P28916.vm,S=31,W=36\n3 :1795171207.M403944P28918.vm,S=31,W=36\n";
const MAIL: &str = "Subject: t1\nFrom: a@b\n\nhello\nw\n";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A mailbox as Dovecot 2.3 left it: flags in `new/`, keywords, and nothing open.
    fn of_dovecot() -> Self {
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

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("u").join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn list(&self) -> String {
        fs::read_to_string(self.at("dovecot-uidlist")).unwrap()
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(dir))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn store(&self) -> Maildir {
        self.store_on(Arc::new(RealDisk::new(self.dir.path())))
    }

    fn store_on(&self, disk: Arc<dyn Disk>) -> Maildir {
        let mut options = Options::new("%n");
        options.patience = Duration::from_millis(50);
        options.patrol = Duration::from_millis(20);
        Maildir::on(disk, Clock::system(), options)
    }

    async fn account(&self) -> Arc<dyn Account> {
        self.store().account(&User::new("u")).await.unwrap()
    }

    async fn select(&self) -> Box<dyn Mailbox> {
        let inbox = MailboxName::inbox();
        self.account()
            .await
            .open(&inbox, Access::Write)
            .await
            .unwrap()
    }
}

async fn append(account: &dyn Account, octets: &[u8]) -> Result<u32> {
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(octets).await?;
    Ok(append.commit(Stamp::default()).await?.uid.number())
}

/// UIDs with flags by name.
async fn shown(mailbox: &dyn Mailbox) -> BTreeMap<u32, String> {
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

async fn octets(mailbox: &dyn Mailbox, uid: u32) -> Vec<u8> {
    let body = mailbox.body(Uid::new(uid).unwrap()).await.unwrap().unwrap();
    let mut out = Vec::new();
    while (out.len() as u64) < body.len() {
        out.extend_from_slice(&body.read(out.len() as u64..body.len()).await.unwrap());
    }
    out
}

fn all(op: FlagOp, flags: Flags) -> FlagChange {
    FlagChange::of(op, flags)
}

#[tokio::test]
async fn what_dovecot_left_is_taken_over_with_uids_flags_and_subscriptions() {
    let place = Place::of_dovecot();
    let account = place.account().await;
    let inbox = place.select().await;
    assert_eq!(inbox.uid_validity().to_string(), "1795171207");
    let expected = [(2, "\\Seen $Forwarded Junk"), (3, "\\Answered Junk")];
    assert_eq!(
        shown(&*inbox).await,
        expected.map(|(u, f)| (u, f.to_owned())).into()
    );
    assert_eq!(
        octets(&*inbox, 2).await,
        MAIL.replace('\n', "\r\n").as_bytes()
    );
    let listed = account.list(None, 10).await.unwrap();
    let names: Vec<_> = listed.iter().map(|l| l.name.to_string()).collect();
    assert_eq!(names, ["INBOX", "X", "X/Y", "X/Y/Ü"]);
    let subscribed = account.subscriptions().await.unwrap();
    let names: Vec<_> = subscribed.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["A/B", "Entwürfe", "INBOX"]);

    assert_eq!(append(&*account, b"a\r\nb\r\n").await.unwrap(), 4);
    assert!(place.list().starts_with(LIST), "the list was appended to");
    let change = all(FlagOp::Add, Flags::FLAGGED);
    inbox
        .flag(&UidSet::one(Uid::new(3).unwrap()), &change, None)
        .await
        .unwrap();
    let names = place.names("cur");
    assert!(
        names.contains(&"1795171207.M403944P28918.vm,S=31,W=36:2,FPRb".to_owned()),
        "{names:?}"
    );
    let new = place.names("new");
    assert!(new.len() == 1 && new[0].ends_with(",S=4,W=6"), "{new:?}");
    account
        .create(&MailboxName::parse("made", '/').unwrap(), None)
        .await
        .unwrap();
    let list = fs::read_to_string(place.at(".made/dovecot-uidlist")).unwrap();
    let validity: u32 = list[3..13].parse().unwrap();
    assert!(validity > 0x6b00_2389 && list.contains(" N1 G"), "{list}");
    let mode = fs::metadata(place.at("new").join(&new[0]))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_another_program_does_is_seen_at_the_next_look() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    shown(&*inbox).await;
    // A delivery agent.
    place.write("new/1795171300.x.agent", "one\n");
    // Dovecot stores flags, expunges, and delivers under a UID of its own.
    let at = |name: &str| place.at(name);
    fs::rename(
        at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,PRb"),
        at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,S"),
    )
    .unwrap();
    fs::remove_file(at("cur/1795171207.M389678P28916.vm,S=31,W=36:2,Sab")).unwrap();
    place.write("cur/1795171299.y.dovecot:2,F", "two\n");
    place.write(
        "dovecot-uidlist",
        format!("{LIST}9 :1795171299.y.dovecot\n"),
    );
    let expected = [(3, "\\Seen"), (9, "\\Flagged"), (10, "")];
    assert_eq!(
        shown(&*inbox).await,
        expected.map(|(u, f)| (u, f.to_owned())).into()
    );
    assert!(
        place
            .list()
            .ends_with("\n9 :1795171299.y.dovecot\n10 :1795171300.x.agent\n")
    );
    assert_eq!(inbox.recent().to_string(), "9:10");
    assert_eq!(octets(&*inbox, 10).await, b"one\r\n");
    assert_eq!(
        append(&*place.account().await, b"three\r\n").await.unwrap(),
        11
    );
    assert_eq!(shown(&*inbox).await.len(), 4);
}

#[tokio::test]
async fn somebody_who_waits_is_told_of_what_another_program_delivers() {
    let place = Place::new();
    let inbox = place.select().await;
    let known = inbox.sync(None).await.unwrap().now.modseq;
    let waiting = inbox.changed(known);
    let deliver = async {
        tokio::task::yield_now().await;
        place.write("new/1.x.agent", "one\n");
    };
    tokio::join!(waiting, deliver);
    assert_eq!(shown(&*inbox).await.len(), 1);
}

#[tokio::test]
async fn a_message_that_vanishes_or_moves_under_a_reader_is_found_or_gone() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    shown(&*inbox).await;
    let at = |name: &str| place.at(name);
    fs::rename(
        at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,PRb"),
        at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,S"),
    )
    .unwrap();
    assert_eq!(octets(&*inbox, 3).await.len(), 36);
    fs::remove_file(at("cur/1795171207.M403944P28918.vm,S=31,W=36:2,S")).unwrap();
    assert!(inbox.body(Uid::new(3).unwrap()).await.unwrap().is_none());
    let change = all(FlagOp::Add, Flags::FLAGGED);
    inbox.flag(&UidSet::all(), &change, None).await.unwrap();
    assert_eq!(
        shown(&*inbox).await.keys().copied().collect::<Vec<_>>(),
        [2]
    );
}

#[tokio::test]
async fn a_lost_list_is_a_new_life_unless_somebody_still_knows_it() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    shown(&*inbox).await;
    fs::remove_file(place.at("dovecot-uidlist")).unwrap();
    assert_eq!(
        shown(&*inbox).await.keys().copied().collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(place.list(), LIST, "written again");
    drop(inbox);
    for lost in ["", "rubbish\n", "3 V1795171207 N4"] {
        place.write("dovecot-uidlist", lost);
        let inbox = place.select().await;
        assert!(inbox.uid_validity().0.get() > 1_795_171_207, "{lost:?}");
        assert_eq!(
            shown(&*inbox).await.keys().copied().collect::<Vec<_>>(),
            [1, 2]
        );
    }
}

#[tokio::test]
async fn another_life_of_the_mailbox_ends_the_session() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    let known = inbox.sync(None).await.unwrap().now.modseq;
    place.write(
        "dovecot-uidlist",
        LIST.replace("V1795171207", "V1795171999"),
    );
    let gone = inbox.sync(None).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
    inbox.changed(known).await;
    let again = place.select().await;
    assert_eq!(again.uid_validity().to_string(), "1795171999");
}

#[tokio::test]
async fn a_torn_list_is_mended_before_anything_is_added() {
    let place = Place::of_dovecot();
    place.write("dovecot-uidlist", &LIST.as_bytes()[..LIST.len() - 3]);
    let inbox = place.select().await;
    assert_eq!(
        shown(&*inbox).await.keys().copied().collect::<Vec<_>>(),
        [2, 4]
    );
    assert!(
        place
            .list()
            .ends_with("\n4 :1795171207.M403944P28918.vm,S=31,W=36\n")
    );
    assert!(!place.list().contains("\n3 "));
}

#[tokio::test]
async fn a_lock_is_honoured_for_a_while_and_one_of_the_dead_is_not() {
    let place = Place::of_dovecot();
    let account = place.account().await;
    place.write("dovecot-uidlist.lock", "1:elsewhere.example");
    let refused = append(&*account, b"a\r\n").await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy);
    assert_eq!(place.names("tmp"), [""; 0]);
    let inbox = place.select().await;
    assert_eq!(shown(&*inbox).await.len(), 2, "who reads needs no lock");
    let host = Options::new("x").host;
    place.write("dovecot-uidlist.lock", format!("999999999:{host}"));
    assert_eq!(append(&*account, b"a\r\n").await.unwrap(), 4);
    assert!(!place.at("dovecot-uidlist.lock").exists());
}

#[tokio::test]
async fn files_of_others_are_served_whatever_their_line_ends_and_names_say() {
    let place = Place::of_dovecot();
    place.write("cur/1795171301.a.x:2,", "crlf\r\n\r\nmixed\nbare\rcr\r\n");
    place.write("cur/1795171302.b.x,S=5,W=6:2,", "longer than it says\n");
    place.write("cur/1795171303.c.x,S=4,W=4:2,", "a\nb\n");
    place.write("cur/1795171304.d.x,S=4,W=9999:2,", "a\nb\n");
    let inbox = place.select().await;
    let mut records = Vec::new();
    inbox.sync(None).await.unwrap();
    assert_eq!(
        octets(&*inbox, 4).await,
        b"crlf\r\n\r\nmixed\r\nbare\rcr\r\n"
    );
    assert_eq!(octets(&*inbox, 5).await, b"longer than it says\r\n");
    assert_eq!(octets(&*inbox, 7).await, b"a\r\nb\r\n");
    inbox
        .records(&UidSet::all(), Fields::SIZE, &mut records)
        .await
        .unwrap();
    let sizes: Vec<_> = records.iter().map(|r| r.size.unwrap()).collect();
    assert_eq!(sizes[2..4], [24, 21]);
    assert_eq!(sizes[5], 6);
}

#[tokio::test]
async fn two_files_of_one_name_are_two_messages_and_two_names_of_one_file_are_one() {
    let place = Place::of_dovecot();
    place.write("new/1795171301.a.x", "one\n");
    place.write("cur/1795171301.a.x:2,S", "two\n");
    place.write("new/1795171302.b.x", "same\n");
    fs::hard_link(
        place.at("new/1795171302.b.x"),
        place.at("cur/1795171302.b.x:2,S"),
    )
    .unwrap();
    let inbox = place.select().await;
    let uids = shown(&*inbox).await;
    assert_eq!(uids.len(), 5, "{uids:?}");
    let mut texts = Vec::new();
    for uid in uids.keys().filter(|uid| **uid > 3) {
        texts.push(String::from_utf8(octets(&*inbox, *uid).await).unwrap());
    }
    texts.sort();
    assert_eq!(texts, ["one\r\n", "same\r\n", "two\r\n"]);
}

#[tokio::test]
async fn nothing_outside_of_the_store_is_read_or_written() {
    let place = Place::of_dovecot();
    let outside = place.dir.path().join("outside");
    for dir in ["cur", "new", "tmp"] {
        fs::create_dir_all(outside.join(dir)).unwrap();
    }
    fs::write(outside.join("secret"), "secret\n").unwrap();
    std::os::unix::fs::symlink(&outside, place.at(".link")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), place.at("cur/1795171309.z.x:2,")).unwrap();
    let account = place.account().await;
    let listed = account.list(None, 10).await.unwrap();
    assert!(listed.iter().all(|l| l.name.to_string() != "link"));
    let link = MailboxName::parse("link", '/').unwrap();
    assert_eq!(
        account.status(&link).await.unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(
        account.delete(&link).await.unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(shown(&*place.select().await).await.len(), 2);
    for bad in ["a/../../x", "../outside", "/outside", "a/b", "~", "x/cur"] {
        let Ok(name) = MailboxName::parse(bad, '.') else {
            continue;
        };
        assert!(account.create(&name, None).await.is_err(), "{bad}");
        assert_eq!(
            account.append(&name).await.unwrap_err().kind(),
            Kind::NotFound,
            "{bad}"
        );
        assert!(
            account.rename(&MailboxName::inbox(), &name).await.is_err(),
            "{bad}"
        );
    }
    for bad in ["../u", "..", "u/../x", "", ".u", "u\0"] {
        assert!(
            place.store().account(&User::new(bad)).await.is_err(),
            "{bad:?}"
        );
    }
    let mut tree: Vec<_> = fs::read_dir(place.dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    tree.sort();
    assert_eq!(tree, ["outside", "u"]);
}

#[tokio::test]
async fn what_a_crash_left_of_a_mailbox_is_cleared_away() {
    let place = Place::of_dovecot();
    place.write("..mailcore-gone.1.M1P1.x/cur/1.a.x:2,", "gone\n");
    place.write("..mailcore-new.1.M1P1.x/dovecot-uidlist", "");
    let old = SystemTime::now() - Duration::from_secs(40 * 3600);
    place.write("tmp/1.young", "in the midst of it");
    fs::File::options()
        .write(true)
        .open(place.at("tmp/1.young"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    place.select().await;
    let names = place.names("");
    assert!(
        names.iter().all(|n| !n.starts_with("..mailcore")),
        "{names:?}"
    );
    assert_eq!(
        place.names("tmp"),
        ["1.young"],
        "its date is the message's, not its age"
    );
}

#[tokio::test]
async fn a_copy_costs_a_name_and_not_a_file() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    inbox.sync(None).await.unwrap();
    let target = MailboxName::parse("X/Y/Ü", '/').unwrap();
    inbox.copy(&UidSet::all(), &target).await.unwrap();
    let copies = place.names(".X.Y.&ANw-/cur");
    assert_eq!(copies.len(), 2);
    let copy = fs::metadata(place.at(".X.Y.&ANw-/cur").join(&copies[0])).unwrap();
    assert_eq!(copy.nlink(), 2);
    let keywords = fs::read_to_string(place.at(".X.Y.&ANw-/dovecot-keywords")).unwrap();
    assert_eq!(keywords, "0 $Forwarded\n1 Junk\n");
}

/// A disk that counts its flushes.
#[derive(Debug)]
struct Counting(RealDisk, Arc<AtomicUsize>);

impl Counting {
    fn count(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct CountingFile(Box<dyn File>, Arc<AtomicUsize>);

impl Disk for Counting {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.0.open(path, how)?;
        Ok(Box::new(CountingFile(file, self.1.clone())))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.link(from, to)
    }
    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.0.unlink(path)
    }
    fn mkdir(&self, path: &Path) -> io::Result<()> {
        self.0.mkdir(path)
    }
    fn rmdir(&self, path: &Path) -> io::Result<()> {
        self.0.rmdir(path)
    }
    fn list(&self, path: &Path, each: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.0.list(path, each)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.stat(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.count();
        self.0.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.0.lock(path)
    }
    fn sync_all(&self, path: &Path) -> io::Result<()> {
        self.count();
        self.0.sync_all(path)
    }
}

impl File for CountingFile {
    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(out, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_at(bytes, at)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        self.0.append(bytes)
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
    fn date(&self, modified: SystemTime) -> io::Result<()> {
        self.0.date(modified)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync_data()
    }
    fn sync(&self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

#[tokio::test]
async fn messages_that_come_together_share_their_flushes() {
    let place = Place::new();
    let flushes = Arc::new(AtomicUsize::new(0));
    let disk = Counting(RealDisk::new(place.dir.path()), flushes.clone());
    let store = place.store_on(Arc::new(disk));
    let account = store.account(&User::new("u")).await.unwrap();
    append(&*account, b"first\r\n").await.unwrap();
    let before = flushes.load(Ordering::SeqCst);
    append(&*account, b"alone\r\n").await.unwrap();
    assert_eq!(
        flushes.load(Ordering::SeqCst) - before,
        3,
        "file, list, directory"
    );
    let before = flushes.load(Ordering::SeqCst);
    let mut tickets = Vec::new();
    for n in 0..200 {
        let mut append = account.append(&MailboxName::inbox()).await.unwrap();
        append.write(format!("{n}\r\n").as_bytes()).await.unwrap();
        tickets.push(append);
    }
    let tickets: Vec<_> = tickets
        .into_iter()
        .map(|a| a.commit(Stamp::default()))
        .collect();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    let count = flushes.load(Ordering::SeqCst) - before;
    assert!(count < 100, "{count} flushes for 200 messages");
}

#[tokio::test]
async fn a_mailbox_whose_uids_are_used_up_begins_a_new_life() {
    let place = Place::of_dovecot();
    place.write("dovecot-uidlist", LIST.replace("N4", "N4294967295"));
    for name in ["a", "b"] {
        place.write(&format!("cur/{name}"), MAIL);
    }
    let inbox = place.select().await;
    let shown: Vec<u32> = shown(&*inbox).await.into_keys().collect();
    assert_eq!(shown, [1, 2, 3, 4]);
    assert!(inbox.uid_validity().to_string().parse::<u32>().unwrap() > 1_795_171_207);
    assert!(place.list().contains(" N5 "), "{}", place.list());
    assert_eq!(append(&*place.account().await, b"x\r\n").await.unwrap(), 5);
}

#[tokio::test]
async fn a_name_that_tells_too_short_a_length_is_not_believed() {
    let served = MAIL.replace('\n', "\r\n").into_bytes();
    for told in MAIL.len()..=served.len() + 2 {
        let place = Place::new();
        place.write(&format!("cur/x,W={told}"), MAIL);
        let inbox = place.select().await;
        let body = inbox.body(Uid::new(1).unwrap()).await.unwrap().unwrap();
        assert_eq!(body.len(), served.len() as u64, "W={told}");
        assert_eq!(octets(&*inbox, 1).await, served, "W={told}");
    }
}
