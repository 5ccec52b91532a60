//! Destinations that hang: the others' mail goes meanwhile.

use super::net::{Letter, Net, exchanger, line, queue, wait_for};
use super::scripted::Scripted;
use crate::server::free_base;
use std::net::TcpListener;

/// Destinations in all; one in ten hangs.
const DESTINATIONS: usize = 200;

#[test]
fn destinations_that_hang_hold_nobody_up() {
    // The system takes connections for it, and nobody ever says a word on them.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = mute.local_addr().unwrap().port();
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
