//! What a command must have done, where nothing else happened meanwhile.

use crate::client::Answer;
use crate::event::{Command, FLAGS};
use crate::reply;
use crate::truth;
use crate::world::{Meant, World, set};

impl World {
    pub fn foretell(&mut self, meant: &Meant, answer: &Answer) {
        if let Command::Append { mailbox, .. } = meant.command {
            let uid = self.truth[mailbox].add(meant.mail.clone().unwrap());
            let code = answer.text.split(']').next().unwrap();
            assert!(code.starts_with("[APPENDUID "), "{answer:?}");
            assert!(code.ends_with(&format!(" {uid}")), "{uid}: {answer:?}");
        }
        let Some((mailbox, writes)) = meant.selected else {
            return;
        };
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
                self.flag(mailbox, stored.collect(), op, *flags);
            }
            // RFC 3501 §6.4.5: BODY[] sets \Seen.
            Command::Fetch { body: true, .. } if writes => {
                self.flag(mailbox, meant.uids.clone(), "+", 1 << 3);
            }
            Command::Expunge | Command::Close if writes => self.expunge(mailbox, &meant.known),
            Command::UidExpunge(_) if writes => self.expunge(mailbox, &meant.uids),
            Command::Copy { to, .. } => self.copy(mailbox, *to, meant, answer, false),
            Command::Move { to, .. } => self.copy(mailbox, *to, meant, answer, true),
            Command::Search {
                by_uid, flag, not, ..
            } => {
                let there = &self.truth[mailbox].mails;
                let matches = |uid: &u32| {
                    there
                        .get(uid)
                        .is_some_and(|mail| mail.flags.contains(FLAGS[*flag]) != *not)
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

    fn flag(&mut self, mailbox: usize, uids: Vec<u32>, op: &str, bits: u8) {
        for uid in uids {
            if let Some(mail) = self.truth[mailbox].mails.get_mut(&uid) {
                mail.flags = truth::changed(&mail.flags, op, &set(bits));
            }
        }
    }

    fn expunge(&mut self, mailbox: usize, uids: &[u32]) {
        let mails = &mut self.truth[mailbox].mails;
        mails.retain(|uid, mail| !(uids.contains(uid) && mail.flags.contains("\\Deleted")));
    }

    /// Of the messages that are still there, each has become another, in order; or the server has refused because
    /// some are not.
    fn copy(&mut self, mailbox: usize, to: usize, meant: &Meant, answer: &Answer, moves: bool) {
        let inner = answer.text.strip_prefix('[');
        let codes = answer.codes.iter().map(String::as_str);
        let mut codes = codes.chain(inner.and_then(|text| text.split(']').next()));
        let there = |uid: &u32| self.truth[mailbox].mails.contains_key(uid);
        let left: Vec<u32> = meant.uids.iter().copied().filter(there).collect();
        let Some((from, into)) = codes.find_map(reply::copied) else {
            let refused = left.len() < meant.uids.len() || (moves && !meant.selected.unwrap().1);
            return assert!(refused, "{answer:?}");
        };
        assert_eq!(from, left);
        for (from, into) in from.iter().zip(into) {
            let mail = match moves {
                true => self.truth[mailbox].mails.remove(from).unwrap(),
                false => self.truth[mailbox].mails[from].clone(),
            };
            assert_eq!(self.truth[to].add(mail), into);
        }
    }
}
