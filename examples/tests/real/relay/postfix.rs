//! A Postfix of a test's own: its configuration, queue, log and mailboxes lie in one folder. Root alone can start one.

use super::net::{Letter, wait_for};
use crate::server::{free_base, run};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// `nobody`, who owns the mail.
const NOBODY: u32 = 65_534;

/// Dropping it stops it.
pub struct Postfix {
    folder: tempfile::TempDir,
    /// Where it takes mail.
    pub port: u16,
}

impl Postfix {
    /// One for a domain with one user, `user`; what is for others it hands to that port on loopback. Nothing, and says
    /// why, where we are not root.
    pub fn start(domain: &str, relay: u16) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: Postfix must be started by root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let postfix = Self {
            port: free_base() + 25,
            folder,
        };
        postfix.lay_out(domain, relay);
        let out = run(&mut postfix.postfix("start"));
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{said}{}", postfix.log());
        wait_for("Postfix", || {
            TcpStream::connect(("127.0.0.1", postfix.port)).ok()
        });
        Some(postfix)
    }

    fn lay_out(&self, domain: &str, relay: u16) {
        let root = self.folder.path();
        let mode = |path: &Path| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        mode(root);
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir(root.join(name)).unwrap();
            mode(&root.join(name));
        }
        chown(root.join("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        let owner = run(Command::new("id").args(["-u", "postfix"])).stdout;
        let owner = String::from_utf8(owner).unwrap().trim().parse().unwrap();
        chown(root.join("data"), Some(owner), None).unwrap();
        let at = root.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\n\
             myhostname = mx.{domain}\nmyorigin = {domain}\nmydestination =\ninet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nalias_maps =\nalias_database =\n\
             disable_dns_lookups = yes\nrelayhost = [127.0.0.1]:{relay}\nsmtp_tls_security_level = may\n\
             virtual_mailbox_domains = {domain}\nvirtual_mailbox_maps = inline:{{ user@{domain}=user/ }}\n\
             virtual_mailbox_base = {at}/mail\nvirtual_uid_maps = static:{NOBODY}\n\
             virtual_gid_maps = static:{NOBODY}\n"
        );
        std::fs::write(root.join("etc/main.cf"), main).unwrap();
        let mut master = format!("127.0.0.1:{} inet n - n - - smtpd\n", self.port);
        master.push_str("cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n");
        for (name, program) in [
            ("tlsmgr", "tlsmgr"),
            ("rewrite", "trivial-rewrite"),
            ("bounce", "bounce"),
            ("defer", "bounce"),
            ("trace", "bounce"),
            ("verify", "verify"),
            ("proxymap", "proxymap"),
            ("smtp", "smtp"),
            ("relay", "smtp"),
            ("error", "error"),
            ("retry", "error"),
            ("discard", "discard"),
            ("virtual", "virtual"),
            ("anvil", "anvil"),
            ("scache", "scache"),
        ] {
            let (unprivileged, most) = match name {
                "virtual" => ("n", "-"),
                "bounce" | "defer" | "trace" => ("-", "0"),
                "tlsmgr" | "anvil" | "scache" | "verify" => ("-", "1"),
                _ => ("-", "-"),
            };
            master.push_str(&format!(
                "{name} unix - {unprivileged} n - {most} {program}\n"
            ));
        }
        master.push_str("postlog unix-dgram n - n - 1 postlogd\n");
        std::fs::write(root.join("etc/master.cf"), master).unwrap();
    }

    fn postfix(&self, verb: &str) -> Command {
        let mut command = Command::new("postfix");
        command
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg(verb);
        command
    }

    /// Hands it a message.
    pub fn send(&self, mail: &str, rcpt: &[&str], message: &str) {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let reply = Letter {
            mail,
            rcpt,
            message,
        }
        .converse(crate::server::Talk::over(stream));
        assert!(reply.starts_with("250 2.0.0 Ok: queued as "), "{reply}");
    }

    /// What a user has.
    pub fn mail(&self, user: &str) -> Vec<String> {
        let new = self.folder.path().join("mail").join(user).join("new");
        let entries = std::fs::read_dir(new).into_iter().flatten();
        entries
            .map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap())
            .collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Postfix's log:\n{}", self.log());
        }
        let _ = run(&mut self.postfix("stop"));
    }
}
