//! The one loop that drives every machine, server or client, whatever its protocol.
//!
//! A driver makes its machine a [`Machine`] and its answers a [`Desk`]; the rest is the same for all: notices
//! are told, wants are raced, questions are carried to the desk. The loop keeps no state of the protocol.

use super::end::{End, Happened, now};
use super::stream::Transport;
use mailcore_base::wire::{Io, Notice};
use std::future::Future;
use std::io;
use std::time::Instant;

/// Steps that a machine may still take once nobody waits for an answer, or once its connection broke: to
/// clean up. A machine at fault must not spin.
const AFTERTHOUGHTS: u32 = 64;

/// What a machine says.
#[derive(Debug)]
#[must_use = "a step dropped is a step not taken"]
pub enum Turn<'m, A> {
    /// It wants something of the connection.
    Io(Io<'m>),
    /// It asks something that the desk answers, or hands it content.
    Ask(A),
}

/// A protocol machine, as the loop sees it.
///
/// A machine whose open question finds nobody waiting (see [`Meanwhile::gone`]) must not ask it again: its
/// next step cleans up and closes.
///
/// [`Meanwhile::gone`]: mailcore_base::wire::Meanwhile::gone
pub trait Machine: Send {
    /// Its questions, each a loan of the machine.
    type Ask<'m>: Send
    where
        Self: 'm;

    /// What it wants now.
    fn step(&mut self, now: Instant) -> Turn<'_, Self::Ask<'_>>;

    /// Tells it a notice.
    fn notice(&mut self, notice: Notice);
}

/// Whoever answers a machine's questions.
pub trait Desk<M: Machine, S: Transport>: Send {
    /// Answers `ask`; a question that is dropped unanswered is asked again. What takes time is awaited
    /// through [`End::attend`] or [`End::carry`].
    fn answer(&mut self, ask: M::Ask<'_>, end: &mut End<S>) -> impl Future<Output = ()> + Send;
}

/// Why a session ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// The machine closed the connection, in order.
    Closed,
    /// The machine closed the connection after it broke.
    Lost(io::Error),
    /// The machine went on asking although nobody waits for its answers.
    Unheard,
}

/// Runs `machine` until it closes. The caller then closes the `end`, or lends it to another machine.
pub async fn pump<M, D, S>(machine: &mut M, desk: &mut D, end: &mut End<S>) -> Ended
where
    M: Machine,
    D: Desk<M, S>,
    S: Transport,
{
    let mut lost = None;
    let mut unheard = 0;
    loop {
        while let Some(notice) = end.bell.heard() {
            machine.notice(notice);
        }
        let notice = match machine.step(now()) {
            Turn::Io(Io::Close) => return lost.map_or(Ended::Closed, Ended::Lost),
            Turn::Io(io) => {
                unheard = if lost.is_none() { 0 } else { unheard + 1 };
                match end.race(io).await {
                    Happened::Rung(notice) => Some(notice),
                    Happened::Lost(error) => {
                        lost.get_or_insert(error);
                        None
                    }
                    Happened::Closed => return lost.map_or(Ended::Closed, Ended::Lost),
                    Happened::Moved | Happened::Expired => None,
                }
            }
            Turn::Ask(ask) => {
                end.abandoned = false;
                desk.answer(ask, end).await;
                if end.abandoned {
                    unheard += 1;
                }
                None
            }
        };
        if unheard > AFTERTHOUGHTS {
            return lost.map_or(Ended::Unheard, Ended::Lost);
        }
        if let Some(notice) = notice {
            machine.notice(notice);
        }
    }
}
