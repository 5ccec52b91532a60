//! How large a run is, and what a process holds.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Whether the full measurements are wanted.
fn full() -> bool {
    std::env::var("MAILCORE_TIER2").is_ok_and(|v| v == "1")
}

/// Whether there is something to measure: without optimisation futures are several times as large and everything is
/// slow, and figures say nothing. A test that asks for a release build says so by name.
pub fn optimised(test: &str) -> bool {
    if cfg!(debug_assertions) {
        println!("not measured: {test} asks for --release");
    }
    !cfg!(debug_assertions)
}

/// Whether what one of many costs can be measured: what a few cost is lost in what the first of them set up for all.
pub fn at_scale(test: &str) -> bool {
    if !full() {
        println!("not measured: {test} asks for MAILCORE_TIER2=1");
    }
    full() && optimised(test)
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

/// Processor time that a process has used, in hundredths of a second.
fn worked(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let field = |n: usize| behind.split_whitespace().nth(n).unwrap();
    field(11).parse::<u64>().unwrap() + field(12).parse::<u64>().unwrap()
}

/// Resident memory once the process has come to rest: when it has taken in what was sent to it, and two seconds go by
/// in which it hardly works.
pub fn at_rest(pid: u32) -> u64 {
    let (mut calm, mut before) = (0, worked(pid));
    for _ in 0..2_400 {
        std::thread::sleep(Duration::from_millis(250));
        let now = worked(pid);
        calm = if now <= before + 1 { calm + 1 } else { 0 };
        before = now;
        if calm == 8 {
            return resident(pid);
        }
    }
    panic!("it does not come to rest");
}

/// Resident memory once the process has come to rest and has given back what it gives back with time: it has not fallen
/// for ten seconds.
pub fn settled(pid: u32) -> u64 {
    let (mut least, mut steady) = (at_rest(pid), 0);
    while steady < 40 {
        std::thread::sleep(Duration::from_millis(250));
        let now = resident(pid);
        steady = if now < least { 0 } else { steady + 1 };
        least = least.min(now);
    }
    least
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
