//! IMAPClient (Python): folders, searches, orders, changes and waiting.

use super::{ALICE, kept, maildir, with_pypi};
use crate::server::Server;

#[test]
fn imapclient_works_through_folders_searches_orders_and_changes_and_is_told_while_it_waits() {
    let server = Server::start(&[]);
    if !with_pypi("imapclient", "by_imapclient.py", &server) {
        return;
    }
    assert_eq!(
        kept(&server, ALICE, ""),
        ["=?utf-8?q?Gr=C3=BC=C3=9Fe?= \\Seen $Work", "while it waits"]
    );
    assert_eq!(
        kept(&server, ALICE, ".B&APw-ro.Projects.2026"),
        [
            "=?utf-8?q?Gr=C3=BC=C3=9Fe?= \\Seen $Work",
            "Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= \\Answered \\Seen $Forwarded"
        ]
    );
    assert_eq!(
        kept(&server, ALICE, ".&ZeVnLA-.&ip4-"),
        ["beta \\Draft NonJunk"]
    );
    let maildir = maildir(&server, ALICE);
    assert!(!maildir.join(".Entw&APw-rfe &- &AMQ-hnliches").exists());
    let subscribed = std::fs::read_to_string(maildir.join("subscriptions")).unwrap();
    assert!(
        subscribed.ends_with("\n&ZeVnLA-\t&ip4-\n"),
        "{subscribed:?}"
    );
}
