//! Messages on their way in: streamed into the store, durable before OK.

use super::Answers;
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_imap::server::Content;
use mailcore_imap::server::{Begin, Commit, Question};
use mailcore_imap::types::{self, Failed};
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
        let stamp = Stamp {
            flags: asked.flags,
            keywords: asked.keywords.clone(),
            date: asked.date,
            identity: None,
        };
        let done = end.carry(line, append.commit(stamp)).await;
        let appended = done.map(|a| types::Appended {
            uid_validity: a.uid_validity,
            uid: a.uid,
        });
        q.answer(appended.map_err(|e| self.failed(&e)));
    }
}
