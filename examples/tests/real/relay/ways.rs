//! Where mail goes: aliases that leave the machine, a smarthost, and the ways that lead nowhere.

use super::net::{Letter, Net, queue, wait_for_empty_queue, wait_for_line, wait_for_mail};
use crate::server::{SMTP, free_base, run};
use std::process::Command;

const FROM_ALICE: Letter<'_> = Letter {
    mail: "<alice@a.test>",
    rcpt: &[],
    message: "Subject: on its way\nMessage-ID: <1@a.test>\n\nbody\n",
};

#[test]
fn an_alias_leads_to_another_server() {
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let b = net.start("b.test", base_b, &[]);
    let folder = tempfile::tempdir().unwrap();
    let aliases = folder.path().join("aliases");
    std::fs::write(&aliases, "away: bob@b.test, bob\n").unwrap();
    let a = net.start("a.test", base_a, &["--aliases", aliases.to_str().unwrap()]);
    let id = Letter {
        rcpt: &["<away@a.test>"],
        ..FROM_ALICE
    }
    .send(&a);
    wait_for_mail(&b, "bob@b.test", 1);
    wait_for_mail(&a, "bob@a.test", 1);
    for target in ["bob@b.test", "bob@a.test"] {
        let to = format!("to=<{target}>, orig_to=<away@a.test>, ");
        wait_for_line(&a, &[&id, &to, "status=sent"]);
    }
}

#[test]
fn a_smarthost_gets_all_that_is_for_others_and_nothing_else() {
    let (net, [base_a, base_b, base_c]) = Net::of(["a.test", "b.test", "c.test"]);
    let closed = Net::new("");
    let c = net.start("c.test", base_c, &[]);
    let b = net.start("b.test", base_b, &[]);
    let host = format!("127.0.0.1:{}", base_b + SMTP);
    let a = closed.start("a.test", base_a, &["--relay-all-to", &host]);
    let id = Letter {
        rcpt: &["<alice@c.test>", "<bob@a.test>"],
        ..FROM_ALICE
    }
    .send(&a);
    wait_for_mail(&c, "alice@c.test", 1);
    wait_for_mail(&a, "bob@a.test", 1);
    let relay = format!("relay=127.0.0.1[127.0.0.1]:{}, ", base_b + SMTP);
    wait_for_line(
        &a,
        &[
            "postfix/smtp[",
            &id,
            "to=<alice@c.test>",
            &relay,
            "status=sent",
        ],
    );
    wait_for_line(
        &a,
        &["postfix/virtual[", &id, "to=<bob@a.test>", "status=sent"],
    );
    wait_for_line(
        &b,
        &[
            "to=<alice@c.test>",
            "relay=mx.c.test[127.0.0.1]",
            "status=sent",
        ],
    );
}

#[test]
fn mail_that_runs_in_circles_is_stopped_and_returned() {
    let closed = Net::new("");
    let (base_a, base_b) = (free_base(), free_base());
    let to = |base: u16| format!("127.0.0.1:{}", base + SMTP);
    let a = closed.start("a.test", base_a, &["--relay-all-to", &to(base_b)]);
    let b = closed.start("b.test", base_b, &["--relay-all-to", &to(base_a)]);
    Letter {
        rcpt: &["<x@c.test>"],
        ..FROM_ALICE
    }
    .send(&a);
    let reports = wait_for_mail(&a, "alice@a.test", 1);
    assert!(reports[0].contains("too many hops"), "{}", reports[0]);
    wait_for_empty_queue(&a);
    wait_for_empty_queue(&b);
    let rounds = a.log().matches("to=<x@c.test>").count();
    assert!((20..=50).contains(&rounds), "{rounds}");
}

#[test]
fn ways_that_lead_nowhere_say_so() {
    let net = Net::new(
        "null.test. MX 0 .\n\
         ours.test. MX 10 mail.a.test.\nmail.a.test. A 127.0.0.1\n\
         here.test. MX 10 mx.here.test.\nmx.here.test. A 127.0.0.1\n\
         half.test. MX 10 mx.half.test.\n\
         slow.test. FAIL TIMEOUT\n",
    );
    let base = free_base();
    net.add(&format!("mx.here.test. PORT {}\n", base + SMTP));
    let a = net.start("a.test", base, &[]);
    let id = Letter {
        rcpt: &[
            "<x@null.test>",
            "<x@ours.test>",
            "<x@here.test>",
            "<x@half.test>",
            "<x@nowhere.test>",
            "<x@slow.test>",
        ],
        ..FROM_ALICE
    }
    .send(&a);
    for (domain, dsn, status, why) in [
        (
            "null",
            "5.1.10",
            "bounced",
            "Domain null.test does not accept mail (nullMX)",
        ),
        (
            "ours",
            "5.4.6",
            "bounced",
            "mail for ours.test loops back to myself",
        ),
        (
            "here",
            "5.4.6",
            "bounced",
            "mail for here.test loops back to myself",
        ),
        (
            "half",
            "5.4.4",
            "bounced",
            "Host or domain name not found. Name service error for name=mx.half.test type=AAAA: Host not found",
        ),
        (
            "nowhere",
            "5.4.4",
            "bounced",
            "Host or domain name not found. Name service error for name=nowhere.test type=AAAA: Host not found",
        ),
        (
            "slow",
            "4.4.3",
            "deferred",
            "Host or domain name not found. Name service error for name=slow.test type=MX: Host not found, try again",
        ),
    ] {
        wait_for_line(
            &a,
            &[
                &id,
                &format!("to=<x@{domain}.test>, relay=none, "),
                &format!("dsn={dsn}, status={status} ({why})"),
            ],
        );
    }
    // The five come back at once, in one report; the sixth waits.
    let reports = wait_for_mail(&a, "alice@a.test", 1);
    assert_eq!(
        reports[0].matches("\nFinal-Recipient: ").count(),
        5,
        "{}",
        reports[0]
    );
    let (list, _) = queue(&a, &["list"]);
    assert!(
        list.contains("x@slow.test") && !list.contains("x@null.test"),
        "{list}"
    );
}

/// What a server says that cannot start with these arguments.
fn refusal(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailserver"));
    command.current_dir(folder.path());
    let base = free_base().to_string();
    command.args(["--data", "data", "--base-port", &base]);
    let out = run(command.args(arguments));
    assert_eq!(out.status.code(), Some(1));
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_bad_zone_or_smarthost_is_refused_at_the_start() {
    let net = Net::new("a.test. MX 10 mx.a.test.\n; fine so far\nmx.a.test. AA 127.0.0.1\n");
    let zone = net.zone().display().to_string();
    let said = refusal(&["--zone", &zone]);
    let words = format!("--zone: {zone}:3: unknown record type: AA (is A meant?)");
    assert!(said.contains(&words), "{said}");
    let said = refusal(&["--zone", "/nowhere/zone"]);
    assert!(
        said.contains("--zone: /nowhere/zone: No such file"),
        "{said}"
    );
    let said = refusal(&["--relay-all-to", "[mx.a.test"]);
    assert!(
        said.contains("--relay-all-to [mx.a.test: missing \"]\""),
        "{said}"
    );
}
