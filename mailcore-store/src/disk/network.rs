//! Which file systems other hosts, or programs behind the kernel's back, may change too.

use std::io;
use std::path::Path;

/// By the numbers that Linux gives them.
const NETWORK: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0102_1997, "9P"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
];

/// What such a file system is called, if this path is on one.
pub(super) fn name(path: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(path)?.f_type as u32; // the numbers above are of 32 bits
    let known = NETWORK.iter().find(|(number, _)| *number == kind);
    Ok(known.map(|(_, name)| *name))
}
