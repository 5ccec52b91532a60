//! Who does not get as far as a session: what he is told, and his line in the log, in the words of Postfix for mail and
//! of Dovecot for mailboxes. Counts nothing and closes nothing.

use super::Protocol;
use crate::log::dovecot::{self, Rip};
use crate::log::{Client, postfix};
use crate::net::Route;
use crate::net::listen::{Limits, Refused};
use std::io;
use std::time::Duration;

/// Says in the log that somebody was not let in, and returns what he is told: nothing where TLS would have to stand
/// first.
pub(super) fn refuse(
    protocol: Protocol,
    refused: Refused,
    limits: &Limits,
    route: &Route,
) -> Vec<u8> {
    match refused {
        Refused::Address => note_address(protocol, limits.per_address, route),
        Refused::Total => note_total(protocol, limits.total),
    }
    match protocol {
        _ if protocol.implicit_tls() || !protocol.knows_tls() => Vec::new(),
        Protocol::Imap => b"* BYE Maximum number of connections from user+IP exceeded\r\n".to_vec(),
        Protocol::Pop3 => {
            b"-ERR [IN-USE] Maximum number of connections from user+IP exceeded\r\n".to_vec()
        }
        _ => match refused {
            Refused::Address => {
                let client = Client::at(route.peer.ip());
                format!("421 4.7.0 Error: too many connections from {client}\r\n").into_bytes()
            }
            Refused::Total => b"421 4.3.2 All server ports are busy\r\n".to_vec(),
        },
    }
}

fn note_address(protocol: Protocol, most: usize, route: &Route) {
    let service = protocol.service();
    match protocol.smtpd() {
        Some(program) => {
            let client = Client::at(route.peer.ip());
            // Postfix counts the one that is refused.
            let count = most.saturating_add(1);
            postfix::warning(
                program,
                format_args!(
                    "Connection concurrency limit exceeded: {count} from {client} for service {service}"
                ),
            );
        }
        None => dovecot::turned_away(
            &format!(
                "Maximum number of connections from user+IP exceeded (mail_max_userip_connections={most})"
            ),
            "",
            &rip(protocol, route, &crate::intake::session_id()),
        ),
    }
}

fn note_total(protocol: Protocol, most: usize) {
    let service = protocol.service();
    match protocol.smtpd() {
        Some(_) => postfix::warning(
            "postfix/master",
            format_args!(
                "service \"{service}\" has reached its process limit \"{most}\": new clients may experience noticeable \
                 delays"
            ),
        ),
        None => dovecot::warning(
            format_args!("master"),
            format_args!(
                "service({service}-login): client_limit ({most}) reached, client connections are being dropped"
            ),
        ),
    }
}

/// Says in the log that TLS never stood on a port that begins with it.
pub(super) fn note_handshake(
    protocol: Protocol,
    error: &io::Error,
    lasted: Duration,
    route: &Route,
) {
    let Some(program) = protocol.smtpd() else {
        let session = crate::intake::session_id();
        return dovecot::handshake(error, lasted, &rip(protocol, route, &session));
    };
    let client = Client::at(route.peer.ip());
    postfix::info(program, format_args!("connect from {client}"));
    postfix::handshake(program, &client, error);
    postfix::info(
        program,
        format_args!("lost connection after CONNECT from {client}"),
    );
    postfix::info(
        program,
        format_args!("disconnect from {client} commands=0/0"),
    );
}

fn rip<'s>(protocol: Protocol, route: &Route, session: &'s str) -> Rip<'s> {
    Rip {
        service: protocol.service(),
        method: "",
        remote: route.peer.ip(),
        local: route.local.ip(),
        tls: false,
        session,
    }
}
