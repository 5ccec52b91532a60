//! Names of users, domains and mailboxes never lead out of the store, and never to its own files.

use crate::peer::{Peer, count, inbox, tree};
use crate::server::{IMAP, LMTP, POP3, SMTP, Server};

fn stays_inside(server: &Server) {
    let data = server.data();
    for path in tree(&data) {
        let inside = path.strip_prefix(&data).unwrap();
        let text = inside.to_string_lossy();
        let known = [
            "users",
            "aliases",
            "secret",
            "lock",
            "control",
            "queue",
            "tls",
            "tls/cert.pem",
            "tls/key.pem",
            "mail",
            "mail/example.test",
        ];
        let users = ["mail/example.test/alice", "mail/example.test/bob"];
        let fine = known.contains(&&*text)
            || users.iter().any(|u| text.starts_with(u))
            || text.strip_prefix("queue/").is_some_and(is_of_the_queue);
        assert!(fine, "{text} is nobody's");
    }
    let scratch: Vec<_> = std::fs::read_dir(server.scratch())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(
        scratch.len(),
        2,
        "{scratch:?}: data and log are all there is"
    );
}

/// The queue's own files: its lock, and segments under their numbers.
fn is_of_the_queue(name: &str) -> bool {
    let segment = |(number, what): (&str, &str)| {
        let numbered = number.len() == 16 && number.bytes().all(|b| b.is_ascii_hexdigit());
        numbered && ["log", "spare"].contains(&what)
    };
    name == "lock" || name.split_once('.').is_some_and(segment)
}

#[test]
fn no_recipient_leads_out_of_the_store() {
    let server = Server::start(&["--domain", "example.test", "--domain", "b.test"]);
    for service in [SMTP, LMTP] {
        for path in [
            "<\"../../x\"@example.test>",
            "<../alice@example.test>",
            "<alice@..>",
            "<alice@../..>",
            "<alice/../bob@example.test>",
            "</etc/passwd@example.test>",
            "<~root@example.test>",
            "<.@example.test>",
            "<..@example.test>",
            "<\"alice/\"@example.test>",
            "<\"\"@example.test>",
            "<\".. /x\"@b.test>",
            "<\"%n\"@example.test>",
            "<%25@example.test>",
        ] {
            let mut peer = Peer::hello(&server, service);
            assert!(peer.ask("MAIL FROM:<a@client.test>").starts_with("250 "));
            let reply = peer.ask(&format!("RCPT TO:{path}"));
            assert!(reply.starts_with(['4', '5']), "{path}: {reply}");
        }
        // An extension is no path either.
        let mut peer = Peer::hello(&server, service);
        peer.all(&[
            "MAIL FROM:<a@client.test>",
            "RCPT TO:<alice+../../x@example.test>",
            "DATA",
        ]);
        peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
        assert!(peer.reply().starts_with("250 "));
    }
    assert_eq!(count(&server, "alice@example.test"), 2);
    stays_inside(&server);
}

#[test]
fn no_login_name_leads_out_of_the_store() {
    let server = Server::start(&[]);
    let password = server.password("alice@example.test");
    for name in [
        "../alice",
        "../alice@example.test",
        "alice@..",
        "alice@../..",
        "alice@example.test/../b",
        "~",
        "/etc/passwd",
        "%u",
        "alice@example.test\\0",
        "alice@example.test:x",
        "",
    ] {
        let mut imap = Peer::greeted(&server, IMAP);
        let last = imap.tagged("a", &format!("LOGIN \"{name}\" {password}"));
        assert!(
            last.last()
                .is_some_and(|l| l.starts_with("a NO") || l.starts_with("a BAD")),
            "{name}: {last:?}"
        );
    }
    let mut pop = Peer::greeted(&server, POP3);
    pop.send("USER ../alice@example.test");
    pop.line();
    assert!(pop.ask(&format!("PASS {password}")).starts_with("-ERR"));
    stays_inside(&server);
}

#[test]
fn no_mailbox_name_leads_out_of_the_account_or_to_its_files() {
    let server = Server::start(&[]);
    let mut imap = inbox(&server, "alice@example.test");
    let maildir = server.data().join("mail/example.test/alice/Maildir");
    let before: Vec<_> = ["dovecot-uidlist", "cur", "new", "tmp"]
        .map(|f| maildir.join(f))
        .into();
    for name in [
        "../x",
        "..",
        ".",
        "a/../b",
        "/etc/passwd",
        "~root",
        "~/x",
        "INBOX/../x",
        "&AC8-",
        "&AC4-",
        "A.&AC4ALg-.b",
        "a..b",
        ".x",
        "..mailcore-x",
        "&AAA-",
        "&AAo-",
        "cur",
        "new",
        "tmp",
        "dovecot-uidlist",
        "dovecot-uidlist.lock",
        "subscriptions",
        "maildirfolder",
        "INBOX.cur",
        "inbox.cur",
        "INBOX/new",
        "%",
        "*",
        "&",
        "&-",
        "&2AA-",
        "&Jjo",
    ] {
        imap = inbox(&server, "alice@example.test"); // so many mistakes in a row end a session
        for command in [
            "CREATE",
            "SUBSCRIBE",
            "SELECT",
            "STATUS",
            "DELETE",
            "RENAME",
            "RENAMETO",
            "EXAMINE",
            "UNSUBSCRIBE",
        ] {
            let line = match command {
                "STATUS" => format!("STATUS \"{name}\" (MESSAGES UIDNEXT)"),
                "RENAME" => format!("RENAME \"{name}\" y"),
                "RENAMETO" => format!("RENAME INBOX \"{name}\""),
                _ => format!("{command} \"{name}\""),
            };
            let last = imap.tagged("t", &line);
            assert!(!last.is_empty(), "{line}: the server closed");
            imap.tagged("u", "UNSELECT"); // who deletes what it has selected is shown out
        }
        stays_inside(&server);
        for file in &before {
            assert!(file.exists(), "{name}: {file:?} is gone");
        }
        assert!(!maildir.parent().unwrap().join("x").exists());
    }
    // Very long, and very deep.
    for name in [
        "x".repeat(20_000),
        "x.".repeat(5_000) + "x",
        "&AOk-".repeat(2_000),
        "x".repeat(255),
        "x".repeat(253),
    ] {
        let last = imap.tagged("t", &format!("CREATE \"{name}\""));
        assert!(
            last.last().is_some_and(|l| l.starts_with("t ")),
            "{} octets",
            name.len()
        );
    }
    stays_inside(&server);
    let last = imap.tagged("t", "SELECT INBOX");
    assert!(last.last().unwrap().starts_with("t OK"), "{last:?}");
}

#[test]
fn a_symbolic_link_is_no_mailbox() {
    let server = Server::start(&[]);
    let mut imap = inbox(&server, "alice@example.test");
    drop(inbox(&server, "bob@example.test"));
    let mail = server.data().join("mail/example.test");
    std::os::unix::fs::symlink(mail.join("bob/Maildir"), mail.join("alice/Maildir/.Bob")).unwrap();
    for command in [
        "SELECT Bob",
        "STATUS Bob (MESSAGES)",
        "DELETE Bob",
        "APPEND Bob {1+}\r\nx",
    ] {
        let last = imap.tagged("t", command);
        assert!(
            last.last().unwrap().starts_with("t NO"),
            "{command}: {last:?}"
        );
    }
    assert!(
        !imap
            .tagged("t", "LIST \"\" *")
            .iter()
            .any(|l| l.contains("Bob"))
    );
    assert!(mail.join("bob/Maildir/cur").exists());
}

#[test]
fn nobody_else_can_read_what_lies_there() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(&[]);
    let mut imap = inbox(&server, "alice@example.test");
    imap.tagged("t", "CREATE Box");
    imap.tagged("t", "SUBSCRIBE Box");
    imap.tagged("t", "APPEND Box {3+}\r\nx\r\n");
    server.deliver("alice@example.test", "Subject: x\n\nx");
    for path in tree(&server.data()) {
        let mode = std::fs::symlink_metadata(&path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        let public = path.ends_with("tls/cert.pem");
        assert!(public || mode & 0o077 == 0, "{path:?} has mode {mode:o}");
    }
}
