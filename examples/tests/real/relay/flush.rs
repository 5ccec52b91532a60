//! A disk that says no to a flush: nothing that may not be on it is ever acknowledged.

use super::net::{Letter, Net, exchanger, mail, wait_for_empty_queue};
use super::scripted::Scripted;
use crate::harm::Broken;
use crate::server::{LMTP, free_base, have};

fn letter<'a>(rcpt: &'a [&'a str], message: &'a str) -> Letter<'a> {
    Letter {
        mail: "<alice@a.test>",
        rcpt,
        message,
    }
}

#[test]
fn a_failed_flush_is_never_answered_with_250() {
    if !have(&["strace"]) {
        return;
    }
    let peer = Scripted::start(&[]);
    let net = Net::new(&exchanger("c.test", peer.port));
    let base = free_base();
    let a = net.start("a.test", base, &[]);
    let before = letter(&["<x@c.test>", "<bob@a.test>"], "Subject: before\n\nx\n");
    before.send(&a);
    wait_for_empty_queue(&a);
    let Some(broken) = Broken::flushes(&a) else {
        return;
    };
    for _ in 0..5 {
        let lost = letter(&["<x@c.test>", "<bob@a.test>"], "Subject: lost\n\nx\n");
        let reply = lost.try_send(&a);
        assert!(reply.starts_with('4'), "{reply}");
    }
    // LMTP has no queue to lean on: it answers for the mailbox itself.
    let mut talk = a.connect(LMTP);
    talk.expect("220 ");
    for command in [
        "LHLO client.test",
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<bob@a.test>",
        "DATA",
    ] {
        talk.send(command);
        talk.reply();
    }
    talk.send("Subject: lost\r\n\r\nx\r\n.");
    let reply = talk.reply();
    assert!(reply.starts_with('4'), "{reply}");
    drop(broken);

    // After a start at the latest all is well, and what was acknowledged is there, once.
    let a = net.start_in(a.kill(), "a.test", base, &[]);
    letter(&["<x@c.test>", "<bob@a.test>"], "Subject: after\n\nx\n").send(&a);
    wait_for_empty_queue(&a);
    for subject in ["before", "after"] {
        let line = format!("Subject: {subject}");
        let count = |texts: Vec<String>| texts.iter().filter(|it| it.contains(&line)).count();
        assert_eq!(count(peer.heard().messages), 1, "{subject}");
        assert_eq!(count(mail(&a.data(), "bob@a.test")), 1, "{subject}");
    }
}
