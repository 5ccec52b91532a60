//! What comes back to senders, as Python's `email` reads it.

use super::net::{
    Letter, Net, exchanger, mail, wait_for_empty_queue, wait_for_line, wait_for_mail,
};
use super::scripted::Scripted;
use crate::server::{have, python};

const LOST: Letter<'_> = Letter {
    mail: "<alice@a.test>",
    rcpt: &["<nobody@b.test>"],
    message: "Subject: lost\nMessage-ID: <1@a.test>\n\nthe body\n",
};

/// Reads a report: `m`, its parts, the fields about the message and those about each recipient.
const READ: &str = r#"
import sys, email, email.policy
m = email.message_from_string(sys.argv[1], policy=email.policy.default)
assert not m.defects, m.defects
assert m.get_content_type() == 'multipart/report', m.get_content_type()
assert m.get_param('report-type') == 'delivery-status'
assert m['Return-Path'] == '<>', m['Return-Path']
assert m['From'].addresses[0].username == 'MAILER-DAEMON', m['From']
assert m['Auto-Submitted'].startswith('auto-')
assert m['MIME-Version'] == '1.0' and m['Date'].datetime and m['Message-ID'] and m['Subject']
text, status, original = m.iter_parts()
for part in (text, status, original):
    assert not part.defects, part.defects
assert text.get_content_type() == 'text/plain', text.get_content_type()
assert status.get_content_type() == 'message/delivery-status', status.get_content_type()
message, *recipients = status.get_payload()
assert message['Reporting-MTA'] == 'dns; ' + sys.argv[2], message['Reporting-MTA']
assert message['Arrival-Date']
said = text.get_content()
"#;

fn read(report: &str, server: &str, script: &str) {
    python(&format!("{READ}{script}"), &[report, server]);
}

#[test]
fn an_unknown_recipient_is_reported_in_the_standard_form() {
    if !have(&["python3"]) {
        return;
    }
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let b = net.start("b.test", base_b, &[]);
    let a = net.start("a.test", base_a, &[]);
    let id = Letter {
        rcpt: &["<nobody@b.test>", "<alice@b.test>", "<no.one@b.test>"],
        ..LOST
    }
    .send(&a);
    let reports = wait_for_mail(&a, "alice@a.test", 1);
    wait_for_mail(&b, "alice@b.test", 1);
    wait_for_line(&a, &[&id, ": sender non-delivery notification: "]);
    wait_for_line(&a, &[&id, ": removed"]);
    read(
        &reports[0],
        "mail.a.test",
        r#"
assert m['To'].addresses[0].addr_spec == 'alice@a.test'
assert [r['Final-Recipient'] for r in recipients] == ['rfc822; nobody@b.test', 'rfc822; no.one@b.test']
for r in recipients:
    assert r['Action'] == 'failed' and r['Status'] == '5.1.1', r
    assert r['Remote-MTA'] == 'dns; mx.b.test', r
    assert r['Diagnostic-Code'].startswith('smtp; 550 5.1.1 <no'), r
    assert 'User unknown in virtual mailbox table' in r['Diagnostic-Code'], r
assert 'nobody@b.test' in said and '550 5.1.1' in said, said
assert original.get_content_type() == 'message/rfc822'
inner = original.get_content()
assert inner['Subject'] == 'lost' and inner['Message-ID'] == '<1@a.test>'
assert inner.get_content() == 'the body\n', inner.get_content()
"#,
    );
}

#[test]
fn what_the_sender_asked_for_is_in_the_report() {
    if !have(&["python3"]) {
        return;
    }
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let _b = net.start("b.test", base_b, &[]);
    let a = net.start("a.test", base_a, &[]);
    Letter {
        mail: "<alice@a.test> RET=HDRS ENVID=QQ+2B314",
        rcpt: &[
            "<nobody@b.test> NOTIFY=FAILURE ORCPT=rfc822;No+2Bbody@elsewhere.test",
            "<ghost@b.test> NOTIFY=NEVER",
        ],
        ..LOST
    }
    .send(&a);
    let reports = wait_for_mail(&a, "alice@a.test", 1);
    read(
        &reports[0],
        "mail.a.test",
        r#"
assert message['Original-Envelope-Id'] == 'QQ+314', message['Original-Envelope-Id']
[r] = recipients
assert r['Final-Recipient'] == 'rfc822; nobody@b.test', r
assert r['Original-Recipient'].replace(' ', '') == 'rfc822;No+body@elsewhere.test', r
assert 'ghost' not in said, said
assert original.get_content_type() == 'text/rfc822-headers', original.get_content_type()
assert 'Subject: lost' in original.get_content() and 'the body' not in sys.argv[1]
"#,
    );
    wait_for_empty_queue(&a);
}

#[test]
fn success_is_reported_by_whoever_delivers() {
    if !have(&["python3"]) {
        return;
    }
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let plain = Scripted::start(&[]);
    net.add(&exchanger("plain.test", plain.port));
    let _b = net.start("b.test", base_b, &[]);
    let a = net.start("a.test", base_a, &[]);
    // (where to, what is done there, who says so)
    for (n, (rcpt, action, by)) in [
        ("<bob@a.test>", "delivered", "mail.a.test"),
        ("<x@plain.test>", "relayed", "mail.a.test"),
        ("<bob@b.test>", "delivered", "mail.b.test"),
    ]
    .into_iter()
    .enumerate()
    {
        Letter {
            rcpt: &[&format!("{rcpt} NOTIFY=SUCCESS")],
            ..LOST
        }
        .send(&a);
        let reports = wait_for_mail(&a, "alice@a.test", n + 1);
        let script = format!(
            "[r] = recipients\nassert r['Action'] == '{action}' and r['Status'].startswith('2.'), r\n\
             assert r['Final-Recipient'] == 'rfc822; {}', r\n",
            rcpt.trim_matches(['<', '>'])
        );
        read(reports.last().unwrap(), by, &script);
    }
}

#[test]
fn nothing_is_reported_on_a_report() {
    let (net, [base_a, base_b]) = Net::of(["a.test", "b.test"]);
    let _b = net.start("b.test", base_b, &[]);
    let a = net.start("a.test", base_a, &[]);
    // A sender whom nobody knows: neither the message nor the report on it can be delivered.
    let id = Letter {
        mail: "<ghost@b.test>",
        ..LOST
    }
    .send(&a);
    let line = wait_for_line(&a, &[&id, ": sender non-delivery notification: "]);
    let report = line.rsplit(' ').next().unwrap();
    wait_for_line(&a, &[report, "to=<ghost@b.test>", "status=bounced"]);
    wait_for_line(&a, &[report, ": removed"]);
    wait_for_empty_queue(&a);
    assert_eq!(a.log().matches("notification: ").count(), 1);
    assert!(mail(&a.data(), "alice@a.test").is_empty());
}
