//! What other programs have left or do meanwhile.

use crate::place::{LIST, MAIL, Place, all, append, octets, shown};
use mailcore_base::mailbox::{FlagOp, Flags, MailboxName, Uid, UidSet};
use mailcore_store::Kind;
use mailcore_store::auth::User;
use mailcore_store::mailbox::{Fields, MailStore, Stamp};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

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
async fn what_another_program_removes_is_remembered_as_long_as_the_index_is_there() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    let known = inbox.sync(None).await.unwrap().now.modseq;
    fs::remove_file(place.at("cur/1795171207.M389678P28916.vm,S=31,W=36:2,Sab")).unwrap();
    assert_eq!(inbox.expunged(known).await.unwrap(), Some(UidSet::new()));
    inbox.sync(None).await.unwrap();
    let gone = UidSet::one(Uid::new(2).unwrap());
    assert_eq!(inbox.expunged(known).await.unwrap(), Some(gone.clone()));
    let again = place.select().await;
    assert_eq!(again.expunged(known).await.unwrap(), Some(gone));
    fs::remove_file(place.at("mailcore.index")).unwrap();
    let again = place.select().await;
    let later = again.sync(None).await.unwrap().now.modseq;
    assert!(later > known, "modification sequences never go back");
    assert_eq!(again.expunged(known).await.unwrap(), None);
    assert_eq!(again.expunged(later).await.unwrap(), Some(UidSet::new()));
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
async fn a_link_in_the_place_of_a_message_directory_is_not_followed() {
    let place = Place::of_dovecot();
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("1795171209.secret.x:2,"), MAIL).unwrap();
    for dir in ["cur", "new", "tmp"] {
        let name = MailboxName::parse(&format!("odd-{dir}"), '/').unwrap();
        let folder = place.at(&format!(".odd-{dir}"));
        place.account().await.create(&name, None).await.unwrap();
        fs::remove_dir(folder.join(dir)).unwrap();
        std::os::unix::fs::symlink(&outside, folder.join(dir)).unwrap();
        let account = place.account().await;
        let kept = async {
            let mut append = account.append(&name).await?;
            append.write(MAIL.as_bytes()).await?;
            append.commit(Stamp::default()).await
        };
        assert_eq!(kept.await.unwrap_err().kind(), Kind::Unavailable, "{dir}");
        if dir != "tmp" {
            let seen = account.status(&name).await;
            assert_eq!(seen.unwrap_err().kind(), Kind::Unavailable, "{dir}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{dir}");
    }
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
async fn a_mailbox_that_has_lost_its_tmp_takes_mail_all_the_same() {
    let place = Place::of_dovecot();
    fs::remove_dir(place.at("tmp")).unwrap();
    let account = place.account().await;
    assert_eq!(append(&*account, MAIL.as_bytes()).await.unwrap(), 4);
    fs::remove_dir(place.at("tmp")).unwrap();
    let long = MAIL.repeat(5_000);
    assert_eq!(append(&*account, long.as_bytes()).await.unwrap(), 5);
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
