//! SEARCH: programs made by chance, which have to find the same messages.

use crate::chance::Chance;
use crate::client::{Answer, Client, Value};
use crate::ledger::{Difference, Ledger};
use crate::pair::{Both, Pair};
use crate::phrases::FOREIGN;
use crate::predict;
use crate::programs::{Key, Program, Scope, program};
use crate::returned;
use std::collections::{BTreeMap, BTreeSet};

pub type Found = BTreeSet<u32>;

/// What each has said to each key, of all messages or of some.
#[derive(Default)]
struct Known(BTreeMap<(Option<Key>, Key), Said>);

/// What both have found, unless one of them has refused to look.
type Said = Result<(Found, Found), ()>;

/// Runs so many programs, of which some look into bodies: of many messages in a row, if `whole`.
pub fn compare(
    pair: &mut Pair,
    ledger: &mut Ledger,
    chance: &mut Chance,
    programs: usize,
    whole: bool,
) {
    prepare(pair);
    let mut known = Known::default();
    for number in 0..programs {
        let scope = Scope {
            count: pair.mails.len(),
            bodies: number.is_multiple_of(4),
        };
        let charset = if chance.once_in(6) {
            Some(chance.of(&FOREIGN).0)
        } else {
            None
        };
        let charset = charset.filter(|name| *name != "utf-8");
        let mut program = program(chance, scope, charset, 3);
        let mut within = None;
        if scope.bodies {
            let first = chance.within(1, scope.count);
            let last = first + if whole { 2_000 } else { 60 };
            let key = Key {
                name: "UID",
                octets: format!("UID {first}:{last}").into_bytes(),
                charset: None,
                text: String::new(),
                field: "",
            };
            program = Program::All(vec![Program::Key(key.clone()), program]);
            within = Some(key);
        }
        one(
            pair,
            ledger,
            chance,
            &mut known,
            (&program, within.as_ref()),
            charset,
        );
    }
}

/// Keywords, which names of files tell only with a list besides, and flags changed.
fn prepare(pair: &mut Pair) {
    let last = pair.mails.len();
    for command in [
        format!("UID STORE 1:{} +FLAGS.SILENT (red)", last / 3),
        format!("UID STORE {}:{} +FLAGS.SILENT (Blue)", last / 4, last / 2),
        format!(
            "UID STORE {}:{} +FLAGS.SILENT ($Forwarded \\Flagged)",
            last / 2,
            last / 2 + 9
        ),
        format!(
            "UID STORE {}:{} -FLAGS.SILENT (\\Seen)",
            last / 2,
            last / 2 + 20
        ),
    ] {
        let both = pair.ask(&command);
        assert_eq!(
            (both.theirs.end, both.ours.end),
            ("OK".into(), "OK".into()),
            "{command}"
        );
    }
}

pub fn command(program: &Program, charset: Option<&str>, returned: &str) -> Vec<u8> {
    let mut command = format!(
        "UID SEARCH {returned}CHARSET {} ",
        charset.unwrap_or("UTF-8")
    )
    .into_bytes();
    program.write_to(&mut command);
    command
}

fn one(
    pair: &mut Pair,
    ledger: &mut Ledger,
    chance: &mut Chance,
    known: &mut Known,
    (program, within): (&Program, Option<&Key>),
    charset: Option<&'static str>,
) {
    ledger.compared("SEARCH program");
    let sent = command(program, charset, "");
    let both = pair.ask_bytes(&sent);
    let asked = sent.escape_ascii().to_string();
    if !same_verdict(pair, ledger, &both, &asked) {
        return;
    }
    let (theirs, ours) = (found(&both.theirs), found(&both.ours));
    if theirs != ours {
        explain(
            pair,
            ledger,
            known,
            (program, within),
            charset,
            (&theirs, &ours),
        );
    }
    if chance.once_in(3) {
        returned::compare(pair, ledger, chance, program, charset);
    }
}

/// Whether both have answered; what one of them refuses is noted.
pub fn same_verdict(pair: &mut Pair, ledger: &mut Ledger, both: &Both, asked: &str) -> bool {
    let [theirs, ours] = [&both.theirs, &both.ours].map(|answer| Value::Atom(answer.verdict()));
    let ok = both.theirs.end == "OK" && both.ours.end == "OK";
    if theirs != ours {
        let asked = format!("{asked}: {} | {}", both.theirs.words, both.ours.words);
        ledger.note(Difference {
            what: "SEARCH verdict",
            asked: &asked,
            mail: &pair.mails[0],
            near: b"",
            theirs,
            ours,
        });
    }
    ok
}

pub fn found(answer: &Answer) -> Found {
    let told = answer.told.iter().filter(|told| told[0].is("SEARCH"));
    told.flat_map(|told| told[1..].iter().filter_map(Value::number))
        .collect()
}

/// What differs has to come from the keys: each of them is asked alone, and what either says to the program has to
/// follow from what it says to them.
fn explain(
    pair: &mut Pair,
    ledger: &mut Ledger,
    known: &mut Known,
    (program, within): (&Program, Option<&Key>),
    charset: Option<&'static str>,
    whole: (&Found, &Found),
) {
    let mut keys = Vec::new();
    program.keys(&mut keys);
    // What looks into bodies is asked of the same messages alone.
    let scope = |key: &Key| {
        within
            .filter(|_| ["BODY", "TEXT"].contains(&key.name))
            .cloned()
    };
    for key in &keys {
        learn(pair, ledger, known, (scope(key), key), charset);
    }
    let said = |key: &Key| {
        let said = known.0.get(&(scope(key), key.clone()));
        said.and_then(|said| said.as_ref().ok())
    };
    let said_of =
        |uid: u32| move |key: &Key| said(key).is_some_and(|(theirs, _)| theirs.contains(&uid));
    for (uid, mail) in (1..).zip(&pair.mails) {
        let theirs =
            program.holds(&|key| said(key).is_some_and(|(theirs, _)| theirs.contains(&uid)));
        let ours = program.holds(&|key| said(key).is_some_and(|(_, ours)| ours.contains(&uid)));
        let asked = command(program, charset, "").escape_ascii().to_string();
        for (what, follows, is) in [
            (
                "theirs is not what follows from its keys",
                theirs,
                whole.0.contains(&uid),
            ),
            (
                "ours is not what follows from its keys",
                ours,
                whole.1.contains(&uid),
            ),
        ] {
            if follows == is {
                continue;
            }
            let apart = what.starts_with("theirs")
                && predict::in_one_program(program, mail, &said_of(uid), is);
            if apart {
                ledger.listed(predict::OF_ADDRESSES);
            } else {
                let value = |is: bool| Value::Atom(is.to_string());
                ledger.note(Difference {
                    what,
                    asked: &asked,
                    mail,
                    near: &mail.octets,
                    theirs: value(follows),
                    ours: value(is),
                });
            }
        }
    }
}

/// Asks for one key alone, once, and notes what differs.
fn learn(
    pair: &mut Pair,
    ledger: &mut Ledger,
    known: &mut Known,
    (within, key): (Option<Key>, &Key),
    charset: Option<&'static str>,
) {
    let alone = within
        .iter()
        .chain([key])
        .cloned()
        .map(Program::Key)
        .collect();
    let alone = command(&Program::All(alone), charset, "");
    let about = (within, key.clone());
    if known.0.contains_key(&about) {
        return;
    }
    let both = pair.ask_bytes(&alone);
    let asked = key.octets.escape_ascii().to_string();
    if !same_verdict(pair, ledger, &both, &asked) {
        known.0.insert(about, Err(()));
        return;
    }
    let (theirs, ours) = (found(&both.theirs), found(&both.ours));
    for uid in theirs.symmetric_difference(&ours) {
        let mail = &pair.mails[*uid as usize - 1];
        let manners = predict::of_key(key, mail, theirs.contains(uid));
        if !manners.is_empty() {
            manners.into_iter().for_each(|name| ledger.listed(name));
            continue;
        }
        let value = |found: &Found| Value::Atom(found.contains(uid).to_string());
        ledger.note(Difference {
            what: key.name,
            asked: &asked,
            mail,
            near: &mail.octets,
            theirs: value(&theirs),
            ours: value(&ours),
        });
    }
    known.0.insert(about, Ok((theirs, ours)));
}

/// `MODSEQ`: each server counts in its own way, so the values are those that it has told.
pub fn by_modseq(pair: &mut Pair, ledger: &mut Ledger) {
    let middle = pair.mails.len() / 2;
    let store = format!("UID STORE 1:9,{middle} +FLAGS (Marked)");
    let both = [&mut pair.theirs, &mut pair.ours].map(|client| {
        let before = highest(client);
        assert_eq!(client.ask(store.as_bytes()).end, "OK");
        let search = |client: &mut Client, text: String| found(&client.ask(text.as_bytes()));
        let since = search(client, format!("UID SEARCH MODSEQ {}", before + 1));
        let typed = search(
            client,
            format!("UID SEARCH MODSEQ \"/flags/\\\\seen\" all {}", before + 1),
        );
        let neither = search(
            client,
            format!("UID SEARCH NOT MODSEQ {} UID 1:20", before + 1),
        );
        [since, typed, neither]
    });
    ledger.compared("SEARCH MODSEQ");
    assert_eq!(both[0], both[1]);
    assert_eq!(both[0][0].len(), 10);
}

fn highest(client: &mut Client) -> u64 {
    let answer = client.ask(b"STATUS INBOX (HIGHESTMODSEQ)");
    let values = answer
        .told
        .iter()
        .find(|told| told[0].is("STATUS"))
        .map(|told| told[2].list().to_vec());
    match values.as_deref() {
        Some([_, Value::Atom(value)]) => value.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}
