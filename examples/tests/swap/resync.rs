//! A client that resynchronises (RFC 7162) across the swap. It keeps UIDVALIDITY, HIGHESTMODSEQ and what it knows of each UID
//! while it is away. When it comes back to whichever server is there by then, it believes what SELECT tells it, and what it
//! knows has to be what there is.

use crate::accounts::{Accounts, PASSWORD, give, script};
use crate::dovecot::Dovecot;
use crate::patience::are_root;
use crate::server::{IMAP, Server, have, python};
use std::fs;
use std::path::{Path, PathBuf};

/// The client comes, learns what it has missed, and leaves; its state is in a file. It says how much it was told, and of how
/// many messages it had to fetch more than their flags.
///
/// A modification sequence lower than its own tells it that they are another server's: then it asks for all flags anew,
/// and keeps its UIDs.
const CLIENT: &str = r#"
import imaplib, json, os, re, sys
imaplib._MAXLINE = 100_000_000
port, password, kept, *users = sys.argv[1:]
state = json.load(open(kept)) if os.path.exists(kept) else {}

def numbers(text):
    for part in text.split(','):
        a, _, b = part.partition(':')
        yield from range(int(a), int(b or a) + 1)

def flagged(lines):
    for line in [l for l in lines or [] if l]:
        text = line.decode()
        flags = re.search(r'FLAGS \(([^)]*)\)', text)
        if flags: yield re.search(r'UID (\d+)', text)[1], sorted(set(flags[1].split()) - {'\\Recent'})

def connect(user):
    m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
    return m

def folder_names(m):
    return sorted(re.sub(r'^.*? "\." ', '', l.decode()).strip('"') for l in m.list()[1] if l and b'\\No' not in l)

def resync(m, folder, was):
    validity, modseq, known = was or (0, 0, {})
    m.untagged_responses.clear()
    parameter = f' (QRESYNC ({validity} {modseq} {",".join(sorted(known, key=int))}))' if known else ' (CONDSTORE)'
    typ, said = m._simple_command('SELECT', f'"{folder}"' + parameter); m.state = 'SELECTED'
    assert typ == 'OK', (folder, typ, said)
    last = lambda name: int(m.response(name)[1][-1])
    now, highest, exists = last('UIDVALIDITY'), last('HIGHESTMODSEQ'), last('EXISTS')
    assert validity in (0, now), f'{folder}: UIDs of another life'
    gone = [str(uid) for line in m.response('VANISHED')[1] or [] if line
            for uid in numbers(line.decode().replace('(EARLIER) ', ''))]
    told = dict(flagged(m.response('FETCH')[1]))
    vanished = [uid for uid in gone if known.pop(uid, None) is not None]
    new = [uid for uid in told if uid not in known]
    known.update(told)
    # Of the UIDs that it named the server tells it; what is behind them it asks for.
    if exists > len(known):
        behind = dict(flagged(m.uid('FETCH', f'{max(map(int, known), default=0) + 1}:*', '(FLAGS)')[1]))
        new += [uid for uid in behind if uid not in known]
        known.update(behind)
    if not parameter.startswith(' (QRESYNC') or highest < modseq:
        all = dict(flagged(m.uid('FETCH', '1:*', '(FLAGS)')[1])) if exists else {}
        new += [uid for uid in all if uid not in known]
        vanished += [uid for uid in known if uid not in all]
        known = all
    assert exists == len(known), f'{folder}: {exists} there, {len(known)} known'
    return (now, highest, known), len(told), len(vanished), len(new)

total = [0, 0, 0]
for user in users:
    m, other = connect(user), connect(user)
    assert m.enable('QRESYNC')[0] == 'OK'
    for folder in folder_names(other):
        key = f'{user} {folder}'
        state[key], *counts = resync(m, folder, state.get(key))
        total = [a + b for a, b in zip(total, counts)]
        known = state[key][2]
        exists = int(other.select(f'"{folder}"', readonly=True)[1][0])
        truth = dict(flagged(other.uid('FETCH', '1:*', '(FLAGS)')[1])) if exists else {}
        wrong = [(uid, known.get(uid), truth.get(uid)) for uid in {**known, **truth} if known.get(uid) != truth.get(uid)]
        assert not wrong, f'{key}: {wrong[:9]}'
    m.logout(); other.logout()
json.dump(state, open(kept, 'w'))
print(*total)
"#;

/// What others do while the client is away: of each user five messages get flags and a keyword, three lose a flag, four
/// go, and three come; others in each round.
const OTHERS: &str = r#"
import imaplib, sys
port, password, *users = sys.argv[1:]
for user in users:
    m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
    ok = lambda answer: answer[0] == 'OK' or sys.exit(f'{user}: {answer}')
    ok(m.select('INBOX'))
    uids = m.uid('SEARCH', 'UNDELETED UNKEYWORD Later')[1][0].decode().split()
    ok(m.uid('STORE', ','.join(uids[20:25]), '+FLAGS', r'(\Flagged Later)'))
    seen = m.uid('SEARCH', 'SEEN UNDELETED')[1][0].decode().split()
    ok(m.uid('STORE', ','.join(seen[30:33]), '-FLAGS', r'(\Seen)'))
    ok(m.uid('STORE', ','.join(uids[40:44]), '+FLAGS', r'(\Deleted)')); ok(m.uid('EXPUNGE', ','.join(uids[40:44])))
    ok(m.uid('COPY', ','.join(uids[50:52]), '"Work.2024.Q1"'))
    ok(m.append('Work', r'(\Seen)', None, b'Subject: meanwhile\r\n\r\nby another\r\n'))
    m.logout()
"#;

/// Messages that come by `OTHERS`, and go.
const CAME: usize = 3;
const WENT: usize = 4;

/// A program at the files, of one user: a message gets a flag, one goes, and one comes.
fn meddle(maildir: &Path) {
    let read = fs::read_dir(maildir.join("cur")).unwrap();
    let mut names: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.to_string_lossy().ends_with(":2,S"));
    names.sort();
    let mut flagged = names[3].clone().into_os_string();
    flagged.push("T");
    fs::rename(&names[3], flagged).unwrap();
    fs::remove_file(&names[7]).unwrap();
    let new = maildir.join("new/1700000000.M1P1.elsewhere");
    fs::write(&new, "Subject: dropped\n\nby hand\n").unwrap();
    give(&new);
}

/// What the client was told of, what has gone, and what it did not know.
type Told = (usize, usize, usize);

struct Client {
    state: PathBuf,
    users: Vec<String>,
}

impl Client {
    fn comes(&self, port: u16) -> Told {
        let (port, state) = (port.to_string(), self.state.display().to_string());
        let mut arguments = vec![port.as_str(), PASSWORD, state.as_str()];
        let names = self.users.iter().map(|user| format!("{user}@example.test"));
        let names: Vec<String> = names.collect();
        arguments.extend(names.iter().map(String::as_str));
        let said = python(CLIENT, &arguments);
        let numbers: Vec<usize> = said
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        (numbers[0], numbers[1], numbers[2])
    }

    /// What came is new to it, what went it knows to be gone; and if it comes again it is told nothing.
    fn misses_nothing(&self, port: u16, went: usize, came: usize) {
        let (_, vanished, new) = self.comes(port);
        assert_eq!((vanished, new), (went, came), "vanished, and new");
        assert_eq!(self.comes(port), (0, 0, 0), "nothing has happened");
    }
}

#[test]
fn a_client_that_resynchronises_misses_nothing_across_the_swap_and_back() {
    if !have(&["dovecot", "python3"]) || !are_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let accounts = Accounts::make(10, 1000);
    let (users, mail, list) = (accounts.users().to_vec(), accounts.mail(), accounts.list());
    let state = scratch.path().join("state");
    let client = Client { state, users };
    let users = &client.users;
    let (came, went) = (CAME * users.len(), WENT * users.len());
    let location = format!("{}/%n", mail.display());
    let arguments = ["--mail-location", &location, "--mail-user", "nobody"];

    let dovecot = Dovecot::over(&list, &mail);
    let (_, _, new) = client.comes(dovecot.imap);
    assert_eq!(new, 10_000, "all of it is new at first");
    script(OTHERS, dovecot.imap, users);
    client.misses_nothing(dovecot.imap, went, came);
    // Ours comes in its place, after more of the same, and after what somebody did at the files.
    script(OTHERS, dovecot.imap, users);
    drop(dovecot);
    for user in users {
        meddle(&mail.join(user));
    }
    let server = Server::start_in(accounts.into_folder(), &arguments);
    client.misses_nothing(server.port(IMAP), went + users.len(), came + users.len());
    script(OTHERS, server.port(IMAP), users);
    client.misses_nothing(server.port(IMAP), went, came);
    // Killed, and started anew.
    script(OTHERS, server.port(IMAP), users);
    let server = Server::start_in(server.kill(), &arguments);
    client.misses_nothing(server.port(IMAP), went, came);
    // And back.
    script(OTHERS, server.port(IMAP), users);
    let folder = server.kill();
    let dovecot = Dovecot::over(&list, &mail);
    client.misses_nothing(dovecot.imap, went, came);
    dovecot.is_content();
    drop(folder);
}
