//! Foreign servers as the next hop, and as those that send to us: Postfix's `smtp-sink` with its faults, and Postfix.

use super::net::{Letter, Net, exchanger, mail, wait_for, wait_for_line, wait_for_mail};
use super::postfix::Postfix;
use crate::server::{SMTP, free_base, have};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A running `smtp-sink`.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start(arguments: &[&str]) -> Self {
        // The port may be taken by somebody else before it is taken again.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut command = Command::new("smtp-sink");
            if rustix::process::geteuid().is_root() {
                command.args(["-u", "nobody"]);
            }
            let mut child = command
                .args(arguments)
                .args([&format!("127.0.0.1:{port}"), "100"])
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // It does not bear a connection that is closed at once: so none is tried.
            let listens = format!(" 0100007F:{port:04X} 00000000:0000 0A ");
            let stands = wait_for("smtp-sink", || {
                let ended = child.try_wait().unwrap().is_some();
                let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
                (ended || sockets.contains(&listens)).then_some(!ended)
            });
            if stands {
                return Self { child, port };
            }
        }
        panic!("smtp-sink does not start");
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What smtp-sink is told to do, at which command, and what becomes of the recipient then.
const FAULTS: &[(&str, &str, &str)] = &[
    // Refused for good. A greeting of 5xx is no word about the mail (smtp_skip_5xx_greeting); without EHLO there is HELO.
    ("-f", "CONNECT", "deferred"),
    ("-f", "EHLO", "sent"),
    ("-f", "EHLO,HELO", "bounced"),
    ("-f", "MAIL", "bounced"),
    ("-f", "RCPT", "bounced"),
    ("-f", "DATA", "bounced"),
    ("-f", ".", "bounced"),
    ("-f", "QUIT", "sent"),
    // Refused for now.
    ("-r", "CONNECT", "deferred"),
    ("-r", "EHLO,HELO", "deferred"),
    ("-r", "MAIL", "deferred"),
    ("-r", "RCPT", "deferred"),
    ("-r", "DATA", "deferred"),
    ("-r", ".", "deferred"),
    ("-r", "QUIT", "sent"),
    // The connection is lost.
    ("-q", "CONNECT", "deferred"),
    ("-q", "EHLO", "deferred"),
    ("-q", "MAIL", "deferred"),
    ("-q", "RCPT", "deferred"),
    ("-q", "DATA", "deferred"),
    ("-q", ".", "deferred"),
    ("-q", "QUIT", "sent"),
    // The same with a word of goodbye.
    ("-Q", "CONNECT", "deferred"),
    ("-Q", "EHLO", "deferred"),
    ("-Q", "MAIL", "deferred"),
    ("-Q", "RCPT", "deferred"),
    ("-Q", "DATA", "deferred"),
    ("-Q", ".", "deferred"),
    ("-Q", "QUIT", "sent"),
];

#[test]
fn each_fault_of_smtp_sink_leads_to_the_right_outcome() {
    if !have(&["smtp-sink"]) {
        return;
    }
    let mut sinks = Vec::new();
    let net = Net::new("");
    for (n, (option, command, _)) in FAULTS.iter().enumerate() {
        // Whoever refuses does not offer PIPELINING either.
        for (how, further) in [("pipelined", None), ("plain", Some("-p"))] {
            let mut arguments = vec![*option, *command];
            arguments.extend(further);
            let sink = Sink::start(&arguments);
            net.add(&exchanger(&format!("{how}{n}.test"), sink.port));
            sinks.push(sink);
        }
    }
    let a = net.start("a.test", free_base(), &[]);
    let mut wrong = Vec::new();
    for how in ["pipelined", "plain"] {
        for (n, (option, command, outcome)) in FAULTS.iter().enumerate() {
            let domain = format!("{how}{n}.test");
            let rcpt = ["x", "y"].map(|who| format!("<{who}@{domain}>"));
            let id = Letter {
                mail: "<alice@a.test>",
                rcpt: &[&rcpt[0], &rcpt[1]],
                message: "Subject: faults\n\nbody\n",
            }
            .send(&a);
            for to in &rcpt {
                let line = wait_for_line(&a, &[&id, &format!("to={to}"), "status="]);
                let right = line.contains(&format!("status={outcome} ("));
                if !right || line.contains(" connect to ") {
                    wrong.push(format!("{option} {command}, {how}: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_smtp_sink_gets_is_the_message() {
    if !have(&["smtp-sink"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(folder.path(), all).unwrap();
    let template = folder.path().join("got.").display().to_string();
    let sink = Sink::start(&["-D", &template]);
    let net = Net::new(&exchanger("c.test", sink.port));
    let a = net.start("a.test", free_base(), &[]);
    let id = Letter {
        mail: "<alice@a.test>",
        rcpt: &["<x@c.test>"],
        message: "Subject: kept\n\n..\n...three\n\nend\n",
    }
    .send(&a);
    wait_for_line(&a, &[&id, "status=sent"]);
    let texts = wait_for("the dump", || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let texts = entries.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap());
        let texts: Vec<_> = texts.filter(|it| it.contains("end\n")).collect();
        (!texts.is_empty()).then_some(texts)
    });
    assert_eq!(texts.len(), 1);
    assert!(
        texts[0].contains("X-Mail-Args: <alice@a.test>\n"),
        "{}",
        texts[0]
    );
    assert!(
        texts[0].contains("X-Rcpt-Args: <x@c.test>\n"),
        "{}",
        texts[0]
    );
    let body = texts[0].split_once("\n\n").unwrap().1;
    assert_eq!(body.trim_end(), ".\n..three\n\nend");
}

#[test]
fn postfix_gets_mail_from_us_and_sends_mail_to_us() {
    if !have(&["postfix"]) {
        return;
    }
    let base = free_base();
    let Some(postfix) = Postfix::start("p.test", base + SMTP) else {
        return;
    };
    let net = Net::new(&exchanger("p.test", postfix.port));
    let a = net.start("a.test", base, &[]);
    let id = Letter {
        mail: "<alice@a.test> RET=HDRS ENVID=here",
        rcpt: &["<user@p.test>", "<nobody@p.test>"],
        message: "Subject: to Postfix\n\n..dot\n",
    }
    .send(&a);
    wait_for_line(
        &a,
        &[
            &id,
            "to=<user@p.test>",
            "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ",
        ],
    );
    wait_for_line(
        &a,
        &[
            &id,
            "to=<nobody@p.test>",
            "dsn=5.1.1, status=bounced (host mx.p.test[127.0.0.1] said: 550 5.1.1 <nobody@p.test>",
        ],
    );
    let got = wait_for("mail at Postfix", || postfix.mail("user").pop());
    assert!(
        got.contains("\nSubject: to Postfix\n") && got.ends_with("\n\n.dot\n"),
        "{got}"
    );
    assert!(mail(&a.data(), "bob@a.test").is_empty());

    // Postfix hands all that is for others to us; whom we do not know, it reports.
    postfix.send(
        "<user@p.test>",
        &["<bob@a.test>", "<nobody@a.test>"],
        "Subject: from Postfix\n\n..dot\n",
    );
    let got = wait_for_mail(&a, "bob@a.test", 1);
    assert!(
        got[0].contains("\nSubject: from Postfix\n") && got[0].ends_with("\n\n.dot\n"),
        "{}",
        got[0]
    );
    let report = wait_for("a report by Postfix", || {
        postfix
            .mail("user")
            .into_iter()
            .find(|it| it.contains("Final-Recipient: rfc822; nobody@a.test"))
    });
    assert!(report.contains("Status: 5.1.1"), "{report}");
    assert!(report.contains("Action: failed"), "{report}");
    wait_for_line(&a, &["TLS connection established from ", "TLSv1.3"]);
}
