//! The TLS of one service: its certificates by server name, its ticket keys, its ALPN; reloaded while it runs.
//!
//! The certificate is chosen from the client's first message, before rustls has a configuration at all. So we
//! know for each connection which one was served (RFC 5929 wants its hash), and each certificate has its
//! own tickets: a resumed session had the same one.

use super::binding;
use super::certificate::{Certificate, TlsError};
use super::provider;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The oldest version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

/// How a service speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Options {
    /// The oldest version spoken.
    pub oldest: Version,
    /// Names of the protocol (RFC 7301): a client that offers names, none of them ours, is refused, for it
    /// talks to somebody else. Empty for no check.
    pub alpn: Vec<Vec<u8>>,
}

impl Options {
    /// For a protocol of that ALPN name: `imap`, `pop3`, `managesieve` as registered; `smtp` and `lmtp`.
    pub fn for_protocol(name: &str) -> Self {
        Self {
            alpn: vec![name.as_bytes().to_vec()],
            ..Self::default()
        }
    }
}

/// Where a service's certificates come from: pairs of files (chain, key).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Sources {
    /// Served unless a name says otherwise; several of different key kinds serve clients of different kinds.
    pub default: Vec<(PathBuf, PathBuf)>,
    /// By server name, or `*.example.org` for the names one label below.
    pub names: Vec<(String, Vec<(PathBuf, PathBuf)>)>,
}

impl Sources {
    /// One certificate for all names.
    pub fn one(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            default: vec![(chain.into(), key.into())],
            names: Vec::new(),
        }
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let named = self.names.iter().flat_map(|(_, pairs)| pairs);
        self.default
            .iter()
            .chain(named)
            .flat_map(|(chain, key)| [chain.as_path(), key.as_path()])
    }
}

/// The TLS of one service.
#[derive(Debug)]
pub struct Service {
    options: Options,
    sources: Sources,
    shelf: ArcSwap<Shelf>,
    /// What the files looked like when they were last read.
    stamps: Mutex<Vec<Stamp>>,
}

type Stamp = Option<(SystemTime, u64)>;

/// The certificates in use.
#[derive(Debug)]
struct Shelf {
    default: Bundle,
    names: HashMap<String, Bundle>,
}

/// The certificates of one name, in order of preference.
#[derive(Debug)]
struct Bundle {
    first: Arc<Served>,
    others: Vec<Arc<Served>>,
}

/// One certificate as one service serves it.
#[derive(Debug)]
pub(in crate::net) struct Served {
    key: Arc<CertifiedKey>,
    config: Arc<ServerConfig>,
    end_point: Option<Vec<u8>>,
}

impl Service {
    /// Reads the certificates that `sources` name. Touches files: call it where blocking is allowed.
    ///
    /// # Errors
    /// When any certificate cannot be used, or there is no default one.
    pub fn open(sources: Sources, options: Options) -> Result<Arc<Self>, TlsError> {
        let stamps = stamps(&sources);
        let shelf = Shelf::open(&sources, &options)?;
        Ok(Arc::new(Self {
            options,
            sources,
            shelf: ArcSwap::from_pointee(shelf),
            stamps: Mutex::new(stamps),
        }))
    }

    /// Serves a certificate that does not come from a file, under all names.
    ///
    /// # Errors
    /// When rustls refuses it.
    pub fn with(certificate: &Certificate, options: Options) -> Result<Arc<Self>, TlsError> {
        let default = Bundle::new(std::slice::from_ref(certificate), &options)?;
        let names = HashMap::new();
        Ok(Arc::new(Self {
            options,
            sources: Sources::default(),
            shelf: ArcSwap::from_pointee(Shelf { default, names }),
            stamps: Mutex::default(),
        }))
    }

    /// Reads all files again; connections that stand keep what they have. Touches files.
    ///
    /// # Errors
    /// When any certificate cannot be used: then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let stamps = stamps(&self.sources);
        *self.stamps.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        if self.sources.default.is_empty() {
            return Ok(());
        }
        let shelf = Shelf::open(&self.sources, &self.options)?;
        self.shelf.store(Arc::new(shelf));
        Ok(())
    }

    /// Reads all files again if any has changed since they were last read; says whether it did. Files that
    /// could not be used are reported once, until they change again. Touches files.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let known = self
            .stamps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if known == stamps(&self.sources) {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    /// The certificate for a client that says hello.
    pub(in crate::net) fn choose(&self, hello: &ClientHello<'_>) -> Arc<Served> {
        let shelf = self.shelf.load();
        let bundle = hello.server_name().and_then(|name| shelf.named(name));
        bundle.unwrap_or(&shelf.default).choose(hello)
    }
}

impl Shelf {
    fn open(sources: &Sources, options: &Options) -> Result<Self, TlsError> {
        let mut names = HashMap::new();
        for (name, pairs) in &sources.names {
            names.insert(name.to_ascii_lowercase(), Bundle::open(pairs, options)?);
        }
        let default = Bundle::open(&sources.default, options)?;
        Ok(Self { default, names })
    }

    fn named(&self, name: &str) -> Option<&Bundle> {
        let name = name.to_ascii_lowercase();
        self.names.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.names.get(&format!("*.{parent}"))
        })
    }
}

impl Bundle {
    fn open(pairs: &[(PathBuf, PathBuf)], options: &Options) -> Result<Self, TlsError> {
        let certificates = pairs
            .iter()
            .map(|(chain, key)| Certificate::open(chain, key))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(&certificates, options)
    }

    fn new(certificates: &[Certificate], options: &Options) -> Result<Self, TlsError> {
        let (first, others) = certificates.split_first().ok_or(TlsError::Missing)?;
        Ok(Self {
            first: Arc::new(Served::new(first, options)?),
            others: others
                .iter()
                .map(|certificate| Served::new(certificate, options).map(Arc::new))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first certificate whose kind of signature the client understands.
    fn choose(&self, hello: &ClientHello<'_>) -> Arc<Served> {
        let understood = |served: &&Arc<Served>| {
            let key = &served.key.key;
            key.choose_scheme(hello.signature_schemes()).is_some()
        };
        let mut all = std::iter::once(&self.first).chain(&self.others);
        Arc::clone(all.find(understood).unwrap_or(&self.first))
    }
}

impl Served {
    fn new(certificate: &Certificate, options: &Options) -> Result<Self, TlsError> {
        let key = Arc::clone(certificate.certified());
        let versions: &[_] = match options.oldest {
            Version::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            Version::Tls13 => &[&rustls::version::TLS13],
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&key))));
        config.alpn_protocols.clone_from(&options.alpn);
        // Keys of its own: a ticket of another service or certificate cannot be opened, and the handshake is a
        // full one. Nothing is remembered here.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let end_point = binding::end_point(key.end_entity_cert()?);
        Ok(Self {
            config: Arc::new(config),
            end_point,
            key,
        })
    }

    pub(in crate::net) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(in crate::net) fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }
}

fn stamps(sources: &Sources) -> Vec<Stamp> {
    let stamp = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    sources.paths().map(stamp).collect()
}
