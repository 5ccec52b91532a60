//! Descriptors, disk and certificates that run out or break: what was acknowledged stays, and service resumes.

use crate::harm::{Small, limit};
use crate::peer::{Peer, count, count_now, eventually, inbox, log, signal, worked};
use crate::server::{IMAP, IMAPS, LMTP, SMTP, Server, have, python};
use std::net::TcpStream;

#[test]
fn without_descriptors_it_waits_without_spinning_and_then_goes_on() {
    if !have(&["prlimit"]) {
        return;
    }
    let server = Server::start(&["--max-per-address", "500"]);
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .unwrap()
        .count();
    limit(&server, &format!("{}:", open + 10));
    let held: Vec<TcpStream> = (0..60)
        .map(|_| TcpStream::connect(("127.0.0.1", server.port(SMTP))).unwrap())
        .collect();
    eventually("it says so", || {
        log(&server).contains("cannot be accepted for now")
    });
    let before = worked(&server);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let spent = worked(&server) - before;
    assert!(
        spent < 40,
        "waiting cost {spent} hundredths of a second in two seconds"
    );
    assert!(
        log(&server)
            .lines()
            .filter(|l| l.contains("cannot be accepted for now"))
            .count()
            < 40
    );
    drop(held);
    limit(&server, "1024:");
    assert!(Peer::greeted(&server, SMTP).ask("NOOP").starts_with("250 "));
    server.deliver("alice@example.test", "Subject: after\n\nx");
    assert_eq!(count(&server, "alice@example.test"), 1);
}

#[test]
fn mail_that_finds_no_descriptor_waits_or_is_deferred() {
    if !have(&["prlimit"]) {
        return;
    }
    let server = Server::start(&[]);
    server.deliver("alice@example.test", "Subject: before\n\nx");
    let mut peers: Vec<Peer> = [SMTP, LMTP]
        .into_iter()
        .map(|s| Peer::hello(&server, s))
        .collect();
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .unwrap()
        .count();
    limit(&server, &format!("{open}:"));
    let mut queued = 0;
    for (service, peer) in [SMTP, LMTP].into_iter().zip(&mut peers) {
        let replies = peer.all(&[
            "MAIL FROM:<a@b.test>",
            "RCPT TO:<alice@example.test>",
            "DATA",
        ]);
        assert!(replies.iter().all(|r| !r.starts_with('5')), "{replies:?}");
        if replies[2].starts_with("354 ") {
            peer.raw(b"Subject: x\r\n\r\n");
            for _ in 0..3000 {
                peer.raw(
                    b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
                );
            }
            peer.raw(b".\r\n");
            let reply = peer.reply();
            // The queue has its file open already; a mailbox has not.
            let taken = service == SMTP && reply.starts_with("250 ");
            assert!(taken || reply.starts_with('4'), "{service}: {reply}");
            queued += usize::from(taken);
        }
    }
    if queued > 0 {
        eventually("it waits in the queue", || {
            log(&server).contains("status=deferred")
        });
    }
    limit(&server, "1024:");
    server.deliver("alice@example.test", "Subject: after\n\nx");
    server.queue(&["retry"]);
    assert_eq!(count(&server, "alice@example.test"), 2 + queued);
    assert!(!log(&server).contains("status=bounced"));
}

fn deliver(server: &Server, service: u16, octets: usize) -> String {
    let mut peer = Peer::hello(server, service);
    let replies = peer.all(&[
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ]);
    if !replies[2].starts_with("354 ") {
        return replies[2].clone();
    }
    let line = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    peer.raw(b"Subject: x\r\n\r\n");
    peer.raw(&line.repeat(octets / line.len()));
    peer.raw(b".\r\n");
    peer.reply()
}

/// Delivers until nothing more is taken, large ones and then small ones until not an octet is left; says how many
/// messages were taken.
fn fill(server: &Server, service: u16, sizes: &[usize]) -> usize {
    let mut taken = 0;
    for &octets in sizes {
        loop {
            let reply = deliver(server, service, octets);
            if !reply.starts_with("250 ") {
                assert!(reply.starts_with("452 4.3.1 "), "{reply}");
                break;
            }
            taken += 1;
            assert!(taken < 100);
        }
    }
    assert!(taken > 5);
    taken
}

#[test]
fn a_full_disk_keeps_mail_waiting_loses_none_and_can_be_emptied() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(&outer.path().join("small"), "4m") else {
        return;
    };
    let template = format!("{}/%d/%n", small.path().display());
    let server = Server::start(&["--mail-location", &template]);
    let taken = fill(&server, LMTP, &[200_000, 3000]);
    assert_eq!(
        count(&server, "alice@example.test"),
        taken,
        "what was acknowledged is there, and nothing else"
    );
    // What comes by SMTP waits, and says why.
    assert!(deliver(&server, SMTP, 200_000).starts_with("250 "));
    server.wait_for_queue("it to say why", |listed| {
        listed.contains("(insufficient system storage)")
    });
    assert_eq!(count_now(&server, "alice@example.test"), taken);
    let mut imap = inbox(&server, "alice@example.test");
    let over = imap.tagged(
        "p",
        &format!("APPEND INBOX {{200000+}}\r\n{}", "x".repeat(200_000)),
    );
    assert!(over.last().unwrap().starts_with("p NO"), "{over:?}");
    // Room can be made over IMAP.
    let mut store = imap.tagged("s", "STORE 1:5 +FLAGS.SILENT (\\Deleted)");
    assert!(store.pop().unwrap().starts_with("s OK"));
    let expunged = imap.tagged("e", "EXPUNGE");
    assert!(expunged.last().unwrap().starts_with("e OK"), "{expunged:?}");
    assert_eq!(
        expunged.iter().filter(|l| l.ends_with(" EXPUNGE")).count(),
        5,
        "{expunged:?}"
    );
    let reply = deliver(&server, LMTP, 200_000);
    assert!(reply.starts_with("250 "), "after room was made: {reply}");
    server.queue(&["retry"]);
    assert_eq!(count(&server, "alice@example.test"), taken - 5 + 2);
    // Nothing is left over of what was refused.
    let tmp = small.path().join("example.test/alice/tmp");
    assert_eq!(std::fs::read_dir(tmp).unwrap().count(), 0);
}

#[test]
fn a_queue_that_has_filled_its_disk_empties_itself_and_takes_mail_again() {
    let outer = tempfile::tempdir().unwrap();
    // Room for two segments of the queue, one of which is kept for what becomes of the mail.
    let Some(small) = Small::mount(&outer.path().join("small"), "40m") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::os::unix::fs::symlink(small.path(), folder.path().join("data/queue")).unwrap();
    // Nothing leaves the queue while this stands where the mail goes.
    std::fs::write(folder.path().join("data/mail-here"), "").unwrap();
    let template = format!("{}/data/mail-here/%d/%n", folder.path().display());
    let server = Server::start_in(folder, &["--mail-location", &template]);
    let taken = fill(&server, SMTP, &[1_000_000, 100_000, 3000]);
    server.wait_for_queue("all that was acknowledged", |listed| {
        listed.contains(&format!("in {taken} Requests."))
    });
    // It comes out, and there is room again.
    std::fs::remove_file(server.data().join("mail-here")).unwrap();
    server.queue(&["retry"]);
    assert_eq!(count(&server, "alice@example.test"), taken);
    let reply = deliver(&server, SMTP, 1_000_000);
    assert!(reply.starts_with("250 "), "after room was made: {reply}");
    assert_eq!(count(&server, "alice@example.test"), taken + 1);
}

#[test]
fn mail_for_a_store_that_cannot_be_written_waits_and_the_store_can_be_read() {
    let outer = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(&outer.path().join("small"), "8m") else {
        return;
    };
    let template = format!("{}/%d/%n", small.path().display());
    let server = Server::start(&["--mail-location", &template]);
    assert!(deliver(&server, SMTP, 1000).starts_with("250 "));
    assert_eq!(count(&server, "alice@example.test"), 1);
    small.remount("ro");
    let reply = deliver(&server, LMTP, 1000);
    assert!(reply.starts_with("45"), "{reply}");
    assert!(deliver(&server, SMTP, 1000).starts_with("250 "));
    server.wait_for_queue("it to say why", |listed| {
        listed.contains("(delivery to mailbox failed: ") && listed.contains("alice@example.test")
    });
    let mut imap = inbox(&server, "alice@example.test");
    assert!(
        imap.tagged("f", "FETCH 1 BODY.PEEK[]")
            .last()
            .unwrap()
            .starts_with("f OK")
    );
    for command in [
        "STORE 1 +FLAGS (\\Seen)",
        "CREATE Box",
        "APPEND INBOX {1+}\r\nx",
    ] {
        let last = imap.tagged("w", command).pop().unwrap();
        assert!(last.starts_with("w NO"), "{command}: {last}");
    }
    drop(imap);
    small.remount("rw");
    assert!(deliver(&server, LMTP, 1000).starts_with("250 "));
    server.queue(&["retry"]);
    assert_eq!(count(&server, "alice@example.test"), 3);
    assert!(!log(&server).contains("status=bounced"));
}

#[test]
fn a_certificate_that_breaks_leaves_the_old_one_in_service() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start(&[]);
    let script = r#"
import ssl, socket, sys, hashlib
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
k = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20))
print(hashlib.sha256(k.getpeercert(True)).hexdigest())
"#;
    let port = server.port(IMAPS).to_string();
    let before = python(script, &[&port]);
    let kept = [server.certificate(), server.data().join("tls/key.pem")]
        .map(|f| (std::fs::read(&f).unwrap(), f));
    for (n, harm) in [
        "garbage",
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ]
    .iter()
    .enumerate()
    {
        for (_, file) in &kept {
            std::fs::write(file, harm).unwrap();
        }
        signal(&server, "-HUP");
        eventually("it says so", || {
            log(&server)
                .matches("certificates stay as they were")
                .count()
                == n + 1
        });
        assert_eq!(python(script, &[&port]), before);
    }
    for (content, file) in &kept {
        std::fs::write(file, content).unwrap();
    }
    signal(&server, "-HUP");
    eventually("it is read again", || {
        log(&server).contains("certificates were read again")
    });
    assert_eq!(python(script, &[&port]), before);
    assert!(
        Peer::greeted(&server, IMAP)
            .tagged("c", "NOOP")
            .last()
            .unwrap()
            .starts_with("c OK")
    );
    assert!(!log(&server).contains("PRIVATE KEY"));
}
