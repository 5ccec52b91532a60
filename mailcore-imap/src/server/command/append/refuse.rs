//! An APPEND that is refused: what was begun is abandoned, and what the client sends all the same is swallowed, so
//! that none of it is ever read as a command.

use super::{At, Run};
use crate::parse::frame::announcement;
use crate::parse::url::{self, MessageUrl};
use crate::server::Ended;
use crate::server::turn::{Next, Reply, Turn};
use crate::types::Excerpt;
use std::sync::Arc;

impl Run {
    /// It is over. A client that waits will not send what it has announced.
    pub(super) fn refuse(&mut self, reply: Reply) {
        let announced = self.line.announced.take();
        let anyway = announced.filter(|a| !a.waits).map(|a| a.size);
        if std::mem::take(&mut self.begun) {
            self.at = At::Abandon(reply, anyway);
        } else {
            self.abandoned(reply, anyway);
        }
    }

    /// What was begun is forgotten.
    pub(super) fn abandoned(&mut self, reply: Reply, anyway: Option<u64>) {
        self.at = match anyway {
            Some(octets) => At::Swallow(octets, reply),
            None => At::Over(reply),
        };
    }

    pub(super) fn swallow(&mut self, turn: &Turn<'_>) -> Next {
        match &self.at {
            At::Swallow(0, reply) => {
                self.at = At::Rest(reply.clone());
                Next::More
            }
            At::Swallow(left, _) if *left > turn.options.limits.swallow => {
                Next::Bye(Ended::Flood, None)
            }
            At::Swallow(left, _) => Next::Swallow(*left),
            _ => Next::More,
        }
    }

    /// A line behind what was swallowed: with it the command ends, or more comes.
    pub(super) fn rest(&mut self, line: &[u8]) {
        if let At::Rest(reply) = &self.at {
            let announced = announcement(line, false).filter(|more| !more.waits);
            let reply = reply.clone();
            self.abandoned(reply, announced.map(|more| more.size));
        }
    }

    /// RFC 4469 §4: the URL that is bad is named.
    pub(super) fn refuse_url(&mut self, why: &str) {
        let url = url::sayable(&self.url);
        self.refuse(Reply::no(format!("[BADURL {url}] {why}")));
    }

    /// A URL comes as a literal.
    pub(super) fn receive_url(&mut self, turn: &mut Turn<'_>) -> Result<(), Reply> {
        let too_long = |size| size > url::LONGEST as u64;
        if self.line.announced.is_some_and(|a| too_long(a.size)) {
            return Err(Reply::bad(
                "Error in IMAP command APPEND: Too long argument",
            ));
        }
        if let Some(announced) = self.line.literal_follows() {
            if announced.waits {
                turn.out.say("+ OK\r\n");
            }
            self.at = At::Url(announced.size);
        }
        Ok(())
    }

    /// A URL has come: what it names is looked for.
    pub(super) fn locate(&mut self, url: Vec<u8>, turn: &mut Turn<'_>) {
        self.url = url;
        let parsed = MessageUrl::parse(&self.url, turn.state.separator());
        match parsed {
            Ok(url) => {
                let selected = turn.selected().map(|selected| selected.name.clone());
                let mailbox = url.mailbox.filter(|name| selected.as_ref() != Some(name));
                let part = Excerpt {
                    mailbox,
                    uid_validity: url.uid_validity,
                    uid: url.uid,
                    section: Arc::new(url.section),
                };
                self.at = At::Locate(part, url.range);
            }
            Err(why) => self.refuse_url(why),
        }
    }
}
