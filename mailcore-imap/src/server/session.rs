//! The session: reads commands, runs one at a time, and says at each step what it wants of the world.
//!
//! ```text
//!   Greeting ──► Framing ──whole──► Running ──reply──► Framing …
//!                   │                  ├── STARTTLS, COMPRESS ──► Layering ──► Framing
//!                   └──── BYE ─────────┴──────────────► Ending ──► Closed
//! ```
//!
//! It decides without lending anything, and lends afterwards.

use super::ends::Ended;
use super::question::{Answer, Want};
use super::state::State;
use super::step::{Content, Step};
use super::turn::{Command, Out, Turn};
use super::{Facts, Options};
use crate::parse::frame::Frame;
use crate::types::{Failed, Row};
use crate::write;
use mailcore_base::mailbox::ModSeq;
use mailcore_base::wire::{Io, Layer, Line, Notice, Wire};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// One client's IMAP session.
pub struct Session {
    wire: Wire,
    facts: Facts,
    core: Core,
}

/// All of a session but its wire and its facts, which questions lend.
pub(super) struct Core {
    pub(super) options: Arc<Options>,
    pub(super) state: State,
    pub(super) frame: Frame,
    pub(super) phase: Phase,
    pub(super) out: Out,
    /// The answer to the open question, until the command is told.
    pub(super) answer: Option<Answer>,
    /// Shutdown or a kick: why the session has to end.
    pub(super) ending: Option<Ended>,
    /// Why it has ended, once BYE is said.
    pub(super) ended: Option<Ended>,
    /// Since when the client has been silent, or has not finished a command before login.
    pub(super) since: Option<Instant>,
}

/// Without the wire, through which passwords go.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("facts", &self.facts)
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("state", &self.state)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) enum Phase {
    Greeting,
    Framing,
    Running(Running),
    /// A layer is put up.
    Layering(Layer),
    Ending,
}

/// The command that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) tag: Vec<u8>,
    pub(super) started: Instant,
    /// Of the last step.
    pub(super) now: Instant,
    pub(super) command: Box<dyn Command>,
}

/// What is to be done next, decided without lending anything.
pub(super) enum Do {
    Again,
    Write,
    Read(Instant),
    Layer(Layer),
    Close,
    Ask(Want),
    Content(usize),
}

impl Session {
    /// A session with a client that has just connected; the greeting is its first output.
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            wire: Wire::new(options.limits.wire),
            facts: Facts::default(),
            core: Core {
                options,
                state: State::default(),
                frame: Frame::default(),
                phase: Phase::Greeting,
                out: Out::default(),
                answer: None,
                ending: None,
                ended: None,
                since: None,
            },
        }
    }

    /// Why the session has ended, once it has said so; nothing while it goes on, and where the connection was lost.
    pub fn ended(&self) -> Option<Ended> {
        self.core.ended
    }

    /// What is known of the connection.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// For the driver to say what it knows of the connection: before the first step, and once a TLS layer
    /// stands.
    pub fn facts_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// What the session wants next.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        let next = loop {
            match self.core.decide(&mut self.wire, &mut self.facts, now) {
                Do::Again => {}
                next => break next,
            }
        };
        let Self { wire, facts, core } = self;
        match next {
            Do::Again | Do::Write => Step::Io(wire.write(now)),
            Do::Read(deadline) => Step::Io(wire.read(Some(deadline))),
            Do::Layer(layer) => Step::Io(wire.layer(layer)),
            Do::Close => Step::Io(Io::Close),
            Do::Ask(want) => Step::Ask(want.lend(facts, Line::new(wire), core)),
            Do::Content(most) => Step::Content(Content::new(wire, core, most)),
        }
    }

    /// Tells the session something from outside its connection.
    pub fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Changed => self.core.state.changed = true,
            Notice::Kicked => self.core.ending = Some(Ended::Kicked),
            _ => self.core.ending = Some(Ended::Shutdown),
        }
        if notice != Notice::Changed {
            self.wire.hurry();
        }
    }

    /// While the client waits for news (IDLE): up to when the session knows the mailbox. Whoever drives it
    /// gives notice ([`Notice::Changed`]) once the mailbox is past that, and need not look at other times.
    pub fn watching(&self) -> Option<ModSeq> {
        match (&self.core.phase, &self.core.state.selected) {
            (Phase::Running(running), Some(selected)) if running.command.watches() => {
                Some(selected.view.known())
            }
            _ => None,
        }
    }
}

// ---- what comes back from what was lent

impl Core {
    pub(super) fn answered(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    /// Rows go straight to the command, which writes what there is room for.
    pub(super) fn rows(&mut self, facts: &mut Facts, rows: &mut dyn Iterator<Item = Row<'_>>) {
        let Phase::Running(running) = &mut self.phase else {
            return;
        };
        let mut turn = Turn {
            state: &mut self.state,
            facts,
            options: &self.options,
            out: &mut self.out,
            tag: &running.tag,
            now: running.now,
        };
        running.command.rows(rows, &mut turn);
    }

    /// Octets of a section go straight to the output; `any` of them where they were announced by a `literal8`.
    pub(super) fn octets(&mut self, octets: &[u8], any: bool) {
        match any {
            true => self.out.bytes.extend_from_slice(octets),
            false => write::char8(&mut self.out.bytes, octets),
        }
        self.answer = Some(Answer::Octets(Ok(octets.len())));
    }

    pub(super) fn took(&mut self, octets: u64) {
        if let Phase::Running(running) = &mut self.phase {
            running.command.took(octets);
        }
    }

    pub(super) fn content_refused(&mut self, failed: Failed) {
        if let Phase::Running(running) = &mut self.phase {
            running.command.refused(failed);
        }
    }
}
