//! Roundcube in a browser: what a person does there, and what becomes of it in the Maildir.

use super::{ALICE, have_folder, kept, script};
use crate::server::{Server, have, succeed};
use std::path::Path;

#[test]
fn roundcube_reads_searches_marks_moves_deletes_writes_and_sees_mail_come() {
    if !have(&["python3", "php", "chromium-headless-shell"])
        || !have_folder("/var/lib/roundcube/public_html")
    {
        return;
    }
    let server = Server::start(&[]);
    succeed(&mut script(
        Path::new("python3"),
        "by_roundcube.py",
        &server,
    ));
    server.settled();
    let of = |folder| kept(&server, ALICE, folder);
    assert_eq!(
        of(""),
        [
            "=?utf-8?q?Gr=C3=BC=C3=9Fe?= \\Seen",
            "a file \\Seen",
            "just now",
            "to mark \\Flagged"
        ]
    );
    assert_eq!(of(".&ANw-bersicht &- Mehr"), ["to move \\Seen"]);
    assert_eq!(of(".Trash"), ["to delete \\Seen"]);
    assert_eq!(of(".Drafts"), ["angefangen \\Seen"]);
    let sent = "=?UTF-8?Q?f=C3=BCr_dich?=";
    assert_eq!(of(".Sent"), [format!("{sent} \\Seen")]);
    assert_eq!(kept(&server, "bob@example.test", ""), [sent]);
}
