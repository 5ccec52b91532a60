//! Our server on the mail of a Dovecot that was stopped, and the Dovecot on it again afterwards.

use crate::accounts::{Accounts, Copy, same, script, told};
use crate::dovecot::Dovecot;
use crate::patience::are_root;
use crate::server::{IMAP, Server, have};
use std::path::Path;

/// A client's life with its mail: keywords, subscriptions, gaps among the UIDs, a mailbox half read.
const LIVE: &str = r#"
import imaplib, sys
port, password, *users = sys.argv[1:]
for user in users:
    m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
    ok = lambda answer: answer[0] == 'OK' or sys.exit(f'{user}: {answer}')
    for folder in ('Work', 'Work.2024.Q1', 'Lists.rust'): ok(m.subscribe(folder))
    ok(m.select('INBOX'))
    ok(m.uid('STORE', '1:20', '+FLAGS', '(Important $Forwarded)'))
    ok(m.uid('STORE', '15:30', '+FLAGS', '(Later)'))
    ok(m.uid('STORE', '5,7,11,40:44', '+FLAGS', r'(\Deleted)')); ok(m.expunge())
    ok(m.uid('STORE', '50:99', '+FLAGS', r'(\Seen)'))
    ok(m.uid('COPY', '60:69', 'Lists.rust'))
    ok(m.append('Work', r'(\Flagged Important)', '"14-Feb-2019 10:11:12 +0100"', b'Subject: appended\r\n\r\nby a client\r\n'))
    ok(m.select('Lists.rust')); ok(m.uid('STORE', '1:10', '+FLAGS', '(Junk)'))
    m.logout()
"#;

/// What another client does later.
const GO_ON: &str = r#"
import imaplib, sys
port, password, *users = sys.argv[1:]
for user in users:
    m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
    ok = lambda answer: answer[0] == 'OK' or sys.exit(f'{user}: {answer}')
    ok(m.create('Made.there')); ok(m.subscribe('Made.there'))
    ok(m.select('INBOX'))
    ok(m.uid('STORE', '100:110', '+FLAGS', '(Newkeyword)')); ok(m.uid('STORE', '1:8', '-FLAGS', '(Important)'))
    ok(m.uid('STORE', '120:124', '+FLAGS', r'(\Deleted)')); ok(m.expunge())
    ok(m.uid('COPY', '130:139', 'Made.there'))
    ok(m.append('INBOX', r'(\Seen Later)', '"15-Mar-2020 01:02:03 +0000"', b'Subject: later\r\n\r\nby another\r\n'))
    m.logout()
"#;

fn our_server(accounts: Accounts, template: &Path) -> Server {
    let location = format!("{}/%n", template.display());
    Server::start_in(
        accounts.into_folder(),
        &["--mail-location", &location, "--mail-user", "nobody"],
    )
}

#[test]
fn a_dovecot_is_replaced_and_comes_back_and_no_client_notices() {
    if !have(&["dovecot", "mbsync", "offlineimap", "python3"]) || !are_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let accounts = Accounts::make(10, 1000);
    let (users, mail) = (accounts.users().to_vec(), accounts.mail());
    let copies: Vec<Copy> = users
        .iter()
        .map(|user| Copy::new(scratch.path(), user))
        .collect();
    let sync = |port: u16| {
        for (at, copy) in copies.iter().enumerate() {
            copy.mbsync(port);
            // The other one takes its time.
            if at < 2 {
                copy.offlineimap(port);
            }
        }
        copies.iter().map(Copy::files).collect::<Vec<_>>()
    };

    let dovecot = Dovecot::over(&accounts.list(), &mail);
    script(LIVE, dovecot.imap, &users);
    sync(dovecot.imap);
    // Once more: what the first has changed of its own, it takes note of now.
    let kept = sync(dovecot.imap);
    assert!(
        kept.iter().all(|files| files.len() >= 800),
        "{}",
        kept[9].len()
    );
    let before = told(dovecot.imap, &users);
    drop(dovecot);

    let server = our_server(accounts, &mail);
    same(&before, &told(server.port(IMAP), &users));
    assert_eq!(
        kept,
        sync(server.port(IMAP)),
        "something was transferred again"
    );
    same(&before, &told(server.port(IMAP), &users));
    script(GO_ON, server.port(IMAP), &users);
    sync(server.port(IMAP));
    let kept = sync(server.port(IMAP));
    let before = told(server.port(IMAP), &users);
    let list = server.data().join("users");
    let folder = server.kill();

    let dovecot = Dovecot::over(&list, &mail);
    same(&before, &told(dovecot.imap, &users));
    assert_eq!(kept, sync(dovecot.imap), "something was transferred again");
    same(&before, &told(dovecot.imap, &users));
    dovecot.is_content();
    drop(dovecot);
    drop(folder);
}
