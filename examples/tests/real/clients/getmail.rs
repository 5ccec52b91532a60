//! getmail: takes mail away by POP3 and IMAP under TLS, and knows what it has had.

use super::{ALICE, kept};
use crate::server::{IMAPS, POP3S, Server, have, succeed};
use std::fs;
use std::process::Command;

/// What getmail says about a run.
fn getmail(server: &Server, kind: &str, service: u16, options: &str) -> String {
    let home = server.scratch().join(kind);
    fs::create_dir_all(&home).unwrap();
    // Its own Maildir destination does not work for root.
    let rc = format!(
        "[retriever]\ntype = Simple{kind}SSLRetriever\nserver = localhost\nport = {}\nusername = {ALICE}\npassword = {}\n\
         ca_certs = {}\n[destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat >> {}/taken\")\n\
         allow_root_commands = true\n[options]\nverbose = 2\n{options}",
        server.port(service),
        server.password(ALICE),
        server.certificate().display(),
        home.display()
    );
    fs::write(home.join("getmailrc"), rc).unwrap();
    let mut getmail = Command::new("getmail");
    getmail.arg("--getmaildir").arg(&home).env("HOME", &home);
    succeed(&mut getmail)
}

fn taken(server: &Server, kind: &str) -> String {
    fs::read_to_string(server.scratch().join(kind).join("taken")).unwrap()
}

#[test]
fn getmail_takes_what_is_new_and_deletes_when_told_to() {
    if !have(&["getmail"]) {
        return;
    }
    let server = Server::start(&[]);
    // POP3 marks what is retrieved as read, IMAP's BODY.PEEK does not.
    for (kind, service, read) in [("POP3", POP3S, " \\Seen"), ("IMAP", IMAPS, "")] {
        let send = |n: u32| {
            let text = format!("Subject: number {n}\n\n..body {n}\nFrom here\n");
            server.deliver(ALICE, &text);
        };
        let run = |retrieved: &str, options: &str| {
            let said = getmail(&server, kind, service, options);
            assert!(said.contains(retrieved), "{kind}: {said}");
        };
        (1..=3).for_each(send);
        run(" retrieved, 0 skipped\n", "read_all = false\n");
        send(4);
        run(" retrieved, 3 skipped\n", "read_all = false\n");
        for n in 1..=4 {
            let (text, whole) = (taken(&server, kind), format!("\n\n.body {n}\nFrom here\n"));
            assert_eq!(text.matches(&whole).count(), 1, "{kind}: {text}");
        }
        let left: Vec<String> = (1..=4).map(|n| format!("number {n}{read}")).collect();
        assert_eq!(kept(&server, ALICE, ""), left, "{kind}");

        run(
            " retrieved, 0 skipped\n",
            "read_all = true\ndelete = true\n",
        );
        assert_eq!(taken(&server, kind).matches("\n\n.body ").count(), 8);
        assert_eq!(kept(&server, ALICE, "").len(), 0, "{kind}");
    }
}
