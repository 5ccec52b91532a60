//! Nothing that was said in the clear counts behind TLS, and no service's TLS is another's.

use crate::server::{
    IMAP, IMAPS, LMTP, POP3, POP3S, SMTP, SMTPS, SUBMISSION, Server, have, python,
};

const COMMON: &str = r#"
import socket, ssl, sys
port = {int(k): int(v) for k, v in (a.split('=') for a in sys.argv[1].split(','))}
password = sys.argv[2]
def context(alpn=None, version=None):
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    if alpn: c.set_alpn_protocols(alpn)
    if version: c.maximum_version = version
    return c
def plain(service):
    k = socket.create_connection(('127.0.0.1', port[service]), 20); k.settimeout(20); return k
def line(k):
    out = b''
    while not out.endswith(b'\n'):
        b = k.recv(1)
        if not b: break
        out += b
    return out
def reply(k):
    while True:
        l = line(k)
        if l[3:4] != b'-': return l
"#;

fn run(server: &Server, script: &str) -> String {
    let services = [SMTP, LMTP, SUBMISSION, SMTPS, IMAP, IMAPS, POP3, POP3S];
    let ports: Vec<String> = services
        .iter()
        .map(|s| format!("{s}={}", server.port(*s)))
        .collect();
    let password = server.password("alice@example.test");
    python(&format!("{COMMON}{script}"), &[&ports.join(","), &password])
}

#[test]
fn what_is_sent_behind_starttls_is_never_heard_in_any_protocol() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    run(
        &server,
        r#"
for service, hello, starttls, injected, probe in [
    (25, b'EHLO x\r\n', b'STARTTLS\r\n', b'MAIL FROM:<evil@x.test>\r\n', b'NOOP\r\n'),
    (587, b'EHLO x\r\n', b'STARTTLS\r\n', b'EHLO evil\r\n', b'NOOP\r\n'),
    (24, b'LHLO x\r\n', b'STARTTLS\r\n', b'MAIL FROM:<evil@x.test>\r\n', b'NOOP\r\n'),
    (143, None, b'a STARTTLS\r\n', b'b CAPABILITY\r\n', b'c NOOP\r\n'),
    (110, None, b'STLS\r\n', b'CAPA\r\n', b'NOOP\r\n'),
]:
    # In one segment, and in a second one right behind; cut everywhere.
    for cut in range(0, len(injected), 3):
        k = plain(service); line(k)
        if hello: k.sendall(hello); reply(k)
        k.sendall(starttls + injected[:cut])
        answer = reply(k)
        assert answer.split()[0] in (b'220', b'a', b'+OK') and b'OK' in answer or answer.startswith(b'220'), (service, answer)
        try:
            t = context().wrap_socket(k)
        except (ssl.SSLError, OSError):
            continue
        t.sendall(probe)
        first = line(t)
        want = {25: (b'250 2.0.0',), 587: (b'250 2.0.0',), 24: (b'250 2.0.0',), 143: (b'c OK',), 110: (b'-ERR', b'+OK')}[service]
        assert first.startswith(want), (service, cut, first)
        if service == 110: t.sendall(b'QUIT\r\n'); assert line(t).startswith(b'+OK'), service
        t.close()
print('heard nothing')
"#,
    );
}

#[test]
fn what_was_said_before_tls_is_forgotten() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    run(
        &server,
        r#"
# A transaction.
for service in (25, 24):
    k = plain(service); line(k)
    k.sendall(b'LHLO x\r\n' if service == 24 else b'EHLO x\r\n'); reply(k)
    k.sendall(b'MAIL FROM:<evil@x.test>\r\n'); assert reply(k).startswith(b'250')
    k.sendall(b'RCPT TO:<alice@example.test>\r\n'); assert reply(k).startswith(b'250')
    k.sendall(b'STARTTLS\r\n'); assert reply(k).startswith(b'220')
    t = context().wrap_socket(k)
    t.sendall(b'DATA\r\n'); got = reply(t); assert got.startswith(b'503'), got
    t.sendall(b'STARTTLS\r\n'); got = reply(t); assert got[:1] == b'5', got
# A user name.
k = plain(110); line(k); k.sendall(b'USER alice@example.test\r\n'); line(k); k.sendall(b'STLS\r\n'); assert line(k).startswith(b'+OK')
t = context().wrap_socket(k); t.sendall(b'PASS ' + password.encode() + b'\r\n'); got = line(t); assert got.startswith(b'-ERR'), got
# A name in the middle of an exchange.
k = plain(143); line(k); k.sendall(b'a AUTHENTICATE LOGIN\r\n'); assert line(k).startswith(b'+'); k.sendall(b'*\r\n'); line(k)
k.sendall(b'b STARTTLS\r\n'); assert line(k).startswith(b'b OK')
t = context().wrap_socket(k); t.sendall(b'c NOOP\r\n'); assert line(t).startswith(b'c OK')
t.sendall(b'd STARTTLS\r\n'); got = line(t); assert got.startswith(b'd BAD'), got
# Submission takes nothing before TLS, and AUTH nowhere.
k = plain(587); line(k)
for command in (b'MAIL FROM:<a@x.test>', b'AUTH PLAIN AGEAYg==', b'RCPT TO:<alice@example.test>', b'DATA', b'VRFY alice', b'ETRN x', b'BDAT 0 LAST'):
    k.sendall(b'EHLO x\r\n'); reply(k); k.sendall(command + b'\r\n'); got = reply(k); assert got.startswith(b'530'), (command, got)
k = plain(25); line(k); k.sendall(b'EHLO x\r\n'); reply(k); k.sendall(b'AUTH PLAIN AGEAYg==\r\n'); got = reply(k); assert got[:1] == b'5', got
# And behind TLS, a stranger learns nothing there of who exists.
k = plain(587); line(k); k.sendall(b'EHLO x\r\n'); reply(k); k.sendall(b'STARTTLS\r\n'); reply(k)
t = context().wrap_socket(k); t.sendall(b'EHLO x\r\n'); reply(t)
told = []
for name in (b'alice', b'nobody'):
    t.sendall(b'VRFY ' + name + b'\r\n'); told.append(reply(t).replace(name, b'x'))
assert told[0] == told[1], told
# A handshake that fails ends the connection: nothing goes on in the clear.
for service, words in ((25, b'EHLO x\r\n|STARTTLS\r\n'), (143, b'a STARTTLS\r\n'), (110, b'STLS\r\n')):
    k = plain(service); line(k)
    for word in words.split(b'|'): k.sendall(word); reply(k)
    k.sendall(b'NOOP\r\nQUIT\r\na NOOP\r\n' * 10)
    rest = b''
    try:
        while True:
            b = k.recv(4096)
            if not b: break
            rest += b
    except OSError: pass
    assert b'250' not in rest and b'OK' not in rest, (service, rest)
"#,
    );
}

#[test]
fn a_ticket_of_one_service_is_worthless_on_another() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    run(
        &server,
        r#"
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    c = context(version=version)
    def visit(service, session=None):
        t = c.wrap_socket(plain(service), session=session)
        line(t); reused = t.session_reused; kept = t.session
        t.close()
        return reused, kept
    for home in (993, 995, 465):
        _, ticket = visit(home)
        again, _ = visit(home, ticket)
        assert again, ('no ticket is honoured at all', version, home)
        for other in {993, 995, 465} - {home}:
            _, ticket = visit(home)
            reused, _ = visit(other, ticket)
            assert not reused, (version, home, other)
"#,
    );
}

#[test]
fn a_client_that_wants_another_protocol_is_refused() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    run(
        &server,
        r#"
for service, own in ((993, 'imap'), (995, 'pop3'), (465, 'smtp')):
    t = context([own]).wrap_socket(plain(service)); assert t.selected_alpn_protocol() == own
    line(t)
    for others in (['http/1.1'], ['h2', 'http/1.1'], ['ftp'], [{'imap': 'pop3', 'pop3': 'smtp', 'smtp': 'imap'}[own]]):
        try:
            t = context(others).wrap_socket(plain(service))
            got = t.recv(100)
        except (ssl.SSLError, OSError):
            continue
        assert got == b'', (service, others, got)
"#,
    );
}
