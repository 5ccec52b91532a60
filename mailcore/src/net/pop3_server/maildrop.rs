//! The maildrop: what is in it, its messages in pieces, and what is changed at the end.

use super::{Answers, Pop3Server};
use crate::net::end::End;
use crate::net::stream::Transport;
use bytes::Bytes;
use mailcore_base::mailbox::{FlagChange, FlagOp, Flags, Uid, UidSet};
use mailcore_imap::pop3::ask::{Commit, Maildrop, Read};
use mailcore_imap::pop3::{Failed, Message, Page, Question};
use mailcore_store::Result;
use mailcore_store::mailbox::{Fields, Mailbox};
use std::sync::PoisonError;

/// The right of one session to a maildrop; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Exclusive<'s> {
    server: &'s Pop3Server,
    user: String,
}

impl<'s> Exclusive<'s> {
    fn take(server: &'s Pop3Server, user: &str) -> Option<Self> {
        let mut taken = server.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(user.to_owned()).then(|| Self {
            server,
            user: user.to_owned(),
        })
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        self.server
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.user);
    }
}

impl Answers<'_> {
    pub(super) async fn maildrop<S: Transport>(
        &mut self,
        mut q: Question<'_, Maildrop>,
        end: &mut End<S>,
    ) {
        let (exclusive, after, most) = (q.asked().exclusive, q.asked().after, q.asked().most);
        if exclusive && self.exclusive.is_none() {
            self.exclusive = Exclusive::take(self.server, self.user.as_deref().unwrap_or_default());
            if self.exclusive.is_none() {
                return q.answer(Err(Failed::InUse));
            }
        }
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (_, line) = q.parts();
        let Some(page) = end.attend(line, page(&**mailbox, after, most)).await else {
            return;
        };
        q.answer(page.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn read<S: Transport>(&mut self, mut q: Question<'_, Read>, end: &mut End<S>) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let opened = &mut self.opened;
        let read = async {
            if opened.as_ref().is_none_or(|(uid, _)| *uid != asked.uid) {
                *opened = mailbox.body(asked.uid).await?.map(|body| (asked.uid, body));
            }
            let Some((_, body)) = opened else {
                return Ok(None);
            };
            let until = asked
                .offset
                .saturating_add(asked.most as u64)
                .min(body.len());
            if asked.offset >= until {
                Ok(Some(Bytes::new()))
            } else {
                body.read(asked.offset..until).await.map(Some)
            }
        };
        let Some(bytes): Option<Result<Option<Bytes>>> = end.attend(line, read).await else {
            return;
        };
        q.answer(bytes.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn commit<S: Transport>(
        &mut self,
        mut q: Question<'_, Commit>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let work = async {
            if !asked.deleted.is_empty() {
                mailbox.expunge(&asked.deleted).await?;
            }
            if !asked.seen.is_empty() {
                mailbox
                    .flag(&asked.seen, &FlagChange::of(FlagOp::Add, Flags::SEEN), None)
                    .await?;
            }
            Ok(())
        };
        let done: Result<()> = end.carry(line, work).await;
        self.leave();
        q.answer(done.map_err(|e| self.failed(&e)));
    }
}

/// At most `most` messages behind `after`, with their sizes.
async fn page(mailbox: &dyn Mailbox, after: Option<Uid>, most: usize) -> Result<Page> {
    let now = mailbox.sync(None).await?.now;
    let below = after
        .and_then(Uid::next)
        .map_or(0, |next| now.uids.below(next));
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let wanted: UidSet = now
        .uids
        .slice(below.saturating_add(1), below.saturating_add(most));
    let mut records = Vec::new();
    mailbox.records(&wanted, Fields::SIZE, &mut records).await?;
    let more = below.saturating_add(most) < now.uids.len();
    let messages = records
        .iter()
        .map(|r| Message::new(r.uid, r.size.unwrap_or_default()))
        .collect();
    Ok(Page {
        uid_validity: now.uid_validity,
        messages,
        more,
    })
}
