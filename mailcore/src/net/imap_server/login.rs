//! Logging in: the machine carries names, passwords and exchanges, the gate decides, and the account is opened.

use super::{Answers, Chain};
use crate::auth::{Admitted, Reason, Referral as Elsewhere, Refusal as Refused, Turn};
use crate::log::{self, dovecot::Rip};
use crate::net::end::{End, now};
use crate::net::stream::Transport;
use mailcore_imap::server::{
    Authenticate, Ended, Exchange, Login, Question, Referral, Refusal, Respond, Welcome,
};
use std::time::Duration;

impl Answers<'_> {
    pub(super) async fn login<S: Transport>(
        &mut self,
        mut q: Question<'_, Login>,
        end: &mut End<S>,
    ) {
        let (asked, line) = q.parts();
        let entered = async {
            let admitted = self
                .server
                .gate
                .password(&self.link, &asked.name, &asked.secret)
                .await?;
            Ok(self.open(admitted).await)
        };
        let Some(entered) = end.attend(line, entered).await else {
            return;
        };
        match entered {
            Ok(opened) => q.answer(self.enter(opened)),
            Err(refused) => q.answer(Err(self.refused(refused))),
        }
    }

    pub(super) async fn authenticate<S: Transport>(
        &mut self,
        mut q: Question<'_, Authenticate>,
        end: &mut End<S>,
    ) {
        self.method.clone_from(&q.asked().mechanism);
        let (asked, line) = q.parts();
        let initial = asked.initial.as_ref().map(|secret| secret.expose());
        let turned = async {
            let turn = self
                .server
                .gate
                .begin(&self.link, &asked.mechanism, initial)
                .await;
            self.opened(turn).await
        };
        let Some(step) = end.attend(line, turned).await else {
            return;
        };
        q.answer(self.exchanged(step));
    }

    pub(super) async fn respond<S: Transport>(
        &mut self,
        mut q: Question<'_, Respond>,
        end: &mut End<S>,
    ) {
        let Some(dialogue) = self.dialogue.take() else {
            return q.answer(Exchange::Refused(Refusal::Mechanism));
        };
        let (asked, line) = q.parts();
        let turned = async {
            let turn = dialogue.respond(asked.response.expose()).await;
            self.opened(turn).await
        };
        let Some(step) = end.attend(line, turned).await else {
            return;
        };
        q.answer(self.exchanged(step));
    }

    /// A turn of an exchange, with the account opened where it was the last.
    async fn opened(&self, turn: Turn) -> Result<Opened, Turn> {
        match turn {
            Turn::Admitted(admitted) => Ok(self.open(admitted).await),
            other => Err(other),
        }
    }

    fn exchanged(&mut self, step: Result<Opened, Turn>) -> Exchange {
        match step {
            Ok(opened) => self
                .enter(opened)
                .map_or_else(Exchange::Refused, Exchange::Granted),
            Err(Turn::Challenge(octets, dialogue)) => {
                self.dialogue = Some(dialogue);
                Exchange::Challenge(octets)
            }
            Err(Turn::Refused(refused)) => Exchange::Refused(self.refused(refused)),
            Err(Turn::Admitted(_)) => Exchange::Refused(Refusal::Unavailable),
        }
    }

    /// Opens the account of somebody who was let in.
    async fn open(&self, admitted: Admitted) -> Opened {
        let account = match self.server.gate.user(&self.link, &admitted).await {
            Ok(Some(user)) => self
                .server
                .store
                .account(&user)
                .await
                .map_err(|e| Chain(&e).to_string()),
            Ok(None) => Err("the user has no entry in the user directory".to_owned()),
            Err(error) => Err(Chain(&error).to_string()),
        };
        Opened { admitted, account }
    }

    fn enter(&mut self, opened: Opened) -> Result<Welcome, Refusal> {
        self.method.clone_from(&opened.admitted.mechanism);
        let Admitted { name, referral, .. } = opened.admitted;
        log::dovecot::login(&name, &self.rip());
        match opened.account {
            Ok(account) => {
                let mut welcome = Welcome::new(name.clone(), account.separator());
                welcome.referral = referral.and_then(elsewhere);
                self.account = Some(account);
                self.user = Some(name);
                Ok(welcome)
            }
            Err(why) => {
                let shown = log::Clean(&name);
                log::dovecot::error(
                    format_args!("imap({shown})<{}><{}>", std::process::id(), self.id),
                    format_args!("User initialization failed: {why}"),
                );
                Err(Refusal::Uninitialized)
            }
        }
    }

    fn refused(&mut self, refused: Refused) -> Refusal {
        if self.method.is_empty() {
            "PLAIN".clone_into(&mut self.method);
        }
        self.user = Some(refused.name).filter(|name| !name.is_empty());
        self.attempts += 1;
        match refused.reason {
            Reason::Unavailable => Refusal::Unavailable,
            Reason::Barred => refused
                .referral
                .and_then(elsewhere)
                .map_or(Refusal::Disabled, Refusal::Referred),
            Reason::NotOffered => Refusal::Mechanism,
            Reason::Insecure => Refusal::Insecure,
            Reason::Credentials | Reason::Malformed => Refusal::Credentials,
        }
    }

    pub(super) fn rip(&self) -> Rip<'_> {
        Rip {
            service: "imap",
            method: &self.method,
            remote: self.link.peer,
            local: self.link.local,
            tls: self.link.tls.is_some(),
            session: &self.id,
        }
    }

    pub(super) fn lasted(&self) -> Duration {
        now().saturating_duration_since(self.began)
    }

    /// The line at the end of a session.
    pub(super) fn goodbye(&self, ended: Option<Ended>, (read, written): (u64, u64)) {
        if let (Some(user), Some(_)) = (&self.user, &self.account) {
            let how = match ended {
                Some(Ended::LoggedOut) => "Logged out",
                Some(Ended::Timeout) => "Disconnected for inactivity",
                Some(Ended::Shutdown) => "Server shutting down.",
                Some(Ended::Kicked) => "Disconnected by administrator.",
                Some(Ended::Errors) => "Too many invalid IMAP commands.",
                Some(Ended::Flood) => "Input buffer full, aborting",
                Some(Ended::Deleted) => "Selected mailbox was deleted",
                Some(Ended::Replaced) => "IMAP session state is inconsistent",
                _ => "Connection closed",
            };
            let c = &self.counts;
            return log::dovecot::left(
                "imap",
                user,
                &self.id,
                format_args!(
                    "{how} in={read} out={written} deleted={} expunged={} trashed=0 hdr_count={} hdr_bytes={} \
                     body_count={} body_bytes={}",
                    c.deleted, c.expunged, c.headers, c.header_octets, c.bodies, c.body_octets
                ),
            );
        }
        let how = match ended {
            Some(Ended::LoggedOut) => "Logged out",
            Some(Ended::Timeout) => "Inactivity",
            Some(Ended::Shutdown) => "Shutting down",
            Some(Ended::Errors) => "Too many invalid commands",
            _ => "Connection closed",
        };
        let seconds = self.lasted().as_secs();
        let reason = match self.attempts {
            0 => format!("{how} (no auth attempts in {seconds} secs)"),
            n => format!("{how} (auth failed, {n} attempts in {seconds} secs)"),
        };
        log::dovecot::turned_away(
            &reason,
            self.user.as_deref().unwrap_or_default(),
            &self.rip(),
        );
    }
}

/// A referral in IMAP's form, if it has one there.
fn elsewhere(told: Elsewhere) -> Option<Referral> {
    let referral = Referral::new(&told.user, &told.host, told.port)?;
    Some(referral.because(&told.reason.unwrap_or_default()))
}

/// Somebody who was let in, and what came of opening the account.
struct Opened {
    admitted: Admitted,
    account: Result<std::sync::Arc<dyn mailcore_store::mailbox::Account>, String>,
}
