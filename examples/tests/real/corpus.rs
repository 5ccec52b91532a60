//! Every message of the corpus goes in by SMTP, LMTP and APPEND and comes back the same: APPEND's whole, a delivery's
//! behind the trace fields, line ends made CRLF on both sides.

use crate::server::{IMAP, LMTP, SETTLED, SMTP, Server, have, own_address, python};

#[test]
fn every_message_of_the_corpus_comes_back_the_same() {
    if !have(&["python3"]) {
        return;
    }
    let Some(folder) = std::env::var_os("MAILCORE_CORPUS") else {
        eprintln!("skipped: MAILCORE_CORPUS names no folder of messages");
        return;
    };
    // What comes from this host has its header completed.
    let Some(stranger) = own_address() else {
        return;
    };
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    let ports = [SMTP, LMTP, IMAP].map(|service| server.port(service).to_string());
    let script = r#"
import sys, re, pathlib, smtplib, imaplib
folder, password, queue_list, stranger, smtp, lmtp, imap = sys.argv[1:]
user = 'alice@example.test'
texts = [re.sub(rb'\r?\n', b'\r\n', p.read_bytes()) for p in sorted(pathlib.Path(folder).rglob('*.eml'))]
assert len(texts) > 100, len(texts)
# SMTP ends a message with a line end; what has none gets one. A stray CR becomes a space, as in Postfix.
ended = [t if t.endswith(b'\r\n') else t + b'\r\n' for t in texts]
ended = [re.sub(rb'\r(?!\n)', b' ', t) for t in ended]

# What the queue does, as Postfix: fields that are for whoever hands a message in or delivers it last are dropped, and a
# header that ends with no empty line gets one.
DROPPED = rb'(?mi)^(?:bcc|content-length|resent-bcc|return-path)[ \t]*:.*\n(?:[ \t].*\n)*'
def queued(text):
    head = re.match(rb'(?:[!-9;-~]+[ \t]*:.*\n(?:[ \t].*\n)*)*', text)[0]
    body = text[len(head):]
    return re.sub(DROPPED, b'', head) + (body if body[:2] in (b'', b'\r\n') else b'\r\n' + body)

# IMAP has no octet for NUL (RFC 3501: CHAR8); as Dovecot, it tells 0x80.
def told(text):
    return text.replace(b'\0', b'\x80')

# The queue keeps no order; the sender tells which is which.
def put(peer, n, text):
    assert peer.docmd('MAIL FROM:<s%d@client.test>' % n, 'BODY=8BITMIME')[0] == 250
    assert peer.docmd('RCPT TO:<%s>' % user)[0] == 250
    assert peer.docmd('DATA')[0] == 354
    peer.send(re.sub(rb'(?m)^\.', b'..', text) + b'.\r\n')
    code, words = peer.getreply()
    assert code == 250, (code, words)

m = imaplib.IMAP4('localhost', int(imap)); m.login(user, password)
def taken(name):
    assert m.select(name)[0] == 'OK'
    typ, data = m.fetch('1:*', '(RFC822.SIZE BODY.PEEK[])')
    found = []
    for d in data:
        if isinstance(d, tuple):
            found.append(d[1])
            assert b'\0' not in d[1], d[0]
            assert int(re.search(rb'RFC822.SIZE (\d+)', d[0]).group(1)) == len(d[1]), d[0]
    return found

for kind, port in ((smtplib.SMTP, smtp), (smtplib.LMTP, lmtp)):
    peer = kind('127.0.0.1', int(port), source_address=(stranger, 0)); peer.ehlo_or_helo_if_needed()
    for n, text in enumerate(ended): put(peer, n, text)
    peer.quit()
    settled()
    found = sorted(taken('INBOX'), key=lambda t: int(re.match(rb'Return-Path: <s(\d+)@client.test>\r\n', t)[1]))
    assert len(found) == len(ended), (len(found), len(ended))
    wanted = [told(queued(t) if kind is smtplib.SMTP else t) for t in ended]
    wrong = [n for n, (a, b) in enumerate(zip(wanted, found)) if not b.endswith(a) or not b.startswith(b'Return-Path: <s%d@client.test>\r\n' % n)]
    assert not wrong, (kind, len(wrong), wrong[:5], wanted[wrong[0]][:300], found[wrong[0]][:600])
    m.store('1:*', '+FLAGS', r'\Deleted'); m.expunge()
m.create('Kept')
# imaplib would send every bare CR as a line end; the octets are to go as they are.
imaplib.MapCRLF = re.compile(rb'\r\n')
for text in texts:
    if text: assert m.append('Kept', None, None, text)[0] == 'OK'
found = taken('Kept')
kept = [t for t in texts if t]
# A Maildir keeps lines with LF, so a CR in front of a line end is lost, as in Dovecot.
kept = [told(re.sub(rb'\r+\n', b'\r\n', t)) for t in kept]
wrong = [n for n, (a, b) in enumerate(zip(kept, found)) if a != b]
assert len(found) == len(kept) and not wrong, (len(found), wrong[:5])
typ, data = m.fetch('1:*', '(ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE)'); assert typ == 'OK'
m.logout()
print(len(texts), 'messages')
"#;
    let out = python(
        &format!("{SETTLED}{script}"),
        &[
            &folder.to_string_lossy(),
            &alice,
            &server.queue_list(),
            &stranger.to_string(),
            &ports[0],
            &ports[1],
            &ports[2],
        ],
    );
    eprintln!("{out}");
}
