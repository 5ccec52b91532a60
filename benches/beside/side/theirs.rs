//! A Postfix that hands its mail to a Dovecot by LMTP, as Debian packages them: both with the settings that they come
//! with, but for the places of things and for limits that a benchmark meets.

use super::{DISCARDED, DOMAIN, OWNER, Program, run, within};
use crate::group::Group;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Both, running. Dropping them stops them.
pub(super) struct Theirs {
    folder: PathBuf,
}

impl Theirs {
    pub(super) fn start(
        group: &Group,
        folder: &Path,
        tls: &Path,
        base: u16,
        sink: u16,
    ) -> io::Result<Self> {
        let theirs = Self {
            folder: folder.to_owned(),
        };
        postfix(folder, tls, base, sink)?;
        dovecot(folder, tls, base)?;
        theirs.start_program(group, "postfix", &["-c", "etc", "start"])?;
        theirs.start_program(group, "dovecot", &["-c", "dovecot.conf"])?;
        Ok(theirs)
    }

    /// Starts a program that goes into the background, and keeps what it was given open as its output.
    fn start_program(&self, group: &Group, name: &str, arguments: &[&str]) -> io::Result<()> {
        let said = self.folder.join(format!("{name}.said"));
        let file = File::create(&said)?;
        let mut command = group.command(name);
        command.current_dir(&self.folder);
        for argument in arguments {
            match *argument {
                "etc" | "dovecot.conf" => command.arg(self.folder.join(argument)),
                other => command.arg(other),
            };
        }
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        match command.status()?.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "{name}: {}",
                fs::read_to_string(said)?
            ))),
        }
    }
}

fn postfix(folder: &Path, tls: &Path, base: u16, sink: u16) -> io::Result<()> {
    for name in ["etc", "queue", "pfdata"] {
        fs::create_dir_all(folder.join(name))?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755))?;
    }
    let out = run(Command::new("id").args(["-u", "postfix"]))?;
    let number = String::from_utf8_lossy(&out.stdout)
        .trim()
        .parse()
        .map_err(io::Error::other)?;
    chown(folder.join("pfdata"), Some(number), None)?;
    let (at, tls) = (folder.display(), tls.display());
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/pfdata\n\
         maillog_file = {at}/maillog\nmaillog_file_prefixes = {at}\ninet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nalias_maps =\nalias_database =\n\
         mydomain = {DOMAIN}\nmyhostname = mail.$mydomain\nmyorigin = $myhostname\nmydestination = $myhostname\n\
         virtual_mailbox_domains = {DOMAIN}\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n\
         smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {tls}/cert.pem\n\
         smtpd_tls_key_file = {tls}/key.pem\nsmtpd_tls_auth_only = yes\nsmtpd_helo_required = yes\n\
         smtpd_recipient_restrictions = permit_mynetworks, reject\n\
         transport_maps = inline:{{ {{ {DISCARDED} = discard: }} }}\nrelayhost = [127.0.0.1]:{sink}\n"
    );
    fs::write(folder.join("etc/main.cf"), main)?;
    let mut master = format!("127.0.0.1:{} inet n - n - - smtpd\n", base + 25);
    for line in [
        "pickup unix n - n 60 1 pickup",
        "flush unix n - n 1000? 0 flush",
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "postlog unix-dgram n - n - 1 postlogd",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "verify unix - - n - 1 verify",
        "proxymap unix - - n - - proxymap",
        "proxywrite unix - - n - 1 proxymap",
        "smtp unix - - n - - smtp",
        "relay unix - - n - - smtp",
        "showq unix n - n - - showq",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "lmtp unix - - n - - lmtp",
        "anvil unix - - n - 1 anvil",
        "scache unix - - n - 1 scache",
    ] {
        master += line;
        master.push('\n');
    }
    fs::write(folder.join("etc/master.cf"), master)
}

fn dovecot(folder: &Path, tls: &Path, base: u16) -> io::Result<()> {
    for name in ["run", "state"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let (at, tls) = (folder.display(), tls.display());
    let listeners: String = [
        ("imap-login", [("imap", 143), ("imaps", 993)]),
        ("pop3-login", [("pop3", 110), ("pop3s", 995)]),
    ]
    .iter()
    .map(|(service, ports)| {
        let inner: String = ports
            .iter()
            .map(|(name, port)| {
                format!(
                    "  inet_listener {name} {{\n    port = {}\n  }}\n",
                    base + port
                )
            })
            .collect();
        format!("service {service} {{\n{inner}}}\n")
    })
    .collect();
    let text = format!(
        "protocols = imap pop3 lmtp\nlisten = 127.0.0.1\nbase_dir = {at}/run\nstate_dir = {at}/state\n\
         log_path = {at}/dovecot.log\ninstance_name = beside{base}\nssl = yes\nssl_cert = <{tls}/cert.pem\n\
         ssl_key = <{tls}/key.pem\ndisable_plaintext_auth = no\nmail_uid = {OWNER}\nmail_gid = nogroup\n\
         mail_location = maildir:{at}/mail/%n\nmail_max_userip_connections = 20000\n\
         service imap {{\n  process_limit = 4000\n}}\nservice imap-login {{\n  process_limit = 4000\n}}\n\
         service auth {{\n  client_limit = 18000\n}}\nservice anvil {{\n  client_limit = 18000\n}}\n\
         passdb {{\n  driver = passwd-file\n  args = {at}/data/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={OWNER} gid=nogroup home={at}/home/%n\n}}\n\
         namespace inbox {{\n  inbox = yes\n}}\n{listeners}\
         service lmtp {{\n  unix_listener {at}/queue/private/dovecot-lmtp {{\n    user = postfix\n    mode = 0600\n  }}\n  \
         inet_listener lmtp {{\n    port = {}\n  }}\n}}\n",
        base + 24
    );
    fs::write(folder.join("dovecot.conf"), text)
}

impl Program for Theirs {
    fn version(&self) -> String {
        let told = |command: &mut Command| {
            let out = run(command).map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
            let out = out.unwrap_or_default();
            out.split_whitespace()
                .last()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        let postfix = told(
            Command::new("postconf")
                .arg("-c")
                .arg(self.folder.join("etc"))
                .arg("mail_version"),
        );
        let dovecot = run(Command::new("dovecot").arg("--version"));
        let dovecot = dovecot.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        format!("Postfix {postfix}, Dovecot {}", dovecot.unwrap_or_default())
    }

    fn flush(&self, group: &Group) -> io::Result<()> {
        let mut command = group.command("postqueue");
        command.arg("-c").arg(self.folder.join("etc")).arg("-f");
        run(&mut command).map(drop)
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        for file in ["queue/pid/master.pid", "run/master.pid"] {
            let Ok(pid) = fs::read_to_string(self.folder.join(file)) else {
                continue;
            };
            let pid = pid.trim().to_owned();
            let _ = run(Command::new("kill").args(["-TERM", &pid]));
            let _ = within(Duration::from_secs(10), || {
                !Path::new("/proc").join(&pid).exists()
            });
        }
    }
}
