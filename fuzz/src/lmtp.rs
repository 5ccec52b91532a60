//! The LMTP server machine, held to what the SMTP machine is held to.

use crate::smtp::session;
use mailcore_smtp::server::Options;

/// The input is what a client sends; its last octets are settings and verdicts.
pub fn body(input: &[u8]) {
    let host = "mail.example.test".parse().expect("a domain");
    session(input, Options::lmtp(host));
}
