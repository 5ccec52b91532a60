//! `openssl s_client -starttls` for each protocol, and a TLS port that speaks at once.

use crate::server::{IMAP, IMAPS, LMTP, POP3, POP3S, SMTP, SMTPS, SUBMISSION, Server, have};
use std::process::Command;

fn s_client(server: &Server, service: u16, more: &[&str], script: &str) -> String {
    let line = format!(
        "printf '{script}' | timeout 20 openssl s_client -quiet -verify_return_error -CAfile {} \
         -connect localhost:{} -servername localhost {} 2>&1",
        server.certificate().display(),
        server.port(service),
        more.join(" ")
    );
    let out = Command::new("sh").args(["-c", &line]).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn s_client_secures_every_protocol_and_is_answered() {
    if !have(&["openssl"]) {
        return;
    }
    let server = Server::start(&[]);
    for (service, starttls, script, answer) in [
        (SMTP, Some("smtp"), "EHLO x\\r\\nQUIT\\r\\n", "250 CHUNKING"),
        (
            SUBMISSION,
            Some("smtp"),
            "EHLO x\\r\\nQUIT\\r\\n",
            "250-AUTH ",
        ),
        (
            LMTP,
            Some("lmtp"),
            "LHLO x\\r\\nQUIT\\r\\n",
            "221 2.0.0 Bye",
        ),
        (
            IMAP,
            Some("imap"),
            "a CAPABILITY\\r\\nb LOGOUT\\r\\n",
            "b OK Logout completed",
        ),
        (
            POP3,
            Some("pop3"),
            "CAPA\\r\\nQUIT\\r\\n",
            "+OK Logging out",
        ),
        (SMTPS, None, "EHLO x\\r\\nQUIT\\r\\n", "221 2.0.0 Bye"),
        (IMAPS, None, "b LOGOUT\\r\\n", "b OK Logout completed"),
        (POP3S, None, "QUIT\\r\\n", "+OK Logging out"),
    ] {
        let more: Vec<&str> = starttls.iter().flat_map(|p| ["-starttls", p]).collect();
        let text = s_client(&server, service, &more, script);
        assert!(text.contains(answer), "port {service}: {text}");
        assert!(!text.contains("verify error"), "port {service}: {text}");
    }
}
