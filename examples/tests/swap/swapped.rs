//! A real Postfix in front of our mailboxes and logins.

use crate::patience::{are_root, open_folder, wait_for};
use crate::postfix::{Postfix, SMTP, SMTPS, STRICT, SUBMISSION};
use crate::server::{CAROL, IMAP, IMAPS, POP3, Server, have, python, run, succeed};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A Postfix and our server behind it, which runs as `nobody`.
struct Swapped {
    // Dropped first: it must not find its sockets gone.
    postfix: Postfix,
    server: Server,
    #[allow(dead_code)] // holds the sockets
    sockets: tempfile::TempDir,
}

impl Swapped {
    /// Nothing, and says why, where something is missing. `inet`: logins by TCP instead of a Unix socket.
    fn start(inet: bool) -> Option<Self> {
        Self::with(inet, &[])
    }

    /// The same with further arguments for our server.
    fn with(inet: bool, further: &[&str]) -> Option<Self> {
        if !have(&["postfix", "swaks", "python3"]) || !are_root() {
            return None;
        }
        let sockets = open_folder();
        let lmtp = sockets.path().join("lmtp");
        let auth = sockets.path().join("auth");
        let dressed = |path: &PathBuf| format!("{},mode=0600,user=postfix", path.display());
        let port = free_port();
        let (place, path) = match inet {
            true => (
                format!("inet:127.0.0.1:{port}"),
                format!("inet:127.0.0.1:{port}"),
            ),
            false => (dressed(&auth), auth.display().to_string()),
        };
        let arguments = [
            "--lmtp-socket",
            &dressed(&lmtp),
            "--auth-socket",
            &place,
            "--mail-user",
            "nobody",
        ];
        let server = Server::start_in(open_folder(), &[&arguments[..], further].concat());
        server.add_user("carol@example.test", &format!("{{PLAIN}}{CAROL}"));
        // Clients are told of a mechanism by whatever process was started after it could be offered.
        let postfix = Postfix::before(&server, &lmtp, &path);
        Some(Self {
            postfix,
            server,
            sockets,
        })
    }

    fn swaks(&self, service: u16, arguments: &[&str]) -> Output {
        let mut command = Command::new("swaks");
        let port = self.postfix.port(service).to_string();
        command.args([
            "--server",
            "127.0.0.1",
            "--port",
            &port,
            "--helo",
            "client.test",
        ]);
        run(command.args(arguments))
    }

    /// Bob logs in and writes to alice.
    fn as_bob(&self, service: u16, tls: &str, arguments: &[&str]) -> Output {
        let bob = self.server.password("bob@example.test");
        let login = [
            tls,
            "--auth-user",
            "bob@example.test",
            "--auth-password",
            &bob,
        ];
        let way = ["--from", "bob@example.test", "--to", "alice@example.test"];
        self.swaks(service, &[&login[..], &way[..], arguments].concat())
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn text(out: &Output) -> String {
    let all = [out.stdout.as_slice(), &out.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// What an IMAP and a POP3 client find of three messages.
const READ: &str = r#"
import imaplib, poplib, ssl, sys, time
imap, imaps, pop3, password, mark = sys.argv[1:]
user = 'alice@example.test'
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); tls.check_hostname = False; tls.verify_mode = ssl.CERT_NONE
m = imaplib.IMAP4('127.0.0.1', int(imap)); m.starttls(tls); m.login(user, password); m.select()
for _ in range(1000):
    found = [m.search(None, 'SUBJECT', f'"{mark}-{k}"')[1][0].split() for k in 'abc']; m.noop()
    if all(len(f) == 1 for f in found): break
    time.sleep(0.02)
assert [len(f) for f in found] == [1, 1, 1], found
body = m.fetch(found[0][0], '(BODY.PEEK[])')[1][0][1]
assert 'hello żółć'.encode() in body, body
assert b'Received: from client.test' in body and b'Delivered-To: alice@example.test' in body, body
m.logout()
m = imaplib.IMAP4_SSL('127.0.0.1', int(imaps), ssl_context=tls); m.login(user, password); assert m.select()[0] == 'OK'; m.logout()
p = poplib.POP3('127.0.0.1', int(pop3)); p.stls(tls); p.user(user); p.pass_(password)
tops = [b'\n'.join(p.top(n + 1, 0)[1]) for n in range(p.stat()[0])]
assert sum(mark.encode() in top for top in tops) == 3, tops
p.quit()
"#;

#[test]
fn mail_and_logins_pass_through_a_real_postfix_into_our_mailboxes() {
    let Some(it) = Swapped::start(false) else {
        return;
    };
    for (service, tls, mark, body) in [
        (SMTP, "-tls", "a", "hello żółć"),
        (SUBMISSION, "-tls", "b", "second"),
        (SMTPS, "-tlsc", "c", "third"),
    ] {
        let subject = format!("Subject: swap-{mark}");
        let arguments = ["--auth", "PLAIN", "--header", &subject, "--body", body];
        let out = it.as_bob(service, tls, &arguments);
        assert!(out.status.success(), "{service}: {}", text(&out));
        assert!(
            text(&out).contains("235 2.7.0 Authentication successful"),
            "{}",
            text(&out)
        );
    }
    let port = |service| it.server.port(service).to_string();
    let alice = it.server.password("alice@example.test");
    python(
        READ,
        &[&port(IMAP), &port(IMAPS), &port(POP3), &alice, "swap"],
    );
    // Not without a login, and not for others.
    let way = ["--from", "a@example.test", "--to", "alice@example.test"];
    let out = it.swaks(SUBMISSION, &[&["-tls"][..], &way[..]].concat());
    assert_eq!(out.status.code(), Some(24), "{}", text(&out));
    let out = it.swaks(
        STRICT,
        &["--from", "a@client.test", "--to", "b@elsewhere.test"],
    );
    assert_eq!(out.status.code(), Some(24), "{}", text(&out));
}

#[test]
fn every_mechanism_that_postfix_passes_on_logs_in_by_a_unix_socket_and_by_tcp() {
    for inet in [false, true] {
        let Some(it) = Swapped::start(inet) else {
            return;
        };
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
            let login = [
                "-tls",
                "--auth",
                mechanism,
                "--auth-user",
                "carol@example.test",
                "--auth-password",
                CAROL,
            ];
            let way = [
                "--from",
                "carol@example.test",
                "--to",
                "bob@example.test",
                "--quit-after",
                "RCPT",
            ];
            let out = it.swaks(SUBMISSION, &[&login[..], &way[..]].concat());
            assert!(out.status.success(), "{mechanism}: {}", text(&out));
            assert!(
                text(&out).contains("235 2.7.0 Authentication successful"),
                "{}",
                text(&out)
            );
        }
    }
}

#[test]
fn a_wrong_password_is_refused_in_postfixs_words_and_not_at_once() {
    let Some(it) = Swapped::start(false) else {
        return;
    };
    for (user, mechanism) in [
        ("bob@example.test", "PLAIN"),
        ("nobody@example.test", "PLAIN"),
        ("bob@example.test", "LOGIN"),
        ("carol@example.test", "CRAM-MD5"),
    ] {
        let login = [
            "-tls",
            "--auth",
            mechanism,
            "--auth-user",
            user,
            "--auth-password",
            "wrong",
        ];
        let way = ["--from", "a@example.test", "--to", "alice@example.test"];
        let began = Instant::now();
        let out = it.swaks(SUBMISSION, &[&login[..], &way[..]].concat());
        assert_eq!(out.status.code(), Some(28), "{mechanism}: {}", text(&out));
        assert!(
            text(&out).contains("535 5.7.8 Error: authentication failed:"),
            "{}",
            text(&out)
        );
        assert!(
            began.elapsed() >= Duration::from_secs(2),
            "guessing is slow"
        );
    }
    it.postfix
        .wait_for_line(&["warning: localhost[127.0.0.1]: SASL PLAIN authentication failed"]);
}

#[test]
fn an_unknown_recipient_is_refused_by_probe_and_a_known_one_is_not() {
    let Some(it) = Swapped::start(false) else {
        return;
    };
    let to = |to: &str| {
        it.swaks(
            STRICT,
            &[
                "--from",
                "a@client.test",
                "--to",
                to,
                "--quit-after",
                "RCPT",
            ],
        )
    };
    let out = to("stranger@example.test");
    assert_eq!(out.status.code(), Some(24), "{}", text(&out));
    let said = text(&out);
    assert!(
        said.contains("550 5.1.1 <stranger@example.test>: Recipient address rejected: undeliverable address: host")
            && said.contains("550 5.1.1 <stranger@example.test> User doesn't exist: stranger@example.test"),
        "{said}"
    );
    let out = to("alice@example.test");
    assert!(out.status.success(), "{}", text(&out));
    it.postfix
        .wait_for_line(&["to=<alice@example.test>", "status=deliverable"]);
}

#[test]
fn mail_for_a_mailbox_that_takes_none_waits_in_postfix_and_comes_later() {
    let Some(it) = Swapped::start(false) else {
        return;
    };
    let user = it.server.data().join("mail/example.test/alice");
    std::fs::create_dir_all(user.parent().unwrap()).unwrap();
    // Nobody can make a Maildir below a file.
    std::fs::write(&user, "in the way").unwrap();
    let arguments = ["--auth", "PLAIN", "--header", "Subject: patience"];
    let out = it.as_bob(SUBMISSION, "-tls", &arguments);
    assert!(out.status.success(), "{}", text(&out));
    let line = it
        .postfix
        .wait_for_line(&["to=<alice@example.test>", "status=deferred"]);
    assert!(
        line.contains("dsn=4.")
            && line.contains(" said: 451 4.2.0 <alice@example.test> Temporary internal error"),
        "{line}"
    );
    std::fs::remove_file(&user).unwrap();
    std::fs::create_dir(&user).unwrap();
    std::os::unix::fs::chown(&user, Some(65_534), Some(65_534)).unwrap();
    succeed(&mut it.postfix.command("postfix", &["flush"]));
    it.postfix.wait_for_line(&[
        "to=<alice@example.test>",
        "status=sent (250 2.0.0 <alice@example.test> ",
        " Saved)",
    ]);
    let new = user.join("Maildir/new");
    wait_for("the message", || {
        std::fs::read_dir(&new).ok()?.next().map(drop)
    });
}

/// A small file system, which root alone can mount.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let options = "size=1m,mode=777";
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        if command.arg(&at).output().is_ok_and(|o| o.status.success()) {
            return Some(Self(at));
        }
        // A right that the system does not give is nothing that could be installed.
        eprintln!("skipped: a tmpfs cannot be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

#[test]
fn mail_that_finds_no_room_waits_in_postfix_and_comes_once_there_is_some() {
    let folder = open_folder();
    let Some(small) = are_root()
        .then(|| Small::mount(folder.path().join("small")))
        .flatten()
    else {
        return;
    };
    let location = format!("{}/%n", small.0.display());
    let Some(it) = Swapped::with(false, &["--mail-location", &location]) else {
        return;
    };
    let sent = [
        "to=<alice@example.test>",
        "status=sent (250 2.0.0 <alice@example.test> ",
        " Saved)",
    ];
    let send = |mark: &str| {
        let subject = format!("Subject: room-{mark}");
        let out = it.as_bob(
            SUBMISSION,
            "-tls",
            &["--auth", "PLAIN", "--header", &subject],
        );
        assert!(out.status.success(), "{}", text(&out));
    };
    // The mailbox and its lists are there already: there is something to be damaged.
    send("before");
    it.postfix.wait_for_line(&sent);
    let ballast = small.0.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    std::io::copy(&mut std::io::repeat(0), &mut file).unwrap_err();
    send("amid");
    let line = it
        .postfix
        .wait_for_line(&["to=<alice@example.test>", "status=deferred"]);
    assert!(line.contains("dsn=4."), "{line}");
    drop(file); // what is open keeps its room
    std::fs::remove_file(&ballast).unwrap();
    succeed(&mut it.postfix.command("postfix", &["flush"]));
    wait_for("the message that waited", || {
        let log = it.postfix.log();
        let arrived = |line: &&str| sent.iter().all(|word| line.contains(word));
        (log.lines().filter(arrived).count() == 2).then_some(())
    });
    let new = small.0.join("alice/new");
    assert_eq!(std::fs::read_dir(new).unwrap().count(), 2, "each once");
    let list = std::fs::read_to_string(small.0.join("alice/dovecot-uidlist")).unwrap();
    assert!(list.lines().any(|l| l.starts_with("1 :")), "{list}");
    assert!(list.lines().any(|l| l.starts_with("2 :")), "{list}");
}
