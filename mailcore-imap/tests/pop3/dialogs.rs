//! Plays `tests/dialogs/pop3-*.txt`, at every chunk size and with steps dropped.
//!
//! `given:` names what is so, `message UID:` puts one into the maildrop, `C:` is said by the client (lines behind
//! one another are said at once), `S:` is what the server says, and further words say what happens besides.

use super::world::{Drive, Store};
use mailcore_base::mailbox::{Uid, UidSet};
use mailcore_base::wire::Notice;
use mailcore_imap::pop3::{Options, UidlFormat};
use std::time::Duration;

#[test]
fn every_dialog_goes_as_it_is_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogs");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("pop3-") {
            continue;
        }
        played += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        for chunk in [1, 2, 1 << 20] {
            for drops in [0, 2, 3] {
                Play::new(&name, chunk, drops).play(&text);
            }
        }
    }
    assert!(played >= 8, "{played} dialogs");
}

struct Play<'d> {
    name: &'d str,
    chunk: usize,
    drops: u32,
    options: Options,
    store: Store,
    drive: Option<Drive>,
    /// What the server has said and no `S:` has claimed.
    said: Vec<u8>,
}

impl<'d> Play<'d> {
    fn new(name: &'d str, chunk: usize, drops: u32) -> Self {
        let mut options = Options::default();
        options.greeting = "Dovecot ready.".into();
        Self {
            name,
            chunk,
            drops,
            options,
            store: Store {
                secured: true,
                piece: chunk,
                page: 2,
                ..Store::default()
            },
            drive: None,
            said: Vec::new(),
        }
    }

    fn play(mut self, text: &str) {
        for (number, line) in text.lines().enumerate() {
            let at = format!("{}:{} (chunk {})", self.name, number + 1, self.chunk);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(':').unwrap_or((line, ""));
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            match word {
                "given" => self.given(rest, &at),
                "C" => {
                    self.nothing_unclaimed(&at);
                    let octets = unescape(rest);
                    let drive = self.drive();
                    drive.input.extend(octets);
                    drive.input.extend(b"\r\n");
                }
                "S" => {
                    let line = self.next_line(&at);
                    assert_eq!(line, rest, "{at}");
                }
                word if word.starts_with("message ") => {
                    let uid = word["message ".len()..].parse().unwrap();
                    self.store.messages.push((uid, unescape(rest), None));
                }
                word => self.happens(word, rest, &at),
            }
        }
        self.nothing_unclaimed("at the end");
    }

    fn given(&mut self, what: &str, at: &str) {
        match what {
            "unsecured" => self.store.secured = false,
            "apop" => self.store.apop = true,
            "unwelcome" => self.store.unwelcome = true,
            "stls" => self.options.stls = true,
            "last" => self.options.last = true,
            "exclusive" => self.options.exclusive = true,
            "locked" => self.store.locked = true,
            "never marks seen" => self.options.marks_seen = false,
            "commit fails" => self.store.fails_commit = true,
            _ => match what.split_once(' ') {
                Some(("uidl", form)) => self.options.uidl = UidlFormat::parse(form).unwrap(),
                Some(("own-uidl", id)) => {
                    self.store.messages.last_mut().unwrap().2 = Some(id.into());
                }
                _ => panic!("{at}: {what}"),
            },
        }
    }

    fn happens(&mut self, word: &str, rest: &str, at: &str) {
        let drive = self.drive();
        match word {
            "vanishes" => drive.store.gone.push(rest.parse().unwrap()),
            "fails at" => drive.store.fails_at = Some(rest.parse().unwrap()),
            "silent" => drive.wait(Duration::from_secs(rest.parse().unwrap())),
            "shutdown" => drive.notice(Notice::Shutdown),
            "kicked" => drive.notice(Notice::Kicked),
            "hangs up" => drive.half_closed = true,
            "tls" => {
                drive.run();
                assert!(drive.tls, "{at}");
            }
            "closed" => {
                drive.run();
                assert!(drive.closed, "{at}");
            }
            "open" => {
                drive.run();
                assert!(!drive.closed, "{at}");
            }
            "abandoned" => {
                drive.run();
                assert!(
                    drive.store.abandoned && drive.store.committed.is_none(),
                    "{at}"
                );
            }
            "committed" => {
                drive.run();
                let (deleted, seen) = drive.store.committed.as_ref().expect(at);
                assert_eq!(format!("{deleted:?} {seen:?}"), committed(rest), "{at}");
            }
            "uncommitted" => {
                drive.run();
                assert!(drive.store.committed.is_none(), "{at}");
            }
            other => panic!("{at}: {other}"),
        }
    }

    fn drive(&mut self) -> &mut Drive {
        let (options, store) = (&self.options, &mut self.store);
        let (chunk, drops) = (self.chunk, self.drops);
        self.drive.get_or_insert_with(|| {
            let mut drive = Drive::new(options.clone(), std::mem::take(store));
            drive.chunk = chunk;
            drive.drops = drops;
            drive
        })
    }

    fn hear(&mut self) {
        let drive = self.drive();
        drive.run();
        let said = std::mem::take(&mut drive.output);
        self.said.extend(said);
    }

    fn next_line(&mut self, at: &str) -> String {
        self.hear();
        let end = self.said.windows(2).position(|two| two == b"\r\n");
        let end = end.unwrap_or_else(|| panic!("{at}: the server is silent"));
        let line: Vec<u8> = self.said.drain(..end + 2).collect();
        String::from_utf8_lossy(&line[..end]).into_owned()
    }

    fn nothing_unclaimed(&mut self, at: &str) {
        self.hear_said();
        let said = String::from_utf8_lossy(&self.said);
        assert!(said.is_empty(), "{} {at}: unclaimed: {said}", self.name);
    }

    /// Takes what was said already, without letting the session go on.
    fn hear_said(&mut self) {
        let said = std::mem::take(&mut self.drive().output);
        self.said.extend(said);
    }
}

/// `1,2 / 3` as two sets.
fn committed(rest: &str) -> String {
    let set = |text: &str| -> UidSet {
        let numbers = text.split(',').filter_map(|n| n.trim().parse().ok());
        numbers.filter_map(Uid::new).collect()
    };
    let (deleted, seen) = rest.split_once('/').unwrap();
    format!("{:?} {:?}", set(deleted), set(seen))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match rest.next() {
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
            }
            other => out.extend(other),
        }
    }
    out
}
