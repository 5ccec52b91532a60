//! Guessing is slow for the guesser alone, says nothing of who exists, and no secret is ever written down.

use crate::peer::{Peer, inbox, log, signal};
use crate::server::{CAROL, IMAP, POP3, Server, have, python};

#[test]
fn a_good_login_does_not_wait_for_the_bad_ones() {
    let server = Server::start(&[]);
    let mut bad: Vec<Peer> = (0..45).map(|_| Peer::greeted(&server, IMAP)).collect();
    let mut said = 0;
    for round in 0..23 {
        for (n, peer) in bad.iter_mut().enumerate() {
            // A thousand and more of them, unknown names and wrong passwords, sent ahead of any answer.
            let name = if n % 2 == 0 {
                "alice@example.test".to_owned()
            } else {
                format!("nobody{n}@example.test")
            };
            peer.send(&format!("b{round} LOGIN {name} wrong-{n}"));
            said += 1;
        }
    }
    assert!(said > 1000);
    // While they wait for their answers, the good one has its own.
    drop(inbox(&server, "alice@example.test"));
    let unanswered = bad
        .iter_mut()
        .filter_map(|p| (!p.has_news()).then_some(()))
        .count();
    assert!(
        unanswered > 0,
        "the good login came after all of the bad ones"
    );
}

#[test]
fn an_exchange_says_the_same_of_strangers_as_of_friends_also_after_a_restart() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    // The server's own data folder serves a second process on other ports, once the first is gone.
    let script = r#"
import socket, base64, sys, re
port = int(sys.argv[1])
def first(name):
    k = socket.create_connection(('127.0.0.1', port), 20); f = k.makefile('rwb'); f.readline()
    m = 'n,,n=%s,r=abcdefghijklmnop' % name
    f.write(b'a AUTHENTICATE SCRAM-SHA-256 ' + base64.b64encode(m.encode()) + b'\r\n'); f.flush()
    line = f.readline()
    assert line.startswith(b'+ '), (name, line)
    said = dict(p.split('=', 1) for p in base64.b64decode(line[2:]).decode().split(','))
    k.close()
    return said['s'], said['i'], len(base64.b64decode(said['s']))
seen = {}
for name in ['alice@example.test', 'ALICE@Example.Test', 'alice', 'nobody@example.test', 'NOBODY@example.test', 'nobody',
             'nobody@elsewhere.test', 'über@example.test', 'Über@example.test', 'ÜBER@example.test', 'bob@example.test']:
    one, two = first(name), first(name)
    assert one == two, name
    seen[name] = one
assert len({v[1:] for v in seen.values()}) == 1, seen
assert seen['alice@example.test'] == seen['ALICE@Example.Test'] == seen['alice'], seen
assert seen['nobody@example.test'] == seen['NOBODY@example.test'] == seen['nobody'], seen
assert seen['alice'] != seen['bob@example.test'] != seen['nobody'], seen
print(sorted(seen.items()))
"#;
    let before = python(script, &[&server.port(IMAP).to_string()]);
    signal(&server, "-TERM");
    let (folder, port) = (server.scratch().to_owned(), server.port(0));
    crate::peer::eventually("the first is gone", || {
        std::net::TcpStream::connect(("127.0.0.1", server.port(IMAP))).is_err()
    });
    let mut again = std::process::Command::new(env!("CARGO_BIN_EXE_mailserver"))
        .current_dir(&folder)
        .args(["--data", "data", "--base-port", &port.to_string()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    crate::peer::eventually("it is back", || {
        std::net::TcpStream::connect(("127.0.0.1", server.port(IMAP))).is_ok()
    });
    let after =
        std::panic::catch_unwind(|| python(script, &[&port.saturating_add(IMAP).to_string()]));
    again.kill().unwrap();
    again.wait().unwrap();
    assert_eq!(before, after.unwrap(), "a restart tells who exists");
}

#[test]
fn a_name_that_differs_in_case_beyond_ascii_is_somebody_else_for_login_and_mail_alike() {
    let server = Server::start(&[]);
    server.add_user("jörg@example.test", "{PLAIN}secret");
    let mut smtp = Peer::hello(&server, crate::server::SMTP);
    smtp.ask("MAIL FROM:<a@client.test> SMTPUTF8");
    assert!(smtp.ask("RCPT TO:<jörg@example.test>").starts_with("250 "));
    assert!(smtp.ask("RCPT TO:<JöRG@example.test>").starts_with("250 "));
    let upper = smtp.ask("RCPT TO:<JÖRG@example.test>");
    let mut imap = Peer::greeted(&server, IMAP);
    let login = imap.tagged("a", "LOGIN {18+}\r\nJÖRG@example.test {6+}\r\nsecret");
    let may = login.last().unwrap().starts_with("a OK");
    assert_eq!(upper.starts_with("250 "), may, "{upper} {login:?}");
}

#[test]
fn no_secret_is_written_to_the_log() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::with_carol();
    let alice = server.password("alice@example.test");
    let bad = "wrong-hunter2-password";
    let mut imap = Peer::greeted(&server, IMAP);
    imap.tagged("a", &format!("LOGIN alice@example.test {bad}"));
    imap.tagged("a", &format!("LOGIN carol@example.test {CAROL}"));
    // The password where the name belongs is a thing that people do.
    let mut pop = Peer::greeted(&server, POP3);
    pop.ask("USER carol@example.test");
    pop.ask(&format!("PASS {bad}"));
    let script = r#"
import smtplib, imaplib, poplib, ssl, sys, base64
smtp, imap, pop, name, good, bad = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6]
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
for password in (bad, good):
    for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
        s = smtplib.SMTP('127.0.0.1', smtp); s.starttls(context=c); s.ehlo(); s.user, s.password = name, password
        try: s.auth(mechanism, getattr(s, 'auth_' + mechanism.lower().replace('-', '_')))
        except smtplib.SMTPException: pass
        s.close()
    i = imaplib.IMAP4('127.0.0.1', imap)
    try: i.authenticate('PLAIN', lambda _: b'\0' + name.encode() + b'\0' + password.encode())
    except imaplib.IMAP4.error: pass
    p = poplib.POP3('127.0.0.1', pop)
    try: p.apop(name, password)
    except poplib.error_proto: pass
    p.close()
"#;
    let ports = [crate::server::SUBMISSION, IMAP, POP3].map(|s| server.port(s).to_string());
    python(
        script,
        &[
            &ports[0],
            &ports[1],
            &ports[2],
            "carol@example.test",
            CAROL,
            bad,
        ],
    );
    drop(inbox(&server, "alice@example.test"));
    let log = log(&server);
    assert!(log.contains("carol@example.test"), "{log}");
    let encode = |text: &str| {
        python(
            "import base64,sys; print(base64.b64encode(sys.argv[1].encode('latin1').decode('unicode_escape').encode()).decode().rstrip('=')[:-1])",
            &[text],
        )
    };
    for secret in [alice.as_str(), CAROL, bad] {
        assert!(!log.contains(secret), "{log}");
        let text = encode(secret);
        assert!(!log.contains(text.trim()), "{log}");
        let text = encode(&format!("\\0carol@example.test\\0{secret}"));
        assert!(text.len() > 20 && !log.contains(text.trim()), "{log}");
    }
    assert!(!log.contains("{PLAIN}") && !log.contains("{SCRAM"), "{log}");
}
