//! Answers about the envelope: connect, hello, sender, recipients. Each asks the reception and logs a refusal.

use super::Answers;
use crate::log;
use crate::net::end::End;
use crate::net::stream::Transport;
use crate::reception::{Role, Verdict};
use mailcore_base::address::{ForwardPath, ReversePath};
use mailcore_base::envelope::{Recipient, Text};
use mailcore_smtp::server::{
    Connect, Hello, Mail, Offer, Peer, Question, Rcpt, Refusal, Secured, Verify, Welcome,
};

impl Answers<'_> {
    pub(super) async fn connect<S: Transport>(
        &mut self,
        mut q: Question<'_, Connect>,
        end: &mut End<S>,
    ) {
        let (_, line) = q.parts();
        let Some(verdict) = end
            .attend(line, self.server.reception.connect(&self.visit))
            .await
        else {
            return;
        };
        self.note("CONNECT", &verdict, None, None);
        let mut peer = Peer::default();
        peer.address = self.visit.client.address;
        peer.name = self
            .visit
            .client
            .name
            .as_deref()
            .map(|name| Text::lossy(name.as_bytes()));
        peer.local_address = self.visit.local;
        let mut welcome = Welcome::default();
        // Whoever is on the same host may script a session without waiting for each reply.
        welcome.trust.pipelining = self.route.same_host();
        welcome.peer = peer;
        welcome.tls.clone_from(&self.visit.tls);
        let ruled: Result<(), Refusal> = verdict.into();
        q.answer(ruled.map(|()| welcome));
    }

    pub(super) async fn greeted<S: Transport>(
        &mut self,
        mut q: Question<'_, Hello>,
        end: &mut End<S>,
    ) {
        self.visit.hello = Some(q.asked().name.clone());
        self.visit.extended = q.asked().extended;
        let (_, line) = q.parts();
        let Some(verdict) = end
            .attend(line, self.server.reception.hello(&self.visit))
            .await
        else {
            return;
        };
        let verb = if self.visit.extended { "EHLO" } else { "HELO" };
        self.note(verb, &verdict, None, None);
        let ruled: Result<(), Refusal> = verdict.into();
        q.answer(ruled.map(|()| Offer::default()));
    }

    pub(super) fn secured<S: Transport>(&mut self, q: Question<'_, Secured>, end: &End<S>) {
        // What was said before TLS is forgotten.
        self.visit.hello = None;
        self.visit.login = None;
        self.visit.tls = end.stream().tls();
        match self.visit.tls.clone() {
            Some(tls) => {
                if self.server.role != Role::Lmtp {
                    log::postfix::tls(self.visit.program, &self.visit.client, &tls);
                }
                q.answer(Ok(tls));
            }
            None => q.decline(),
        }
    }

    pub(super) async fn mail<S: Transport>(&mut self, mut q: Question<'_, Mail>, end: &mut End<S>) {
        let (asked, line) = q.parts();
        let decided = self
            .server
            .reception
            .sender(&self.visit, &asked.sender, &asked.parameters);
        let Some(verdict) = end.attend(line, decided).await else {
            return;
        };
        self.note("MAIL", &verdict, Some(&q.asked().sender), None);
        q.answer(verdict.into());
    }

    pub(super) async fn rcpt<S: Transport>(&mut self, mut q: Question<'_, Rcpt>, end: &mut End<S>) {
        let envelope = q.transaction().envelope().clone();
        let mut recipient = Recipient::new(q.asked().path.clone());
        recipient.parameters = q.asked().parameters.clone();
        let (_, line) = q.parts();
        let decided = self
            .server
            .reception
            .recipient(&self.visit, &envelope, &recipient);
        let Some(verdict) = end.attend(line, decided).await else {
            return;
        };
        self.note(
            "RCPT",
            &verdict,
            Some(&envelope.sender),
            Some(&recipient.path),
        );
        q.answer(verdict.into());
    }

    pub(super) async fn verify<S: Transport>(
        &mut self,
        mut q: Question<'_, Verify>,
        end: &mut End<S>,
    ) {
        let recipient = Recipient::new(q.asked().path.clone());
        let (_, line) = q.parts();
        let Some(verdict) = end
            .attend(line, self.server.reception.verify(&self.visit, &recipient))
            .await
        else {
            return;
        };
        // Not told: 252 (RFC 5321 §3.5.3), which is what acceptance says.
        q.answer(verdict.map_or(Ok(()), Into::into));
    }

    /// Logs a refusal.
    pub(super) fn note(
        &self,
        stage: &str,
        verdict: &Verdict,
        sender: Option<&ReversePath>,
        recipient: Option<&ForwardPath>,
    ) {
        if let Some(reply) = verdict.reply() {
            self.visit.note_refusal(stage, reply, sender, recipient);
        }
    }
}
