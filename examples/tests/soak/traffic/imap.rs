//! IMAP sessions that change messages, several in the same mailboxes: each changes its own messages alone.

use super::{Names, PATIENCE, World, message};
use crate::chance::Chance;
use crate::client::{Answer, Client, Value};
use crate::house::{FOLDERS, PASSWORD};
use crate::ledger::FLAGS;
use crate::server::IMAP;

/// So many messages of its own a client keeps in a mailbox, about.
const KEPT: usize = 60;

/// A session that has logged in, if the server lets it.
pub fn login(base: u16, user: &str) -> Option<Client> {
    let mut client = Client::connect(base + IMAP, PATIENCE).ok()?;
    let answer = client.ask(format!("LOGIN {user} {PASSWORD}").as_bytes());
    (answer.end == "OK").then_some(client)
}

/// A session in one mailbox.
struct Session<'a> {
    world: &'a World<'a>,
    client: Client,
    user: &'static str,
    room: usize,
    owner: usize,
}

pub fn visit(
    world: &World<'_>,
    chance: &mut Chance,
    names: &mut Names,
    user: &'static str,
    owner: usize,
) {
    let Some(client) = login(world.base, user) else {
        return;
    };
    let name = chance.text(&["INBOX", FOLDERS[0], FOLDERS[1]]);
    let room = world.room(user, name);
    let mut session = Session {
        world,
        client,
        user,
        room,
        owner,
    };
    if session.enter(name).is_none() {
        return;
    }
    for _ in 0..chance.within(1, 12) {
        if session.act(chance, names).is_none() {
            return;
        }
    }
    session.client.ask(b"LOGOUT");
}

/// A number that stands behind a word.
pub fn behind(values: &[Value], word: &str) -> Option<u32> {
    let at = values.iter().position(|it| it.is(word))?;
    values.get(at + 1)?.number()
}

/// The name in a subject field.
pub fn name_in(value: &Value) -> Option<String> {
    let Value::Text(text) = value else {
        return None;
    };
    let text = String::from_utf8_lossy(text);
    Some(text.trim().strip_prefix("Subject: ")?.to_owned())
}

impl Session<'_> {
    fn ask(&mut self, command: &str) -> Option<Answer> {
        let answer = self.client.ask(command.as_bytes());
        (answer.end != "BYE").then_some(answer)
    }

    /// Selects the mailbox and looks at what is in it.
    fn enter(&mut self, name: &str) -> Option<()> {
        let highest = self.world.ledger.highest(self.room);
        let answer = self.ask(&format!("STATUS {name} (UIDNEXT UIDVALIDITY)"))?;
        let status = answer.told.iter().find(|it| it[0].is("STATUS"))?;
        let values = status.get(2)?.list();
        let (validity, next) = (behind(values, "UIDVALIDITY")?, behind(values, "UIDNEXT")?);
        self.world.ledger.status(self.room, validity, next, highest);
        if self.ask(&format!("SELECT {name}"))?.end != "OK" {
            return None;
        }
        self.look()
    }

    fn look(&mut self) -> Option<()> {
        let answer = self.ask("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")?;
        for told in &answer.told {
            let Some(values) = told
                .get(2)
                .filter(|_| told.len() > 2 && told[1].is("FETCH"))
                .or(told.last())
            else {
                continue;
            };
            let values = values.list();
            if let (Some(uid), Some(name)) =
                (behind(values, "UID"), values.iter().find_map(name_in))
            {
                self.world.ledger.seen(self.room, uid, &name);
            }
        }
        Some(())
    }

    /// One random thing; nothing once the connection is of no more use.
    fn act(&mut self, chance: &mut Chance, names: &mut Names) -> Option<()> {
        let mine = self.world.ledger.mine(self.room, self.owner);
        let full = mine.len() > KEPT;
        if mine.is_empty() || !full && chance.once_in(4) {
            if chance.once_in(4) {
                return self.look();
            }
            let several = chance.within(1, 2);
            let names: Vec<String> = (0..several).map(|_| names.next(chance)).collect();
            return self.append(chance, &names);
        }
        if full && chance.once_in(2) {
            let some = chance.within(1, mine.len());
            return self.expunge(chance, &mine[..some]);
        }
        let from = chance.below(mine.len());
        let some = &mine[from..mine.len().min(from + chance.within(1, 8))];
        match chance.below(7) {
            0..=3 => self.store(chance, some),
            4 => self.expunge(chance, some),
            5 => self.transfer(chance, some, true),
            _ => self.transfer(chance, some, false),
        }
    }

    fn append(&mut self, chance: &mut Chance, names: &[String]) -> Option<()> {
        let name = self.name();
        let mut command = format!("APPEND {name}");
        let flag = chance.below(FLAGS.len());
        for name in names {
            let message = message(name);
            self.world
                .ledger
                .handed((self.room, name), self.owner, false, "APPEND");
            self.world
                .ledger
                .note((self.room, name), "with a flag", |kept| {
                    kept.flags[flag] = Some(true)
                });
            command.push_str(&format!(
                " ({}) {{{}+}}\r\n{message}",
                FLAGS[flag],
                message.len()
            ));
        }
        let answer = self.client.ask(command.as_bytes());
        let said = format!("APPEND: {} {}", answer.end, answer.words);
        for name in names {
            if answer.end == "OK" {
                self.world.ledger.here((self.room, name), &said);
                self.world.ledger.count("APPEND");
            } else {
                self.world.ledger.note((self.room, name), &said, |_| ());
            }
        }
        (answer.end != "BYE").then_some(())
    }

    fn name(&self) -> &'static str {
        let mut rooms = self.world.rooms.iter();
        rooms.find(|it| it.2 == self.room).unwrap().1
    }

    fn set(some: &[(String, u32)]) -> String {
        some.iter()
            .map(|it| it.1.to_string())
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Sets or takes a flag.
    fn store(&mut self, chance: &mut Chance, some: &[(String, u32)]) -> Option<()> {
        let (flag, on) = (chance.below(FLAGS.len()), chance.once_in(2));
        let sign = if on { '+' } else { '-' };
        let silent = chance.text(&["", ".SILENT"]);
        let what = format!("STORE {sign}FLAGS {}", FLAGS[flag]);
        for (name, _) in some {
            self.world
                .ledger
                .note((self.room, name), &what, |kept| kept.flags[flag] = None);
        }
        let answer = self.client.ask(
            format!(
                "UID STORE {} {sign}FLAGS{silent} ({})",
                Self::set(some),
                FLAGS[flag]
            )
            .as_bytes(),
        );
        for (name, _) in some {
            let said = format!("{what}: {} {}", answer.end, answer.words);
            let ok = answer.end == "OK";
            self.world.ledger.note((self.room, name), &said, |kept| {
                kept.flags[flag] = ok.then_some(on)
            });
        }
        if answer.end == "OK" {
            self.world.ledger.count("STORE");
        }
        (answer.end != "BYE").then_some(())
    }

    /// Removes some: these alone (RFC 4315), or all that is marked, in which others may have marked theirs. Those are
    /// on their way out too.
    fn expunge(&mut self, chance: &mut Chance, some: &[(String, u32)]) -> Option<()> {
        let set = Self::set(some);
        for (name, _) in some {
            self.world
                .ledger
                .leaving((self.room, name), None, "to be expunged");
        }
        let marked = self.ask(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"))?;
        if marked.end != "OK" {
            return Some(());
        }
        let (what, command) = match chance.below(4) {
            0 => ("EXPUNGE", "EXPUNGE".to_owned()),
            1 => ("CLOSE", "CLOSE".to_owned()),
            _ => ("UID EXPUNGE", format!("UID EXPUNGE {set}")),
        };
        let answer = self.client.ask(command.as_bytes());
        self.went(some, what, &answer)?;
        // Nothing is selected any more.
        (what != "CLOSE").then_some(())
    }

    fn went(&self, some: &[(String, u32)], what: &str, answer: &Answer) -> Option<()> {
        let said = format!("{what}: {} {}", answer.end, answer.words);
        for (name, _) in some {
            if answer.end == "OK" {
                self.world.ledger.gone((self.room, name), &said);
                self.world.ledger.count(what);
            } else {
                self.world.ledger.note((self.room, name), &said, |_| ());
            }
        }
        (answer.end != "BYE").then_some(())
    }

    /// Copies or moves some to a mailbox that has never had them.
    fn transfer(&mut self, chance: &mut Chance, some: &[(String, u32)], moves: bool) -> Option<()> {
        let to = chance.text(&["INBOX", FOLDERS[0], FOLDERS[1]]);
        let target = self.world.room(self.user, to);
        let mut some = some.to_vec();
        {
            let books = self.world.ledger.books();
            some.retain(|(name, _)| !books.mailboxes[target].kept.contains_key(name));
        }
        if some.is_empty() {
            return Some(());
        }
        let verb = if moves { "UID MOVE" } else { "UID COPY" };
        let what = format!("{verb} from {} to {to}", self.name());
        for (name, _) in &some {
            let here = (self.room, name.as_str());
            let flags = self.world.ledger.books().mailboxes[self.room].kept[name].flags;
            self.world
                .ledger
                .handed((target, name), self.owner, false, &what);
            self.world
                .ledger
                .note((target, name), "flags come along", |kept| {
                    kept.flags = flags
                });
            if moves {
                self.world
                    .ledger
                    .leaving(here, Some((target, name.clone())), &what);
            }
        }
        let answer = self
            .client
            .ask(format!("{verb} {} {to}", Self::set(&some)).as_bytes());
        let said = format!("{what}: {} {}", answer.end, answer.words);
        for (name, _) in &some {
            if answer.end == "OK" {
                self.world.ledger.here((target, name), &said);
            } else {
                self.world.ledger.note((target, name), &said, |_| ());
            }
        }
        if moves {
            return self.went(&some, verb, &answer);
        }
        if answer.end == "OK" {
            self.world.ledger.count(verb);
        }
        (answer.end != "BYE").then_some(())
    }
}
