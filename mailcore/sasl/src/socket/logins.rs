//! The answering end for servers that log their clients in (Dovecot: auth-client): many exchanges at once on one
//! connection, each answered when it is ready, so that a slow one holds up no other.
//!
//! ```text
//!  greeting ─► VERSION ─► CPID ─► AUTH id ──► running ──► OK id | FAIL id
//!                                               │  ▲
//!                                       CONT id ▼  │ CONT id
//!                                             client ──► CANCEL id, or too late: FAIL id
//! ```
//!
//! The machine asks [`Ask::Begin`] and [`Ask::Respond`] and goes on at once; when something has been decided, the driver
//! rings ([`Notice::Changed`]) and is asked [`Ask::News`] until there is none. It decides nothing about a login.

use super::channel::{Channel, Idle, version};
use super::words::{Malformed, Words, write_word};
use super::{Code, Ended, MAJOR, MINOR, MOST_OPEN, Offering, PATIENCE, Reply, Request};
use crate::{Offer, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mailcore_base::wire::{Io, Notice};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::time::Instant;

/// What the server says of itself before it is asked.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The mechanisms.
    pub mechanisms: Offer,
    /// The server process.
    pub process: u32,
    /// The connection's number in it.
    pub connection: u32,
    /// The connection's secret.
    pub cookie: [u8; 16],
}

impl Greeting {
    /// Writes the greeting. SCRAM with channel binding and EXTERNAL are left out: what binds them to the client's
    /// connection does not pass here.
    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("VERSION\t{MAJOR}\t{MINOR}\n").as_bytes());
        for mechanism in self.mechanisms.iter().filter(|m| !m.binds_channel()) {
            Offering::of(mechanism).write_to(out);
        }
        let mut cookie = String::new();
        for octet in self.cookie {
            // Writing to a String cannot fail.
            let _ = write!(cookie, "{octet:02x}");
        }
        let (process, connection) = (self.process, self.connection);
        let rest = format!("SPID\t{process}\nCUID\t{connection}\nCOOKIE\t{cookie}\nDONE\n");
        out.extend_from_slice(rest.as_bytes());
    }
}

/// One exchange: the peer may use its number again once it is over, this never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    id: u32,
    serial: u64,
}

impl Ticket {
    /// The peer's number.
    pub fn id(self) -> u32 {
        self.id
    }
}

/// What the machine wants next.
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
#[non_exhaustive]
pub enum Step<'s> {
    /// Something of the connection.
    Io(Io<'s>),
    /// Something of whoever decides.
    Ask(Ask<'s>),
}

/// What is asked of whoever decides. None of it waits.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ask<'s> {
    /// An exchange begins.
    Begin(Begin<'s>),
    /// An exchange goes on.
    Respond(Respond<'s>),
    /// An exchange is over without an answer: nobody wants one any more.
    Forget(Forget<'s>),
    /// Has anything been decided?
    News(News<'s>),
}

/// An exchange begins.
#[derive(Debug)]
pub struct Begin<'s>(&'s mut Session);

/// An exchange goes on.
#[derive(Debug)]
pub struct Respond<'s>(&'s mut Session);

/// An exchange is over.
#[derive(Debug)]
pub struct Forget<'s>(&'s mut Session);

/// Whether anything has been decided.
#[derive(Debug)]
pub struct News<'s>(&'s mut Session);

impl Begin<'_> {
    /// Takes it on: its ticket, the request, and its initial response, base64 taken off.
    pub fn take(self) -> Option<(Ticket, Request, Option<Secret>)> {
        match self.0.event.take() {
            Some(Event::Begin(ticket, request, initial)) => Some((ticket, *request, initial)),
            _ => None,
        }
    }
}

impl Respond<'_> {
    /// Takes it on: its ticket, and the response, base64 taken off.
    pub fn take(self) -> Option<(Ticket, Secret)> {
        match self.0.event.take() {
            Some(Event::Respond(ticket, response)) => Some((ticket, response)),
            _ => None,
        }
    }
}

impl Forget<'_> {
    /// Takes it on.
    pub fn take(self) -> Option<Ticket> {
        match self.0.event.take() {
            Some(Event::Forget(ticket)) => Some(ticket),
            _ => None,
        }
    }
}

impl News<'_> {
    /// What has been decided of one exchange; or nothing, and it is asked again after the next ring.
    pub fn answer(self, news: Option<(Ticket, Reply)>) {
        match news {
            Some((ticket, reply)) => self.0.settle(ticket, &reply),
            None => self.0.news = false,
        }
    }
}

impl Ask<'_> {
    /// The safe answer to any question: exchanges come to nothing.
    pub fn decline(self) {
        match self {
            Self::Begin(Begin(session)) | Self::Respond(Respond(session)) => session.decline(),
            Self::Forget(asked) => drop(asked.take()),
            Self::News(asked) => asked.answer(None),
        }
    }
}

#[derive(Debug)]
enum Event {
    Begin(Ticket, Box<Request>, Option<Secret>),
    Respond(Ticket, Secret),
    Forget(Ticket),
}

/// How far the peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Version,
    Process,
    Ready,
}

/// An exchange that is not over.
#[derive(Clone, Copy, Debug)]
struct Open {
    serial: u64,
    /// Whoever decides has it; else the client is awaited.
    running: bool,
}

/// The machine.
#[derive(Debug)]
pub struct Session {
    channel: Channel,
    stage: Stage,
    open: HashMap<u32, Open>,
    running: usize,
    /// When each exchange has taken too long, in order; those that are over stand in it still.
    due: VecDeque<(Instant, Ticket)>,
    serial: u64,
    event: Option<Event>,
    news: bool,
}

enum Next {
    Event,
    News,
    Idle(Idle),
}

impl Session {
    /// A connection that begins with this greeting.
    pub fn new(greeting: &Greeting) -> Self {
        Self {
            channel: Channel::new(|out| greeting.write_to(out)),
            stage: Stage::Version,
            open: HashMap::new(),
            running: 0,
            due: VecDeque::new(),
            serial: 0,
            event: None,
            news: false,
        }
    }

    /// Tells it a notice; [`Notice::Changed`]: something has been decided.
    pub fn notice(&mut self, notice: Notice) {
        self.news |= notice == Notice::Changed;
        self.channel.notice(notice);
    }

    /// Why it is over, once it is.
    pub fn ended(&self) -> Option<Ended> {
        self.channel.ended
    }

    /// What it wants next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        match self.advance(now) {
            Next::Event => Step::Ask(match self.event {
                Some(Event::Begin(..)) => Ask::Begin(Begin(self)),
                Some(Event::Respond(..)) => Ask::Respond(Respond(self)),
                _ => Ask::Forget(Forget(self)),
            }),
            Next::News => Step::Ask(Ask::News(News(self))),
            Next::Idle(Idle::Write) => Step::Io(self.channel.wire.write(now)),
            Next::Idle(Idle::Read(until)) => Step::Io(self.channel.wire.read(until)),
            Next::Idle(Idle::Wait) => Step::Io(Io::Wait(self.next())),
            Next::Idle(Idle::Close) => Step::Io(Io::Close),
        }
    }

    fn advance(&mut self, now: Instant) -> Next {
        let greeted = self.stage == Stage::Ready;
        self.channel.look(now, greeted);
        loop {
            let over = self.channel.ended.is_some();
            if self.event.is_some() && !over {
                return Next::Event;
            }
            // Answers, and lines that are answered, wait until the peer reads.
            let room = self.channel.wire.room() > 0 && !over;
            if room && self.news {
                return Next::News;
            }
            if room && (self.expire(now) || (!self.channel.shutting && self.hear(now))) {
                continue;
            }
            let (busy, next) = (self.running > 0, self.next());
            let greeted = self.stage == Stage::Ready;
            return Next::Idle(self.channel.idle(busy, greeted, next));
        }
    }

    /// When the oldest exchange has taken too long.
    fn next(&self) -> Option<Instant> {
        self.due.front().map(|(until, _)| *until)
    }

    /// Ends one exchange that has taken too long; says whether there was one. Forgets those that were over before.
    fn expire(&mut self, now: Instant) -> bool {
        while let Some((until, ticket)) = self.due.front().copied() {
            let stands = self.stands(ticket);
            if stands && until > now {
                return false;
            }
            self.due.pop_front();
            if stands {
                self.close(ticket);
                self.say(ticket.id, &Reply::refused(None, TIMED_OUT));
                self.event = Some(Event::Forget(ticket));
                return true;
            }
        }
        false
    }

    /// Takes in one line; says whether there was one.
    fn hear(&mut self, now: Instant) -> bool {
        let stage = self.stage;
        let Some(heard) = self.channel.line(|line| Heard::parse(stage, line)) else {
            return false;
        };
        let done = heard.and_then(|heard| self.act(heard, now));
        if let Err(fault) = done {
            self.channel.end(Ended::Broken(fault));
        }
        true
    }

    fn act(&mut self, heard: Heard, now: Instant) -> Result<(), Malformed> {
        match heard {
            Heard::Version => self.stage = Stage::Process,
            Heard::Process => self.stage = Stage::Ready,
            Heard::Begin(request) => return self.begin(request, now),
            Heard::Respond(id, response) => self.respond(id, response),
            Heard::Cancel(id) => {
                if let Some(ticket) = self.ticket(id) {
                    self.close(ticket);
                    self.event = Some(Event::Forget(ticket));
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, mut request: Box<Request>, now: Instant) -> Result<(), Malformed> {
        let id = request.id;
        if self.open.contains_key(&id) {
            return Err(Malformed("a duplicate id"));
        }
        if self.open.len() >= MOST_OPEN {
            let reply = Reply::refused(Some(Code::Temporary), "Too many exchanges at once");
            self.say(id, &reply);
            return Ok(());
        }
        let Ok(initial) = request.response.take().map(decode).transpose() else {
            let words = "Invalid base64 data in initial response";
            self.say(id, &Reply::refused(Some(Code::Base64), words));
            return Ok(());
        };
        self.serial += 1;
        let serial = self.serial;
        let ticket = Ticket { id, serial };
        let running = true;
        self.open.insert(id, Open { serial, running });
        self.running += 1;
        // Those that are over are in it until their time comes, or until they are most of it.
        if self.due.len() > 2 * MOST_OPEN {
            let open = &self.open;
            let stands = |t: &Ticket| open.get(&t.id).is_some_and(|o| o.serial == t.serial);
            self.due.retain(|(_, ticket)| stands(ticket));
        }
        self.due.push_back((now + PATIENCE, ticket));
        self.event = Some(Event::Begin(ticket, request, initial));
        Ok(())
    }

    fn respond(&mut self, id: u32, response: Secret) {
        let Some(ticket) = self.ticket(id) else {
            return self.say(id, &Reply::refused(None, TIMED_OUT));
        };
        let running = self.open.get(&id).is_none_or(|open| open.running);
        let response = match decode(response) {
            Ok(response) if !running => response,
            Ok(_) => return self.give_up(ticket, None, "Unexpected continuation"),
            Err(_) => {
                let words = "Invalid base64 data in continued response";
                return self.give_up(ticket, Some(Code::Base64), words);
            }
        };
        if let Some(open) = self.open.get_mut(&id) {
            open.running = true;
            self.running += 1;
        }
        self.event = Some(Event::Respond(ticket, response));
    }

    fn give_up(&mut self, ticket: Ticket, code: Option<Code>, words: &str) {
        self.close(ticket);
        self.say(ticket.id, &Reply::refused(code, words));
        self.event = Some(Event::Forget(ticket));
    }

    fn decline(&mut self) {
        if let Some(Event::Begin(ticket, ..) | Event::Respond(ticket, _)) = self.event.take() {
            let words = "Temporary internal failure";
            self.settle(ticket, &Reply::refused(Some(Code::Temporary), words));
        }
    }

    /// What was decided; of an exchange that is over already nobody wants to know.
    fn settle(&mut self, ticket: Ticket, reply: &Reply) {
        if !self.stands(ticket) {
            return;
        }
        match reply {
            Reply::Challenge(_) => {
                if let Some(open) = self.open.get_mut(&ticket.id)
                    && std::mem::take(&mut open.running)
                {
                    self.running -= 1;
                }
            }
            _ => self.close(ticket),
        }
        self.say(ticket.id, reply);
    }

    fn say(&mut self, id: u32, reply: &Reply) {
        reply.write_to(id, self.channel.wire.output());
    }

    fn close(&mut self, ticket: Ticket) {
        if self
            .open
            .remove(&ticket.id)
            .is_some_and(|open| open.running)
        {
            self.running -= 1;
        }
    }

    fn ticket(&self, id: u32) -> Option<Ticket> {
        let serial = self.open.get(&id)?.serial;
        Some(Ticket { id, serial })
    }

    fn stands(&self, ticket: Ticket) -> bool {
        self.ticket(ticket.id) == Some(ticket)
    }
}

/// Dovecot's words, also for an exchange that it never knew.
const TIMED_OUT: &str = "Authentication request timed out";

fn decode(base64: Secret) -> Result<Secret, base64::DecodeError> {
    match base64.expose() {
        // RFC 4954 §4: how SMTP writes a response without anything in it.
        b"=" => Ok(Secret::new(Vec::new())),
        some => STANDARD.decode(some).map(Secret::new),
    }
}

/// A line of the peer.
enum Heard {
    Version,
    Process,
    Begin(Box<Request>),
    Respond(u32, Secret),
    Cancel(u32),
}

impl Heard {
    fn parse(stage: Stage, line: &[u8]) -> Result<Self, Malformed> {
        if stage == Stage::Version {
            return version(line).map(|()| Self::Version);
        }
        let mut words = Words::of(line);
        let command = words.word("an empty line")?;
        match (stage, command.as_str()) {
            (Stage::Process, "CPID") => {
                words.id("no process id in CPID")?;
                Ok(Self::Process)
            }
            (Stage::Process, _) => Err(Malformed("an unknown handshake command")),
            (_, "AUTH") => Request::parse(words).map(|request| Self::Begin(Box::new(request))),
            (_, "CONT") => {
                let id = words.id("a broken CONT request")?;
                let response = words.rest().ok_or(Malformed("a broken CONT request"))?;
                Ok(Self::Respond(id, Secret::new(response)))
            }
            (_, "CANCEL") => words.id("a broken CANCEL").map(Self::Cancel),
            _ => Err(Malformed("an unknown command")),
        }
    }
}

/// Writes what a client says of itself: for the asking end.
pub fn write_hello(process: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("VERSION\t{MAJOR}\t{MINOR}\nCPID").as_bytes());
    write_word(out, &process.to_string());
    out.push(b'\n');
}
