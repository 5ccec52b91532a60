//! A real Postfix in front: it takes mail and hands it to our LMTP socket, and has clients logged in at our auth socket.

use crate::patience::{open_folder, wait_for};
use crate::server::{Server, free_base, run};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Where clients of this host may send mail from without a login.
pub const SMTP: u16 = 25;
/// Where everybody is a stranger.
pub const STRICT: u16 = 26;
pub const SUBMISSION: u16 = 587;
pub const SMTPS: u16 = 465;

/// A Postfix. Dropping it stops it.
pub struct Postfix {
    folder: tempfile::TempDir,
    base: u16,
}

impl Postfix {
    /// One for `example.test`, whose mailboxes and users are this server's: its LMTP socket, and where its logins are.
    pub fn before(server: &Server, lmtp: &Path, auth: &str) -> Self {
        let postfix = Self {
            folder: open_folder(),
            base: free_base(),
        };
        postfix.lay_out(server, lmtp, auth);
        let out = run(&mut postfix.command("postfix", &["start"]));
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{said}{}", postfix.log());
        wait_for("Postfix", || {
            TcpStream::connect(("127.0.0.1", postfix.port(SMTP))).ok()
        });
        postfix
    }

    pub fn port(&self, service: u16) -> u16 {
        self.base + service
    }

    fn lay_out(&self, server: &Server, lmtp: &Path, auth: &str) {
        let root = self.folder.path();
        for name in ["etc", "queue", "data"] {
            fs::create_dir(root.join(name)).unwrap();
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        chown(root.join("data"), Some(number_of("postfix")), None).unwrap();
        let (at, tls) = (root.display(), server.data().join("tls"));
        let (tls, lmtp) = (tls.display(), lmtp.display());
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\n\
             myhostname = mail.example.test\nmydestination = $myhostname\nlocal_recipient_maps =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nalias_maps =\n\
             alias_database =\ndisable_dns_lookups = yes\nrelayhost = [127.0.0.1]:9\n\
             virtual_mailbox_domains = example.test\nvirtual_transport = lmtp:unix:{lmtp}\n\
             smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {auth}\n\
             broken_sasl_auth_clients = yes\nsmtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes\n\
             smtpd_tls_cert_file = {tls}/cert.pem\nsmtpd_tls_key_file = {tls}/key.pem\n\
             smtpd_helo_required = yes\naddress_verify_map =\nunverified_recipient_reject_code = 550\n\
             smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_pipelining, \
             reject_unauth_destination, reject_unverified_recipient, permit\n"
        );
        fs::write(root.join("etc/main.cf"), main).unwrap();
        let mut master = String::new();
        for (service, options) in [
            (SMTP, ""),
            (STRICT, " -o mynetworks=192.0.2.0/24"),
            (
                SUBMISSION,
                " -o smtpd_tls_security_level=encrypt -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
            ),
            (
                SMTPS,
                " -o smtpd_tls_wrappermode=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
            ),
        ] {
            let port = self.port(service);
            master += &format!("127.0.0.1:{port} inet n - n - - smtpd{options}\n");
        }
        master += "pickup unix n - n 60 1 pickup\nflush unix n - n 1000? 0 flush\n\
                   cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
                   postlog unix-dgram n - n - 1 postlogd\n";
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
            ("lmtp", "lmtp"),
            ("error", "error"),
            ("retry", "error"),
            ("discard", "discard"),
            ("anvil", "anvil"),
            ("scache", "scache"),
        ] {
            let most = match name {
                "bounce" | "defer" | "trace" => "0",
                "tlsmgr" | "anvil" | "scache" | "verify" => "1",
                _ => "-",
            };
            master += &format!("{name} unix - - n - {most} {program}\n");
        }
        fs::write(root.join("etc/master.cf"), master).unwrap();
    }

    /// One of Postfix's programs on this instance.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.folder.path().join("etc"));
        command.args(arguments);
        command
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits for a line of the log with all of these in it.
    pub fn wait_for_line(&self, words: &[&str]) -> String {
        wait_for(&format!("a line of Postfix's with {words:?}"), || {
            let log = self.log();
            let mut lines = log.lines();
            let found = lines.find(|line| words.iter().all(|word| line.contains(word)));
            found.map(str::to_owned)
        })
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Postfix's log:\n{}", self.log());
        }
        let _ = run(&mut self.command("postfix", &["stop"]));
    }
}

/// The number of a system user.
pub fn number_of(user: &str) -> u32 {
    let out = run(Command::new("id").args(["-u", user])).stdout;
    String::from_utf8(out).unwrap().trim().parse().unwrap()
}
