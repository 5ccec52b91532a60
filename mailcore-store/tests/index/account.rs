//! The files of an account, each damaged in turn: subscriptions, the sum of sizes, and the last UIDVALIDITY given. Messages and
//! their UIDs are none of their business, and no life of a mailbox passes for an earlier one.

use crate::house::{House, disk, message, records};
use mailcore_base::mailbox::{MailboxName, UidValidity};
use mailcore_store::disk::{Disk, Open, SimDisk, read};
use mailcore_store::mailbox::{Access, Account, Record, Stamp};
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text, '/').unwrap()
}

/// What was told of the mailboxes, and the highest UIDVALIDITY, which a mailbox had that is gone.
struct Told {
    mailboxes: Vec<(UidValidity, Vec<Record>)>,
    gone: UidValidity,
}

async fn look(account: &dyn Account) -> Vec<(UidValidity, Vec<Record>)> {
    let mut mailboxes = Vec::new();
    for mailbox in ["INBOX", "A"] {
        let mailbox = account.open(&name(mailbox), Access::Write).await.unwrap();
        mailbox.sync(None).await.unwrap();
        mailboxes.push((mailbox.uid_validity(), records(&*mailbox).await));
    }
    mailboxes
}

async fn validity(account: &dyn Account, mailbox: &str) -> UidValidity {
    let mailbox = account.open(&name(mailbox), Access::Write).await.unwrap();
    mailbox.uid_validity()
}

async fn lived_in() -> (SimDisk, Told) {
    let disk = disk();
    let house = House::on(&disk);
    house.deliver(&message(1)).await;
    house.put("mail/maildirsize", "1000000S\n152 1\n");
    let account = house.account().await;
    for mailbox in ["A", "B"] {
        account.create(&name(mailbox), None).await.unwrap();
        account.subscribe(&name(mailbox), true).await.unwrap();
    }
    account.subscribe(&name("Lists/é"), true).await.unwrap();
    let mut append = account.append(&name("A")).await.unwrap();
    append.write(message(2).as_bytes()).await.unwrap();
    append.commit(Stamp::default()).await.unwrap();
    let gone = validity(&*account, "B").await;
    account.delete(&name("B")).await.unwrap();
    disk.advance(Duration::from_secs(5));
    let mailboxes = look(&*account).await;
    (disk, Told { mailboxes, gone })
}

/// The file's name, which has the value in it.
fn claimed(disk: &SimDisk) -> String {
    let mut found = String::new();
    let mut each = |file: &std::ffi::OsStr, _| {
        let file = file.to_string_lossy();
        if file.starts_with("dovecot-uidvalidity.") {
            found = format!("mail/{file}");
        }
    };
    disk.list(Path::new("mail"), &mut each).unwrap();
    found
}

/// Deleted, emptied, cut at each octet, one bit of each octet turned over.
fn damages(len: u64) -> impl Iterator<Item = (&'static str, u64)> {
    let each = |what| (0..len).map(move |at| (what, at));
    [("deleted", 0)]
        .into_iter()
        .chain(each("cut"))
        .chain(each("turned"))
}

fn damage(disk: &SimDisk, path: &str, (what, at): (&str, u64)) {
    let path = Path::new(path);
    let file = disk.open(path, Open::Write).unwrap();
    match what {
        "deleted" => disk.unlink(path).unwrap(),
        "cut" => file.truncate(at).unwrap(),
        _ => {
            let mut octet = [0];
            file.read_at(&mut octet, at).unwrap();
            file.write_at(&[octet[0] ^ (1 << (at % 8))], at).unwrap();
        }
    }
}

#[tokio::test]
async fn a_damaged_file_of_the_account_changes_no_mailbox_and_brings_no_life_back() {
    let (disk, told) = lived_in().await;
    let claimed = claimed(&disk);
    for path in [
        "mail/dovecot-uidvalidity",
        &claimed,
        "mail/subscriptions",
        "mail/maildirsize",
    ] {
        let len = read(&disk.killed(), Path::new(path), 1 << 20)
            .unwrap()
            .len() as u64;
        for how in damages(len) {
            let disk = disk.killed();
            damage(&disk, path, how);
            let case = format!("{path} {how:?}");
            let house = House::set_back(&disk, true, DAY);
            let account = house.account().await;
            assert!(look(&*account).await == told.mailboxes, "{case}");
            account.create(&name("B"), None).await.unwrap();
            let anew = validity(&*account, "B").await;
            assert!(anew > told.gone, "{case}: {anew} was {}", told.gone);
            account.create(&name("C"), None).await.unwrap();
            let next = validity(&*account, "C").await;
            assert!(next > anew, "{case}: {next} was {anew}");
            let uid = house.deliver(&message(3)).await;
            assert_eq!(uid.number(), 2, "{case}");
        }
    }
}

#[tokio::test]
async fn of_damaged_subscriptions_those_on_other_lines_stay() {
    let (disk, _) = lived_in().await;
    let path = "mail/subscriptions";
    let all = ["A", "B", "Lists/é"].map(name);
    let text = read(&disk, Path::new(path), 1 << 20).unwrap();
    for how in damages(text.len() as u64) {
        let disk = disk.killed();
        damage(&disk, path, how);
        let account = House::on(&disk).account().await;
        let left = account.subscriptions().await.unwrap();
        let missing = all.iter().filter(|name| !left.contains(name)).count();
        let cut = how.0 != "turned";
        // A line feed turned over spoils the lines on both sides of it, and one in the first line the version.
        assert!(cut || missing <= 2, "{how:?}: {left:?}");
        account.subscribe(&name("new"), true).await.unwrap();
        let now = account.subscriptions().await.unwrap();
        assert!(now.contains(&name("new")), "{how:?}: {now:?}");
        assert!(
            left.iter().all(|name| now.contains(name)),
            "{how:?}: {now:?}"
        );
    }
}
