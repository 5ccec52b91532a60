//! OfflineIMAP: keeps a Maildir alike, both ways, with several connections at once.

use super::{ALICE, kept, messages};
use crate::server::{IMAPS, Server, have, succeed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sync(server: &Server) {
    let (at, rc) = (server.scratch(), server.scratch().join("offlineimaprc"));
    let text = format!(
        "[general]\naccounts = a\nmetadata = {at}/state\nsocktimeout = 60\n[Account a]\nlocalrepository = near\n\
         remoterepository = far\n[Repository near]\ntype = Maildir\nlocalfolders = {at}/near\n[Repository far]\n\
         type = IMAP\nremotehost = localhost\nremoteport = {}\nremoteuser = {ALICE}\nremotepass = {}\nssl = yes\n\
         sslcacertfile = {}\nmaxconnections = 3\n",
        server.port(IMAPS),
        server.password(ALICE),
        server.certificate().display(),
        at = at.display()
    );
    fs::write(&rc, text).unwrap();
    let mut command = Command::new("offlineimap");
    command.env("HOME", at).args(["-o", "-u", "basic", "-c"]);
    succeed(command.arg(&rc));
}

/// The file of the message that says this.
fn file(folder: &Path, what: &str) -> PathBuf {
    let mut all = messages(folder).into_iter();
    all.find(|f| fs::read_to_string(f).unwrap().contains(what))
        .unwrap_or_else(|| panic!("no {what} in {}", folder.display()))
}

#[test]
fn offlineimap_carries_messages_flags_and_deletions_both_ways() {
    if !have(&["offlineimap"]) {
        return;
    }
    let server = Server::start(&[]);
    for n in 1..=4 {
        server.deliver(ALICE, &format!("Subject: number {n}\n\nbody {n}\n"));
    }
    let mut talk = server.imap(ALICE, &server.password(ALICE));
    talk.command("a", "SELECT INBOX");
    talk.command("b", "CREATE B&APw-ro.2026");
    talk.command("c", "COPY 1 B&APw-ro.2026");
    sync(&server);
    let near = server.scratch().join("near");
    let inbox = near.join("INBOX");
    assert_eq!(messages(&inbox).len(), 4);
    file(&near.join("B&APw-ro.2026"), "Subject: number 1");

    // Here: one is read, one deleted, one new; there: one is flagged, one deleted.
    let read = file(&inbox, "number 1");
    let name = read.file_name().unwrap().to_string_lossy().into_owned();
    let name = name.split(":2,").next().unwrap();
    fs::rename(&read, inbox.join("cur").join(format!("{name}:2,S"))).unwrap();
    fs::remove_file(file(&inbox, "number 2")).unwrap();
    fs::write(inbox.join("cur/1.new.here:2,R"), "Subject: number 5\n\nx\n").unwrap();
    talk.command("d", "STORE 3 +FLAGS (\\Flagged)");
    talk.command("e", "STORE 4 +FLAGS (\\Deleted)");
    talk.command("f", "EXPUNGE");
    sync(&server);
    let both = [
        "number 1 \\Seen",
        "number 3 \\Flagged",
        "number 5 \\Answered",
    ];
    assert_eq!(kept(&server, ALICE, ""), both);
    assert_eq!(messages(&inbox).len(), 3);
    let flagged = file(&inbox, "number 3");
    assert!(
        flagged.to_string_lossy().ends_with(":2,F"),
        "{}",
        flagged.display()
    );
}
