//! Two of ours, by MX.

use super::net::{
    Letter, Net, exchanger, mail, queue, wait_for_empty_queue, wait_for_line, wait_for_mail,
};
use super::scripted::Scripted;
use crate::server::{SMTP, free_base};

const TO_ALICE: Letter<'_> = Letter {
    mail: "<alice@a.test>",
    rcpt: &["<alice@b.test>"],
    message: "Subject: over\nMessage-ID: <1@a.test>\n\n..two dots\nand a line\n",
};

#[test]
fn mail_goes_from_domain_to_domain_by_mx_and_starttls() {
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let b = net.start("b.test", base_b, &[]);
    let a = net.start("a.test", base_a, &[]);
    let id = TO_ALICE.send(&a);
    let [letter] = &wait_for_mail(&b, "alice@b.test", 1)[..] else {
        unreachable!()
    };
    let port = b.port(SMTP);
    wait_for_line(
        &a,
        &[&format!(
            "TLS connection established to mx.b.test[127.0.0.1]:{port}: TLSv1.3 with cipher "
        )],
    );
    wait_for_line(
        &b,
        &["TLS connection established from ", ": TLSv1.3 with cipher "],
    );
    let line = wait_for_line(&a, &[&id, "to=<alice@b.test>"]);
    assert!(
        line.contains(&format!("postfix/smtp[{}]: ", a.pid()))
            && line.contains(&format!("relay=mx.b.test[127.0.0.1]:{port}, delay="))
            && line.contains("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as "),
        "{line}"
    );
    wait_for_line(&a, &[&id, ": removed"]);
    // Both have left their mark, and the line with two dots has lost none nor gained one.
    assert!(
        letter.starts_with("Return-Path: <alice@a.test>\n"),
        "{letter}"
    );
    let traces = [
        "by mail.b.test (mailcore) with ESMTPS id ",
        "by mail.a.test (mailcore) with ESMTP id ",
    ];
    let places = traces.map(|it| letter.find(it).unwrap_or_else(|| panic!("{it}: {letter}")));
    assert!(places[0] < places[1], "{letter}");
    assert_eq!(letter.matches("Message-I").count(), 1, "{letter}");
    assert!(letter.ends_with("\n\n.two dots\nand a line\n"), "{letter}");
}

#[test]
fn mail_for_a_peer_that_is_down_waits_says_why_and_goes_when_it_is_up() {
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let a = net.start("a.test", base_a, &[]);
    let id = TO_ALICE.send(&a);
    let why = format!(
        "(connect to mx.b.test[127.0.0.1]:{}: Connection refused)",
        base_b + SMTP
    );
    wait_for_line(&a, &[&id, "relay=none", "dsn=4.4.1, status=deferred", &why]);
    let (list, code) = queue(&a, &["list"]);
    assert_eq!(code, 0);
    assert!(
        list.contains(&id) && list.contains("alice@a.test\n"),
        "{list}"
    );
    assert!(list.contains(&format!("{why}\n")), "{list}");
    assert!(list.ends_with("Kbytes in 1 Request.\n"), "{list}");

    // It is on disk: neither of the two has to have lived all the time.
    let a = net.start_in(a.kill(), "a.test", base_a, &[]);
    assert!(queue(&a, &["list"]).0.contains(&why));
    let b = net.start("b.test", base_b, &[]);
    assert_eq!(
        queue(&a, &["retry"]),
        ("Tried again: 1 message\n".to_owned(), 0)
    );
    wait_for_mail(&b, "alice@b.test", 1);
    wait_for_line(&a, &[&id, "status=sent (250 2.0.0 Ok"]);
    wait_for_line(&a, &[&id, ": removed"]);
    wait_for_empty_queue(&a);
    assert_eq!(mail(&b.data(), "alice@b.test").len(), 1);
}

#[test]
fn a_server_of_lower_preference_takes_what_the_better_ones_do_not() {
    let net = Net::new("");
    let base = free_base();
    let down = free_base() + SMTP;
    let shy = Scripted::saying(&[], |command| {
        command
            .starts_with("RCPT")
            .then(|| "450 4.2.0 come back".to_owned())
    });
    let willing = Scripted::start(&[]);
    for (n, port) in [(1, down), (2, shy.port), (3, willing.port)] {
        net.add(&format!(
            "c.test. MX {n}0 mx{n}.c.test.\nmx{n}.c.test. A 127.0.0.1\nmx{n}.c.test. PORT {port}\n"
        ));
    }
    let a = net.start("a.test", base, &[]);
    let id = Letter {
        rcpt: &["<x@c.test>"],
        ..TO_ALICE
    }
    .send(&a);
    wait_for_line(
        &a,
        &[
            &id,
            &format!("relay=mx3.c.test[127.0.0.1]:{}", willing.port),
            "status=sent",
        ],
    );
    wait_for_line(
        &a,
        &[&format!(
            "connect to mx1.c.test[127.0.0.1]:{down}: Connection refused"
        )],
    );
    wait_for_line(
        &a,
        &[&id, "host mx2.c.test[127.0.0.1] said: 450 4.2.0 come back"],
    );
    assert_eq!((shy.count(), willing.count()), (0, 1));
    assert!(!a.log().contains("status=deferred"));
}

#[test]
fn whom_a_server_defers_is_tried_again_and_the_others_are_not() {
    let net = Net::new("");
    let base = free_base();
    let busy = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let still = std::sync::Arc::clone(&busy);
    let peer = Scripted::saying(&["PIPELINING"], move |command| {
        let busy = still.load(std::sync::atomic::Ordering::SeqCst);
        (busy && command.starts_with("RCPT TO:<two@")).then(|| "451 4.7.1 greylisted".to_owned())
    });
    net.add(&exchanger("c.test", peer.port));
    let a = net.start("a.test", base, &[]);
    let id = Letter {
        rcpt: &["<one@c.test>", "<two@c.test>", "<three@c.test>"],
        ..TO_ALICE
    }
    .send(&a);
    for who in ["one", "three"] {
        wait_for_line(&a, &[&id, &format!("to=<{who}@c.test>"), "status=sent"]);
    }
    wait_for_line(
        &a,
        &[
            &id,
            "to=<two@c.test>",
            "dsn=4.7.1, status=deferred (host mx.c.test[127.0.0.1] said: 451 4.7.1 greylisted (in reply to RCPT TO command))",
        ],
    );
    let (list, _) = queue(&a, &["list"]);
    assert!(
        list.contains("two@c.test") && !list.contains("one@c.test"),
        "{list}"
    );
    busy.store(false, std::sync::atomic::Ordering::SeqCst);
    queue(&a, &["retry", &id]);
    wait_for_line(&a, &[&id, ": removed"]);
    let commands = peer.heard().commands;
    let rcpt = |who: &str| commands.iter().filter(|it| it.starts_with(who)).count();
    assert_eq!(rcpt("RCPT TO:<one@"), 1, "{commands:#?}");
    assert_eq!(rcpt("RCPT TO:<two@"), 2, "{commands:#?}");
    assert_eq!(rcpt("RCPT TO:<three@"), 1, "{commands:#?}");
    assert_eq!(peer.count(), 2);
}
