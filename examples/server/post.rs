//! The way of mail through the queue: where it is kept, which ways it goes, who runs it.

use crate::first_run::{DataFolder, Unusable};
use crate::options::Options;
use mailcore::admin::QueueDesk;
use mailcore::base::address::{Domain, Repertoire};
use mailcore::bounce;
use mailcore::deliver::hosts::{ExchangerOptions, Exchangers, Myself, NextHop};
use mailcore::deliver::smtp::{self, SmtpTransport};
use mailcore::deliver::{Discard, Mailboxes, Refusal, Transport};
use mailcore::dns::{self, Resolve, SystemResolver, ZoneFile};
use mailcore::intake::Intake;
use mailcore::net::connect::own_addresses;
use mailcore::net::tls::client::{Client, Roots};
use mailcore::queue::{Orders, Setup, Ways, scheduler};
use mailcore::route::Routes;
use mailcore::store::mailbox::{Clock, MailStore};
use mailcore::store::queue::{Queue, SegmentQueue};
use std::net::SocketAddr;
use std::sync::Arc;

/// The queue with all that belongs to it.
pub struct Post {
    /// What runs it.
    pub setup: Setup,
    /// The way in.
    pub intake: Intake,
    /// The queue as it is kept.
    pub kept: SegmentQueue,
    /// For administrators.
    pub desk: QueueDesk,
}

impl Post {
    /// Opens the queue in the data folder; says what was found damaged there.
    pub fn open(
        options: &Options,
        hostname: &str,
        folder: &DataFolder,
        routes: Arc<Routes>,
        store: Arc<dyn MailStore>,
    ) -> Result<Self, Unusable> {
        let place = folder.root().join("queue");
        let queue = SegmentQueue::open(&place)
            .map_err(|e| Unusable(format!("{}: {e}", place.display())))?;
        for damage in &queue.recovery().damage {
            tracing::error!("queue: {damage}");
        }
        let kept = queue.clone();
        let queue: Arc<dyn Queue> = Arc::new(queue);
        let orders = Orders::new();
        let intake = Intake::new(
            hostname,
            Arc::clone(&routes),
            Arc::clone(&queue),
            orders.bell(),
        );
        let name = Domain::parse(hostname, Repertoire::Utf8)
            .map_err(|e| Unusable(format!("{hostname}: {e}")))?;
        let mut reports = bounce::Options::new(name.clone());
        reports.origin = routes.origin().clone();
        let resolver = resolver(options)?;
        let exchangers = options
            .group_by_mx
            .then(|| Exchangers::new(Arc::clone(&resolver), ExchangerOptions::default()));
        let setup = Setup {
            queue: Arc::clone(&queue),
            ways: Arc::new(ways(options, &name, &routes, store, &resolver)?),
            routes,
            intake: intake.clone(),
            reports,
            options: scheduler::Options::default(),
            exchangers,
            clock: Clock::system(),
            orders: orders.clone(),
        };
        let desk = QueueDesk::new(queue, orders);
        Ok(Self {
            setup,
            intake,
            kept,
            desk,
        })
    }
}

/// The ways that mail goes by, under the names that Postfix has for them.
fn ways(
    options: &Options,
    hostname: &Domain,
    routes: &Arc<Routes>,
    store: Arc<dyn MailStore>,
    resolver: &Arc<dyn Resolve>,
) -> Result<Ways, Unusable> {
    let mailboxes = Mailboxes::new(Arc::clone(routes), store).saying("delivered to maildir");
    let mut ways = Ways::new();
    let mut add = |name: &str, way: Arc<dyn Transport>| ways.insert(name.into(), way);
    add("virtual", Arc::new(mailboxes));
    add("error", Arc::new(Refusal::Error));
    add("retry", Arc::new(Refusal::Retry));
    add("discard", Arc::new(Discard));
    let tls = Client::open(&Roots::System).map_err(|e| Unusable(e.to_string()))?;
    let tls = Arc::new(tls);
    let relay_host = options.relay_all_to.as_deref().map(|host| {
        NextHop::parse(host).map_err(|e| Unusable(format!("--relay-all-to {host}: {e}")))
    });
    let relay_host = relay_host.transpose()?;
    for (name, mut how) in [
        ("smtp", smtp::Options::smtp(hostname.clone())),
        ("relay", smtp::Options::smtp(hostname.clone())),
        ("lmtp", smtp::Options::lmtp(hostname.clone())),
    ] {
        how.hosts.myself = myself(options, hostname);
        how.relay_host.clone_from(&relay_host);
        if name == "relay" {
            how.program = "postfix/relay/smtp".into();
        }
        let way = SmtpTransport::new(how, Arc::clone(resolver), Arc::clone(&tls));
        add(name, Arc::new(way));
    }
    Ok(ways)
}

/// What names are looked up with.
fn resolver(options: &Options) -> Result<Arc<dyn Resolve>, Unusable> {
    match &options.zone {
        Some(file) => Ok(Arc::new(
            ZoneFile::open(file).map_err(|e| Unusable(format!("--zone: {e}")))?,
        )),
        None => Ok(Arc::new(SystemResolver::open(dns::Options::default()))),
    }
}

/// Who we are, so that mail for others never runs in circles.
fn myself(options: &Options, hostname: &Domain) -> Myself {
    Myself {
        names: vec![hostname.clone()],
        listening: vec![SocketAddr::new(options.listen, options.base_port + 25)],
        // Without them a loop is still seen by our name.
        own: own_addresses().unwrap_or_default(),
    }
}
