//! SORT and THREAD: the same order, and the same threads.

use crate::chance::Chance;
use crate::client::{Answer, Value};
use crate::differences::{PLACED_BY_OTHERS, set_aside};
use crate::ledger::{Difference, Ledger};
use crate::marks::placed_by_others;
use crate::pair::Pair;
use crate::programs::{Scope, program};
use crate::searches::found;
use std::collections::BTreeSet;

const KEYS: [&str; 9] = [
    "ARRIVAL",
    "CC",
    "DATE",
    "FROM",
    "SIZE",
    "SUBJECT",
    "TO",
    "DISPLAYFROM",
    "DISPLAYTO",
];

/// Every key alone and turned round, then as many orders of several keys among what a program finds; all threads.
pub fn compare(pair: &mut Pair, ledger: &mut Ledger, chance: &mut Chance, orders: usize) {
    for key in KEYS {
        for reverse in ["", "REVERSE "] {
            sort(pair, ledger, &format!("({reverse}{key})"), b"ALL");
        }
    }
    for way in ["ORDEREDSUBJECT", "REFERENCES", "REFS"] {
        thread(pair, ledger, way, b"ALL");
    }
    let scope = Scope {
        count: pair.mails.len(),
        bodies: false,
    };
    for _ in 0..orders {
        let mut among = Vec::new();
        program(chance, scope, None, 2).write_to(&mut among);
        let mut keys: Vec<&str> = (0..chance.within(1, 3))
            .map(|_| chance.text(&KEYS))
            .collect();
        keys.sort_by_key(|key| key.len());
        keys.dedup();
        let keys: Vec<String> = keys
            .into_iter()
            .map(|key| format!("{}{key}", chance.text(&["", "REVERSE "])))
            .collect();
        sort(pair, ledger, &format!("({})", keys.join(" ")), &among);
        thread(
            pair,
            ledger,
            chance.text(&["ORDEREDSUBJECT", "REFERENCES", "REFS"]),
            &among,
        );
    }
}

/// Messages that may stand elsewhere are left out of both; the others have to stand in the same order.
fn sort(pair: &mut Pair, ledger: &mut Ledger, keys: &str, among: &[u8]) {
    ledger.compared("SORT");
    let command = [format!("UID SORT {keys} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    let [mut theirs, mut ours] = [&both.theirs, &both.ours].map(|answer| values(answer, "SORT"));
    if theirs == ours {
        return;
    }
    let keys: Vec<&str> = KEYS
        .into_iter()
        .filter(|key| keys.split(['(', ')', ' ']).any(|word| word == *key))
        .collect();
    // What only one of them has found, the search is about.
    let both: BTreeSet<u32> = theirs
        .iter()
        .filter(|uid| ours.contains(uid))
        .filter_map(Value::number)
        .collect();
    for list in [&mut theirs, &mut ours] {
        list.retain(|uid| {
            let uid = uid.number().unwrap_or(0);
            both.contains(&uid) && aside(pair, ledger, &keys, uid).is_none()
        });
    }
    note(pair, ledger, "SORT", &command, theirs, ours);
}

fn aside(pair: &Pair, ledger: &mut Ledger, keys: &[&str], uid: u32) -> Option<&'static str> {
    let mail = &pair.mails[uid as usize - 1];
    let class = keys.iter().find_map(|key| set_aside(key, mail))?;
    ledger.listed(class);
    Some(class)
}

/// A message that may stand elsewhere takes others with it: threads are made of the others alone.
fn thread(pair: &mut Pair, ledger: &mut Ledger, way: &str, among: &[u8]) {
    ledger.compared("THREAD");
    let keys = ["DATE", "SUBJECT", "REFERENCES"];
    let command = [format!("UID THREAD {way} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    if values(&both.theirs, "THREAD") == values(&both.ours, "THREAD") {
        return;
    }
    // What only one of them finds, the search is about.
    let search = [b"UID SEARCH CHARSET UTF-8 ", among].concat();
    let both = pair.ask_bytes(&search);
    let (theirs, ours) = (found(&both.theirs), found(&both.ours));
    let placed = placed_by_others(&pair.mails);
    let mut uids = Vec::new();
    for uid in theirs.intersection(&ours) {
        if aside(pair, ledger, &keys, *uid).is_some() {
            continue;
        }
        if placed.contains(uid) {
            ledger.listed(PLACED_BY_OTHERS);
        } else {
            uids.push(uid.to_string());
        }
    }
    if uids.is_empty() {
        return;
    }
    let command = format!("UID THREAD {way} UTF-8 UID {}", uids.join(",")).into_bytes();
    let both = pair.ask_bytes(&command);
    let [theirs, ours] = [&both.theirs, &both.ours].map(|answer| values(answer, "THREAD"));
    note(pair, ledger, "THREAD", &command, theirs, ours);
}

fn values(answer: &Answer, name: &str) -> Vec<Value> {
    assert_eq!(answer.end, "OK", "{}", answer.words);
    let told = answer.told.iter().filter(|told| told[0].is(name));
    told.flat_map(|told| told[1..].to_vec()).collect()
}

/// The first place where they differ.
fn note(
    pair: &Pair,
    ledger: &mut Ledger,
    what: &str,
    command: &[u8],
    theirs: Vec<Value>,
    ours: Vec<Value>,
) {
    let mut asked = command.escape_ascii().to_string();
    asked.truncate(300);
    let at = theirs
        .iter()
        .zip(&ours)
        .position(|(theirs, ours)| theirs != ours);
    let at = at.or((theirs.len() != ours.len()).then(|| theirs.len().min(ours.len())));
    let Some(at) = at else { return };
    let from = at.saturating_sub(2);
    let some = |values: &[Value]| Value::List(values.iter().skip(from).take(8).cloned().collect());
    let first = theirs.get(at).and_then(Value::number).unwrap_or(1);
    let mail = &pair.mails[first as usize - 1];
    ledger.note(Difference {
        what,
        asked: &asked,
        mail,
        near: b"",
        theirs: some(&theirs),
        ours: some(&ours),
    });
}
