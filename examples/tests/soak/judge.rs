//! Once all is healed: what is in the mailboxes and at the peer, against the ledger.

use crate::client::{Client, Value};
use crate::house::House;
use crate::ledger::{FLAGS, Kept, Ledger, Mailbox, Standing};
use crate::net::queue;
use crate::traffic::{PATIENCE, behind, login, name_in, text};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The most memory that any life of the server may take, in octets: the same for a run of any length.
const MEMORY: u64 = 512 << 20;
/// Deliveries that are under way at a time: so many may a kill have caught between a message and its record.
const UNDER_WAY: u32 = 20;

/// A message as it is found.
struct Found {
    uid: u32,
    flags: Vec<String>,
    whole: bool,
}

/// Everything found wrong.
struct Verdict {
    lines: Vec<String>,
    /// Messages that came back after their removal, where a kill may have fallen before their record.
    back: u32,
}

impl Verdict {
    fn wrong(&mut self, what: &str, history: &[String]) {
        let mut line = what.to_owned();
        for step in history {
            write!(line, "\n      {step}").unwrap();
        }
        self.lines.push(line);
    }
}

/// Heals what there is, waits until the queue is empty, and fails where anything is not as it was promised.
pub fn judge(house: &mut House, ledger: &Ledger<'_>) {
    house.rise_again(ledger);
    let mut verdict = Verdict {
        lines: Vec::new(),
        back: 0,
    };
    let left = emptied(house);
    if !left.is_empty() {
        verdict.lines.push(format!("left in the queue:\n{left}"));
    }
    let books = ledger.books();
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    let mut found = Vec::new();
    for mailbox in &books.mailboxes {
        let client = clients
            .entry(&mailbox.user)
            .or_insert_with(|| login(house.base, &mailbox.user).expect("it runs"));
        found.push(look(client, mailbox, &mut verdict));
    }
    for (at, mailbox) in books.mailboxes.iter().enumerate() {
        if mailbox.exists != Some(true) {
            continue;
        }
        for (name, kept) in &mailbox.kept {
            let heir = kept
                .or
                .as_ref()
                .is_some_and(|(room, name)| found[*room].contains_key(name));
            one(
                &mut verdict,
                mailbox,
                (name, kept),
                found[at].get(name),
                heir,
            );
        }
    }
    let heard = house.peer.heard().messages;
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &heard {
        let name = message
            .split("Subject: ")
            .nth(1)
            .and_then(|m| m.lines().next());
        *there
            .entry(name.unwrap_or("a message without a name"))
            .or_default() += 1;
    }
    for (name, (acknowledged, history)) in &books.sent {
        if *acknowledged && !there.contains_key(name.as_str()) {
            verdict.wrong(&format!("{name}: lost on its way to the peer"), history);
        }
    }
    let twice = there.values().filter(|count| **count > 1).count();
    verdict.lines.extend(books.wrong.iter().cloned());
    house.measure();
    verdict.lines.extend(
        house
            .complaints
            .drain(..)
            .map(|line| format!("its log: {line}")),
    );
    if house.peak > MEMORY {
        verdict
            .lines
            .push(format!("a life of it took {} MiB", house.peak >> 20));
    }
    if verdict.back > UNDER_WAY * ledger.life() {
        verdict
            .lines
            .push(format!("{} removed messages came back", verdict.back));
    }
    println!("acknowledged: {:?}", books.counts);
    println!("its lives took, in MiB: {:?}", house.lives);
    println!(
        "{} lives, {} mailboxes with {} messages; {} at the peer, {twice} of them more than once; {} came back after a kill; at most {} MiB resident",
        ledger.life(),
        books.mailboxes.len(),
        found.iter().map(BTreeMap::len).sum::<usize>(),
        heard.len(),
        verdict.back,
        house.peak >> 20
    );
    drop(books);
    assert!(
        verdict.lines.is_empty(),
        "{} things are wrong:\n{}",
        verdict.lines.len(),
        verdict.lines.join("\n")
    );
}

/// Waits until the queue is empty, with patience: what is left in it.
fn emptied(house: &House) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let (left, _) = queue(house.server(), &["list"]);
        if left == "Mail queue is empty\n" {
            return String::new();
        }
        if Instant::now() > end {
            return left;
        }
        queue(house.server(), &["retry"]);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What is in a mailbox, by name; complains of what can be seen there alone.
fn look(client: &mut Client, mailbox: &Mailbox, verdict: &mut Verdict) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    let there: Vec<&String> = mailbox
        .names
        .iter()
        .filter(|name| client.ask(format!("SELECT {name}").as_bytes()).end == "OK")
        .collect();
    let what = format!("{} {:?}", mailbox.user, mailbox.names);
    match (mailbox.exists, there.len()) {
        (Some(true), 0) => verdict.wrong(
            &format!("{what}: the mailbox is not there"),
            &mailbox.history,
        ),
        (Some(false), 1..) => {
            verdict.wrong(&format!("{what}: the mailbox is there"), &mailbox.history)
        }
        (_, 2..) => verdict.wrong(
            &format!("{what}: the mailbox is there twice"),
            &mailbox.history,
        ),
        _ => {}
    }
    let [name] = there[..] else { return found };
    // INBOX and the like are nobody's to subscribe to here.
    let listed = client.ask(format!("LIST (SUBSCRIBED) \"\" {name}").as_bytes());
    let listed = listed.told.iter().any(|it| it[0].is("LIST"));
    if mailbox.exists == Some(true) && mailbox.subscribed.is_some_and(|it| it != listed) {
        verdict.wrong(
            &format!("{what}: subscribed to: {listed}"),
            &mailbox.history,
        );
    }
    let status = client.ask(format!("STATUS {name} (UIDVALIDITY)").as_bytes());
    let validity = status
        .told
        .iter()
        .find(|it| it[0].is("STATUS"))
        .and_then(|it| behind(it.get(2)?.list(), "UIDVALIDITY"));
    if mailbox.validity.is_some() && validity != mailbox.validity {
        verdict.wrong(
            &format!(
                "{what}: UIDVALIDITY was {:?} and is {validity:?}",
                mailbox.validity
            ),
            &[],
        );
    }
    client.ask(format!("EXAMINE {name}").as_bytes());
    let answer =
        client.ask(b"UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])");
    for told in &answer.told {
        let Some(values) = told.get(2).map(Value::list).filter(|_| told[1].is("FETCH")) else {
            continue;
        };
        let (Some(uid), Some(name)) = (behind(values, "UID"), values.iter().find_map(name_in))
        else {
            verdict.wrong(
                &format!(
                    "{what}: a message without a name: {:.200}",
                    format!("{told:?}")
                ),
                &[],
            );
            continue;
        };
        let flags = values
            .iter()
            .position(|it| it.is("FLAGS"))
            .map_or(&[][..], |at| values[at + 1].list());
        let body = values.last() == Some(&Value::Text(text(&name).into_bytes()));
        let it = Found {
            uid,
            flags: flags.iter().map(|it| format!("{it:?}")).collect(),
            whole: body,
        };
        let history = mailbox
            .kept
            .get(&name)
            .map_or(&[][..], |kept| &kept.history);
        if mailbox.uids.get(&uid).is_some_and(|known| *known != name) {
            verdict.wrong(
                &format!("{what}: UID {uid} was {} and is {name}", mailbox.uids[&uid]),
                history,
            );
        }
        if !mailbox.kept.contains_key(&name) {
            verdict.wrong(
                &format!("{what}: {name} is there, and nobody brought it"),
                &[],
            );
        }
        if found.insert(name.clone(), it).is_some() {
            verdict.wrong(&format!("{what}: {name} is there twice"), history);
        }
    }
    found
}

/// Judges one message.
fn one(
    verdict: &mut Verdict,
    mailbox: &Mailbox,
    (name, kept): (&str, &Kept),
    found: Option<&Found>,
    heir: bool,
) {
    let what = format!("{} {:?}: {name}", mailbox.user, mailbox.names);
    match (kept.standing, found) {
        (Standing::Here, None) => verdict.wrong(&format!("{what} is lost"), &kept.history),
        (Standing::Perhaps, None) if kept.or.is_some() && !heir => {
            verdict.wrong(
                &format!("{what} is lost, and so is what it was to become"),
                &kept.history,
            );
        }
        // The log had no record yet that it was delivered.
        (Standing::Gone(_), Some(_)) if kept.queued => verdict.back += 1,
        (Standing::Gone(_), Some(_)) => {
            verdict.wrong(&format!("{what} was removed and is there"), &kept.history)
        }
        _ => {}
    }
    let Some(found) = found else { return };
    if !found.whole {
        verdict.wrong(&format!("{what} is not whole"), &kept.history);
    }
    if kept.standing != Standing::Here {
        return;
    }
    if kept.uid.is_some_and(|uid| uid != found.uid) {
        verdict.wrong(
            &format!("{what} had UID {:?} and has {}", kept.uid, found.uid),
            &kept.history,
        );
    }
    for (flag, wanted) in FLAGS.iter().zip(kept.flags) {
        let is = found.flags.iter().any(|it| it.eq_ignore_ascii_case(flag));
        if wanted.is_some_and(|wanted| wanted != is) {
            verdict.wrong(
                &format!(
                    "{what}: {flag} should be {wanted:?}; it has {:?}",
                    found.flags
                ),
                &kept.history,
            );
        }
    }
}
