//! The machine's questions, answered: what is to be sent, its octets, TLS, the login.

use super::Terms;
use super::content::Ahead;
use super::login::{Login, Turn};
use super::{Sent, Target};
use crate::net::end::{End, Happened, now};
use crate::net::pump::Dialog;
use crate::net::stream::Transport;
use crate::net::tls::client::Towards;
use mailcore_base::wire::Notice;
use mailcore_smtp::client::{Ask, Content, Done, Message, Order, Question, Ready, Session, Step};
use std::sync::Arc;
use std::time::Instant;

/// The machine, and who answers it.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) session: Session,
    pub(super) desk: Desk,
}

/// What the answers need to know.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) target: Target,
    pub(super) program: Arc<str>,
    pub(super) towards: Option<Towards>,
    pub(super) login: Option<Turn>,
    /// What is to be sent next.
    pub(super) message: Option<Box<Message>>,
    /// The content of what is being sent.
    pub(super) content: Option<Ahead>,
    /// What became of what was sent last.
    pub(super) sent: Option<Sent>,
    /// How long to rest, if there is nothing to send.
    pub(super) rest: Option<Instant>,
}

impl Desk {
    pub(super) fn new(target: &Target, terms: &Terms) -> Self {
        Self {
            target: target.clone(),
            program: Arc::clone(&terms.program),
            towards: terms.tls.as_ref().map(|(_, towards)| towards.clone()),
            login: terms.login.clone().map(Login::begin),
            message: None,
            content: None,
            sent: None,
            rest: None,
        }
    }

    async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) -> Happened {
        match ask {
            Ask::Ready(question) => return self.order(question),
            Ask::Content(content) => self.give(content, end).await,
            Ask::Done(question) => {
                self.sent = Some(told(question.asked()));
                question.answer(());
            }
            Ask::Secured(question) => question.answer(Ok(self.established(end))),
            Ask::Authenticate(question) => match &mut self.login {
                Some(login) => login.choose(question, &self.target),
                None => question.decline(),
            },
            Ask::Challenge(question) => match &mut self.login {
                Some(login) => login.respond(question, end).await,
                None => question.decline(),
            },
            Ask::Authenticated(question) => match &mut self.login {
                Some(login) => login.judge(question),
                None => question.decline(),
            },
            // A question of a later version.
            ask => ask.decline(),
        }
        Happened::Answered
    }

    /// What is to be done next. Where nothing is, the question stays open and the driver stops here.
    fn order(&mut self, question: Question<'_, Ready>) -> Happened {
        if let Some(message) = self.message.take() {
            question.answer(Order::Send(message));
        } else if let Some(until) = self.rest.take() {
            question.answer(Order::Rest(until));
        } else {
            return Happened::Closed;
        }
        Happened::Answered
    }

    async fn give<S: Transport>(&mut self, mut question: Content<'_>, end: &mut End<S>) {
        let Some(content) = &mut self.content else {
            return question.failed();
        };
        while content.held().is_empty() {
            content.look_ahead();
            if content.has_failed() || !content.is_fetching() {
                return question.failed();
            }
            let arrived = end.attend(&mut question.line(), content.arrive()).await;
            if arrived.is_none() {
                return;
            }
        }
        let asked = question.asked();
        let asked = usize::try_from(asked.end - asked.start).unwrap_or(usize::MAX);
        let n = asked.min(content.held().len());
        question.answer(content.held());
        content.taken(n);
    }
}

fn told(done: &Done) -> Sent {
    Sent {
        outcomes: done.outcomes.clone(),
        begun: done.begun,
        reports: done.reports,
    }
}

impl<S: Transport> Dialog<S> for Conversation {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.session.step(now()) {
            Step::Io(io) => match &mut self.desk.content {
                Some(content) if content.is_fetching() => tokio::select! {
                    biased;
                    happened = end.race(io) => happened,
                    () = content.arrive() => Happened::Answered,
                },
                _ => end.race(io).await,
            },
            Step::Ask(ask) => Box::pin(self.desk.answer(ask, end)).await,
            // A step of a later version, to which nothing can be said: the connection ends.
            _ => Happened::Closed,
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
    }
}
