//! One message's response, item by item.

use super::held::Held;
use super::wish::{self, Small, Wish};
use crate::server::question::{Answer, Bytes, Describe, Measure, Measured, Want};
use crate::server::turn::{Next, Turn};
use crate::types::{Described, Failed};
use crate::write;
use mailcore_base::message::Section;
use std::sync::Arc;

/// A response that is being written.
///
/// ```text
///   Begin ──► Small ─┬─ known ──────────────► Small …      ──► Part ──measured──► Body ──bytes──► Part … ──► End
///                    └─ Describe or Measure ─► Small …
///
///   A Part that the record tells needs no measuring.
/// ```
#[derive(Debug)]
pub(super) struct Message {
    held: Held,
    small: Vec<Small>,
    at: At,
    /// Something stands in the parentheses already.
    begun: bool,
    pub(super) gone: bool,
    pub(super) failed: Option<Failed>,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Begin,
    Small(usize),
    Part(usize),
    /// Octets `from..to` of a part's section are still to be sent.
    Body {
        part: usize,
        from: u64,
        to: u64,
    },
    End,
    /// A literal that cannot be ended: only the connection can.
    Cut,
}

impl Message {
    pub(super) fn new(held: Held, wish: &Wish) -> Self {
        Self {
            small: wish.small(&held),
            held,
            at: At::Begin,
            begun: false,
            gone: false,
            failed: None,
        }
    }

    /// What it wants next; `None` once it is written.
    pub(super) fn next(&mut self, wish: &Wish, turn: &mut Turn<'_>) -> Option<Next> {
        loop {
            match self.at {
                At::Begin => {
                    let selected = turn.state.selected.as_deref();
                    let number = selected.and_then(|s| s.view.number(self.held.uid))?;
                    wish::begin(&mut turn.out.bytes, number);
                    self.at = At::Small(0);
                }
                At::Small(n) => match self.small.get(n).copied() {
                    Some(small) if wish::has(small, &self.held.row()) => {
                        self.space(turn);
                        if let Some(selected) = turn.state.selected.as_deref_mut() {
                            let out = &mut turn.out.bytes;
                            if small == Small::ModSeq {
                                selected.hear(self.held.modseq);
                            }
                            wish::write_small(out, selected, small, &self.held.row());
                        }
                        self.at = At::Small(n + 1);
                    }
                    Some(Small::Text(what)) => return Some(self.describe(what)),
                    Some(_) => return Some(self.measure(Arc::default(), false)),
                    None => self.at = At::Part(0),
                },
                At::Part(n) => match wish.parts.get(n) {
                    Some(part) => match part.told(&self.held.row()) {
                        Some(text) => {
                            self.space(turn);
                            turn.out.bytes.extend_from_slice(&part.label);
                            wish::write_told(&mut turn.out.bytes, &text, part.partial);
                            self.at = At::Part(n + 1);
                        }
                        None => return Some(self.measure(Arc::clone(&part.section), part.decoded)),
                    },
                    None => self.at = At::End,
                },
                At::Body { part, from, to } if from == to => self.at = At::Part(part + 1),
                At::Body { part, from, to } => {
                    if turn.out.full() {
                        return Some(Next::More);
                    }
                    let Some(part) = wish.parts.get(part) else {
                        return Some(Next::Close);
                    };
                    let most = turn.out.left() as u64;
                    return Some(Next::Ask(Want::Bytes(Bytes {
                        uid: self.held.uid,
                        section: Arc::clone(&part.section),
                        decoded: part.decoded,
                        range: from..to.min(from.saturating_add(most)),
                    })));
                }
                At::End => {
                    if !self.begun {
                        // As Dovecot does: a response is never empty.
                        turn.out.say("UID ");
                        let uid = self.held.uid.number();
                        write::number(&mut turn.out.bytes, u64::from(uid));
                    }
                    turn.out.say(")\r\n");
                    return None;
                }
                At::Cut => return Some(Next::Close),
            }
        }
    }

    fn describe(&self, what: Described) -> Next {
        let uid = self.held.uid;
        Next::Ask(Want::Describe(Describe { uid, what }))
    }

    fn measure(&self, section: Arc<Section>, decoded: bool) -> Next {
        let uid = self.held.uid;
        Next::Ask(Want::Measure(Measure {
            uid,
            section,
            decoded,
        }))
    }

    /// A space between items.
    fn space(&mut self, turn: &mut Turn<'_>) {
        if std::mem::replace(&mut self.begun, true) {
            turn.out.say(" ");
        }
    }

    pub(super) fn answered(&mut self, answer: Answer, wish: &Wish, turn: &mut Turn<'_>) {
        match (self.at, answer) {
            (At::Small(n), Answer::Described(text)) => {
                let text = self.there(text);
                self.label(n, turn);
                let out = &mut turn.out.bytes;
                out.extend_from_slice(text.as_deref().unwrap_or(b"NIL"));
                self.at = At::Small(n + 1);
            }
            (At::Small(n), Answer::Measured(size)) => {
                let octets = match self.there(size) {
                    Some(Measured::Length(octets)) => octets,
                    Some(Measured::Whole(text)) => text.len() as u64,
                    None => 0,
                };
                self.label(n, turn);
                write::number(&mut turn.out.bytes, octets);
                self.at = At::Small(n + 1);
            }
            // RFC 3516 §4.3: there are no octets to tell.
            (At::Part(n), Answer::Measured(Err(Failed::Encoding))) => {
                self.failed = Some(Failed::Encoding);
                self.at = At::Part(n + 1);
            }
            (At::Part(n), Answer::Measured(section)) => {
                let section = self.there(section);
                self.part(n, section, wish, turn);
            }
            (At::Body { part, from, to }, Answer::Octets(Ok(octets))) if octets > 0 => {
                let from = to.min(from.saturating_add(octets as u64));
                self.at = At::Body { part, from, to };
            }
            // The client has been promised more.
            (At::Body { .. }, Answer::Octets(_)) => self.at = At::Cut,
            _ => {}
        }
    }

    /// What was found; where nothing was, it is remembered why.
    fn there<T>(&mut self, outcome: Result<Option<T>, Failed>) -> Option<T> {
        match outcome {
            Ok(Some(found)) => Some(found),
            Ok(None) => {
                self.gone = true;
                None
            }
            Err(failed) => {
                self.failed = Some(failed);
                None
            }
        }
    }

    fn label(&mut self, n: usize, turn: &mut Turn<'_>) {
        self.space(turn);
        if let Some(small) = self.small.get(n) {
            wish::write_label(&mut turn.out.bytes, *small);
        }
    }

    /// `BODY[…] {n}` and the octets, or NIL where there is no such message any more (as Dovecot does).
    fn part(&mut self, n: usize, found: Option<Measured>, wish: &Wish, turn: &mut Turn<'_>) {
        let Some(part) = wish.parts.get(n) else {
            return;
        };
        self.space(turn);
        let out = &mut turn.out.bytes;
        out.extend_from_slice(&part.label);
        self.at = At::Part(n + 1);
        let Some(found) = found else {
            out.extend_from_slice(b" NIL");
            return;
        };
        let length = match &found {
            Measured::Length(octets) => *octets,
            Measured::Whole(text) => text.len() as u64,
        };
        if part.size_only {
            out.push(b' ');
            return write::number(out, length);
        }
        let (from, to) = wish::cut(length, part.partial);
        // RFC 3516 §4.2: what is decoded may hold any octet.
        let any = part.decoded && part.is_part() && matches!(found, Measured::Length(_));
        out.extend_from_slice(if any { b" ~{" } else { b" {" });
        write::number(out, to - from);
        out.extend_from_slice(b"}\r\n");
        match found {
            Measured::Length(_) => self.at = At::Body { part: n, from, to },
            Measured::Whole(text) => {
                let ends = (usize::try_from(from), usize::try_from(to));
                if let (Ok(from), Ok(to)) = ends {
                    write::char8(out, text.get(from..to).unwrap_or_default());
                }
            }
        }
    }
}
