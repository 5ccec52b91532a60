//! What changes messages. All of it is carried through, whatever the peer does, and durable before it is answered.

use super::Answers;
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_base::mailbox::{FlagOp, Flags};
use mailcore_imap::server::{Copy, Expunge, Move, Question, Store};
use mailcore_imap::types;
use mailcore_store::mailbox::Copied;

impl Answers<'_> {
    pub(super) async fn store<S: Transport>(
        &mut self,
        mut q: Question<'_, Store>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let work = mailbox.flag(&asked.uids, &asked.change, asked.unchanged_since);
        let done = end.carry(line, work).await;
        let change = &q.asked().change;
        if done.is_ok() && change.op != FlagOp::Remove && change.system.contains(Flags::DELETED) {
            self.counts.deleted += q.asked().uids.len();
        }
        q.answer(done.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn copy<S: Transport>(&mut self, mut q: Question<'_, Copy>, end: &mut End<S>) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end
            .carry(line, mailbox.copy(&asked.uids, &asked.target))
            .await;
        q.answer(done.map(copied).map_err(|e| self.failed(&e)));
    }

    pub(super) async fn relocate<S: Transport>(
        &mut self,
        mut q: Question<'_, Move>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end
            .carry(line, mailbox.relocate(&asked.uids, &asked.target))
            .await;
        q.answer(done.map(copied).map_err(|e| self.failed(&e)));
    }

    pub(super) async fn expunge<S: Transport>(
        &mut self,
        mut q: Question<'_, Expunge>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end.carry(line, mailbox.expunge(&asked.uids)).await;
        if let Ok(gone) = &done {
            self.counts.expunged += gone.len();
        }
        q.answer(done.map_err(|e| self.failed(&e)));
    }
}

fn copied(copied: Copied) -> types::Copied {
    types::Copied {
        uid_validity: copied.uid_validity,
        from: copied.from,
        to: copied.to,
    }
}
