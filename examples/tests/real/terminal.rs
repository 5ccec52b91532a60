//! A terminal under tmux, for programs that a person looks at.

use crate::server::{Server, succeed};
use std::process::Command;
use std::time::{Duration, Instant};

/// A program in a terminal of its own.
#[derive(Debug)]
pub struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts this line of the shell, at home in the server's scratch folder.
    pub fn start(server: &Server, line: &str) -> Self {
        let socket = format!("mailcore-{}", server.pid());
        succeed(
            Command::new("tmux")
                .args(["-f", "/dev/null", "-L", &socket])
                .args(["new-session", "-d", "-x", "120", "-y", "40"])
                .arg(line)
                .current_dir(server.scratch())
                .env("HOME", server.scratch())
                .env("TERM", "xterm")
                .env("LC_ALL", "C.UTF-8"),
        );
        Self { socket }
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", &self.socket]);
        tmux
    }

    /// Types: names of keys as tmux has them, or text.
    pub fn keys(&self, keys: &[&str]) {
        succeed(self.tmux().arg("send-keys").args(keys));
    }

    /// Waits until the screen shows it; at most half a minute.
    pub fn shows(&self, what: &str) -> String {
        self.becomes(what, |screen| screen.contains(what))
    }

    /// Waits until the screen is so; at most half a minute.
    pub fn becomes(&self, what: &str, so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = succeed(self.tmux().args(["capture-pane", "-p"]));
            if so(&screen) {
                return screen;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "no {what:?} on:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the program has ended; at most half a minute.
    pub fn ended(&self) {
        let start = Instant::now();
        let runs = || self.tmux().arg("has-session").output().unwrap().status;
        while runs().success() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "it does not end:\n{}",
                succeed(self.tmux().args(["capture-pane", "-p"]))
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}
