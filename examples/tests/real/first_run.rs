//! The first run: the printed commands work as printed, a second run keeps everything, Ctrl-C ends cleanly.

use crate::server::{Server, free_base, have, run, succeed};
use std::process::Command;

#[test]
fn the_printed_commands_work_as_printed() {
    if !have(&["curl", "sh"]) {
        return;
    }
    let server = Server::start(&[]);
    let commands: Vec<&str> = server
        .banner
        .lines()
        .filter_map(|l| l.trim_start().strip_prefix("$ "))
        .collect();
    assert!(commands.len() >= 2, "{}", server.banner);
    for command in commands {
        server.settled(); // who types them is not that quick
        let text = succeed(
            Command::new("sh")
                .args(["-c", command])
                .current_dir(server.scratch()),
        );
        if command.contains("imaps://") {
            assert!(text.contains("Subject: "), "{command}: {text}");
        }
    }
}

#[test]
fn the_passwords_are_stored_as_scram_keys_and_nobody_else_may_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    let users = std::fs::read_to_string(server.data().join("users")).unwrap();
    assert!(
        users.contains("alice@example.test:{SCRAM-SHA-256}"),
        "{users}"
    );
    assert!(!users.contains(&alice));
    for secret in ["users", "tls/key.pem"] {
        let mode = std::fs::metadata(server.data().join(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{secret} has mode {mode:o}");
    }
}

#[test]
fn mail_that_other_hosts_serve_too_has_no_index() {
    for (shared, indexed) in [("yes", false), ("no", true)] {
        let server = Server::start(&["--shared-mail", shared]);
        let alice = server.password("alice@example.test");
        server.deliver("alice@example.test", "Subject: hello\n\nx");
        let mut session = server.imap("alice@example.test", &alice);
        session.command("a", "SELECT INBOX");
        session.command("b", "STORE 1 +FLAGS (\\Flagged)");
        let mail = server.data().join("mail/example.test/alice/Maildir");
        assert!(mail.join("dovecot-uidlist").exists());
        assert_eq!(mail.join("mailcore.index").exists(), indexed, "{shared}");
    }
}

#[test]
fn interrupting_ends_cleanly() {
    let server = Server::start(&[]);
    let mut waiting = server.connect(crate::server::IMAP);
    waiting.expect("* OK ");
    let status = server.interrupt();
    assert!(status.success(), "{status}");
    assert!(waiting.line().starts_with("* BYE "));
}

#[test]
fn a_second_server_on_the_same_folder_says_who_has_it_and_leaves() {
    let server = Server::start(&[]);
    let base = free_base().to_string();
    let second = run(Command::new(env!("CARGO_BIN_EXE_mailserver"))
        .args(["--base-port", &base, "--data"])
        .arg(server.data()));
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    let holder = format!("(process {})", server.pid());
    assert!(said.contains(&holder), "{said}");
}

#[test]
fn a_lock_that_a_killed_server_left_behind_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/lock"), "1\n").unwrap();
    let server = Server::start_in(folder, &[]);
    let written = std::fs::read_to_string(server.data().join("lock")).unwrap();
    assert_eq!(written, format!("{}\n", server.pid()));
}

#[test]
fn users_of_a_domain_that_no_mail_is_taken_for_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let users = "alice@example.test:{PLAIN}pw\nbob@new.test:{PLAIN}pw\n";
    std::fs::write(folder.path().join("data/users"), users).unwrap();
    let server = Server::start_in(folder, &["--domain", "new.test"]);
    let log = server.log();
    let warned = "there are users of example.test, and mail is taken for new.test alone";
    assert!(log.contains(warned), "{log}");
    assert!(log.contains("(add --domain example.test)"), "{log}");
}

#[test]
fn a_user_written_with_capitals_or_without_a_domain_gets_mail_and_logs_in() {
    let server = Server::start(&[]);
    server.add_user("Carol", "{PLAIN}one");
    server.add_user("Dave@Example.Test", "{PLAIN}two");
    for (user, password) in [("carol@example.test", "one"), ("dave@example.test", "two")] {
        server.deliver(user, "Subject: hello\n");
        let lines = server
            .imap(user, password)
            .command("a", "STATUS INBOX (MESSAGES)");
        assert!(lines.iter().any(|l| l.contains("MESSAGES 1")), "{lines:?}");
    }
    assert!(!server.log().contains("Warning"), "{}", server.log());
}
