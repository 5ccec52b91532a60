//! Users whose mail is on another server, as a line of the users file has it.

use crate::server::{IMAP, POP3, SUBMISSION, Server, have, python};

#[test]
fn who_has_moved_is_told_where_to_and_let_in_nowhere() {
    let server = Server::start(&[]);
    let moved = "{PLAIN}secret::::::nologin host=b.test port=1143 reason=Moved";
    server.add_user("dora@example.test", moved);
    let proxied = "{PLAIN}secret::::::nologin proxy host=192.0.2.7";
    server.add_user("emil@example.test", proxied);

    let mut imap = server.connect(IMAP);
    assert!(imap.line().contains(" SASL-IR LOGIN-REFERRALS ID "));
    imap.send("a LOGIN dora@example.test wrong");
    imap.expect("a NO [AUTHENTICATIONFAILED] ");
    let there = "NO [REFERRAL imap://dora%40example.test;AUTH=*@b.test:1143/] Moved";
    imap.send("b LOGIN dora@example.test secret");
    assert_eq!(imap.line(), format!("b {there}"));
    imap.send("c AUTHENTICATE PLAIN AGRvcmFAZXhhbXBsZS50ZXN0AHNlY3JldA==");
    assert_eq!(imap.line(), format!("c {there}"));
    imap.send("d LOGIN emil@example.test secret");
    imap.expect("d NO [CONTACTADMIN] ");
    imap.send("e SELECT INBOX");
    imap.expect("e BAD ");

    for user in ["dora@example.test", "emil@example.test"] {
        let mut pop3 = server.connect(POP3);
        pop3.expect("+OK");
        pop3.send(&format!("USER {user}"));
        pop3.expect("+OK");
        pop3.send("PASS secret");
        assert!(!pop3.expect("-ERR ").contains("b.test"));
    }
    if have(&["python3"]) {
        let script = "\
import smtplib, ssl, sys
tls = ssl.create_default_context(cafile=sys.argv[1])
for user in sys.argv[3:]:
    smtp = smtplib.SMTP('localhost', int(sys.argv[2])); smtp.starttls(context=tls)
    try:
        smtp.login(user, 'secret')
        sys.exit(user + ' came in')
    except smtplib.SMTPAuthenticationError as refused:
        assert refused.smtp_code == 535, refused
";
        let certificate = server.certificate().display().to_string();
        let port = server.port(SUBMISSION).to_string();
        let users = ["dora@example.test", "emil@example.test"];
        python(script, &[&certificate, &port, users[0], users[1]]);
    }
}

#[test]
fn who_may_stay_is_told_of_his_own_server_when_he_is_in() {
    let server = Server::start(&[]);
    server.add_user("fred@example.test", "{PLAIN}secret::::::host=b.test");
    let mut imap = server.connect(IMAP);
    imap.expect("* OK ");
    let said = imap.command("a", "LOGIN fred@example.test secret");
    let [capabilities, last] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(capabilities.starts_with("* CAPABILITY ") && capabilities.contains(" QRESYNC "));
    assert!(last.starts_with("a OK [REFERRAL imap://fred%40example.test;AUTH=*@b.test/] "));
    imap.command("b", "SELECT INBOX");
}
