//! Mail by SMTP: to mailboxes here and to another server; command by command, in a pipeline, in chunks, under TLS with a
//! login. An answer of 250 to its end is the promise.

use super::{Names, World, message, owner, patient, through_tls};
use crate::chance::Chance;
use crate::house::{ELSEWHERE, PASSWORD, READERS};
use crate::peer::Peer;
use crate::server::{SMTP, SMTPS, SUBMISSION, have};

/// Where a message goes.
enum To {
    Mailbox(&'static str, usize),
    Elsewhere,
}

pub fn visit(world: &World<'_>, chance: &mut Chance, names: &mut Names) {
    // A process for each of those.
    if chance.once_in(4) && have(&["openssl"]) {
        let (port, arguments, greeting) = if chance.once_in(2) {
            (SMTPS, &[][..], "220 ")
        } else {
            (SUBMISSION, &["-starttls", "smtp"][..], "")
        };
        if let Some((peer, mut child)) = through_tls(world.base + port, arguments) {
            if let Some(mut peer) = patient(peer, greeting) {
                let login = logged_in(&mut peer);
                login.and_then(|()| talk(world, chance, names, &mut peer, true));
            }
            // It ends by itself once either side has closed; this only hurries it.
            let _ = child.kill();
            let _ = child.wait();
        }
        return;
    }
    if let Some(mut peer) = world.connect(SMTP, "220 ") {
        talk(world, chance, names, &mut peer, false);
    }
}

/// The reply if it begins so; whoever gets another goes.
fn say(peer: &mut Peer, line: &str, begin: &str) -> Option<()> {
    peer.ask(line).starts_with(begin).then_some(())
}

fn logged_in(peer: &mut Peer) -> Option<()> {
    say(peer, "EHLO client.test", "250")?;
    say(peer, "AUTH LOGIN", "334")?;
    say(peer, &base64(READERS[0]), "334")?;
    say(peer, &base64(PASSWORD), "235")?;
    Some(())
}

fn talk(
    world: &World<'_>,
    chance: &mut Chance,
    names: &mut Names,
    peer: &mut Peer,
    tls: bool,
) -> Option<()> {
    say(peer, "EHLO client.test", "250")?;
    for _ in 0..chance.within(1, 6) {
        one(world, chance, names, peer, tls)?;
    }
    say(peer, "QUIT", "221")
}

/// One message, to one recipient or several; nothing once the connection is of no more use.
fn one(
    world: &World<'_>,
    chance: &mut Chance,
    names: &mut Names,
    peer: &mut Peer,
    tls: bool,
) -> Option<()> {
    let name = names.next(chance);
    let mut to = Vec::new();
    for _ in 0..chance.within(1, 3) {
        let (user, room) = world.addressee(chance);
        if !to
            .iter()
            .any(|it| matches!(it, To::Mailbox(_, known) if *known == room))
        {
            to.push(To::Mailbox(user, room));
        }
    }
    if chance.once_in(2) {
        to.push(To::Elsewhere);
    }
    let mut commands = vec![format!("MAIL FROM:<{}>", READERS[0])];
    commands.extend(to.iter().map(|to| match to {
        To::Mailbox(user, _) => format!("RCPT TO:<{user}>"),
        To::Elsewhere => format!("RCPT TO:<x@{ELSEWHERE}>"),
    }));
    let chunks = chance.once_in(3);
    if !chunks {
        commands.push("DATA".to_owned());
    }
    let answers: Vec<String> = if chance.once_in(2) {
        peer.raw((commands.join("\r\n") + "\r\n").as_bytes());
        commands.iter().map(|_| peer.reply()).collect()
    } else {
        commands.iter().map(|command| peer.ask(command)).collect()
    };
    let (wanted, last) = if chunks {
        ("250", "250")
    } else {
        ("250", "354")
    };
    let (end, rest) = answers.split_last()?;
    if !end.starts_with(last) || !rest.iter().all(|it| it.starts_with(wanted)) {
        // Some recipients were refused for now: the rest of this transaction is not asked for.
        if end.starts_with("354") {
            return None;
        }
        return say(peer, "RSET", "250");
    }
    let how = format!(
        "SMTP{} by {}",
        if tls { " with TLS" } else { "" },
        if chunks { "BDAT" } else { "DATA" }
    );
    for to in &to {
        match to {
            To::Mailbox(_, room) => world
                .ledger
                .handed((*room, &name), owner(chance), true, &how),
            To::Elsewhere => world.ledger.sent(&name, false, &how),
        }
    }
    let answer = if chunks {
        by_chunks(peer, chance, &name)?
    } else {
        by_data(peer, &name)
    };
    for to in &to {
        let said = format!("{how}: {answer}");
        let taken = answer.starts_with("250 ");
        match to {
            To::Mailbox(_, room) if taken => world.ledger.here((*room, &name), &said),
            To::Mailbox(_, room) => world.ledger.note((*room, &name), &said, |_| ()),
            To::Elsewhere => world.ledger.sent(&name, taken, &said),
        }
    }
    if answer.starts_with("250 ") {
        world.ledger.count(&how);
    }
    (!answer.is_empty()).then_some(())
}

fn by_data(peer: &mut Peer, name: &str) -> String {
    peer.raw(message(name).as_bytes());
    peer.ask(".")
}

/// In chunks, of which the last may be empty: the answer to it.
fn by_chunks(peer: &mut Peer, chance: &mut Chance, name: &str) -> Option<String> {
    let message = message(name);
    let mut rest = message.as_bytes();
    loop {
        let size = chance.within(0, rest.len());
        let last = chance.once_in(3);
        let (chunk, left) = rest.split_at(if last { rest.len() } else { size });
        rest = left;
        let word = if last { " LAST" } else { "" };
        peer.raw(&[format!("BDAT {}{word}\r\n", chunk.len()).as_bytes(), chunk].concat());
        let answer = peer.reply();
        if last {
            return Some(answer);
        }
        if !answer.starts_with("250") {
            return None;
        }
    }
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let at = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for n in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * n) & 63) as usize];
            out.push(if n > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    out
}
