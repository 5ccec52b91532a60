//! Python's smtplib, imaplib and poplib.

use crate::server::{
    IMAP, IMAPS, LMTP, POP3, POP3S, SETTLED, SMTP, SUBMISSION, Server, have, python,
};

const SETUP: &str = r#"
import sys, ssl, smtplib, imaplib, poplib, time
cert, user, password, queue_list = sys.argv[1:5]
ports = dict(p.split('=') for p in sys.argv[5:])
tls = ssl.create_default_context(cafile=cert)
"#;

pub fn run(server: &Server, user: &str, password: &str, script: &str) -> String {
    let ports = [
        ("smtp", SMTP),
        ("submission", SUBMISSION),
        ("lmtp", LMTP),
        ("imap", IMAP),
        ("imaps", IMAPS),
        ("pop3", POP3),
        ("pop3s", POP3S),
    ]
    .map(|(name, service)| format!("{name}={}", server.port(service)));
    let certificate = server.certificate().display().to_string();
    let queue_list = server.queue_list();
    let mut arguments = vec![certificate.as_str(), user, password, &queue_list];
    arguments.extend(ports.iter().map(String::as_str));
    python(&format!("{SETUP}{SETTLED}{script}"), &arguments)
}

#[test]
fn smtplib_submits_and_imaplib_works_through_a_mailbox() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    run(
        &server,
        "alice@example.test",
        &alice,
        r#"
s = smtplib.SMTP('localhost', int(ports['submission'])); s.starttls(context=tls); s.login(user, password)
for n in range(3):
    s.sendmail(user, [user], f'From: {user}\r\nSubject: number {n}\r\nMessage-ID: <{n}@client.test>\r\n\r\nbody {n}\r\n')
    settled() # in this order
s.quit()
l = smtplib.LMTP('localhost', int(ports['lmtp'])); l.sendmail(user, [user, 'bob@example.test'], 'Subject: lmtp\r\n\r\nx\r\n'); l.quit()
m = imaplib.IMAP4('localhost', int(ports['imap'])); m.starttls(tls); m.login(user, password)
assert m.select()[1] == [b'4']
assert m.search(None, 'SUBJECT', '"number 1"')[1] == [b'2']
typ, data = m.fetch('2', '(ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
assert b'Subject: number 1' in data[0][1], data
assert b'"number 1"' in data[0][0] and b'"TEXT" "PLAIN"' in data[0][0].upper(), data
assert m.store('1', '+FLAGS', r'(\Flagged $Work)')[0] == 'OK'
assert b'$Work' in m.fetch('1', '(FLAGS)')[1][0]
assert m.create('Archive.2026')[0] == 'OK'
assert m.copy('1:2', 'Archive.2026')[0] == 'OK'
assert m.select('Archive.2026')[1] == [b'2']
assert b'$Work' in m.fetch('1', '(FLAGS)')[1][0]
assert m.append('Archive.2026', r'(\Seen)', imaplib.Time2Internaldate(86400.0 * 365), b'Subject: appended\r\n\r\nbody\r\n')[0] == 'OK'
assert m.uid('MOVE', '3', 'INBOX')[0] == 'OK'
assert m.select('INBOX')[1] == [b'5']
assert b'1971' in m.fetch('5', '(INTERNALDATE)')[1][0]
assert m.store('1:2', '+FLAGS', r'\Deleted')[0] == 'OK'
assert sorted(m.expunge()[1]) in ([b'1', b'1'], [b'1', b'2'])
assert m.status('INBOX', '(MESSAGES UIDNEXT UNSEEN)')[0] == 'OK'
names = [x.decode().split(' ')[-1] for x in m.list()[1]]
assert sorted(n.strip('"') for n in names) == ['Archive', 'Archive.2026', 'INBOX'], names
assert m.rename('Archive.2026', 'Old')[0] == 'OK' and m.delete('Old')[0] == 'OK'
assert m.logout()[0] == 'BYE'
"#,
    );
}

#[test]
fn imaplib_logs_in_by_cram_md5_and_a_wrong_password_is_refused_after_a_while() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::with_carol();
    run(
        &server,
        "carol@example.test",
        crate::server::CAROL,
        r#"
m = imaplib.IMAP4('localhost', int(ports['imap']))
assert 'AUTH=CRAM-MD5' in m.capabilities, m.capabilities
assert m.login_cram_md5(user, password)[0] == 'OK'; m.logout()
m = imaplib.IMAP4_SSL('localhost', int(ports['imaps']), ssl_context=tls)
start = time.monotonic()
try: m.login(user, 'wrong'); raise SystemExit('a wrong password was taken')
except imaplib.IMAP4.error as e: assert b'[AUTHENTICATIONFAILED] Authentication failed.' in e.args[0], e
assert 1.5 < time.monotonic() - start < 10
"#,
    );
}

#[test]
fn poplib_reads_and_deletes() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::with_carol();
    for n in 0..3 {
        server.deliver(
            "carol@example.test",
            &format!("Subject: number {n}\n\n..body {n}"),
        );
    }
    run(
        &server,
        "carol@example.test",
        crate::server::CAROL,
        r#"
p = poplib.POP3('localhost', int(ports['pop3'])); p.apop(user, password); assert p.stat()[0] == 3; p.quit()
p = poplib.POP3('localhost', int(ports['pop3'])); p.stls(tls); p.user(user); p.pass_(password)
ids = [x.split()[1] for x in p.uidl()[1]]
assert all(len(i) == 16 for i in ids) and len(set(ids)) == 3, ids
lines = p.retr(2)[1]; assert lines[-1] == b'.body 1', lines
assert p.list(2).split()[2] == str(sum(len(l) + 2 for l in lines)).encode()
assert b'Subject: number 2' in p.top(3, 0)[1]
p.dele(1); p.quit()
p = poplib.POP3_SSL('localhost', int(ports['pop3s']), context=tls); p.user(user); p.pass_(password)
assert [x.split()[1] for x in p.uidl()[1]] == ids[1:]
p.dele(1); p.rset(); p.quit()
p = poplib.POP3_SSL('localhost', int(ports['pop3s']), context=tls); p.user(user); p.pass_(password)
assert p.stat()[0] == 2; p.quit()
"#,
    );
}
