//! One connection of a server that logs its clients in: each exchange is a task of its own, so that none waits for
//! another; what comes of it is told when the machine asks for news.

use super::service;
use crate::auth::{Dialogue, Gate, Link, Reason, Refusal, Turn};
use crate::log::{Name, dovecot};
use crate::net::bell::Bell;
use crate::net::end::{End, Happened, now};
use crate::net::pump::Dialog;
use crate::net::stream::Transport;
use mailcore_base::login::Service;
use mailcore_base::wire::Notice;
use mailcore_sasl::Secret;
use mailcore_sasl::socket::logins::{Ask, Greeting, Session, Step, Ticket};
use mailcore_sasl::socket::{Code, Ended, Reply, Request};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// One connection: the machine, and who answers it.
pub(super) struct Conversation {
    session: Session,
    desk: Desk,
}

/// The exchanges of one connection.
struct Desk {
    gate: Arc<Gate>,
    bell: Bell,
    open: HashMap<Ticket, Exchange>,
    /// As many as there are exchanges that run, which the machine bounds.
    done: UnboundedReceiver<(Ticket, Turn)>,
    tell: UnboundedSender<(Ticket, Turn)>,
}

/// An exchange: for whom, and whose turn it is.
struct Exchange {
    mechanism: String,
    remote: Option<IpAddr>,
    at: At,
}

enum At {
    Gate(AbortHandle),
    Client(Box<Dialogue>),
}

impl Conversation {
    pub(super) fn begin(gate: &Arc<Gate>, connection: u32, bell: Bell) -> Self {
        let mut cookie = [0; 16];
        // It is only for telling connections apart: nothing here can be asked with it.
        let _ = getrandom::fill(&mut cookie);
        let greeting = Greeting {
            mechanisms: gate.offer(&link(Service::Smtp, None, None)),
            process: std::process::id(),
            connection,
            cookie,
        };
        let (tell, done) = unbounded_channel();
        Self {
            session: Session::new(&greeting),
            desk: Desk {
                gate: Arc::clone(gate),
                bell,
                open: HashMap::new(),
                done,
                tell,
            },
        }
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.session.ended()
    }
}

/// The client's connection as the server in front tells of it. Whether a password may cross it is for that server to know,
/// as it is with Dovecot (Postfix: smtpd_tls_auth_only, smtpd_sasl_security_options). Its word on client certificates is
/// not taken: whoever gets at the socket could be anybody.
fn link(service: Service, remote: Option<IpAddr>, local: Option<IpAddr>) -> Link {
    Link {
        secured: true,
        ..Link::new(service, remote, local, None)
    }
}

impl<S: Transport> Dialog<S> for Conversation {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.session.step(now()) {
            Step::Io(io) => return end.race(io).await,
            Step::Ask(ask) => self.desk.answer(ask),
            // A step of a later version, to which nothing can be said: the connection ends.
            _ => return Happened::Closed,
        }
        Happened::Answered
    }

    fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
    }
}

impl Desk {
    fn answer(&mut self, ask: Ask<'_>) {
        match ask {
            Ask::Begin(asked) => {
                if let Some((ticket, request, initial)) = asked.take() {
                    self.begin(ticket, &request, initial);
                }
            }
            Ask::Respond(asked) => {
                if let Some((ticket, response)) = asked.take() {
                    self.respond(ticket, response);
                }
            }
            Ask::Forget(asked) => {
                if let Some(Exchange {
                    at: At::Gate(task), ..
                }) = asked.take().and_then(|ticket| self.open.remove(&ticket))
                {
                    task.abort();
                }
            }
            Ask::News(asked) => {
                let news = self.done.try_recv().ok();
                asked.answer(news.map(|(ticket, turn)| (ticket, self.reply(ticket, turn))));
            }
            other => other.decline(),
        }
    }

    fn begin(&mut self, ticket: Ticket, request: &Request, initial: Option<Secret>) {
        let service = service(&request.service);
        let mut link = link(service, request.remote, request.local);
        link.lenient = request.no_penalty;
        let (gate, mechanism) = (Arc::clone(&self.gate), request.mechanism.clone());
        let task = self.run(ticket, async move {
            let initial = initial.as_ref().map(Secret::expose);
            gate.begin(&link, &mechanism, initial).await
        });
        let exchange = Exchange {
            mechanism: request.mechanism.to_ascii_lowercase(),
            remote: request.remote,
            at: At::Gate(task),
        };
        self.open.insert(ticket, exchange);
    }

    fn respond(&mut self, ticket: Ticket, response: Secret) {
        let Some(exchange) = self.open.remove(&ticket) else {
            return;
        };
        if let At::Client(dialogue) = exchange.at {
            let task = self.run(
                ticket,
                async move { dialogue.respond(response.expose()).await },
            );
            let at = At::Gate(task);
            self.open.insert(ticket, Exchange { at, ..exchange });
        }
    }

    fn run(
        &self,
        ticket: Ticket,
        work: impl Future<Output = Turn> + Send + 'static,
    ) -> AbortHandle {
        let mut courier = Courier {
            ticket,
            tell: self.tell.clone(),
            bell: self.bell.clone(),
            turn: None,
        };
        tokio::spawn(async move { courier.decided(work.await) }).abort_handle()
    }

    /// What came of an exchange, in the protocol's words.
    fn reply(&mut self, ticket: Ticket, turn: Turn) -> Reply {
        let known = self.open.remove(&ticket);
        match turn {
            Turn::Challenge(octets, dialogue) => {
                if let Some(exchange) = known {
                    let at = At::Client(dialogue);
                    self.open.insert(ticket, Exchange { at, ..exchange });
                }
                Reply::Challenge(octets)
            }
            Turn::Admitted(admitted) => Reply::Granted {
                user: admitted.name,
                fields: Vec::new(),
            },
            Turn::Refused(refusal) => {
                if let Some(exchange) = known {
                    exchange.note(&refusal);
                }
                refused(refusal)
            }
        }
    }
}

/// Nobody waits for what a connection that is gone has asked.
impl Drop for Desk {
    fn drop(&mut self) {
        for exchange in self.open.values() {
            if let At::Gate(task) = &exchange.at {
                task.abort();
            }
        }
    }
}

/// Brings what came of an exchange, whatever becomes of its task: one that panics was no decision.
struct Courier {
    ticket: Ticket,
    tell: UnboundedSender<(Ticket, Turn)>,
    bell: Bell,
    turn: Option<Turn>,
}

impl Courier {
    fn decided(&mut self, turn: Turn) {
        self.turn = Some(turn);
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        let refused = || Turn::Refused(Refusal::unavailable());
        let turn = self.turn.take().unwrap_or_else(refused);
        // Whose connection is gone wants to know nothing.
        let _ = self.tell.send((self.ticket, turn));
        self.bell.ring(Notice::Changed);
    }
}

impl Exchange {
    /// `auth: Info: plain(user,address): Invalid credentials`
    fn note(&self, refusal: &Refusal) {
        let what = match refusal.reason {
            Reason::Credentials => "Invalid credentials",
            Reason::Barred => "User login disabled",
            Reason::Unavailable => "Temporary internal failure",
            Reason::Malformed => "invalid input",
            Reason::NotOffered | Reason::Insecure => "unsupported authentication mechanism",
        };
        let name = match refusal.name.as_str() {
            "" => "?",
            name => name,
        };
        let (mechanism, name) = (Name(&self.mechanism), Name(name));
        let program = format_args!("auth");
        match self.remote {
            Some(ip) => dovecot::info(program, format_args!("{mechanism}({name},{ip}): {what}")),
            None => dovecot::info(program, format_args!("{mechanism}({name}): {what}")),
        }
    }
}

/// The total function from why the gate refused to the protocol's refusals. Only what a server in front can make use of
/// has words.
fn refused(refusal: Refusal) -> Reply {
    let (code, reason) = match refusal.reason {
        Reason::Credentials | Reason::Malformed => (None, None),
        Reason::Barred => (Some(Code::Disabled), None),
        Reason::Unavailable => (Some(Code::Temporary), None),
        Reason::NotOffered | Reason::Insecure => {
            (None, Some("Unsupported authentication mechanism"))
        }
    };
    Reply::Refused {
        user: Some(refusal.name).filter(|name| !name.is_empty()),
        code,
        reason: reason.map(str::to_owned),
    }
}
