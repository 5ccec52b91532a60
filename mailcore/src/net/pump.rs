//! The one loop that drives every machine, server or client, whatever its protocol.
//!
//! A driver is a machine together with whoever answers its questions: a [`Dialog`], whose turn is one step.
//! The rest is the same for all: notices are told, what broke is remembered, a machine at fault cannot spin.
//! The loop keeps no state of the protocol.
//!
//! The loop turns dialogs rather than machines because an open question borrows its machine: a future that is
//! generic over such a loan and held across an await is not [`Send`] to today's compiler (rust#100013), while
//! a turn with the protocol's own types is.

use super::end::{End, Happened};
use super::stream::Transport;
use mailcore_base::wire::Notice;
use std::future::Future;
use std::io;

/// Turns that a machine may still take once nobody waits for an answer, or once its connection broke: to
/// clean up.
const AFTERTHOUGHTS: u32 = 64;

/// A machine and whoever answers its questions.
///
/// A machine that finds its connection lost ([`Wire::loss`]) asks no more but to clean up, and closes. That
/// the peer has closed its half ([`Wire::ended`]) says nothing before the machine wants input that is not
/// there: what was commanded is answered.
///
/// [`Wire::loss`]: mailcore_base::wire::Wire::loss
/// [`Wire::ended`]: mailcore_base::wire::Wire::ended
pub trait Dialog<S: Transport>: Send {
    /// One step of the machine: raced by [`End::race`] if it is an `Io`; answered if it is a question, what
    /// takes time being awaited through [`End::attend`] or [`End::carry`], and then
    /// [`Happened::Answered`]. A turn that is dropped, or a question dropped unanswered, comes again.
    fn turn(&mut self, end: &mut End<S>) -> impl Future<Output = Happened> + Send;

    /// Tells the machine a notice.
    fn notice(&mut self, notice: Notice);
}

/// Why a session ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// The machine closed the connection, in order.
    Closed,
    /// The machine closed the connection after it broke.
    Lost(io::Error),
    /// Nobody waited for an answer any more: the peer had closed its half, or the session was kicked.
    Unheard,
}

/// Turns `dialog` until its machine closes. The caller then [closes](End::close) the `end`.
pub async fn pump<D, S>(dialog: &mut D, end: &mut End<S>) -> Ended
where
    D: Dialog<S>,
    S: Transport,
{
    let mut afterthoughts = 0;
    let mut unheard = false;
    while afterthoughts < AFTERTHOUGHTS {
        while let Some(notice) = end.bell.heard() {
            dialog.notice(notice);
        }
        end.abandoned = false;
        match dialog.turn(end).await {
            Happened::Closed if !unheard && end.lost.is_none() => return Ended::Closed,
            Happened::Closed => break,
            Happened::Rung(notice) => dialog.notice(notice),
            Happened::Lost(error) => {
                end.lost.get_or_insert(error);
            }
            Happened::Moved | Happened::Expired | Happened::Answered => {}
        }
        unheard |= end.abandoned;
        afterthoughts += u32::from(end.abandoned || end.lost.is_some());
    }
    end.lost.take().map_or(Ended::Unheard, Ended::Lost)
}
