//! How large a run is, and what a process holds.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Whether the full measurements are wanted.
pub fn full() -> bool {
    std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1")
}

/// The one number in a full run, the other otherwise.
pub fn sized<T>(full_run: T, small_run: T) -> T {
    if full() { full_run } else { small_run }
}

/// Resident memory of a process in octets.
pub fn resident(pid: u32) -> u64 {
    line(pid, "VmRSS:")
}

/// The most resident memory that a process has had since it started or since [`forget_peak`].
pub fn peak(pid: u32) -> u64 {
    line(pid, "VmHWM:")
}

/// Begins a new measurement of the peak.
pub fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

fn line(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with(name)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Resident memory once it has come to rest: the least of several looks.
pub fn at_rest(pid: u32) -> u64 {
    let look = |_| {
        std::thread::sleep(Duration::from_millis(250));
        resident(pid)
    };
    (0..sized(20, 4)).map(look).min().unwrap()
}

/// Lets this process open as many files as it may.
pub fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, all);
}
