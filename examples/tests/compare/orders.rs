//! SORT and THREAD: the same order, and the same threads.

use crate::chance::Chance;
use crate::client::{Answer, Value};
use crate::ledger::{Difference, Ledger};
use crate::pair::Pair;
use crate::programs::{Scope, program};

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
        let keys: Vec<String> = (0..chance.within(1, 3))
            .map(|_| format!("{}{}", chance.text(&["", "REVERSE "]), chance.text(&KEYS)))
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

fn sort(pair: &mut Pair, ledger: &mut Ledger, keys: &str, among: &[u8]) {
    ledger.compared("SORT");
    let command = [format!("UID SORT {keys} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    let [theirs, ours] = [&both.theirs, &both.ours].map(|answer| values(answer, "SORT"));
    note(pair, ledger, "SORT", &command, theirs, ours);
}

fn thread(pair: &mut Pair, ledger: &mut Ledger, way: &str, among: &[u8]) {
    ledger.compared("THREAD");
    let command = [format!("UID THREAD {way} UTF-8 ").as_bytes(), among].concat();
    let both = pair.ask_bytes(&command);
    let [theirs, ours] = [&both.theirs, &both.ours].map(|answer| values(answer, "THREAD"));
    note(pair, ledger, "THREAD", &command, theirs, ours);
}

fn values(answer: &Answer, name: &str) -> Vec<Value> {
    assert_eq!(answer.end, "OK", "{}", answer.words);
    let told = answer.told.iter().filter(|told| told[0].is(name));
    told.flat_map(|told| told[1..].to_vec()).collect()
}

/// One difference for each place.
fn note(
    pair: &Pair,
    ledger: &mut Ledger,
    what: &str,
    command: &[u8],
    theirs: Vec<Value>,
    ours: Vec<Value>,
) {
    let asked = command.escape_ascii().to_string();
    let at = theirs
        .iter()
        .zip(&ours)
        .position(|(theirs, ours)| theirs != ours);
    let at = at.or((theirs.len() != ours.len()).then(|| theirs.len().min(ours.len())));
    let Some(at) = at else { return };
    let from = at.saturating_sub(2);
    let some = |values: &[Value]| Value::List(values.iter().skip(from).take(8).cloned().collect());
    ledger.note(Difference {
        what,
        asked: &asked,
        mail: &pair.mails[0],
        near: b"",
        theirs: some(&theirs),
        ours: some(&ours),
    });
}
