//! Logging in: the machine carries names, passwords and exchanges, the gate decides, and the INBOX is opened.

use super::Answers;
use crate::auth::{Admitted, Link, Reason, Refusal as Refused, Turn};
use crate::log::{self, Clean};
use crate::net::end::End;
use crate::net::stream::Transport;
use mailcore_base::login::Service;
use mailcore_base::mailbox::MailboxName;
use mailcore_imap::pop3::ask::{
    self, Apop, Authenticate, Connect, Exchange, Login, Respond, Secured, Welcome,
};
use mailcore_imap::pop3::{Question, Refusal};
use mailcore_store::Result;
use mailcore_store::mailbox::{Access, Mailbox};

impl Answers<'_> {
    pub(super) fn connect(&mut self, q: Question<'_, Connect>) {
        let gate = &self.server.gate;
        let apop = gate.offers_apop().then(|| gate.apop_timestamp());
        q.answer(Ok(Welcome {
            link: self.told(),
            apop,
        }));
    }

    pub(super) fn secured<S: Transport>(&mut self, q: Question<'_, Secured>, end: &End<S>) {
        self.link = Link::new(
            Service::Pop3,
            self.link.peer,
            self.link.local,
            end.stream().tls(),
        );
        q.answer(Ok(self.told()));
    }

    /// The connection as the machine is told of it.
    fn told(&self) -> ask::Link {
        ask::Link {
            peer: self.link.peer,
            local: self.link.local,
            tls: self.link.tls.clone(),
            secured: self.link.secured,
            mechanisms: self
                .server
                .gate
                .offer(&self.link)
                .iter()
                .map(|m| m.to_string())
                .collect(),
        }
    }

    pub(super) async fn login<S: Transport>(
        &mut self,
        mut q: Question<'_, Login>,
        end: &mut End<S>,
    ) {
        "PLAIN".clone_into(&mut self.method);
        let (asked, line) = q.parts();
        let checked = self
            .server
            .gate
            .password(&self.link, &asked.name, &asked.secret);
        let Some(checked) = end.attend(line, checked).await else {
            return;
        };
        q.answer(self.entered(checked).await);
    }

    pub(super) async fn apop<S: Transport>(&mut self, mut q: Question<'_, Apop>, end: &mut End<S>) {
        "APOP".clone_into(&mut self.method);
        let (asked, line) = q.parts();
        let digest = asked.digest.as_bytes();
        let checked = self
            .server
            .gate
            .apop(&self.link, &asked.name, &asked.timestamp, digest);
        let Some(checked) = end.attend(line, checked).await else {
            return;
        };
        q.answer(self.entered(checked).await);
    }

    pub(super) async fn authenticate<S: Transport>(
        &mut self,
        mut q: Question<'_, Authenticate>,
        end: &mut End<S>,
    ) {
        self.method.clone_from(&q.asked().mechanism);
        let (asked, line) = q.parts();
        let initial = asked.initial.as_ref().map(|secret| secret.expose());
        let turn = self
            .server
            .gate
            .begin(&self.link, &asked.mechanism, initial);
        let Some(turn) = end.attend(line, turn).await else {
            return;
        };
        q.answer(self.turned(turn).await);
    }

    pub(super) async fn respond<S: Transport>(
        &mut self,
        mut q: Question<'_, Respond>,
        end: &mut End<S>,
    ) {
        let Some(dialogue) = self.dialogue.take() else {
            return q.answer(Exchange::Refused(Refusal::Unavailable));
        };
        let (asked, line) = q.parts();
        let Some(turn) = end
            .attend(line, dialogue.respond(asked.response.expose()))
            .await
        else {
            return;
        };
        q.answer(self.turned(turn).await);
    }

    async fn turned(&mut self, turn: Turn) -> Exchange {
        match turn {
            Turn::Challenge(octets, dialogue) => {
                self.dialogue = Some(dialogue);
                Exchange::Challenge(octets)
            }
            Turn::Admitted(admitted) => self
                .entered(Ok(admitted))
                .await
                .map_or_else(Exchange::Refused, Exchange::Granted),
            Turn::Refused(refused) => self
                .entered(Err(refused))
                .await
                .map_or_else(Exchange::Refused, Exchange::Granted),
        }
    }

    async fn entered(
        &mut self,
        checked: std::result::Result<Admitted, Refused>,
    ) -> std::result::Result<String, Refusal> {
        let admitted = match checked {
            Ok(admitted) => admitted,
            Err(refused) => return Err(self.refused(refused)),
        };
        self.user = Some(admitted.name.clone());
        self.method.clone_from(&admitted.mechanism);
        log::dovecot::login(&admitted.name, &self.rip());
        match self.open(&admitted).await {
            Ok(Some(mailbox)) => {
                self.mailbox = Some(mailbox);
                Ok(admitted.name)
            }
            Ok(None) => {
                let pid = std::process::id();
                log::dovecot::error(
                    format_args!("pop3({})<{pid}><{}>", Clean(&admitted.name), self.id),
                    format_args!(
                        "User initialization failed: the user has no entry in the user directory"
                    ),
                );
                Err(Refusal::Unavailable)
            }
            Err(error) => {
                self.failed(&error);
                Err(Refusal::Unavailable)
            }
        }
    }

    async fn open(&self, admitted: &Admitted) -> Result<Option<Box<dyn Mailbox>>> {
        let Some(user) = self.server.gate.user(&self.link, admitted).await? else {
            return Ok(None);
        };
        let account = self.server.store.account(&user).await?;
        account
            .open(&MailboxName::inbox(), Access::Write)
            .await
            .map(Some)
    }

    fn refused(&mut self, refused: Refused) -> Refusal {
        self.user = Some(refused.name).filter(|name| !name.is_empty());
        self.attempts += 1;
        refusal(refused.reason)
    }
}

/// The total function from why the gate refused to POP3's refusals.
fn refusal(reason: Reason) -> Refusal {
    match reason {
        Reason::Unavailable => Refusal::Unavailable,
        Reason::Barred => Refusal::Disabled,
        Reason::NotOffered => Refusal::Mechanism,
        Reason::Insecure => Refusal::Insecure,
        Reason::Credentials | Reason::Malformed => Refusal::Credentials,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_what_it_can_do_something_about() {
        // The gate's answer where the machine, which asks before, was told of a safer connection or of more mechanisms.
        assert_eq!(refusal(Reason::Insecure), Refusal::Insecure);
        assert_eq!(refusal(Reason::NotOffered), Refusal::Mechanism);
        assert_eq!(refusal(Reason::Barred), Refusal::Disabled);
        // As Dovecot: what makes no sense proves nothing.
        assert_eq!(refusal(Reason::Malformed), Refusal::Credentials);
    }
}
