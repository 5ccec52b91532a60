//! neomutt under tmux with a header cache and QRESYNC: it searches on the server, saves, deletes, waits, sends, and
//! comes back.

use super::{ALICE, kept};
use crate::server::{IMAPS, SUBMISSION, Server, have};
use crate::terminal::Terminal;
use std::fs;
use std::path::PathBuf;

fn settings(server: &Server) -> PathBuf {
    let at = server.scratch();
    fs::create_dir_all(at.join("bodies")).unwrap();
    let (password, here) = (server.password(ALICE), at.display());
    // Of its own accord it takes SCRAM-SHA-256-PLUS for SMTP, and then has no channel binding to give.
    let rc = format!(
        "set imap_user={ALICE} imap_pass={password} ssl_force_tls=yes certificate_file={}\n\
         set folder=imaps://localhost:{}/ spoolfile=+INBOX record=+Sent postponed=+Drafts\n\
         set header_cache={here}/headers message_cachedir={here}/bodies\n\
         set imap_condstore=yes imap_qresync=yes imap_idle=yes imap_keepalive=5 mail_check=1 timeout=1\n\
         set from={ALICE} smtp_url=smtp://{ALICE}:{password}@localhost:{} smtp_authenticators=plain\n\
         set sort=date-received delete=yes quit=yes confirmappend=no confirmcreate=no fcc_attach=yes editor=true abort_unmodified=no\n",
        server.certificate().display(),
        server.port(IMAPS),
        server.port(SUBMISSION)
    );
    let file = at.join("neomuttrc");
    fs::write(&file, rc).unwrap();
    file
}

/// What it says to the server goes into `log` and a digit.
fn neomutt(server: &Server, log: &str) -> Terminal {
    let (rc, at) = (settings(server), server.scratch().display());
    let line = format!("neomutt -n -F {} -d 5 -l {at}/{log}", rc.display());
    Terminal::start(server, &line)
}

fn deliver(server: &Server, n: u32, body: &str) {
    let head = "From: Bob <bob@x.test>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8";
    server.deliver(ALICE, &format!("{head}\nSubject: number {n}\n\n{body}\n"));
}

/// The line of the list that shows this message.
fn row(screen: &str, n: u32) -> Option<&str> {
    screen
        .lines()
        .find(|line| line.ends_with(&format!("number {n}")))
}

#[test]
fn neomutt_searches_saves_deletes_waits_and_comes_back_by_qresync() {
    if !have(&["neomutt", "tmux"]) {
        return;
    }
    let server = Server::start(&[]);
    for n in 1..=6 {
        let body = if n == 3 { "schöne Grüße" } else { "nothing" };
        deliver(&server, n, body);
    }
    let terminal = neomutt(&server, "first");
    let screen = terminal.shows("number 6");
    assert!((1..=6).all(|n| row(&screen, n).is_some()), "{screen}");

    // The server finds it: the bodies were never here.
    terminal.keys(&["l", "=b GRÜßE", "Enter"]);
    let screen = terminal.shows("[Msgs:1/6");
    assert!(row(&screen, 3).is_some(), "{screen}");
    terminal.keys(&["Enter"]);
    terminal.shows("schöne Grüße");
    terminal.keys(&["i"]);
    terminal.keys(&["l", "all", "Enter"]);
    terminal.shows("[Msgs:6");
    terminal.keys(&["2", "Enter", "F"]);
    terminal.shows("Flag:1");
    terminal.keys(&["4", "Enter", "s"]);
    terminal.shows("=bob");
    terminal.keys(&["C-u", "=Archiv.Über", "Enter"]);
    terminal.shows("Del:1");
    terminal.keys(&["5", "Enter", "d"]);
    terminal.shows("Del:2");
    terminal.keys(&["$"]);
    terminal.shows("[Msgs:4");
    // Mail comes while it waits.
    deliver(&server, 7, "later");
    terminal.shows("number 7");
    terminal.keys(&["q"]);
    terminal.ended();
    // It calls old whatever it showed and nobody read.
    let left = [
        "number 1 Old",
        "number 2 \\Flagged Old",
        "number 3 \\Seen",
        "number 6 Old",
        "number 7 Old",
    ];
    assert_eq!(kept(&server, ALICE, ""), left);
    assert_eq!(kept(&server, ALICE, ".Archiv.&ANw-ber"), ["number 4"]);

    // Others change things while it is away; it hears what they were, and keeps what it had.
    let mut other = server.imap(ALICE, &server.password(ALICE));
    other.command("a", "SELECT INBOX");
    other.command("b", "UID STORE 6 +FLAGS.SILENT (\\Flagged)");
    other.command("c", "UID STORE 2 -FLAGS.SILENT (\\Flagged)");
    other.command("d", "UID STORE 1 +FLAGS.SILENT (\\Deleted)");
    other.command("e", "EXPUNGE");
    deliver(&server, 8, "new");
    let terminal = neomutt(&server, "second");
    let screen = terminal.shows("number 8");
    assert!(row(&screen, 1).is_none(), "{screen}");
    let marked = |n: u32| row(&screen, n).unwrap().contains(" ! ");
    assert!(marked(6) && !marked(2), "{screen}");
    // Two that are tagged are marked together: not old but read, and answered.
    terminal.keys(&["T", "~s [23]", "Enter"]);
    terminal.keys(&["\\;", "W", "O", "\\;", "w", "r"]);
    terminal.keys(&["$"]);
    terminal.keys(&["q"]);
    terminal.ended();
    let said = fs::read(server.scratch().join("second0")).unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(" VANISHED)"), "it asks what has vanished");
    assert!(said.contains("* VANISHED (EARLIER) 1"), "it is told");
    let left = [
        "number 2 \\Answered \\Seen",
        "number 3 \\Answered \\Seen",
        "number 6 \\Flagged Old",
        "number 7 Old",
        "number 8 Old",
    ];
    assert_eq!(kept(&server, ALICE, ""), left);
}

#[test]
fn neomutt_postpones_takes_up_again_sends_and_keeps_what_it_sent() {
    if !have(&["neomutt", "tmux"]) {
        return;
    }
    let server = Server::start(&[]);
    let mut talk = server.imap(ALICE, &server.password(ALICE));
    talk.command("a", "CREATE Sent");
    talk.command("b", "CREATE Drafts");
    let at = server.scratch();
    fs::write(at.join("groß.bin"), "0123456789abcdef".repeat(40_000)).unwrap();
    fs::write(at.join("body"), "schöne Grüße\n").unwrap();
    let start = format!("neomutt -n -F {}", settings(&server).display());
    let new = format!("{start} -s 'für dich' -i body -a groß.bin -- bob@example.test");
    let terminal = Terminal::start(&server, &new);
    terminal.shows("To: bob@example.test");
    terminal.keys(&["Enter"]);
    terminal.shows("Subject: für dich");
    terminal.keys(&["Enter"]);
    terminal.shows("groß.bin");
    terminal.keys(&["P"]);
    terminal.ended();
    let subject = "=?utf-8?Q?f=C3=BCr?= dich";
    assert_eq!(
        kept(&server, ALICE, ".Drafts"),
        [format!("{subject} \\Draft")]
    );

    let terminal = Terminal::start(&server, &format!("{start} -p"));
    terminal.shows("groß.bin");
    terminal.keys(&["y"]);
    terminal.ended();
    server.settled();
    assert_eq!(kept(&server, ALICE, ".Drafts").len(), 0);
    assert_eq!(kept(&server, ALICE, ".Sent"), [format!("{subject} \\Seen")]);
    assert_eq!(kept(&server, "bob@example.test", ""), [subject]);
}
