//! A disk that says no to a flush: nothing that may not be on it is ever acknowledged.

use super::net::{Letter, Net, exchanger, mail, wait_for, wait_for_empty_queue};
use super::scripted::Scripted;
use crate::server::{LMTP, Server, free_base, have};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A tracer that lets every flush of a server fail. Dropping it lets them succeed again.
struct Broken(Child);

impl Broken {
    /// Nothing, and says so, where processes may not be traced.
    fn flushes(server: &Server) -> Option<Self> {
        let mut child = Command::new("strace")
            .args([
                "-f",
                "-o",
                "/dev/null",
                "-e",
                "trace=fsync,fdatasync,syncfs,sync_file_range",
            ])
            .args(["-e", "inject=fsync,fdatasync,syncfs:error=EIO"])
            .args(["-p", &server.pid().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.map_while(Result::ok) {
            if line.contains(" attached") {
                wait_for("all threads to be traced", || traced(server).then_some(()));
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
        // So that it lets go of what it traces.
        let _ = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status();
        let _ = self.0.wait();
    }
}

fn letter<'a>(rcpt: &'a [&'a str], message: &'a str) -> Letter<'a> {
    Letter {
        mail: "<alice@a.test>",
        rcpt,
        message,
    }
}

#[test]
fn a_failed_flush_is_never_answered_with_250() {
    if !have(&["strace"]) {
        return;
    }
    let peer = Scripted::start(&[]);
    let net = Net::new(&exchanger("c.test", peer.port));
    let base = free_base();
    let a = net.start("a.test", base, &[]);
    let before = letter(&["<x@c.test>", "<bob@a.test>"], "Subject: before\n\nx\n");
    before.send(&a);
    wait_for_empty_queue(&a);
    let Some(broken) = Broken::flushes(&a) else {
        return;
    };
    for _ in 0..5 {
        let lost = letter(&["<x@c.test>", "<bob@a.test>"], "Subject: lost\n\nx\n");
        let reply = lost.try_send(&a);
        assert!(reply.starts_with('4'), "{reply}");
    }
    // LMTP has no queue to lean on: it answers for the mailbox itself.
    let mut talk = a.connect(LMTP);
    talk.expect("220 ");
    for command in [
        "LHLO client.test",
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<bob@a.test>",
        "DATA",
    ] {
        talk.send(command);
        talk.reply();
    }
    talk.send("Subject: lost\r\n\r\nx\r\n.");
    let reply = talk.reply();
    assert!(reply.starts_with('4'), "{reply}");
    drop(broken);

    // After a start at the latest all is well, and what was acknowledged is there, once.
    let a = net.start_in(a.kill(), "a.test", base, &[]);
    letter(&["<x@c.test>", "<bob@a.test>"], "Subject: after\n\nx\n").send(&a);
    wait_for_empty_queue(&a);
    for subject in ["before", "after"] {
        let line = format!("Subject: {subject}");
        let count = |texts: Vec<String>| texts.iter().filter(|it| it.contains(&line)).count();
        assert_eq!(count(peer.heard().messages), 1, "{subject}");
        assert_eq!(count(mail(&a.data(), "bob@a.test")), 1, "{subject}");
    }
}
