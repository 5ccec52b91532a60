//! The same mail twice: a Maildir that a Dovecot has given its UIDs, and a copy of it for our server.

use crate::chance::Chance;
use crate::mail;
use crate::manners::{MANNERS, Manner};
use crate::marks::head;
use crate::patience::open_folder;
use crate::server::{run, succeed};
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const USER: &str = "reader@example.test";
pub const PASSWORD: &str = "compare-password";
const NOBODY: u32 = 65_534;

/// A message as it lies in both Maildirs.
#[derive(Debug, Clone)]
pub struct Mail {
    pub octets: Vec<u8>,
    /// Where it is from: its number, or its file.
    pub name: String,
    /// When it came, in seconds since 1970.
    pub received: i64,
    /// Its header, and the manners in which Dovecot reads another one.
    read: OnceLock<(Vec<u8>, Vec<&'static Manner>)>,
}

impl Mail {
    fn new(octets: Vec<u8>, name: String) -> Self {
        Self {
            octets,
            name,
            received: 0,
            read: OnceLock::new(),
        }
    }

    /// Its header with CRLF line ends, and the manners in which Dovecot reads another one.
    pub fn header(&self) -> &(Vec<u8>, Vec<&'static Manner>) {
        self.read.get_or_init(|| {
            let header = with_crlf(head(&self.octets));
            let other = |manner: &&Manner| (manner.write)(&header) != header;
            let manners = MANNERS.iter().filter(other).collect();
            (header, manners)
        })
    }

    /// RFC822.SIZE.
    pub fn size(&self) -> u64 {
        wire(&self.octets) as u64
    }
}

/// The numbers of the messages that are made: all, or those of `MAILCORE_ONLY` (`436,1754`, from number 0).
fn numbers(generated: usize) -> Box<dyn Iterator<Item = usize>> {
    match std::env::var("MAILCORE_ONLY") {
        Ok(only) => {
            let only: Vec<usize> = only.split(',').map(|n| n.parse().unwrap()).collect();
            Box::new(only.into_iter())
        }
        Err(_) => Box::new(0..generated),
    }
}

/// A folder with `data/users` and, below `mail`, a Maildir for `reader`.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = open_folder();
        fs::create_dir_all(folder.path().join("data")).unwrap();
        fs::write(
            folder.path().join("data/users"),
            format!("{USER}:{{PLAIN}}{PASSWORD}\n"),
        )
        .unwrap();
        Self { folder }
    }

    pub fn users(&self) -> PathBuf {
        self.folder.path().join("data/users")
    }

    pub fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    fn maildir(&self) -> PathBuf {
        self.mail().join("reader")
    }

    /// So many messages from that seed, and where `real` ones are wanted those of `MAILCORE_CORPUS`: in the order of their
    /// UIDs.
    pub fn filled(seed: u64, generated: usize, real: bool) -> (Self, Vec<Mail>) {
        let place = Self::new();
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(place.maildir().join(sub)).unwrap();
        }
        let made = numbers(generated)
            .map(|number| Mail::new(mail::message(seed, number), format!("generated {number}")));
        let mut mails: Vec<Mail> = made
            .chain(real.then(corpus).into_iter().flatten())
            .collect();
        let mut chance = Chance::new(seed);
        for (number, mail) in mails.iter_mut().enumerate() {
            place.put(&mut chance, number, mail);
        }
        give(&place.mail());
        if let Some(keep) = std::env::var_os("MAILCORE_KEEP") {
            // To be looked at afterwards.
            succeed(Command::new("cp").arg("-a").arg(place.maildir()).arg(keep));
        }
        (place, mails)
    }

    /// Names as Dovecot and others give them, with and without sizes, in the order of their numbers.
    fn put(&self, chance: &mut Chance, number: usize, mail: &mut Mail) {
        let octets = &mail.octets;
        let flags = chance.text(&["", "S", "S", "RS", "FS", "D", "PS", "T", "FRST"]);
        let sizes = match chance.below(3) {
            0 => String::new(),
            1 => format!(",S={}", octets.len()),
            _ => format!(",S={},W={}", octets.len(), wire(octets)),
        };
        let name = format!(
            "{}.M{number:06}P1.host{sizes}:2,{flags}",
            1_500_000_000 + number
        );
        let path = self.maildir().join("cur").join(name);
        fs::write(&path, octets).unwrap();
        let received = received(chance);
        let file = fs::File::open(&path).unwrap();
        file.set_modified(received).unwrap();
        let since = received.duration_since(UNIX_EPOCH).unwrap();
        mail.received = since.as_secs() as i64;
    }

    /// A copy, without what Dovecot keeps for itself alone.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        succeed(
            Command::new("cp")
                .arg("-a")
                .arg(self.mail())
                .arg(copy.mail()),
        );
        for entry in fs::read_dir(copy.maildir()).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("dovecot.index")
            {
                fs::remove_file(path).unwrap();
            }
        }
        copy
    }
}

/// When a message came: days of several years, a few within the last ones.
fn received(chance: &mut Chance) -> SystemTime {
    match chance.below(8) {
        0 => SystemTime::now() - Duration::from_secs(3600 * chance.within(1, 100) as u64 + 1800),
        _ => UNIX_EPOCH + Duration::from_secs(1_500_000_000 + chance.below(250_000_000) as u64),
    }
}

/// Its size with CRLF line ends.
pub fn wire(octets: &[u8]) -> usize {
    let bare = octets
        .iter()
        .enumerate()
        .filter(|(at, b)| **b == b'\n' && (*at == 0 || octets[at - 1] != b'\r'));
    octets.len() + bare.count()
}

/// With CRLF line ends, as it is told.
pub fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32);
    for octet in octets {
        if *octet == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*octet);
    }
    out
}

/// Every message of the corpus, as it is.
fn corpus() -> Vec<Mail> {
    let Some(folder) = std::env::var_os("MAILCORE_CORPUS") else {
        return Vec::new();
    };
    let found = run(Command::new("find").arg(&folder).args(["-name", "*.eml"]));
    let mut paths: Vec<String> = String::from_utf8_lossy(&found.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    paths.sort();
    let folder = PathBuf::from(folder);
    let mail = |path: String| {
        let name = Path::new(&path).strip_prefix(&folder).unwrap();
        Mail::new(fs::read(&path).unwrap(), name.display().to_string())
    };
    paths.into_iter().map(mail).collect()
}

/// Gives all below a folder to `nobody`.
fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}
