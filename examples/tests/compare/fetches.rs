//! FETCH: all that a server tells of a message, item by item.

use crate::chance::Chance;
use crate::client::{Answer, Value};
use crate::closer;
use crate::ledger::{Difference, Ledger};
use crate::pair::{Both, Pair};
use std::collections::{BTreeMap, BTreeSet};

/// By UID and item, what was told.
pub type Rows = BTreeMap<u32, BTreeMap<String, Value>>;

/// What one command asks of every message.
const WHOLE: [&str; 15] = [
    "FLAGS",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "RFC822.HEADER",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY.PEEK[HEADER.FIELDS (FROM Subject x-long)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (RECEIVED DATE CONTENT-TYPE)]",
    "BODY.PEEK[HEADER.FIELDS (X-Empty)]",
    "BODY.PEEK[HEADER.FIELDS (REFERENCES MESSAGE-ID IN-REPLY-TO)]",
    "BODY.PEEK[MIME]",
];
/// Messages that a command is about.
const BATCH: usize = 100;

/// Compares what is told of every message, at first and once it is known.
pub fn compare(pair: &mut Pair, ledger: &mut Ledger, chance: &mut Chance) {
    let count = pair.mails.len();
    let mut shapes = vec![Value::Nil; count];
    for again in [false, true] {
        for first in (1..=count).step_by(BATCH) {
            let last = (first + BATCH - 1).min(count);
            // `BODY[MIME]` is no section.
            let both = pair.ask(&format!(
                "UID FETCH {first}:{last} ({})",
                WHOLE[..14].join(" ")
            ));
            let rows = compare_rows(pair, ledger, &both, "");
            for (uid, items) in rows.into_iter().filter(|_| !again) {
                shapes[uid as usize - 1] =
                    items.get("BODYSTRUCTURE").cloned().unwrap_or(Value::Nil);
            }
        }
    }
    let mut asked = Vec::new();
    for (at, shape) in shapes.iter().enumerate() {
        let most = if pair.mails[at].octets.len() > 64 * 1024 {
            4
        } else {
            40
        };
        for items in sections(chance, shape, most) {
            asked.push(format!("UID FETCH {} ({items})", at + 1));
        }
    }
    // One by one: Dovecot tells what the next command asked for before it ends the one before.
    for command in asked {
        let both = pair.ask(&command);
        compare_rows(pair, ledger, &both, &command);
    }
}

/// Compares rows, and returns theirs.
fn compare_rows(pair: &mut Pair, ledger: &mut Ledger, both: &Both, command: &str) -> Rows {
    let (theirs, ours) = (rows(&both.theirs), rows(&both.ours));
    let asked_uid = command.split(' ').nth(2).and_then(|uid| uid.parse().ok());
    let verdicts = [&both.theirs, &both.ours].map(|answer| Value::Atom(answer.verdict()));
    if verdicts[0] != verdicts[1] {
        let uid = asked_uid.unwrap_or(1);
        let [theirs, ours] = verdicts;
        let asked = format!("{command}: {} | {}", both.theirs.words, both.ours.words);
        let near = closer::part(pair, uid, &asked);
        let mail = &pair.mails[uid as usize - 1];
        ledger.note(Difference {
            what: "verdict",
            asked: &asked,
            mail,
            near: &near,
            theirs,
            ours,
        });
        return Rows::new();
    }
    let uids: BTreeSet<u32> = theirs
        .keys()
        .chain(ours.keys())
        .copied()
        .chain(asked_uid)
        .collect();
    let none = BTreeMap::new();
    for uid in uids {
        let (theirs, ours) = (
            theirs.get(&uid).unwrap_or(&none),
            ours.get(&uid).unwrap_or(&none),
        );
        let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for name in names {
            let value = |items: &BTreeMap<String, Value>| {
                items
                    .get(name)
                    .cloned()
                    .unwrap_or(Value::Atom("(not told)".into()))
            };
            let (theirs, ours) = (value(theirs), value(ours));
            let what = name.split(['[', '<']).next().unwrap_or(name);
            ledger.compared(what);
            if theirs != ours {
                let near = closer::part(pair, uid, name);
                let contradiction = closer::contradiction(pair, uid, name, &theirs, &ours);
                // What is true of some octets is judged by all of them, and a size by what it is the size of.
                let (what, theirs, ours) = match (contradiction, what) {
                    (Some(contradiction), _) => (contradiction, theirs, ours),
                    (None, "BINARY" | "BINARY.SIZE") => {
                        let (theirs, ours) = closer::wholes(pair, uid, name);
                        ("BINARY", theirs, ours)
                    }
                    (None, what) => (what, theirs, ours),
                };
                let mail = &pair.mails[uid as usize - 1];
                ledger.note(Difference {
                    what,
                    asked: name,
                    mail,
                    near: &near,
                    theirs,
                    ours,
                });
            }
        }
    }
    theirs
}

/// By UID, what was told by item.
pub fn rows(answer: &Answer) -> Rows {
    let mut rows = Rows::new();
    for told in answer
        .told
        .iter()
        .filter(|told| told.get(1).is_some_and(|v| v.is("FETCH")))
    {
        let items = told[2].list();
        let pairs = items.chunks_exact(2);
        let named = pairs.filter_map(|pair| match &pair[0] {
            // Names of fields come back in the client's case or in capitals.
            Value::Atom(name) => Some((name.to_ascii_uppercase(), sorted(name, &pair[1]))),
            _ => None,
        });
        let named: BTreeMap<String, Value> = named.filter(|(name, _)| name != "MODSEQ").collect();
        if let Some(uid) = named.get("UID").and_then(Value::number) {
            rows.entry(uid).or_default().extend(named);
        }
    }
    rows
}

/// Flags have no order.
fn sorted(name: &str, value: &Value) -> Value {
    match value {
        Value::List(flags) if name == "FLAGS" => {
            let mut flags: Vec<Value> = flags
                .iter()
                .filter(|flag| !flag.is("\\Recent"))
                .cloned()
                .collect();
            flags.sort();
            Value::List(flags)
        }
        value => value.clone(),
    }
}

/// For a message of that structure, the items of several commands: sections, and each part decoded, of so many at most.
fn sections(chance: &mut Chance, shape: &Value, most: usize) -> Vec<String> {
    let mut paths = Vec::new();
    walk(shape, "", &mut paths);
    let mut items: Vec<String> = Vec::new();
    let mut commands = Vec::new();
    for (path, holds_message) in paths.iter().take(most) {
        items.push(format!("BODY.PEEK[{path}]"));
        items.push(format!("BODY.PEEK[{path}.MIME]"));
        if *holds_message || chance.once_in(6) {
            for text in [
                "HEADER",
                "TEXT",
                "HEADER.FIELDS (Subject From)",
                "HEADER.FIELDS.NOT (SUBJECT)",
            ] {
                items.push(format!("BODY.PEEK[{path}.{text}]"));
            }
        }
        if chance.once_in(4) {
            let range = format!("<{}.{}>", chance.below(300), chance.within(1, 300));
            items.push(format!("BODY.PEEK[{path}]{range}"));
            commands.push(format!("BINARY.PEEK[{path}]{range}"));
        }
        commands.push(format!("BINARY.PEEK[{path}]"));
        commands.push(format!("BINARY.SIZE[{path}]"));
    }
    // Some that are not there.
    let some = chance.of(&paths).0.clone();
    let missing = [
        "9".to_owned(),
        format!("{some}.1"),
        format!("{some}.2"),
        format!("{some}.1.1"),
        format!("1.{some}"),
    ];
    for path in missing {
        items.push(format!("BODY.PEEK[{path}]"));
        items.push(format!(
            "BODY.PEEK[{path}.{}]",
            chance.text(&["MIME", "HEADER", "TEXT"])
        ));
        if chance.once_in(3) {
            commands.push(format!("BINARY.PEEK[{path}]"));
        }
    }
    for section in ["", "TEXT", "HEADER", "HEADER.FIELDS (TO SUBJECT)"] {
        items.push(format!(
            "BODY.PEEK[{section}]<{}.{}>",
            chance.below(2000),
            chance.within(1, 2000)
        ));
    }
    if chance.once_in(4) {
        commands.push("BINARY.PEEK[]".to_owned());
        commands.push("BINARY.SIZE[]".to_owned());
    }
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
    commands.push(items.join(" "));
    commands
}

/// The numbers of all parts, and whether each is a message.
fn walk(shape: &Value, at: &str, paths: &mut Vec<(String, bool)>) {
    let below = |n: usize| {
        if at.is_empty() {
            n.to_string()
        } else {
            format!("{at}.{n}")
        }
    };
    let list = shape.list();
    match list.first() {
        Some(Value::List(_)) => {
            let parts = list
                .iter()
                .take_while(|part| matches!(part, Value::List(_)));
            for (n, part) in parts.enumerate() {
                let path = below(n + 1);
                enter(part, path, paths);
            }
        }
        _ => enter(shape, below(1), paths),
    }
}

fn enter(part: &Value, path: String, paths: &mut Vec<(String, bool)>) {
    let list = part.list();
    let text = |at: usize| match list.get(at) {
        Some(Value::Text(text)) => text.to_ascii_lowercase(),
        _ => Vec::new(),
    };
    let message = text(0) == b"message" && text(1) == b"rfc822";
    paths.push((path.clone(), message));
    if message && let Some(within) = list.get(8) {
        match within.list().first() {
            Some(Value::List(_)) => walk(within, &path, paths),
            _ => enter(within, format!("{path}.1"), paths),
        }
    }
    if matches!(list.first(), Some(Value::List(_))) {
        walk(part, &path, paths);
    }
}
