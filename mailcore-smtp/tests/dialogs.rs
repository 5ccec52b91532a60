//! Dialogs as text: what a client says (`C:`), what the server answers (`S:`), what the desk has seen (`D:`).
//! Each is run with bytes arriving one by one, in pairs and whole, and with steps dropped at random; the
//! transcript is the same every time.
//!
//! A line `C:` ends in CRLF unless it ends in `\c`; `\r \n \t \0 \\ \xHH` are escapes and `{a*9}` repeats. Lines that
//! begin with `!` set an option at the top, or make something happen below: `!close`, `!expire`, `!shutdown`,
//! `!kick`.

#![allow(clippy::unwrap_used)] // in a test a panic is the right end

#[allow(unreachable_pub)]
mod support;

use mailcore_base::wire::Notice;
use mailcore_smtp::Keyword;
use mailcore_smtp::server::{AuthOffer, LineEnds, Options, StartTls, Welcome};
use std::{fs, path::Path};
use support::{Rig, Travel, lmtp, smtp, text, trusted};

#[test]
fn every_dialog_is_the_same_however_its_bytes_travel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogs");
    let (mut ran, mut failed) = (0, String::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The client's are in a folder of their own.
        if path.is_dir() {
            continue;
        }
        let script = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (chunk, seed) in [
            (usize::MAX, 0),
            (1, 0),
            (2, 0),
            (usize::MAX, 7),
            (1, 11),
            (2, 42),
            (5, 99),
        ] {
            let name = format!("{name} chunk {chunk} seed {seed}");
            if let Err(how) = play(&name, &script, Travel { chunk, seed }) {
                failed += &how;
                break;
            }
        }
        ran += 1;
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(ran >= 20, "the dialogs were not found");
}

fn play(name: &str, script: &str, travel: Travel) -> Result<(), String> {
    let (options, welcome) = settings(script);
    let mut rig = Rig::new(options, welcome, travel);
    let (mut said, mut expected, mut seen) = (String::new(), String::new(), Vec::new());
    let mut sends: Option<Vec<u8>> = Some(Vec::new());
    let mut lines = script
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    while let Some(line) = lines.next() {
        let (mark, rest) = line.split_at(2);
        match mark {
            "C:" => sends
                .get_or_insert_default()
                .extend(unescape(rest.strip_prefix(' ').unwrap_or(rest))),
            "S:" => {
                flush(&mut rig, &mut sends, &mut said);
                expected += &format!("{}\r\n", rest.strip_prefix(' ').unwrap_or(rest));
                // Compared turn by turn, so that a failure shows where it begins.
                if lines.peek().is_none_or(|next| !next.starts_with("S:")) {
                    agree(name, &said, &expected)?;
                }
            }
            "D:" => seen.push(rest.trim_start().to_owned()),
            _ => {
                flush(&mut rig, &mut sends, &mut said);
                said += &match line {
                    "!close" => rig.half_close(),
                    "!expire" => rig.expire(),
                    "!shutdown" => rig.notice(Notice::Shutdown),
                    "!kick" => rig.notice(Notice::Kicked),
                    _ => continue,
                };
            }
        }
    }
    flush(&mut rig, &mut sends, &mut said);
    agree(name, &said, &expected)?;
    agree(name, &rig.desk.seen, &seen)?;
    agree(name, &rig.closed, &script.contains("\n!closed"))
}

fn agree<T: PartialEq + std::fmt::Debug>(name: &str, is: &T, ought: &T) -> Result<(), String> {
    match is == ought {
        true => Ok(()),
        false => Err(format!("{name}\n   is {is:?}\nought {ought:?}\n")),
    }
}

fn flush(rig: &mut Rig, sends: &mut Option<Vec<u8>>, said: &mut String) {
    if let Some(bytes) = sends.take() {
        *said += &rig.send(&bytes);
    }
}

fn settings(script: &str) -> (Options, Welcome) {
    let mut options = if script.contains("!lmtp") {
        lmtp()
    } else {
        smtp()
    };
    let mut welcome = Welcome::default();
    for line in script.lines().filter(|line| line.starts_with('!')) {
        match line {
            "!trusted" => welcome = trusted(),
            "!starttls" => options.starttls = StartTls::Offered,
            "!starttls required" => options.starttls = StartTls::Required,
            "!auth" => {
                options.auth = AuthOffer {
                    clear: vec![text("PLAIN"), text("LOGIN")],
                    secured: vec![text("PLAIN")],
                    broken_clients: true,
                };
            }
            "!reject bare newlines" => options.line_ends = LineEnds::Reject,
            "!hello required" => options.hello_required = true,
            "!hidden" => {
                options.discard = [
                    Keyword::Auth,
                    Keyword::Chunking,
                    Keyword::Dsn,
                    Keyword::EightBitMime,
                ]
                .into_iter()
                .chain([
                    Keyword::StartTls,
                    Keyword::Pipelining,
                    Keyword::Etrn,
                    Keyword::SmtpUtf8,
                ])
                .collect();
            }
            "!no vrfy" => options.verify = false,
            "!strict utf8" => options.strict_smtputf8 = true,
            "!no utf8" => options.smtputf8 = false,
            "!small" => {
                options.size_limit = Some(60);
                options.header_limit = 30;
                options.recipient_limit = 2;
            }
            "!impatient" => {
                options.soft_errors = 1;
                options.hard_errors = 3;
                options.junk_commands = 2;
            }
            _ => {}
        }
    }
    (options, welcome)
}

fn unescape(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('c') => return out,
                Some('r') => out.push(b'\r'),
                Some('n') => out.push(b'\n'),
                Some('t') => out.push(b'\t'),
                Some('0') => out.push(0),
                Some('\\') => out.push(b'\\'),
                Some('x') => {
                    let hex: String = chars.by_ref().take(2).collect();
                    out.push(u8::from_str_radix(&hex, 16).unwrap());
                }
                other => panic!("unknown escape {other:?}"),
            },
            '{' => {
                let inner: String = chars.by_ref().take_while(|&c| c != '}').collect();
                let (what, times) = inner.rsplit_once('*').unwrap();
                out.extend(what.repeat(times.parse().unwrap()).bytes());
            }
            c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out.extend(b"\r\n");
    out
}
