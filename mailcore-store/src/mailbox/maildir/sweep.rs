//! Removing what was abandoned in `tmp/`.

use super::room::Room;
use crate::disk::FileKind;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Nobody writes to a file in `tmp/` for so long.
const ABANDONED: Duration = Duration::from_secs(36 * 3600);

/// Removes what was abandoned in `tmp/`.
pub(super) fn sweep(room: &Room) {
    let disk = &*room.site.disk;
    let tmp = room.path("tmp");
    let mut paths = Vec::new();
    // What cannot be looked at now is looked at another time.
    let _ = disk.list(&tmp, &mut |name, _| paths.push(tmp.join(name)));
    let files = paths.into_iter().filter_map(|path| {
        let stat = disk.stat(&path).ok()?;
        (stat.kind == FileKind::File).then_some((path, stat.changed))
    });
    let files: Vec<(PathBuf, SystemTime)> = files.collect();
    // The clock of a file server shows by what it has noted last.
    let now = match (room.site.shared, room.site.look(&tmp)) {
        (false, _) => room.site.now(),
        (true, Err(_)) => return,
        (true, Ok(tmp)) => {
            let latest = files.iter().map(|(_, changed)| *changed).max();
            latest.map_or(tmp.changed, |latest| latest.max(tmp.changed))
        }
    };
    for (path, changed) in files {
        if now.duration_since(changed).is_ok_and(|age| age > ABANDONED) {
            let _ = disk.unlink(&path);
        }
    }
}
