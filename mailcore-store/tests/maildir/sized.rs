//! `maildirsize`: right after all that we do, where it is there, and never made.

use crate::place::{MAIL, Place, append};
use mailcore_base::mailbox::{MailboxName, Uid, UidSet};
use std::fs;

/// The limits, and what all lines come to.
fn told(place: &Place) -> (String, i64, i64) {
    let text = fs::read_to_string(place.at("maildirsize")).unwrap();
    let mut lines = text.lines();
    let limits = lines.next().unwrap().to_owned();
    let numbers = lines.map(|line| {
        let (octets, messages) = line.split_once(' ').unwrap();
        (
            octets.parse::<i64>().unwrap(),
            messages.parse::<i64>().unwrap(),
        )
    });
    let (octets, messages) = numbers.fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
    (limits, octets, messages)
}

/// What lies in the folder.
fn held(place: &Place) -> (i64, i64) {
    let (mut octets, mut messages) = (0, 0);
    for folder in ["", ".X.Y.&ANw-", ".made"] {
        for dir in ["new", "cur"] {
            let Ok(files) = fs::read_dir(place.at(folder).join(dir)) else {
                continue;
            };
            for file in files {
                octets += file.unwrap().metadata().unwrap().len() as i64;
                messages += 1;
            }
        }
    }
    (octets, messages)
}

#[tokio::test]
async fn the_file_of_sizes_is_right_after_all_that_we_do() {
    let place = Place::of_dovecot();
    place.write("cur/9.no.size:2,S", "some octets\n");
    let (octets, messages) = held(&place);
    // As Dovecot counts: what the names tell.
    let told_by_names = octets + 2 * (31 - MAIL.len() as i64);
    place.write(
        "maildirsize",
        format!("1000S,10C\n{told_by_names} {messages}\n"),
    );
    let right = |what: &str| {
        let (limits, octets, messages) = told(&place);
        assert_eq!(limits, "1000S,10C", "{what}");
        // The two that Dovecot left tell one octet less than they have.
        (octets, messages)
    };
    let account = place.account().await;
    let inbox = place.select().await;
    inbox.sync(None).await.unwrap();
    let before = right("before");
    append(&*account, b"a\r\nbc\r\n").await.unwrap();
    assert_eq!(right("an append"), (before.0 + 5, before.1 + 1));
    let made = MailboxName::parse("made", '/').unwrap();
    account.create(&made, None).await.unwrap();
    let unsized_one = UidSet::one(Uid::new(4).unwrap());
    inbox.copy(&unsized_one, &made).await.unwrap();
    assert_eq!(right("a copy"), (before.0 + 17, before.1 + 2));
    inbox.relocate(&unsized_one, &made).await.unwrap();
    assert_eq!(right("a move"), (before.0 + 17, before.1 + 2));
    inbox
        .expunge(&UidSet::one(Uid::new(5).unwrap()))
        .await
        .unwrap();
    assert_eq!(right("a removal"), (before.0 + 12, before.1 + 1));
    account.delete(&made).await.unwrap();
    assert_eq!(right("a mailbox"), (before.0 - 12, before.1 - 1));
    assert_eq!(told(&place).2, held(&place).1);
}

#[tokio::test]
async fn a_long_file_of_sizes_is_counted_anew_and_one_that_is_not_there_is_not_made() {
    let place = Place::new();
    let account = place.account().await;
    append(&*account, b"a\r\n").await.unwrap();
    assert!(!place.at("maildirsize").exists());
    place.write("cur/9.no.size:2,S", "some octets\n");
    place.write(".other/new/8.x,S=4", "abc\n");
    let wrong = "7 7\n".repeat(1300);
    place.write("maildirsize", format!("500S\n{wrong}"));
    append(&*account, b"bb\r\n").await.unwrap();
    let text = fs::read_to_string(place.at("maildirsize")).unwrap();
    assert_eq!(text, "500S\n21 4\n");
    let names = place.names("");
    assert_eq!(
        names
            .iter()
            .filter(|n| n.starts_with("maildirsize"))
            .count(),
        1
    );
    fs::remove_file(place.at("maildirsize")).unwrap();
    append(&*account, b"c\r\n").await.unwrap();
    assert!(!place.at("maildirsize").exists());
}
