//! Answers about whole mailboxes.

use super::Answers;
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_base::mailbox::MailboxName;
use mailcore_imap::server::{
    Create, Delete, Expunged, List, Question, Rename, Select, Status, Subscribe, Subscriptions,
    Sync,
};
use mailcore_imap::types::{self, Selected};
use mailcore_store::mailbox::{Access, Account, Listed, Mailbox};
use mailcore_store::{Error, Kind, Result};
use std::sync::Arc;

impl Answers<'_> {
    pub(super) async fn select<S: Transport>(
        &mut self,
        mut q: Question<'_, Select>,
        end: &mut End<S>,
    ) {
        self.leave();
        let (asked, line) = q.parts();
        let access = match asked.access {
            types::Access::Read => Access::Read,
            types::Access::Write => Access::Write,
        };
        let opened = open(self.account.as_ref(), &asked.name, access);
        let Some(opened) = end.attend(line, opened).await else {
            return;
        };
        match opened {
            Ok((mailbox, selected)) => {
                self.mailbox = Some(mailbox);
                q.answer(Ok(selected));
            }
            Err(error) => q.answer(Err(self.failed(&error))),
        }
    }

    pub(super) async fn sync<S: Transport>(&mut self, mut q: Question<'_, Sync>, end: &mut End<S>) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let known = q.asked().known;
        let (_, line) = q.parts();
        let Some(changes) = end.attend(line, mailbox.sync(Some(known))).await else {
            return;
        };
        let changes = changes.map(|changes| (changes, mailbox.recent()));
        q.answer(changes.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn expunged<S: Transport>(
        &mut self,
        mut q: Question<'_, Expunged>,
        end: &mut End<S>,
    ) {
        let Some(mailbox) = &self.mailbox else {
            return q.decline();
        };
        let since = q.asked().since;
        let (_, line) = q.parts();
        let Some(gone) = end.attend(line, mailbox.expunged(since)).await else {
            return;
        };
        q.answer(gone.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn list<S: Transport>(&mut self, mut q: Question<'_, List>, end: &mut End<S>) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let Some(page) = end
            .attend(line, account.list(asked.after.as_ref(), asked.limit))
            .await
        else {
            return;
        };
        let page = page.map(|page| page.into_iter().map(listed).collect());
        q.answer(page.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn subscriptions<S: Transport>(
        &mut self,
        mut q: Question<'_, Subscriptions>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (_, line) = q.parts();
        let Some(names) = end.attend(line, account.subscriptions()).await else {
            return;
        };
        q.answer(names.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn status<S: Transport>(
        &mut self,
        mut q: Question<'_, Status>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let Some(status) = end.attend(line, account.status(&asked.name)).await else {
            return;
        };
        let told = status.map(|s| {
            let mut told = types::Status::empty(s.uid_validity);
            told.messages = s.messages;
            told.recent = s.recent;
            told.unseen = s.unseen;
            told.uid_next = s.uid_next;
            told.modseq = s.modseq;
            told.size = s.size;
            told
        });
        q.answer(told.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn create<S: Transport>(
        &mut self,
        mut q: Question<'_, Create>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end
            .carry(line, account.create(&asked.name, asked.special))
            .await;
        q.answer(done.map_err(|e| self.misnamed(&e)));
    }

    pub(super) async fn delete<S: Transport>(
        &mut self,
        mut q: Question<'_, Delete>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end.carry(line, account.delete(&asked.name)).await;
        q.answer(done.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn rename<S: Transport>(
        &mut self,
        mut q: Question<'_, Rename>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end
            .carry(line, account.rename(&asked.from, &asked.to))
            .await;
        q.answer(done.map_err(|e| self.misnamed(&e)));
    }

    pub(super) async fn subscribe<S: Transport>(
        &mut self,
        mut q: Question<'_, Subscribe>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let work = async {
            // RFC 3501 §6.3.6 leaves it open; like Dovecot, only to what is there.
            if asked.on {
                account.status(&asked.name).await?;
            }
            account.subscribe(&asked.name, asked.on).await
        };
        let done = end.carry(line, work).await;
        q.answer(done.map_err(|e| self.misnamed(&e)));
    }
}

async fn open(
    account: Option<&Arc<dyn Account>>,
    name: &MailboxName,
    access: Access,
) -> Result<(Box<dyn Mailbox>, Selected)> {
    let account = account.ok_or_else(|| Error::new(Kind::Unavailable, "nobody is logged in"))?;
    let mailbox = account.open(name, access).await?;
    let now = mailbox.sync(None).await?.now;
    let unseen = mailbox.first_unseen().await?;
    let mut selected = Selected::new(
        now,
        match access {
            Access::Read => types::Access::Read,
            Access::Write => types::Access::Write,
        },
    );
    selected.recent = mailbox.recent();
    selected.unseen = unseen;
    Ok((mailbox, selected))
}

fn listed(entry: Listed) -> types::Listed {
    let mut told = types::Listed::new(entry.name);
    told.selectable = entry.selectable;
    told.children = entry.children;
    told.marked = entry.marked;
    told.special = entry.special;
    told
}
