//! swaks: STARTTLS, implicit TLS, AUTH, PIPELINING, LMTP.

use crate::server::{
    CAROL, LMTP, SMTP, SMTPS, SUBMISSION, Server, have, own_address, run, succeed,
};
use std::process::Command;

fn swaks(server: &Server, service: u16) -> Command {
    let mut command = Command::new("swaks");
    command.args([
        "--server",
        "127.0.0.1",
        "--port",
        &server.port(service).to_string(),
    ]);
    command.args([
        "--from",
        "bob@example.test",
        "--to",
        "alice@example.test",
        "--helo",
        "client.test",
    ]);
    command
}

#[test]
fn swaks_logs_in_under_tls_by_every_mechanism_and_delivers() {
    if !have(&["swaks"]) {
        return;
    }
    let server = Server::with_carol();
    let bob = server.password("bob@example.test");
    for (service, tls) in [(SUBMISSION, "-tls"), (SMTPS, "-tlsc")] {
        for (mechanism, user, password) in [
            ("PLAIN", "bob@example.test", bob.as_str()),
            ("LOGIN", "bob@example.test", bob.as_str()),
            ("CRAM-MD5", "carol@example.test", CAROL),
        ] {
            let text = succeed(swaks(&server, service).args([
                tls,
                "--auth",
                mechanism,
                "--auth-user",
                user,
                "--auth-password",
                password,
            ]));
            assert!(
                text.contains("235 2.7.0 Authentication successful"),
                "{text}"
            );
            assert!(text.contains("250 2.0.0 Ok: queued as "), "{text}");
        }
    }
}

#[test]
fn swaks_is_told_no_where_the_answer_is_no() {
    if !have(&["swaks"]) {
        return;
    }
    let server = Server::start(&[]);
    // The exit statuses are swaks's own: 28 for AUTH, 24 for RCPT.
    let wrong = run(swaks(&server, SUBMISSION).args([
        "-tls",
        "--auth",
        "PLAIN",
        "--auth-user",
        "bob@example.test",
        "--auth-password",
        "wrong",
    ]));
    assert_eq!(
        wrong.status.code(),
        Some(28),
        "{}",
        String::from_utf8_lossy(&wrong.stdout)
    );
    let stranger = run(swaks(&server, SUBMISSION).arg("-tls"));
    assert_eq!(
        stranger.status.code(),
        Some(24),
        "{}",
        String::from_utf8_lossy(&stranger.stdout)
    );
    let unknown = run(swaks(&server, SMTP).args(["--to", "nobody@example.test"]));
    assert_eq!(
        unknown.status.code(),
        Some(24),
        "{}",
        String::from_utf8_lossy(&unknown.stdout)
    );
    // From this host mail goes anywhere.
    let Some(stranger) = own_address() else {
        return;
    };
    let relay = run(swaks(&server, SMTP)
        .args(["--to", "x@elsewhere.test", "--local-interface"])
        .arg(stranger.to_string()));
    let text = String::from_utf8_lossy(&relay.stdout).into_owned();
    assert_eq!(relay.status.code(), Some(24), "{text}");
    assert!(
        text.contains("454 4.7.1 <x@elsewhere.test>: Relay access denied"),
        "{text}"
    );
}

#[test]
fn swaks_pipelines_and_speaks_lmtp() {
    if !have(&["swaks"]) {
        return;
    }
    let server = Server::start(&[]);
    let text = succeed(swaks(&server, SMTP).args([
        "--pipeline",
        "--to",
        "alice@example.test,bob@example.test",
    ]));
    assert!(text.contains("250 2.0.0 Ok: queued as "), "{text}");
    let text = succeed(swaks(&server, LMTP).args([
        "--protocol",
        "LMTP",
        "--to",
        "alice@example.test,bob@example.test",
    ]));
    for user in ["alice", "bob"] {
        assert!(
            text.contains(&format!("250 2.0.0 <{user}@example.test> ")),
            "{text}"
        );
    }
    assert_eq!(text.matches(" Saved").count(), 2, "{text}");
}
