//! All is told, and everybody is asked what he believes.

use crate::client::Belief;
use crate::event::{MAILBOXES, SESSIONS};
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
        for who in 0..SESSIONS {
            if !self.clients[who].idles {
                self.finish(who).await;
            }
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
        let before = client.belief.as_ref().unwrap().messages.clone();
        if before.is_empty() {
            return;
        }
        client.begin("FETCH 1:* (UID FLAGS RFC822.SIZE)").await;
        assert_eq!(client.finish().await.unwrap().status, "OK");
        let belief = client.belief.as_ref().unwrap();
        assert_eq!(belief.messages, before);
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
