//! `mailserver queue`: what an administrator sees and does.

use super::net::{
    Letter, Net, exchanger, line, queue, wait_for, wait_for_empty_queue, wait_for_line,
};
use super::scripted::Scripted;
use crate::server::{Server, free_base};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A server whose one peer defers everything until it is told otherwise.
fn with_busy_peer() -> (Net, Server, Scripted, Arc<AtomicBool>) {
    let busy = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&busy);
    let peer = Scripted::saying(&[], move |command| {
        let busy = still.load(Ordering::SeqCst) && command.starts_with("MAIL");
        busy.then(|| "451 4.3.2 busy".to_owned())
    });
    let net = Net::new(&exchanger("c.test", peer.port));
    let server = net.start("a.test", free_base(), &[]);
    (net, server, peer, busy)
}

fn send(server: &Server, subject: &str) -> String {
    let message = format!("Subject: {subject}\n\nbody of {subject}\n");
    let letter = Letter {
        mail: "<alice@a.test>",
        rcpt: &["<x@c.test>"],
        message: &message,
    };
    letter.send(server)
}

/// Sends a message and waits until it has been deferred.
fn defer(server: &Server, subject: &str) -> String {
    let id = send(server, subject);
    wait_for(&format!("{id} deferred"), || {
        let logged = line(server, &[&id, "status=deferred"]);
        let (list, _) = queue(server, &["list"]);
        // No longer in hand, which a star would say.
        logged.filter(|_| list.contains(&format!("{id} ")))
    });
    id
}

#[test]
fn a_message_on_hold_is_left_alone_until_it_is_released() {
    let (_net, a, peer, busy) = with_busy_peer();
    let (held, other) = (defer(&a, "held"), defer(&a, "other"));
    assert_eq!(
        queue(&a, &["hold", &held]),
        ("Placed on hold: 1 message\n".to_owned(), 0)
    );
    wait_for_line(&a, &["postfix/postsuper", &held, ": placed on hold"]);
    let (list, _) = queue(&a, &["list"]);
    assert!(
        list.contains(&format!("{held}!")) && list.contains(&format!("{other} ")),
        "{list}"
    );
    busy.store(false, Ordering::SeqCst);
    queue(&a, &["retry", "ALL"]);
    wait_for_line(&a, &[&other, ": removed"]);
    assert_eq!(peer.count(), 1, "the other one");
    assert_eq!(
        queue(&a, &["release", &held]),
        ("Released from hold: 1 message\n".to_owned(), 0)
    );
    wait_for_line(&a, &["postfix/postsuper", &held, ": released from hold"]);
    queue(&a, &["retry"]);
    wait_for_line(&a, &[&held, ": removed"]);
    assert_eq!(peer.count(), 2);
    wait_for_empty_queue(&a);
}

#[test]
fn a_deleted_message_is_gone_and_nobody_is_told() {
    let (_net, a, peer, busy) = with_busy_peer();
    let (gone, stays) = (defer(&a, "gone"), defer(&a, "stays"));
    assert_eq!(
        queue(&a, &["delete", &gone]),
        ("Deleted: 1 message\n".to_owned(), 0)
    );
    wait_for_line(&a, &["postfix/postsuper", &gone, ": removed"]);
    let (list, _) = queue(&a, &["list"]);
    assert!(!list.contains(&gone) && list.contains(&stays), "{list}");
    let (text, code) = queue(&a, &["delete", &gone]);
    assert_eq!((code, text.contains(&gone)), (1, true), "{text}");
    busy.store(false, Ordering::SeqCst);
    queue(&a, &["retry", &stays]);
    wait_for_line(&a, &[&stays, ": removed"]);
    wait_for_empty_queue(&a);
    let messages = peer.heard().messages;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].contains("Subject: stays\r\n"), "{messages:?}");
    assert!(!a.log().contains("notification: "));
}

#[test]
fn a_message_is_shown_with_envelope_header_and_body() {
    let (_net, a, ..) = with_busy_peer();
    let id = defer(&a, "shown");
    let (text, code) = queue(&a, &["show", &id]);
    assert_eq!(code, 0);
    for words in [
        &format!("*** ENVELOPE RECORDS {id} ***\n"),
        "\nsender: alice@a.test\n",
        "\nrecipient: x@c.test\n",
        "\nSubject: shown\n",
        "\n\nbody of shown\n",
        "\nnext_attempt: ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (text, code) = queue(&a, &["show", "NOSUCHID"]);
    assert_eq!((text.as_str(), code), ("NOSUCHID: no such message\n", 1));
}

#[test]
fn without_a_server_the_queue_command_says_so() {
    let (_net, a, ..) = with_busy_peer();
    let folder = a.kill();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mailserver"));
    let data = folder.path().join("data");
    let out = crate::server::run(command.arg("--data").arg(&data).args(["queue", "list"]));
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("no server runs on"), "{said}");
}
