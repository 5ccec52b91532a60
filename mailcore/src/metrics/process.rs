//! What this process takes of the machine, as far as Linux tells it. Touches files.

use std::fs;

/// What a process takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Resident memory in octets.
    pub resident: Option<u64>,
    /// Address space in octets.
    pub address_space: Option<u64>,
    /// Open files and sockets.
    pub open_files: Option<u64>,
}

impl Process {
    /// This process, now. What the system does not tell is left out.
    #[must_use]
    pub fn look() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let octets = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kib * 1024)
        };
        let files = fs::read_dir("/proc/self/fd").ok();
        Self {
            resident: octets("VmRSS:"),
            address_space: octets("VmSize:"),
            // The look has one open itself.
            open_files: files.map(|files| (files.count() as u64).saturating_sub(1)),
        }
    }
}
