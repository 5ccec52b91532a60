//! Bounds that the whole server keeps, protocol by protocol: what a client hears at each of them, word for word, and
//! that the server lives on for others. How the machines keep them is shown beside them; this is about what they
//! become together with a desk, a store and sockets.

mod connections;
mod imap;
mod mime;
mod mistakes;
mod pop3;
mod slow;
mod smtp;

use crate::server::{CAROL, Server, Talk};

/// Resident memory of a process in KiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Others are served: carol can log in and look at her mail.
fn serves_others(server: &Server) {
    let mut talk = server.imap("carol@example.test", CAROL);
    talk.command("s", "SELECT INBOX");
    talk.command("q", "LOGOUT");
}

/// Sends a line and returns the last line of the answer to it.
fn ask(talk: &mut Talk, line: &str) -> String {
    talk.send(line);
    talk.reply()
}

/// The server says no more and has closed.
fn closed(talk: &mut Talk) {
    assert_eq!(talk.line(), "", "nothing more is said");
}

/// An SMTP or LMTP connection with an open transaction to carol.
fn transaction(server: &Server, service: u16, hello: &str) -> Talk {
    let mut talk = server.connect(service);
    talk.expect("220 ");
    let hello = format!("{hello} client.test");
    for command in [
        &*hello,
        "MAIL FROM:<a@client.test>",
        "RCPT TO:<carol@example.test>",
    ] {
        let reply = ask(&mut talk, command);
        assert!(reply.starts_with("250"), "{command}: {reply}");
    }
    talk
}
