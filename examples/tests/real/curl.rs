//! curl: SMTP, IMAPS, POP3S with the server's own certificate verified.

use crate::server::{IMAPS, POP3S, SMTP, SMTPS, Server, have, succeed};
use std::process::Command;

fn curl(server: &Server) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--cacert"])
        .arg(server.certificate());
    command
}

/// With all that would else be added to the header of a message from this host.
const MESSAGE: &str = "From: bob@example.test\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <x@client.test>\r\n\
                       Subject: by curl\r\n\r\nhello\r\n..dots\r\n.\r\n";

#[test]
fn curl_sends_and_reads_back() {
    if !have(&["curl"]) {
        return;
    }
    let server = Server::start(&[]);
    let (alice, bob) = (
        server.password("alice@example.test"),
        server.password("bob@example.test"),
    );
    let message = server.scratch().join("message");
    std::fs::write(&message, MESSAGE).unwrap();
    for (scheme, service, user) in [
        ("smtp", SMTP, None),
        ("smtps", SMTPS, Some(format!("bob@example.test:{bob}"))),
    ] {
        let mut command = curl(&server);
        command.args([
            "--url",
            &format!("{scheme}://127.0.0.1:{}/client.test", server.port(service)),
        ]);
        command
            .args([
                "--mail-from",
                "bob@example.test",
                "--mail-rcpt",
                "alice@example.test",
                "-T",
            ])
            .arg(&message);
        if let Some(user) = user {
            command.args(["--user", &user]);
        }
        succeed(&mut command);
    }
    server.settled();
    let user = format!("alice@example.test:{alice}");
    for url in [
        format!("imaps://127.0.0.1:{}/INBOX;UID=1", server.port(IMAPS)),
        format!("imaps://127.0.0.1:{}/INBOX;MAILINDEX=2", server.port(IMAPS)),
        format!("pop3s://127.0.0.1:{}/2", server.port(POP3S)),
    ] {
        let text = succeed(curl(&server).args(["--user", &user, "--url", &url]));
        assert!(text.ends_with(MESSAGE), "{url}: {text}");
        assert!(
            text.starts_with(
                "Return-Path: <bob@example.test>\r\nDelivered-To: alice@example.test\r\n"
            ),
            "{text}"
        );
    }
    let found = succeed(curl(&server).args(["--user", &user, "--url"]).args([
        &format!("imaps://127.0.0.1:{}/INBOX", server.port(IMAPS)),
        "--request",
        "SEARCH SUBJECT curl",
    ]));
    assert!(found.contains("* SEARCH 1 2"), "{found}");
}
