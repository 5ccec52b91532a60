//! `mailserver`: a complete mail server on one command line, and with nothing on it.

mod banner;
mod control;
mod domains;
mod figures;
mod first_run;
mod location;
mod lock;
mod maillog;
mod options;
mod owner;
mod post;
mod queue;
mod sockets;
mod transports;

use clap::Parser;
use first_run::{DataFolder, Unusable};
use lock::FolderLock;
use mailcore::Server;
use mailcore::auth::{self, Gate};
use mailcore::base::address::Domain;
use mailcore::metrics::Metrics;
use mailcore::net::auth_server::DirectoryServer;
use mailcore::net::listen::Limits;
use mailcore::reception::Desk;
use mailcore::route::{Aliases, Routes};
use mailcore::store::auth::{Hasher, PasswdFile, PasswdFileOptions};
use mailcore::store::mailbox::{MailStore, Maildir, maildir};
use options::{Command, Options};
use owner::Owner;
use post::Post;
use sockets::Sockets;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long sessions may take to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections in all; what the system allows may be less.
const CONNECTIONS: usize = 65_536;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Queue { command }) => {
            control::ask(&options.data, &command.words()).map(ExitCode::from)
        }
        None => run(&options).map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(Unusable(why)) => {
            eprintln!("mailserver: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Unusable> {
    let domains = domains::given(&options.domains)?;
    let first = domains
        .first()
        .ok_or_else(|| Unusable("no domain".to_owned()))?;
    let hostname = format!("mail.{}", first.as_ascii());
    tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::INFO)
        .with(maillog::MailLog::new(&hostname))
        .init();
    let owner = options.mail_user.as_deref().map(Owner::find).transpose()?;
    owner::allow_many_files();
    let held = FolderLock::take(&options.data)?;
    let sockets = Sockets::bind(options)?;
    if let Some(owner) = &owner {
        owner.take_over(&options.data, &held)?;
        owner.become_it()?;
    }
    let folder = DataFolder::open(&options.data, &hostname, first.as_given())?;
    let served = start(options, domains, &hostname, &folder, sockets);
    if served.is_err() {
        folder.forget_unshown_users();
    }
    sockets::forget(options);
    served
}

/// Serves until a signal comes.
fn start(
    options: &Options,
    domains: Vec<Domain>,
    hostname: &str,
    folder: &DataFolder,
    sockets: Sockets,
) -> Result<(), Unusable> {
    let runtime =
        tokio::runtime::Runtime::new().map_err(|e| Unusable(format!("no runtime: {e}")))?;
    runtime.block_on(serve(options, domains, hostname, folder, sockets))
}

async fn serve(
    options: &Options,
    domains: Vec<Domain>,
    hostname: &str,
    folder: &DataFolder,
    sockets: Sockets,
) -> Result<(), Unusable> {
    let wrong = |e: &dyn std::fmt::Display| Unusable(e.to_string());
    let origin = domains
        .first()
        .cloned()
        .ok_or_else(|| Unusable("no domain".to_owned()))?;
    let secret = folder.secret()?;
    let metrics = options.metrics.map(|_| Metrics::new());
    let mut reading = PasswdFileOptions::default();
    reading.every = Duration::ZERO;
    reading.realm = Some(origin.as_ascii().to_owned());
    reading.report = Arc::new(|fault| tracing::warn!("{fault}"));
    let users = PasswdFile::open(&folder.users(), reading, Hasher::new(secret));
    let users = Arc::new(users.map_err(|e| wrong(&e))?);
    domains::warn_of_others(&domains, &users);
    let aliases = options.aliases.clone().unwrap_or_else(|| folder.aliases());
    let aliases = Arc::new(Aliases::open(aliases).map_err(|e| wrong(&e))?);
    let template = options
        .mail_location
        .clone()
        .unwrap_or_else(|| folder.mail_template());
    location::check(&template).map_err(Unusable)?;
    let place = sockets::Owned::by(&template);
    let directory = DirectoryServer::new(users.clone(), users.clone(), Some(Arc::new(place)));
    let mut keeping = maildir::Options::new(template.clone());
    keeping.watches = options.watched_mailboxes;
    if let Some(metrics) = &metrics {
        keeping.figures = Arc::clone(metrics.mailboxes());
    }
    keeping.shared = location::is_shared(&template, options.shared_mail);
    let store: Arc<dyn MailStore> = Arc::new(Maildir::with(keeping));
    let mut gate = auth::Options::new(hostname);
    gate.default_realm = Some(origin.as_ascii().to_owned());
    gate.decoy = secret;
    gate.metrics.clone_from(&metrics);
    let gate = Gate::new(users.clone(), users.clone(), gate);
    let host = hostname.parse().map_err(|e| wrong(&e))?;
    let mut routes = Routes::new(origin, domains, users)
        .with_aliases(aliases)
        .with_hostname(&host);
    if let Some(host) = &options.relay_all_to {
        routes = routes.relay_all_to(host.as_str());
    }
    let transports = options.transports.iter().cloned();
    let routes = Arc::new(routes.with_transports(transports.map(|rule| (rule.domain, rule.next))));
    let post = Post::open(
        options,
        hostname,
        folder,
        Arc::clone(&routes),
        Arc::clone(&store),
    )?;
    let desk = Desk::new(hostname, routes, Arc::clone(&store)).with_queue(post.intake);
    if let Some(metrics) = &metrics {
        metrics.watch(post.kept);
    }
    let control = control::bind(folder.root()).map_err(|e| wrong(&e))?;
    let limits = Limits {
        total: CONNECTIONS,
        per_address: options.max_per_address as usize,
        ..Limits::default()
    };
    let mut builder = Server::builder(hostname)
        .reception(desk)
        .queue(post.setup)
        .gate(gate)
        .directory(directory)
        .mailboxes(store)
        .certificate_files(folder.certificate(), folder.key())
        .limits(limits);
    let told = match (&metrics, options.metrics) {
        (Some(metrics), Some(address)) => {
            builder = builder.metrics(Arc::clone(metrics));
            Some(figures::bind(address, Arc::clone(metrics)).await?)
        }
        _ => None,
    };
    for (protocol, listener) in sockets.listeners().map_err(|e| wrong(&e))? {
        builder = builder.listen_on(protocol, listener);
    }
    let mut stops = [SignalKind::interrupt(), SignalKind::terminate()]
        .map(signal)
        .into_iter();
    let (Some(Ok(mut interrupt)), Some(Ok(mut terminate))) = (stops.next(), stops.next()) else {
        return Err(Unusable("signals cannot be waited for".to_owned()));
    };
    let mut hangup = signal(SignalKind::hangup()).map_err(|e| wrong(&e))?;
    let server = builder.start().map_err(|e| wrong(&e))?;
    let told = told.map(tokio::spawn);
    let control = tokio::spawn(control::serve(control, post.desk));
    if !options.listen.is_loopback() {
        tracing::warn!(
            "LMTP takes mail without a login from whoever reaches {}",
            options.listen
        );
    }
    print!("{}", banner::banner(options, hostname, folder));
    println!("mailserver ready");
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => match server.reload() {
                Ok(()) => tracing::info!("certificates were read again"),
                Err(error) => tracing::error!("certificates stay as they were: {error}"),
            },
        }
    }
    tracing::info!(
        "stopping: {} sessions have {} s to finish",
        server.sessions(),
        PATIENCE.as_secs()
    );
    control.abort();
    if let Some(told) = told {
        told.abort();
    }
    let cut = tokio::select! {
        cut = server.stop(PATIENCE) => cut,
        // Whoever asks twice does not want to wait.
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    if cut > 0 {
        tracing::warn!("{cut} sessions were cut off");
    }
    Ok(())
}
