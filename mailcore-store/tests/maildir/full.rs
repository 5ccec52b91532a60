//! A disk without room: mail is put off, and comes once there is some.

use mailcore_base::mailbox::{MailboxName, Uid};
use mailcore_store::auth::User;
use mailcore_store::disk::SimDisk;
use mailcore_store::mailbox::maildir::{Maildir, Options};
use mailcore_store::mailbox::{Access, Account, Clock, MailStore, Stamp};
use mailcore_store::queue::Identity;
use mailcore_store::{Kind, Result};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

fn store(disk: &SimDisk) -> Maildir {
    let clock = {
        let disk = disk.clone();
        Clock::new(move || disk.now())
    };
    let mut options = Options::new("mail");
    options.patience = Duration::ZERO;
    options.patrol = Duration::ZERO;
    Maildir::on(Arc::new(disk.clone()), clock, options)
}

async fn deliver(store: &Maildir, identity: u128) -> Result<Uid> {
    let account: Arc<dyn Account> = store.account(&User::new("u")).await?;
    let mut append = account.append(&MailboxName::inbox()).await?;
    append.write(b"Subject: x\r\n\r\nbody\r\n").await?;
    let stamp = Stamp {
        identity: Some(Identity(identity)),
        ..Stamp::default()
    };
    let appended = append.commit(stamp).await?;
    Ok(appended.uids.first().unwrap())
}

/// What another life of the server finds.
async fn found(disk: &SimDisk) -> String {
    let store = store(&disk.killed());
    let account = store.account(&User::new("u")).await.unwrap();
    let inbox = account.open(&MailboxName::inbox(), Access::Read).await;
    let known = inbox.unwrap().sync(None).await.unwrap();
    known.now.uids.set().to_string()
}

#[tokio::test]
async fn mail_that_found_no_room_comes_once_when_there_is_some() {
    let disk = || SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let (first, second) = {
        let disk = disk();
        let store = store(&disk);
        deliver(&store, 1).await.unwrap();
        let first = disk.operations();
        deliver(&store, 2).await.unwrap();
        (first, disk.operations())
    };
    let mut refused = 0;
    for at in 1..=second {
        let disk = disk();
        let store = store(&disk);
        disk.full_from(Some(at));
        let mut put_off = Vec::new();
        for identity in [1, 2] {
            match deliver(&store, identity).await {
                Ok(_) => {}
                Err(e) => {
                    let kind = e.kind();
                    assert!(
                        matches!(kind, Kind::Full | Kind::Unavailable),
                        "full from {at}: {e:?}"
                    );
                    put_off.push(identity);
                }
            }
        }
        refused += put_off.len();
        assert!(at > first || !put_off.is_empty(), "full from {at}");
        disk.full_from(None);
        for identity in put_off {
            let came = deliver(&store, identity).await;
            assert!(came.is_ok(), "full from {at}: {came:?}");
        }
        let uids = found(&disk).await;
        assert_eq!(uids.split([':', ',']).count(), 2, "full from {at}: {uids}");
    }
    assert!(refused > 10, "{refused}");
}
