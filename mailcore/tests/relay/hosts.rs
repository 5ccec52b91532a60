//! From a next hop to servers.

use mailcore::deliver::Fate;
use mailcore::deliver::hosts::{Hosts, Myself, NextHop, Options, Targets, Unreachable};
use mailcore::dns::{Family, Zone};
use mailcore::net::connect::Place;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

const ZONE: &str = "
$ORIGIN test.
plain     MX 20 backup
          MX 10 mx
mx        A 192.0.2.1
          AAAA 2001:db8::1
backup    A 192.0.2.2
bare      A 192.0.2.7
alias     CNAME plain
cname     MX 10 mxalias
mxalias   CNAME mx
null      MX 0 .
nearnull  MX 0 .
          MX 10 backup
nowhere   MX 10 missing
          MX 20 nodata
nodata    TXT none
mixed     MX 10 broken
          MX 20 missing
broken    FAIL SERVFAIL
some      MX 10 broken
          MX 20 missing
          MX 30 backup
halfway   A 192.0.2.8
          FAIL TIMEOUT AAAA
half6     FAIL SERVFAIL AAAA
slow      FAIL TIMEOUT
numeric   MX 10 192.0.2.9.
garbage   MX 10 bad!name
; ourselves
us        A 198.51.100.1
best      MX 10 us
          MX 10 mx
          MX 20 backup
second    MX 10 mx
          MX 20 us
          MX 20 backup
          MX 30 backup
orphan    MX 10 missing
          MX 20 us
address   MX 10 twin
          MX 20 mx
twin      A 198.51.100.1
name      MX 10 nat
          MX 20 mx
nat       A 203.0.113.1
; a closed network
closed    MX 10 port
port      A 127.0.0.1
          PORT 12025
selfport  MX 10 ownport
ownport   A 127.0.0.1
          PORT 12026
";

fn options() -> Options {
    let mut options = Options::smtp("us.test");
    options.myself = Myself {
        names: vec!["us.test".parse().unwrap(), "nat.test".parse().unwrap()],
        listening: vec![
            "0.0.0.0:25".parse().unwrap(),
            "127.0.0.1:12026".parse().unwrap(),
        ],
        own: vec!["198.51.100.1".parse().unwrap()],
    };
    options
}

async fn find_by(options: Options, hop: &str, seed: u64) -> Result<Targets, Unreachable> {
    let zone: Zone = ZONE.parse().unwrap();
    let hosts = Hosts::new(Arc::new(zone), options);
    hosts.find(&NextHop::parse(hop).unwrap(), seed).await
}

fn shown(targets: &Targets) -> Vec<String> {
    targets.all().iter().map(ToString::to_string).collect()
}

/// What is found, over IPv4 alone so that equals do not change places.
async fn found(hop: &str) -> Vec<String> {
    let mut options = options();
    options.only = Some(Family::V4);
    shown(&find_by(options, hop, 0).await.unwrap())
}

async fn refused(hop: &str) -> Fate {
    find_by(options(), hop, 0).await.unwrap_err().fate()
}

#[tokio::test]
async fn every_form_of_a_next_hop_leads_to_its_servers() {
    for (hop, servers) in [
        (
            "plain.test",
            &["mx.test[192.0.2.1]:25", "backup.test[192.0.2.2]:25"][..],
        ),
        (
            "PLAIN.test:587",
            &["mx.test[192.0.2.1]:587", "backup.test[192.0.2.2]:587"],
        ),
        ("[mx.test]", &["mx.test[192.0.2.1]:25"]),
        ("[mx.test]:2525", &["mx.test[192.0.2.1]:2525"]),
        ("bare.test", &["bare.test[192.0.2.7]:25"]),
        ("[192.0.2.5]", &["192.0.2.5[192.0.2.5]:25"]),
        ("[IPv6:2001:db8::5]:24", &["2001:db8::5[2001:db8::5]:24"]),
        ("unix:private/lmtp", &["us.test[private/lmtp]"]),
        ("inet:plain.test:24", &[]),
    ] {
        if servers.is_empty() {
            // A host, not a domain: mail exchangers do not count.
            assert_eq!(refused(hop).await.status.to_string(), "5.4.4");
            continue;
        }
        assert_eq!(found(hop).await, servers, "{hop}");
    }
}

#[tokio::test]
async fn aliases_are_followed_on_both_sides_of_an_exchanger() {
    assert_eq!(found("alias.test").await.len(), 2);
    assert_eq!(found("cname.test").await, ["mxalias.test[192.0.2.1]:25"]);
    assert_eq!(found("numeric.test").await, ["192.0.2.9[192.0.2.9]:25"]);
}

#[tokio::test]
async fn hosts_that_cannot_be_found_are_passed_over() {
    assert_eq!(found("some.test").await, ["backup.test[192.0.2.2]:25"]);
    let halfway = find_by(options(), "halfway.test", 0).await.unwrap();
    assert_eq!(shown(&halfway), ["halfway.test[192.0.2.8]:25"]);
    assert_eq!(found("nearnull.test").await, ["backup.test[192.0.2.2]:25"]);
}

#[tokio::test]
async fn failures_are_told_in_the_known_words() {
    let mut told = String::new();
    for hop in [
        "absent.test",
        "nodata.test",
        "broken.test",
        "slow.test",
        "null.test",
        "nowhere.test",
        "mixed.test",
        "garbage.test",
        "[absent.test]",
        "[broken.test]",
        "half6.test",
        "best.test",
        "orphan.test",
        "us.test",
        "[198.51.100.1]",
        "selfport.test",
    ] {
        let fate = refused(hop).await;
        writeln!(told, "{hop} {} {}", fate.status, fate.text).unwrap();
    }
    let not_found = "Host or domain name not found. Name service error for name=";
    let expected = format!(
        "\
absent.test 5.4.4 {not_found}absent.test type=AAAA: Host not found
nodata.test 5.4.4 {not_found}nodata.test type=AAAA: Host found but no data record of requested type
broken.test 4.4.3 {not_found}broken.test type=MX: Host not found, try again
slow.test 4.4.3 {not_found}slow.test type=MX: Host not found, try again
null.test 5.1.10 Domain null.test does not accept mail (nullMX)
nowhere.test 5.4.4 {not_found}nodata.test type=AAAA: Host found but no data record of requested type
mixed.test 4.4.3 {not_found}broken.test type=AAAA: Host not found, try again
garbage.test 5.4.4 Name service error for name=garbage.test type=MX: Malformed or unexpected name server reply
[absent.test] 5.4.4 {not_found}absent.test type=AAAA: Host not found
[broken.test] 4.4.3 {not_found}broken.test type=AAAA: Host not found, try again
half6.test 4.4.3 {not_found}half6.test type=AAAA: Host not found, try again
best.test 5.4.6 mail for best.test loops back to myself
orphan.test 4.4.4 unable to find primary relay for orphan.test
us.test 5.4.6 mail for us.test loops back to myself
[198.51.100.1] 5.4.6 mail for 198.51.100.1 loops back to myself
selfport.test 5.4.6 mail for selfport.test loops back to myself
"
    );
    assert_eq!(told, expected);
}

#[tokio::test]
async fn ourselves_and_what_is_no_better_is_left_out() {
    assert_eq!(found("second.test").await, ["mx.test[192.0.2.1]:25"]);
    // By address under whatever name, by name at whatever address.
    for hop in ["address.test", "name.test", "nat.test"] {
        assert_eq!(refused(hop).await.status.to_string(), "5.4.6", "{hop}");
    }
}

#[tokio::test]
async fn a_port_that_is_named_leads_even_to_ourselves() {
    assert_eq!(found("[198.51.100.1]:10025").await.len(), 1);
    assert_eq!(found("[us.test]:25").await, ["us.test[198.51.100.1]:25"]);
}

#[tokio::test]
async fn a_zones_port_stands_for_smtps_alone() {
    assert_eq!(found("closed.test").await, ["port.test[127.0.0.1]:12025"]);
    assert_eq!(found("closed.test:25").await, ["port.test[127.0.0.1]:25"]);
}

#[tokio::test]
async fn lmtp_knows_hosts_only() {
    let mut options = Options::lmtp("us.test");
    options.only = Some(Family::V4);
    let targets = find_by(options, "bare.test", 0).await.unwrap();
    assert_eq!(shown(&targets), ["bare.test[192.0.2.7]:24"]);
    let none = find_by(Options::lmtp("us.test"), "plain.test", 0).await;
    assert!(none.unwrap_err().is_permanent());
}

#[tokio::test]
async fn the_families_take_turns_by_the_seed() {
    let mut firsts = HashSet::new();
    for seed in 0..32 {
        let targets = find_by(options(), "plain.test", seed).await.unwrap();
        assert_eq!(shown(&targets).len(), 3);
        assert_eq!(shown(&targets)[2], "backup.test[192.0.2.2]:25");
        firsts.insert(shown(&targets)[0].clone());
    }
    assert_eq!(firsts.len(), 2);
}

#[tokio::test]
async fn a_domain_of_very_many_hosts_costs_no_more_than_the_limit() {
    let mut zone = String::from("$ORIGIN big.test.\n");
    for n in 0..200 {
        writeln!(zone, "@ MX {n} h{n}\nh{n} A 192.0.2.{n}").unwrap();
    }
    let hosts = Hosts::new(
        Arc::new(zone.parse::<Zone>().unwrap()),
        Options::smtp("us.test"),
    );
    let hop = NextHop::parse("big.test").unwrap();
    let targets = hosts.find(&hop, 7).await.unwrap();
    assert_eq!(targets.all().len(), 5);
    let first = &targets.all()[0].place;
    assert_eq!(*first, Place::Tcp("192.0.2.0:25".parse().unwrap()));
}

#[tokio::test]
async fn a_round_ends_after_as_many_sessions_as_are_allowed() {
    let mut options = options();
    options.sessions = 1;
    let targets = find_by(options, "plain.test", 0).await.unwrap();
    let mut round = targets.round();
    assert!(round.next().is_some());
    assert!(
        round.next().is_some(),
        "one that did not greet was no session"
    );
    round.greeted();
    assert!(round.next().is_none());
    assert_eq!(targets.round().count(), 3);
}
