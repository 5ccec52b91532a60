//! A client, a store and a driver that between them hold one session.

use bytes::Bytes;
use mailcore_base::mailbox::{Uid, UidSet, UidValidity};
use mailcore_base::wire::{Io, Notice};
use mailcore_imap::pop3::ask::{Exchange, Link, Welcome};
use mailcore_imap::pop3::{Ask, Failed, Message, Options, Page, Refusal, Session, Step};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const USER: &str = "anna@example.test";
pub(crate) const PASSWORD: &[u8] = b"secret 123";

/// Everything behind the session: users, mail, and what it was told.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) secured: bool,
    pub(crate) apop: bool,
    pub(crate) unwelcome: bool,
    pub(crate) locked: bool,
    /// UID, octets, and a unique id of its own.
    pub(crate) messages: Vec<(u32, Vec<u8>, Option<String>)>,
    /// Messages that vanish behind the session's back.
    pub(crate) gone: Vec<u32>,
    /// Messages cannot be read from this offset on.
    pub(crate) fails_at: Option<u64>,
    pub(crate) fails_commit: bool,
    /// Longest piece of a message, longest page of a list.
    pub(crate) piece: usize,
    pub(crate) page: usize,
    pub(crate) login: String,
    pub(crate) opened: u32,
    pub(crate) read: u64,
    pub(crate) committed: Option<(UidSet, UidSet)>,
    pub(crate) abandoned: bool,
    pub(crate) asked: Vec<&'static str>,
}

impl Store {
    fn link(&self) -> Link {
        Link {
            secured: self.secured,
            mechanisms: match self.secured {
                true => vec!["PLAIN".into(), "LOGIN".into(), "CRAM-MD5".into()],
                false => vec!["CRAM-MD5".into()],
            },
            ..Link::default()
        }
    }

    fn check(name: &str, secret: &[u8]) -> Result<String, Refusal> {
        if name == USER && secret == PASSWORD {
            Ok(USER.into())
        } else {
            Err(Refusal::Credentials)
        }
    }

    fn exchange(outcome: Result<String, Refusal>) -> Exchange {
        match outcome {
            Ok(name) => Exchange::Granted(name),
            Err(refusal) => Exchange::Refused(refusal),
        }
    }

    fn plain(response: &[u8]) -> Exchange {
        let mut parts = response.split(|b| *b == 0).skip(1);
        let (name, secret) = (parts.next(), parts.next());
        let name = std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default();
        Self::exchange(Self::check(name, secret.unwrap_or_default()))
    }

    fn page(&self, after: Option<Uid>, most: usize) -> Page {
        let behind = |uid: u32| after.is_none_or(|after| uid > after.number());
        let mut rest = self.messages.iter().filter(|m| behind(m.0));
        let messages: Vec<Message> = rest
            .by_ref()
            .take(most.min(self.page))
            .map(|(uid, octets, uidl)| {
                let mut message = Message::new(Uid::new(*uid).unwrap(), octets.len() as u64);
                message.uidl.clone_from(uidl);
                message
            })
            .collect();
        Page {
            uid_validity: UidValidity(0x6b00_2684.try_into().unwrap()),
            messages,
            more: rest.next().is_some(),
        }
    }

    fn piece(&mut self, uid: Uid, offset: u64, most: usize) -> Result<Option<Bytes>, Failed> {
        if self.gone.contains(&uid.number()) {
            return Ok(None);
        }
        let found = self.messages.iter().find(|m| m.0 == uid.number());
        let Some((_, octets, _)) = found else {
            return Ok(None);
        };
        if self.fails_at.is_some_and(|at| offset >= at) {
            return Err(Failed::Temporary);
        }
        let rest = octets.get(offset as usize..).unwrap_or_default();
        let piece = Bytes::copy_from_slice(&rest[..rest.len().min(self.piece).min(most)]);
        self.read += piece.len() as u64;
        Ok(Some(piece))
    }

    pub(crate) fn answer(&mut self, ask: Ask<'_>) {
        match ask {
            Ask::Connect(question) => {
                self.asked.push("connect");
                question.answer(if self.unwelcome {
                    Err(Failed::TooMany)
                } else {
                    Ok(Welcome {
                        link: self.link(),
                        apop: self
                            .apop
                            .then(|| "<1896.697170952@dbc.mtview.ca.us>".into()),
                    })
                });
            }
            Ask::Secured(question) => {
                self.asked.push("secured");
                self.secured = true;
                question.answer(Ok(Link {
                    tls: Some(mailcore_base::login::TlsFacts::default()),
                    ..self.link()
                }));
            }
            Ask::Login(question) => {
                self.asked.push("login");
                let asked = question.asked();
                let outcome = Self::check(&asked.name, asked.secret.expose());
                question.answer(outcome);
            }
            Ask::Apop(question) => {
                self.asked.push("apop");
                let asked = question.asked();
                assert_eq!(asked.timestamp, "<1896.697170952@dbc.mtview.ca.us>");
                // RFC 1939 §7's example.
                let right = asked.digest == "c4c9334bac560ecc979e58001b3e22fb";
                let outcome = if right && asked.name == "mrose" {
                    Ok(USER.into())
                } else {
                    Err(Refusal::Credentials)
                };
                question.answer(outcome);
            }
            Ask::Authenticate(question) => {
                self.asked.push("authenticate");
                self.login.clear();
                let asked = question.asked();
                let answer = match (asked.mechanism.as_str(), &asked.initial) {
                    ("PLAIN", Some(initial)) => Self::plain(initial.expose()),
                    ("PLAIN", None) => Exchange::Challenge(Vec::new()),
                    ("LOGIN", _) => Exchange::Challenge(b"Username:".to_vec()),
                    _ => Exchange::Refused(Refusal::Unavailable),
                };
                question.answer(answer);
            }
            Ask::Respond(question) => {
                self.asked.push("respond");
                let response = question.asked().response.expose().to_vec();
                if response.contains(&0) {
                    question.answer(Self::plain(&response));
                } else if self.login.is_empty() {
                    self.login = String::from_utf8_lossy(&response).into_owned();
                    question.answer(Exchange::Challenge(b"Password:".to_vec()));
                } else {
                    question.answer(Self::exchange(Self::check(&self.login, &response)));
                }
            }
            Ask::Maildrop(question) => {
                self.asked.push("maildrop");
                assert_eq!(question.facts().login.as_deref(), Some(USER));
                let asked = question.asked();
                if asked.exclusive && self.locked {
                    return question.answer(Err(Failed::InUse));
                }
                self.opened += u32::from(asked.after.is_none());
                let page = self.page(asked.after, asked.most);
                question.answer(Ok(page));
            }
            Ask::Read(question) => {
                let asked = question.asked();
                assert!(asked.most > 0);
                let piece = self.piece(asked.uid, asked.offset, asked.most);
                question.answer(piece);
            }
            Ask::Commit(question) => {
                assert!(self.committed.is_none() && !self.abandoned && self.opened == 1);
                let asked = question.asked();
                self.committed = Some((asked.deleted.clone(), asked.seen.clone()));
                let failed = self.fails_commit;
                question.answer(if failed {
                    Err(Failed::Temporary)
                } else {
                    Ok(())
                });
            }
            Ask::Abandoned(question) => {
                assert!(self.committed.is_none() && !self.abandoned && self.opened == 1);
                self.abandoned = true;
                question.answer(());
            }
            other => other.decline(),
        }
    }
}

/// The driver's side, with a client's octets.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) session: Session,
    pub(crate) store: Store,
    pub(crate) input: VecDeque<u8>,
    pub(crate) half_closed: bool,
    pub(crate) output: Vec<u8>,
    pub(crate) closed: bool,
    pub(crate) tls: bool,
    pub(crate) now: Instant,
    /// Octets moved at a time.
    pub(crate) chunk: usize,
    /// One step of so many is dropped, in some disorder (two or more); zero: none.
    pub(crate) drops: u32,
    disorder: u32,
}

impl Drive {
    pub(crate) fn new(options: Options, store: Store) -> Self {
        let store = Store {
            piece: store.piece.max(1),
            page: store.page.max(1),
            ..store
        };
        Self {
            session: Session::new(Arc::new(options)),
            store,
            input: VecDeque::new(),
            half_closed: false,
            output: Vec::new(),
            closed: false,
            tls: false,
            now: Instant::now(),
            chunk: 4096,
            drops: 0,
            disorder: 0x2545_f491,
        }
    }

    /// Says something and listens until the session waits.
    pub(crate) fn say(&mut self, input: impl AsRef<[u8]>) -> String {
        self.input.extend(input.as_ref());
        self.run();
        String::from_utf8_lossy(&std::mem::take(&mut self.output)).into_owned()
    }

    pub(crate) fn login(&mut self) {
        let said = self.say(format!("USER {USER}\r\nPASS secret 123\r\n"));
        assert!(said.ends_with("+OK Logged in.\r\n"), "{said}");
    }

    /// Steps until the session waits for a client that is silent.
    pub(crate) fn run(&mut self) {
        while self.turn() {}
    }

    /// One step; false once nothing can happen without the client.
    pub(crate) fn turn(&mut self) -> bool {
        self.disorder ^= self.disorder << 13;
        self.disorder ^= self.disorder >> 17;
        self.disorder ^= self.disorder << 5;
        let dropped = self.drops > 0 && self.disorder.is_multiple_of(self.drops);
        let step = self.session.step(self.now);
        if dropped {
            return true;
        }
        match step {
            Step::Io(Io::Read(mut room)) => {
                if self.input.is_empty() {
                    if self.half_closed {
                        room.filled(0);
                    }
                    return self.half_closed;
                }
                let spare = room.spare();
                assert!(!spare.is_empty());
                let n = spare.len().min(self.chunk).min(self.input.len());
                for (to, from) in spare.iter_mut().zip(self.input.drain(..n)) {
                    *to = from;
                }
                room.filled(n);
            }
            Step::Io(Io::Write(output)) => {
                let n = output.bytes().len().min(self.chunk);
                self.output.extend_from_slice(&output.bytes()[..n]);
                output.sent(n);
            }
            Step::Io(Io::Layer(upgrade)) => {
                assert!(!self.tls);
                self.tls = true;
                // What was sent ahead and not read yet is garbage to the handshake.
                self.input.clear();
                upgrade.done();
            }
            Step::Io(Io::Close) => {
                self.closed = true;
                return false;
            }
            Step::Io(_) => return false,
            Step::Ask(ask) => self.store.answer(ask),
            _ => unreachable!(),
        }
        true
    }

    /// The client is silent for so long.
    pub(crate) fn wait(&mut self, how_long: Duration) {
        self.run();
        self.now += how_long;
        if let Step::Io(Io::Read(room)) = self.session.step(self.now)
            && room.deadline().is_some_and(|deadline| deadline <= self.now)
        {
            room.expired();
        }
        self.run();
    }

    /// The connection breaks.
    pub(crate) fn lose(&mut self) {
        match self.session.step(self.now) {
            Step::Io(Io::Read(room)) => room.failed(),
            Step::Io(Io::Write(output)) => output.failed(),
            other => panic!("cannot lose {other:?}"),
        }
        self.run();
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.session.notice(notice);
        self.run();
    }
}
