//! mutt under tmux, as a person would.

use crate::server::{IMAPS, Server, have};
use crate::terminal::Terminal;

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
    let line = format!(
        "mutt -n -F {} -f imaps://localhost:{}/INBOX",
        rc.display(),
        server.port(IMAPS)
    );
    let mutt = Terminal::start(&server, &line);
    let screen = mutt.shows("the second one");
    assert!(screen.contains("the first one"), "{screen}");
    mutt.keys(&["1", "Enter", "Enter"]);
    mutt.shows("body of the first");
    mutt.keys(&["i"]);
    mutt.shows("the second one");
    mutt.keys(&["d"]);
    mutt.keys(&["q"]);
    mutt.ended();
    let mut talk = server.imap("alice@example.test", &alice);
    assert!(
        talk.command("a", "SELECT INBOX")
            .contains(&"* 1 EXISTS".to_owned())
    );
}
