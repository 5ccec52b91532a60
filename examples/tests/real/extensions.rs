//! What clients use beyond IMAP4rev1, by Python's imaplib, whose word goes to the wire as it is.

use crate::server::{IMAP, Server, have, python};

const SETUP: &str = r#"
import sys, ssl, imaplib, zlib
cert, user, password, port = sys.argv[1:5]
imaplib.Commands.update({'COMPRESS': ('AUTH', 'SELECTED')})
tls = ssl.create_default_context(cafile=cert)
m = imaplib.IMAP4('localhost', int(port)); m.starttls(tls); m.login(user, password)
known = m.capability()[1][0].decode().split()
def say(line):
    "One command, with literals that wait for no answer in it; all lines up to the tagged one."
    tag = m._new_tag()
    m.send(tag + b' ' + line + b'\r\n')
    lines = []
    while True:
        got = m.readline()
        assert got, lines
        lines.append(got)
        if got.startswith(tag): return lines
def literal(text, mark=b''): return mark + b'{%d+}\r\n' % len(text) + text
"#;

fn run(script: &str) {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    let certificate = server.certificate().display().to_string();
    let port = server.port(IMAP).to_string();
    let arguments = [&certificate, "alice@example.test", &alice, &port];
    python(&format!("{SETUP}{script}"), &arguments);
}

#[test]
fn several_messages_are_appended_together_and_put_together_of_others() {
    run(r#"
assert {'MULTIAPPEND', 'CATENATE', 'URL-PARTIAL'} <= set(known), known
first, second = b'Subject: one\r\n\r\nbody one\r\n', b'Subject: two\r\n\r\nbody two\r\n'
done = say(b'APPEND INBOX (\\Seen) ' + literal(first) + b' ' + literal(second, b'~'))
assert b' 1:2] Append completed' in done[-1], done
m.select()
assert m.fetch('2', '(BODY.PEEK[])')[1][0][1] == second
done = say(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER" TEXT ' + literal(b'new ')
    + b' URL ";UID=2/;SECTION=TEXT/;PARTIAL=0.4")')
assert b' 3] Append completed' in done[-1], done
assert m.fetch('3', '(BODY.PEEK[])')[1][0][1] == b'Subject: one\r\n\r\nnew body'
assert b'[BADURL /INBOX/;UID=77] Message not found' in say(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=77")')[-1]
large = b'Subject: large\r\n\r\n' + b'0123456789\r\n' * 200000
assert b' 4] ' in say(b'APPEND INBOX ' + literal(large))[-1]
m.create('Other')
done = say(b'APPEND Other CATENATE (URL "/INBOX/;UID=4" URL "/INBOX/;UID=4/;SECTION=TEXT")')
assert b' 1] ' in done[-1], done
m.select('Other')
assert m.fetch('1', '(BODY.PEEK[])')[1][0][1] == large + large[18:]
refused = say(b'APPEND Other ' + literal(first) + b' (\\Recent) ' + literal(second))
assert b' BAD ' in refused[-1], refused
assert m.select('Other')[1] == [b'1']
"#);
}

#[test]
fn a_list_says_what_is_subscribed_what_lies_below_and_how_much_there_is() {
    run(r#"
assert {'LIST-EXTENDED', 'LIST-STATUS', 'STATUS=SIZE'} <= set(known), known
for name in 'Work', 'Work.sub', 'Top.low': m.create(name)
for name in 'Work.sub', 'Top.low': m.subscribe(name)
m.append('Work', None, None, b'Subject: x\r\n\r\ny\r\n')
def told(line): return sorted(l.strip().decode() for l in say(line)[:-1])
assert told(b'LIST (SUBSCRIBED) "" *') == ['* LIST (\\Subscribed) "." Top.low', '* LIST (\\Subscribed) "." Work.sub']
below = told(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" %')
assert [l.split('"." ')[1] for l in below] == ['Top (CHILDINFO ("SUBSCRIBED"))', 'Work (CHILDINFO ("SUBSCRIBED"))'] or \
    [l.split('"." ')[1] for l in below] == ['Work (CHILDINFO ("SUBSCRIBED"))', 'Top (CHILDINFO ("SUBSCRIBED"))'], below
status = told(b'LIST "" (Work INBOX) RETURN (CHILDREN STATUS (MESSAGES SIZE))')
assert '* STATUS Work (MESSAGES 1 SIZE 17)' in status and '* STATUS INBOX (MESSAGES 0 SIZE 0)' in status, status
assert m.status('Work', '(SIZE)')[1] == [b'Work (SIZE 17)']
"#);
}

#[test]
fn a_part_is_told_without_its_encoding() {
    run(r#"
import base64
assert 'BINARY' in known, known
big = bytes(range(256)) * 2000
packed = base64.encodebytes(big).replace(b'\n', b'\r\n')
text = (b'Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
    b'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A9llo=\r\n you=00\r\n--b\r\n'
    b'Content-Transfer-Encoding: base64\r\n\r\n' + packed + b'--b\r\nContent-Transfer-Encoding: x-foo\r\n\r\nabc\r\n--b--\r\n')
m.append('INBOX', None, None, text)
# A message in a message, whose own header says how it is encoded.
m.append('INBOX', None, None, b'MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nMIME-Version: 1.0\r\n'
    b'Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n')
# A container that claims to be encoded, and holds what is.
m.append('INBOX', None, None, b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    b'--b\r\nContent-Transfer-Encoding: base64;\r\n\r\naGVsbG8=\r\n--b--\r\n')
# A NUL, which only BINARY can tell (RFC 3501 §9, CHAR8).
m.append('INBOX', None, None, b'Subject: a\0b\r\n\r\nc\0d')
m.select()
def binary(line):
    tag = m._new_tag(); m.send(tag + b' ' + line + b'\r\n'); out = b''
    while True:
        got = m.readline(); out += got
        if got.startswith(tag): return out
        if got.endswith(b'}\r\n'): out += m.read(int(got[got.rindex(b'{') + 1:-3]))
assert b'BINARY[1] ~{11}\r\nh\xc3\xa9llo you\0)' in binary(b'FETCH 1 (BINARY.PEEK[1])')
assert b'BINARY[2] ~{512000}\r\n' + big + b')' in binary(b'FETCH 1 (BINARY.PEEK[2])')
assert b'BINARY[2]<300000> ~{1000}\r\n' + big[300000:301000] + b')' in binary(b'FETCH 1 (BINARY.PEEK[2]<300000.1000>)')
assert b'(BINARY.SIZE[1] 11 BINARY.SIZE[2] 512000)' in binary(b'FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2])')
assert b'NO [UNKNOWN-CTE]' in binary(b'FETCH 1 (BINARY.PEEK[3])')
assert b'NO [UNKNOWN-CTE]' in binary(b'FETCH 1 (BINARY.PEEK[])')
inner = b'Subject: in\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\nhello'
assert b'BINARY[1] ~{%d}\r\n' % len(inner) + inner + b')' in binary(b'FETCH 2 (BINARY.PEEK[1])'), binary(b'FETCH 2 (BINARY.PEEK[1])')
whole = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nhello\r\n--b--\r\n'
assert b'BINARY[] ~{%d}\r\n' % len(whole) + whole + b')' in binary(b'FETCH 3 (BINARY.PEEK[])'), binary(b'FETCH 3 (BINARY.PEEK[])')
assert b'BODY[1] {3}\r\nc\x80d BINARY[1] ~{3}\r\nc\0d)' in binary(b'FETCH 4 (BODY.PEEK[1] BINARY.PEEK[1])')
assert b'{16}\r\nSubject: a\x80b\r\n\r\n)' in binary(b'FETCH 4 (BODY.PEEK[HEADER.FIELDS (X-A SUBJECT)])'), binary(b'FETCH 4 (BODY.PEEK[HEADER.FIELDS (X-A SUBJECT)])')
assert m.fetch('1', '(FLAGS)')[1][0].count(b'Seen') == 0
binary(b'FETCH 1 (BINARY[1])')
assert m.fetch('1', '(FLAGS)')[1][0].count(b'Seen') == 1
"#);
}

#[test]
fn a_session_within_tls_is_compressed_once_and_goes_on() {
    run(r#"
assert 'COMPRESS=DEFLATE' in known, known
assert m._simple_command('COMPRESS', 'DEFLATE')[0] == 'OK'
class Deflated:
    def __init__(self, below):
        self.below, self.held = below, b''
        self.packer, self.unpacker = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)
    def send(self, text): self.below.sendall(self.packer.compress(text) + self.packer.flush(zlib.Z_SYNC_FLUSH))
    def more(self):
        got = self.below.recv(4096); assert got; self.held += self.unpacker.decompress(got)
    def readline(self):
        while b'\n' not in self.held: self.more()
        line, self.held = self.held.split(b'\n', 1); return line + b'\n'
    def read(self, n):
        while len(self.held) < n: self.more()
        text, self.held = self.held[:n], self.held[n:]; return text
layer = Deflated(m.sock)
m.send, m.readline, m.read = layer.send, layer.readline, layer.read
assert 'COMPRESS=DEFLATE' not in m.capability()[1][0].decode().split()
assert b'[COMPRESSIONACTIVE]' in say(b'COMPRESS DEFLATE')[-1]
text = b'Subject: packed\r\n\r\n' + b'the same line again\r\n' * 50000
assert m.append('INBOX', None, None, text)[0] == 'OK'
m.select()
assert m.fetch('1', '(BODY.PEEK[])')[1][0][1] == text
m.shutdown()
"#);
}
