//! SORT and THREAD: the same order, and the same threads.

use crate::chance::Chance;
use crate::client::{Answer, Value};
use crate::ledger::{Difference, Ledger};
use crate::pair::Pair;
use crate::predict::Arrangement;
use crate::programs::{Scope, program};
use crate::searches::same_verdict;
use mailcore::base::mailbox::Uid;
use mailcore::imap::thread::Told;
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

/// What is found is put in the same order, or in that which comes of Dovecot's manners of reading.
fn sort(pair: &mut Pair, ledger: &mut Ledger, keys: &str, among: &[u8]) {
    ledger.compared("SORT");
    let command = [format!("UID SORT {keys} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    if !same_verdict(pair, ledger, &both, &command.escape_ascii().to_string()) {
        return;
    }
    let told = |answer| {
        let numbers = values(answer, "SORT");
        let numbers = numbers.iter().filter_map(Value::number);
        numbers.map(|uid| told(Some(uid), 0)).collect()
    };
    let [mut theirs, mut ours]: [Vec<Told>; 2] = [&both.theirs, &both.ours].map(told);
    // What only one of them has found, the search is about.
    let found = |all: &[Told]| {
        all.iter()
            .filter_map(|told| told.uid)
            .collect::<BTreeSet<Uid>>()
    };
    let both: BTreeSet<Uid> = found(&theirs)
        .intersection(&found(&ours))
        .copied()
        .collect();
    for list in [&mut theirs, &mut ours] {
        list.retain(|told| told.uid.is_some_and(|uid| both.contains(&uid)));
    }
    judge(pair, ledger, "SORT", (keys, &command), theirs, ours);
}

fn thread(pair: &mut Pair, ledger: &mut Ledger, way: &str, among: &[u8]) {
    ledger.compared("THREAD");
    let command = [format!("UID THREAD {way} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    if !same_verdict(pair, ledger, &both, &command.escape_ascii().to_string()) {
        return;
    }
    let threads = |answer| {
        let mut flat = Vec::new();
        values(answer, "THREAD")
            .iter()
            .for_each(|thread| flatten(thread, &mut flat));
        flat
    };
    let [mut theirs, mut ours] = [&both.theirs, &both.ours].map(threads);
    let found = |all: &[Told]| {
        all.iter()
            .filter_map(|told| told.uid)
            .collect::<BTreeSet<Uid>>()
    };
    if found(&theirs) != found(&ours) {
        // What only one of them finds, the search is about: the others alone are put into threads.
        let uids: Vec<String> = found(&theirs)
            .intersection(&found(&ours))
            .map(|uid| uid.number().to_string())
            .collect();
        if uids.is_empty() {
            return;
        }
        let command = format!("UID THREAD {way} UTF-8 UID {}", uids.join(","));
        let both = pair.ask(&command);
        [theirs, ours] = [&both.theirs, &both.ours].map(threads);
    }
    judge(pair, ledger, "THREAD", (way, &command), theirs, ours);
}

fn told(uid: Option<u32>, children: usize) -> Told {
    Told {
        uid: uid.and_then(Uid::new),
        children: children as u32,
    }
}

/// A thread as it is written, to one message behind the other: numbers in a row are each the child of the one before,
/// lists are children of the last.
fn flatten(thread: &Value, flat: &mut Vec<Told>) {
    let numbers: Vec<u32> = thread.list().iter().map_while(Value::number).collect();
    let lists = &thread.list()[numbers.len()..];
    match numbers.split_last() {
        Some((last, before)) => {
            flat.extend(before.iter().map(|uid| told(Some(*uid), 1)));
            flat.push(told(Some(*last), lists.len()));
        }
        None => flat.push(told(None, lists.len())),
    }
    lists.iter().for_each(|list| flatten(list, flat));
}

fn judge(
    pair: &Pair,
    ledger: &mut Ledger,
    what: &str,
    (way, command): (&str, &[u8]),
    theirs: Vec<Told>,
    ours: Vec<Told>,
) {
    if theirs == ours {
        return;
    }
    match Arrangement::parse(way).explain(&theirs, &pair.mails) {
        Ok(manners) => manners.into_iter().for_each(|name| ledger.listed(name)),
        Err(predicted) => note(pair, ledger, what, command, &theirs, &predicted),
    }
}

fn values(answer: &Answer, name: &str) -> Vec<Value> {
    assert_eq!(answer.end, "OK", "{}", answer.words);
    let told = answer.told.iter().filter(|told| told[0].is(name));
    told.flat_map(|told| told[1..].to_vec()).collect()
}

/// The first place where Dovecot's answer is not the one that was expected of it.
fn note(
    pair: &Pair,
    ledger: &mut Ledger,
    what: &str,
    command: &[u8],
    theirs: &[Told],
    expected: &[Told],
) {
    let mut asked = command.escape_ascii().to_string();
    asked.truncate(300);
    let at = theirs
        .iter()
        .zip(expected)
        .take_while(|(theirs, expected)| theirs == expected)
        .count();
    let some = |all: &[Told]| {
        let some = all.iter().skip(at.saturating_sub(2)).take(8);
        let number = |uid: Option<Uid>| uid.map_or(0, Uid::number);
        let some = some.map(|told| Value::Atom(format!("{}+{}", number(told.uid), told.children)));
        Value::List(some.collect())
    };
    let first = theirs
        .get(at)
        .and_then(|told| told.uid)
        .map_or(1, Uid::number);
    ledger.note(Difference {
        what,
        asked: &asked,
        mail: &pair.mails[first as usize - 1],
        near: b"",
        theirs: some(theirs),
        ours: some(expected),
    });
}
