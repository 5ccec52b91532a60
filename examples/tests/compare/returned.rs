//! What a search returns of its result: of what each server finds, it has to tell what was asked for.

use crate::chance::Chance;
use crate::client::{Answer, Value};
use crate::ledger::Ledger;
use crate::pair::Pair;
use crate::programs::Program;
use crate::searches::{command, found};
use std::collections::BTreeMap;

/// ESEARCH (RFC 4731, RFC 5267): what each returns has to follow from what it finds.
pub fn compare(
    pair: &mut Pair,
    ledger: &mut Ledger,
    chance: &mut Chance,
    program: &Program,
    charset: Option<&'static str>,
) {
    let (low, high) = (chance.within(1, 30), chance.within(1, 30));
    let options = match chance.below(8) {
        0 => "ALL".to_owned(),
        1 => "MIN MAX COUNT".to_owned(),
        2 => "COUNT".to_owned(),
        3 => format!("PARTIAL {low}:{high}"),
        4 => format!("COUNT PARTIAL {low}:{high} MIN"),
        5 => "MIN".to_owned(),
        6 => "SAVE".to_owned(),
        _ => String::new(),
    };
    ledger.compared("SEARCH RETURN");
    let save = options == "SAVE";
    let sent = command(program, charset, &format!("RETURN ({options}) "));
    let plain = command(program, charset, "");
    for (name, client) in [("theirs", &mut pair.theirs), ("ours", &mut pair.ours)] {
        let all: Vec<u32> = found(&client.ask(&plain)).into_iter().collect();
        let answer = client.ask(&sent);
        assert_eq!(
            answer.end,
            "OK",
            "{name}: {} {}",
            sent.escape_ascii(),
            answer.words
        );
        if save {
            let again: Vec<u32> = found(&client.ask(b"UID SEARCH $")).into_iter().collect();
            assert_eq!(all, again, "{name}: {}", sent.escape_ascii());
            continue;
        }
        assert_eq!(
            told(&answer),
            expected(&all, &options, (low.min(high), low.max(high))),
            "{name}: {}",
            sent.escape_ascii()
        );
    }
}

/// Options and values of an ESEARCH response, sets as lists of UIDs.
fn told(answer: &Answer) -> BTreeMap<String, Vec<u32>> {
    let mut told = BTreeMap::new();
    let Some(response) = answer.told.iter().find(|told| told[0].is("ESEARCH")) else {
        return told;
    };
    for pair in response[3..].chunks_exact(2) {
        let (Value::Atom(name), value) = (&pair[0], &pair[1]) else {
            continue;
        };
        let set = match value {
            Value::Atom(set) => set.clone(),
            Value::List(partial) => match partial.get(1) {
                Some(Value::Atom(set)) => set.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        told.insert(name.clone(), numbers(&set));
    }
    told
}

fn numbers(set: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for range in set.split(',').filter(|range| !range.is_empty()) {
        let (low, high) = range.split_once(':').unwrap_or((range, range));
        numbers.extend(low.parse::<u32>().unwrap()..=high.parse::<u32>().unwrap());
    }
    numbers
}

fn expected(all: &[u32], options: &str, (low, high): (usize, usize)) -> BTreeMap<String, Vec<u32>> {
    let mut expected = BTreeMap::new();
    let mut put = |name: &str, numbers: Vec<u32>| expected.insert(name.to_owned(), numbers);
    let ends = |end: Option<&u32>| end.map(|uid| vec![*uid]);
    if options.contains("MIN")
        && let Some(min) = ends(all.first())
    {
        put("MIN", min);
    }
    if options.contains("MAX")
        && let Some(max) = ends(all.last())
    {
        put("MAX", max);
    }
    if options.contains("COUNT") {
        put("COUNT", vec![all.len() as u32]);
    }
    if (options.is_empty() || options == "ALL") && !all.is_empty() {
        put("ALL", all.to_vec());
    }
    if options.contains("PARTIAL") {
        put(
            "PARTIAL",
            all.iter()
                .copied()
                .skip(low - 1)
                .take(high - low + 1)
                .collect(),
        );
    }
    expected
}
