//! msmtp: SCRAM under TLS with a certificate that it verifies.

use crate::server::{CAROL, SMTPS, SUBMISSION, Server, have, succeed};
use std::process::Command;

#[test]
fn msmtp_logs_in_by_scram_and_delivers() {
    if !have(&["msmtp"]) {
        return;
    }
    let server = Server::with_carol();
    let bob = server.password("bob@example.test");
    let message = server.scratch().join("message");
    std::fs::write(&message, "Subject: by msmtp\n\nhello\n").unwrap();
    for (service, starttls) in [(SUBMISSION, "on"), (SMTPS, "off")] {
        for (mechanism, user, password) in [
            ("scram-sha-256", "bob@example.test", bob.as_str()),
            ("scram-sha-1", "carol@example.test", CAROL),
        ] {
            let script = format!(
                "msmtp --file=/dev/null --host=localhost --port={} --tls=on --tls-starttls={starttls} \
                 --tls-trust-file={} --auth={mechanism} --user={user} --passwordeval='printf %s {password}' \
                 --from={user} alice@example.test < {}",
                server.port(service),
                server.certificate().display(),
                message.display()
            );
            succeed(Command::new("sh").args(["-c", &script]));
        }
    }
    server.settled();
    let alice = server.password("alice@example.test");
    let mut talk = server.imap("alice@example.test", &alice);
    let lines = talk.command("a", "SELECT INBOX");
    assert!(lines.contains(&"* 4 EXISTS".to_owned()), "{lines:?}");
}
