//! Users and aliases that change, break or vanish while the server runs: what it cannot know it defers.

use crate::peer::{Peer, count, eventually, inbox};
use crate::server::{IMAP, LMTP, SMTP, Server};
use std::fs;

fn rcpt(server: &Server, service: u16, to: &str) -> String {
    let mut peer = Peer::hello(server, service);
    assert!(peer.ask("MAIL FROM:<a@client.test>").starts_with("250 "));
    peer.ask(&format!("RCPT TO:<{to}>"))
}

#[test]
fn a_users_file_that_vanishes_or_cannot_be_read_bounces_nobodys_mail() {
    let server = Server::start(&[]);
    let users = server.data().join("users");
    let kept = fs::read(&users).unwrap();
    type Harm = fn(&std::path::Path);
    let harms: [(&str, Harm); 3] = [
        ("deleted", |f| fs::remove_file(f).unwrap()),
        ("a folder", |f| {
            fs::remove_file(f).unwrap();
            fs::create_dir(f).unwrap();
        }),
        ("too large", |f| {
            fs::File::options()
                .write(true)
                .open(f)
                .unwrap()
                .set_len(1 << 40)
                .unwrap()
        }),
    ];
    for (what, harm) in harms {
        harm(&users);
        for service in [SMTP, LMTP] {
            let reply = rcpt(&server, service, "alice@example.test");
            assert!(!reply.starts_with('5'), "{what}: {reply}");
        }
        let _ = fs::remove_dir(&users);
        fs::write(&users, &kept).unwrap();
        assert!(
            rcpt(&server, SMTP, "alice@example.test").starts_with("250 "),
            "{what}, and back"
        );
    }
}

#[test]
fn a_users_file_that_is_harmed_while_mail_waits_bounces_none_of_it() {
    let server = Server::start(&[]);
    let users = server.data().join("users");
    let mail = server.data().join("mail");
    // Nothing can be delivered at first.
    fs::remove_dir(&mail).unwrap();
    fs::write(&mail, "in the way").unwrap();
    for _ in 0..2 {
        server.post("alice@example.test", "Subject: x\n\nx");
    }
    let deferred = || crate::peer::log(&server).matches("status=deferred").count();
    eventually("both are deferred", || deferred() == 2);
    // Emptied, as by an editor that is about to fill it; then gone.
    fs::write(&users, "").unwrap();
    server.queue(&["retry"]);
    eventually("both are deferred again", || deferred() == 4);
    fs::remove_file(&users).unwrap();
    fs::remove_file(&mail).unwrap();
    server.queue(&["retry"]);
    assert_eq!(count(&server, "alice@example.test"), 2);
    assert!(!crate::peer::log(&server).contains("status=bounced"));
}

#[test]
fn a_users_file_that_was_just_truncated_bounces_nobodys_mail() {
    let server = Server::start(&[]);
    let users = server.data().join("users");
    // What an editor or `cp` does: the file is empty before it is full again.
    fs::write(&users, "").unwrap();
    for service in [SMTP, LMTP] {
        let reply = rcpt(&server, service, "alice@example.test");
        assert!(!reply.starts_with('5'), "{reply}");
    }
}

#[test]
fn garbage_among_the_users_costs_its_lines_alone() {
    let server = Server::start(&[]);
    let users = server.data().join("users");
    let mut text = fs::read(&users).unwrap();
    text.extend_from_slice(
        b"\xff\xfe\0garbage\n::::\n:\nno-colon\n\0\n../../evil@example.test:{PLAIN}x\n",
    );
    text.extend_from_slice(b"evil@../..:{PLAIN}x\n~root@example.test:{PLAIN}x\nuid@example.test:{PLAIN}x:abc:def::::\n");
    text.extend_from_slice(
        b"climb@example.test:{PLAIN}x::::::userdb_mail=maildir:/../../../tmp/../evil\n",
    );
    text.extend_from_slice(b"mbox@example.test:{PLAIN}x::::::userdb_mail=mbox:/tmp/evil\n");
    text.extend_from_slice(&[b'a'; 100_000]);
    text.extend_from_slice(b"\nalice@example.test:{PLAIN}stolen\ndave@example.test:{PLAIN}x\n");
    fs::write(&users, text).unwrap();
    assert!(rcpt(&server, SMTP, "dave@example.test").starts_with("250 "));
    drop(inbox(&server, "alice@example.test")); // the first line of a name stands
    for name in [
        "../../evil@example.test",
        "evil@../..",
        "~root@example.test",
        "climb@example.test",
        "mbox@example.test",
    ] {
        let mut imap = Peer::greeted(&server, IMAP);
        let last = imap.tagged("a", &format!("LOGIN {name} x"));
        assert!(
            !last.last().is_some_and(|l| l.starts_with("a OK")),
            "{name}: {last:?}"
        );
    }
    // A mailbox that cannot be is no reason to bounce, nor to deliver elsewhere: it waits, and says why.
    let mut peer = Peer::hello(&server, LMTP);
    let replies = peer.all(&[
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<climb@example.test>",
        "DATA",
    ]);
    assert!(replies[2].starts_with("354 "), "{replies:?}");
    assert!(peer.ask("\r\n.").starts_with('4'));
    server.post("climb@example.test", "Subject: x\n\nx");
    server.wait_for_queue("it to say why", |listed| {
        listed.contains("(delivery to mailbox failed: ") && listed.contains("climb@example.test")
    });
    assert!(!std::path::Path::new("/tmp/evil").exists() && !std::path::Path::new("/evil").exists());
}

#[test]
fn aliases_in_circles_end_and_broken_ones_bounce_nothing() {
    let server = Server::start(&[]);
    let aliases = server.data().join("aliases");
    let mut text = "round: about\nabout: round\nself: self\nboth: alice, bob, both\n".to_owned();
    text.push_str("away: friend@elsewhere.test\nmixed: alice, friend@elsewhere.test\nquoted@example.test: bob\n");
    for n in 0..60 {
        text.push_str(&format!("deep{n}: deep{}\n", n + 1));
    }
    text.push_str("deep60: alice\nwide: ");
    for n in 0..3000 {
        text.push_str(&format!("w{n}, "));
    }
    text.push_str("alice\n@b.test: bob\n");
    fs::write(&aliases, text).unwrap();
    for (to, begin) in [
        ("both@example.test", "250"),
        ("round@example.test", "550"),
        ("self@example.test", "550"),
        ("away@example.test", "250"),
        ("mixed@example.test", "250"),
        ("deep0@example.test", "451"),
        ("deep20@example.test", "250"),
        ("wide@example.test", "451"),
        ("alice@example.test", "250"),
    ] {
        let reply = rcpt(&server, SMTP, to);
        assert!(reply.starts_with(begin), "{to}: {reply}");
    }
    // The client hears no more than that there is nobody; the log says why.
    for why in [
        "round@example.test: an alias that runs in a circle, through round@example.test",
        "self@example.test: an alias that leads to no user: self@example.test",
    ] {
        let log = crate::peer::log(&server);
        assert!(log.contains(why), "{why}: {log}");
    }
    // LMTP, which delivers before it answers, leads to no other server.
    for to in ["away@example.test", "mixed@example.test"] {
        let reply = rcpt(&server, LMTP, to);
        assert!(reply.starts_with("451"), "{to}: {reply}");
    }
    // A quoted local part is no other address, and no catch-all of another domain.
    for to in [
        "\"@b.test\"@example.test",
        "\"quoted@example.test\"@example.test",
    ] {
        let reply = rcpt(&server, SMTP, to);
        assert!(reply.starts_with("550"), "{to}: {reply}");
    }
    // A wrong line is named, puts its own name off, and spoils no other.
    for (broken, name) in [
        ("root: |/bin/sh\n", "root"),
        ("no\n:\n", "no"),
        ("x: :include:/etc/passwd\n", "x"),
        ("broken: <<>>\n", "broken"),
    ] {
        fs::write(&aliases, format!("{broken}both: alice, bob\n")).unwrap();
        assert!(
            rcpt(&server, SMTP, "both@example.test").starts_with("250"),
            "{broken}"
        );
        let reply = rcpt(&server, SMTP, &format!("{name}@example.test"));
        assert!(reply.starts_with("451 "), "{broken}: {reply}");
        let log = crate::peer::log(&server);
        assert!(log.contains("aliases, line 1: "), "{broken}: {log}");
    }
    // One that cannot be read leaves what was known.
    fs::remove_file(&aliases).unwrap();
    assert!(rcpt(&server, SMTP, "both@example.test").starts_with("250"));
    fs::write(&aliases, "new: alice\n").unwrap();
    assert!(rcpt(&server, SMTP, "new@example.test").starts_with("250"));
    assert!(rcpt(&server, SMTP, "both@example.test").starts_with("550"));
}

#[test]
fn a_change_of_aliases_that_keeps_size_and_time_is_seen() {
    let server = Server::start(&[]);
    let aliases = server.data().join("aliases");
    fs::write(&aliases, "news: alice\n").unwrap();
    let time = fs::metadata(&aliases).unwrap().modified().unwrap();
    assert!(rcpt(&server, SMTP, "news@example.test").starts_with("250"));
    // As `rsync -t` and `mv` do it: another file of the same size and time.
    let other = server.data().join("aliases.new");
    fs::write(&other, "olds: alice\n").unwrap();
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(time)
        .unwrap();
    fs::rename(&other, &aliases).unwrap();
    assert!(rcpt(&server, SMTP, "olds@example.test").starts_with("250"));
    assert!(rcpt(&server, SMTP, "news@example.test").starts_with("550"));
}

#[test]
fn one_message_goes_to_so_many_mailboxes_at_once_and_no_more() {
    let server = Server::start(&[]);
    let (mut users, mut aliases) = (
        fs::read_to_string(server.data().join("users")).unwrap(),
        String::new(),
    );
    for list in 0..6 {
        aliases.push_str(&format!("list{list}: alice"));
        for n in 0..60 {
            users.push_str(&format!("u{list}-{n}@example.test:{{PLAIN}}x\n"));
            aliases.push_str(&format!(", u{list}-{n}"));
        }
        aliases.push('\n');
    }
    fs::write(server.data().join("users"), users).unwrap();
    fs::write(server.data().join("aliases"), aliases).unwrap();
    // LMTP holds a file open for each.
    let mut peer = Peer::hello(&server, LMTP);
    peer.ask("MAIL FROM:<a@client.test>");
    let replies: Vec<String> = (0..6)
        .map(|n| peer.ask(&format!("RCPT TO:<list{n}@example.test>")))
        .collect();
    let taken = replies.iter().filter(|r| r.starts_with("250 ")).count();
    assert!((3..=4).contains(&taken), "{replies:?}");
    assert!(replies.last().unwrap().starts_with("452 "), "{replies:?}");
    // Those that were taken are delivered; the client comes back with the rest.
    assert!(peer.ask("DATA").starts_with("354 "));
    peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
    let reply = peer.reply();
    assert!(reply.starts_with("250 "), "{reply}");
    // The queue brings one to all of them, as many at a time as it has hands for.
    let mut peer = Peer::hello(&server, SMTP);
    peer.ask("MAIL FROM:<a@client.test>");
    for n in 0..6 {
        let reply = peer.ask(&format!("RCPT TO:<list{n}@example.test>"));
        assert!(reply.starts_with("250 "), "{n}: {reply}");
    }
    assert!(peer.ask("DATA").starts_with("354 "));
    peer.raw(b"Subject: x\r\n\r\nx\r\n.\r\n");
    assert!(peer.reply().starts_with("250 "));
    assert_eq!(
        count(&server, "alice@example.test"),
        2,
        "delivered once to whom all lists name"
    );
    let folder = server.data().join("mail/example.test");
    for list in 0..6 {
        for n in 0..60 {
            let new = folder.join(format!("u{list}-{n}/Maildir/new"));
            let found = fs::read_dir(&new).unwrap().count();
            let wanted = if list < taken { 2 } else { 1 };
            assert_eq!(found, wanted, "u{list}-{n}");
        }
    }
}
