//! Telling: the untagged facts that bring a client from what it believes to what there is.

use super::{View, count, keyword_count};
use mailcore_base::mailbox::{Flags, ModSeq, Uid, UidSet};

/// Most ranges in one [`News::Vanished`].
const RANGES: usize = 64;

/// What may be told at this point of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permit {
    /// Everything.
    All,
    /// Everything but expunges: FETCH, STORE and SEARCH are running, and their answers go by message numbers
    /// (RFC 3501 §7.4.1).
    NoExpunge,
}

/// One fact for the client. Having been yielded, it counts as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The table of keywords has grown: `* FLAGS` and `* OK [PERMANENTFLAGS …]`, before flags that use it.
    Keywords,
    /// The flags of a message: `* n FETCH (FLAGS …)`.
    Flags {
        /// Its number now.
        number: u32,
        /// Its UID.
        uid: Uid,
        /// All its flags but `\Recent` (see [`View::is_recent`]).
        flags: Flags,
        /// When it was last changed.
        modseq: ModSeq,
    },
    /// The modification sequence of a message whose flags the client knows (RFC 7162 §3.1.3); only where
    /// [`View::tell_modseqs`] is on.
    ModSeq {
        /// Its number now.
        number: u32,
        /// Its UID.
        uid: Uid,
        /// When it was last changed.
        modseq: ModSeq,
    },
    /// `* n EXPUNGE`: the message with this number is no more, and those behind it count one less.
    Expunged(u32),
    /// `* VANISHED …`: these are no more; instead of [`Expunged`](Self::Expunged) where
    /// [`View::tell_by_uid`] is on.
    Vanished(UidSet),
    /// `* n EXISTS`: messages have come, so that there are so many now.
    Exists(u32),
    /// `* n RECENT`: so many are recent now. Not for clients of IMAP4rev2.
    Recent(u32),
    /// Not for the client: there is more, and the store has to be asked first. Ask for the flags of these
    /// (at most 256 messages), give them to [`View::learn`], and go on telling.
    Ask(UidSet),
}

/// The facts that are to be told now, one by one. It may be left at any point and taken up again later, also
/// after new changes: each fact is true when it is yielded.
#[derive(Debug)]
pub struct Telling<'v> {
    view: &'v mut View,
    permit: Permit,
    asked: bool,
}

impl View {
    /// Begins, or goes on, to tell the client what is permitted now. Nothing left is `None`.
    pub fn news(&mut self, permit: Permit) -> Telling<'_> {
        Telling {
            view: self,
            permit,
            asked: false,
        }
    }

    fn tell_keywords(&mut self) -> Option<News> {
        let there = keyword_count(&self.now.keywords);
        (there > self.keywords_told).then(|| {
            self.keywords_told = there;
            News::Keywords
        })
    }

    fn tell_flags(&mut self) -> Option<News> {
        loop {
            let one = self.pending.pop()?;
            if !self.has(one.uid) {
                continue;
            }
            let number = self.rank(one.uid);
            let (uid, modseq) = (one.uid, one.modseq);
            return Some(if one.silent {
                News::ModSeq {
                    number,
                    uid,
                    modseq,
                }
            } else {
                News::Flags {
                    number,
                    uid,
                    flags: one.flags,
                    modseq,
                }
            });
        }
    }

    fn tell_expunged(&mut self) -> Option<News> {
        if self.gone.is_empty() {
            return None;
        }
        self.recent_moved = true;
        if self.by_uid {
            return Some(News::Vanished(self.gone.pop_runs(RANGES)));
        }
        let uid = self.gone.pop()?;
        // The number that it had: one more than what is left of those below it.
        Some(News::Expunged(self.rank(uid) + 1))
    }

    fn tell_exists(&mut self) -> Option<News> {
        let last = self.now.uids.last()?.number();
        if last <= self.told {
            return None;
        }
        self.told = last;
        self.recent_moved = true;
        Some(News::Exists(self.exists()))
    }

    fn tell_recent(&mut self) -> Option<News> {
        if !std::mem::take(&mut self.recent_moved) {
            return None;
        }
        self.recent = self.recent.intersection(&self.known_set());
        let recent = count(&self.recent);
        (recent != self.recent_told).then(|| {
            self.recent_told = recent;
            News::Recent(recent)
        })
    }
}

impl Iterator for Telling<'_> {
    type Item = News;

    fn next(&mut self) -> Option<News> {
        let view = &mut *self.view;
        if self.asked {
            return None;
        }
        let told = view.tell_keywords().or_else(|| view.tell_flags());
        let told = match self.permit {
            Permit::All => told.or_else(|| view.tell_expunged()),
            Permit::NoExpunge => told,
        };
        let told = told
            .or_else(|| view.tell_exists())
            .or_else(|| view.tell_recent());
        if told.is_some() {
            return told;
        }
        self.asked = true;
        let ask = view.pending.next_batch(&view.now.uids).map(News::Ask);
        if ask.is_none() && view.gone.is_empty() {
            view.settled = view.now.modseq;
        }
        ask
    }
}
