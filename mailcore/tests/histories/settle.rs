//! All is told, and everybody is asked what he believes.

use crate::client::{Belief, Message};
use crate::event::{MAILBOXES, SESSIONS};
use crate::memory::Kind;
use crate::truth::{self, Mails};
use crate::world::{Pace, World};
use std::collections::BTreeMap;

/// What was told of each message is so, and nothing else is there.
fn agrees(belief: &Belief, truth: &Mails) -> bool {
    belief.messages.len() == truth.len()
        && belief
            .messages
            .iter()
            .zip(truth)
            .all(|(believed, (uid, mail))| {
                believed.uid.is_none_or(|told| told == *uid)
                    && believed.size.is_none_or(|told| told == mail.size)
                    && believed
                        .flags
                        .as_ref()
                        .is_none_or(|told| *told == mail.flags)
            })
}

impl World {
    pub async fn settle(&mut self) {
        self.mourn().await;
        for who in 0..SESSIONS {
            self.come(who).await;
            if !self.clients[who].idles {
                self.finish(who).await;
            }
        }
        let there = self.look().await;
        for who in 0..SESSIONS {
            self.come(who).await;
            let client = &mut self.clients[who];
            if client.idles {
                // IDLE tells all without being asked, also that the mailbox is gone.
                let so = |belief: &Belief| {
                    let truth = there.get(&belief.validity);
                    truth.is_some_and(|(_, truth)| agrees(belief, truth))
                };
                client.idle_until(so).await;
                self.is_dismissed(who);
            } else {
                client.begin("NOOP").await;
                self.finish(who).await;
            }
            let Some(belief) = &self.clients[who].belief else {
                continue;
            };
            let known = there.get(&belief.validity);
            let same = known.is_some_and(|(name, _)| *name == belief.mailbox);
            match known {
                Some((_, truth)) if agrees(belief, truth) => {}
                Some((_, truth)) if same => panic!("{belief:#?}\n{truth:#?}"),
                // The mailbox is gone, or has another name: it is about to be told.
                _ => {
                    self.clients[who].goodbye().await;
                    self.is_dismissed(who);
                    continue;
                }
            }
            if !self.clients[who].idles {
                self.audit(who, same).await;
            }
        }
    }

    /// All mailboxes, by their UIDVALIDITY, with their names. A UID is the same message for ever.
    async fn look(&mut self) -> BTreeMap<u64, (usize, Mails)> {
        if let Some(files) = &self.home.files {
            files.let_time_pass();
            let (_, inbox) = truth::observed(&*self.account, 0).await.unwrap();
            files.agree_with(&inbox);
        }
        let mut there = BTreeMap::new();
        for mailbox in 0..MAILBOXES.len() {
            let seen = truth::observed(&*self.account, mailbox).await;
            if self.pace == Pace::InTurn {
                let foretold = self.truth.named(mailbox).map(|life| &life.mails);
                assert_eq!(seen.as_ref().map(|(_, mails)| mails), foretold);
            }
            let Some((validity, mails)) = seen else {
                continue;
            };
            for (uid, mail) in &mails {
                let first = *self.sizes.entry((validity, *uid)).or_insert(mail.size);
                assert_eq!(first, mail.size, "{uid} is another message");
            }
            let twin = there.insert(validity, (mailbox, mails));
            assert!(twin.is_none(), "two mailboxes of the same UIDVALIDITY");
        }
        there
    }

    /// Asks for everything anew: it is what was believed, and what is recent is so for one session alone. `same`: the
    /// mailbox has the name by which it was selected.
    async fn audit(&mut self, who: usize, same: bool) {
        let client = &mut self.clients[who];
        let kind = client.kind;
        let known = |belief: &Belief| -> Vec<Message> {
            let messages = belief.messages.iter().cloned();
            // Whether a message is recent for this session too, a client that remembers its flags has not asked.
            let plain = |m: Message| Message {
                recent: m.recent && kind == Kind::Plain,
                ..m
            };
            messages.map(plain).collect()
        };
        let before = known(client.belief.as_ref().unwrap());
        if before.is_empty() {
            return;
        }
        client.begin("FETCH 1:* (UID FLAGS RFC822.SIZE)").await;
        let status = client.finish().await.unwrap().status;
        if self.is_dismissed(who) {
            return assert!(!same, "its mailbox is there");
        }
        assert_eq!(status, "OK");
        let belief = self.clients[who].belief.as_ref().unwrap();
        assert_eq!(known(belief), before);
        let recent = belief.messages.iter().filter(|m| m.recent);
        assert_eq!(recent.clone().count(), belief.recent);
        for uid in recent.filter_map(|m| m.uid).filter(|_| belief.writes) {
            let selection = self.selected[who];
            let first = *self
                .recent
                .entry((belief.validity, uid))
                .or_insert(selection);
            assert_eq!(first, selection, "{uid} was recent before");
        }
    }
}
