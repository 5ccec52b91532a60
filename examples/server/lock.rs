//! One server for a data folder: two would give the same UIDs to different mail and write each other's files.

use crate::first_run::Unusable;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Held as long as the server uses the folder. The system takes it back when the process ends, however it does: a
/// file that a dead server has left behind holds nobody up.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Locks the folder, which is made where it is missing, and writes down who holds it.
    pub fn take(folder: &Path) -> Result<Self, Unusable> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| Unusable(format!("{}: {e}", folder.display())))?;
        let path = folder.join("lock");
        let wrong = |e: io::Error| Unusable(format!("{}: {e}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(&path)
            .map_err(wrong)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Unusable(format!(
                    "{}: the data folder is in the hands of another mailserver{}: stop that one, or take \
                     another folder with --data DIR",
                    folder.display(),
                    holder(&mut file)
                )));
            }
            Err(e) => return Err(wrong(e.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(wrong)?;
        Ok(Self(file))
    }

    /// The file, which is to be that user's who serves.
    pub fn file(&self) -> &File {
        &self.0
    }
}

/// Who wrote the file: nobody yet, where the other has only just taken it.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // A pid has far fewer digits; what else stands there is not shown.
    let read = file.take(20).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!(" (process {pid})"),
        _ => String::new(),
    }
}
