//! One start of the server, on whatever the disk holds: queue, mailboxes, desk, machines and runner as they are used, and
//! no socket.

use crate::chance::Chance;
use crate::faults::Faulty;
use crate::letter::{ALIASES, USERS};
use crate::names::Names;
use crate::net::{Cable, Network};
use crate::power::Power;
use crate::remote::{Others, Watched};
use crate::slow::Slow;
use async_trait::async_trait;
use mailcore::base::address::Domain;
use mailcore::bounce;
use mailcore::deliver::smtp::{self, SmtpTransport};
use mailcore::deliver::{Mailboxes, Transport};
use mailcore::intake::Intake;
use mailcore::net::smtp_server::SmtpServer;
use mailcore::net::tls::client::{Client, Level, Policy, Roots};
use mailcore::net::{Bell, Peer, Route, Stream};
use mailcore::queue::scheduler::Options;
use mailcore::queue::{Orders, Runner, Setup, Ways};
use mailcore::reception::{Desk, Role};
use mailcore::route::Routes;
use mailcore::store::Result;
use mailcore::store::auth::{Entry, Hasher, MemoryUsers, Stored, User};
use mailcore::store::disk::Disk;
use mailcore::store::mailbox::maildir::{self, Maildir};
use mailcore::store::mailbox::{Clock, MailStore};
use mailcore::store::queue::{Queue, SegmentQueue, log};
use mailcore::store::table::{Shape, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{DuplexStream, duplex};

const HOST: &str = "mail.here.test";

/// Where clients come from: this host, so that we relay for them.
static ROUTE: Route = Route {
    peer: Peer::Unix(None),
    local: Peer::Unix(None),
};

#[derive(Debug)]
struct Aliases;

#[async_trait]
impl Table for Aliases {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        let found = ALIASES.iter().find(|(name, _)| *name == key);
        Ok(found.map(|(_, list)| (*list).to_owned()))
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

/// A process id that no system gives, another one for each start: to the next start this one is dead.
fn pid() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(5_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn mailboxes(disk: Arc<dyn Disk>, clock: Clock) -> Maildir {
    let mut options = maildir::Options::new("mail/%d/%n");
    options.host = "here".to_owned();
    options.pid = pid();
    options.patrol = Duration::ZERO;
    options.patience = Duration::from_secs(1);
    Maildir::on(disk, clock, options)
}

/// All that is outside of the server, and outlives it.
#[derive(Debug, Clone)]
pub struct Outside {
    pub others: Others,
    pub network: Network,
    pub names: Names,
}

impl Outside {
    pub fn new(chance: &Chance) -> Self {
        Self {
            others: Others::new(chance),
            network: Network::new(chance),
            names: Names::new(chance),
        }
    }

    /// The way to it.
    fn way(&self, power: &Power) -> SmtpTransport {
        let mut options = smtp::Options::smtp(HOST.parse().unwrap());
        // What TLS sends is never twice the same.
        options.tls = Policy::new(Level::None);
        options.connect.dial = Arc::new(Cable {
            network: self.network.clone(),
            others: self.others.clone(),
            power: power.clone(),
        });
        let tls = Client::open(&Roots::Nobody).unwrap();
        SmtpTransport::new(options, Arc::new(self.names.clone()), Arc::new(tls))
    }
}

#[derive(Clone)]
pub struct World {
    pub queue: SegmentQueue,
    server: Arc<SmtpServer>,
}

impl World {
    /// Starts it, within a runtime: the queue is read, and run from here on.
    pub fn start(power: &Power, disk: &Faulty, outside: &Outside, seed: u64) -> Result<Self> {
        let chance = Chance::of(seed).split("world");
        let mut options = log::Options::new("var/queue");
        options.segment = 4 << 10;
        options.buffer = 1 << 10;
        options.seed = seed;
        let queue = SegmentQueue::on(Arc::new(disk.clone()), power.clock.clone(), options)?;
        let users = MemoryUsers::new(Hasher::new([7; 32]));
        for name in USERS {
            users.insert(Entry::new(
                User::new(name),
                Stored::parse("{PLAIN}x").unwrap(),
            ));
        }
        let here: Domain = "here.test".parse().unwrap();
        let routes = Routes::new(here, [], Arc::new(users)).with_aliases(Arc::new(Aliases));
        let routes = Arc::new(routes);
        let store = mailboxes(Arc::new(disk.clone()), power.clock.clone());
        let store: Arc<dyn MailStore> = Arc::new(Slow::new(Arc::new(store), chance));
        let shared: Arc<dyn Queue> = Arc::new(queue.clone());
        let orders = Orders::new();
        let intake = Intake::new(
            HOST,
            Arc::clone(&routes),
            Arc::clone(&shared),
            orders.bell(),
        )
        .with_clock(power.clock.clone());
        let desk = Desk::new(HOST, Arc::clone(&routes), Arc::clone(&store));
        let desk = Arc::new(desk.with_queue(intake.clone()));
        let smtp = mailcore::smtp::server::Options::smtp(HOST.parse().unwrap());
        let watched = |inner: Arc<dyn Transport>| -> Arc<dyn Transport> {
            Arc::new(Watched {
                inner,
                power: power.clone(),
            })
        };
        let local = Mailboxes::new(Arc::clone(&routes), store);
        let ways = Ways::from([
            ("virtual".into(), watched(Arc::new(local))),
            ("smtp".into(), watched(Arc::new(outside.way(power)))),
        ]);
        let runner = Runner::new(Setup {
            exchangers: None,
            queue: shared,
            routes,
            ways: Arc::new(ways),
            intake,
            reports: bounce::Options::new(HOST.parse().unwrap()),
            options: Options::default(),
            clock: power.clock.clone(),
            orders,
        });
        tokio::spawn(runner.run(std::future::pending()));
        Ok(Self {
            queue,
            server: Arc::new(SmtpServer::new(Role::Transfer, smtp, desk, None)),
        })
    }

    /// A client's end of a connection.
    pub fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(16 * 1024);
        let server = Arc::clone(&self.server);
        tokio::spawn(async move { server.serve(Stream::plain(near), &ROUTE, Bell::new()).await });
        far
    }
}
