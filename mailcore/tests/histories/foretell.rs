//! What a command must have done, where nothing else happened meanwhile.

use crate::client::Answer;
use crate::event::{Command, FLAGS};
use crate::reply;
use crate::truth::{self, Life};
use crate::world::{Meant, World, set};

impl World {
    /// `validity` is that of the mailbox which is selected now.
    pub fn foretell(&mut self, meant: &Meant, answer: &Answer, validity: Option<u64>) {
        let ok = answer.status == "OK";
        match meant.command {
            Command::Append { mailbox, .. } | Command::Catenate { mailbox, .. } => {
                let done = self.is_whole(meant) && self.append(mailbox, meant, answer);
                return assert_eq!(ok, done, "{answer:?}");
            }
            Command::Select { mailbox, .. } => {
                let Some(life) = self.truth.named(mailbox) else {
                    return assert!(!ok, "{mailbox} is not there");
                };
                let told = validity.unwrap();
                return assert_eq!(*life.validity.get_or_insert(told), told);
            }
            Command::Create(mailbox) => return assert_eq!(ok, self.truth.create(mailbox)),
            Command::Delete(mailbox) => return assert_eq!(ok, self.truth.delete(mailbox)),
            Command::Rename(from, to) => return assert_eq!(ok, self.truth.rename(from, to)),
            _ => {}
        }
        let stale = self.is_stale(meant);
        let transfers = matches!(meant.command, Command::Copy { .. } | Command::Move { .. });
        assert!(ok || stale || transfers, "{:?}: {answer:?}", meant.command);
        let Some((_, validity, writes)) = meant.selected else {
            return;
        };
        match meant.command {
            Command::Copy { to, .. } => return self.copy(validity, to, meant, answer, false),
            Command::Move { to, .. } => return self.copy(validity, to, meant, answer, true),
            _ => {}
        }
        // Who is told that the mailbox is gone has done nothing to what it became.
        if let Some(life) = self.truth.valid(validity).filter(|_| ok) {
            life.foretell(meant, answer, writes);
        }
    }

    /// Whether the message is there of which another is put together.
    fn is_whole(&mut self, meant: &Meant) -> bool {
        let Some((mailbox, validity, _)) = meant.selected else {
            return true;
        };
        let life = self.truth.named(mailbox);
        meant.uids.is_empty()
            || life.is_some_and(|life| {
                life.validity == Some(validity) && life.mails.contains_key(&meant.uids[0])
            })
    }

    /// Messages have come, if there is where to.
    fn append(&mut self, mailbox: usize, meant: &Meant, answer: &Answer) -> bool {
        let Some(life) = self.truth.named(mailbox) else {
            return false;
        };
        let uids: Vec<u32> = meant
            .mails
            .iter()
            .map(|mail| life.add(mail.clone()))
            .collect();
        let code = answer.text.strip_prefix("[APPENDUID ").unwrap_or_default();
        let told = code.split([' ', ']']).nth(1).map(reply::numbers);
        assert_eq!(told, Some(uids), "{answer:?}");
        true
    }

    /// Of the messages that are still there, each has become another, in order; or the server has refused because
    /// some are not, or nothing is there for them to go to.
    fn copy(&mut self, of: u64, to: usize, meant: &Meant, answer: &Answer, moves: bool) {
        let inner = answer.text.strip_prefix('[');
        let codes = answer.codes.iter().map(String::as_str);
        let mut codes = codes.chain(inner.and_then(|text| text.split(']').next()));
        let copied = codes.find_map(reply::copied);
        let target = self.truth.named(to).is_some();
        let Some(life) = self.truth.valid(of) else {
            return assert!(copied.is_none(), "{answer:?}");
        };
        let there = |uid: &u32| life.mails.contains_key(uid);
        let left: Vec<u32> = meant.uids.iter().copied().filter(there).collect();
        let Some((from, into)) = copied else {
            let writes = meant.selected.is_some_and(|(_, _, writes)| writes);
            let refused = left.len() < meant.uids.len() || (moves && !writes) || !target;
            return assert!(refused || self.is_stale(meant), "{answer:?}");
        };
        assert_eq!(from, left);
        for (from, into) in from.iter().zip(into) {
            let life = self.truth.valid(of).unwrap();
            let mail = match moves {
                true => life.mails.remove(from).unwrap(),
                false => life.mails[from].clone(),
            };
            assert_eq!(self.truth.named(to).unwrap().add(mail), into);
        }
    }
}

impl Life {
    /// What a command does to the mailbox that is selected.
    fn foretell(&mut self, meant: &Meant, answer: &Answer, writes: bool) {
        match &meant.command {
            Command::Store {
                op, flags, which, ..
            } if writes => {
                let left = answer.modified().into_iter();
                let left: Vec<u32> = left
                    .filter_map(|named| match which.by_uid {
                        true => Some(named),
                        false => meant.known.get(named as usize - 1).copied(),
                    })
                    .collect();
                let stored = meant.uids.iter().copied().filter(|uid| !left.contains(uid));
                self.flag(stored.collect(), op, *flags);
            }
            // RFC 3501 §6.4.5: BODY[] sets \Seen.
            Command::Fetch { body: true, .. } if writes => {
                self.flag(meant.uids.clone(), "+", 1 << 3);
            }
            Command::Expunge | Command::Close if writes => self.expunge(&meant.known),
            Command::UidExpunge(_) if writes => self.expunge(&meant.uids),
            Command::Search {
                by_uid, flag, not, ..
            } => {
                let matches = |uid: &u32| {
                    let mail = self.mails.get(uid);
                    mail.is_some_and(|mail| mail.flags.contains(FLAGS[*flag]) != *not)
                };
                let numbered = (1u32..).zip(&meant.known);
                let found: Vec<u32> = numbered
                    .filter(|(_, uid)| matches(uid))
                    .map(|(number, uid)| if *by_uid { *uid } else { number })
                    .collect();
                assert_eq!(answer.found.as_ref(), Some(&found));
                assert!(answer.highest.is_none() || !found.is_empty());
            }
            _ => {}
        }
    }

    fn flag(&mut self, uids: Vec<u32>, op: &str, bits: u8) {
        for uid in uids {
            if let Some(mail) = self.mails.get_mut(&uid) {
                mail.flags = truth::changed(&mail.flags, op, &set(bits));
            }
        }
    }

    fn expunge(&mut self, uids: &[u32]) {
        let gone =
            |uid: &u32, mail: &truth::Mail| uids.contains(uid) && mail.flags.contains("\\Deleted");
        self.mails.retain(|uid, mail| !gone(uid, mail));
    }
}
