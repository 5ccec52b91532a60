//! A real Dovecot over a folder of mail: IMAP without TLS, users in a file. Root alone can start one.

use crate::patience::{open_folder, wait_for};
use crate::server::{free_base, run, succeed};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// A Dovecot. Dropping it stops it.
pub struct Dovecot {
    folder: tempfile::TempDir,
    /// Where it serves IMAP.
    pub imap: u16,
}

impl Dovecot {
    /// One whose users stand in that file, and whose mail lies there, a Maildir for each user.
    pub fn over(users: &Path, mail: &Path) -> Self {
        Self::with(users, mail, "")
    }

    /// The same with further settings.
    pub fn with(users: &Path, mail: &Path, further: &str) -> Self {
        let folder = open_folder();
        let imap = free_base() + 143;
        let (at, users, mail) = (folder.path().display(), users.display(), mail.display());
        for name in ["run", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let text = format!(
            "protocols = imap\nbase_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nlisten = 127.0.0.1\n\
             instance_name = swap{imap}\nssl = no\ndisable_plaintext_auth = no\nmail_uid = nobody\nmail_gid = nogroup\n\
             mail_location = maildir:{mail}/%n\nmail_max_userip_connections = 100\n\
             passdb {{\n  driver = passwd-file\n  args = {users}\n}}\n\
             userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={at}/home/%n\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    \
             port = 0\n  }}\n}}\nnamespace inbox {{\n  inbox = yes\n}}\n{further}\n"
        );
        fs::write(folder.path().join("dovecot.conf"), text).unwrap();
        let dovecot = Self { folder, imap };
        dovecot.start();
        dovecot
    }

    fn start(&self) {
        // Into a file: it keeps what it was given open for as long as it runs, and a pipe would never end.
        let said = self.folder.path().join("said");
        let file = fs::File::create(&said).unwrap();
        let mut command = Command::new("timeout");
        command.args(["60", "dovecot", "-c"]).arg(self.settings());
        command.stdin(Stdio::null());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let started = command.status().unwrap().success();
        let said = fs::read_to_string(&said).unwrap_or_default();
        assert!(started, "{said}{}", self.log());
        wait_for("Dovecot", || {
            TcpStream::connect(("127.0.0.1", self.imap)).ok()
        });
    }

    /// One of its own tools, which must succeed: what it said.
    pub fn tool(&self, program: &str, words: &[&str]) -> String {
        let mut command = Command::new(program);
        succeed(command.arg("-c").arg(self.settings()).args(words))
    }

    pub fn doveadm(&self, words: &[&str]) -> String {
        self.tool("doveadm", words)
    }

    /// Its configuration, for its own tools.
    pub fn settings(&self) -> std::path::PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Nothing that it found was broken.
    pub fn is_content(&self) {
        let log = self.log();
        let bad = [
            "Error:",
            "Panic:",
            "Fatal:",
            "Broken file",
            "orrupted",
            "ixed a duplicate",
            "reappeared",
        ];
        let lines = log
            .lines()
            .filter(|line| bad.iter().any(|word| line.contains(word)));
        let lines: Vec<&str> = lines.collect();
        assert!(
            lines.is_empty(),
            "Dovecot is not content:\n{}",
            lines.join("\n")
        );
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Dovecot's log:\n{}", self.log());
        }
        let Ok(pid) = fs::read_to_string(self.folder.path().join("run/master.pid")) else {
            return;
        };
        let pid = pid.trim().to_owned();
        let _ = run(Command::new("kill").args(["-TERM", &pid]));
        // It says goodbye to its sessions first.
        for _ in 0..1000 {
            if !Path::new("/proc").join(&pid).exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
