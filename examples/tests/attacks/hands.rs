//! Whose hands a folder is in. A server that root has started does for nobody what he could not do himself: what belongs to
//! another user may be exchanged for a link at any moment. Root alone can play these.

use crate::server::{IMAP, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65_534;
const AS_NOBODY: [&str; 2] = ["--mail-user", "nobody"];

fn are_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: this must be run by root");
    }
    root
}

/// A folder that everybody may look into.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn owner(path: &Path) -> (u32, u32) {
    let it = fs::metadata(path).unwrap();
    (it.uid(), it.gid())
}

#[test]
fn a_link_in_a_data_folder_that_is_another_users_gives_nothing_of_roots_away() {
    if !are_root() {
        return;
    }
    let server = Server::start_in(folder(), &AS_NOBODY);
    assert_eq!(owner(&server.data()).0, NOBODY, "it was taken over");
    assert_eq!(owner(&server.data().join("users")).0, NOBODY);
    let folder = server.kill();
    let (data, secret) = (folder.path().join("data"), folder.path().join("of-root"));
    fs::write(&secret, "postmaster: root\n").unwrap();
    fs::remove_file(data.join("aliases")).unwrap();
    symlink(&secret, data.join("aliases")).unwrap();
    symlink(&secret, data.join("mail/linked")).unwrap();
    let server = Server::start_in(folder, &AS_NOBODY);
    assert_eq!(owner(&secret), (0, 0));
    let folder = server.kill();
    fs::remove_file(data.join("lock")).unwrap();
    symlink(&secret, data.join("lock")).unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_mailserver"))
        .arg("--data")
        .arg(&data)
        .args(["--base-port", "20000"])
        .args(AS_NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("data/lock: "),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&secret).unwrap(), "postmaster: root\n");
    assert_eq!(owner(&secret), (0, 0));
    drop(folder);
}

#[test]
fn a_file_that_an_administrator_has_given_to_a_group_stays_his() {
    if !are_root() {
        return;
    }
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let users = data.join("users");
    fs::write(&users, "alice@example.test:{PLAIN}secret\n").unwrap();
    fs::set_permissions(&users, Permissions::from_mode(0o644)).unwrap();
    chown(&users, Some(0), Some(8)).unwrap();
    let server = Server::start_in(folder, &AS_NOBODY);
    assert_eq!(owner(&users), (0, 8));
    server.imap("alice@example.test", "secret");
}

#[test]
fn root_serves_no_mail_that_is_in_another_users_hands_and_says_whose() {
    if !are_root() {
        return;
    }
    let folder = folder();
    let home = folder.path().join("home");
    fs::create_dir_all(home.join("alice/Maildir/cur")).unwrap();
    chown(home.join("alice"), Some(NOBODY), Some(NOBODY)).unwrap();
    let location = format!("{}/%n/Maildir", home.display());
    let server = Server::start_in(folder, &["--mail-location", &location]);
    let mut client = server.connect(IMAP);
    client.expect("* OK");
    let password = server.password("alice@example.test");
    client.send(&format!("a LOGIN alice@example.test {password}"));
    let told = client.line();
    assert!(!told.starts_with("a OK"), "{told}");
    let log = server.log();
    let whose = format!(
        "{}/alice/Maildir: it is in the hands of user id {NOBODY}",
        home.display()
    );
    assert!(log.contains(&whose), "{log}");
    // Who has none of his own hands in it is served.
    server.imap("bob@example.test", &server.password("bob@example.test"));
}
