//! The data folder: made on the first run with a certificate, two users and their aliases, left alone on every
//! other.

use mailcore::base::login::Secret;
use mailcore::net::tls;
use mailcore::store::auth::PasswordScheme;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why the data folder cannot be used.
#[derive(Debug)]
pub struct Unusable(pub String);

/// Where everything lies.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    /// The users made just now, with their passwords: the only time that these are known.
    pub made: Vec<(String, String)>,
}

impl DataFolder {
    /// Opens the folder, and makes what is missing in it. `hostname` goes into the certificate, `domain` into
    /// the users' names.
    pub fn open(root: &Path, hostname: &str, domain: &str) -> Result<Self, Unusable> {
        let wrong = |what: &Path, e: io::Error| Unusable(format!("{}: {e}", what.display()));
        for folder in [root.to_owned(), root.join("tls"), root.join("mail")] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|e| wrong(&folder, e))?;
        }
        let root = root.canonicalize().map_err(|e| wrong(root, e))?;
        let mut folder = Self {
            root,
            made: Vec::new(),
        };
        if !folder.certificate().exists() || !folder.key().exists() {
            let names = [hostname, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
            let made = tls::self_signed(&names)
                .map_err(|e| Unusable(format!("no certificate could be made: {e}")))?;
            write_new(&folder.key(), &made.key, 0o600).map_err(|e| wrong(&folder.key(), e))?;
            write_new(&folder.certificate(), &made.certificate, 0o644)
                .map_err(|e| wrong(&folder.certificate(), e))?;
        }
        if !folder.users().exists() {
            folder.make_users(domain)?;
        }
        if !folder.aliases().exists() {
            let text = "# name: target, target …  (a name without a domain holds in every domain of this server)\n\
                        postmaster: root\nabuse: root\n";
            let root = format!("root: alice@{domain}\n");
            write_new(&folder.aliases(), &format!("{text}{root}"), 0o600)
                .map_err(|e| wrong(&folder.aliases(), e))?;
        }
        Ok(folder)
    }

    fn make_users(&mut self, domain: &str) -> Result<(), Unusable> {
        let mut lines = String::from(
            "# user:{SCHEME}password, one a line (user: whole address, lower case); read again when it changes.\n\
             # Keep one kind of scheme: a {PLAIN} user makes CRAM-MD5 be offered to everybody, and clients that\n\
             # prefer it then fail for users who are stored in another way.\n",
        );
        for name in ["alice", "bob"] {
            let (user, password) = (format!("{name}@{domain}"), password()?);
            let scheme = PasswordScheme::ScramSha256;
            let stored = scheme
                .hash(&Secret::new(password.as_str()), &random::<16>()?, None)
                .map_err(|e| Unusable(e.to_string()))?;
            lines.push_str(&user);
            lines.push(':');
            stored.write_to(&mut lines);
            lines.push('\n');
            self.made.push((user, password));
        }
        let users = self.users();
        write_new(&users, &lines, 0o600).map_err(|e| Unusable(format!("{}: {e}", users.display())))
    }

    /// Takes back users that were made just now and whose passwords nobody has seen, because the server could not
    /// start: the next start makes others.
    pub fn forget_unshown_users(&self) {
        if !self.made.is_empty() {
            // What cannot be removed says so at the next start, by showing no passwords.
            let _ = fs::remove_file(self.users());
        }
    }

    /// The passwd-file.
    pub fn users(&self) -> PathBuf {
        self.root.join("users")
    }

    /// The aliases.
    pub fn aliases(&self) -> PathBuf {
        self.root.join("aliases")
    }

    /// The certificate.
    pub fn certificate(&self) -> PathBuf {
        self.root.join("tls/cert.pem")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.root.join("tls/key.pem")
    }

    /// Where mail lies: `%d` domain, `%n` local part.
    pub fn mail_template(&self) -> String {
        format!("{}/mail/%d/%n/Maildir", self.root.display())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A secret that is made once and kept: what made-up credentials of unknown users derive from.
    pub fn secret(&self) -> Result<[u8; 32], Unusable> {
        let path = self.root.join("secret");
        let wrong = |e: io::Error| Unusable(format!("{}: {e}", path.display()));
        match fs::read(&path).map(<[u8; 32]>::try_from) {
            Ok(Ok(secret)) => Ok(secret),
            Ok(Err(_)) => Err(Unusable(format!(
                "{}: not 32 octets; remove it to have a new one made",
                path.display()
            ))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let secret = random::<32>()?;
                create(&path, 0o600)
                    .and_then(|mut f| f.write_all(&secret))
                    .map_err(wrong)?;
                Ok(secret)
            }
            Err(e) => Err(wrong(e)),
        }
    }
}

/// A password of eighty random bits, in four groups.
fn password() -> Result<String, Unusable> {
    let letters = random::<16>()?.map(|b| char::from(ALPHABET[usize::from(b) % ALPHABET.len()]));
    let groups: Vec<String> = letters.chunks(4).map(|g| g.iter().collect()).collect();
    Ok(groups.join("-"))
}

fn random<const N: usize>() -> Result<[u8; N], Unusable> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|e| Unusable(format!("no randomness: {e}")))?;
    Ok(octets)
}

fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = create(path, mode)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
