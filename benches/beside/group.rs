//! Processes that are counted together: what they have taken of the processors, those that are over included, and of
//! memory. A control group of the kernel's (version 2), which root can make.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What our groups' names begin with; our process id follows.
const PREFIX: &str = "mailcore-beside-";

/// A group of processes. Dropping it ends those that are left.
#[derive(Debug)]
pub struct Group {
    path: PathBuf,
}

impl Group {
    pub fn new(name: &str) -> io::Result<Self> {
        let path = mount()?.join(format!("{PREFIX}{}-{name}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Ends what runs that were cut off have left behind.
    pub fn sweep() -> io::Result<()> {
        for entry in fs::read_dir(mount()?)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let pid = name
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split('-').next());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                drop(Self { path });
            }
        }
        Ok(())
    }

    /// A program that will be of the group, with all that it starts.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        let script = "echo 0 > \"$0/cgroup.procs\" && exec \"$@\"";
        command.args(["-c", script]).arg(&self.path).arg(program);
        command
    }

    /// What it has taken of the processors.
    pub fn cpu(&self) -> Duration {
        let text = fs::read_to_string(self.path.join("cpu.stat")).unwrap_or_default();
        let mut lines = text.lines();
        let used = lines.find_map(|line| line.strip_prefix("usage_usec "));
        Duration::from_micros(used.and_then(|n| n.parse().ok()).unwrap_or(0))
    }

    fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Octets of memory, what several processes share divided among them.
    pub fn memory(&self) -> u64 {
        self.pids().into_iter().filter_map(proportional).sum()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        for _ in 0..500 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10)); // the kernel takes a moment to bury them
        }
    }
}

fn proportional(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn mount() -> io::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut lines = mounts.lines().map(|line| line.split(' '));
    let found = lines.find_map(|mut words| {
        let path = words.nth(1)?;
        (words.next()? == "cgroup2").then(|| PathBuf::from(path))
    });
    found.ok_or_else(|| io::Error::other("no control groups (version 2) are mounted"))
}
