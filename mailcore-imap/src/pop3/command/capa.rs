//! CAPA (RFC 2449 §5): what can be used now.

use crate::pop3::session::{Phase, Session};

const ALWAYS: &str = "CAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n";

pub(super) fn run(session: &mut Session) {
    session.ok("");
    session.write(&[ALWAYS]);
    if session.phase == Phase::Transaction {
        return session.write(&["UTF8\r\n.\r\n"]);
    }
    if session.options.stls && session.facts.tls.is_none() {
        session.write(&["STLS\r\n"]);
    }
    if session.facts.secured {
        // RFC 6856 §2.1: names and passwords may be UTF-8.
        session.write(&["USER\r\nUTF8 USER\r\n"]);
    } else {
        session.write(&["UTF8\r\n"]);
    }
    if !session.mechanisms.is_empty() {
        let mechanisms = session.mechanisms.join(" ");
        session.write(&["SASL ", &mechanisms, "\r\n"]);
    }
    session.write(&[".\r\n"]);
}
