//! Telling the client what has changed: ask the store, take it into the view, write the news gradually.

use super::follow::Follow;
use super::question::{Answer, Records, Sync, Want};
use super::state::Selected;
use super::turn::{Next, Turn};
use super::view::{News, Permit};
use crate::types::{Access, Failed, Fields, Row};
use crate::write;
use mailcore_base::mailbox::{FlagChange, Flags, Keywords, ModSeq, Uid, UidSet};

/// Flags that the client has just set itself and wants no echo of, as long as nobody else was at them.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// By UID; those that find no place are told.
    messages: Vec<(Uid, Flags)>,
    /// What was done to these flags.
    change: Option<FlagChange>,
}

impl Own {
    /// Most messages that are remembered: 256 KiB, while a command ends.
    const MOST: usize = 16 * 1024;

    /// Nothing yet; this is done to the flags of what will be added.
    pub(super) fn of(change: FlagChange) -> Self {
        Self {
            messages: Vec::new(),
            change: Some(change),
        }
    }

    /// There is no place for another one.
    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= Self::MOST
    }

    /// Adds a message with a higher UID than those before.
    pub(super) fn add(&mut self, uid: Uid, flags: Flags) {
        if !self.is_full() {
            self.messages.push((uid, flags));
        }
    }

    /// Nothing was done to these: it does not believe that any more.
    pub(super) fn forget(&mut self, uids: &UidSet) {
        self.messages.retain(|(uid, _)| !uids.contains(*uid));
    }

    /// The flags that the client believes in; `keywords` is the mailbox's table now.
    fn flags(mut self, keywords: &Keywords) -> Vec<(Uid, Flags)> {
        if let Some(change) = &self.change {
            let named = change.keywords.iter();
            let bits = named.filter_map(|name| keywords.flag(name));
            let bits = bits.fold(Flags::NONE, Flags::union);
            for (_, flags) in &mut self.messages {
                *flags = change.apply(*flags, bits);
            }
        }
        self.messages
    }
}

/// A telling in progress.
///
/// ```text
///   Sync ──answer──► News ──News::Ask──► Learn ──rows──► News … ──► Follow ──► Told
///    └── failed ────────────────────────────────────────────────────────────► Failed
/// ```
#[derive(Debug)]
pub(super) struct Tell {
    permit: Permit,
    own: Own,
    /// What becomes of searches that are kept up to date.
    follow: Option<Box<Follow>>,
    at: At,
}

#[derive(Debug)]
enum At {
    Sync,
    News,
    Learn(UidSet),
    Follow,
    Told,
    Failed(Lost),
}

/// Why there are no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The mailbox is no more.
    Deleted,
    /// The mailbox is another one under the same name.
    Replaced,
    /// It cannot be told for now.
    ForNow(Failed),
}

impl Tell {
    /// Tells what is permitted; about `own` it is silent.
    pub(super) fn new(permit: Permit, own: Own) -> Self {
        Self {
            permit,
            own,
            follow: None,
            at: At::Sync,
        }
    }

    /// What it wants next; `None` once all is told, or cannot be.
    pub(super) fn next(&mut self, turn: &mut Turn<'_>) -> Option<Next> {
        match &self.at {
            At::Sync => {
                let Some(selected) = turn.selected() else {
                    self.at = At::Told;
                    return None;
                };
                let known = selected.view.known();
                Some(Next::Ask(Want::Sync(Sync { known })))
            }
            At::News => {
                self.write(turn);
                Some(Next::More)
            }
            At::Learn(uids) => Some(Next::Ask(Want::Records(Records {
                uids: uids.clone(),
                fields: Fields::FLAGS,
            }))),
            At::Follow => self.follow(turn),
            At::Told | At::Failed(_) => None,
        }
    }

    /// Behind the news: what they mean to searches.
    fn follow(&mut self, turn: &mut Turn<'_>) -> Option<Next> {
        if let (Some(follow), Some(selected)) =
            (&mut self.follow, turn.state.selected.as_deref_mut())
        {
            if !follow.write(turn.out, selected) {
                return Some(Next::More);
            }
            if let Some(search) = follow.look(selected) {
                return Some(Next::Ask(Want::Search(search)));
            }
        }
        self.follow = None;
        self.at = At::Told;
        None
    }

    /// Why nothing could be told.
    pub(super) fn lost(&self) -> Option<Lost> {
        match self.at {
            At::Failed(lost) => Some(lost),
            _ => None,
        }
    }

    /// After the telling: up to when a client that resynchronises knows the mailbox, where that is not what it must
    /// take from what it has heard (RFC 7162 §3.2.7). While it may not be told of expunges, that is less.
    pub(super) fn settle(turn: &mut Turn<'_>) -> Option<ModSeq> {
        let qresync = turn.state.qresync;
        let selected = turn
            .selected()
            .filter(|selected| qresync && selected.modseqs)?;
        let settled = selected.view.settled();
        (std::mem::replace(&mut selected.heard, settled) != settled).then_some(settled)
    }

    fn write(&mut self, turn: &mut Turn<'_>) {
        // RFC 7162 §3.2.4: a client that resynchronises goes by UID.
        let by_uid = turn.state.by_uid || turn.state.qresync;
        let condstore = turn.state.condstore;
        let Some(selected) = turn.state.selected.as_deref_mut() else {
            self.at = At::Told;
            return;
        };
        if let Some(follow) = &mut self.follow
            && !follow.write(turn.out, selected)
        {
            return;
        }
        let modseqs = condstore && selected.modseqs;
        while !turn.out.full() {
            let Some(news) = selected.view.news(self.permit).next() else {
                self.at = At::Follow;
                return;
            };
            if let News::Ask(uids) = news {
                self.at = At::Learn(uids);
                return;
            }
            if let News::Flags { modseq, .. } | News::ModSeq { modseq, .. } = &news
                && modseqs
            {
                selected.hear(*modseq);
            }
            write_news(&mut turn.out.bytes, selected, &news, by_uid, modseqs);
        }
    }

    pub(super) fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        let Some(selected) = turn.state.selected.as_deref_mut() else {
            return;
        };
        self.at = match answer {
            Answer::Synced(Ok((changes, recent))) => {
                let own = std::mem::take(&mut self.own).flags(&changes.now.keywords);
                self.follow = Follow::new(selected, &changes);
                match selected.view.apply_own(changes, recent, &own) {
                    Ok(()) => self.applied(selected),
                    Err(_) => At::Failed(Lost::Replaced),
                }
            }
            Answer::Uids(found) => {
                if let Some(follow) = &mut self.follow {
                    follow.learn(found, selected, turn.out);
                }
                At::Follow
            }
            Answer::Synced(Err(Failed::NotFound)) => At::Failed(Lost::Deleted),
            Answer::Synced(Err(failed)) | Answer::NoRows(failed) => {
                At::Failed(Lost::ForNow(failed))
            }
            _ => return,
        };
    }

    fn applied(&mut self, selected: &mut Selected) -> At {
        if let Some(follow) = &mut self.follow
            && self.permit == Permit::All
        {
            follow.leave(selected);
        }
        At::News
    }

    pub(super) fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, turn: &mut Turn<'_>) {
        let (At::Learn(uids), Some(selected)) = (&self.at, turn.selected()) else {
            return;
        };
        let found: Vec<_> = rows.map(|row| (row.uid, row.flags, row.modseq)).collect();
        selected.view.learn(uids, found);
        self.at = At::News;
    }
}

/// `* FLAGS` and `* OK [PERMANENTFLAGS]`.
pub(super) fn write_keywords(out: &mut Vec<u8>, selected: &Selected) {
    let keywords = selected.view.keywords();
    out.extend_from_slice(b"* FLAGS ");
    write::known_flags(out, keywords, false);
    out.extend_from_slice(b"\r\n* OK [PERMANENTFLAGS ");
    if selected.access == Access::Write {
        let more = selected.new_keywords && !keywords.is_full();
        write::known_flags(out, keywords, more);
        out.extend_from_slice(b"] Flags permitted.\r\n");
    } else {
        out.extend_from_slice(b"()] Read-only mailbox.\r\n");
    }
}

fn write_news(out: &mut Vec<u8>, selected: &Selected, news: &News, by_uid: bool, modseqs: bool) {
    let view = &selected.view;
    match news {
        News::Keywords => write_keywords(out, selected),
        News::Flags {
            number,
            uid,
            flags,
            modseq,
        } => {
            numbered(out, *number, " FETCH (");
            write_uid(out, *uid, by_uid);
            if modseqs {
                write::modseq(out, *modseq);
                out.push(b' ');
            }
            out.extend_from_slice(b"FLAGS ");
            write::flags(out, *flags, view.is_recent(*uid), view.keywords());
            out.extend_from_slice(b")\r\n");
        }
        News::ModSeq {
            number,
            uid,
            modseq,
        } => {
            numbered(out, *number, " FETCH (");
            write_uid(out, *uid, by_uid);
            write::modseq(out, *modseq);
            out.extend_from_slice(b")\r\n");
        }
        News::Expunged(number) => numbered(out, *number, " EXPUNGE\r\n"),
        News::Vanished(uids) => {
            out.extend_from_slice(format!("* VANISHED {uids}\r\n").as_bytes());
        }
        News::Exists(count) => numbered(out, *count, " EXISTS\r\n"),
        News::Recent(count) => numbered(out, *count, " RECENT\r\n"),
        News::Ask(_) => {}
    }
}

fn write_uid(out: &mut Vec<u8>, uid: Uid, wanted: bool) {
    if wanted {
        out.extend_from_slice(b"UID ");
        write::number(out, u64::from(uid.number()));
        out.push(b' ');
    }
}

/// `* n …`
pub(super) fn numbered(out: &mut Vec<u8>, number: u32, what: &str) {
    out.extend_from_slice(b"* ");
    write::number(out, u64::from(number));
    out.extend_from_slice(what.as_bytes());
}
