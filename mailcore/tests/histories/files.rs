//! Another program at the files of INBOX, as Dovecot or a delivery agent is: it knows their names and nothing of us.

use crate::event::Foreign;
use crate::truth::Mails;
use crate::world::message;
use mailcore_store::disk::{Disk, Open, SimDisk};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Flags as letters of file names, in the order of `event::FLAGS`.
const LETTERS: [(char, &str); 4] = [
    ('R', "\\Answered"),
    ('F', "\\Flagged"),
    ('T', "\\Deleted"),
    ('S', "\\Seen"),
];

#[derive(Debug)]
pub struct Files {
    disk: Arc<dyn Disk>,
    /// The disk, where nobody is told of what happens on it, and time does not pass by itself.
    still: Option<SimDisk>,
}

impl Files {
    /// Whoever wants to know what happens there has to look.
    pub fn on_still(disk: SimDisk) -> Self {
        Self {
            disk: Arc::new(disk.clone()),
            still: Some(disk),
        }
    }

    /// What happens there is told by the system.
    pub fn on(disk: impl Disk + 'static) -> Self {
        Self {
            disk: Arc::new(disk),
            still: None,
        }
    }

    pub fn are_watched(&self) -> bool {
        self.still.is_none()
    }

    fn all(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for dir in ["u/cur", "u/new"] {
            let found = &mut |name: &std::ffi::OsStr, _| files.push(Path::new(dir).join(name));
            self.disk.list(Path::new(dir), found).unwrap();
        }
        files.sort();
        files
    }

    /// What is no longer there when it comes to it, it leaves alone.
    pub fn happens(&self, event: &Foreign, serial: usize) {
        let files = self.all();
        let one = |place: u16| files.get(usize::from(place).checked_rem(files.len())?);
        match event {
            Foreign::Flag(place, bits) => {
                if let Some(path) = one(*place) {
                    let _ = self.disk.rename(path, &flagged(path, *bits));
                }
            }
            Foreign::Deliver => {
                let name = format!("{serial}.foreign.host");
                let (tmp, new) = (
                    Path::new("u/tmp").join(&name),
                    Path::new("u/new").join(&name),
                );
                let text = message(serial).replace("\r\n", "\n");
                let file = self.disk.open(&tmp, Open::Create).unwrap();
                file.append(text.as_bytes()).unwrap();
                self.disk.rename(&tmp, &new).unwrap();
            }
            Foreign::Remove(place) => {
                if let Some(path) = one(*place) {
                    let _ = self.disk.unlink(path);
                }
            }
        }
    }

    /// Where nobody tells, what happened at the same moment as something of ours shows a second later.
    pub fn let_time_pass(&self) {
        if let Some(disk) = &self.still {
            disk.advance(Duration::from_secs(2));
        }
    }

    /// The messages are those of the files, with the flags that their names tell.
    pub fn agree_with(&self, mails: &Mails) {
        let mut there = Vec::new();
        for path in self.all() {
            let text = mailcore_store::disk::read(&*self.disk, &path, 1 << 20).unwrap();
            let lines = text.iter().filter(|b| **b == b'\n').count();
            let name = path.to_string_lossy().into_owned();
            let letters = name.rsplit_once(":2,").map_or("", |(_, letters)| letters);
            let flags = LETTERS
                .iter()
                .filter(|(letter, _)| letters.contains(*letter));
            let flags: BTreeSet<String> = flags.map(|(_, flag)| (*flag).to_owned()).collect();
            there.push((text.len() + lines, flags));
        }
        let shown = mails.values().map(|mail| {
            let system = mail.flags.iter().filter(|flag| flag.starts_with('\\'));
            (mail.size, system.cloned().collect())
        });
        let mut shown: Vec<(usize, BTreeSet<String>)> = shown.collect();
        // Copies have the same size.
        shown.sort();
        there.sort();
        assert_eq!(shown, there);
    }
}

/// The file name with these flags, keywords kept; a message with flags is in `cur/`.
fn flagged(path: &Path, bits: u8) -> PathBuf {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (base, letters) = name.split_once(":2,").unwrap_or((&name, ""));
    let named = LETTERS.iter().enumerate();
    let named = named.filter(|(n, _)| bits & 1 << n != 0);
    let mut letters: Vec<char> = letters
        .chars()
        .filter(char::is_ascii_lowercase)
        .chain(named.map(|(_, (letter, _))| *letter))
        .collect();
    letters.sort_unstable();
    let letters: String = letters.into_iter().collect();
    Path::new("u/cur").join(format!("{base}:2,{letters}"))
}
