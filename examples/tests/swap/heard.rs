//! A session of ours that idles, while a real Dovecot's own tools work on the same mail.

use crate::accounts::{Accounts, PASSWORD, give};
use crate::dovecot::Dovecot;
use crate::patience::are_root;
use crate::server::{Server, Talk, have};
use std::fs;

const LDA: &str = "/usr/lib/dovecot/dovecot-lda";

/// A session that idles in that mailbox.
fn idling(server: &Server, user: &str, mailbox: &str) -> Talk {
    let mut talk = server.imap(user, PASSWORD);
    talk.command("a", &format!("SELECT {mailbox}"));
    talk.send("b IDLE");
    talk.expect("+ ");
    talk
}

fn hears(talk: &mut Talk, what: &str) -> String {
    loop {
        let line = talk.line();
        if line.starts_with(what) {
            return line;
        }
        assert!(line.starts_with("* "), "waiting for {what}: {line:?}");
    }
}

#[test]
fn a_waiting_session_hears_at_once_of_what_a_dovecot_does() {
    if !have(&["dovecot", "doveadm"]) || !are_root() {
        return;
    }
    let accounts = Accounts::make(1, 20);
    let mail = accounts.mail();
    let user = format!("{}@example.test", accounts.users()[0]);
    let dovecot = Dovecot::over(&accounts.list(), &mail);
    let message = accounts.path().join("message");
    fs::write(&message, "Subject: by Dovecot\n\nx\n").unwrap();
    give(&message);
    let message = message.display().to_string();
    let location = format!("{}/%n", mail.display());
    let arguments = ["--mail-location", &location, "--mail-user", "nobody"];
    let server = Server::start_in(accounts.into_folder(), &arguments);

    let mut waiting = idling(&server, &user, "INBOX");
    dovecot.tool(LDA, &["-d", &user, "-p", &message]);
    hears(&mut waiting, "* 10 EXISTS");
    dovecot.doveadm(&["save", "-u", &user, &message]);
    hears(&mut waiting, "* 11 EXISTS");
    let newest = ["mailbox", "INBOX", "uid", "11"];
    dovecot.doveadm(&[&["flags", "add", "-u", &user, "\\Flagged"], &newest[..]].concat());
    hears(&mut waiting, "* 11 FETCH (FLAGS (\\Flagged");
    dovecot.doveadm(&[&["expunge", "-u", &user], &newest[..]].concat());
    hears(&mut waiting, "* 11 EXPUNGE");
    dovecot.doveadm(&["copy", "-u", &user, "INBOX", "mailbox", "Work", "1"]);
    hears(&mut waiting, "* 11 EXISTS");

    dovecot.doveadm(&["mailbox", "create", "-u", &user, "Made"]);
    let mut in_it = idling(&server, &user, "Made");
    dovecot.doveadm(&["save", "-u", &user, "-m", "Made", &message]);
    hears(&mut in_it, "* 1 EXISTS");
    dovecot.doveadm(&["mailbox", "delete", "-u", &user, "Made"]);
    hears(&mut in_it, "* BYE Selected mailbox was deleted");

    waiting.send("DONE");
    hears(&mut waiting, "b OK");
    let ours = waiting.command("c", "UID SEARCH ALL");
    let theirs = dovecot.doveadm(&["search", "-u", &user, "mailbox", "INBOX"]);
    let theirs = theirs.lines().filter_map(|line| line.split(' ').nth(1));
    let theirs: Vec<&str> = theirs.collect();
    assert_eq!(ours[0], format!("* SEARCH {}", theirs.join(" ")));
    dovecot.is_content();
}
