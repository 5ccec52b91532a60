//! Destinations that hang: the others' mail goes meanwhile.

use super::net::{Letter, Net, exchanger, line, queue, wait_for};
use super::scripted::Scripted;
use crate::server::free_base;
use std::net::TcpListener;

/// A port where connections are taken and nobody ever says a word on them.
fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // Kept, for a closed one is an answer.
        let kept: Vec<_> = listener.incoming().map_while(Result::ok).collect();
        drop(kept);
    });
    port
}

/// Destinations in all; one in ten hangs.
const DESTINATIONS: usize = 1_000;

#[test]
fn destinations_that_hang_hold_nobody_up() {
    let hung = mute();
    let peer = Scripted::start(&["PIPELINING"]);
    let net = Net::new("");
    let mut zone = String::new();
    for n in 0..DESTINATIONS {
        let port = if n % 10 == 0 { hung } else { peer.port };
        zone.push_str(&exchanger(&format!("d{n}.test"), port));
    }
    net.add(&zone);
    let a = net.start("a.test", free_base(), &[]);
    for n in 0..DESTINATIONS {
        Letter {
            mail: "<alice@a.test>",
            rcpt: &[&format!("<x@d{n}.test>")],
            message: "Subject: to many\n\nbody\n",
        }
        .send(&a);
    }
    let moving = DESTINATIONS - DESTINATIONS / 10;
    wait_for("everybody else's mail", || {
        (peer.count() == moving).then_some(())
    });
    // Those that hang still do: nothing is known of them yet.
    wait_for("them alone in the queue", || {
        let (list, _) = queue(&a, &["list"]);
        list.ends_with(&format!(" in {} Requests.\n", DESTINATIONS / 10))
            .then_some(())
    });
    assert_eq!(line(&a, &["status=deferred"]), None);
}

/// More than there are places for, stalled ones and all.
const FORGED: usize = 600;

#[test]
fn reports_to_hosts_that_hang_hold_up_nobody_elses_mail() {
    let hung = mute();
    let refusing = Scripted::saying(&["PIPELINING"], |command| {
        let refused = command.starts_with("RCPT");
        refused.then(|| "550 5.1.1 no such user".to_owned())
    });
    let peer = Scripted::start(&["PIPELINING"]);
    let net = Net::new(&exchanger("refusing.test", refusing.port));
    let mut zone = exchanger("new.test", peer.port);
    for n in 0..FORGED {
        zone.push_str(&exchanger(&format!("h{n}.test"), hung));
    }
    net.add(&zone);
    let a = net.start("a.test", free_base(), &[]);
    for n in 0..FORGED {
        Letter {
            mail: &format!("<forged@h{n}.test>"),
            rcpt: &["<nobody@refusing.test>"],
            message: "Subject: forged\n\nbody\n",
        }
        .send(&a);
    }
    wait_for("reports alone", || {
        let log = a.log();
        let reports = log.matches("sender non-delivery notification: ").count();
        (reports == FORGED).then_some(())
    });
    Letter {
        mail: "<alice@a.test>",
        rcpt: &["<x@new.test>"],
        message: "Subject: in time\n\nbody\n",
    }
    .send(&a);
    wait_for("the other's mail", || (peer.count() == 1).then_some(()));
    let (list, _) = queue(&a, &["list"]);
    assert!(
        list.ends_with(&format!(" in {FORGED} Requests.\n")),
        "they hang still"
    );
}

/// Domains at one mail exchanger.
const SHARED: usize = 40;

#[test]
fn domains_that_share_a_mail_exchanger_share_its_being_dead_if_that_is_asked_for() {
    // Nobody listens there.
    let gone = free_base();
    let mut zone = format!("mx.gone.test. A 127.0.0.1\nmx.gone.test. PORT {gone}\n");
    for n in 0..SHARED {
        zone.push_str(&format!("d{n}.test. MX 10 mx.gone.test.\n"));
    }
    let net = Net::new(&zone);
    for (further, dead) in [(&["--group-by-mx"][..], true), (&[], false)] {
        let a = net.start("a.test", free_base(), further);
        let to: Vec<_> = (0..SHARED).map(|n| format!("<x@d{n}.test>")).collect();
        Letter {
            mail: "<alice@a.test>",
            rcpt: &to.iter().map(String::as_str).collect::<Vec<_>>(),
            message: "Subject: to many\n\nbody\n",
        }
        .send(&a);
        let deferred = wait_for("all of them deferred", || {
            let log = a.log();
            let deferred = log.matches("status=deferred").count();
            (deferred == SHARED).then_some(log)
        });
        let suspended = deferred.matches("delivery temporarily suspended").count();
        assert_eq!(suspended > SHARED / 2, dead, "{suspended} of {SHARED}");
    }
}
