//! Connections of one address, counted over all services.

use super::ask;
use crate::server::{IMAP, IMAPS, LMTP, POP3, SMTP, SUBMISSION, Server};
use std::time::Instant;

const SMTP_FULL: &str = "421 4.7.0 Error: too many connections from localhost[127.0.0.1]";
const IMAP_FULL: &str = "* BYE Maximum number of connections from user+IP exceeded";
const POP3_FULL: &str = "-ERR [IN-USE] Maximum number of connections from user+IP exceeded";

#[test]
fn one_address_has_only_so_many_connections_whatever_they_speak() {
    let server = Server::start(&["--max-per-address", "3"]);
    let [mut smtp, mut imap, mut pop3] = [SMTP, IMAP, POP3].map(|s| server.connect(s));
    smtp.expect("220 ");
    imap.expect("* OK ");
    pop3.expect("+OK ");
    for (service, words) in [
        (SMTP, SMTP_FULL),
        (SUBMISSION, SMTP_FULL),
        (LMTP, SMTP_FULL),
        (IMAP, IMAP_FULL),
        (POP3, POP3_FULL),
        // Before a handshake there are no words.
        (IMAPS, ""),
    ] {
        let mut talk = server.connect(service);
        assert_eq!(talk.line(), words, "{service}");
        super::closed(&mut talk);
    }
    // Each is logged as its own would log it.
    let log = server.log();
    for (words, times) in [
        (
            "Connection concurrency limit exceeded: 4 from localhost[127.0.0.1]",
            2,
        ),
        ("Maximum number of connections from user+IP exceeded", 4),
    ] {
        assert_eq!(log.matches(words).count(), times, "{words}: {log}");
    }
    // Who is inside is served.
    assert_eq!(ask(&mut smtp, "NOOP"), "250 2.0.0 Ok");
    assert_eq!(ask(&mut imap, "a NOOP"), "a OK NOOP completed.");
    assert_eq!(ask(&mut pop3, "UTF8"), "+OK UTF8 enabled.");
    // Who leaves makes room, whatever the next one speaks.
    assert_eq!(ask(&mut pop3, "QUIT"), "+OK Logging out");
    drop(pop3);
    let start = Instant::now();
    while !server.connect(IMAP).line().starts_with("* OK ") {
        assert!(
            start.elapsed().as_secs() < 20,
            "the place of a closed connection is not given again"
        );
    }
}
