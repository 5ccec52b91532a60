//! A small protocol that has every trait of the real ones: questions, long answers by cursor, content in
//! bulk, a commit, layers, idling, a goodbye. Each side is a pure machine on mailcore-base's wire.
//!
//! ```text
//! C: WORD text        S: = answer              a question
//! C: LONG n           S: #n, n octets, CRLF    a long answer: many small questions
//! C: PUT n, n octets  S: OK n sum              content, then a commit
//! C: TLS | PACK       S: READY, then the layer
//! C: IDLE             S: * changed …           until the client sends a line
//! C: QUIT             S: BYE
//! ```
#![allow(
    dead_code,
    reason = "two test programs share this, each uses a part of it"
)]

pub mod client;
pub mod desk;
pub mod server;

use client::{Client, Script};
use desk::Store;
use mailcore::net::{Bell, Dialog, End, Happened, Stream, Transport, now};
use mailcore_base::wire::{Io, Notice};
use server::Server;

/// What a machine says.
pub enum Step<'m, A> {
    Io(Io<'m>),
    Ask(A),
}

/// The server with the store that answers it.
pub struct Serving {
    pub machine: Server,
    pub store: Store,
}

impl<S: Transport> Dialog<S> for Serving {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.machine.step(now()) {
            Step::Io(io) => end.race(io).await,
            Step::Ask(ask) => {
                self.store.answer(ask, end).await;
                Happened::Answered
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.machine.notice(notice);
    }
}

/// The client with the script that it follows.
pub struct Talking {
    pub machine: Client,
    pub script: Script,
}

impl<S: Transport> Dialog<S> for Talking {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.machine.step(now()) {
            Step::Io(io) => end.race(io).await,
            Step::Ask(ask) => {
                self.script.answer(ask, end).await;
                Happened::Answered
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.machine.notice(notice);
    }
}

/// The octet at `at` of every long answer.
pub fn octet(at: u64) -> u8 {
    b"abcdefghijklmnopqrstuvwxyz012345"[(at % 32) as usize]
}

/// An end with a bell of its own.
pub fn end<S: Transport>(stream: Stream<S>) -> End<S> {
    End::new(stream, Bell::new())
}
