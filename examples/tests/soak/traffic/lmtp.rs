//! Mail by LMTP, which promises for each recipient by itself (RFC 2033 §4.2).

use super::{Names, World, message, owner};
use crate::chance::Chance;
use crate::server::LMTP;

pub fn visit(world: &World<'_>, chance: &mut Chance, names: &mut Names) {
    let Some(mut peer) = world.connect(LMTP, "220 ") else {
        return;
    };
    if !peer.ask("LHLO client.test").starts_with("250") {
        return;
    }
    for _ in 0..chance.within(1, 5) {
        let name = names.next(chance);
        peer.ask("MAIL FROM:<sender@client.test>");
        let mut rooms = Vec::new();
        for _ in 0..chance.within(1, 3) {
            let (user, room) = world.addressee(chance);
            if !rooms.contains(&room) && peer.ask(&format!("RCPT TO:<{user}>")).starts_with("250") {
                rooms.push(room);
            }
        }
        if rooms.is_empty() || !peer.ask("DATA").starts_with("354") {
            return;
        }
        for room in &rooms {
            world
                .ledger
                .handed((*room, &name), owner(chance), false, "LMTP by DATA");
        }
        peer.raw((message(&name) + ".\r\n").as_bytes());
        for room in &rooms {
            let answer = peer.reply();
            let said = format!("LMTP: {answer}");
            if answer.starts_with("250 ") {
                world.ledger.here((*room, &name), &said);
                world.ledger.count("LMTP");
            } else {
                world.ledger.note((*room, &name), &said, |_| ());
            }
        }
    }
    peer.ask("QUIT");
}
