//! One session's picture of its mailbox: message sequence numbers, and what its client has yet to be told.
//!
//! A store says what there is now ([`Changes`]); a client believes what it was told last. A [`View`] stands
//! between them. It answers in the client's numbers, and turns the difference into untagged facts in an order
//! that is legal at every moment (RFC 3501 §5.2, §7.4.1; RFC 9051 §5.2): EXISTS never shrinks but by EXPUNGE, an
//! EXPUNGE is told only when the session permits it, and a message that came and went between two tellings is
//! never mentioned.
//!
//! ```text
//!   store ──Changes──► apply ──►┌ now (shared snapshot)                    ┐
//!                               │ + gone (expunged, not told)              │──► number, uid, numbers, uids
//!                               │ − what came behind the last UID told     │
//!   client ◄──News── news ◄─────┤ + pending flag news                      │
//!                               └──────────────────────────────────────────┘
//! ```
//!
//! What the client knows is always *the newest snapshot up to the last UID told, plus what is gone*: sessions
//! that look at one mailbox share the snapshot and keep the difference alone.
//!
//! A view asks no store, formats nothing and knows no clock.

mod gone;
mod news;
mod pending;
mod resolve;

pub use news::{News, Permit, Telling};
pub use resolve::NoSuchMessage;

use gone::Gone;
use mailcore_base::mailbox::{
    Changes, Flags, Keywords, ModSeq, Snapshot, Uid, UidMap, UidSet, UidValidity,
};
use pending::{Flagged, Pending};
use std::sync::Arc;

/// One session's picture of the mailbox that it has selected.
///
/// It weighs about 200 octets beyond the shared snapshot while the client knows all ([`weight`](Self::weight)),
/// and stays within some 16 KiB more plus eight octets for each gap of what was expunged and not told.
#[derive(Debug, Clone)]
pub struct View {
    /// The mailbox now.
    now: Snapshot,
    /// The highest UID that the client has been told of, or zero.
    told: u32,
    /// Messages that the client counts and the mailbox no longer has.
    gone: Gone,
    pending: Pending,
    /// As of when the client has been told all.
    settled: ModSeq,
    /// Messages that are recent in this session (RFC 3501 §2.3.2), some of which may be unknown to the client.
    recent: UidSet,
    recent_told: u32,
    /// `recent_told` may be out of date.
    recent_moved: bool,
    keywords_told: u8,
    /// Expunges are told as sets of UIDs (VANISHED).
    by_uid: bool,
    /// Modification sequences are told also where the flags are known.
    modseqs: bool,
}

/// The mailbox that a session has selected is no longer the one that it was: its UIDs are void, and the session
/// can only end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mailbox was replaced: its UIDs are void")]
pub struct Replaced;

impl View {
    /// The view of a client that is being told everything about `selected` now, as the answer to SELECT does.
    /// `recent` are the messages that this session is the first to see.
    pub fn new(selected: &Snapshot, recent: UidSet) -> Self {
        let recent = recent.intersection(&selected.uids.set());
        Self {
            told: selected.uids.last().map_or(0, Uid::number),
            gone: Gone::default(),
            pending: Pending::default(),
            settled: selected.modseq,
            recent_told: count(&recent),
            recent,
            recent_moved: false,
            keywords_told: keyword_count(&selected.keywords),
            by_uid: false,
            modseqs: false,
            now: selected.clone(),
        }
    }

    /// Whether the client has enabled QRESYNC or UIDONLY: expunges are told by UID ([`News::Vanished`],
    /// RFC 7162 §3.2.10, RFC 9586 §3.3).
    pub fn tell_by_uid(&mut self, on: bool) {
        self.by_uid = on;
    }

    /// Whether the client has enabled CONDSTORE: it is told of every new modification sequence
    /// ([`News::ModSeq`], RFC 7162 §3.2).
    pub fn tell_modseqs(&mut self, on: bool) {
        self.modseqs = on;
    }

    // ---- what the store says

    /// Takes in what a store says has happened since [`known`](Self::known). `recent` are messages that this
    /// session is the first to see; ones named before may be among them.
    ///
    /// # Errors
    /// [`Replaced`], and nothing is taken in.
    pub fn apply(&mut self, changes: Changes, recent: UidSet) -> Result<(), Replaced> {
        self.apply_own(changes, recent, &[])
    }

    /// As [`apply`](Self::apply), where the client takes it that the messages of `own`, ascending, have these flags
    /// now, since it has set them itself, and wants no echo (STORE .SILENT). What was pending about these from before
    /// is still told, and so is every message that has other flags, since somebody else was at it too.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_own(
        &mut self,
        changes: Changes,
        recent: UidSet,
        own: &[(Uid, Flags)],
    ) -> Result<(), Replaced> {
        let Changes { now, flagged, .. } = changes;
        if now.uid_validity != self.now.uid_validity {
            return Err(Replaced);
        }
        let before = std::mem::replace(&mut self.now, now);
        if !Arc::ptr_eq(&before.uids, &self.now.uids) && before.uids != self.now.uids {
            self.compare(&before.uids);
        }
        self.note_flags(flagged, own);
        if !recent.difference(&self.recent).is_empty() {
            self.recent = merge(&self.recent, &recent);
            self.recent_moved = true;
        }
        Ok(())
    }

    /// The client is to be told the flags of these messages, whether they have changed or not (a STORE
    /// without .SILENT, a FETCH that set `\Seen`).
    pub fn owe(&mut self, uids: &UidSet) {
        let known = uids.intersection(&self.known_set());
        self.pending.ask_for(&known, ModSeq(0));
    }

    /// The answer to [`News::Ask`]: the flags that those of `asked` have which are still there. Their news can
    /// be told now.
    pub fn learn(&mut self, asked: &UidSet, found: impl IntoIterator<Item = (Uid, Flags, ModSeq)>) {
        let found = found
            .into_iter()
            .filter(|(uid, ..)| asked.contains(*uid) && self.has(*uid))
            .map(|(uid, flags, modseq)| Flagged {
                uid,
                flags,
                modseq,
                silent: false,
            })
            .collect();
        self.pending.learn(asked, found);
    }

    /// What of that which the client counts has gone since `before`.
    fn compare(&mut self, before: &UidMap) {
        let known = self.known_in(before);
        let mut after = self.now.uids.set();
        // A store that lets a message appear below the last UID told has broken its promise that UIDs ascend.
        // No client can be told: the message waits for the next SELECT.
        let strangers = self.below_told(&after).difference(&known);
        if !strangers.is_empty() {
            after = after.difference(&strangers);
            self.now.uids = Arc::new(UidMap::from(&after));
        }
        self.gone = Gone::from(&known.difference(&after));
    }

    /// Of what has been flagged, that which the client is to be told.
    fn note_flags(&mut self, flagged: Vec<(Uid, Flags, ModSeq)>, own: &[(Uid, Flags)]) {
        let known = |uid, flags| {
            let at = own.binary_search_by_key(&uid, |(uid, _)| *uid);
            at.ok().and_then(|at| own.get(at)) == Some(&(uid, flags))
        };
        let mut fresh: Vec<Flagged> = flagged
            .into_iter()
            .map(|(uid, flags, modseq)| Flagged {
                uid,
                flags,
                modseq,
                silent: known(uid, flags),
            })
            .filter(|one| self.has(one.uid))
            .filter(|one| !one.silent || self.modseqs || self.pending.concerns(one.uid))
            .collect();
        fresh.sort_by_key(|one| one.uid);
        fresh.dedup_by_key(|one| one.uid);
        self.pending.add(fresh, self.settled);
    }

    // ---- what the client knows

    /// How many messages the client counts (EXISTS).
    pub fn exists(&self) -> u32 {
        self.now_told() + self.gone.len()
    }

    /// The UID of the message that the client numbers so (from 1).
    pub fn uid(&self, number: u32) -> Option<Uid> {
        if number == 0 || number > self.exists() {
            return None;
        }
        if self.gone.is_empty() {
            return self.now.uids.uid(number);
        }
        // The lowest UID up to which the client counts `number` messages.
        let (mut low, mut high) = (1, self.told);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.rank(Uid::new(middle)?) >= number {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Uid::new(low)
    }

    /// The number (from 1) that the message with this UID has for the client, if the client counts it.
    pub fn number(&self, uid: Uid) -> Option<u32> {
        let counted = self.has(uid) || self.gone.contains(uid);
        counted.then(|| self.rank(uid))
    }

    /// The client counts this message, but it has been expunged: what is asked of it can only be answered with
    /// that it is gone (RFC 5530 EXPUNGEISSUED).
    pub fn is_gone(&self, uid: Uid) -> bool {
        self.gone.contains(uid)
    }

    /// The messages that the client counts and the mailbox no longer has.
    pub fn gone(&self) -> UidSet {
        merge_ranges(self.gone.ranges(), std::iter::empty())
    }

    /// How many messages that the client counts are recent in this session.
    pub fn recent(&self) -> u32 {
        count(&self.recent.intersection(&self.known_set()))
    }

    /// The message is recent in this session.
    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.contains(uid) && self.number(uid).is_some()
    }

    /// The keywords of the mailbox, to name the flags that are told.
    pub fn keywords(&self) -> &Arc<Keywords> {
        &self.now.keywords
    }

    /// Under which the UIDs hold.
    pub fn uid_validity(&self) -> UidValidity {
        self.now.uid_validity
    }

    /// The newest snapshot, of which the client may not have been told all.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// As of when the view knows the mailbox: what the store is to be asked for changes since.
    pub fn known(&self) -> ModSeq {
        self.now.modseq
    }

    /// As of when the client knows the mailbox: the highest value that may stand in HIGHESTMODSEQ
    /// (RFC 7162 §3.2.5).
    pub fn settled(&self) -> ModSeq {
        self.settled
    }

    /// Octets that this view takes beyond the shared snapshot, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.gone.weight() + self.pending.weight() + set_weight(&self.recent)
    }

    /// The client counts this message, and it is there.
    fn has(&self, uid: Uid) -> bool {
        uid.number() <= self.told && self.now.uids.number(uid).is_some()
    }

    /// How many messages up to and including this UID the client counts.
    fn rank(&self, uid: Uid) -> u32 {
        let below = |uid| self.now.uids.below(uid) + self.gone.below(uid);
        match uid.next() {
            Some(next) => below(next),
            None => self.exists(),
        }
    }

    /// How many messages of the snapshot the client has been told of.
    fn now_told(&self) -> u32 {
        match self.told.checked_add(1).and_then(Uid::new) {
            Some(next) => self.now.uids.below(next),
            None => self.now.uids.len(),
        }
    }

    /// All messages that the client counts.
    fn known_set(&self) -> UidSet {
        self.known_in(&self.now.uids)
    }

    /// All messages that the client counts, where `uids` are those of the snapshot.
    fn known_in(&self, uids: &UidMap) -> UidSet {
        let told = self.below_told(&uids.set());
        if self.gone.is_empty() {
            return told;
        }
        merge_ranges(told.ranges(), self.gone.ranges())
    }

    /// Those of `uids` that are not above the last UID told.
    fn below_told(&self, uids: &UidSet) -> UidSet {
        let Some(told) = Uid::new(self.told) else {
            return UidSet::new();
        };
        let mut below = UidSet::new();
        below.insert_range(Uid::FIRST..=told);
        uids.intersection(&below)
    }
}

fn count(set: &UidSet) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}

fn keyword_count(keywords: &Keywords) -> u8 {
    u8::try_from(keywords.iter().len()).unwrap_or(u8::MAX)
}

/// Octets of a set on the heap, about.
fn set_weight(set: &UidSet) -> usize {
    set.ranges().count() * size_of::<(u32, u32)>()
}

/// Members of either, in time linear in the ranges of both.
fn merge(a: &UidSet, b: &UidSet) -> UidSet {
    merge_ranges(a.ranges(), b.ranges())
}

fn merge_ranges(
    a: impl Iterator<Item = std::ops::RangeInclusive<Uid>>,
    b: impl Iterator<Item = std::ops::RangeInclusive<Uid>>,
) -> UidSet {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    let mut out = UidSet::new();
    loop {
        let from_a = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => x.start() <= y.start(),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return out,
        };
        // Ascending, so that each is added at the end.
        let next = if from_a { a.next() } else { b.next() };
        if let Some(range) = next {
            out.insert_range(range);
        }
    }
}
