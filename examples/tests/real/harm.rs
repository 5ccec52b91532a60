//! What is done to a server that runs: its disk fills up or says no, its flushes take long, it gets no descriptor.

use crate::server::Server;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A small file system, which root alone can mount. Dropping it takes it away.
#[derive(Debug)]
pub struct Small(PathBuf);

impl Small {
    /// One of this size (as tmpfs has it: `96m`), in a folder that is made for it. Nothing, and says so, where none can
    /// be mounted: a right that the system does not give is nothing that could be installed.
    pub fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let options = format!("size={size},mode=700");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .output();
        if done.is_ok_and(|o| o.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("skipped: a tmpfs cannot be mounted here");
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all the room that is left: the file that does.
    pub fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        let much = vec![0; 1 << 20];
        let full = loop {
            if let Err(full) = file.write_all(&much) {
                break full;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        ballast
    }

    /// Mounts it anew: `ro`, `rw`.
    pub fn remount(&self, how: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.0)
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Sets how many files a server may have open.
pub fn limit(server: &Server, files: &str) {
    let pid = server.pid().to_string();
    let done = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--nofile={files}")])
        .status();
    assert!(done.unwrap().success());
}

/// A tracer that changes what becomes of a server's system calls. Dropping it lets them be again.
#[derive(Debug)]
pub struct Broken(Child);

impl Broken {
    /// Every flush fails.
    pub fn flushes(server: &Server) -> Option<Self> {
        Self::calls(server, "fsync,fdatasync,syncfs", "error=EIO")
    }

    /// These calls come out so (`strace -e inject=CALLS:HOW`). Nothing, and says so, where processes may not be traced.
    pub fn calls(server: &Server, calls: &str, how: &str) -> Option<Self> {
        let mut child = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:{how}")])
            .args(["-p", &server.pid().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.map_while(Result::ok) {
            if line.contains(" attached") {
                let end = Instant::now() + Duration::from_secs(60);
                while !traced(server) {
                    assert!(Instant::now() < end, "not all threads can be traced");
                    std::thread::sleep(Duration::from_millis(10));
                }
                return Some(Self(child));
            }
            said.push(line);
        }
        let _ = child.wait();
        // A right that the system does not give is nothing that could be installed.
        eprintln!("skipped: strace cannot trace here: {said:?}");
        None
    }
}

/// Whether each thread has a tracer.
fn traced(server: &Server) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let tracer = status.lines().find_map(|l| l.strip_prefix("TracerPid:"));
        tracer.is_none_or(|it| it.trim() != "0")
    })
}

impl Drop for Broken {
    fn drop(&mut self) {
        // So that it lets go of what it traces; where it cannot, since that has ended in a call that it holds up, it must.
        let _ = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status();
        let end = Instant::now() + Duration::from_secs(10);
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
