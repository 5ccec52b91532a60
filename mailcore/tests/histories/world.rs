//! The server, its clients, and what they do to each other.

use crate::client::{Answer, Client};
use crate::event::{Command, Event, FLAGS, SESSIONS};
use crate::files::Files;
use crate::memory::Kind;
use crate::truth::{self, Mail, Truth};
use mailcore::auth::{self, Gate};
use mailcore::net::Bell;
use mailcore::net::imap_server::ImapServer;
use mailcore::net::{Peer, Route, Stream};
use mailcore_base::mailbox::{Flags, Keyword};
use mailcore_imap::server::Options;
use mailcore_store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore_store::mailbox::{Access, Account, MailStore, Mailbox, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Longer than any session takes to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether commands overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    InTurn,
    AtOnce,
}

/// Where the mail lies.
pub struct Home {
    /// Starts the store on what there is.
    pub start: Box<dyn Fn() -> Arc<dyn MailStore>>,
    /// The files, where another program may be at them.
    pub files: Option<Files>,
}

pub struct World {
    pub pace: Pace,
    pub home: Home,
    server: Arc<ImapServer>,
    pub account: Arc<dyn Account>,
    /// Somebody who waits for news of INBOX, so that it is watched, where it can be.
    waiting: Option<Box<dyn Mailbox>>,
    pub clients: Vec<Client>,
    /// The server's side of each connection, and of those that broke.
    sessions: Vec<Option<JoinHandle<()>>>,
    broken: Vec<JoinHandle<()>>,
    /// What a client that is away had selected.
    left: Vec<Option<(usize, bool)>>,
    /// What the command in the air of each client does.
    meant: Vec<Option<Meant>>,
    pub truth: Truth,
    /// How many messages there ever were: each has a size of its own.
    serial: usize,
    /// UIDVALIDITY and UID of each message that was recent, and the selection in which it was.
    pub recent: BTreeMap<(u64, u32), usize>,
    /// UIDVALIDITY and UID of each message that was ever seen, and its size.
    pub sizes: BTreeMap<(u64, u32), usize>,
    selections: usize,
    /// Which selection a client is in.
    pub selected: [usize; SESSIONS],
}

/// A command that was given, and what it was about.
pub struct Meant {
    pub command: Command,
    /// The mailbox that is selected, its UIDVALIDITY, and whether it may be written to.
    pub selected: Option<(usize, u64, bool)>,
    /// The messages.
    pub uids: Vec<u32>,
    /// All that the client knew then, by number.
    pub known: Vec<u32>,
    /// The messages that it brings.
    pub mails: Vec<Mail>,
}

impl Meant {
    /// Whether it is about a mailbox that may be gone.
    fn may_fail(&self) -> bool {
        let selected = self.selected.is_some_and(|(mailbox, ..)| mailbox != 0);
        let named = match self.command {
            Command::Select { mailbox, .. } | Command::Append { mailbox, .. } => mailbox != 0,
            // The message that it is put together of may be gone, too.
            Command::Catenate { .. } | Command::Copy { .. } | Command::Move { .. } => true,
            Command::Create(_) | Command::Delete(_) | Command::Rename(..) => true,
            _ => false,
        };
        selected || named
    }

    /// Whether it does something whatever is selected.
    fn is_elsewhere(&self) -> bool {
        matches!(
            self.command,
            Command::Append { .. }
                | Command::Catenate { .. }
                | Command::Create(_)
                | Command::Delete(_)
                | Command::Rename(..)
        )
    }
}

pub fn set(bits: u8) -> BTreeSet<String> {
    let named = FLAGS.iter().enumerate().filter(|(n, _)| bits & 1 << n != 0);
    named.map(|(_, name)| (*name).to_owned()).collect()
}

pub fn words(flags: &BTreeSet<String>) -> String {
    flags
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A message whose size nobody else's has.
pub fn message(serial: usize) -> String {
    format!("Subject: one of many\r\n\r\n{}\r\n", "x".repeat(serial))
}

impl World {
    pub async fn new(home: Home, pace: Pace) -> Self {
        let (server, account) = serve((home.start)()).await;
        account.create(&truth::name(1), None).await.unwrap();
        let kinds = [Kind::Plain, Kind::Condstore, Kind::Qresync, Kind::Qresync];
        let mut world = Self {
            pace,
            home,
            server,
            account,
            waiting: None,
            clients: (0..SESSIONS)
                .map(|who| Client::new(kinds[who % 4]))
                .collect(),
            sessions: (0..SESSIONS).map(|_| None).collect(),
            broken: Vec::new(),
            left: (0..SESSIONS).map(|who| Some((0, who != 3))).collect(),
            meant: (0..SESSIONS).map(|_| None).collect(),
            truth: Truth::new(),
            serial: 0,
            recent: BTreeMap::new(),
            sizes: BTreeMap::new(),
            selections: 0,
            selected: [0; SESSIONS],
        };
        world.wait_for_news().await;
        for bits in 0..3 {
            world.deliver(0, bits).await;
        }
        for who in 0..SESSIONS {
            world.come(who).await;
        }
        world
    }

    /// A client that is away comes back, to the mailbox in which it was, if that is still there.
    pub async fn come(&mut self, who: usize) {
        while self.clients[who].is_away() {
            let (wire, session) = connect(&self.server);
            self.sessions[who] = Some(session);
            self.clients[who].come(wire).await;
            if let Some((mailbox, write)) = self.left[who].take() {
                let select = Command::Select { mailbox, write };
                self.begin(who, select).await;
                Box::pin(self.finish(who)).await;
            }
        }
    }

    /// A client's connection breaks.
    async fn leave(&mut self, who: usize, lines: u8) {
        if self.clients[who].is_away() {
            return;
        }
        let answer = self.clients[who].hear_some(lines).await;
        let meant = self.meant[who].take();
        if let (Some(meant), Some(answer)) = (&meant, &answer) {
            self.refused(who, meant, answer);
        }
        if self.is_dismissed(who) {
            return;
        }
        let opening = meant.and_then(|meant| match meant.command {
            Command::Select { mailbox, write } => Some((mailbox, write)),
            _ => None,
        });
        let selected = self.clients[who].belief.as_ref();
        self.left[who] = opening.or(selected.map(|belief| (belief.mailbox, belief.writes)));
        self.clients[who].leave();
        self.broken.extend(self.sessions[who].take());
        if self.pace == Pace::InTurn {
            self.mourn().await;
        }
    }

    /// Whether the server has hung up on a client; it has nothing selected when it comes back.
    pub fn is_dismissed(&mut self, who: usize) -> bool {
        let session = self.sessions[who].take_if(|_| self.clients[who].is_away());
        let dismissed = session.is_some();
        self.broken.extend(session);
        dismissed
    }

    /// Whatever connections that broke had begun is over.
    pub async fn mourn(&mut self) {
        for session in self.broken.drain(..) {
            let over = tokio::time::timeout(PATIENCE, session);
            over.await.expect("a session outlives its client").unwrap();
        }
    }

    async fn restart(&mut self) {
        for who in 0..SESSIONS {
            self.leave(who, 3).await;
        }
        self.mourn().await;
        let (server, account) = serve((self.home.start)()).await;
        (self.server, self.account) = (server, account);
        self.wait_for_news().await;
    }

    async fn wait_for_news(&mut self) {
        self.waiting = None;
        if !self.home.files.as_ref().is_some_and(Files::are_watched) {
            return;
        }
        let inbox = self
            .account
            .open(&truth::name(0), Access::Read)
            .await
            .unwrap();
        let known = inbox.sync(None).await.unwrap().now.modseq;
        let waits = tokio::time::timeout(Duration::ZERO, inbox.changed(known));
        assert!(waits.await.is_err(), "nothing has happened");
        self.waiting = Some(inbox);
    }

    pub async fn happens(&mut self, event: Event) {
        match event {
            Event::Begin(who, command) => {
                self.come(who).await;
                self.finish(who).await;
                self.come(who).await;
                self.begin(who, command).await;
                if self.pace == Pace::InTurn && !self.clients[who].idles {
                    self.finish(who).await;
                }
            }
            Event::Finish(who) => self.finish(who).await,
            Event::Deliver(mailbox, flags) => self.deliver(mailbox, flags).await,
            Event::Leave(who, lines) => self.leave(who, lines).await,
            Event::Restart => self.restart().await,
            Event::Foreign(event) => {
                self.serial += 1;
                if let Some(files) = &self.home.files {
                    files.happens(&event, self.serial);
                }
            }
            Event::Settle => self.settle().await,
        }
    }

    pub fn mail(&mut self, flags: BTreeSet<String>) -> (Mail, String) {
        self.serial += 1;
        let text = message(self.serial);
        let size = text.len();
        (Mail { flags, size }, text)
    }

    async fn deliver(&mut self, mailbox: usize, bits: u8) {
        let (mail, text) = self.mail(set(bits));
        let opened = self.account.append(&truth::name(mailbox)).await;
        let there = self.pace == Pace::AtOnce || self.truth.named(mailbox).is_some();
        let mut append = match opened {
            Ok(append) if there => append,
            other => return assert!(other.is_err() && mailbox != 0),
        };
        append.write(text.as_bytes()).await.unwrap();
        let system = Flags::SYSTEM
            .iter()
            .filter(|(_, name)| mail.flags.contains(*name))
            .fold(Flags::NONE, |all, (flag, _)| all | *flag);
        let keywords = mail
            .flags
            .iter()
            .filter_map(|name| Keyword::parse(name).ok());
        let stamp = Stamp {
            flags: system,
            keywords: keywords.collect(),
            ..Stamp::default()
        };
        let appended = append.commit(stamp).await;
        if self.pace == Pace::AtOnce {
            return assert!(appended.is_ok() || mailbox != 0);
        }
        let uid = appended.unwrap().uids.first().unwrap().number();
        let foretold = self.truth.named(mailbox).unwrap().add(mail);
        assert_eq!(uid, foretold);
    }

    // ---- commands

    /// Whether the mailbox that was selected is no more what is there by its name.
    pub fn is_stale(&mut self, meant: &Meant) -> bool {
        meant.selected.is_some_and(|(mailbox, validity, _)| {
            let there = self.truth.named(mailbox);
            there.is_none_or(|life| life.validity != Some(validity))
        })
    }

    async fn begin(&mut self, who: usize, command: Command) {
        let mut meant = Meant {
            uids: Vec::new(),
            selected: None,
            known: Vec::new(),
            mails: Vec::new(),
            command,
        };
        if let Some(belief) = &self.clients[who].belief {
            meant.selected = Some((belief.mailbox, belief.validity, belief.writes));
            meant.known = belief.messages.iter().filter_map(|m| m.uid).collect();
        }
        if self.pace == Pace::InTurn && self.is_stale(&meant) && meant.is_elsewhere() {
            // The server would hang up, and nobody knew whether it was done.
            meant.command = Command::Noop;
        }
        if let Command::Select { mailbox, write } = meant.command {
            self.selections += 1;
            self.selected[who] = self.selections;
            self.clients[who].select(mailbox, write).await;
        } else {
            let line = self.line(who, &mut meant);
            self.clients[who].begin(&line).await;
        }
        self.foresee(who, &meant);
        self.meant[who] = Some(meant);
    }

    /// What the client takes for granted as soon as it says it: a silent change, and that CLOSE closes.
    fn foresee(&mut self, who: usize, meant: &Meant) {
        let client = &mut self.clients[who];
        match &meant.command {
            Command::Unselect | Command::Close => {
                client.remember();
                client.belief = None;
            }
            Command::Store {
                op,
                silent: true,
                flags,
                ..
            } => {
                let Some(belief) = client.belief.as_mut().filter(|b| b.writes) else {
                    return;
                };
                let by = set(*flags);
                belief.take_for_granted(&meant.uids, |flags| truth::changed(flags, op, &by));
            }
            _ => {}
        }
    }

    pub async fn finish(&mut self, who: usize) {
        let client = &mut self.clients[who];
        let Some(answer) = client.finish().await else {
            return;
        };
        if let Some(meant) = self.meant[who].take() {
            self.refused(who, &meant, &answer);
            self.check(who, &meant, &answer);
            if matches!(meant.command, Command::Select { .. }) {
                self.clients[who].resynchronise().await;
            }
        }
        self.clients[who].learn().await;
        if self.is_dismissed(who) && self.pace == Pace::InTurn {
            self.mourn().await;
        }
    }

    /// Of a silent change, what the server has left alone is not as the client took it to be.
    fn refused(&mut self, who: usize, meant: &Meant, answer: &Answer) {
        let by_uid = matches!(&meant.command, Command::Store { which, .. } if which.by_uid);
        let left = answer.modified();
        let Some(belief) = &mut self.clients[who].belief else {
            return;
        };
        if by_uid {
            belief.take_back(|_, message| message.uid.is_some_and(|uid| left.contains(&uid)));
        } else {
            // Numbers of STORE do not move before its answer is over.
            belief.take_back(|number, _| left.contains(&(number as u32)));
        }
    }

    fn check(&mut self, who: usize, meant: &Meant, answer: &Answer) {
        let read_only = answer.text.starts_with("[READ-ONLY]");
        let fine = answer.status == "OK"
            || (answer.status != "BAD" && meant.may_fail())
            || (read_only && matches!(meant.command, Command::Move { .. }));
        assert!(fine, "{:?}: {answer:?}", meant.command);
        if self.pace == Pace::InTurn {
            let validity = self.clients[who].belief.as_ref().map(|b| b.validity);
            self.foretell(meant, answer, validity);
        }
    }
}

async fn serve(store: Arc<dyn MailStore>) -> (Arc<ImapServer>, Arc<dyn Account>) {
    let users = MemoryUsers::new(Hasher::new([7; 32]));
    users.insert(Entry::new(
        User::new("u"),
        Stored::parse("{PLAIN}p").unwrap(),
    ));
    let users = Arc::new(users);
    let gate = Gate::new(users.clone(), users, auth::Options::new("mail.test"));
    let account = store.account(&User::new("u")).await.unwrap();
    let server = Arc::new(ImapServer::new(Options::default(), gate, store));
    (server, account)
}

fn connect(server: &Arc<ImapServer>) -> (tokio::io::DuplexStream, JoinHandle<()>) {
    let (near, far) = tokio::io::duplex(1024);
    let server = Arc::clone(server);
    let address = SocketAddr::from(([127, 0, 0, 1], 143));
    let route = Route {
        peer: Peer::Tcp(address),
        local: Peer::Tcp(address),
    };
    let session =
        tokio::spawn(async move { server.serve(Stream::plain(far), &route, Bell::new()).await });
    (near, session)
}
