//! What a peer may do that means harm, and how far it comes.

use crate::desk::{Logins, Lookups};
use mailcore_base::wire::Notice;
use mailcore_sasl::socket::{Ended, LONGEST_LINE, MOST_OPEN, Malformed, PATIENCE, Reply};
use std::time::Duration;

fn granted(user: &str) -> Reply {
    Reply::Granted {
        user: user.to_owned(),
        fields: Vec::new(),
    }
}

#[test]
fn who_breaks_the_protocol_is_left() {
    let hello = "VERSION\t1\t2\nCPID\t1\n";
    for (said, why) in [
        ("CPID\t1\n", "no VERSION line"),
        ("VERSION\t2\t0\n", "another version of the protocol"),
        ("VERSION 1 1\n", "no VERSION line"),
        ("\n", "no VERSION line"),
        (
            "VERSION\t1\t1\nVERSION\t1\t1\n",
            "an unknown handshake command",
        ),
        ("VERSION\t1\t1\nCPID\t0\n", "no process id in CPID"),
        ("VERSION\t1\t1\nCPID\tx\n", "no process id in CPID"),
        (
            "VERSION\t1\t1\nAUTH\t1\tPLAIN\tservice=smtp\n",
            "an unknown handshake command",
        ),
        ("<CPID\t1\n", "an unknown command"),
        ("<FOO\tbar\n", "an unknown command"),
        ("<AUTH\t1\tPLAIN\tsecured\n", "no service in a request"),
        ("<AUTH\tx\tPLAIN\tservice=smtp\n", "broken AUTH request"),
        ("<CONT\t1\n", "a broken CONT request"),
        (
            "<AUTH\t1\tPLAIN\tservice=a\nAUTH\t1\tPLAIN\tservice=a\n",
            "a duplicate id",
        ),
        ("<AUTH\t1\tPLAIN\tservice=a\0\n", "a NUL in a line"),
        (
            "<AUTH\t1\tPLAIN\tservice=a\tresp=\tvalid-client-cert\n",
            "AUTH parameters after 'resp'",
        ),
    ] {
        let mut peer = Logins::new("PLAIN", false);
        peer.say(said.replace('<', hello).as_bytes());
        assert_eq!(
            peer.ended(),
            Some(Ended::Broken(Malformed(why))),
            "{said:?}"
        );
        assert!(peer.closed, "{said:?}");
    }
    for said in [
        "CPID\t1\n",
        "VERSION\t1\t1\nFOO\t1\n",
        "VERSION\t1\t1\nUSER\t1\ta\n",
    ] {
        let mut peer = Lookups::new();
        peer.say(said.as_bytes());
        assert!(
            matches!(peer.session.ended(), Some(Ended::Broken(_))),
            "{said:?}"
        );
        assert!(peer.closed, "{said:?}");
    }
}

#[test]
fn a_line_may_be_so_long_and_not_longer() {
    let line = |length: usize| {
        let front = "AUTH\t1\tPLAIN\tservice=smtp\tx=";
        format!("{front}{}\n", "y".repeat(length - front.len() - 1))
    };
    let mut peer = Logins::greeted();
    peer.say(line(LONGEST_LINE).as_bytes());
    assert_eq!((peer.ended(), peer.asked.len()), (None, 1));
    for endless in [line(LONGEST_LINE + 1), "x".repeat(1_000_000)] {
        let mut peer = Logins::greeted();
        peer.say(endless.as_bytes());
        assert!(matches!(peer.ended(), Some(Ended::Broken(_))));
    }
}

#[test]
fn thousands_of_exchanges_at_once_are_put_off_and_the_first_are_served() {
    let mut peer = Logins::greeted();
    for id in 1..=MOST_OPEN + 2000 {
        peer.say(format!("AUTH\t{id}\tLOGIN\tservice=smtp\n").as_bytes());
    }
    assert_eq!(peer.tickets.len(), MOST_OPEN);
    let said = String::from_utf8(std::mem::take(&mut peer.output)).unwrap();
    assert_eq!(said.lines().count(), 2000);
    assert!(
        said.lines().all(|line| line.contains("\tcode=temp_fail\t")),
        "{said}"
    );
    // Once one is over there is a place again.
    peer.settle(peer.tickets[5], granted("a"));
    peer.say(b"AUTH\t9999\tLOGIN\tservice=smtp\n");
    assert_eq!(peer.tickets.len(), MOST_OPEN + 1);
}

#[test]
fn an_exchange_that_takes_too_long_is_over_and_the_next_is_not() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tLOGIN\tservice=smtp\n");
    peer.now += Duration::from_secs(1);
    peer.say(b"AUTH\t2\tLOGIN\tservice=smtp\n");
    peer.asked.clear();
    peer.now += PATIENCE - Duration::from_secs(1);
    peer.run(false);
    assert_eq!(
        peer.output,
        b"FAIL\t1\treason=Authentication request timed out\n"
    );
    assert_eq!(peer.asked, ["forget 1"]);
    // Too late.
    peer.output.clear();
    peer.settle(peer.tickets[0], granted("a"));
    assert_eq!(peer.output, b"");
    peer.settle(peer.tickets[1], granted("b"));
    assert_eq!(peer.output, b"OK\t2\tuser=b\n");
}

#[test]
fn who_does_not_say_who_he_is_is_left() {
    let mut peer = Logins::new("PLAIN", false);
    peer.say(b"VERSION\t1\t1\n");
    peer.now += PATIENCE;
    peer.run(false);
    assert_eq!((peer.ended(), peer.closed), (Some(Ended::Silent), true));
    let mut peer = Lookups::new();
    peer.later(PATIENCE);
    assert_eq!(
        (peer.session.ended(), peer.closed),
        (Some(Ended::Silent), true)
    );
    // Who has said so may be silent for as long as he likes.
    let mut peer = Logins::greeted();
    peer.now += PATIENCE * 1000;
    peer.run(false);
    assert_eq!(peer.ended(), None);
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tPLAIN\tservice=smtp\tresp=\n");
    peer.close();
    assert!(!peer.closed);
    peer.settle(peer.tickets[0], granted("a"));
    assert_eq!(peer.output, b"OK\t1\tuser=a\n");
    assert_eq!((peer.ended(), peer.closed), (Some(Ended::Left), true));
}

#[test]
fn a_server_that_goes_down_finishes_what_runs_and_begins_nothing() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tPLAIN\tservice=smtp\tresp=\n");
    peer.session.notice(Notice::Shutdown);
    peer.run(false);
    assert!(!peer.closed);
    peer.settle(peer.tickets[0], granted("a"));
    assert_eq!(peer.output, b"OK\t1\tuser=a\n");
    assert_eq!((peer.ended(), peer.closed), (Some(Ended::Shutdown), true));
    let mut peer = Logins::greeted();
    peer.session.notice(Notice::Kicked);
    peer.run(false);
    assert_eq!((peer.ended(), peer.closed), (Some(Ended::Kicked), true));
}

#[test]
fn a_response_is_not_shown() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tPLAIN\tservice=smtp\tresp=c2VjcmV0\n");
    assert!(!format!("{:?}", peer.session).contains("c2VjcmV0"));
}

#[test]
fn what_binds_a_channel_is_not_offered_here() {
    let peer = Logins::new("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN", true);
    let said = String::from_utf8(peer.output).unwrap();
    assert!(said.contains("MECH\tSCRAM-SHA-256\t") && said.contains("MECH\tPLAIN\t"));
    assert!(!said.contains("-PLUS"), "{said}");
}

#[test]
fn a_line_may_end_in_crlf() {
    let mut peer = Logins::new("PLAIN", false);
    peer.say(b"VERSION\t1\t2\r\nCPID\t1\r\nAUTH\t1\tPLAIN\tservice=smtp\tresp=\r\n");
    assert_eq!(peer.asked, ["begin 1 PLAIN smtp \"\""]);
}

#[test]
fn who_answers_twice_is_refused_and_may_begin_anew() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tLOGIN\tservice=smtp\n");
    peer.settle(peer.tickets[0], Reply::Challenge(b"?".to_vec()));
    peer.say(b"CONT\t1\tYQ==\n");
    peer.output.clear();
    peer.asked.clear();
    peer.say(b"CONT\t1\tYg==\n");
    assert_eq!(peer.output, b"FAIL\t1\treason=Unexpected continuation\n");
    assert_eq!(peer.asked, ["forget 1"]);
    peer.say(b"AUTH\t1\tLOGIN\tservice=smtp\n");
    assert_eq!((peer.ended(), peer.tickets.len()), (None, 2));
}

#[test]
fn a_server_that_goes_down_does_not_wait_for_clients_that_were_asked() {
    let mut peer = Logins::greeted();
    peer.say(b"AUTH\t1\tLOGIN\tservice=smtp\n");
    peer.settle(peer.tickets[0], Reply::Challenge(b"?".to_vec()));
    peer.session.notice(Notice::Shutdown);
    peer.run(false);
    assert_eq!((peer.ended(), peer.closed), (Some(Ended::Shutdown), true));
}

#[test]
fn exchanges_that_are_over_take_no_memory() {
    let mut peer = Logins::greeted();
    for id in 1..=10_000 {
        peer.say(format!("AUTH\t{id}\tPLAIN\tservice=smtp\tresp=\n").as_bytes());
        let ticket = *peer.tickets.last().unwrap();
        peer.settle(ticket, granted("a"));
        peer.output.clear();
    }
    let kept = format!("{:?}", peer.session).matches("Ticket").count();
    assert!(kept <= 2 * MOST_OPEN + 1, "{kept} of 10,000");
}

#[test]
fn each_list_begins_in_front() {
    let mut peer = Lookups::new();
    peer.say(b"VERSION\t1\t0\nLIST\t1\nLIST\t2\n");
    let said = String::from_utf8(peer.output).unwrap();
    for line in ["LIST\t1\talice\n", "LIST\t2\talice\n", "DONE\t2\t\n"] {
        assert!(said.contains(line), "{said}");
    }
}
