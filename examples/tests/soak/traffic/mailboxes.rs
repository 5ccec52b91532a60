//! Mailboxes that come, get mail, are renamed, subscribed to and go. Each is its client's own, and its name is used once.

use super::{Names, World, imap, message};
use crate::chance::Chance;

pub fn visit(world: &World<'_>, chance: &mut Chance, names: &mut Names, user: &'static str) {
    // Nothing to be said of it: the connection was lost, and what is known of the mailbox stands in the ledger.
    let _ = life(world, chance, names, user);
}

/// One mailbox's life, as far as the connection lasts.
fn life(
    world: &World<'_>,
    chance: &mut Chance,
    names: &mut Names,
    user: &'static str,
) -> Option<()> {
    let mut client = imap::login(world.base, user)?;
    let first = format!("box-{}", names.next(chance));
    let ledger = world.ledger;
    let mailbox = ledger.mailbox(user, &first, None);
    let made = client.ask(format!("CREATE {first}").as_bytes());
    ledger.stands(
        mailbox,
        (made.end == "OK").then_some(true),
        &[&first],
        &format!("CREATE: {} {}", made.end, made.words),
    );
    if made.end != "OK" {
        return None;
    }
    ledger.count("CREATE");
    for _ in 0..chance.within(0, 3) {
        let name = names.next(chance);
        let message = message(&name);
        ledger.handed((mailbox, &name), 0, false, "APPEND");
        let answer =
            client.ask(format!("APPEND {first} {{{}+}}\r\n{message}", message.len()).as_bytes());
        let said = format!("APPEND: {} {}", answer.end, answer.words);
        if answer.end != "OK" {
            ledger.note((mailbox, &name), &said, |_| ());
            return None;
        }
        ledger.here((mailbox, &name), &said);
        ledger.count("APPEND");
    }
    let mut last = first.clone();
    if chance.once_in(2) {
        let second = format!("{first}-renamed");
        ledger.stands(mailbox, Some(true), &[&first, &second], "RENAME");
        let answer = client.ask(format!("RENAME {first} {second}").as_bytes());
        if answer.end != "OK" {
            return None;
        }
        ledger.stands(mailbox, Some(true), &[&second], "RENAME: OK");
        ledger.count("RENAME");
        last = second;
    }
    if chance.once_in(2) {
        let on = chance.once_in(2);
        let what = if on { "SUBSCRIBE" } else { "UNSUBSCRIBE" };
        ledger.subscribed(mailbox, None, what);
        // A name that is not in the list cannot be taken from it everywhere: it is put there first.
        if !on && client.ask(format!("SUBSCRIBE {last}").as_bytes()).end != "OK" {
            return None;
        }
        let answer = client.ask(format!("{what} {last}").as_bytes());
        if answer.end != "OK" {
            return None;
        }
        ledger.subscribed(mailbox, Some(on), &format!("{what}: OK"));
        ledger.count(what);
    }
    // Those that stay pile up: few do.
    if chance.once_in(5) {
        return Some(());
    }
    ledger.stands(mailbox, None, &[&last], "DELETE");
    let answer = client.ask(format!("DELETE {last}").as_bytes());
    if answer.end == "OK" {
        ledger.stands(mailbox, Some(false), &[&last], "DELETE: OK");
        ledger.count("DELETE");
    }
    client.ask(b"LOGOUT");
    Some(())
}
