//! Dialogues as text: what a client says and what the server answers, whatever the pieces they come in and
//! whichever steps are dropped.
//!
//! In `dialogs/*.txt`, `C:` is a line of the client (`C-` one without its line end, `C=` one with escapes), `S:`
//! one of the server, `D:` something else that happens, `L:` a limit in front of it all, `#` a note. Timings are left out. With
//! `MAILCORE_BLESS` set, the `S:` lines are written anew.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use common::desk::Desk;
use common::drive::{Connection, Manner};
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Keyword, MailboxName, Uid, UidSet};
use mailcore_base::wire::Notice;
use mailcore_imap::server::{Mechanism, Options};
use mailcore_imap::types::Failed;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

const BIG: &[u8] = b"Subject: hi\r\nFrom: A B <a@b.c>\r\nTo: x@y.z\r\nDate: Mon, 1 Jan 2024 10:00:00 +0100\r\nMessage-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\npre\r\n--bb\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n--bb\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body\r\n--bb--\r\n";
const MIME: &[u8] = b"Subject: mime\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A9llo=\r\n you=21\r\n--bb\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--bb\r\nContent-Transfer-Encoding: x-unknown\r\n\r\nabc\r\n--bb--\r\n";
const SMALL: &[u8] = b"Subject: small\r\n\r\nbody\r\n";

fn options(script: &str) -> Options {
    let mut options = Options::default();
    for limit in script.lines().filter_map(|line| line.strip_prefix("L: ")) {
        let (name, value) = limit.split_once(' ').unwrap();
        let limits = &mut options.limits;
        match name {
            "line" => limits.line = value.parse().unwrap(),
            "swallow" => limits.swallow = value.parse().unwrap(),
            "message" => limits.message = value.parse().ok(),
            "together" => limits.together = value.parse().unwrap(),
            other => panic!("no limit: {other}"),
        }
    }
    options.greeting = "Dovecot ready.".into();
    options.starttls = true;
    options.mechanisms.push(Mechanism {
        name: "SCRAM-SHA-256".into(),
        plaintext: false,
        binds_channel: false,
    });
    options.id = vec![("name".into(), "Dovecot".into())];
    options
}

/// What a `D:` line does.
fn happens(line: &str, connection: &mut Connection, desk: &mut Desk) {
    let words: Vec<&str> = line.split(' ').collect();
    let date = DateTime::utc(1_577_872_800);
    let uids = |text: &str| -> UidSet {
        let numbers = text.split(',').filter_map(|n| n.parse().ok());
        numbers.filter_map(Uid::new).collect()
    };
    match words.as_slice() {
        ["add", mailbox, what, flags @ ..] => {
            let body = match *what {
                "big" => BIG,
                "mime" => MIME,
                _ => SMALL,
            };
            let flags = flags.first().map_or(Flags::NONE, |f| flag(f));
            desk.mailbox(mailbox).add(body.to_vec(), flags, date);
        }
        ["many", mailbox, count] => {
            for _ in 0..count.parse().unwrap() {
                desk.mailbox(mailbox).add(SMALL.to_vec(), Flags::NONE, date);
            }
        }
        ["large", mailbox, octets] => {
            let line =
                b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
            let mut body = b"Subject: large\r\n\r\n".to_vec();
            body.extend(line.iter().cycle().take(octets.parse().unwrap()));
            desk.mailbox(mailbox).add(body, Flags::NONE, date);
        }
        ["mail", mailbox, day, ..] => {
            // A header as it is written, line ends and all, behind the day on which it came.
            let text = line.splitn(4, ' ').nth(3).unwrap();
            let came = DateTime::utc(1_577_872_800 + 86_400 * day.parse::<i64>().unwrap());
            let body = [&unescape(text)[..], b"\r\n\r\nbody\r\n"].concat();
            desk.mailbox(mailbox).add(body, Flags::NONE, came);
        }
        ["flag", mailbox, set, flags] => {
            let change = FlagChange::of(FlagOp::Add, flag(flags));
            desk.mailbox(mailbox).flag(&uids(set), &change, None);
        }
        ["keyword", mailbox, set, keyword] => {
            let mut change = FlagChange::of(FlagOp::Add, Flags::NONE);
            change.keywords.push(Keyword::parse(keyword).unwrap());
            desk.mailbox(mailbox).flag(&uids(set), &change, None);
        }
        ["expunge", mailbox, set] => {
            desk.mailbox(mailbox).expunge(&uids(set));
        }
        ["forget", mailbox] => desk.mailbox(mailbox).gone = None,
        ["nomodseq", mailbox] => desk.mailbox(mailbox).modseqs = false,
        ["remove", mailbox] => {
            let name = MailboxName::parse(mailbox, '.').unwrap();
            desk.mailboxes.remove(&name);
        }
        ["create", mailbox] => desk.create(&MailboxName::parse(mailbox, '.').unwrap()),
        ["fail", question, kind] => {
            let failed = match *kind {
                "denied" => Failed::Denied,
                "quota" => Failed::OverQuota,
                "busy" => Failed::Busy,
                "full" => Failed::Full,
                _ => Failed::Unavailable,
            };
            desk.fail = Some(((*question).into(), failed));
        }
        ["bare"] => desk.bare = true,
        ["insecure"] => connection.session.facts_mut().secured = false,
        ["changed"] => connection.session.notice(Notice::Changed),
        ["shutdown"] => connection.session.notice(Notice::Shutdown),
        ["kicked"] => connection.session.notice(Notice::Kicked),
        ["wait", seconds] => connection.wait(Duration::from_secs(seconds.parse().unwrap())),
        ["half-close"] => connection.half_close(),
        other => panic!("nobody knows how to {other:?}"),
    }
}

fn flag(name: &str) -> Flags {
    Flags::SYSTEM
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(flag, _)| *flag)
        .unwrap()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match (b, b == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'r') => out.push(b'\r'),
                Some(b'n') => out.push(b'\n'),
                Some(b'0') => out.push(0),
                Some(b'x') => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    let hex = std::str::from_utf8(&hex).unwrap().to_string();
                    out.push(u8::from_str_radix(&hex, 16).unwrap());
                }
                Some(other) => out.push(other),
                None => {}
            },
            (b, false) => out.push(b),
        }
    }
    out
}

/// Plays the client's side and gives the whole transcript.
fn play(script: &str, manner: Manner) -> String {
    let mut desk = Desk::new();
    let mut connection = Connection::new(options(script), manner);
    let mut transcript = String::new();
    let mut begun = false;
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        let (mark, rest) = line.split_at(line.len().min(2));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let speaks = match mark {
            "C:" => {
                connection.send(rest.as_bytes());
                connection.send(b"\r\n");
                true
            }
            "C-" => {
                connection.send(rest.as_bytes());
                true
            }
            "C=" => {
                connection.send(&unescape(rest));
                true
            }
            "D:" => {
                happens(rest, &mut connection, &mut desk);
                true
            }
            "S:" => continue,
            _ => {
                writeln!(transcript, "{line}").unwrap();
                continue;
            }
        };
        if speaks {
            writeln!(transcript, "{line}").unwrap();
        }
        // Several lines of the client in a row come at once.
        let more = lines.peek().is_some_and(|next| next.starts_with('C'));
        if more && mark.starts_with('C')
            || !begun && mark == "D:" && lines.peek().is_some_and(|n| n.starts_with("D:"))
        {
            continue;
        }
        begun = true;
        connection.run(&mut desk);
        for line in connection.look().lines() {
            let line = line.replace(" (0.001 + 0.000 secs)", "");
            writeln!(transcript, "S: {line}").unwrap();
        }
    }
    transcript
}

#[test]
fn every_dialogue_is_the_same_in_any_manner() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogs");
    let bless = std::env::var_os("MAILCORE_BLESS").is_some();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("pop3-") {
            // Those are POP3's, and have their own test.
            continue;
        }
        let script = std::fs::read_to_string(&path).unwrap();
        let whole = Manner {
            piece: usize::MAX,
            drops: 0,
            seed: 1,
        };
        if bless {
            std::fs::write(&path, play(&script, whole)).unwrap();
            continue;
        }
        assert_eq!(play(&script, whole), script, "{}", path.display());
        for (piece, drops, seed) in [
            (1, 0, 1),
            (2, 0, 1),
            (usize::MAX, 40, 2),
            (1, 30, 3),
            (5, 60, 4),
        ] {
            let manner = Manner { piece, drops, seed };
            assert_eq!(
                play(&script, manner),
                script,
                "{} {manner:?}",
                path.display()
            );
        }
        count += 1;
    }
    assert!(bless || count > 10, "the dialogues are there");
}
