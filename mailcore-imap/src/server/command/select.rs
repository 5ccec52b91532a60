//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2), and what a client is told that knew the mailbox before (RFC 7162
//! §3.2.5).

use super::{Opened, first};
use crate::parse::modifiers::{ForSelect, Resync};
use crate::parse::{Cursor, Wrong};
use crate::server::earlier::Earlier;
use crate::server::question::{Answer, Close, Records, Select, Want};
use crate::server::remaining::Remaining;
use crate::server::state::Selected;
use crate::server::tell;
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::server::updates::Updates;
use crate::server::view::View;
use crate::types::{self, Access, Failed, Fields, Row};
use crate::write;
use mailcore_base::mailbox::{ModSeq, Snapshot, Uid, UidSet};

/// Messages whose records are looked at at a time.
const BATCH: usize = 1000;

/// ```text
///   Leave ──► Open ──► Opened ──────────────────────────────────────► Over
///                        └─ QRESYNC ──► Earlier ──► Changed ──rows… ───┘
///                                                      └─ failed ──► Leave again ──► Failed
/// ```
#[derive(Debug)]
struct Run {
    select: Select,
    resync: Option<Resync>,
    at: At,
}

#[derive(Debug)]
enum At {
    Leave,
    Open,
    Opened(Result<Box<types::Selected>, Failed>),
    /// What is gone, then what has changed: of these messages, behind this modification sequence.
    Earlier(Box<Earlier>, UidSet, ModSeq),
    Changed(Remaining, ModSeq),
    Over,
    /// The client cannot be told what it has missed, and so must not think that it knows.
    GiveUp(Failed),
    Failed(Failed),
}

pub(super) fn select(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Access::Write)
}

pub(super) fn examine(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, Access::Read)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, access: Access) -> Opened {
    first(at).map_err(|_| Wrong::ARGUMENTS)?;
    let name = at.astring()?;
    let mut modifiers = ForSelect::default();
    if !at.rest().is_empty() {
        at.space()?;
        modifiers = ForSelect::parse(at)?;
        at.end()?;
    }
    if modifiers.qresync.is_some() && !turn.state.qresync {
        // RFC 7162 §3.2.5
        return Err("QRESYNC not enabled".into());
    }
    // The mailbox that is opened says where it stands; the one that is left need not.
    turn.state.condstore |= modifiers.condstore;
    // RFC 3501 §6.3.1: the mailbox that was selected is left even if the new one cannot be opened.
    let begin = if turn.state.selected.is_some() {
        At::Leave
    } else {
        At::Open
    };
    match turn.name(&name) {
        Ok(name) => Ok(Box::new(Run {
            select: Select { name, access },
            resync: modifiers.qresync,
            at: begin,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match &self.at {
            At::Leave => Next::Ask(Want::Close(Close)),
            At::Open => Next::Ask(Want::Select(self.select.clone())),
            At::Opened(Ok(selected)) => {
                show(selected, &self.select, turn);
                let resync = self.resync.take();
                self.at = match resync.filter(|resync| {
                    selected.modseqs
                        && resync.uid_validity == selected.snapshot.uid_validity.0.get()
                }) {
                    Some(resync) => missed(resync, &selected.snapshot),
                    // RFC 7162 §3.2.5.1: UIDs that mean something else now are of no use.
                    None => At::Over,
                };
                Next::More
            }
            At::Opened(Err(failed)) | At::Failed(failed) => {
                let name = turn.shown(&self.select.name);
                Next::Reply(Reply::failed_at(*failed, "", &name))
            }
            At::Earlier(..) => self.earlier(turn),
            At::Changed(..) if turn.out.full() => Next::More,
            At::Changed(left, _) => {
                let uids = left.batch(BATCH);
                if uids.is_empty() {
                    self.at = At::Over;
                    return Next::More;
                }
                let fields = Fields::FLAGS;
                Next::Ask(Want::Records(Records { uids, fields }))
            }
            At::GiveUp(_) => Next::Ask(Want::Close(Close)),
            At::Over => Next::Reply(self.done(turn)),
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        match answer {
            Answer::Done(_) => {
                turn.state.selected = None;
                if let At::GiveUp(failed) = self.at {
                    self.at = At::Failed(failed);
                    return;
                }
                // RFC 7162 §3.2.11; Dovecot says it to everybody.
                turn.out.say("* OK [CLOSED] Previous mailbox closed.\r\n");
                self.at = At::Open;
            }
            Answer::Selected(outcome) => self.at = At::Opened(outcome.map(Box::new)),
            Answer::NoRows(failed) => self.at = At::GiveUp(failed),
            answer => {
                if let At::Earlier(earlier, ..) = &mut self.at {
                    earlier.answered(answer, turn);
                }
            }
        }
    }

    fn rows(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>, turn: &mut Turn<'_>) {
        let At::Changed(left, since) = &mut self.at else {
            return;
        };
        let Some(selected) = turn.state.selected.as_deref() else {
            return;
        };
        let out = &mut turn.out;
        let last = left.batch(BATCH).last();
        for row in rows {
            if out.full() {
                return; // what there is no room for now is asked for again
            }
            // What has changed since the mailbox was opened is told with the first news.
            let news = row.modseq > *since && row.modseq <= selected.view.known();
            if let Some(number) = selected.view.number(row.uid).filter(|_| news) {
                write_changed(&mut out.bytes, selected, number, &row);
            }
            left.done_through(row.uid);
        }
        if let Some(last) = last {
            left.done_through(last);
        }
    }
}

/// What a client has missed since it knew the mailbox under the same UIDVALIDITY.
fn missed(resync: Resync, now: &Snapshot) -> At {
    let known = resync.known.unwrap_or_else(UidSet::all);
    let changed = known.intersection(&now.uids.set());
    let agreed = resync
        .matches
        .and_then(|(numbers, uids)| agreed(&numbers, &uids, now));
    let earlier = Earlier::new(resync.modseq, known, agreed);
    At::Earlier(Box::new(earlier), changed, resync.modseq)
}

/// The highest UID that still has the number that the client knows: messages only go, so none up to it has gone
/// (RFC 7162 §3.2.5.2).
fn agreed(numbers: &UidSet, uids: &UidSet, now: &Snapshot) -> Option<Uid> {
    let exist = now.uids.len();
    // As many as there are messages, however many are named.
    let pairs = numbers.iter().zip(uids.iter());
    let pairs = pairs.take_while(|(number, _)| number.number() <= exist);
    pairs
        .filter(|(number, uid)| now.uids.number(*uid) == Some(number.number()))
        .last()
        .map(|(_, uid)| uid)
}

fn write_changed(out: &mut Vec<u8>, selected: &Selected, number: u32, row: &Row<'_>) {
    tell::numbered(out, number, " FETCH (UID ");
    write::number(out, u64::from(row.uid.number()));
    out.extend_from_slice(b" FLAGS ");
    let recent = selected.view.is_recent(row.uid);
    write::flags(out, row.flags, recent, selected.view.keywords());
    out.push(b' ');
    write::modseq(out, row.modseq);
    out.extend_from_slice(b")\r\n");
}

impl Run {
    fn earlier(&mut self, turn: &mut Turn<'_>) -> Next {
        let At::Earlier(earlier, changed, since) = &mut self.at else {
            return Next::More;
        };
        if let Some(next) = earlier.next(turn) {
            return next;
        }
        self.at = At::Changed(Remaining::from(&*changed), *since);
        Next::More
    }

    fn done(&self, turn: &mut Turn<'_>) -> Reply {
        let code = match turn.selected().map(|selected| selected.access) {
            Some(Access::Write) => "[READ-WRITE]",
            _ => "[READ-ONLY]",
        };
        let verb = match self.select.access {
            Access::Write => "Select",
            Access::Read => "Examine",
        };
        Reply::ok(format!("{code} {verb} completed"))
    }
}

/// The mailbox is selected, and the client is told all about it.
fn show(opened: &types::Selected, select: &Select, turn: &mut Turn<'_>) {
    let access = match (select.access, opened.access) {
        (Access::Write, Access::Write) => Access::Write,
        _ => Access::Read,
    };
    let there = opened.snapshot.uids.set();
    let recent = opened.recent.intersection(&there);
    let count = u32::try_from(recent.len()).unwrap_or(u32::MAX);
    let mut selected = Selected {
        name: select.name.clone(),
        view: View::new(&opened.snapshot, recent),
        access,
        new_keywords: opened.new_keywords,
        saved: UidSet::new(),
        updates: Updates::default(),
        modseqs: opened.modseqs,
        heard: opened.snapshot.modseq,
    };
    selected
        .view
        .tell_modseqs(turn.state.condstore && opened.modseqs);
    selected.view.tell_by_uid(turn.state.qresync);
    let out = &mut turn.out.bytes;
    let view = &selected.view;
    tell::write_keywords(out, &selected);
    tell::numbered(out, view.exists(), " EXISTS\r\n");
    tell::numbered(out, count, " RECENT\r\n");
    if let Some(unseen) = opened.unseen.and_then(|uid| view.number(uid)) {
        turn.out
            .say(&format!("* OK [UNSEEN {unseen}] First unseen.\r\n"));
    }
    let validity = opened.snapshot.uid_validity;
    let next = opened.snapshot.uid_next.number();
    turn.out.say(&format!(
        "* OK [UIDVALIDITY {validity}] UIDs valid\r\n* OK [UIDNEXT {next}] Predicted next UID\r\n"
    ));
    match opened.modseqs {
        true => turn.highest(opened.snapshot.modseq),
        // RFC 7162 §3.1.2.2
        false => turn
            .out
            .say("* OK [NOMODSEQ] No permanent mod-sequences\r\n"),
    }
    turn.state.selected = Some(Box::new(selected));
    turn.state.changed = false;
}
