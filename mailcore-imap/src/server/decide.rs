//! What a session does next: framing, running, and the connection in between. Nothing is lent here.

use super::command::{self, Mistake};
use super::session::{Core, Do, Phase, Running};
use super::turn::{Next, Reply, Status, Turn};
use super::{Facts, capability};
use crate::parse::frame::{Announced, Bounds, Frame, Framed, stripped};
use crate::parse::{Cursor, Wrong};
use mailcore_base::wire::{Layer, Wire};
use std::borrow::Cow;
use std::time::Instant;

/// Longest tag that is said again.
const TAG: usize = 1024;
const SILENT: &str = "Disconnected for inactivity.";
const TOO_WRONG: &str = "Too many invalid IMAP commands.";

impl Core {
    /// One decision. Whatever was written goes to the wire, in front of whatever is wanted next.
    pub(super) fn decide(&mut self, wire: &mut Wire, facts: &mut Facts, now: Instant) -> Do {
        if wire.loss().is_some() {
            return Do::Close;
        }
        if wire.hurried() {
            self.ending.get_or_insert("Server shutting down.");
        }
        wire.take_expired();
        self.hand_over(wire);
        // A client that does not read is not read from either, nor is anything prepared for it.
        if wire.room() < self.options.limits.wire.output / 2 && wire.pending() {
            return Do::Write;
        }
        let next = self.advance(wire, facts, now);
        self.hand_over(wire);
        match next {
            Do::Read(_) | Do::Layer | Do::Close if wire.pending() => Do::Write,
            next => next,
        }
    }

    fn advance(&mut self, wire: &mut Wire, facts: &mut Facts, now: Instant) -> Do {
        match self.phase {
            Phase::Greeting => self.greet(facts, now),
            Phase::Framing => self.framing(wire, facts, now),
            Phase::Running(_) => self.running(wire, facts, now),
            Phase::Securing if wire.take_layered() == Some(Layer::Tls) => {
                self.state.tls = true;
                self.since = Some(now);
                self.phase = Phase::Framing;
                Do::Again
            }
            Phase::Securing => Do::Layer,
            Phase::Ending => Do::Close,
        }
    }

    fn hand_over(&mut self, wire: &mut Wire) {
        if !self.out.bytes.is_empty() {
            if wire.pending() {
                wire.output().append(&mut self.out.bytes);
            } else {
                std::mem::swap(wire.output(), &mut self.out.bytes);
            }
        }
        self.out.room = wire.room();
    }

    fn greet(&mut self, facts: &Facts, now: Instant) -> Do {
        self.out.say("* OK [CAPABILITY");
        capability::write_to(&mut self.out.bytes, &self.state, facts, &self.options);
        self.out.say("] ");
        self.out.say(&self.options.greeting);
        self.out.say("\r\n");
        self.since = Some(now);
        self.phase = Phase::Framing;
        Do::Again
    }

    // ---- between commands

    fn framing(&mut self, wire: &mut Wire, facts: &mut Facts, now: Instant) -> Do {
        if wire.input().is_empty() || self.ending.is_some() {
            return self.read(wire, now, None);
        }
        let bounds = self.bounds();
        let (n, framed) = self.frame.push(wire.input(), &bounds);
        wire.consume(n);
        if self.state.account.is_some() {
            self.since = Some(now);
        }
        self.framed(framed, facts, now)
    }

    fn bounds(&self) -> Bounds {
        let limits = &self.options.limits;
        if self.state.account.is_some() {
            Bounds {
                lines: limits.line,
                literals: limits.literals,
                swallow: limits.swallow,
            }
        } else {
            Bounds {
                lines: limits.line_before_login,
                literals: limits.literals_before_login,
                swallow: limits.swallow_before_login,
            }
        }
    }

    fn framed(&mut self, framed: Framed, facts: &mut Facts, now: Instant) -> Do {
        match framed {
            Framed::More => Do::Again,
            Framed::Announced(announced) => self.announced(announced, facts, now),
            Framed::Whole => {
                let frame = std::mem::take(&mut self.frame);
                self.begin(frame.text(), None, facts, now)
            }
            Framed::Refused(why) => {
                let frame = std::mem::take(&mut self.frame);
                let (tag, name) = words(frame.text());
                self.mistaken(&tag, &name, &Mistake::Wrong(why), now);
                Do::Again
            }
            Framed::Flood => self.bye("Input buffer full, aborting"),
        }
    }

    fn announced(&mut self, announced: Announced, facts: &mut Facts, now: Instant) -> Do {
        let bounds = self.bounds();
        let (_, name) = words(self.frame.text());
        let streams = self.state.account.is_some() && command::streams(&name, self.frame.text());
        if streams {
            let frame = std::mem::take(&mut self.frame);
            return self.begin(frame.text(), Some(announced), facts, now);
        }
        if self.frame.accept(announced, &bounds) {
            if announced.waits {
                self.out.say("+ OK\r\n");
            }
            return Do::Again;
        }
        let why = Wrong::from("Literal size too large");
        let framed = self.frame.refuse_literal(announced, why, &bounds);
        self.framed(framed, facts, now)
    }

    /// A command is there: whole, or up to the message that it streams.
    fn begin(
        &mut self,
        text: &[u8],
        streamed: Option<Announced>,
        facts: &mut Facts,
        now: Instant,
    ) -> Do {
        if self.state.account.is_none() && is_http(text) {
            // Another protocol's client, or one that was made to talk to us: not a word (ALPACA).
            self.phase = Phase::Ending;
            return Do::Again;
        }
        let (tag, name) = words(text);
        let mut at = Cursor::new(text.get(tag.len() + name.len() + 1..).unwrap_or_default());
        let mut turn = Turn {
            state: &mut self.state,
            facts,
            options: &self.options,
            out: &mut self.out,
            now,
        };
        let opened = if tag.is_empty() {
            Err(Mistake::Tag)
        } else {
            command::open(&name, &mut at, streamed, &mut turn)
        };
        match opened {
            Ok(command) => {
                self.phase = Phase::Running(Running {
                    tag,
                    started: now,
                    now,
                    command,
                });
            }
            Err(mistake) => self.mistaken(&tag, &name, &mistake, now),
        }
        Do::Again
    }

    /// A command that makes no sense: said so, counted, and too many of them end it.
    fn mistaken(&mut self, tag: &[u8], name: &str, mistake: &Mistake, now: Instant) {
        let known = self.state.account.is_some();
        let text = mistake.words(name, known);
        self.state.wrong += 1;
        let limits = &self.options.limits;
        let (most, silent) = if known {
            (limits.wrong, false)
        } else {
            (limits.wrong_before_login, true)
        };
        let over = self.state.wrong >= most;
        if !(over && silent) {
            let reply = Reply::bad(text);
            self.write_reply(tag, &reply, now, now);
        }
        if over {
            self.bye(TOO_WRONG);
        }
    }

    // ---- while a command runs

    fn running(&mut self, wire: &mut Wire, facts: &mut Facts, now: Instant) -> Do {
        let Phase::Running(running) = &mut self.phase else {
            return Do::Again;
        };
        running.now = now;
        let mut turn = Turn {
            state: &mut self.state,
            facts,
            options: &self.options,
            out: &mut self.out,
            now,
        };
        if let Some(answer) = self.answer.take() {
            running.command.answered(answer, &mut turn);
        }
        match running.command.next(&mut turn) {
            Next::More => Do::Again,
            Next::Ask(want) => Do::Ask(want),
            Next::Line(limit, until) => self.line(wire, facts, now, limit, until),
            Next::Content(left) => self.content(wire, now, left),
            Next::Swallow(left) => self.swallow(wire, now, left),
            Next::Done(finish) => {
                running.command = Box::new(finish);
                Do::Again
            }
            Next::Reply(reply) => self.end(&reply, Phase::Framing, now),
            Next::Secure(reply) => self.end(&reply, Phase::Securing, now),
            Next::Farewell(reply, why) => {
                self.end(&reply, Phase::Ending, now);
                self.bye(why)
            }
            Next::Bye(why, reply) => {
                self.say_bye(&why);
                match reply {
                    Some(reply) => self.end(&reply, Phase::Ending, now),
                    None => {
                        self.phase = Phase::Ending;
                        Do::Again
                    }
                }
            }
            Next::Close => {
                self.phase = Phase::Ending;
                Do::Again
            }
        }
    }

    fn line(
        &mut self,
        wire: &mut Wire,
        facts: &mut Facts,
        now: Instant,
        limit: usize,
        until: Option<Instant>,
    ) -> Do {
        let limit = limit.min(self.options.limits.wire.input);
        let length = match wire.line(limit) {
            Ok(Some(length)) if self.ending.is_none() => length,
            Ok(_) => return self.read(wire, now, until),
            Err(_) => return self.bye("Input buffer full, aborting"),
        };
        let line = wire.input().get(..length).unwrap_or_default();
        let line = stripped(line);
        self.since = Some(now);
        if let Phase::Running(running) = &mut self.phase {
            let mut turn = Turn {
                state: &mut self.state,
                facts,
                options: &self.options,
                out: &mut self.out,
                now,
            };
            running.command.line(line, &mut turn);
        }
        wire.consume(length);
        Do::Again
    }

    fn content(&mut self, wire: &mut Wire, now: Instant, left: u64) -> Do {
        let most = most(wire, left);
        if most == 0 {
            return self.read(wire, now, None);
        }
        self.since = Some(now);
        Do::Content(most)
    }

    fn swallow(&mut self, wire: &mut Wire, now: Instant, left: u64) -> Do {
        let most = most(wire, left);
        if most == 0 {
            return self.read(wire, now, None);
        }
        self.since = Some(now);
        wire.consume(most);
        self.took(most as u64);
        Do::Again
    }

    /// Wants input, unless it is time to go.
    fn read(&mut self, wire: &mut Wire, now: Instant, until: Option<Instant>) -> Do {
        if let Some(why) = self.ending {
            return self.bye(why);
        }
        if wire.ended() {
            return Do::Close;
        }
        let patience = if self.state.account.is_some() {
            self.options.idle_timeout
        } else {
            self.options.login_timeout
        };
        let since = *self.since.get_or_insert(now);
        let Some(deadline) = since.checked_add(patience).filter(|at| *at > now) else {
            return self.bye(SILENT);
        };
        // At rest a session holds no buffers.
        if self.out.bytes.is_empty() {
            self.out.bytes = Vec::new();
        }
        if self.frame.is_empty() {
            self.frame = Frame::default();
        }
        Do::Read(until.map_or(deadline, |until| until.min(deadline)))
    }

    // ---- ends

    fn end(&mut self, reply: &Reply, next: Phase, now: Instant) -> Do {
        let Phase::Running(running) = std::mem::replace(&mut self.phase, next) else {
            return Do::Again;
        };
        self.since = Some(now);
        self.write_reply(&running.tag, reply, running.started, now);
        if reply.status == Status::Bad {
            self.state.wrong += 1;
            if self.state.wrong >= self.options.limits.wrong {
                return self.bye(TOO_WRONG);
            }
        } else if self.state.account.is_some() {
            self.state.wrong = 0;
        }
        Do::Again
    }

    fn say_bye(&mut self, why: &str) {
        self.out.say("* BYE ");
        self.out.say(why);
        self.out.say("\r\n");
    }

    fn bye(&mut self, why: &str) -> Do {
        self.say_bye(why);
        self.phase = Phase::Ending;
        Do::Again
    }

    /// `tag OK text (0.001 + 0.000 secs).`: after login Dovecot says how long it took, and how much of that it
    /// waited for its client, which is nothing here.
    fn write_reply(&mut self, tag: &[u8], reply: &Reply, started: Instant, now: Instant) {
        let out = &mut self.out.bytes;
        out.extend_from_slice(if tag.is_empty() { b"*" } else { tag });
        out.extend_from_slice(match reply.status {
            Status::Ok => b" OK ",
            Status::No => b" NO ",
            Status::Bad => b" BAD ",
        });
        out.extend_from_slice(reply.text.as_bytes());
        if self.state.account.is_some() && !reply.bare {
            let spent = now.saturating_duration_since(started).as_millis().max(1);
            let (whole, rest) = (spent / 1000, spent % 1000);
            out.extend_from_slice(format!(" ({whole}.{rest:03} + 0.000 secs).").as_bytes());
        } else if !reply.bare && !reply.text.ends_with('.') {
            out.push(b'.');
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Of the input, how much belongs to something of which `left` octets are to come.
fn most(wire: &Wire, left: u64) -> usize {
    usize::try_from(left).map_or(wire.input().len(), |left| left.min(wire.input().len()))
}

/// Tag and name of a command, the name upper-case and with both its words where it has two. Either is empty
/// where it is not right.
fn words(text: &[u8]) -> (Vec<u8>, String) {
    let mut at = Cursor::new(text);
    let tag = at.run(|b| matches!(b, b'!'..=b'~') && !b"(){%*\"\\+".contains(&b));
    if tag.is_empty() || tag.len() > TAG || !matches!(at.peek(), None | Some(b' ')) {
        return (Vec::new(), String::new());
    }
    let _ = at.space();
    let Ok(mut name) = at.keyword() else {
        return (tag.to_vec(), String::new());
    };
    if name == "UID" {
        // RFC 3501 §6.4.8
        let second = at.space().and_then(|()| at.keyword()).unwrap_or_default();
        if second.is_empty() {
            return (tag.to_vec(), String::new());
        }
        name = format!("UID {second}");
    }
    (tag.to_vec(), name)
}

fn is_http(text: &[u8]) -> bool {
    [
        &b"GET "[..],
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"OPTIONS ",
        b"CONNECT ",
    ]
    .iter()
    .any(|verb| text.starts_with(verb))
}

impl Mistake {
    /// The words behind BAD.
    fn words(&self, name: &str, known: bool) -> Cow<'static, str> {
        match self {
            // Before login Dovecot's login process reads commands, and says little.
            Self::Wrong(Wrong(why)) if !known && !why.ends_with("arguments") => why.clone(),
            _ if !known => "Error in IMAP command received by server.".into(),
            Self::Tag => "Error in IMAP tag: Invalid tag".into(),
            _ if name.is_empty() => "Error in IMAP command: Invalid command name".into(),
            Self::Unknown => format!("Error in IMAP command {name}: Unknown command").into(),
            Self::Unselected => "No mailbox selected".into(),
            Self::Wrong(Wrong(why)) => format!("Error in IMAP command {name}: {why}").into(),
        }
    }
}
