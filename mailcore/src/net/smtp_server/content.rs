//! Content on its way from the machine to a sink, and what is answered for it.

use super::Answers;
use crate::net::end::End;
use crate::net::stream::Transport;
use crate::reception::{Collected, Outcome, Verdict};
use mailcore_base::envelope::Text;
use mailcore_base::reply::Reply;
use mailcore_smtp::server::{Begin, Content, Finish, Outcomes, Question};
use std::sync::Arc;

impl Answers<'_> {
    pub(super) async fn begin<S: Transport>(
        &mut self,
        mut q: Question<'_, Begin>,
        end: &mut End<S>,
    ) {
        let envelope = q.transaction().envelope().clone();
        let (_, line) = q.parts();
        let opened = end
            .attend(line, self.server.reception.begin(&self.visit, &envelope))
            .await;
        let Some(opened) = opened else { return };
        let verdict = match opened {
            Ok(Some(sink)) => {
                self.sink = Some(sink);
                Verdict::Accept
            }
            Ok(None) => {
                let reception = Arc::clone(&self.server.reception);
                let limit = self.server.collected();
                self.sink = Some(Box::new(Collected::new(
                    reception,
                    &self.visit,
                    &envelope,
                    limit,
                )));
                Verdict::Accept
            }
            Err(verdict) => verdict,
        };
        self.octets = 0;
        self.note("DATA", &verdict, Some(&envelope.sender), None);
        q.answer(verdict.into());
    }

    pub(super) async fn content(&mut self, content: Content<'_>) {
        let Some(sink) = &mut self.sink else {
            return content.refuse(lost());
        };
        match sink.write(content.bytes()).await {
            Ok(()) => {
                let n = content.bytes().len();
                self.octets += n as u64;
                content.taken(n);
            }
            Err(reply) => {
                self.sink = None;
                self.visit
                    .note_refusal("END-OF-MESSAGE", &reply, None, None);
                content.refuse(reply);
            }
        }
    }

    pub(super) async fn finish<S: Transport>(
        &mut self,
        mut q: Question<'_, Finish>,
        end: &mut End<S>,
    ) {
        let Some(sink) = self.sink.take() else {
            return q.decline();
        };
        // What becomes durable is carried through, whether the client still listens or not.
        let (_, line) = q.parts();
        let outcomes = end.carry(line, sink.finish()).await;
        if outcomes.iter().any(|it| matches!(it, Outcome::Taken(_))) {
            self.count();
        }
        let said = |outcome| match outcome {
            Outcome::Taken(id) => Ok(Text::lossy(id.as_bytes())),
            Outcome::Refused(reply) => Err(reply),
        };
        q.answer(Outcomes::Each(outcomes.into_iter().map(said).collect()));
    }
}

fn lost() -> Reply {
    crate::reception::words::no_taker()
}
