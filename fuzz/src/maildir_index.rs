//! An index and a cache with anything in them beside a sound Maildir: the mailbox shows what it shows without them, takes
//! mail, and shows the same when it is opened anew.

use mailcore_base::mailbox::{MailboxName, Uid, UidSet};
use mailcore_store::Result;
use mailcore_store::auth::User;
use mailcore_store::disk::{Disk, Open, SimDisk, mkdir_all};
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, Fields, MailStore, Stamp};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

const LIST: &[u8] = b"3 V7 N4 Gff\n1 :1.a\n2 :2.b,S=17,W=21\n3 :3.c\n";

/// The input is frames: a length of two octets, kind and body. They get the check that they ought to have, so that
/// what is behind it is reached. What follows an empty frame is the cache, whose records get theirs too.
pub fn body(input: &[u8]) {
    let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    for place in ["cur", "new", "tmp"] {
        mkdir_all(&disk, &Path::new("mail").join(place)).expect("an empty disk");
    }
    for name in ["cur/1.a:2,S", "cur/2.b,S=17,W=21:2,", "new/3.c"] {
        write(&disk, &format!("mail/{name}"), b"Subject: x\n\nbody\n");
    }
    write(&disk, "mail/dovecot-uidlist", LIST);
    let mut rest = input;
    let mut index = b"MCINDEX1".to_vec();
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(behind.len());
        let (frame, behind) = behind.split_at(length);
        rest = behind;
        if frame.is_empty() {
            break;
        }
        index.extend((frame.len() as u32).to_le_bytes());
        index.extend(crc32fast::hash(frame).to_le_bytes());
        index.extend_from_slice(frame);
    }
    write(&disk, "mail/mailcore.index", &index);
    write(&disk, "mail/mailcore.cache", &checked(rest.to_vec()));
    let plain = RUNTIME
        .block_on(look(&disk, false))
        .expect("a sound mailbox");
    let mut before = None;
    for _ in 0..2 {
        let seen = RUNTIME
            .block_on(look(&disk, true))
            .expect("a sound mailbox");
        // An index whose check is right, and that gives a UID to another file that is there, is believed against the list:
        // no damage makes such, and the list is written anew.
        assert_eq!(flags(&seen), flags(&plain));
        assert!(before.is_none_or(|before| before == seen));
        before = Some(seen);
    }
    let uid = RUNTIME.block_on(append(&disk)).expect("a sound mailbox");
    assert!(uid.number() >= 4, "{uid} was given before");
    let more = RUNTIME
        .block_on(look(&disk, true))
        .expect("a sound mailbox");
    assert_eq!(more.len(), 4);
}

fn flags(told: &[(u32, u64)]) -> Vec<u64> {
    let mut flags: Vec<u64> = told.iter().map(|(_, flags)| *flags).collect();
    flags.sort_unstable();
    flags
}

/// A cache whose records are right.
fn checked(mut cache: Vec<u8>) -> Vec<u8> {
    let number = cache.get(8..16).unwrap_or_default().to_vec();
    let mut at = 24;
    while let Some(front) = cache.get(at..at + 4) {
        let length = front
            .iter()
            .rev()
            .fold(0, |sum, b| sum << 8 | usize::from(*b));
        let Some(record) = cache.get(at + 8..at + 8 + length) else {
            break;
        };
        let check = crc32fast::hash(&[&number, record].concat());
        cache[at + 4..at + 8].copy_from_slice(&check.to_le_bytes());
        at = (at + 8 + length).next_multiple_of(8);
    }
    cache
}

fn write(disk: &SimDisk, path: &str, octets: &[u8]) {
    let file = disk
        .open(Path::new(path), Open::Create)
        .expect("a name that is free");
    file.write_at(octets, 0).expect("a disk with room");
}

async fn account(disk: &SimDisk, index: bool) -> Result<Arc<dyn Account>> {
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("mail");
    options.patrol = Duration::ZERO;
    options.index = index;
    let store = Maildir::on(Arc::new(disk.clone()), clock, options);
    store.account(&User::new("alice")).await
}

/// UIDs with flags. (Sizes are the index's word, and one that lies with the right check is no damage.)
async fn look(disk: &SimDisk, index: bool) -> Result<Vec<(u32, u64)>> {
    let account = account(disk, index).await?;
    let mailbox = account.open(&MailboxName::inbox(), Access::Read).await?;
    mailbox.sync(None).await?;
    let mut records = Vec::new();
    let fields = Fields::FLAGS
        | Fields::SIZE
        | Fields::DATE
        | Fields::ENVELOPE
        | Fields::STRUCTURE
        | Fields::HEADERS;
    mailbox
        .records(&UidSet::all(), fields, &mut records)
        .await?;
    let told = records.iter().map(|r| (r.uid.number(), r.flags.bits()));
    Ok(told.collect())
}

async fn append(disk: &SimDisk) -> Result<Uid> {
    let mut append = account(disk, true)
        .await?
        .append(&MailboxName::inbox())
        .await?;
    append.write(b"Subject: y\r\n\r\nbody\r\n").await?;
    let appended = append.commit(Stamp::default()).await?;
    Ok(appended.uids.first().unwrap_or(Uid::FIRST))
}
