//! The two that are compared: what both have in common.

mod ours;
mod theirs;

use crate::group::Group;
use crate::load::{Layer, Place, Trust};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The domain that both serve.
pub const DOMAIN: &str = "example.test";
/// Mail for it is taken, kept, and thrown away.
pub const DISCARDED: &str = "discard.test";
/// Everybody's password.
pub const PASSWORD: &str = "secret";
/// Users `user0000@example.test` … whose password is kept as it is.
pub const USERS: usize = 2000;
/// The user whose mailbox is full, and the one that is hashed.
pub const FULL: &str = "full@example.test";
pub const HASHED: &str = "hashed@example.test";

pub fn user(number: usize) -> String {
    format!("user{:04}@{DOMAIN}", number % USERS)
}

/// A service, by what is added to the base port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Lmtp = 24,
    Smtp = 25,
    Pop3 = 110,
    Imap = 143,
    Imaps = 993,
}

/// What differs between the two.
trait Program {
    /// Who it is, and of which version; asks it.
    fn version(&self) -> String;
    /// Tries all mail at once that waits.
    fn flush(&self, group: &Group) -> io::Result<()>;
}

/// One of the two, running.
pub struct Side {
    pub name: &'static str,
    pub group: Group,
    folder: PathBuf,
    base: u16,
    trust: Trust,
    version: String,
    program: Box<dyn Program>,
}

impl Side {
    /// Both: ours first, whose certificate serves for both.
    pub fn both(folder: &Path, server: &Path, bases: [u16; 2], sink: u16) -> io::Result<[Self; 2]> {
        let [first, second] = bases;
        let ours = Self::ours(&folder.join("ours"), server, first, sink)?;
        let tls = folder.join("ours/data/tls");
        let theirs = Self::theirs(&folder.join("theirs"), &tls, second, sink)?;
        Ok([theirs, ours])
    }

    fn ours(folder: &Path, server: &Path, base: u16, sink: u16) -> io::Result<Self> {
        lay_out(folder)?;
        let group = Group::new("ours")?;
        let program = ours::Ours::start(&group, folder, server, base, sink)?;
        Self::of(
            "mailcore",
            folder,
            group,
            base,
            Box::new(program),
            &folder.join("data/tls"),
        )
    }

    fn theirs(folder: &Path, tls: &Path, base: u16, sink: u16) -> io::Result<Self> {
        lay_out(folder)?;
        let group = Group::new("theirs")?;
        let program = theirs::Theirs::start(&group, folder, tls, base, sink)?;
        Self::of(
            "Postfix + Dovecot",
            folder,
            group,
            base,
            Box::new(program),
            tls,
        )
    }

    fn of(
        name: &'static str,
        folder: &Path,
        group: Group,
        base: u16,
        program: Box<dyn Program>,
        tls: &Path,
    ) -> io::Result<Self> {
        let side = Self {
            name,
            group,
            folder: folder.to_owned(),
            base,
            trust: Trust::only(&tls.join("cert.pem"), &format!("mail.{DOMAIN}"))?,
            version: program.version(),
            program,
        };
        for service in [
            Service::Smtp,
            Service::Lmtp,
            Service::Imap,
            Service::Imaps,
            Service::Pop3,
        ] {
            let address = side.address(service);
            within(Duration::from_secs(20), || {
                std::net::TcpStream::connect(address).is_ok()
            })?;
        }
        Ok(side)
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn flush(&self) -> io::Result<()> {
        self.program.flush(&self.group)
    }

    pub fn address(&self, service: Service) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.base + service as u16).into()
    }

    pub fn imap(&self, layer: Layer) -> Place {
        match layer {
            Layer::Plain => self.plain(Service::Imap),
            Layer::Tls => Place {
                address: self.address(Service::Imaps),
                trust: Some(self.trust.clone()),
            },
        }
    }

    pub fn plain(&self, service: Service) -> Place {
        Place {
            address: self.address(service),
            trust: None,
        }
    }

    /// The Maildir of a user.
    pub fn maildir(&self, user: &str) -> PathBuf {
        let name = user.split('@').next().unwrap_or(user);
        self.folder.join("mail").join(name)
    }
}

/// The folders and users of one of the two.
fn lay_out(folder: &Path) -> io::Result<()> {
    for name in ["", "mail", "data"] {
        let path = folder.join(name);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let (owner, group) = owner()?;
    chown(folder.join("mail"), Some(owner), Some(group))?;
    let hash = run(Command::new("openssl").args(["passwd", "-6", PASSWORD]))?;
    let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
    let mut users: String = (0..USERS)
        .map(|n| format!("{}:{{PLAIN}}{PASSWORD}\n", user(n)))
        .collect();
    users += &format!("{FULL}:{{PLAIN}}{PASSWORD}\n{HASHED}:{{SHA512-CRYPT}}{hash}\n");
    fs::write(folder.join("data/users"), users)?;
    fs::set_permissions(folder.join("data/users"), fs::Permissions::from_mode(0o644))
}

/// Who owns the mail.
pub const OWNER: &str = "nobody";

/// The numbers of the mail's owner and of his group.
pub fn owner() -> io::Result<(u32, u32)> {
    let number = |which: &str| -> io::Result<u32> {
        let out = run(Command::new("id").args([which, OWNER]))?;
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        text.parse().map_err(io::Error::other)
    };
    Ok((number("-u")?, number("-g")?))
}

/// Runs a program to its end, which is a good one.
pub fn run(command: &mut Command) -> io::Result<Output> {
    let out = command.stdin(Stdio::null()).output().map_err(|e| {
        io::Error::new(
            e.kind(),
            format!("{}: {e}", command.get_program().display()),
        )
    })?;
    match out.status.success() {
        true => Ok(out),
        false => {
            let said = String::from_utf8_lossy(&out.stderr);
            Err(io::Error::other(format!(
                "{command:?}: {}: {said}",
                out.status
            )))
        }
    }
}

/// Waits until something is so.
pub fn within(patience: Duration, mut is_so: impl FnMut() -> bool) -> io::Result<()> {
    let end = Instant::now() + patience;
    while !is_so() {
        if Instant::now() > end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
