//! `maildirsize`, by which a Dovecot keeps quotas, after our server has worked on the mail.

use crate::accounts::{Accounts, PASSWORD};
use crate::dovecot::Dovecot;
use crate::patience::are_root;
use crate::server::{IMAP, Server, have, python};
use std::fs;

/// Brings, copies, moves and removes messages.
const WORK: &str = r#"
import imaplib, sys
port, password, user = sys.argv[1:]
m = imaplib.IMAP4('127.0.0.1', int(port)); m.login(user, password)
def ok(answer):
    assert answer[0] == 'OK', answer
for n in range(20): ok(m.append('INBOX', None, None, b'Subject: x\r\n\r\n' + b'a line of it\r\n' * n * 100))
ok(m.select('INBOX'))
ok(m.copy('1:10', 'Work')); ok(m._simple_command('MOVE', '5:30', 'Lists.rust'))
ok(m.store('1:8', '+FLAGS', r'(\Deleted)')); ok(m.expunge())
ok(m.create('Made')); ok(m.copy('1:5', 'Made')); ok(m.delete('"Archive &AOk-t&AOk-"'))
m.logout()
"#;

const QUOTA: &str = "mail_plugins = quota\nplugin {\n  quota = maildir:User quota\n  quota_rule = *:storage=1G\n}\n";

#[test]
fn a_dovecot_finds_the_file_of_sizes_right_after_our_work() {
    if !have(&["dovecot", "doveadm", "python3"]) || !are_root() {
        return;
    }
    let accounts = Accounts::make(1, 200);
    let (mail, list) = (accounts.mail(), accounts.list());
    let user = format!("{}@example.test", accounts.users()[0]);
    let file = mail.join(&accounts.users()[0]).join("maildirsize");
    let dovecot = Dovecot::with(&list, &mail, QUOTA);
    let doveadm = |words: &[&str]| dovecot.doveadm(&[words, &["-u", &user]].concat());
    doveadm(&["quota", "recalc"]);
    let before = fs::read_to_string(&file).unwrap();
    let location = format!("{}/%n", mail.display());
    let arguments = ["--mail-location", &location, "--mail-user", "nobody"];
    let server = Server::start_in(accounts.into_folder(), &arguments);
    python(WORK, &[&server.port(IMAP).to_string(), PASSWORD, &user]);
    let after = fs::read_to_string(&file).unwrap();
    assert!(
        after.len() > before.len() && after.starts_with(&before),
        "{after}"
    );
    let told = doveadm(&["quota", "get"]);
    doveadm(&["quota", "recalc"]);
    assert_eq!(told, doveadm(&["quota", "get"]));
    // What Dovecot counts is what our lines come to, to the octet.
    let sum = |text: &str| {
        let numbers = |line: &str| {
            let (octets, messages) = line.split_once(' ').unwrap();
            (
                octets.parse::<i64>().unwrap(),
                messages.parse::<i64>().unwrap(),
            )
        };
        let lines = text.lines().skip(1).map(numbers);
        lines.fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1))
    };
    assert_eq!(sum(&after), sum(&fs::read_to_string(&file).unwrap()));
}
