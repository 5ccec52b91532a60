//! fetchmail: takes mail by POP3 and IMAP under TLS and hands it to a program.

use crate::server::{IMAP, POP3S, Server, have, succeed};
use std::process::Command;

#[test]
fn fetchmail_empties_the_mailbox() {
    if !have(&["fetchmail"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    let home = server.scratch().join("home");
    std::fs::create_dir(&home).unwrap();
    for (protocol, service, extra) in [("pop3", POP3S, "ssl"), ("imap", IMAP, "")] {
        for n in 0..3 {
            server.deliver(
                "alice@example.test",
                &format!("Subject: number {n}\n\nbody {n}"),
            );
        }
        let taken = home.join(protocol);
        let config = home.join("fetchmailrc");
        std::fs::write(
            &config,
            format!(
                "poll localhost protocol {protocol} port {}\n user \"alice@example.test\" password \"{alice}\" {extra} \
                 sslcertfile \"{}\" sslcertck mda \"cat >> {}\"\n",
                server.port(service),
                server.certificate().display(),
                taken.display()
            ),
        )
        .unwrap();
        succeed(Command::new("chmod").arg("600").arg(&config));
        succeed(
            Command::new("fetchmail")
                .args(["--nosyslog", "--fetchmailrc"])
                .arg(&config)
                .env("HOME", &home),
        );
        let text = std::fs::read_to_string(&taken).unwrap();
        assert_eq!(
            text.matches("Subject: number").count(),
            3,
            "{protocol}: {text}"
        );
        let mut talk = server.imap("alice@example.test", &alice);
        assert!(
            talk.command("a", "SELECT INBOX")
                .contains(&"* 0 EXISTS".to_owned()),
            "{protocol}"
        );
    }
}
