//! Mail taken away by POP3: what DELE has marked is gone once QUIT is answered (RFC 1939 §6), and only then.

use super::World;
use crate::chance::Chance;
use crate::house::PASSWORD;
use crate::peer::Peer;
use crate::server::POP3;

pub fn visit(world: &World<'_>, chance: &mut Chance, user: &'static str) {
    let Some(mut peer) = world.connect(POP3, "+OK") else {
        return;
    };
    let room = world.room(user, "INBOX");
    let logged_in = peer.ask(&format!("USER {user}")).starts_with("+OK")
        && peer.ask(&format!("PASS {PASSWORD}")).starts_with("+OK");
    if !logged_in {
        return;
    }
    let Some(count) = peer
        .ask("STAT")
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok())
    else {
        return;
    };
    let mut marked = Vec::new();
    for n in 1..=count.min(chance.within(1, 30)) {
        let Some(name) = subject(&mut peer, n) else {
            return;
        };
        if chance.once_in(4) || !peer.ask(&format!("DELE {n}")).starts_with("+OK") {
            continue;
        }
        marked.push(name);
    }
    if chance.once_in(6) {
        // It hangs up without QUIT: nothing goes.
        return;
    }
    // What nobody has acknowledged yet may go too: it is of no account.
    for name in &marked {
        world
            .ledger
            .leaving((room, name), None, "POP3 QUIT after DELE");
    }
    let answer = peer.ask("QUIT");
    for name in &marked {
        let said = format!("POP3 QUIT: {answer}");
        if answer.starts_with("+OK") {
            world.ledger.gone((room, name), &said);
            world.ledger.count("POP3 DELE");
        } else {
            world.ledger.note((room, name), &said, |_| ());
        }
    }
}

/// The name of a message; nothing once the connection is of no more use.
fn subject(peer: &mut Peer, n: usize) -> Option<String> {
    let mut found = None;
    if !peer.ask(&format!("TOP {n} 0")).starts_with("+OK") {
        return None;
    }
    loop {
        let line = peer.line()?;
        if line == "." {
            return found;
        }
        if let Some(name) = line.strip_prefix("Subject: ") {
            found = Some(name.to_owned());
        }
    }
}
