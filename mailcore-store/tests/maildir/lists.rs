//! The list of UIDs: lost, torn, locked, of another life, or used up.

use crate::place::{LIST, MAIL, Place, append, shown};
use mailcore_store::Kind;
use mailcore_store::mailbox::maildir::Options;
use std::fs;

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
        let known = shown(&*inbox).await;
        assert_eq!(
            known.keys().copied().collect::<Vec<_>>(),
            [2, 3],
            "{lost:?}: the index knows"
        );
        assert_eq!(place.list(), LIST, "written again");
    }
    for lost in ["", "rubbish\n", "3 V1795171207 N4"] {
        place.write("dovecot-uidlist", lost);
        fs::remove_file(place.at("mailcore.index")).unwrap();
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
async fn a_life_that_begins_before_a_session_was_told_of_another_is_its_own() {
    let place = Place::of_dovecot();
    let inbox = place.select().await;
    place.write(
        "dovecot-uidlist",
        LIST.replace("V1795171207", "V1795171999"),
    );
    let now = inbox.sync(None).await.unwrap().now;
    assert_eq!(now.uid_validity.to_string(), "1795171999");
    assert_eq!(inbox.uid_validity(), now.uid_validity);
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
