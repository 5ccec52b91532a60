//! The sockets that others reach us by: whose they are, and what is in their way.

use crate::patience::{are_root, open_folder, wait_for};
use crate::postfix::number_of;
use crate::server::{Server, free_base, have};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// The server's program with these arguments, which does not start: what it says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let base = free_base().to_string();
    let out = Command::new("timeout")
        .args([
            "30",
            env!("CARGO_BIN_EXE_mailserver"),
            "--data",
            "other",
            "--base-port",
            &base,
        ])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    String::from_utf8(out.stderr).unwrap()
}

fn mode(path: &Path) -> u32 {
    let known = fs::symlink_metadata(path).unwrap();
    assert!(known.file_type().is_socket());
    known.mode() & 0o7777
}

#[test]
fn a_socket_has_exactly_the_mode_that_was_asked_for() {
    let folder = open_folder();
    let path = |name: &str| folder.path().join(name);
    let arguments = [("lmtp", 0o666), ("auth", 0o660), ("userdb", 0o777)]
        .map(|(name, mode)| format!("{},mode={mode:o}", path(name).display()));
    let [lmtp, auth, userdb] = &arguments;
    let server = Server::start(&[
        "--lmtp-socket",
        lmtp,
        "--auth-socket",
        auth,
        "--auth-userdb-socket",
        userdb,
    ]);
    // The umask takes something from each of them.
    assert_eq!(
        (
            mode(&path("lmtp")),
            mode(&path("auth")),
            mode(&path("userdb"))
        ),
        (0o666, 0o660, 0o777)
    );
    assert!(server.interrupt().success());
    for name in ["lmtp", "auth", "userdb"] {
        assert!(!path(name).exists(), "{name} is left behind");
    }
}

#[test]
fn a_socket_that_a_dead_server_left_is_replaced_and_a_living_one_is_not() {
    let folder = open_folder();
    let path = folder.path().join("auth");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let option = path.display().to_string();
    let server = Server::start(&["--auth-socket", &option]);
    UnixStream::connect(&path).unwrap();
    let said = refused(folder.path(), &["--auth-socket", &option]);
    assert!(said.contains("another process listens there"), "{said}");
    UnixStream::connect(&path).expect("the living one is still there");
    drop(server);
    // Nor is anything else that lies there.
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let said = refused(
        folder.path(),
        &["--auth-socket", &file.display().to_string()],
    );
    assert!(said.contains("there is something else"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_socket_is_given_to_whom_it_is_for() {
    if !have(&["postfix"]) || !are_root() {
        return;
    }
    let folder = open_folder();
    let path = folder.path().join("auth");
    let option = format!("{},mode=0660,user=postfix,group=mail", path.display());
    let _server = Server::start(&["--auth-socket", &option]);
    let known = fs::symlink_metadata(&path).unwrap();
    assert_eq!(known.uid(), number_of("postfix"));
    assert_ne!(known.gid(), 0);
    for (option, what) in [
        ("user=nobody-of-this-name", "no such user"),
        ("group=none-of-this-name", "no such group"),
    ] {
        let option = format!("{},{option}", folder.path().join("x").display());
        let said = refused(folder.path(), &["--auth-socket", &option]);
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn who_is_not_root_is_told_what_he_cannot_give_away() {
    if !have(&["setpriv"]) || !are_root() {
        return;
    }
    let folder = open_folder();
    std::os::unix::fs::chown(folder.path(), Some(65_534), Some(65_534)).unwrap();
    let program = folder.path().join("mailserver");
    fs::copy(env!("CARGO_BIN_EXE_mailserver"), &program).unwrap();
    let base = free_base().to_string();
    let out = Command::new("timeout")
        .args([
            "30",
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ])
        .arg(&program)
        .args([
            "--data",
            "data",
            "--base-port",
            &base,
            "--lmtp-socket",
            "lmtp,user=root",
        ])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(
        said.contains("giving it to a user or group needs root"),
        "{said}"
    );
    wait_for("no socket", || {
        (!folder.path().join("lmtp").exists()).then_some(())
    });
}
