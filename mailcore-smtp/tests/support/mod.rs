//! A driver and a desk that exist in a test only: bytes come from a script, time is a number, answers follow
//! from the addresses.

// Each test program uses its part; and in a test a panic is the right end.
#![allow(dead_code, clippy::unwrap_used)]

use mailcore_base::{
    envelope::Text,
    login::TlsFacts,
    reply::Reply,
    wire::{Io, Notice},
};
use mailcore_smtp::server::{
    Ask, Auth, AuthAnswer, AuthFailure, Content, LineEnds, Options, Outcomes, Refusal, Session,
    Step, Verdict, Welcome,
};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// Steps dropped at random: a small generator, seeded, so that a failure can be repeated.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn drops(&mut self) -> bool {
        if self.0 == 0 {
            return false;
        }
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(3)
    }
}

/// How bytes travel.
#[derive(Clone, Copy)]
pub struct Travel {
    pub chunk: usize,
    pub seed: u64,
}

pub const WHOLE: Travel = Travel {
    chunk: usize::MAX,
    seed: 0,
};

/// What the desk has seen, line by line, and what it answers.
#[derive(Default)]
pub struct Desk {
    pub seen: Vec<String>,
    pub welcome: Welcome,
    content: Vec<u8>,
    kept: bool,
    pub chunk: usize,
    challenges: u32,
}

impl Desk {
    fn verdict(address: &str) -> Verdict {
        let refuse = |reply: String| Err(Refusal::new(reply.parse::<Reply>().unwrap()));
        match address.split('@').next().unwrap_or_default() {
            "nobody" => refuse(format!(
                "550 5.1.1 <{address}>: Recipient address rejected: User unknown"
            )),
            "later" => refuse(format!("451 4.3.0 <{address}>: try later")),
            "away" => refuse("421 4.3.2 go away".to_owned()),
            "wrong" => refuse("250 2.0.0 this is no refusal".to_owned()),
            _ => Ok(()),
        }
    }

    pub fn answer(&mut self, ask: Ask<'_>) {
        match ask {
            Ask::Connect(question) => {
                if let Some(claimed) = &question.asked().claimed {
                    self.seen.push(format!(
                        "claimed {:?} {:?}",
                        claimed.name.as_deref(),
                        claimed.address
                    ));
                    let mut welcome = Welcome::default();
                    welcome.peer.address = claimed.address;
                    return question.answer(Ok(welcome));
                }
                question.answer(Ok(self.welcome.clone()));
            }
            Ask::Hello(question) => {
                let refused = question.asked().name.as_str() == "refused.test";
                question.answer(match refused {
                    true => Err(Refusal::new(
                        "550 5.7.1 <refused.test>: Helo command rejected"
                            .parse()
                            .unwrap(),
                    )),
                    false => Ok(Default::default()),
                });
            }
            Ask::Secured(question) => {
                assert!(question.facts().hello.is_none() && question.facts().login.is_none());
                question.answer(Ok(TlsFacts::default()));
            }
            Ask::Auth(question) => {
                let answer = self.login(question.asked());
                question.answer(answer);
            }
            Ask::Mail(question) => {
                let sender = question.asked().sender.to_string();
                question.answer(Self::verdict(&sender));
            }
            Ask::Rcpt(question) => {
                let recipient = question.asked().path.to_string();
                question.answer(Self::verdict(&recipient));
            }
            Ask::Verify(question) => {
                let said = question.asked().path.to_string();
                question.answer(Self::verdict(&said));
            }
            Ask::Etrn(question) => {
                let known = question.asked().name.as_str() == "known.test";
                question.answer(known.then_some(Ok(())));
            }
            Ask::Unknown(question) => {
                let known = question.asked().word.eq_ignore_ascii_case("XHELLO");
                question.answer(known.then(|| "250 2.0.0 hello yourself".parse().unwrap()));
            }
            Ask::Begin(question) => {
                assert!(question.transaction().is_open() && !self.kept);
                let sender = question.transaction().envelope().sender.to_string();
                self.content.clear();
                self.kept = !sender.starts_with("nodata");
                question.answer(match self.kept {
                    true => Ok(()),
                    false => Err(Refusal::new("554 5.7.1 no data from you".parse().unwrap())),
                });
            }
            Ask::Header(question) => {
                assert_eq!(question.asked().size, self.content.len() as u64);
                let refused = self.content.starts_with(b"Subject: spam");
                question.answer(match refused {
                    true => Err(Refusal::new("550 5.7.1 spam".parse().unwrap())),
                    false => Ok(()),
                });
            }
            Ask::Finish(question) => {
                assert!(self.kept);
                self.kept = false;
                assert_eq!(question.asked().size, self.content.len() as u64);
                let envelope = question.transaction().envelope();
                let to: Vec<_> = envelope
                    .recipients
                    .iter()
                    .map(|r| r.path.to_string())
                    .collect();
                let outcome = |to: &String| match to.split('@').next() {
                    Some("full") => Err("452 4.2.2 mailbox full".parse().unwrap()),
                    Some("gone") => Err("550 5.1.1 gone".parse().unwrap()),
                    _ => Ok(text("ID")),
                };
                let outcomes = Outcomes::Each(to.iter().map(outcome).collect());
                let content = self.content.escape_ascii().to_string();
                self.seen.push(format!(
                    "message {} > {}: {content}",
                    envelope.sender,
                    to.join(",")
                ));
                question.answer(outcomes);
            }
            Ask::Abandoned(question) => {
                assert!(self.kept, "only what was begun is abandoned");
                self.kept = false;
                self.seen.push("abandoned".to_owned());
                question.answer(());
            }
            ask => ask.decline(),
        }
    }

    pub fn keeps(&self) -> bool {
        self.kept
    }

    fn login(&mut self, auth: &Auth) -> AuthAnswer {
        let response = match auth {
            Auth::Start { initial: None, .. } => {
                self.challenges = 0;
                return AuthAnswer::Challenge(b"name?".to_vec());
            }
            Auth::Start {
                initial: Some(secret),
                ..
            }
            | Auth::Response(secret) => secret.expose(),
        };
        match response {
            b"alice" => AuthAnswer::Succeeded(text("alice@example.org")),
            b"more" => AuthAnswer::Challenge(b"more".to_vec()),
            b"down" => AuthAnswer::Failed(AuthFailure::Temporary(Some(text("backend down")))),
            b"clear" => AuthAnswer::Failed(AuthFailure::EncryptionRequired),
            b"weak" => AuthAnswer::Failed(AuthFailure::TooWeak),
            _ => AuthAnswer::Failed(AuthFailure::Credentials(None)),
        }
    }

    pub fn take(&mut self, content: Content<'_>) {
        assert!(!content.bytes().is_empty());
        // Pieces are taken in part, too.
        let n = content.bytes().len().min(self.chunk.max(1));
        self.content.extend_from_slice(&content.bytes()[..n]);
        if self.content.ends_with(b"REFUSE ME") {
            return content.refuse("550 5.6.0 not this".parse::<Reply>().unwrap());
        }
        content.taken(n);
    }
}

/// A session, its desk, and the time.
pub struct Rig {
    pub session: Session,
    pub desk: Desk,
    pub now: Instant,
    travel: Travel,
    dice: Dice,
    queue: VecDeque<u8>,
    output: Vec<u8>,
    pub closed: bool,
    half_closed: bool,
    expires: bool,
    steps: usize,
}

impl Rig {
    pub fn new(options: Options, welcome: Welcome, travel: Travel) -> Self {
        let desk = Desk {
            welcome,
            chunk: travel.chunk,
            ..Desk::default()
        };
        Self {
            session: Session::new(Arc::new(options)),
            desk,
            now: Instant::now(),
            travel,
            dice: Dice::new(travel.seed),
            queue: VecDeque::new(),
            output: Vec::new(),
            closed: false,
            half_closed: false,
            expires: false,
            steps: 0,
        }
    }

    /// The client sends this; back comes what the server says before it waits for more.
    pub fn send(&mut self, bytes: &[u8]) -> String {
        self.queue.extend(bytes);
        self.turn();
        let said = std::mem::take(&mut self.output);
        String::from_utf8(said).unwrap()
    }

    pub fn half_close(&mut self) -> String {
        self.half_closed = true;
        self.send(b"")
    }

    pub fn expire(&mut self) -> String {
        self.expires = true;
        self.send(b"")
    }

    pub fn notice(&mut self, notice: Notice) -> String {
        self.session.notice(notice);
        self.send(b"")
    }

    fn turn(&mut self) {
        while !self.closed {
            self.steps += 1;
            assert!(self.steps < 2_000_000, "a session that goes on for ever");
            let step = self.session.step(self.now);
            if self.dice.drops() {
                // A loan may be looked at, and even scribbled into, before it is dropped.
                if let Step::Io(Io::Read(mut room)) = step {
                    room.spare().fill(b'X');
                }
                continue;
            }
            match step {
                Step::Ask(ask) => self.desk.answer(ask),
                Step::Content(content) => self.desk.take(content),
                Step::Io(Io::Write(output)) => {
                    let n = output.bytes().len().min(self.travel.chunk);
                    self.output.extend_from_slice(&output.bytes()[..n]);
                    output.sent(n);
                }
                Step::Io(Io::Read(mut room)) => {
                    assert!(
                        room.deadline().is_some(),
                        "no client is waited for for ever"
                    );
                    let n = room
                        .spare()
                        .len()
                        .min(self.travel.chunk)
                        .min(self.queue.len());
                    if n > 0 {
                        for (place, byte) in room.spare().iter_mut().zip(self.queue.drain(..n)) {
                            *place = byte;
                        }
                        room.filled(n);
                    } else if self.expires {
                        self.expires = false;
                        room.expired();
                    } else if self.half_closed {
                        room.filled(0);
                    } else {
                        return;
                    }
                }
                Step::Io(Io::Wait(until)) => self.now = until.unwrap_or(self.now),
                Step::Io(Io::Layer(upgrade)) => {
                    upgrade.done();
                    self.queue.clear();
                    self.desk.seen.push("tls".to_owned());
                }
                Step::Io(Io::Close) => self.closed = true,
                step => panic!("unknown step {step:?}"),
            }
        }
    }
}

/// A client that is trusted with everything.
pub fn trusted() -> Welcome {
    let mut welcome = Welcome::default();
    welcome.trust.xclient = true;
    welcome.trust.xforward = true;
    welcome.trust.line_ends = Some(LineEnds::Trust);
    welcome.trust.pipelining = true;
    welcome
}

pub fn smtp() -> Options {
    let mut options = Options::smtp("mail.example.org".parse().unwrap());
    options.banner = text("mail.example.org ESMTP Postfix");
    options.error_delay = Duration::from_secs(1);
    options
}

pub fn lmtp() -> Options {
    let mut options = Options::lmtp("mail.example.org".parse().unwrap());
    options.banner = text("mail.example.org Dovecot (Debian) ready.");
    options
}
