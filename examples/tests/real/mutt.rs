//! mutt under tmux, as a person would.

use crate::server::{IMAPS, Server, have, succeed};
use std::process::Command;
use std::time::{Duration, Instant};

/// Waits until the screen shows it; at most half a minute.
fn shows(socket: &str, what: &str) -> String {
    let start = Instant::now();
    loop {
        let screen = succeed(Command::new("tmux").args(["-L", socket, "capture-pane", "-p"]));
        if screen.contains(what) {
            return screen;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "no {what:?} on:\n{screen}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn mutt_lists_reads_and_deletes() {
    if !have(&["mutt", "tmux"]) {
        return;
    }
    let server = Server::start(&[]);
    let alice = server.password("alice@example.test");
    for n in ["first", "second"] {
        server.deliver(
            "alice@example.test",
            &format!("From: Bob <bob@x.test>\nSubject: the {n} one\n\nbody of the {n}"),
        );
    }
    let rc = server.scratch().join("muttrc");
    std::fs::write(
        &rc,
        format!(
            "set imap_user=alice@example.test\nset imap_pass={alice}\nset ssl_force_tls=yes\n\
             set certificate_file={}\nset delete=yes\nset sort=date-received\nset folder={}\n\
             set header_cache=\nset quit=yes\n",
            server.certificate().display(),
            server.scratch().display()
        ),
    )
    .unwrap();
    let socket = format!("mailcore-{}", server.pid());
    let line = format!(
        "mutt -n -F {} -f imaps://localhost:{}/INBOX",
        rc.display(),
        server.port(IMAPS)
    );
    succeed(
        Command::new("tmux")
            .args([
                "-f",
                "/dev/null",
                "-L",
                &socket,
                "new-session",
                "-d",
                "-x",
                "120",
                "-y",
                "40",
            ])
            .arg(&line)
            .env("HOME", server.scratch())
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8"),
    );
    let keys = |keys: &[&str]| {
        succeed(
            Command::new("tmux")
                .args(["-L", &socket, "send-keys"])
                .args(keys),
        )
    };
    let screen = shows(&socket, "the second one");
    assert!(screen.contains("the first one"), "{screen}");
    keys(&["1", "Enter", "Enter"]);
    shows(&socket, "body of the first");
    keys(&["i"]);
    shows(&socket, "the second one");
    keys(&["d"]);
    keys(&["q"]);
    let start = Instant::now();
    while Command::new("tmux")
        .args(["-L", &socket, "has-session"])
        .output()
        .unwrap()
        .status
        .success()
    {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "mutt does not end"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut talk = server.imap("alice@example.test", &alice);
    assert!(
        talk.command("a", "SELECT INBOX")
            .contains(&"* 1 EXISTS".to_owned())
    );
}
