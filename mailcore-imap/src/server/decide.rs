//! What a session does next: framing, running, and the connection in between. Nothing is lent here.

use super::command::{self, Mistake};
use super::ends::{Ended, is_http, words};
use super::session::{Core, Do, Phase, Running};
use super::turn::{Next, Reply, Turn};
use super::{Facts, capability};
use crate::parse::frame::{Announced, Bounds, Frame, Framed, stripped};
use crate::parse::{Cursor, Wrong};
use mailcore_base::wire::{Layer, Wire};
use std::time::Instant;

impl Core {
    /// One decision. Whatever was written goes to the wire, in front of whatever is wanted next.
    pub(super) fn decide(&mut self, wire: &mut Wire, facts: &mut Facts, now: Instant) -> Do {
        if wire.loss().is_some() {
            return Do::Close;
        }
        if wire.hurried() {
            self.ending.get_or_insert(Ended::Shutdown);
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
                lines: limits.line_before_login.max(limits.sasl_line),
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
                if self.too_long(&frame) {
                    return self.refused(&frame, Wrong::TOO_LONG, now);
                }
                self.begin(frame.text(), None, facts, now)
            }
            Framed::Refused(why) => {
                let frame = std::mem::take(&mut self.frame);
                self.refused(&frame, why, now)
            }
            Framed::Flood => self.bye(Ended::Flood),
        }
    }

    /// Before login only a SASL exchange may have lines that are longer than others.
    fn too_long(&self, frame: &Frame) -> bool {
        self.state.account.is_none()
            && frame.lines() > self.options.limits.line_before_login
            && words(frame.text()).1 != "AUTHENTICATE"
    }

    fn refused(&mut self, frame: &Frame, why: Wrong, now: Instant) -> Do {
        let (tag, name) = words(frame.text());
        self.mistaken(&tag, &name, &Mistake::Wrong(why), now);
        Do::Again
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
            tag: &tag,
            now,
        };
        let opened = if tag.is_empty() {
            Err(Mistake::Tag)
        } else {
            command::open(&name, &mut at, streamed, &mut turn)
        };
        match opened {
            Ok(command) => {
                self.state.by_uid = name.starts_with("UID ");
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
        // Like Dovecot: a client that forgot to select a mailbox does make sense.
        self.state.wrong += u32::from(*mistake != Mistake::Unselected);
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
            self.bye(Ended::Errors);
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
            tag: &running.tag,
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
                self.say_bye(why);
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
            Err(_) => return self.bye(Ended::Flood),
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
                tag: &running.tag,
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
            return self.bye(Ended::Timeout);
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
}

/// Of the input, how much belongs to something of which `left` octets are to come.
fn most(wire: &Wire, left: u64) -> usize {
    usize::try_from(left).map_or(wire.input().len(), |left| left.min(wire.input().len()))
}
