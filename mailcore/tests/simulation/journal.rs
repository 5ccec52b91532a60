//! What outlives the server: what clients were told, and what other servers have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: which start of the server, and when.
pub type Moment = (u64, SystemTime);

/// Seen from outside. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Page>>);

#[derive(Debug, Default)]
pub struct Page {
    /// What came of letters: nothing where their end was never sent.
    pub answers: BTreeMap<String, Option<Told>>,
    /// Letters that were answered for, in order, and in which start.
    pub order: Vec<(u64, String)>,
    /// What other servers have taken.
    pub accepted: Vec<Accepted>,
    /// When attempts ended.
    pub ends: Vec<Moment>,
    /// When the disk has failed.
    pub faults: Vec<Moment>,
    /// When power was lost.
    pub cuts: Vec<Moment>,
    /// Everything in order, to compare lives.
    pub lines: Vec<String>,
}

/// What a client was told of a letter whose end it has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// 250: it is ours now.
    Taken,
    Refused,
    /// Nobody answered.
    Nothing,
}

/// A message that another server has, for one recipient.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The letter; none for a report.
    pub token: String,
    pub recipient: String,
    pub content: Vec<u8>,
    pub at: Moment,
    /// When the attempt has ended on our side, if it has.
    pub ended: Option<Moment>,
    /// The network has lost the answer.
    pub unheard: bool,
}

impl Journal {
    pub fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap()
    }

    pub fn note(&self, moment: Moment, line: String) {
        let (start, at) = moment;
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!(
            "{start} {}.{:03} {line}",
            since.as_secs(),
            since.subsec_millis()
        );
        if std::env::var_os("MAILCORE_SIM_TRACE").is_some() {
            eprintln!("{line}");
        }
        self.page().lines.push(line);
    }
}

impl Page {
    /// Whether power was lost, or the disk failed, right behind this: what came of it may not have been recorded.
    fn is_cut_off(&self, end: Moment) -> bool {
        let mut losses = self.cuts.iter().chain(&self.faults);
        losses.any(|loss| {
            let after = loss.1.duration_since(end.1);
            loss.0 == end.0 && after.is_ok_and(|after| after < Duration::from_millis(2))
        })
    }

    /// How many losses fell right behind attempts.
    pub fn cut_off(&self) -> usize {
        let cut = |end: &&Moment| self.is_cut_off(**end);
        self.ends.iter().filter(cut).count() + self.faults.len()
    }

    /// How many of these acceptances we cannot know of: the network has lost the answer, or we the record of it.
    pub fn forgotten(&self, token: &str, recipient: Option<&str>) -> usize {
        let of =
            |it: &&Accepted| it.token == token && recipient.is_none_or(|to| it.recipient == to);
        let lost = |it: &&Accepted| it.unheard || it.ended.is_none_or(|end| self.is_cut_off(end));
        self.accepted.iter().filter(of).filter(lost).count()
    }

    /// Whether this letter was refused and another taken after it in the same start: then it is nowhere.
    pub fn is_refused_for_good(&self, token: &str) -> bool {
        let mut behind = self.order.iter().skip_while(|(_, of)| of != token);
        let Some((start, _)) = behind.next() else {
            return false;
        };
        let taken = |of: &str| self.answers.get(of) == Some(&Some(Told::Taken));
        let refused = self.answers.get(token) == Some(&Some(Told::Refused));
        refused && behind.any(|(of, token)| of == start && taken(token))
    }
}
