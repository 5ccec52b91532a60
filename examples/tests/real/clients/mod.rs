//! Mail programs and libraries that people use, each taken through what its users do. What they say is not believed:
//! the Maildir is looked at afterwards.
//!
//! What is not in Debian lies in `target/clients`, where `.ci/clients` puts it.

mod aioimaplib;
mod getmail;
mod imapclient;
mod imapflow;
mod neomutt;
mod offlineimap;
mod roundcube;

use crate::server::{IMAP, IMAPS, POP3S, SMTP, SUBMISSION, Server, absent, have, succeed};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ALICE: &str = "alice@example.test";

/// The folder that `.ci/clients` fills.
fn fetched() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap().join("clients")
}

/// Whether a package of PyPI's or npm's is there; says so by name where it is not, as [`have`] does.
fn have_package(name: &str) -> bool {
    let versions = fs::read_to_string(fetched().join("versions")).unwrap_or_default();
    versions.contains(name) || absent(&format!("`{name}` in {}", fetched().display()))
}

/// Whether there is such a folder, as [`have`] does.
fn have_folder(path: &str) -> bool {
    Path::new(path).is_dir() || absent(&format!("the folder {path}"))
}

/// A script beside this file, for a program that runs it. Its one argument says in JSON where the server is, who the
/// user is, and what else it must know.
fn script(program: &Path, name: &str, server: &Server) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/clients");
    let ports = [
        ("imap", IMAP),
        ("imaps", IMAPS),
        ("pop3s", POP3S),
        ("smtp", SMTP),
        ("submission", SUBMISSION),
    ]
    .map(|(name, service)| format!("{name:?}: {}", server.port(service)));
    let told = [
        ("user", ALICE.to_owned()),
        ("password", server.password(ALICE)),
        ("certificate", server.certificate().display().to_string()),
        ("scratch", server.scratch().display().to_string()),
        ("queue_list", server.queue_list()),
        ("modules", fetched().display().to_string()),
    ]
    .map(|(name, value)| format!("{name:?}: {value:?}"));
    let mut command = Command::new(program);
    command
        .arg(file.join(name))
        .arg(format!("{{{}, {}}}", ports.join(", "), told.join(", ")))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", server.scratch());
    command
}

/// Runs such a script of Python's that uses a package of PyPI's; false where that is absent.
fn with_pypi(package: &str, name: &str, server: &Server) -> bool {
    let there = have(&["python3"]) && have_package(package);
    if there {
        let python = fetched().join("venv/bin/python");
        succeed(&mut script(&python, name, server));
    }
    there
}

/// A user's Maildir.
fn maildir(server: &Server, user: &str) -> PathBuf {
    let (name, domain) = user.split_once('@').unwrap();
    server.data().join(format!("mail/{domain}/{name}/Maildir"))
}

/// What lies in a folder of a user's Maildir (the inbox is ""), one line a message in the order of their subjects: the
/// subject and the flags as IMAP calls them.
fn kept(server: &Server, user: &str, folder: &str) -> Vec<String> {
    let folder = maildir(server, user).join(folder);
    let keywords = keywords(&folder);
    let mut lines: Vec<String> = messages(&folder)
        .iter()
        .map(|path| line(path, &keywords))
        .collect();
    lines.sort();
    lines
}

/// The files of a folder's messages.
fn messages(folder: &Path) -> Vec<PathBuf> {
    ["new", "cur"]
        .iter()
        .flat_map(|sub| fs::read_dir(folder.join(sub)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn keywords(folder: &Path) -> BTreeMap<char, String> {
    let text = fs::read_to_string(folder.join("dovecot-keywords")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(n, name)| (char::from(b'a' + n.parse::<u8>().unwrap()), name.to_owned()))
        .collect()
}

fn line(path: &Path, keywords: &BTreeMap<char, String>) -> String {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let subject = text.lines().find_map(|l| l.strip_prefix("Subject: "));
    let mut line = subject.unwrap_or_default().to_owned();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
    for flag in flags.chars() {
        line.push(' ');
        line.push_str(match flag {
            'D' => "\\Draft",
            'F' => "\\Flagged",
            'P' => "$Forwarded",
            'R' => "\\Answered",
            'S' => "\\Seen",
            'T' => "\\Deleted",
            other => &keywords[&other],
        });
    }
    line
}
