//! mbsync: two ways, flags and deletions too.

use crate::server::{IMAPS, Server, have, succeed};
use std::path::Path;
use std::process::Command;

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = ["cur", "new"]
        .iter()
        .flat_map(|sub| std::fs::read_dir(folder.join(sub)).unwrap())
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn mbsync_carries_messages_flags_and_deletions_both_ways() {
    if !have(&["mbsync"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    for n in 0..5 {
        server.deliver(
            "alice@example.test",
            &format!("Subject: number {n}\nMessage-ID: <{n}@x.test>\n\nbody {n}"),
        );
    }
    let near = server.scratch().join("near");
    std::fs::create_dir(&near).unwrap();
    let config = server.scratch().join("mbsyncrc");
    std::fs::write(
        &config,
        format!(
            "IMAPAccount us\nHost localhost\nPort {}\nUser alice@example.test\nPass {alice}\nSSLType IMAPS\n\
             CertificateFile {}\n\nIMAPStore far\nAccount us\n\nMaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\
             SubFolders Verbatim\n\nChannel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nRemove Both\n",
            server.port(IMAPS),
            server.certificate().display(),
            near = near.display()
        ),
    )
    .unwrap();
    let sync = || {
        succeed(
            Command::new("mbsync")
                .env("HOME", server.scratch())
                .arg("--config")
                .arg(&config)
                .arg("all"),
        )
    };

    sync();
    let inbox = near.join("INBOX");
    assert_eq!(files(&inbox).len(), 5);

    // Here: one is read, one deleted, one new; there: one is flagged, one deleted.
    let named = |what: &str| {
        let of = files(&inbox);
        of.into_iter()
            .find(|f| std::fs::read_to_string(f).unwrap().contains(what))
            .unwrap()
    };
    let set = |file: &str, flags: &str| {
        let name = Path::new(file)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split(":2,")
            .next()
            .unwrap()
            .to_owned();
        std::fs::rename(file, inbox.join("cur").join(format!("{name}:2,{flags}"))).unwrap();
    };
    set(&named("<0@x.test>"), "S");
    set(&named("<1@x.test>"), "T");
    std::fs::write(
        inbox.join("new/1.new.here"),
        "Subject: from here\nMessage-ID: <new@x.test>\n\nnew\n",
    )
    .unwrap();
    let mut talk = server.imap("alice@example.test", &alice);
    talk.command("a", "SELECT INBOX");
    talk.command("b", "STORE 3 +FLAGS (\\Flagged)");
    talk.command("c", "STORE 4 +FLAGS (\\Deleted)");
    talk.command("d", "EXPUNGE");
    talk.command("e", "CREATE Projects");

    sync();
    assert!(named("<2@x.test>").contains(":2,F"), "{:?}", files(&inbox));
    assert_eq!(files(&inbox).len(), 4, "{:?}", files(&inbox));
    assert!(near.join("Projects").is_dir());
    talk.command("f", "NOOP");
    let lines = talk
        .command(
            "g",
            "FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
        )
        .join("\n");
    assert!(
        !lines.contains("<1@x.test>") && !lines.contains("<3@x.test>"),
        "{lines}"
    );
    assert!(
        lines.contains("<new@x.test>") && lines.contains("\\Seen"),
        "{lines}"
    );

    let before = files(&inbox);
    sync();
    assert_eq!(files(&inbox), before, "a second run changes nothing");
}
