//! Reports read by Python's `email`, as mailing lists and bounce processors do.

use crate::scene::Scene;
use mailcore::base::envelope::Return;
use mailcore::deliver::Fate;
use std::io::Write as _;
use std::process::{Command, Stdio};

const READ: &str = r#"
import sys, email, email.policy
raw = sys.stdin.buffer.read()
m = email.message_from_bytes(raw, policy=email.policy.default)
print('defects', [type(d).__name__ for p in m.walk() for d in p.defects])
print('type', m.get_content_type(), m.get_param('report-type'), m.is_multipart())
print('from', m['From'].addresses[0].addr_spec, '|', m['To'], '|', m['Auto-Submitted'])
parts = m.get_payload()
print('parts', [p.get_content_type() for p in parts], [p['Content-Description'] for p in parts])
print('text', parts[0].get_content().splitlines()[0])
old = email.message_from_bytes(raw)
for block in old.get_payload()[1].get_payload():
    for name, value in block.items():
        print(name, '=', ' '.join(str(value).split()))
last = old.get_payload()[2]
print('returned', last.get_payload()[0]['Return-Path'] if last.is_multipart() else last.get_payload().splitlines()[0])
"#;

/// What Python says of a report; none where there is no Python.
fn python(report: &[u8]) -> Option<String> {
    let child = Command::new("python3")
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let required = std::env::var("MAILCORE_FOREIGN").is_ok_and(|v| v == "required");
        assert!(!required, "the program `python3` is required and absent");
        eprintln!("skipped: the program `python3` is absent");
        return None;
    };
    child.stdin.take().unwrap().write_all(report).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    Some(String::from_utf8(out.stdout).unwrap())
}

#[tokio::test]
async fn python_reads_every_field_of_a_failure() {
    let scene = Scene::from("<a@src.test>")
        .envid("abc+2Bd")
        .to(
            "<gone@fail.test>",
            Fate::failed((1, 2), "no such place ".repeat(20)),
        )
        .expanded_from("<al@src.test>")
        .to(
            "<y@relay.test>",
            Fate::failed((3, 0), "said").said("h.test", "550 5.3.0 no".parse().unwrap()),
        )
        .orcpt("rfc822;orig+2Bz@o.test");
    let (_, read) = scene.only().await;
    let Some(said) = python(&read.octets) else {
        return;
    };
    let long = "no such place ".repeat(20);
    let expected = format!(
        "defects []
type multipart/report delivery-status True
from MAILER-DAEMON@example.test | a@src.test | auto-replied
parts ['text/plain', 'message/delivery-status', 'message/rfc822'] ['Notification', 'Delivery report', 'Undelivered Message']
text This is the mail system at host mx.example.test.
Reporting-MTA = dns; mx.example.test
Original-Envelope-Id = abc+d
X-Postfix-Queue-ID = 973D698E128
X-Postfix-Sender = rfc822; a@src.test
Arrival-Date = Fri, 20 Nov 2026 13:37:25 +0000
Final-Recipient = rfc822; gone@fail.test
Original-Recipient = rfc822;al@src.test
Action = failed
Status = 5.1.2
Diagnostic-Code = X-Postfix; {}
Final-Recipient = rfc822; y@relay.test
Original-Recipient = rfc822;orig+z@o.test
Action = failed
Status = 5.3.0
Remote-MTA = dns; h.test
Diagnostic-Code = smtp; 550 5.3.0 no
returned <a@src.test>
",
        long.trim()
    );
    assert_eq!(said, expected);
}

#[tokio::test]
async fn python_reads_headers_alone_and_utf8() {
    let headers = Scene::from("<a@src.test>")
        .to("<x@fail.test>", Fate::failed((1, 2), "no"))
        .ret(Return::Headers);
    let Some(said) = python(&headers.only().await.1.octets) else {
        return;
    };
    assert!(said.starts_with("defects []\n"), "{said}");
    assert!(said.contains("'text/rfc822-headers'"), "{said}");
    assert!(
        said.ends_with("returned Return-Path: <a@src.test>\n"),
        "{said}"
    );
    let utf8 = Scene::from("<jörg@src.test>")
        .to("<jös@fail.test>", Fate::failed((1, 2), "no"))
        .utf8();
    let said = python(&utf8.only().await.1.octets).unwrap();
    let parts = "parts ['text/plain', 'message/global-delivery-status', 'message/global']";
    assert!(said.contains(parts), "{said}");
}
