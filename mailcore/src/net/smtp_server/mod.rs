//! Serves SMTP and LMTP connections: joins the protocol machine to the reception, the gate and the log. Decides
//! nothing itself.

mod answers;
mod content;
mod login;

use super::bell::Bell;
use super::end::{End, Happened, now};
use super::pump::{Dialog, Ended, pump};
use super::socket::Route;
use super::stream::{Stream, Transport};
use crate::auth::{Dialogue, Gate, Link};
use crate::log::{self, Client};
use crate::metrics::{Metrics, Way};
use crate::reception::{Reception, Role, Sink, Visit};
use arc_swap::ArcSwapOption;
use mailcore_base::envelope::Text;
use mailcore_base::login::{Service, TlsFacts};
use mailcore_base::wire::Notice;
use mailcore_sasl::Offer;
use mailcore_smtp::server::{self as smtp, Ask, AuthOffer, Options, Session, StartTls, Step};
use std::sync::Arc;

/// Octets of a message that are collected in memory for receptions that want it whole, where the listener
/// has no size limit of its own.
const COLLECTED: usize = 32 * 1024 * 1024;

/// A listener's SMTP or LMTP service. Shared by its connections.
#[derive(Debug)]
pub struct SmtpServer {
    role: Role,
    options: Options,
    reception: Arc<dyn Reception>,
    gate: Option<Arc<Gate>>,
    metrics: Option<Arc<Metrics>>,
    /// The options with what may be offered just now: users come and go.
    current: ArcSwapOption<(Offer, Arc<Options>)>,
}

impl SmtpServer {
    /// A service of this role. Logins are offered where there is a gate, under TLS alone.
    pub fn new(
        role: Role,
        options: Options,
        reception: Arc<dyn Reception>,
        gate: Option<Arc<Gate>>,
    ) -> Self {
        Self {
            role,
            options,
            reception,
            gate,
            metrics: None,
            current: ArcSwapOption::empty(),
        }
    }

    /// The same, which counts there what mail it takes.
    #[must_use]
    pub fn counting(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }

    /// Serves one connection to its end. A stream that can be secured is offered STARTTLS.
    pub async fn serve<S: Transport>(&self, stream: Stream<S>, route: &Route, bell: Bell) {
        let mut conversation = Box::new(self.begin(&stream, route));
        conversation.desk.hello();
        let mut end = End::new(stream, bell);
        let ended = pump(&mut *conversation, &mut end).await;
        let desk = &conversation.desk;
        if let (Some(error), true) = (end.broken_handshake(&ended), self.role != Role::Lmtp) {
            log::postfix::handshake(desk.visit.program, &desk.visit.client, error);
        }
        desk.goodbye(&conversation.session, &ended);
        Box::pin(end.close()).await;
    }

    /// A connection's state. Made apart from the future that serves it, which would keep room for each part besides.
    fn begin<'c, S: Transport>(&'c self, stream: &Stream<S>, route: &'c Route) -> Conversation<'c> {
        let client = Client::at(route.peer.ip());
        let mut visit = Visit::new(self.role, client);
        visit.local = route.local.ip();
        visit.tls = stream.tls();
        if self.role == Role::Submission && visit.tls.is_some() {
            visit.program = "postfix/submissions/smtpd";
        }
        let session = Session::new(self.options(stream));
        let desk = Answers {
            server: self,
            route,
            visit,
            sink: None,
            octets: 0,
            dialogue: None,
            tried: String::new(),
        };
        Conversation { session, desk }
    }

    /// The options of a connection that begins now.
    fn options<S: Transport>(&self, stream: &Stream<S>) -> Arc<Options> {
        let offer = match &self.gate {
            Some(gate) if self.role != Role::Lmtp => gate.offer(&self.link_under_tls()),
            _ => Offer::default(),
        };
        if stream.can_secure()
            && let Some(known) = self.current.load_full()
            && known.0 == offer
        {
            return Arc::clone(&known.1);
        }
        let mut options = self.options.clone();
        let words = offer
            .iter()
            .map(|m| Text::lossy(m.to_string().as_bytes()))
            .collect();
        options.auth = AuthOffer {
            clear: Vec::new(),
            secured: words,
            broken_clients: true,
        };
        if !stream.can_secure() {
            options.starttls = StartTls::Off;
            return Arc::new(options);
        }
        let options = Arc::new(options);
        self.current
            .store(Some(Arc::new((offer, Arc::clone(&options)))));
        options
    }

    /// A connection as it will be once TLS stands: it has a channel binding.
    fn link_under_tls(&self) -> Link {
        let mut tls = TlsFacts::default();
        tls.end_point = Some(Vec::new());
        Link::new(Service::Smtp, None, None, Some(tls))
    }

    fn collected(&self) -> usize {
        self.options
            .size_limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(COLLECTED)
    }
}

/// One connection: the machine, and who answers it.
struct Conversation<'c> {
    session: Session,
    desk: Answers<'c>,
}

/// What the answers of one connection need to remember.
struct Answers<'c> {
    server: &'c SmtpServer,
    route: &'c Route,
    visit: Visit,
    sink: Option<Box<dyn Sink>>,
    /// Octets that it was given.
    octets: u64,
    dialogue: Option<Box<Dialogue>>,
    /// The mechanism that was tried last.
    tried: String,
}

impl<S: Transport> Dialog<S> for Conversation<'_> {
    async fn turn(&mut self, end: &mut End<S>) -> Happened {
        match self.session.step(now()) {
            Step::Io(io) => return end.race(io).await,
            Step::Content(content) => self.desk.content(content).await,
            // Boxed: a session at rest, which is most of them, has no room for answers.
            Step::Ask(ask) => Box::pin(self.desk.answer(ask, end)).await,
            // A step of a later version, to which nothing can be said: the connection ends.
            _ => return Happened::Closed,
        }
        Happened::Answered
    }

    fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
    }
}

impl Answers<'_> {
    /// A message has been taken.
    fn count(&self) {
        if let Some(metrics) = &self.server.metrics {
            let way = match self.server.role {
                Role::Lmtp => Way::Lmtp,
                Role::Submission => Way::Submission,
                _ => Way::Smtp,
            };
            metrics.taken(way).note(1, self.octets);
        }
    }

    async fn answer<S: Transport>(&mut self, ask: Ask<'_>, end: &mut End<S>) {
        match ask {
            Ask::Connect(q) => self.connect(q, end).await,
            Ask::Hello(q) => self.greeted(q, end).await,
            Ask::Secured(q) => self.secured(q, end),
            Ask::Auth(q) => self.auth(q, end).await,
            Ask::Mail(q) => self.mail(q, end).await,
            Ask::Rcpt(q) => self.rcpt(q, end).await,
            Ask::Verify(q) => self.verify(q, end).await,
            Ask::Begin(q) => self.begin(q, end).await,
            Ask::Header(q) => q.answer(Ok(())),
            Ask::Finish(q) => self.finish(q, end).await,
            Ask::Abandoned(q) => {
                self.sink = None;
                q.answer(());
            }
            // ETRN has no queue to start yet, unknown verbs are unknown, and later questions are declined.
            other => other.decline(),
        }
    }

    fn hello(&self) {
        if self.server.role == Role::Lmtp {
            log::dovecot::info(
                format_args!("lmtp({})", std::process::id()),
                format_args!("Connect from {}", self.peer()),
            );
        } else {
            log::postfix::info(
                self.visit.program,
                format_args!("connect from {}", self.visit.client),
            );
            if let Some(tls) = &self.visit.tls {
                log::postfix::tls(self.visit.program, &self.visit.client, tls);
            }
        }
    }

    fn goodbye(&self, session: &Session, ended: &Ended) {
        if let Ended::Lost(error) = ended {
            tracing::debug!("{}: {error}", self.visit.client);
        }
        if self.server.role == Role::Lmtp {
            let how = match session.ended() {
                Some(smtp::Ended::Quit) => "Logged out",
                Some(smtp::Ended::Timeout) => "Disconnected for inactivity",
                Some(smtp::Ended::Shutdown) => "Shutting down",
                _ => "Connection closed",
            };
            return log::dovecot::info(
                format_args!("lmtp({})", std::process::id()),
                format_args!(
                    "Disconnect from {}: {how} (state={})",
                    self.peer(),
                    state(session)
                ),
            );
        }
        let (program, client) = (self.visit.program, &self.visit.client);
        let last = session.last().name();
        match session.ended() {
            Some(smtp::Ended::Lost | smtp::Ended::Stalled) => {
                log::postfix::info(
                    program,
                    format_args!("lost connection after {last} from {client}"),
                );
            }
            Some(smtp::Ended::Timeout) => {
                log::postfix::info(program, format_args!("timeout after {last} from {client}"));
            }
            Some(smtp::Ended::Errors) => {
                log::postfix::info(
                    program,
                    format_args!("too many errors after {last} from {client}"),
                );
            }
            _ => {}
        }
        log::postfix::info(
            program,
            format_args!("disconnect from {client} {}", session.tally()),
        );
    }

    fn peer(&self) -> String {
        self.route
            .peer
            .ip()
            .map_or_else(|| "local".to_owned(), |ip| ip.to_string())
    }
}

/// Where in the protocol an LMTP session ended, in Dovecot's words.
fn state(session: &Session) -> &'static str {
    let transaction = session.transaction();
    match (transaction.is_open(), session.facts().hello.is_some()) {
        (true, _) if transaction.envelope().recipients.is_empty() => "MAIL FROM",
        (true, _) => "RCPT TO",
        (false, true) => "READY",
        (false, false) => "GREETING",
    }
}
