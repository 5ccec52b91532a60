//! Dialogs as text from the client's side: what a server says (`S:`), what the client says (`C:`), what its desk has
//! been told (`D:`). Each is run with bytes arriving one by one, in pairs and whole, and with steps dropped at random;
//! the transcript is the same every time.
//!
//! `!send to,to: content` queues a message, with parameters of MAIL before `to` in brackets; `!rest`, `!close`,
//! `!expire`, `!shutdown`, `!kick`, `!changed` make something happen.

#![allow(clippy::unwrap_used)] // in a test a panic is the right end

#[allow(unreachable_pub)]
mod sender;
#[allow(unreachable_pub)]
mod support;

use mailcore_base::envelope::{Body, EnvelopeId, Notify, OriginalRecipient, Return};
use mailcore_base::wire::Notice;
use mailcore_smtp::client::{Options, Tls};
use sender::{Client, Job, ended, lmtp, message, smtp};
use std::{fs, path::Path};

#[test]
fn every_dialog_is_the_same_however_its_bytes_travel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogs/client");
    let (mut ran, mut failed) = (0, String::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (chunk, seed) in [
            (usize::MAX, 0),
            (1, 0),
            (2, 0),
            (usize::MAX, 7),
            (1, 11),
            (5, 99),
        ] {
            let name = format!("{name} chunk {chunk} seed {seed}");
            if let Err(how) = play(&name, &script, chunk, seed) {
                failed += &how;
                break;
            }
        }
        ran += 1;
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(ran >= 10, "the dialogs were not found");
}

fn play(name: &str, script: &str, chunk: usize, seed: u64) -> Result<(), String> {
    let mut client = prepared(script, chunk, seed);
    let (mut said, mut expected) = (String::new(), String::new());
    let (mut seen, mut hears) = (Vec::new(), None::<String>);
    for line in script.lines() {
        if let Some(text) = line.strip_prefix("S:") {
            let text = text.strip_prefix(' ').unwrap_or(text);
            if hears.is_none() {
                // Compared turn by turn: nothing is said before its time.
                agree(name, &said, &expected)?;
            }
            *hears.get_or_insert_default() += &format!("{text}\r\n");
            continue;
        }
        if let Some(text) = hears.take() {
            said += &client.hear(text.as_bytes());
        }
        if let Some(text) = line.strip_prefix("C:") {
            expected += &format!("{}\r\n", text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(text) = line.strip_prefix("D:") {
            seen.push(text.trim_start().to_owned());
        } else {
            said += &match line {
                "!close" => client.close(),
                "!expire" => client.expire(),
                "!shutdown" => client.notice(Notice::Shutdown),
                "!kick" => client.notice(Notice::Kicked),
                "!changed" => client.notice(Notice::Changed),
                _ => continue,
            };
        }
    }
    if let Some(text) = hears.take() {
        said += &client.hear(text.as_bytes());
    }
    agree(name, &said, &expected)?;
    client.desk.seen.push(ended(&client.session));
    agree(name, &client.desk.seen, &seen)?;
    agree(name, &client.closed, &client.session.ended().is_some())
}

fn agree<T: PartialEq + std::fmt::Debug>(name: &str, is: &T, ought: &T) -> Result<(), String> {
    match is == ought {
        true => Ok(()),
        false => Err(format!("{name}\n   is {is:#?}\nought {ought:#?}\n")),
    }
}

fn prepared(script: &str, chunk: usize, seed: u64) -> Client {
    let mut options = match script.contains("!lmtp") {
        true => lmtp(),
        false => smtp(),
    };
    options.tls = Tls::Off;
    let jobs = script.lines().filter_map(job).collect();
    settings(script, &mut options);
    let mut client = Client::new(options, jobs, chunk, seed);
    client.desk.distrusts = script.contains("!distrusts");
    if script.contains("!handshake fails") {
        client.refuse_tls();
    }
    if script.contains("!content fails") {
        client.desk.fails_at = Some(0);
    }
    for line in script.lines() {
        if let Some(words) = line.strip_prefix("!login ") {
            let mut words = words.split(' ').map(str::to_owned);
            let mechanism = words.next().unwrap();
            let word = |word: String| match word.as_str() {
                "-" => None,
                "empty" => Some(String::new()),
                "long" => Some("x".repeat(600)),
                _ => Some(word),
            };
            client.desk.login = Some((mechanism, words.map(word).collect()));
        }
    }
    client
}

fn settings(script: &str, options: &mut Options) {
    for line in script.lines() {
        match line {
            "!tls may" => options.tls = Tls::May,
            "!tls required" => options.tls = Tls::Required,
            "!chunking" => options.chunking = true,
            "!await quit" => options.await_quit = true,
            "!auth" => options.login = true,
            "!ahead 1" => options.ahead = 1,
            "!narrow" => options.line_limit = Some(10),
            _ => {}
        }
    }
}

fn job(line: &str) -> Option<Job> {
    if line == "!rest" {
        return Some(Job::Rest(60));
    }
    let rest = line.strip_prefix("!send ")?;
    let (to, content) = rest.split_once(':').unwrap();
    let (asked, to) = match to.strip_prefix('[') {
        Some(asked) => asked.split_once("] ").unwrap(),
        None => ("", to),
    };
    let content = content.strip_prefix(' ').unwrap_or(content);
    let content = content.replace("\\r", "\r").replace("\\n", "\n");
    let mut message = message(&to.split(',').collect::<Vec<_>>(), content.as_bytes());
    let parameters = &mut message.envelope.parameters;
    for word in asked.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "8bit" => parameters.body = Some(Body::EightBitMime),
            "binary" => parameters.body = Some(Body::BinaryMime),
            "utf8" => parameters.smtputf8 = true,
            "report" => {
                parameters.ret = Some(Return::Headers);
                parameters.envelope_id = EnvelopeId::parse("x+2By").ok();
                for recipient in &mut message.envelope.recipients {
                    recipient.parameters.notify = Some(Notify::SUCCESS | Notify::FAILURE);
                    let address = recipient.path.address().unwrap();
                    recipient.parameters.original = OriginalRecipient::of(address).ok();
                }
            }
            "large" => message.size = 5000,
            word => panic!("{word}?"),
        }
    }
    Some(Job::Send(message, content.into_bytes()))
}
