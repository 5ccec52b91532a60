//! The server, its clients, and what they do to each other.

use crate::client::{Answer, Client};
use crate::event::{Command, Event, FLAGS, MAILBOXES, SESSIONS};
use crate::truth::{self, Mail, Truth};
use mailcore::auth::{self, Gate};
use mailcore::net::Bell;
use mailcore::net::imap_server::ImapServer;
use mailcore::net::{Peer, Route, Stream};
use mailcore_base::mailbox::{Flags, Keyword};
use mailcore_imap::server::Options;
use mailcore_store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore_store::mailbox::{Account, MailStore, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// Whether commands overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    InTurn,
    AtOnce,
}

pub struct World {
    pub pace: Pace,
    pub account: Arc<dyn Account>,
    pub clients: Vec<Client>,
    /// What the command in the air of each client does.
    meant: Vec<Option<Meant>>,
    pub truth: [Truth; MAILBOXES.len()],
    /// How many messages there ever were: each has a size of its own.
    serial: usize,
    /// Mailbox and UID of each message that was recent, and the selection in which it was.
    pub recent: BTreeMap<(usize, u32), usize>,
    selections: usize,
    /// Which selection a client is in.
    pub selected: [usize; SESSIONS],
}

/// A command that was given, and what it was about.
pub struct Meant {
    pub command: Command,
    /// The mailbox, and whether it may be written to.
    pub selected: Option<(usize, bool)>,
    /// The messages.
    pub uids: Vec<u32>,
    /// All that the client knew then, by number.
    pub known: Vec<u32>,
    /// The message that it brings.
    pub mail: Option<Mail>,
}

pub fn set(bits: u8) -> BTreeSet<String> {
    let named = FLAGS.iter().enumerate().filter(|(n, _)| bits & 1 << n != 0);
    named.map(|(_, name)| (*name).to_owned()).collect()
}

fn words(flags: &BTreeSet<String>) -> String {
    flags
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

fn message(serial: usize) -> String {
    format!("Subject: one of many\r\n\r\n{}\r\n", "x".repeat(serial))
}

impl World {
    pub async fn new(store: Arc<dyn MailStore>, pace: Pace) -> Self {
        let users = MemoryUsers::new(Hasher::new([7; 32]));
        users.insert(Entry::new(
            User::new("u"),
            Stored::parse("{PLAIN}p").unwrap(),
        ));
        let users = Arc::new(users);
        let gate = Gate::new(users.clone(), users, auth::Options::new("mail.test"));
        let account = store.account(&User::new("u")).await.unwrap();
        account.create(&truth::name(1), None).await.unwrap();
        let server = Arc::new(ImapServer::new(Options::default(), gate, store));
        let mut world = Self {
            pace,
            account,
            clients: Vec::new(),
            meant: (0..SESSIONS).map(|_| None).collect(),
            truth: [Truth::new(), Truth::new()],
            serial: 0,
            recent: BTreeMap::new(),
            selections: 0,
            selected: [0; SESSIONS],
        };
        for bits in 0..3 {
            world.deliver(0, bits).await;
        }
        for who in 0..SESSIONS {
            let mut client = Client::new(connect(&server)).await;
            client.begin("LOGIN u p").await;
            assert_eq!(client.finish().await.unwrap().status, "OK");
            world.clients.push(client);
            let select = Command::Select {
                mailbox: 0,
                write: who != 3,
            };
            world.begin(who, select).await;
            world.finish(who).await;
        }
        world
    }

    pub async fn happens(&mut self, event: Event) {
        match event {
            Event::Begin(who, command) => {
                self.finish(who).await;
                self.begin(who, command).await;
                if self.pace == Pace::InTurn && !self.clients[who].idles {
                    self.finish(who).await;
                }
            }
            Event::Finish(who) => self.finish(who).await,
            Event::Deliver(mailbox, flags) => self.deliver(mailbox, flags).await,
            Event::Settle => self.settle().await,
        }
    }

    fn mail(&mut self, flags: BTreeSet<String>) -> (Mail, String) {
        self.serial += 1;
        let text = message(self.serial);
        (
            Mail {
                flags,
                size: text.len(),
            },
            text,
        )
    }

    async fn deliver(&mut self, mailbox: usize, bits: u8) {
        let (mail, text) = self.mail(set(bits));
        let mut append = self.account.append(&truth::name(mailbox)).await.unwrap();
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
        let uid = append
            .commit(stamp)
            .await
            .unwrap()
            .uids
            .first()
            .unwrap()
            .number();
        let foretold = self.truth[mailbox].add(mail);
        assert!(self.pace == Pace::AtOnce || uid == foretold);
    }

    // ---- commands

    async fn begin(&mut self, who: usize, command: Command) {
        let mut meant = Meant {
            uids: Vec::new(),
            selected: None,
            known: Vec::new(),
            mail: None,
            command,
        };
        if let Some(belief) = &self.clients[who].belief {
            meant.selected = Some((belief.mailbox, belief.writes));
            meant.known = belief.messages.iter().filter_map(|m| m.uid).collect();
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

    /// The command as the client says it; NOOP where it has nothing to say it about.
    fn line(&mut self, who: usize, meant: &mut Meant) -> String {
        let line = self.spelled(who, meant);
        line.unwrap_or_else(|| {
            meant.command = Command::Noop;
            "NOOP".to_owned()
        })
    }

    fn spelled(&mut self, who: usize, meant: &mut Meant) -> Option<String> {
        if let Command::Append { mailbox, flags } = meant.command {
            let (mail, text) = self.mail(set(flags));
            let flags = words(&mail.flags);
            let octets = text.len();
            meant.mail = Some(mail);
            return Some(format!(
                "APPEND {} ({flags}) {{{octets}+}}\r\n{text}",
                MAILBOXES[mailbox]
            ));
        }
        let client = &self.clients[who];
        client.belief.as_ref()?;
        let verb = |name: &str, by_uid| match by_uid {
            true => format!("UID {name}"),
            false => name.to_owned(),
        };
        let mut about = |which: &crate::event::Which, name: &str| {
            let (set, uids) = client.resolve(which)?;
            meant.uids = uids;
            Some(format!("{} {set}", verb(name, which.by_uid)))
        };
        Some(match &meant.command {
            Command::Unselect => "UNSELECT".into(),
            Command::Close => "CLOSE".into(),
            Command::Check => "CHECK".into(),
            Command::Idle => "IDLE".into(),
            Command::Expunge => "EXPUNGE".into(),
            Command::Store {
                which,
                op,
                silent,
                flags,
            } => {
                let silent = if *silent { ".SILENT" } else { "" };
                format!(
                    "{} {op}FLAGS{silent} ({})",
                    about(which, "STORE")?,
                    words(&set(*flags))
                )
            }
            Command::Copy { which, to } => format!("{} {}", about(which, "COPY")?, MAILBOXES[*to]),
            Command::Move { which, to } => format!("{} {}", about(which, "MOVE")?, MAILBOXES[*to]),
            Command::UidExpunge(which) => {
                let mut which = which.clone();
                which.by_uid = true;
                about(&which, "EXPUNGE")?
            }
            Command::Fetch { which, body } => {
                let items = if *body {
                    "(UID FLAGS RFC822.SIZE BODY[])"
                } else {
                    "(FLAGS RFC822.SIZE UID)"
                };
                format!("{} {items}", about(which, "FETCH")?)
            }
            Command::Search { by_uid, flag, not } => {
                let not = if *not { "NOT " } else { "" };
                let key = match FLAGS[*flag].strip_prefix('\\') {
                    Some(system) => system.to_ascii_uppercase(),
                    None => format!("KEYWORD {}", FLAGS[*flag]),
                };
                format!("{} {not}{key}", verb("SEARCH", *by_uid))
            }
            Command::Noop | Command::Select { .. } | Command::Append { .. } => return None,
        })
    }

    /// What the client takes for granted as soon as it says it: a silent change, and that CLOSE closes.
    fn foresee(&mut self, who: usize, meant: &Meant) {
        let client = &mut self.clients[who];
        match &meant.command {
            Command::Unselect | Command::Close => client.belief = None,
            Command::Store {
                op,
                silent: true,
                flags,
                ..
            } => {
                let Some(belief) = client.belief.as_mut().filter(|b| b.writes) else {
                    return;
                };
                for message in &mut belief.messages {
                    if message.uid.is_some_and(|uid| meant.uids.contains(&uid))
                        && let Some(believed) = &mut message.flags
                    {
                        *believed = truth::changed(believed, op, &set(*flags));
                    }
                }
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
            self.check(&meant, &answer);
        }
        self.clients[who].learn().await;
    }

    fn check(&mut self, meant: &Meant, answer: &Answer) {
        let gone = matches!(meant.command, Command::Copy { .. } | Command::Move { .. });
        let read_only = answer.text.starts_with("[READ-ONLY]");
        let fine = answer.status == "OK"
            || (answer.status == "NO" && gone)
            || (read_only && matches!(meant.command, Command::Move { .. }));
        assert!(fine, "{:?}: {answer:?}", meant.command);
        if self.pace == Pace::InTurn {
            self.foretell(meant, answer);
        }
    }
}

fn connect(server: &Arc<ImapServer>) -> tokio::io::DuplexStream {
    let (near, far) = tokio::io::duplex(1024);
    let server = Arc::clone(server);
    let address = SocketAddr::from(([127, 0, 0, 1], 143));
    let route = Route {
        peer: Peer::Tcp(address),
        local: Peer::Tcp(address),
    };
    tokio::spawn(async move { server.serve(Stream::plain(far), &route, Bell::new()).await });
    near
}
