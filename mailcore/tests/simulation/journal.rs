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
    /// Letters whose end was sent, and what was answered: `Some(true)` where it was 250.
    pub answers: BTreeMap<String, Option<bool>>,
    /// What other servers have taken.
    pub accepted: Vec<Accepted>,
    /// When attempts ended, by message as the queue calls it.
    pub ends: Vec<(String, Moment)>,
    /// When power was lost.
    pub cuts: Vec<Moment>,
    /// Everything in order, to compare lives.
    pub lines: Vec<String>,
}

/// A message that another server has, for one recipient.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub recipient: String,
    pub content: Vec<u8>,
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
    /// How many power cuts fell right behind an attempt for this message, or for any: what came of it may not have been
    /// recorded.
    pub fn close_cuts(&self, token: Option<&str>) -> usize {
        let close = |cut: &&Moment| {
            let mut ends = self.ends.iter();
            ends.any(|(of, end)| {
                let after = cut.1.duration_since(end.1);
                token.is_none_or(|token| token == of)
                    && end.0 == cut.0
                    && after.is_ok_and(|after| after < Duration::from_millis(2))
            })
        };
        self.cuts.iter().filter(close).count()
    }
}
