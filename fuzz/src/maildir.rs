//! Maildirs as somebody left them: lists of UIDs, keywords and subscriptions, the sum of sizes and the last UIDVALIDITY with
//! anything in them, files of any name. The mailbox opens, shows each file that is a message once, and what it has shown stays
//! true when it is opened anew; a mailbox that is made again is another one.

use crate::Choices;
use mailcore_base::mailbox::{MailboxName, Snapshot, Uid, UidSet, UidValidity};
use mailcore_store::Result;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Open, SimDisk, mkdir_all};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Stamp};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// More files than that show nothing new.
const MOST_FILES: usize = 12;

/// Every file's content, and how it is served.
const KEPT: &[u8] = b"Subject: x\n\nbody\n";
const SERVED: &[u8] = b"Subject: x\r\n\r\nbody\r\n";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

/// The input is six parts, each ended by a line `--`: names of files in `cur` and `new` by turns, the list of UIDs, the
/// list of keywords, the subscriptions, the sum of sizes, the last UIDVALIDITY.
pub fn body(input: &[u8]) {
    let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let bases = furnish(&disk, input);
    let first = RUNTIME.block_on(look(&disk)).expect("the disk is sound");
    numbered(&first, bases.len());
    let again = RUNTIME.block_on(look(&disk)).expect("the disk is sound");
    assert_eq!(again.uids, first.uids, "UIDs have changed");
    assert_eq!(again.uid_validity, first.uid_validity);
    assert!(again.uid_next >= first.uid_next);

    match RUNTIME.block_on(append(&disk)) {
        Ok(uid) => {
            assert!(uid >= first.uid_next, "{uid} was promised to come no more");
            let more = RUNTIME.block_on(look(&disk)).expect("the disk is sound");
            let mut want = first.uids.set();
            want.insert(uid);
            assert_eq!(more.uids.set(), want);
        }
        // There is no UID behind the last.
        Err(error) => assert!(first.uid_next.number() > u32::MAX - 2, "{error}"),
    }
    summed_up(&disk);
    // There is no UIDVALIDITY behind the last.
    let lives = RUNTIME.block_on(made_twice(&disk));
    assert!(lives.is_none_or(|(one, other)| other > one));
}

/// Whatever the file said, it grows by whole lines and not without end.
fn summed_up(disk: &SimDisk) {
    let path = Path::new("mail/maildirsize");
    let text = mailcore_store::disk::read(disk, path, 1 << 20).expect("a file that was there");
    assert!(text.len() <= 5120, "{} octets", text.len());
    assert!(text.is_empty() || text.ends_with(b"\n"));
}

/// The UIDVALIDITY of a mailbox, and of the one that is made in its place.
async fn made_twice(disk: &SimDisk) -> Option<(UidValidity, UidValidity)> {
    let name = MailboxName::parse("made", '/').expect("a name");
    let mut lives = Vec::new();
    for _ in 0..2 {
        let account = account(disk).await.ok()?;
        account.create(&name, None).await.ok()?;
        let mailbox = account.open(&name, Access::Write).await.ok()?;
        lives.push(mailbox.uid_validity());
        account.delete(&name).await.ok()?;
    }
    Some((*lives.first()?, *lives.last()?))
}

/// Puts the parts in their places; the bases of the names that are messages.
fn furnish(disk: &SimDisk, input: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut choices = Choices::new(input);
    for place in ["cur", "new", "tmp"] {
        mkdir_all(disk, &Path::new("mail").join(place)).expect("an empty disk");
    }
    let mut bases = BTreeSet::new();
    for (n, name) in part(&mut choices)
        .split(|b| *b == b'\n')
        .take(MOST_FILES)
        .enumerate()
    {
        let base = name.split(|b| *b == b':').next().unwrap_or_default();
        let odd = |b: &u8| matches!(b, 0 | b'/' | b'\r');
        let fits = !matches!(name.first(), None | Some(b'.' | b':')) && name.len() <= 255;
        if !fits || name.iter().any(odd) || !bases.insert(base.to_vec()) {
            continue;
        }
        let place = Path::new(["mail/cur", "mail/new"][n % 2]);
        write(disk, &place.join(OsStr::from_bytes(name)), KEPT);
    }
    for list in [
        "dovecot-uidlist",
        "dovecot-keywords",
        "subscriptions",
        "maildirsize",
        "dovecot-uidvalidity",
    ] {
        write(disk, &Path::new("mail").join(list), &part(&mut choices));
    }
    bases
}

fn part(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut lines = Vec::new();
    while let Some(line) = choices.line().filter(|line| *line != b"--") {
        lines.extend_from_slice(line);
        lines.push(b'\n');
    }
    lines
}

fn write(disk: &SimDisk, path: &Path, octets: &[u8]) {
    let file = disk.open(path, Open::Create).expect("a name that is free");
    file.write_at(octets, 0).expect("a disk with room");
}

/// A store that has never seen the disk.
async fn account(disk: &SimDisk) -> Result<Arc<dyn Account>> {
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("mail");
    options.patrol = Duration::ZERO;
    let store = Maildir::on(Arc::new(disk.clone()), clock, options);
    store.account(&User::new("alice")).await
}

/// Opens the mailbox, and reads every message there is.
async fn look(disk: &SimDisk) -> Result<Snapshot> {
    let account = account(disk).await?;
    account.subscriptions().await?;
    account.list(None, 100).await?;
    let mailbox = account.open(&MailboxName::inbox(), Access::Write).await?;
    let now = mailbox.sync(None).await?.now;
    let mut records = Vec::new();
    let fields = Fields::FLAGS | Fields::SIZE;
    mailbox
        .records(&now.uids.set(), fields, &mut records)
        .await?;
    let told: UidSet = records.iter().map(|record| record.uid).collect();
    assert_eq!(told, now.uids.set());
    for uid in now.uids.iter() {
        let body = mailbox.body(uid).await?.expect("a message that is shown");
        let octets = body.read(0..body.len()).await?;
        assert!(octets == SERVED, "{}", octets.escape_ascii());
        assert_eq!(body.len(), SERVED.len() as u64);
    }
    Ok(now)
}

async fn append(disk: &SimDisk) -> Result<Uid> {
    let account = account(disk).await?;
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(SERVED).await?;
    Ok(append
        .commit(Stamp::default())
        .await?
        .uids
        .first()
        .expect("a message"))
}

fn numbered(now: &Snapshot, messages: usize) {
    assert_eq!(now.uids.len() as usize, messages, "not each message once");
    assert!(
        now.uids
            .last()
            .is_none_or(|last| last < now.uid_next || last == Uid::LAST)
    );
    assert!(now.keywords.iter().len() <= 26);
}
