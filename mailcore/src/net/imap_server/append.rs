//! Messages on their way in: streamed into the store, durable before OK.

use super::Answers;
use super::source::Source;
use crate::metrics::Way;
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_imap::server::Content;
use mailcore_imap::server::{Another, Begin, Commit, Insert, Locate, Located, Question};
use mailcore_imap::types::{self, Failed};
use mailcore_store::Kind;
use mailcore_store::mailbox::Stamp;

impl Answers<'_> {
    pub(super) async fn begin<S: Transport>(
        &mut self,
        mut q: Question<'_, Begin>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let Some(append) = end.attend(line, account.append(&asked.name)).await else {
            return;
        };
        match append {
            Ok(append) => {
                self.append = Some(append);
                self.octets = 0;
                q.answer(Ok(()));
            }
            Err(error) => q.answer(Err(self.failed(&error))),
        }
    }

    pub(super) async fn content(&mut self, content: Content<'_>) {
        let Some(append) = &mut self.append else {
            return content.refused(Failed::Unavailable);
        };
        match append.write(content.bytes()).await {
            Ok(()) => {
                let n = content.bytes().len();
                self.octets += n as u64;
                content.taken(n);
            }
            Err(error) => {
                self.append = None;
                content.refused(self.failed(&error));
            }
        }
    }

    pub(super) async fn commit<S: Transport>(
        &mut self,
        mut q: Question<'_, Commit>,
        end: &mut End<S>,
    ) {
        let Some(append) = self.append.take() else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end.carry(line, append.commit(stamp(asked))).await;
        self.source = None;
        if let (Ok(done), Some(metrics)) = (&done, &self.server.metrics) {
            let taken = metrics.taken(Way::Imap);
            taken.note(done.uids.len(), self.octets);
        }
        let appended = done.map(|a| types::Appended {
            uid_validity: a.uid_validity,
            uids: a.uids,
        });
        q.answer(appended.map_err(|e| self.failed(&e)));
    }

    pub(super) async fn another<S: Transport>(
        &mut self,
        mut q: Question<'_, Another>,
        end: &mut End<S>,
    ) {
        let Some(append) = &mut self.append else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let done = end.carry(line, append.another(stamp(&asked.stamp))).await;
        if done.is_err() {
            self.append = None;
        }
        q.answer(done.map_err(|e| self.failed(&e)));
    }

    /// What was begun is forgotten.
    pub(super) fn abandon(&mut self) {
        self.append = None;
        self.source = None;
    }

    pub(super) async fn locate<S: Transport>(
        &mut self,
        mut q: Question<'_, Locate>,
        end: &mut End<S>,
    ) {
        let Some(account) = &self.account else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let source = self.source.take();
        let selected = self.mailbox.as_deref();
        let look = Source::locate(source, &**account, selected, &asked.part);
        let Some(found) = end.attend(line, look).await else {
            return;
        };
        match found {
            Ok((source, located)) => {
                self.source = Some(source);
                q.answer(Ok(located));
            }
            Err(error) if error.kind() == Kind::NotFound => q.answer(Ok(Located::NoMailbox)),
            Err(error) => q.answer(Err(self.failed(&error))),
        }
    }

    pub(super) async fn insert<S: Transport>(
        &mut self,
        mut q: Question<'_, Insert>,
        end: &mut End<S>,
    ) {
        let (Some(source), Some(append)) = (&mut self.source, &mut self.append) else {
            return q.decline();
        };
        let (asked, line) = q.parts();
        let selected = self.mailbox.as_deref();
        let length = asked.range.end.saturating_sub(asked.range.start);
        let copy = source.copy(selected, &asked.part, asked.range.clone(), &mut **append);
        let done = end.carry(line, copy).await;
        self.octets += length;
        if done.is_err() {
            self.append = None;
        }
        q.answer(done.map_err(|e| self.failed(&e)));
    }
}

fn stamp(asked: &Commit) -> Stamp {
    Stamp {
        flags: asked.flags,
        keywords: asked.keywords.clone(),
        date: asked.date,
        identity: None,
    }
}
