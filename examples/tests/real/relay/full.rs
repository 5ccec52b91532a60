//! The queue on a disk that fills up, and with no descriptor left: what cannot be kept is put off, what was
//! acknowledged goes out, and service resumes.

use super::net::{Letter, Net, exchanger, queue, wait_for, wait_for_empty_queue, wait_for_line};
use super::scripted::Scripted;
use crate::harm::{Small, limit};
use crate::server::{Server, free_base, have};
use std::collections::HashSet;

fn send(server: &Server, name: &str, octets: usize) -> String {
    let body = "0123456789012345678901234567890123456789012345678901234567890123456789\n";
    let message = format!("Subject: {name}\n\n{}", body.repeat(octets / body.len()));
    Letter {
        mail: "<alice@a.test>",
        rcpt: &["<x@c.test>"],
        message: &message,
    }
    .try_send(server)
}

#[test]
fn a_full_disk_defers_mail_and_loses_none() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(&outer.path().join("data"), "96m") else {
        return;
    };
    let net = Net::new("");
    let peer = Scripted::saying(&[], |_| None);
    // Nobody listens there yet.
    let down = free_base() + 25;
    net.add(&exchanger("c.test", down));
    let base = free_base();
    let a = net.start_in(outer, "a.test", base, &[]);
    let mut taken = HashSet::new();
    assert!(send(&a, "first", 1000).starts_with("250 "));
    taken.insert("first".to_owned());
    let ballast = small.fill();
    // What has been laid out in advance is used up first.
    let refusal = (0..2000).find_map(|n| {
        let name = format!("m{n}");
        let reply = send(&a, &name, 500_000);
        if reply.starts_with("250 ") {
            taken.insert(name);
            return None;
        }
        Some(reply)
    });
    assert_eq!(
        refusal.as_deref(),
        Some("452 4.3.1 Insufficient system storage")
    );
    assert!(taken.len() > 1, "{taken:?}");
    assert!(send(&a, "still full", 500_000).starts_with("452 4.3.1 "));
    let (list, code) = queue(&a, &["list"]);
    assert_eq!(code, 0);
    assert!(
        list.ends_with(&format!(" in {} Requests.\n", taken.len())),
        "{list}"
    );

    std::fs::remove_file(ballast).unwrap();
    assert!(send(&a, "after", 500_000).starts_with("250 "));
    taken.insert("after".to_owned());
    // Neither the full disk nor a crash after it has harmed what was acknowledged.
    let outer = a.kill();
    let other = Net::new(&exchanger("c.test", peer.port));
    let a = other.start_in(outer, "a.test", base, &[]);
    queue(&a, &["retry"]);
    wait_for_empty_queue(&a);
    let got = peer.heard().messages;
    let subjects: HashSet<String> = got
        .iter()
        .filter_map(|m| m.split("\r\nSubject: ").nth(1)?.lines().next())
        .map(str::to_owned)
        .collect();
    assert_eq!(subjects, taken);
    assert_eq!(got.len(), taken.len(), "no message came twice");
    drop(a.kill());
    drop(small);
}

#[test]
fn without_descriptors_mail_waits_in_the_queue_and_goes_later() {
    if !have(&["prlimit"]) {
        return;
    }
    let peer = Scripted::start(&[]);
    let net = Net::new(&exchanger("c.test", peer.port));
    let a = net.start("a.test", free_base(), &[]);
    // A file of the queue is open then, and no connection rests.
    Letter {
        mail: "<alice@a.test>",
        rcpt: &["<bob@a.test>"],
        message: "Subject: before\n\nx\n",
    }
    .send(&a);
    wait_for_empty_queue(&a);
    let mut talk = a.connect(crate::server::SMTP);
    talk.expect("220 ");
    for command in [
        "EHLO client.test",
        "MAIL FROM:<alice@a.test>",
        "RCPT TO:<x@c.test>",
        "DATA",
    ] {
        talk.send(command);
        talk.reply();
    }
    // The lowest numbers are held for good: no further one is to be had.
    limit(&a, "8:");
    talk.send("Subject: waits\r\n\r\nbody\r\n.");
    let reply = talk.reply();
    let id = reply.strip_prefix("250 2.0.0 Ok: queued as ");
    let id = id.unwrap_or_else(|| panic!("{reply}")).to_owned();
    let line = wait_for_line(&a, &[&id, "to=<x@c.test>"]);
    assert!(line.contains("status=deferred"), "{line}");
    limit(&a, "1024:");
    wait_for("the message at its peer", || {
        queue(&a, &["retry", &id]);
        (peer.count() == 1).then_some(())
    });
    wait_for_line(&a, &[&id, ": removed"]);
}
