//! Mail for others: accepted and handed on to `smtp-sink`, and a queue that is drained into it.

use super::mail::{PATIENCE, SIZE, smtp_source};
use super::{Case, Lab};
use crate::sample::{Sample, measure, settle};
use crate::side::{OWNER, Side, run};
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "accept and relay, 10 sessions, 10 KiB",
            "messages",
            5.0,
            relay,
        ),
        Case::new("draining a queue, 10 KiB", "messages", 3.0, drain),
    ]
}

const TO: &str = "friend@elsewhere.test";

fn relay(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let messages = lab.scale.messages;
    let sink = Sink::start(lab.sink)?;
    measure(&side.group, messages as u64, || {
        run(&mut smtp_source(side, 10, messages, SIZE, TO))?;
        sink.wait(messages)
    })
}

/// The queue fills while nobody takes its mail, and is then told to try all of it.
fn drain(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let messages = lab.scale.queued;
    run(&mut smtp_source(side, 10, messages, SIZE, TO))?;
    settle(&side.group);
    let sink = Sink::start(lab.sink)?;
    measure(&side.group, messages as u64, || {
        side.flush()?;
        sink.wait(messages)
    })
}

/// A running `smtp-sink`, and how many messages it has taken. Dropping it ends it.
struct Sink {
    child: Child,
    taken: Arc<AtomicUsize>,
    reader: Option<JoinHandle<()>>,
}

impl Sink {
    fn start(port: u16) -> io::Result<Self> {
        let mut command = Command::new("smtp-sink");
        command.args(["-u", OWNER, "-c", &format!("inet:127.0.0.1:{port}"), "1000"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let taken = Arc::new(AtomicUsize::new(0));
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let told = taken.clone();
        let reader = std::thread::spawn(move || read(out, &told));
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        crate::side::within(Duration::from_secs(10), || {
            std::net::TcpStream::connect(address).is_ok()
        })?;
        Ok(Self {
            child,
            taken,
            reader: Some(reader),
        })
    }

    fn wait(&self, messages: usize) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.taken.load(Ordering::Relaxed) < messages {
            if Instant::now() > end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// It tells `… mesg=N` again and again, with a carriage return between.
fn read(mut out: impl Read, taken: &AtomicUsize) {
    let mut text = Vec::new();
    let mut room = [0; 64 * 1024];
    while let Ok(n @ 1..) = out.read(&mut room) {
        text.extend_from_slice(&room[..n]);
        let line = text.split(|b| *b == b'\r').rev().nth(1).unwrap_or_default();
        let number = String::from_utf8_lossy(line)
            .split("mesg=")
            .nth(1)
            .and_then(|word| word.trim().parse().ok());
        if let Some(number) = number {
            taken.store(number, Ordering::Relaxed);
        }
        let last = memchr::memrchr(b'\r', &text).unwrap_or(0);
        text.drain(..last);
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
