//! THREAD and UID THREAD (RFC 5256 §3). The threads are given once and written gradually; however deep they are,
//! nothing recurses.

use super::search::{looks_for_modseqs, unknown_charset};
use super::{Opened, first};
use crate::parse::search::{Unsearchable, parse_within};
use crate::parse::{Cursor, Wrong};
use crate::server::finish::Finish;
use crate::server::found::Names;
use crate::server::question::{Answer, Search, Thread, Want};
use crate::server::turn::{Command, Next, Out, Reply, Turn};
use crate::server::view::Permit;
use crate::thread::{Algorithm, Threads};
use crate::types::Failed;
use crate::write;
use std::sync::Arc;

/// ```text
///   Ask ──found──► Tell ──► Over
/// ```
#[derive(Debug)]
struct Run {
    thread: Thread,
    by_uid: bool,
    at: At,
}

#[derive(Debug)]
enum At {
    Ask,
    Tell(Told),
    Failed(Failed),
}

pub(super) fn by_number(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, false)
}

pub(super) fn by_uid(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    open(at, turn, true)
}

fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>, by_uid: bool) -> Opened {
    first(at).map_err(|_| Wrong::ARGUMENTS)?;
    let name = at.keyword().map_err(|_| Wrong::ARGUMENTS)?;
    at.space().map_err(|_| Wrong::ARGUMENTS)?;
    let by = Algorithm::NAMES.iter().find(|(_, known)| *known == name);
    let (by, _) = by.ok_or_else(|| Wrong::from("Unknown thread algorithm"))?;
    let deep = turn.options.limits.nesting;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    let query = match parse_within(at, selected, deep) {
        Ok(query) => Arc::new(query),
        Err(Unsearchable::Wrong(wrong)) => return Err(wrong),
        Err(Unsearchable::Charset) => return Ok(unknown_charset()),
    };
    let within = selected.view.all();
    looks_for_modseqs(&query, turn)?;
    Ok(Box::new(Run {
        thread: Thread {
            search: Search { query, within },
            by: *by,
        },
        by_uid,
        at: At::Ask,
    }))
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        // RFC 5256 §3: as with SEARCH, no expunges with an answer that goes by numbers.
        let permit = Some(match self.by_uid {
            true => Permit::All,
            false => Permit::NoExpunge,
        });
        match &mut self.at {
            At::Ask => Next::Ask(Want::Thread(self.thread.clone())),
            At::Tell(told) => {
                let Some(selected) = turn.state.selected.as_deref() else {
                    return Next::Close;
                };
                let names = Names::new(self.by_uid, &selected.view);
                match told.write(turn.out, names) {
                    true => Next::Done(Finish::new(Reply::ok("Thread completed"), permit)),
                    false => Next::More,
                }
            }
            At::Failed(failed) => Next::Done(Finish::new(Reply::failed(*failed), permit)),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        self.at = match answer {
            Answer::Threaded(Ok(threads)) => At::Tell(Told::new(threads)),
            Answer::Threaded(Err(failed)) => At::Failed(failed),
            _ => return,
        };
    }
}

/// Threads on their way to the client (RFC 5256 §4, `thread-data`).
#[derive(Debug)]
struct Told {
    threads: Threads,
    /// What is told next.
    place: usize,
    /// How many siblings are still to come in each list that has several; a message with a single child shares its
    /// list with it.
    open: Vec<u32>,
    /// The list that is open has a number in it.
    inside: bool,
    begun: bool,
    over: bool,
}

impl Told {
    fn new(threads: Threads) -> Self {
        Self {
            threads,
            place: 0,
            open: Vec::new(),
            inside: false,
            begun: false,
            over: false,
        }
    }

    /// Writes as much as is welcome; whether all is written.
    fn write(&mut self, out: &mut Out, names: Names<'_>) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            out.say("* THREAD");
            if !self.threads.is_empty() {
                out.say(" ");
            }
        }
        while !out.full() && !self.over {
            match self.threads.get(self.place) {
                Some(told) => {
                    self.place += 1;
                    let number = told.uid.and_then(|uid| names.of(uid));
                    self.member(&mut out.bytes, number, told.children);
                }
                None => {
                    out.say("\r\n");
                    self.over = true;
                }
            }
        }
        self.over
    }

    fn member(&mut self, out: &mut Vec<u8>, number: Option<u32>, children: u32) {
        if self.inside {
            out.push(b' ');
        } else {
            out.push(b'(');
        }
        if let Some(number) = number {
            write::number(out, u64::from(number));
        }
        match children {
            0 => self.leaf(out),
            1 => self.inside = true,
            several => {
                if number.is_some() {
                    out.push(b' ');
                }
                self.open.push(several);
                self.inside = false;
            }
        }
    }

    /// A list ends, and with it all those of which it was the last one.
    fn leaf(&mut self, out: &mut Vec<u8>) {
        self.inside = false;
        out.push(b')');
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.open.pop();
            out.push(b')');
        }
    }
}
