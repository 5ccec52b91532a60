//! Mail of several users as other programs have left it, the clients that keep copies of it, and what a server says of it.

use crate::patience::open_folder;
use crate::server::{python, run, succeed};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const PASSWORD: &str = "swap-password";
const NOBODY: u32 = 65_534;
/// Mailboxes as Maildir++ names them, with how many of a thousand messages lie there.
const FOLDERS: [(&str, usize); 5] = [
    ("", 450),
    (".Work", 200),
    (".Work.2024.Q1", 150),
    (".Lists.rust", 150),
    (".Archive &AOk-t&AOk-", 50),
];

/// Users with their mail: the folder `data` with the users, `mail` with a Maildir for each.
pub struct Accounts {
    folder: tempfile::TempDir,
    users: Vec<String>,
}

impl Accounts {
    /// So many users with so many messages each; some of them from `MAILCORE_CORPUS`, where it is set.
    pub fn make(users: usize, messages: usize) -> Self {
        let folder = open_folder();
        let users: Vec<String> = (1..=users).map(|n| format!("user{n:02}")).collect();
        let accounts = Self { folder, users };
        let (data, mail) = (accounts.path().join("data"), accounts.mail());
        fs::create_dir(&data).unwrap();
        let lines = accounts
            .users
            .iter()
            .map(|user| format!("{user}@example.test:{{PLAIN}}{PASSWORD}\n"));
        fs::write(accounts.list(), lines.collect::<String>()).unwrap();
        let real = real_messages();
        for (at, user) in accounts.users.iter().enumerate() {
            for (folder, share) in FOLDERS {
                let maildir = mail.join(user).join(folder);
                for sub in ["cur", "new", "tmp"] {
                    fs::create_dir_all(maildir.join(sub)).unwrap();
                }
                if !folder.is_empty() {
                    fs::write(maildir.join("maildirfolder"), "").unwrap();
                }
                for n in 0..messages * share / 1000 {
                    deliver(&maildir, at, n, &real);
                }
            }
        }
        give(&mail);
        accounts
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn mail(&self) -> PathBuf {
        self.path().join("mail")
    }

    /// The file of users.
    pub fn list(&self) -> PathBuf {
        self.path().join("data/users")
    }

    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// Gives the folder away, for a server that goes on with it.
    pub fn into_folder(self) -> tempfile::TempDir {
        self.folder
    }
}

/// Runs a script for each of the users with the server at that port.
pub fn script(script: &str, imap: u16, users: &[String]) -> String {
    let mut arguments = vec![imap.to_string(), PASSWORD.to_owned()];
    arguments.extend(users.iter().map(|user| format!("{user}@example.test")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    python(script, &arguments)
}

/// What a server says of all mail, as one text: mailboxes, subscriptions, UIDs, flags, keywords, dates, sizes.
pub fn told(imap: u16, users: &[String]) -> String {
    script(TOLD, imap, users)
}

/// Compares two long texts by their first difference.
pub fn same(before: &str, after: &str) {
    for (one, other) in before.lines().zip(after.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(before.lines().count(), after.lines().count());
}

/// One message, as a delivery or a reading client has left it.
fn deliver(maildir: &Path, user: usize, n: usize, real: &[Vec<u8>]) {
    let text = match real.get(n / 10) {
        Some(text) if n.is_multiple_of(10) => text.clone(),
        _ => generated(user, n),
    };
    let time = 1_600_000_000 + n * 977;
    let lines = text.iter().filter(|b| **b == b'\n').count();
    let (size, wire) = (text.len(), text.len() + lines);
    let flags = ["", "S", "RS", "FS", "S", "DS", "PS", "T"][n % 8];
    // Some as Dovecot names them, some as others do.
    let sizes = match n % 3 {
        0 => String::new(),
        _ => format!(",S={size},W={wire}"),
    };
    let name = format!("{time}.M{n}P{user}.host{sizes}");
    let path = match n % 8 {
        0 => maildir.join("new").join(name),
        _ => maildir.join("cur").join(format!("{name}:2,{flags}")),
    };
    let file = fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, &text).unwrap();
    let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time as u64);
    file.set_modified(when).unwrap();
}

fn generated(user: usize, n: usize) -> Vec<u8> {
    let body = "A line of text that is like the others.\n".repeat(n % 40 + 1);
    let subject = ["plans", "=?utf-8?q?caf=C3=A9?=", "Re: plans", "invoice"][n % 4];
    format!(
        "From: Someone <s{n}@client.test>\nTo: user{user:02}@example.test\nSubject: {subject} {n}\n\
         Message-ID: <{user}.{n}@client.test>\nDate: Mon, 14 Sep 2020 10:{:02}:{:02} +0200\n\n{body}",
        n / 60 % 60,
        n % 60,
    )
    .into_bytes()
}

/// Real messages with LF line ends, a hundred at most, none of them large.
fn real_messages() -> Vec<Vec<u8>> {
    let Some(corpus) = std::env::var_os("MAILCORE_CORPUS") else {
        return Vec::new();
    };
    let found = run(Command::new("find")
        .arg(corpus)
        .args(["-name", "*.eml", "-size", "-64k"]));
    let mut paths: Vec<String> = String::from_utf8_lossy(&found.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    paths.sort();
    let texts = paths.iter().take(100).map(|path| fs::read(path).unwrap());
    // A Maildir keeps lines that end in LF.
    texts
        .map(|text| {
            let mut text: Vec<u8> = text.into_iter().filter(|b| *b != b'\r').collect();
            text.push(b'\n');
            text
        })
        .collect()
}

/// Gives all below a folder to `nobody`.
pub fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

/// A client that keeps a copy of one user's mail.
pub struct Copy {
    folder: PathBuf,
    user: String,
}

impl Copy {
    pub fn new(scratch: &Path, user: &str) -> Self {
        let folder = scratch.join(format!("copies-{user}"));
        for name in ["mbsync", "offlineimap", "state"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let user = user.to_owned();
        Self { folder, user }
    }

    /// mbsync goes to that port.
    pub fn mbsync(&self, port: u16) -> String {
        let rc = self.folder.join("mbsyncrc");
        let (near, user) = (self.folder.join("mbsync"), &self.user);
        let (near, at) = (near.display(), self.folder.display());
        fs::write(
            &rc,
            format!(
                "IMAPAccount it\nHost 127.0.0.1\nPort {port}\nUser {user}@example.test\nPass {PASSWORD}\nSSLType None\n\
                 AuthMechs LOGIN\n\nIMAPStore far\nAccount it\n\nMaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\
                 SubFolders Verbatim\n\nChannel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\n\
                 SyncState {at}/state/\n"
            ),
        )
        .unwrap();
        let mut command = Command::new("mbsync");
        command
            .env("HOME", &self.folder)
            .arg("--config")
            .arg(&rc)
            .arg("all");
        succeed(&mut command)
    }

    /// offlineimap goes to that port.
    pub fn offlineimap(&self, port: u16) -> String {
        let rc = self.folder.join("offlineimaprc");
        let (at, user) = (self.folder.display(), &self.user);
        fs::write(
            &rc,
            format!(
                "[general]\naccounts = a\nmetadata = {at}/offlineimap.state\nsocktimeout = 60\n[Account a]\n\
                 localrepository = near\nremoterepository = far\n[Repository near]\ntype = Maildir\n\
                 localfolders = {at}/offlineimap\n[Repository far]\ntype = IMAP\nremotehost = 127.0.0.1\n\
                 remoteport = {port}\nremoteuser = {user}@example.test\nremotepass = {PASSWORD}\nssl = no\n\
                 starttls = no\nauth_mechanisms = LOGIN\nmaxconnections = 1\n"
            ),
        )
        .unwrap();
        let mut command = Command::new("offlineimap");
        command
            .env("HOME", &self.folder)
            .args(["-o", "-u", "basic", "-c"])
            .arg(&rc);
        succeed(&mut command)
    }

    /// Every file of the copies, as it lies there: name, and which file it is.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut all = Vec::new();
        for name in ["mbsync", "offlineimap"] {
            collect(&self.folder.join(name), &mut all);
        }
        all.sort();
        all
    }
}

fn collect(folder: &Path, all: &mut Vec<(PathBuf, u64)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let known = fs::symlink_metadata(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if known.is_dir() {
            collect(&path, all);
        } else if !name.starts_with(".mbsync")
            && !name.starts_with(".uidvalidity")
            && !name.starts_with(".isyncuid")
        {
            all.push((path, known.ino()));
        }
    }
}

/// Prints all that a server says of the users' mail.
const TOLD: &str = r#"
import imaplib, re, sys
imaplib._MAXLINE = 100_000_000
port, password, *users = sys.argv[1:]
for user in users:
    m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
    names = lambda lines: sorted(re.sub(r'^.*? "\." ', '', l.decode()).strip('"') for l in lines if l)
    folders = names(m.list()[1])
    print(user, 'LIST', folders)
    print(user, 'LSUB', names(m.lsub()[1]))
    for folder in folders:
        quoted = '"' + folder + '"'
        answer, data = m.select(quoted, readonly=True)
        if answer != 'OK': print(user, folder, 'cannot be opened'); continue
        print(user, folder, 'UIDVALIDITY', m.response('UIDVALIDITY')[1], 'UIDNEXT', m.response('UIDNEXT')[1], 'EXISTS', data)
        if data == [b'0']: continue
        for line in m.uid('FETCH', '1:*', '(FLAGS INTERNALDATE RFC822.SIZE)')[1]:
            line = line.decode()
            uid = re.search(r'UID (\d+)', line)[1]
            flags = sorted(re.search(r'FLAGS \(([^)]*)\)', line)[1].split())
            flags = [f for f in flags if f != '\\Recent']
            date = re.search(r'INTERNALDATE "([^"]*)"', line)[1]
            size = re.search(r'RFC822.SIZE (\d+)', line)[1]
            print(user, folder, uid, flags, date, size)
    m.logout()
"#;
