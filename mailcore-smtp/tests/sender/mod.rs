//! A driver and a desk for the client's machine that exist in a test only.

// Each test program uses its part; and in a test a panic is the right end.
#![allow(dead_code, clippy::unwrap_used)]

use mailcore_base::{
    envelope::{Envelope, Recipient, Text},
    login::{Secret, TlsFacts},
    wire::{Io, Notice},
};
use mailcore_smtp::client::{
    Ask, Done, Ended, LogIn, Message, Options, Order, Outcome, Response, Session, Stage, Step,
};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

pub const HOST: &str = "mx.test[192.0.2.1]";

/// What is to be done next.
#[derive(Debug, Clone)]
pub enum Job {
    Send(Message, Vec<u8>),
    Rest(u64),
}

/// A message from `a@b.test` to these.
pub fn message(to: &[&str], content: &[u8]) -> Message {
    let mut envelope = Envelope::new(
        "a@b.test"
            .parse::<mailcore_base::address::Address>()
            .unwrap(),
    );
    envelope.recipients = to
        .iter()
        .map(|to| Recipient::new(to.parse::<mailcore_base::address::Address>().unwrap()))
        .collect();
    Message {
        envelope,
        size: content.len() as u64,
    }
}

/// Answers the questions, and keeps what it was told.
#[derive(Default)]
pub struct Desk {
    pub jobs: VecDeque<Job>,
    /// The mechanism, and what it says.
    pub login: Option<(String, Vec<Option<String>>)>,
    pub distrusts: bool,
    pub seen: Vec<String>,
    pub outcomes: Vec<Vec<Outcome>>,
    pub begun: Vec<bool>,
    /// Octets that are given at a time.
    pub chunk: usize,
    /// Where the content cannot be read on.
    pub fails_at: Option<u64>,
    content: Vec<u8>,
}

impl Desk {
    pub fn answer(&mut self, ask: Ask<'_>, now: Instant) {
        match ask {
            Ask::Secured(question) => {
                assert!(question.facts().hello.is_none());
                assert_eq!(question.facts().offers, Default::default());
                self.seen.push("tls".to_owned());
                question.answer(match self.distrusts {
                    true => Err(Text::lossy(b"Server certificate not trusted")),
                    false => Ok(TlsFacts::default()),
                });
            }
            Ask::Authenticate(question) => {
                let offers = &question.facts().offers.mechanisms;
                let offers: Vec<_> = offers.iter().map(|name| name.as_str()).collect();
                let line = format!("mechanisms {}", offers.join(" "));
                self.seen.push(line.trim_end().to_owned());
                question.answer(match &mut self.login {
                    None => LogIn::NoMechanism,
                    Some((mechanism, words)) => {
                        let initial = words.remove(0).map(Secret::new);
                        LogIn::By(Text::new(mechanism).unwrap(), initial)
                    }
                });
            }
            Ask::Challenge(question) => {
                let challenge = question.asked().0.expose().escape_ascii().to_string();
                self.seen.push(format!("challenge {challenge}"));
                let (_, words) = self.login.as_mut().unwrap();
                let word = (!words.is_empty()).then(|| words.remove(0)).flatten();
                question.answer(match word {
                    Some(word) => Response::Respond(Secret::new(word)),
                    None => Response::Cancel(Text::lossy(b"nothing to say")),
                });
            }
            Ask::Authenticated(question) => question.answer(Ok(())),
            Ask::Ready(question) => question.answer(match self.jobs.pop_front() {
                Some(Job::Send(message, content)) => {
                    self.content = content;
                    Order::Send(Box::new(message))
                }
                Some(Job::Rest(seconds)) => Order::Rest(now + Duration::from_secs(seconds)),
                None => Order::Quit,
            }),
            Ask::Content(question) => {
                let asked = question.asked();
                assert!(asked.start < asked.end && asked.end <= self.content.len() as u64);
                if self.fails_at.is_some_and(|at| asked.start >= at) {
                    return question.failed();
                }
                let end = (asked.end as usize)
                    .min((asked.start as usize).saturating_add(self.chunk.max(1)));
                question.answer(&self.content[asked.start as usize..end]);
            }
            Ask::Done(question) => {
                self.tell(question.asked());
                question.answer(());
            }
            ask => ask.decline(),
        }
    }

    fn tell(&mut self, done: &Done) {
        let begun = if done.begun { "begun" } else { "not begun" };
        let reports = if done.reports { ", reports" } else { "" };
        self.seen
            .push(format!("done: {begun}{reports}, {} octets", done.sent));
        for outcome in &done.outcomes {
            self.seen.push(shown(outcome));
        }
        self.outcomes.push(done.outcomes.clone());
        self.begun.push(done.begun);
    }
}

pub fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(reply) => format!("accepted: {reply}"),
        Err(trouble) => format!(
            "{} {}",
            trouble.status(),
            trouble.words(HOST, "example.org")
        ),
    }
}

pub fn ended(session: &Session) -> String {
    match session.ended() {
        None => "not ended".to_owned(),
        Some(Ended::Quit) => "quit".to_owned(),
        Some(Ended::Trouble(trouble)) => shown(&Err(trouble.clone())),
    }
}

/// A client, its desk, and the time; the server is a script.
pub struct Client {
    pub session: Session,
    pub desk: Desk,
    pub now: Instant,
    pub closed: bool,
    pub stages: Vec<Stage>,
    chunk: usize,
    dice: super::support::Dice,
    input: VecDeque<u8>,
    output: Vec<u8>,
    half_closed: bool,
    expires: bool,
    refuses_tls: bool,
}

impl Client {
    pub fn new(options: Options, jobs: Vec<Job>, chunk: usize, seed: u64) -> Self {
        let desk = Desk {
            jobs: jobs.into(),
            chunk,
            ..Desk::default()
        };
        Self {
            session: Session::new(Arc::new(options)),
            desk,
            now: Instant::now(),
            closed: false,
            stages: Vec::new(),
            chunk,
            dice: super::support::Dice::new(seed),
            input: VecDeque::new(),
            output: Vec::new(),
            half_closed: false,
            expires: false,
            refuses_tls: false,
        }
    }

    /// The server says this; back comes what the client says before it waits for more.
    pub fn hear(&mut self, bytes: &[u8]) -> String {
        self.input.extend(bytes);
        self.turn();
        String::from_utf8(std::mem::take(&mut self.output)).unwrap()
    }

    pub fn close(&mut self) -> String {
        self.half_closed = true;
        self.hear(b"")
    }

    pub fn expire(&mut self) -> String {
        self.expires = true;
        self.hear(b"")
    }

    pub fn notice(&mut self, notice: Notice) -> String {
        self.session.notice(notice);
        self.hear(b"")
    }

    pub fn refuse_tls(&mut self) {
        self.refuses_tls = true;
    }

    fn turn(&mut self) {
        for _ in 0..1_000_000 {
            if self.closed {
                return;
            }
            let step = self.session.step(self.now);
            if self.dice.drops() {
                if let Step::Io(Io::Read(mut room)) = step {
                    room.spare().fill(b'X');
                }
                continue;
            }
            match step {
                Step::Ask(ask) => self.desk.answer(ask, self.now),
                Step::Io(Io::Write(output)) => {
                    assert!(output.deadline().is_some() && !output.bytes().is_empty());
                    let n = output.bytes().len().min(self.chunk);
                    self.output.extend_from_slice(&output.bytes()[..n]);
                    output.sent(n);
                }
                Step::Io(Io::Read(mut room)) => {
                    let deadline = room.deadline().expect("nobody is waited for for ever");
                    let n = room.spare().len().min(self.chunk).min(self.input.len());
                    if n > 0 {
                        for (place, byte) in room.spare().iter_mut().zip(self.input.drain(..n)) {
                            *place = byte;
                        }
                        room.filled(n);
                    } else if std::mem::take(&mut self.expires) {
                        self.now = self.now.max(deadline);
                        room.expired();
                    } else if self.half_closed {
                        room.filled(0);
                    } else {
                        return;
                    }
                }
                Step::Io(Io::Layer(upgrade)) if self.refuses_tls => upgrade.failed(),
                Step::Io(Io::Layer(upgrade)) => {
                    self.input.clear();
                    upgrade.done();
                }
                Step::Io(Io::Close) => self.closed = true,
                step => panic!("unknown step {step:?}"),
            }
        }
        panic!("a session that goes on for ever");
    }
}

pub fn smtp() -> Options {
    Options::smtp("client.test".parse().unwrap())
}

pub fn lmtp() -> Options {
    Options::lmtp("client.test".parse().unwrap())
}
