//! A Dovecot and our server at work on the same mail at the same time.

use crate::accounts::{Accounts, PASSWORD, same, told};
use crate::dovecot::Dovecot;
use crate::patience::are_root;
use crate::server::{IMAP, Server, have, python};
use std::process::{Command, Stdio};

/// Clients of both servers on the same mailboxes: they bring, flag, copy and remove messages, and remember which UID each
/// server has told them for which message. At the end both servers have to say the same of every UID.
///
/// In each mailbox somebody idles meanwhile, and counts: at the end he knows how many messages there are.
///
/// Nothing may get another UID: whoever changes a name holds the list's lock meanwhile, or a Dovecot that reads the directory
/// takes the message for expunged ("Expunged message reappeared").
const LOAD: &str = r#"
import imaplib, random, re, sys, threading, time
ours, theirs, password, seconds, *users = sys.argv[1:]
ports, told, gone, moved, faults, lock = {'ours': int(ours), 'theirs': int(theirs)}, {}, set(), set(), [], threading.Lock()
until = time.monotonic() + float(seconds)
counts = {}

def client(user, server, number):
    dice = random.Random(f'{user}{server}{number}')
    m = imaplib.IMAP4('127.0.0.1', ports[server]); m.login(user, password)
    def ok(answer):
        if answer[0] != 'OK': raise Exception(f'{user} at {server}: {answer}')
        return answer[1]
    mine, n = [], 0
    while time.monotonic() < until:
        folder = dice.choice(['INBOX', 'Work']); ok(m.select(folder))
        n += 1
        with lock: counts[server] = counts.get(server, 0) + 1
        what = dice.random()
        if what < 0.4 or not mine:
            name = f'{server}.{number}.{n}@{user}'
            said = ok(m.append(folder, r'(\Seen)', None, f'Subject: {n}\r\nMessage-ID: <{name}>\r\n\r\nbody\r\n'.encode()))
            uid = int(re.search(rb'APPENDUID \d+ (\d+)', said[0])[1])
            with lock:
                was = told.setdefault((user, folder, uid), name)
                if was != name: faults.append(f'{folder} {uid}: {was} and {name}')
            mine.append((folder, uid))
        elif what < 0.7:
            where, uid = dice.choice(mine)
            if where == folder:
                m.uid('STORE', str(uid), dice.choice(['+FLAGS', '-FLAGS']), dice.choice([r'(\Flagged)', '(Red)', '(Blue)', r'(\Answered)']))
        elif what < 0.8:
            where, uid = dice.choice(mine)
            if where == folder: m.uid('COPY', str(uid), 'Work' if folder == 'INBOX' else 'INBOX')
        elif what < 0.9:
            where, uid = dice.choice(mine)
            if where == folder:
                mine.remove((where, uid))
                with lock: gone.add((user, where, uid))
                ok(m.uid('STORE', str(uid), '+FLAGS.SILENT', r'(\Deleted)')); ok(m.uid('EXPUNGE', str(uid)))
        else:
            for line in ok(m.uid('FETCH', '1:*', '(FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')):
                if isinstance(line, tuple):
                    uid = int(re.search(rb'UID (\d+)', line[0])[1]); name = re.search(rb'<([^>]*)>', line[1])
                    if not name: continue
                    with lock:
                        was = told.setdefault((user, folder, uid), name[1].decode())
                        if was != name[1].decode(): faults.append(f'{server}: {folder} {uid}: {was} and {name[1]}')
    m.logout()

def run(*arguments):
    try: client(*arguments)
    except BaseException as e: faults.append(f'{arguments}: {e!r}')

class Waiting(threading.Thread):
    """Idles at our server all the time, so that the mailbox is watched, and counts what it is told of."""
    def __init__(self, user, folder):
        super().__init__()
        self.where, self.heard = f'{user} {folder}', 0
        self.m = imaplib.IMAP4('127.0.0.1', ports['ours']); self.m.login(user, password)
        self.count = int(self.m.select(folder)[1][0])
        self.m.send(b'z IDLE\r\n'); self.m.readline(); self.start()
    def run(self):
        while True:
            line = self.m.readline().decode(errors='replace')
            if line.startswith('z OK') or not line: return
            exists, expunged = re.match(r'\* (\d+) EXISTS', line), re.match(r'\* (\d+) EXPUNGE', line)
            if exists: self.count = int(exists[1])
            if expunged:
                if not 1 <= int(expunged[1]) <= self.count: faults.append(f'{self.where}: {line} of {self.count}')
                self.count -= 1
            self.heard += 1
    def end(self):
        self.m.send(b'DONE\r\n'); self.join()
        self.m.untagged_responses.clear(); self.m.noop()
        told = self.m.response('EXPUNGE')[1]
        self.count -= len([x for x in told or [] if x])
        self.count = int((self.m.response('EXISTS')[1] or [None])[-1] or self.count)
        there = len(self.m.uid('SEARCH', 'ALL')[1][0].split())
        if self.count != there: faults.append(f'{self.where}: {self.count} told, {there} there')
        if self.heard < 20: faults.append(f'{self.where}: it has heard of {self.heard} changes alone')
        self.m.logout()

waiting = [Waiting(u, f) for u in users for f in ('INBOX', 'Work')]
threads = [threading.Thread(target=run, args=(u, s, n)) for u in users for s in ports for n in range(2)]
for t in threads: t.start()
for t in threads: t.join()
for w in waiting: w.end()
for server, port in ports.items():
    for user in users:
        m = imaplib.IMAP4('127.0.0.1', port); m.login(user, password)
        for folder in ('INBOX', 'Work'):
            m.select(folder, readonly=True); there = {}
            for line in m.uid('FETCH', '1:*', '(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')[1]:
                if isinstance(line, tuple):
                    name = re.search(rb'<([^>]*)>', line[1])
                    if name: there[int(re.search(rb'UID (\d+)', line[0])[1])] = name[1].decode()
            for (u, f, uid), name in told.items():
                if (u, f) != (user, folder): continue
                if uid in there and there[uid] != name: faults.append(f'{server}: {folder} {uid} was {name} and is {there[uid]}')
                if uid not in there and (u, f, uid) not in gone and name in there.values():
                    moved.add((u, f, uid)); faults.append(f'{server}: {folder} {uid} ({name}) has another UID')
                elif uid not in there and (u, f, uid) not in gone: faults.append(f'{server}: {folder} {uid} ({name}) is lost')
                if uid in there and (u, f, uid) in gone: faults.append(f'{server}: {folder} {uid} ({name}) was removed and is there')
        m.logout()
print(f'{len(told)} UIDs told, {len(gone)} removed, {len(moved)} given another UID, turns: {counts}, heard in IDLE: {[w.heard for w in waiting]}')
if faults: sys.exit('\n'.join(faults[:20]))
if min(counts.values()) < 20: sys.exit('one of them did nothing')
"#;

/// Two minutes where there is time, else ten seconds.
fn seconds() -> &'static str {
    match std::env::var_os("MAILCORE_TIER2") {
        Some(_) => "120",
        None => "10",
    }
}

#[test]
fn a_dovecot_and_our_server_share_mailboxes_and_give_the_same_uids() {
    share(&[]);
}

#[test]
fn they_share_mailboxes_that_nobody_watches() {
    share(&["--watched-mailboxes", "0"]);
}

fn share(further: &[&str]) {
    if !have(&["dovecot", "python3"]) || !are_root() {
        return;
    }
    let accounts = Accounts::make(2, 200);
    let (users, mail, list) = (accounts.users().to_vec(), accounts.mail(), accounts.list());
    let dovecot = Dovecot::over(&list, &mail);
    let location = format!("{}/%n", mail.display());
    let arguments = ["--mail-location", &location, "--mail-user", "nobody"];
    let server = Server::start_in(accounts.into_folder(), &[&arguments, further].concat());
    let (ours, theirs) = (server.port(IMAP), dovecot.imap);
    let names: Vec<String> = users
        .iter()
        .map(|user| format!("{user}@example.test"))
        .collect();
    let (ours_text, theirs_text) = (ours.to_string(), theirs.to_string());
    let mut arguments = vec![ours_text.as_str(), &theirs_text, PASSWORD, seconds()];
    arguments.extend(names.iter().map(String::as_str));
    eprint!("{}", python(LOAD, &arguments));
    same(&told(theirs, &users), &told(ours, &users));
    dovecot.is_content();
    let log = server.log();
    let broken = log.lines().find(|line| line.contains("Error:"));
    assert_eq!(broken, None, "our server is not content");
}

#[test]
fn doveadm_finds_our_users_and_their_mail_and_logs_them_in() {
    if !have(&["dovecot", "doveadm"]) || !are_root() {
        return;
    }
    let accounts = Accounts::make(3, 20);
    let (mail, list, path) = (accounts.mail(), accounts.list(), accounts.path().to_owned());
    let dovecot = Dovecot::over(&list, &mail);
    let (auth, userdb) = (path.join("auth"), path.join("userdb"));
    let location = format!("{}/%n", mail.display());
    let (auth, userdb) = (auth.display().to_string(), userdb.display().to_string());
    let _server = Server::start_in(
        accounts.into_folder(),
        &[
            "--mail-location",
            &location,
            "--mail-user",
            "nobody",
            "--auth-socket",
            &auth,
            "--auth-userdb-socket",
            &userdb,
        ],
    );
    let doveadm = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command
            .args(["60", "doveadm", "-c"])
            .arg(dovecot.settings());
        command.args(["-o", &format!("auth_socket_path={userdb}")]);
        let out = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (String::from_utf8(text).unwrap(), out.status.success())
    };
    let (all, _) = doveadm(&["user", "*"]);
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(
        all,
        [
            "user01@example.test",
            "user02@example.test",
            "user03@example.test"
        ]
    );
    let (one, _) = doveadm(&["user", "user02@example.test"]);
    let place = format!("mail\tmaildir:{}/user02\n", mail.display());
    assert!(
        one.contains("uid\t65534\n") && one.contains(&place),
        "{one}"
    );
    let (none, found) = doveadm(&["user", "stranger@example.test"]);
    assert!(!found && none.contains("doesn't exist"), "{none}");
    let (status, _) = doveadm(&[
        "mailbox",
        "status",
        "-u",
        "user03@example.test",
        "messages",
        "INBOX",
    ]);
    assert_eq!(status, "INBOX messages=9\n");
    for (password, right) in [(PASSWORD, true), ("wrong", false)] {
        let (said, done) = doveadm(&["auth", "test", "-a", &auth, "user01@example.test", password]);
        assert_eq!(done, right, "{said}");
    }
}
