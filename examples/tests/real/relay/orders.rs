//! `mailserver queue`: what an administrator sees and does.

use super::net::{
    Letter, Net, exchanger, line, queue, wait_for, wait_for_empty_queue, wait_for_line,
};
use super::scripted::Scripted;
use crate::server::{Server, free_base, have};
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

#[test]
fn a_message_with_a_damaged_body_is_said_to_lie_in_the_corrupt_lane() {
    let (_net, a, peer, busy) = with_busy_peer();
    let id = defer(&a, "damaged");
    damage(&a.data().join("queue"), b"body of damaged");
    busy.store(false, Ordering::SeqCst);
    queue(&a, &["retry", &id]);
    wait_for_line(&a, &[&id, "moved to the corrupt lane"]);
    let (list, _) = queue(&a, &["list"]);
    assert!(list.contains(&format!("{id}#")), "{list}");
    assert_eq!(peer.count(), 0);
}

/// Changes an octet of what stands somewhere below a folder.
fn damage(folder: &std::path::Path, what: &[u8]) {
    use std::os::unix::fs::FileExt;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let octets = std::fs::read(&path).unwrap();
            if let Some(at) = octets.windows(what.len()).position(|it| it == what) {
                let file = std::fs::File::options().write(true).open(&path).unwrap();
                file.write_all_at(b"X", at as u64).unwrap();
                return;
            }
        }
    }
    panic!("nothing to damage");
}

#[test]
fn a_message_is_shown_to_a_terminal_without_what_a_terminal_would_obey() {
    if !have(&["script"]) {
        return;
    }
    let (_net, a, ..) = with_busy_peer();
    let id = defer(&a, "\u{1b}[2Jwiped");
    let (text, _) = queue(&a, &["show", &id]);
    assert!(
        text.contains("\nSubject: \u{1b}[2Jwiped\n"),
        "as it is: {text:?}"
    );
    let program = env!("CARGO_BIN_EXE_mailserver");
    let line = format!("{program} --data {} queue show {id}", a.data().display());
    let out =
        crate::server::run(std::process::Command::new("script").args(["-qec", &line, "/dev/null"]));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("Subject: \\x1b[2Jwiped"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn an_administrator_gets_in_beside_clients_that_do_not_ask_or_do_not_read() {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    let (_net, a, ..) = with_busy_peer();
    let message = format!("Subject: long\n\n{}", "0123456789\n".repeat(200_000));
    let letter = Letter {
        mail: "<alice@a.test>",
        rcpt: &["<x@c.test>"],
        message: &message,
    };
    let id = letter.send(&a);
    wait_for_line(&a, &[&id, "status=deferred"]);
    let clients: Vec<_> = (0..40)
        .map(|n| {
            let mut client = UnixStream::connect(a.data().join("control")).unwrap();
            if n >= 20 {
                client
                    .write_all(format!("show\n{id}\n").as_bytes())
                    .unwrap();
                client.shutdown(std::net::Shutdown::Write).unwrap();
            }
            client
        })
        .collect();
    let (list, code) = queue(&a, &["list"]);
    assert_eq!(code, 0);
    assert!(list.contains(&id), "{list}");
    wait_for_line(&a, &["control: a silent client gives way"]);
    drop(clients);
}
