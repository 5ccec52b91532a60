//! imapflow (Node): the tree of mailboxes, waiting, messages in parts, and coming back by QRESYNC, all compressed.

use super::{ALICE, have_package, kept, maildir, script};
use crate::server::{Server, have, succeed};
use std::path::Path;

#[test]
fn imapflow_works_compressed_through_mailboxes_and_parts_and_comes_back_by_qresync() {
    if !have(&["node"]) || !have_package("imapflow") {
        return;
    }
    let server = Server::start(&[]);
    succeed(&mut script(Path::new("node"), "by_imapflow.mjs", &server));
    let of = |folder| kept(&server, ALICE, folder);
    let parts = "=?utf-8?Q?f=C3=BCr_dich?=";
    assert_eq!(of(""), [&format!("{parts} \\Flagged $Later"), "another"]);
    assert_eq!(
        of(".Arbeit.&ANw-bersicht"),
        [&format!("{parts} \\Seen"), "plain \\Answered Eigenes"]
    );
    assert_eq!(of(".Trash"), ["plain \\Answered Eigenes"]);
    assert_eq!(of(".Drafts"), ["to be written \\Draft"]);
    assert_eq!(of(".Alt &- Neu.2026").len(), 0);
    let maildir = maildir(&server, ALICE);
    assert!(!maildir.join(".Weg").exists() && !maildir.join(".Arbeit.2026").exists());
    let subscribed = std::fs::read_to_string(maildir.join("subscriptions")).unwrap();
    assert!(!subscribed.contains("Junk"), "{subscribed:?}");
}
