//! The answering end for programs that ask for users (Dovecot: auth-userdb): `doveadm user`, a delivery agent. One
//! look-up after another, in order; a list comes in pages. It decides nothing about users.

use super::channel::{Channel, Idle, version};
use super::words::Malformed;
use super::{Ended, Found, LOOKUP_MINOR, Lookup, MAJOR};
use mailcore_base::wire::{Io, Line, Notice};
use std::time::Instant;

/// What the machine wants next.
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something of the connection.
    Io(Io<'s>),
    /// The directory is asked for a user.
    Find(Find<'s>),
    /// The directory is asked for some of its users.
    Page(Page<'s>),
}

/// A user is asked for.
#[derive(Debug)]
pub struct Find<'s>(&'s mut Session);

/// Users behind a name are asked for.
#[derive(Debug)]
pub struct Page<'s>(&'s mut Session);

impl Find<'_> {
    /// Who, and the line to look after meanwhile. Nobody where the question is over already.
    pub fn parts(&mut self) -> (Option<&Lookup>, Line<'_>) {
        let session = &mut *self.0;
        (session.asked.as_ref(), Line::new(&mut session.channel.wire))
    }

    /// The answer.
    pub fn answer(self, found: &Found) {
        if let Some(asked) = self.0.asked.take() {
            found.write_to(asked.id(), self.0.channel.wire.output());
        }
    }
}

impl Page<'_> {
    /// Behind which name, and the line to look after meanwhile.
    pub fn parts(&mut self) -> (Option<&str>, Line<'_>) {
        let session = &mut *self.0;
        (
            session.last.as_deref(),
            Line::new(&mut session.channel.wire),
        )
    }

    /// The next names in order; none: the list is complete. `None`: it cannot be told.
    pub fn answer(self, names: Option<Vec<String>>) {
        let id = self.0.asked.as_ref().map_or(0, Lookup::id);
        let out = self.0.channel.wire.output();
        let last = names.as_ref().and_then(|names| names.last().cloned());
        match names {
            Some(names) if last.is_some() => {
                for name in names {
                    Found::Listed(name).write_to(id, out);
                }
                self.0.last = last;
            }
            names => {
                Found::Done(names.is_some()).write_to(id, out);
                self.0.asked = None;
                self.0.last = None;
            }
        }
    }
}

/// The machine.
#[derive(Debug)]
pub struct Session {
    channel: Channel,
    greeted: bool,
    asked: Option<Lookup>,
    /// The last name of the list that was told.
    last: Option<String>,
}

enum Next {
    Ask,
    Idle(Idle),
}

impl Session {
    /// A connection to the server process of this number.
    pub fn new(process: u32) -> Self {
        let greeting = format!("VERSION\t{MAJOR}\t{LOOKUP_MINOR}\nSPID\t{process}\n");
        Self {
            channel: Channel::new(|out| out.extend_from_slice(greeting.as_bytes())),
            greeted: false,
            asked: None,
            last: None,
        }
    }

    /// Tells it a notice.
    pub fn notice(&mut self, notice: Notice) {
        self.channel.notice(notice);
    }

    /// Why it is over, once it is.
    pub fn ended(&self) -> Option<Ended> {
        self.channel.ended
    }

    /// What it wants next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        match self.advance(now) {
            Next::Ask if matches!(self.asked, Some(Lookup::List { .. })) => Step::Page(Page(self)),
            Next::Ask => Step::Find(Find(self)),
            Next::Idle(Idle::Write) => Step::Io(self.channel.wire.write(now)),
            Next::Idle(Idle::Read(until)) => Step::Io(self.channel.wire.read(until)),
            Next::Idle(Idle::Wait) => Step::Io(Io::Wait(None)),
            Next::Idle(Idle::Close) => Step::Io(Io::Close),
        }
    }

    fn advance(&mut self, now: Instant) -> Next {
        self.channel.look(now, self.greeted);
        while self.channel.ended.is_none() && self.channel.wire.room() > 0 {
            if self.asked.is_some() {
                return Next::Ask;
            }
            if self.channel.shutting || !self.hear() {
                break;
            }
        }
        let busy = self.asked.is_some();
        Next::Idle(self.channel.idle(busy, self.greeted, None))
    }

    /// Takes in one line; says whether there was one.
    fn hear(&mut self) -> bool {
        let greeted = self.greeted;
        let heard = self.channel.line(|line| match greeted {
            false => version(line).map(|()| None),
            true => match Lookup::parse(line)? {
                Some(lookup) => Ok(Some(lookup)),
                None => Err(Malformed("an unknown command")),
            },
        });
        match heard {
            None => return false,
            Some(Ok(lookup)) => self.asked = lookup,
            Some(Err(fault)) => self.channel.end(Ended::Broken(fault)),
        }
        self.greeted = true;
        true
    }
}
