//! All is told, and everybody is asked what he believes.

use crate::client::{Belief, Message};
use crate::event::{MAILBOXES, SESSIONS};
use crate::memory::Kind;
use crate::truth::{self, Mails};
use crate::world::{Pace, World};

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
        if let Some(files) = &self.home.files {
            // What happened at the same moment as something of ours shows a second later.
            files.let_time_pass();
            files.agree_with(&truth::observed(&*self.account, 0).await);
        }
        let mut there = Vec::new();
        for mailbox in 0..MAILBOXES.len() {
            let mails = truth::observed(&*self.account, mailbox).await;
            if self.pace == Pace::InTurn {
                assert_eq!(mails, self.truth[mailbox].mails);
            }
            there.push(mails);
        }
        for who in 0..SESSIONS {
            let client = &mut self.clients[who];
            if client.idles {
                // IDLE tells all without being asked.
                client
                    .idle_until(|belief| agrees(belief, &there[belief.mailbox]))
                    .await;
            } else {
                client.begin("NOOP").await;
                self.finish(who).await;
            }
            let Some(belief) = &self.clients[who].belief else {
                continue;
            };
            let truth = &there[belief.mailbox];
            assert!(agrees(belief, truth), "{belief:#?}\n{truth:#?}");
            if !self.clients[who].idles {
                self.audit(who).await;
            }
        }
    }

    /// Asks for everything anew: it is what was believed, and what is recent is so for one session alone.
    async fn audit(&mut self, who: usize) {
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
        assert_eq!(client.finish().await.unwrap().status, "OK");
        let belief = client.belief.as_ref().unwrap();
        assert_eq!(known(belief), before);
        let recent = belief.messages.iter().filter(|m| m.recent);
        assert_eq!(recent.clone().count(), belief.recent);
        for uid in recent.filter_map(|m| m.uid).filter(|_| belief.writes) {
            let selection = self.selected[who];
            let first = *self
                .recent
                .entry((belief.mailbox, uid))
                .or_insert(selection);
            assert_eq!(first, selection, "{uid} was recent before");
        }
    }
}
