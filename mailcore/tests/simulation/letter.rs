//! What is sent in a life: by whom, to whom, and what must become of it.

use crate::chance::Chance;
use std::time::Duration;

pub const USERS: [&str; 3] = ["alice@here.test", "bob@here.test", "carla@here.test"];
/// Alias, and where it leads.
pub const ALIASES: [(&str, &str); 2] = [
    ("team", "alice, bob, friend@far.test"),
    ("out", "dora@elsewhere.test"),
];
/// Who can be written to: users, aliases, people elsewhere, and nobody.
const GIVEN: [&str; 13] = [
    "alice@here.test",
    "bob@here.test",
    "carla@here.test",
    "carla+lists@here.test",
    "team@here.test",
    "out@here.test",
    "friend@far.test",
    "enemy@far.test",
    "dora@elsewhere.test",
    "emil@elsewhere.test",
    "frida@nowhere.test",
    "gina@null.test",
    "nobody@here.test",
];
const SENDERS: [&str; 4] = ["alice@here.test", "bob@here.test", "sender@far.test", ""];

/// How a client sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Data,
    Chunks,
    /// It is gone before the end.
    BreaksOff,
}

#[derive(Debug, Clone)]
pub struct Letter {
    /// Which: nobody else's.
    pub token: String,
    pub sender: &'static str,
    pub given: Vec<&'static str>,
    pub content: Vec<u8>,
    pub way: Way,
    /// How long its client waits before it sends it.
    pub pause: Duration,
}

impl Letter {
    /// The letter number `n` of a life.
    pub fn new(seed: u64, n: u64, chance: &mut Chance) -> Self {
        let token = format!("s{seed}n{n}");
        let mut given: Vec<&str> = Vec::new();
        for _ in 0..=chance.below(4) {
            let to = chance.pick(&GIVEN);
            if !given.contains(&to) {
                given.push(to);
            }
        }
        let sender = chance.pick(&SENDERS);
        let ways = [Way::Data, Way::Data, Way::Chunks, Way::BreaksOff];
        Self {
            content: content(&token, sender, chance),
            token,
            sender,
            given,
            way: chance.pick(&ways),
            pause: chance.seconds(400),
        }
    }

    /// The final addresses that it is for.
    pub fn finals(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for given in &self.given {
            for address in leads_to(given) {
                if !all.contains(&address) {
                    all.push(address);
                }
            }
        }
        all
    }

    /// The line that tells it from all others, also in a report.
    pub fn mark(&self) -> String {
        format!("Message-ID: <{}@client.test>\r\n", self.token)
    }
}

/// The mailbox of a final address of ours.
pub fn user(address: &str) -> Option<&'static str> {
    let plain = address.replace("+lists", "");
    USERS.into_iter().find(|user| *user == plain)
}

fn leads_to(given: &str) -> Vec<String> {
    let local = given.strip_suffix("@here.test");
    let alias = ALIASES.iter().find(|(name, _)| local == Some(name));
    match alias {
        Some((_, list)) => list
            .split(", ")
            .map(|name| match name.contains('@') {
                true => name.to_owned(),
                false => format!("{name}@here.test"),
            })
            .collect(),
        None if given == "nobody@here.test" => Vec::new(),
        None => vec![given.to_owned()],
    }
}

fn content(token: &str, sender: &str, chance: &mut Chance) -> Vec<u8> {
    let lines = match chance.below(12) {
        0 => 1_200,
        1..4 => 60 + chance.below(60),
        _ => chance.below(8),
    };
    let mut text = format!(
        "Message-ID: <{token}@client.test>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: <{}>\r\n\
         To: all of you:;\r\nSubject: {token}\r\n\r\n",
        if sender.is_empty() {
            "somebody@client.test"
        } else {
            sender
        },
    );
    for n in 0..lines {
        let dot = if n % 7 == 3 { "." } else { "" };
        let line = format!(
            "{dot}{token} line {n} of {lines} {:016x}\r\n",
            chance.number()
        );
        text.push_str(&line);
    }
    text.into_bytes()
}
