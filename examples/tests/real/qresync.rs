//! A client that resynchronises (RFC 7162): it keeps UIDVALIDITY, HIGHESTMODSEQ and flags while it is away, and believes
//! what SELECT tells it when it comes back, whatever happened meanwhile and though the server was killed.

use crate::python;
use crate::server::{Server, have};
use std::fs;
use std::path::Path;

const CLIENT: &str = r#"
import json, re
class Client:
    def __init__(self, state=None):
        self.m = imaplib.IMAP4('localhost', int(ports['imap'])); self.m.login(user, password)
        assert 'CONDSTORE' in self.m.capabilities or 'QRESYNC' in self.m.capability()[1][0].decode()
        assert self.m.enable('QRESYNC')[0] == 'OK' and self.m.response('ENABLED')[1] == [b'QRESYNC']
        self.validity, self.modseq, self.flags = state or (0, 0, {})
        self.flags = {int(uid): flags for uid, flags in self.flags.items()}
        known = self.modseq and f' (QRESYNC ({self.validity} {self.modseq}))' or ''
        self.m._simple_command('SELECT', 'INBOX' + known); self.m.state = 'SELECTED'
        validity = int(self.m.response('UIDVALIDITY')[1][-1])
        assert self.validity in (0, validity), 'UIDs of another life'
        self.validity = validity
        self.heard = self.take()
        exists = int(self.m.response('EXISTS')[1][-1])
        if not known:
            self.m._simple_command('UID', 'FETCH', '1:*', '(FLAGS)'); self.take()
        assert exists == len(self.flags), (exists, self.flags)
    def take(self):
        """Believes what was told, and says how much it was."""
        told = 0
        for line in [x for x in self.m.response('VANISHED')[1] or [] if x]:
            for r in line.decode().replace('(EARLIER) ', '').split(','):
                a, _, b = r.partition(':')
                for uid in range(int(a), int(b or a) + 1): self.flags.pop(uid, None); told += 1
        for line in [x for x in self.m.response('FETCH')[1] or [] if x]:
            text = line.decode(); told += 1
            uid = int(re.search(r'UID (\d+)', text)[1])
            flags = re.search(r'FLAGS \(([^)]*)\)', text)
            if flags: self.flags[uid] = sorted(set(flags[1].split()) - {'\\Recent'})
        for code in [x for x in self.m.response('HIGHESTMODSEQ')[1] or [] if x]:
            assert int(code) >= self.modseq, 'back from %s to %s' % (self.modseq, code)
            self.modseq = int(code)
        return told
    def truth(self):
        other = imaplib.IMAP4('localhost', int(ports['imap'])); other.login(user, password); other.select(readonly=True)
        lines = [x.decode() for x in other.uid('FETCH', '1:*', '(FLAGS)')[1] if x]
        other.logout()
        return {int(re.search(r'UID (\d+)', x)[1]): sorted(set(re.search(r'FLAGS \(([^)]*)\)', x)[1].split()) - {'\\Recent'}) for x in lines}
    def agrees(self):
        assert self.flags == self.truth(), (self.flags, self.truth())
    def leave(self):
        self.m.sock.close() # without a word
        return [self.validity, self.modseq, self.flags]
def other(*commands):
    m = imaplib.IMAP4('localhost', int(ports['imap'])); m.login(user, password); m.select()
    for command in commands: assert m.uid(*command)[0] == 'OK'
    m.logout()
"#;

fn run(server: &Server, password: &str, script: &str) -> String {
    let script = format!("{CLIENT}{script}");
    python::run(server, "alice@example.test", password, &script)
}

#[test]
fn a_client_that_comes_back_is_told_what_it_missed_and_nothing_else() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    for n in 1..=6 {
        server.deliver("alice@example.test", &format!("Subject: {n}\n\nx"));
    }
    run(
        &server,
        &alice,
        r#"
c = Client(); c.agrees()
c = Client(c.leave()); assert c.heard == 0, 'nothing happened'
state = c.leave()
other(('STORE', '3', '+FLAGS', r'(\Seen $Work)'), ('STORE', '1:2', '+FLAGS', r'(\Deleted)'), ('EXPUNGE', '1:2'))
c = Client(state); assert c.heard == 3, c.heard; c.agrees()
# While it is there: expunges by UID, and where it stands with them.
other(('STORE', '5', '+FLAGS', r'(\Deleted)'), ('EXPUNGE', '5'))
c.m.noop(); c.take(); c.agrees()
c.m._simple_command('UID', 'STORE', '6', '+FLAGS.SILENT', r'(\Answered)'); c.flags[6] = ['\\Answered']; c.take(); c.agrees()
state = c.leave()
c = Client(state); c.agrees()
# Somebody else was faster: nothing is overwritten.
before = c.modseq
other(('STORE', '6', '+FLAGS', r'(\Flagged)'))
typ, data = c.m._simple_command('UID', 'STORE', '6', f'(UNCHANGEDSINCE {before})', 'FLAGS', r'(\Draft)')
assert typ == 'OK' and data[0].startswith(b'[MODIFIED 6]'), data
c.take(); c.agrees(); assert c.flags[6] == ['\\Answered', '\\Flagged'], c.flags
"#,
    );
}

#[test]
fn a_client_misses_nothing_across_a_kill_and_another_programs_work() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    for n in 1..=6 {
        server.deliver("alice@example.test", &format!("Subject: {n}\n\nx"));
    }
    let state = run(
        &server,
        &alice,
        r#"
c = Client(); c.agrees()
state = c.leave()
other(('STORE', '2', '+FLAGS', r'(\Seen)'), ('STORE', '1', '+FLAGS', r'(\Deleted)'), ('EXPUNGE', '1'))
print(json.dumps(state))
"#,
    );
    let maildir = server.data().join("mail/example.test/alice/Maildir");
    let folder = server.kill();
    foreign(&maildir);
    let server = Server::start_in(folder, &[]);
    let script = format!(
        "c = Client(json.loads('''{}''')); c.agrees()\n",
        state.trim()
    );
    run(&server, &alice, &script);
}

/// A message gets a flag, another is deleted.
fn foreign(maildir: &Path) {
    let mut names: Vec<_> = fs::read_dir(maildir.join("cur"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(":2,"))
        .collect();
    names.sort();
    let mut flagged = names[0].clone().into_os_string();
    flagged.push("F");
    fs::rename(&names[0], flagged).unwrap();
    fs::remove_file(&names[1]).unwrap();
}
