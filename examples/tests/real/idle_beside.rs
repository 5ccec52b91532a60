//! IDLE while other programs are at the Maildir: what they do to files is told at once where mailboxes are watched, and by
//! the patrol where they are not.

use crate::server::{Server, Talk};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many directories a process has under watch, by all of its inotify instances.
fn watches(pid: u32) -> usize {
    let known = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
    let texts = known.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let lines = texts.map(|text| text.lines().filter(|l| l.starts_with("inotify ")).count());
    lines.sum()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A session that idles in a mailbox. What it is told it waits for no longer than four rounds of the patrol, and a mailbox
/// that is watched is on the patrol's way once in twelve.
fn idling(server: &Server, mailbox: &str) -> Talk {
    let password = server.password("alice@example.test");
    let mut talk = server.imap("alice@example.test", &password);
    talk.command("a", &format!("SELECT {mailbox}"));
    talk.send("b IDLE");
    talk.expect("+ ");
    talk
}

fn hears(talk: &mut Talk, what: &str) {
    loop {
        let line = talk.line();
        if line.starts_with(what) {
            return;
        }
        assert!(line.starts_with("* "), "waiting for {what}: {line:?}");
    }
}

/// The message's file, wherever it lies by now.
fn file(maildir: &Path, base: &str) -> PathBuf {
    let found = ["cur", "new"].into_iter().find_map(|dir| {
        let names = fs::read_dir(maildir.join(dir)).unwrap();
        let mut paths = names.map(|entry| entry.unwrap().path());
        paths.find(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(base)
        })
    });
    found.unwrap()
}

fn drop_in(maildir: &Path, name: &str) {
    let (tmp, new) = (
        maildir.join("tmp").join(name),
        maildir.join("new").join(name),
    );
    fs::write(&tmp, "Subject: by another\n\nx\n").unwrap();
    fs::rename(tmp, new).unwrap();
}

fn told_of_others(further: &[&str], watched: bool) {
    let server = Server::start(further);
    server.deliver("alice@example.test", "Subject: first\n\nx");
    let maildir = server.data().join("mail/example.test/alice/Maildir");
    let mut waiting = idling(&server, "INBOX");
    if watched {
        wait_for("its watches", || (watches(server.pid()) == 3).then_some(()));
    }
    drop_in(&maildir, "1700000000.M1P1.another");
    hears(&mut waiting, "* 2 EXISTS");
    // The session that was told of it has moved the file, or is about to.
    wait_for("the file to be renamed", || {
        let path = file(&maildir, "1700000000.M1P1");
        fs::rename(&path, maildir.join("cur/1700000000.M1P1.another:2,F")).ok()
    });
    hears(&mut waiting, "* 2 FETCH (FLAGS (\\Flagged");
    fs::remove_file(file(&maildir, "1700000000.M1P1")).unwrap();
    hears(&mut waiting, "* 2 EXPUNGE");

    // A folder is made: it is there; it is taken away under a session that idles in it: it is gone, and so is the session.
    let folder = maildir.join(".Made");
    for name in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let mut in_it = idling(&server, "Made");
    if watched {
        wait_for("more watches", || {
            (watches(server.pid()) == 6).then_some(())
        });
    }
    drop_in(&folder, "1700000001.M1P1.another");
    hears(&mut in_it, "* 1 EXISTS");
    let aside = server.scratch().join("aside");
    fs::rename(&folder, &aside).unwrap();
    hears(&mut in_it, "* BYE Selected mailbox was deleted");
    assert_eq!(in_it.line(), "", "it is still connected");
    waiting.send("DONE");
    hears(&mut waiting, "b OK");
    let listed = waiting.command("c", "LIST \"\" Made");
    assert_eq!(listed.len(), 1, "{listed:?}");
    match watched {
        true => wait_for("watches to be given back", || {
            (watches(server.pid()) <= 3).then_some(())
        }),
        false => assert_eq!(watches(server.pid()), 0),
    }
}

#[test]
fn a_waiting_session_hears_at_once_of_what_other_programs_do_to_files() {
    told_of_others(&[], true);
}

#[test]
fn where_nothing_is_watched_the_patrol_tells_it_of_what_they_did() {
    told_of_others(&["--watched-mailboxes", "0"], false);
}
